/**
 * The program that the design promises to compile, against the sources as they are: every part of it works with every other.
 */
import { Effect, Fiber, Layer, Ref, Schema, type Scope } from "effect"
import { Rpc } from "effect/rpc"
import { expectTypeOf, test } from "vitest"
import {
  Actor,
  type ActorExited,
  ActorPool,
  ActorSystem,
  type CallTimedOut,
  Handle,
  type HandleReleased,
  type MailboxFull,
  type ProtocolError,
  type SpawnError
} from "../../src/index.ts"
import { NodeActorSystem } from "../../src/node/index.ts"

class Overflow extends Schema.TaggedError<Overflow>()("Overflow", { max: Schema.Int }) {}

class Counter extends Actor.Service<Counter>()("Counter", {
  args: Schema.Struct({ start: Schema.Int }),
  protocol: [
    Rpc.make("increment", { payload: { by: Schema.Int }, success: Schema.Int, error: Overflow }),
    Rpc.make("later", { success: Handle.Deferred({ success: Schema.Int }) }),
    Rpc.make("peer", { payload: { n: Schema.Int }, success: Schema.Int })
  ]
}) {}

const CounterLive = Counter.toLayer(({ start }) =>
  Effect.gen(function*() {
    const n = yield* Ref.make(start)
    yield* Effect.addFinalizer((exit) => Effect.log("bye", exit._tag))
    return Counter.handlers({
      increment: ({ by }) => Ref.updateAndGet(n, (x) => x + by),
      later: () => Handle.fork(Ref.get(n).pipe(Effect.delay("1 second"))),
      peer: ({ n }) => Effect.succeed(n)
    })
  })
)

class Getpid extends Actor.Service<Getpid>()("Getpid", { protocol: [Rpc.make("getpid", { success: Schema.Int })] }) {}

const GetpidLive = Getpid.toLayer({ getpid: () => Effect.sync(() => process.pid) })

const program = Effect.gen(function*() {
  const c = yield* Counter
  const x: number = yield* c.increment({ by: 1 })
  const h = yield* c.later()
  const y: number = yield* h.await
  const pool = yield* ActorPool.make(Getpid, { size: 4 })
  const results: Array<number> = yield* Effect.forEach([1, 2, 3, 4, 5], () => pool.client.getpid(), {
    concurrency: "unbounded"
  })
  const pids: Array<number> = yield* pool.broadcast((actor) => actor.getpid())
  const pending = yield* pool.submit((actor) => actor.getpid())
  const p: number = yield* Fiber.join(pending)
  return [x, y, p, pids.length + results.length] as const
}).pipe(
  Effect.catchTag("Overflow", (e) => Effect.succeed([e.max, 0, 0, 0] as const)),
  Effect.provide(Counter.layer({ start: 1 }))
)

test("T1: the program of the design compiles, and its type says all that can go wrong", () => {
  expectTypeOf<Effect.Success<typeof program>>().toExtend<readonly [number, number, number, number]>()
  expectTypeOf<Effect.Error<typeof program>>().toEqualTypeOf<
    SpawnError | ActorExited | CallTimedOut | MailboxFull | ProtocolError | HandleReleased
  >()
  expectTypeOf<Effect.Services<typeof program>>().toEqualTypeOf<ActorSystem | Scope.Scope>()
})

test("T1: on worker threads or in process only the layer differs", () => {
  const onThreads = program.pipe(
    Effect.scoped,
    Effect.provide(NodeActorSystem.layerThreads({ module: new URL("./counter.ts", import.meta.url) }))
  )
  const inProcess = program.pipe(
    Effect.scoped,
    Effect.provide(ActorSystem.layer(Layer.mergeAll(CounterLive, GetpidLive)))
  )
  expectTypeOf<Effect.Services<typeof onThreads>>().toBeNever()
  expectTypeOf(inProcess).toEqualTypeOf(onThreads)
})
