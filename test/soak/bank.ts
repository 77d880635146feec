/**
 * What the soak runs: a bank that keeps its accounts in memory and writes down, before it acts, which call it has begun and what it
 * has done. The file can still be read when its worker is gone, and the next incarnation reads its accounts from it.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import * as path from "node:path"
import * as Actor from "../../src/Actor.ts"
import { ActorExited } from "../../src/ActorError.ts"
import * as Handle from "../../src/Handle.ts"

/** What happens to a call on its way. */
const Fate = Schema.Literals([
  "none",
  "slow",
  "busy",
  "defect",
  "exitBefore",
  "exitAfter",
  "killBefore",
  "killAfter",
  "uncaught"
])
export type Fate = typeof Fate.Type

/** One half of a transfer: `attempt` is new for each call, `transfer` stays the same when it is tried again. */
const Move = Schema.Struct({
  attempt: Schema.Int,
  transfer: Schema.Int,
  account: Schema.Int,
  amount: Schema.Int,
  fate: Fate
})
type Move = typeof Move.Type

class Insufficient extends Schema.TaggedError<Insufficient>()("Insufficient", { balance: Schema.Int }) {}

export class Bank extends Actor.Service<Bank>()("Bank", {
  args: Schema.Struct({ directory: Schema.String, bank: Schema.Int }),
  protocol: [
    Rpc.make("withdraw", { payload: Move, success: Schema.Int, error: Insufficient }),
    // it looks whether the transfer has been made, so it may run twice
    Rpc.make("deposit", { payload: Move, success: Schema.Int }).annotate(Actor.Idempotent, true),
    Rpc.make("compute", { payload: { millis: Schema.Int, isPolite: Schema.Boolean } }),
    Rpc.make("count", { payload: { to: Schema.Int }, success: Schema.Int, stream: true }),
    Rpc.make("balances", { success: Schema.Array(Schema.Int) }),
    Rpc.make("compacted")
  ]
}) {}

/** Makes halves of transfers on behalf of others, at the banks to which it is given references; keeps those that it has used. */
export class Teller extends Actor.Service<Teller>()("Teller", {
  protocol: [
    Rpc.make("move", {
      payload: {
        bank: Bank.ref,
        number: Schema.Int,
        /** the same for references to the same bank, until it has ended for good */
        life: Schema.Int,
        kind: Schema.Literals(["withdraw", "deposit"]),
        move: Move
      },
      success: Schema.Int,
      error: Schema.Union([Insufficient, ActorExited])
    })
  ]
}) {}

/** What a bank starts from: its accounts at the beginning of an epoch, whose journal follows. */
export interface Snapshot {
  readonly epoch: number
  readonly balances: ReadonlyArray<number>
}

export const snapshotPath = (directory: string, bank: number): string => path.join(directory, `bank-${bank}.json`)

export const journalPath = (directory: string, bank: number, epoch: number): string =>
  path.join(directory, `bank-${bank}-${epoch}.log`)

const readSnapshot = (directory: string, bank: number): Snapshot =>
  JSON.parse(fs.readFileSync(snapshotPath(directory, bank), "utf8")) as Snapshot

/** What a line of the journal says: a call has begun, or money has moved. */
export type Entry =
  | { readonly _tag: "Begun"; readonly attempt: number }
  | { readonly _tag: "Applied"; readonly key: string; readonly account: number; readonly delta: number }

export const parse = (line: string): Entry => {
  const words = line.split(" ")
  return words[0] === "B"
    ? { _tag: "Begun", attempt: Number(words[1]) }
    : { _tag: "Applied", key: words[1]!, account: Number(words[2]), delta: Number(words[3]) }
}

const spin = (millis: number, check: () => void): void => {
  for (const end = performance.now() + millis; performance.now() < end;) check()
}

/** A reference that a teller keeps. */
interface Known {
  readonly life: number
  readonly ref: typeof Bank.ref.Type
  calls: number
  isReplaced: boolean
}

const TellerLive = Teller.toLayer(
  () =>
    Effect.sync(() => {
      const known = new Map<number, Known>()
      // lets go of what is replaced when the last call through it has ended
      const letGo = (known: Known): Effect.Effect<void> =>
        Effect.suspend(() => known.isReplaced && known.calls === 0 ? Handle.release(known.ref) : Effect.void)
      return Teller.handlers({
        move: ({ bank, kind, life, move, number }) =>
          Effect.suspend(() => {
            const old = known.get(number)
            const isSame = old?.life === life
            const used = isSame ? old : { life, ref: bank, calls: 0, isReplaced: false }
            used.calls++
            known.set(number, used)
            if (old !== undefined && !isSame) old.isReplaced = true
            const unneeded = isSame ? Handle.release(bank) : old === undefined ? Effect.void : letGo(old)
            return Effect.andThen(unneeded, used.ref[kind](move)).pipe(
              Effect.ensuring(Effect.suspend(() => {
                used.calls--
                return letGo(used)
              }))
            )
          }).pipe(
            Effect.catch((error) =>
              error._tag === "Insufficient" || error._tag === "ActorExited" ? Effect.fail(error) : Effect.die(error)
            )
          )
      })
    }),
  { concurrency: "unbounded" }
)

const BankLive = Bank.toLayer(
  ({ bank, directory }) =>
    Effect.sync(() => {
      let epoch = 0
      let balances: Array<number> = []
      const applied = new Set<string>()
      // a call that kills its worker and may run again would do so for ever
      const begun = new Set<number>()
      const load = (): void => {
        const snapshot = readSnapshot(directory, bank)
        epoch = snapshot.epoch
        balances = [...snapshot.balances]
        applied.clear()
        begun.clear()
        const file = journalPath(directory, bank, epoch)
        if (!fs.existsSync(file)) return
        for (const line of fs.readFileSync(file, "utf8").split("\n").slice(0, -1)) {
          const entry = parse(line)
          if (entry._tag === "Begun") {
            begun.add(entry.attempt)
          } else {
            applied.add(entry.key)
            balances[entry.account]! += entry.delta
          }
        }
      }
      load()
      const note = (line: string): void => fs.appendFileSync(journalPath(directory, bank, epoch), `${line}\n`)
      const move =
        (kind: "w" | "d") =>
        ({ account, amount, attempt, transfer, ...move }: Move): Effect.Effect<number, Insufficient> =>
          Effect.gen(function*() {
            const fate = begun.has(attempt) ? "none" : move.fate
            note(`B ${attempt}`)
            if (fate === "slow") yield* Effect.sleep(5)
            if (fate === "busy") spin(3, () => undefined)
            if (fate === "exitBefore") process.exit(7)
            if (fate === "killBefore") process.kill(process.pid, "SIGKILL")
            const key = `${transfer}${kind}`
            if (!applied.has(key)) {
              const balance = balances[account]!
              const delta = kind === "w" ? -amount : amount
              if (balance + delta < 0) return yield* new Insufficient({ balance })
              note(`A ${key} ${account} ${delta}`)
              applied.add(key)
              balances[account] = balance + delta
            }
            if (fate === "exitAfter") process.exit(7)
            if (fate === "killAfter") process.kill(process.pid, "SIGKILL")
            if (fate === "defect") return yield* Effect.die(new Error("a defect of the soak"))
            if (fate === "uncaught") {
              setTimeout(() => {
                throw new Error("uncaught in the soak")
              }, 1)
              return yield* Effect.never
            }
            return balances[account]!
          })
      const deposit = move("d")
      return Bank.handlers({
        withdraw: move("w"),
        deposit: (payload) => Effect.orDie(deposit(payload)),
        compute: ({ isPolite, millis }) =>
          Effect.sync(() => spin(millis, isPolite ? Actor.checkInterrupt : () => undefined)),
        count: ({ to }) => Stream.range(1, to),
        balances: () => Effect.sync(() => balances),
        compacted: () => Effect.sync(load)
      })
    })
)

export default Layer.mergeAll(BankLive, TellerLive)
