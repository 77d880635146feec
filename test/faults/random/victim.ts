/** The actors of the random model: each call notes its number in a journal on disk before it does anything. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Transferable from "effect/workers/Transferable"
import * as fs from "node:fs"
import { parentPort } from "node:worker_threads"
import * as Actor from "../../../src/Actor.ts"
import { ActorSystem } from "../../../src/ActorSystem.ts"

/** What a handler does when it has begun. */
export const fates = [
  "return",
  "yield",
  "sleep",
  "block",
  "unsendable",
  "die",
  "exit",
  "throw",
  "hangUp",
  "sigkill"
] as const
export type Fate = (typeof fates)[number]

const args = Schema.Struct({ journal: Schema.String })
const call = { id: Schema.Int, fate: Schema.Literals(fates) }

export class Victim extends Actor.Service<Victim>()("Victim", {
  args,
  protocol: [
    Rpc.make("work", { payload: call, success: Schema.Any }),
    /** cannot be interrupted */
    Rpc.make("finish", { payload: call, success: Schema.Any }),
    /** out of line */
    Rpc.make("fork", { payload: call, success: Schema.Any }),
    /** may run twice */
    Rpc.make("repeat", { payload: call, success: Schema.Any }).annotate(Actor.Idempotent, true),
    /** takes anything, which may be what cannot be sent */
    Rpc.make("accept", { payload: { ...call, value: Schema.Any }, success: Schema.Any }),
    /** hands bytes back, which it may have given away before */
    Rpc.make("move", { payload: { ...call, bytes: Transferable.Uint8Array }, success: Transferable.Uint8Array }),
    /** items, one of which may be what cannot be sent */
    Rpc.make("items", { payload: call, success: Schema.Any, stream: true })
  ]
}) {}

/** Passes calls on: those of its own victim's reference, and those that it is asked to make. */
export class Middleman extends Actor.Service<Middleman>()("Middleman", {
  args,
  protocol: [
    /** a victim in a system of its own */
    Rpc.make("own", { success: Victim.ref }),
    Rpc.make("keep", { payload: { victim: Victim.ref } }),
    /** the one that it keeps */
    Rpc.make("kept", { success: Victim.ref })
  ]
}) {}

const notCloneable = (): undefined => undefined

const acts: Record<Fate, () => Effect.Effect<unknown>> = {
  return: () => Effect.void,
  yield: () => Effect.yieldNow,
  sleep: () => Effect.sleep(Math.random() * 5),
  block: () =>
    Effect.sync(() => {
      for (const end = performance.now() + Math.random() * 10; performance.now() < end;);
    }),
  unsendable: () => Effect.succeed(notCloneable),
  die: () => Effect.die("as it was told"),
  exit: () => Effect.sync(() => process.exit(7)),
  throw: () =>
    Effect.sync(() => {
      setImmediate(() => {
        throw new Error("as it was told")
      })
    }),
  hangUp: () =>
    Effect.sync(() => {
      if (parentPort !== null) parentPort.close()
      else process.disconnect()
    }),
  sigkill: () => Effect.sync(() => process.kill(process.pid, "SIGKILL"))
}

const build = ({ journal }: typeof args.Type) => {
  const act = ({ fate, id }: { readonly id: number; readonly fate: Fate }): Effect.Effect<any> =>
    Effect.suspend(() => {
      fs.appendFileSync(journal, `${id}\n`)
      return acts[fate]()
    })
  return Effect.succeed(Victim.handlers({
    work: act,
    finish: (payload) => Rpc.uninterruptible(act(payload)),
    fork: (payload) => Rpc.fork(act(payload)),
    repeat: act,
    accept: act,
    move: ({ bytes, ...payload }) =>
      Effect.map(act(payload), (value) => {
        if (value === notCloneable) structuredClone(bytes, { transfer: [bytes.buffer] })
        return bytes
      }),
    items: (payload) =>
      Stream.fromEffect(act(payload)).pipe(Stream.flatMap((value) => Stream.make(1, 2, value, 3), { concurrency: 1 }))
  }))
}

const VictimLive = Victim.toLayer(build)

const MiddlemanLive = Middleman.toLayer((args) =>
  Effect.gen(function*() {
    const system = yield* Layer.build(ActorSystem.layer(VictimLive))
    const own = yield* Effect.orDie(Effect.provideContext(Victim.spawn(args), system))
    let kept = own
    return Middleman.handlers({
      own: () => Effect.succeed(own),
      keep: ({ victim }) =>
        Effect.sync(() => {
          kept = victim
        }),
      kept: () => Effect.sync(() => kept)
    })
  })
)

export default Layer.mergeAll(VictimLive, MiddlemanLive)
