/** Members of a pool that can end themselves, and that may not be built any more. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import * as Actor from "../../../../src/Actor.ts"

export class NoMore extends Schema.TaggedError<NoMore>()("NoMore", { build: Schema.Int }) {}

const definition = {
  /** so many builds succeed, of all members together; the others fail. Later ones than `held` wait for the line "go". */
  args: Schema.Struct({ journal: Schema.String, builds: Schema.Int, held: Schema.Int }),
  error: NoMore,
  protocol: [
    /** which build it is, of all members together */
    Rpc.make("who", { success: Schema.Int }),
    /** notes "hanging", and when it is interrupted takes until the line "go" is there */
    Rpc.make("hang"),
    /** the same as `who`, as the only item of a stream */
    Rpc.make("numbers", { success: Schema.Int, stream: true }),
    /** notes "run `n`"; exits if `n` is divisible by `poison` */
    Rpc.make("divide", { payload: { n: Schema.Int, poison: Schema.Int }, success: Schema.Int, error: NoMore }),
    /** the same, and is sent again after a crash */
    Rpc.make("divideAgain", { payload: { n: Schema.Int, poison: Schema.Int }, success: Schema.Int, error: NoMore })
      .annotate(Actor.Idempotent, true),
    /** notes a line */
    Rpc.make("note", { payload: { line: Schema.String } }),
    /** notes "blocking", and computes without end */
    Rpc.make("block"),
    Rpc.make("exit"),
    /** the same, and is sent again after a crash */
    Rpc.make("exitAgain").annotate(Actor.Idempotent, true)
  ]
} as const

export class Mate extends Actor.Service<Mate>()("Mate", definition) {}

/** The same, with four calls at once. */
export class Crew extends Actor.Service<Crew>()("Crew", definition) {}

const buildNumber = (journal: string): number => {
  for (let n = 1;; n++) {
    try {
      fs.closeSync(fs.openSync(`${journal}-${n}`, "wx"))
      return n
    } catch {
      // another member was that one
    }
  }
}

const go = (journal: string): Effect.Effect<void> =>
  Effect.suspend(() =>
    fs.existsSync(journal) && fs.readFileSync(journal, "utf8").includes("go\n")
      ? Effect.void
      : Effect.andThen(Effect.sleep(5), go(journal))
  )

const build = ({ builds, held, journal }: typeof Mate.args.Type) =>
  Effect.gen(function*() {
    const build = buildNumber(journal)
    if (build > held) yield* go(journal)
    if (build > builds) return yield* new NoMore({ build })
    const divide = ({ n, poison }: { readonly n: number; readonly poison: number }) =>
      Effect.gen(function*() {
        fs.appendFileSync(journal, `run ${n}\n`)
        // the calls beside this one have started, too
        yield* Effect.yieldNow
        if (n % poison === 0) process.exit(7)
        if (n < 0) return yield* new NoMore({ build: n })
        return n * 10
      })
    return Mate.handlers({
      who: () => Effect.succeed(build),
      hang: () =>
        Effect.suspend(() => {
          fs.appendFileSync(journal, "hanging\n")
          return Effect.onInterrupt(Effect.never, () => go(journal))
        }),
      numbers: () => Stream.make(build),
      divide,
      divideAgain: divide,
      note: ({ line }) => Effect.sync(() => fs.appendFileSync(journal, `${line}\n`)),
      block: () =>
        Effect.sync(() => {
          fs.appendFileSync(journal, "blocking\n")
          for (;;);
        }),
      exit: () => Effect.sync(() => process.exit(7)),
      exitAgain: () => Effect.sync(() => process.exit(7))
    })
  })
export default Layer.mergeAll(Mate.toLayer(build), Crew.toLayer(build, { concurrency: 4 }))
