/** An actor whose handles are used by idle readers, by tells that do not end, and by holders that release them. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Actor from "../../../../src/Actor.ts"
import * as Handle from "../../../../src/Handle.ts"

const Count = { n: Schema.Int }

/** An object whose work ends at a call of its actor. */
export const Worker = Handle.object(
  RpcGroup.make(Rpc.make("work"), Rpc.make("begun", { success: Schema.Int })),
  { name: "Worker" }
)

export class Owner extends Actor.Service<Owner>()("Owner", {
  protocol: [
    /** a long-lived `Deferred`, the same each time */
    Rpc.make("signal", { success: Handle.Deferred({ success: Schema.Int }) }),
    /** the number of fibers that wait for it */
    Rpc.make("waiting", { success: Schema.Int }),
    Rpc.make("complete"),
    Rpc.make("worker", { success: Worker }),
    /** the work of a worker, concurrently */
    Rpc.make("work"),
    /** the amount of work that has begun, when it has reached this amount */
    Rpc.make("begun", { payload: Count, success: Schema.Int }),
    /** lets all work end, later work included */
    Rpc.make("finish"),
    Rpc.make("text", { success: Handle.Ref(Schema.String) }),
    /** sets the text to the numbers from 1 to `n`, one after the other */
    Rpc.make("count", { payload: Count }),
    /** a value that may be a worker */
    Rpc.make("current", { success: Handle.Ref(Schema.NullOr(Worker)) }),
    Rpc.make("hub", { success: Handle.PubSub(Schema.String) }),
    Rpc.make("sink", { success: Handle.PubSub(Schema.String) }),
    Rpc.make("window", { success: Handle.PubSub(Schema.String) }),
    Rpc.make("ping")
  ]
}) {}

export default Owner.toLayer(() =>
  Effect.gen(function*() {
    const signal = yield* Deferred.make<number>()
    const latch = yield* Latch.make()
    const current = yield* Handle.makeRef<typeof Worker.Type | null>(null)
    const [text, hub, sink, window] = yield* Effect.all([
      Handle.makeRef("0"),
      Handle.makePubSub<string>({ capacity: 8 }),
      Handle.makePubSub<string>({ capacity: 8, strategy: "dropping" }),
      Handle.makePubSub<string>({ capacity: 8, strategy: "sliding" })
    ])
    let begun = 0
    const waiters = new Map<number, Deferred.Deferred<void>>()
    const work = Effect.andThen(
      Effect.sync(() => {
        const waiter = waiters.get(++begun)
        if (waiter !== undefined) Deferred.doneUnsafe(waiter, Effect.void)
      }),
      latch.await
    )
    const worker = yield* Worker.of({ work: () => work, begun: () => Effect.sync(() => begun) })
    return Owner.handlers({
      signal: () => Effect.sync(() => Handle.fromDeferred(signal)),
      waiting: () => Effect.sync(() => signal.resumes?.length ?? 0),
      complete: () => Effect.asVoid(Deferred.succeed(signal, 42)),
      worker: () => Effect.succeed(worker),
      work: () => Rpc.fork(work),
      begun: ({ n }) =>
        Rpc.fork(Effect.suspend(() => {
          if (begun >= n) return Effect.succeed(begun)
          const waiter = waiters.get(n) ?? Deferred.makeUnsafe<void>()
          waiters.set(n, waiter)
          return Effect.map(Deferred.await(waiter), () => begun)
        })),
      finish: () => Rpc.fork(Effect.asVoid(latch.open)),
      text: () => Effect.succeed(text),
      count: ({ n }) =>
        Effect.orDie(Effect.forEach(Array.from({ length: n }, (_, i) => String(i + 1)), text.set, { discard: true })),
      current: () => Effect.succeed(current),
      hub: () => Effect.succeed(hub),
      sink: () => Effect.succeed(sink),
      window: () => Effect.succeed(window),
      ping: () => Effect.void
    })
  })
)
