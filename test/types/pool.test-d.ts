/**
 * What an editor shows of a pool.
 */
import { type Cause, Effect, type Exit, type Fiber, type Option, type Scope, Stream } from "effect"
import { describe, expectTypeOf, test } from "vitest"
import { type ActorError, ActorPool, type ActorSystem, type SpawnError } from "../../src/index.ts"
import { Counter, Database, Getpid, type Overflow, type Refused } from "./fixtures.ts"

type RefOf<A extends { readonly spawn: (...args: never) => Effect.Effect<unknown, unknown, unknown> }> = Effect.Success<
  ReturnType<A["spawn"]>
>

declare const pids: Effect.Success<ReturnType<typeof makePids>>
declare const counters: Effect.Success<ReturnType<typeof makeCounters>>
const makePids = () => ActorPool.make(Getpid, { size: 4 })
const makeCounters = () => ActorPool.make(Counter, { size: 4, args: { start: 1 } })

describe("ActorPool.make", () => {
  test("P1: fails with the start error or a SpawnError, and requires a scope and a system", () => {
    expectTypeOf<Effect.Error<ReturnType<typeof makePids>>>().toEqualTypeOf<SpawnError>()
    expectTypeOf<Effect.Error<ReturnType<typeof makeCounters>>>().toEqualTypeOf<SpawnError | Refused>()
    expectTypeOf<Effect.Services<ReturnType<typeof makeCounters>>>().toEqualTypeOf<Scope.Scope | ActorSystem>()
  })

  test("P1: takes the arguments of its actors where they have any, and only there", () => {
    ActorPool.make(Counter, { size: 4, args: { start: 1 } })
    // @ts-expect-error - the arguments are missing
    ActorPool.make(Counter, { size: 4 })
    // @ts-expect-error - a field has the wrong type
    ActorPool.make(Counter, { size: 4, args: { start: "1" } })
    // @ts-expect-error - its actors have no arguments
    ActorPool.make(Getpid, { size: 4, args: { start: 1 } })
    // @ts-expect-error - the arguments are missing
    Counter.layerPool({ size: 4 })
    // @ts-expect-error - its actors have no arguments
    Getpid.layerPool({ size: 4, args: { start: 1 } })
    // @ts-expect-error - the size is missing
    ActorPool.make(Getpid, {})
  })

  test("P2: names its strategy", () => {
    ActorPool.make(Getpid, { size: 4, strategy: "least-busy" })
    ActorPool.make(Getpid, { size: 4, strategy: { hash: (method, payload) => `${method}/${String(payload)}` } })
    ActorPool.make(Counter, {
      size: 4,
      args: { start: 1 },
      strategy: {
        hash: (method, payload) => {
          expectTypeOf(method).toEqualTypeOf<"increment" | "reset" | "ticks" | "at">()
          if (method === "increment") expectTypeOf(payload).toEqualTypeOf<{ readonly by: number }>()
          return method === "ticks" ? String(payload.upTo) : method
        }
      }
    })
    ActorPool.make(Counter, {
      size: 4,
      args: { start: 1 },
      queueCapacity: "unbounded",
      onFull: "fail",
      priority: (method, payload) => method === "increment" ? payload.by : 0
    })
    // @ts-expect-error - the protocol has no such method
    ActorPool.make(Getpid, { size: 4, strategy: { hash: (method) => method === "getpit" ? "" : method } })
    // @ts-expect-error - a priority is a number
    ActorPool.make(Getpid, { size: 4, priority: () => "high" })
    // @ts-expect-error - there is no such strategy
    ActorPool.make(Getpid, { size: 4, strategy: "first" })
    // @ts-expect-error - a key is a string
    ActorPool.make(Getpid, { size: 4, strategy: { hash: () => 1 } })
  })
})

describe("a pool", () => {
  test("P2: has a client of the shape of one actor", () => {
    expectTypeOf(counters.client).toEqualTypeOf<Counter["Service"]>()
    expectTypeOf(pids.client.getpid()).toEqualTypeOf<Effect.Effect<number, ActorError>>()
    expectTypeOf(Effect.forEach([1, 2], () => pids.client.getpid(), { concurrency: "unbounded" })).toEqualTypeOf<
      Effect.Effect<Array<number>, ActorError>
    >()
  })

  test("P3: broadcast gives an array of results, broadcastExit one of exits", () => {
    expectTypeOf(counters.broadcast((counter) => counter.increment({ by: 1 }))).toEqualTypeOf<
      Effect.Effect<Array<number>, Overflow | ActorError>
    >()
    expectTypeOf(counters.broadcastExit((counter) => counter.increment({ by: 1 }))).toEqualTypeOf<
      Effect.Effect<Array<Exit.Exit<number, Overflow | ActorError>>>
    >()
    expectTypeOf(pids.broadcast(() => Database.use((database) => database.get))).toEqualTypeOf<
      Effect.Effect<Array<number>, never, Database>
    >()
  })

  test("P3: submit gives a fiber of the result", () => {
    expectTypeOf(counters.submit((counter) => counter.increment({ by: 1 }))).toEqualTypeOf<
      Effect.Effect<Fiber.Fiber<number, Overflow | ActorError>>
    >()
  })

  test("P4: map takes an iterable or a stream, and fails and requires what the input and the function do", () => {
    const increments = counters.map([1, 2], (counter, by) => counter.increment({ by }))
    expectTypeOf(increments).toEqualTypeOf<Stream.Stream<number, Overflow | ActorError>>()
    const exits = counters.mapUnordered(new Set([1]), (counter, by) => Effect.exit(counter.increment({ by })))
    expectTypeOf(exits).toEqualTypeOf<Stream.Stream<Exit.Exit<number, Overflow | ActorError>>>()
    const input = Stream.fromEffect(
      Database.use((database) => Effect.andThen(Effect.fail("empty" as const), database.get))
    )
    expectTypeOf(
      pids.map(input, (getpid, n) => Effect.map(getpid.getpid(), (pid) => pid + n), { window: 4, chunkSize: 2 })
    )
      .toEqualTypeOf<Stream.Stream<number, "empty" | ActorError, Database>>()
    expectTypeOf(
      counters.mapExit([1, 2], (counter, by) => counter.increment({ by }), {
        attempts: 2,
        onPoison: (item, cause) => {
          expectTypeOf(item).toEqualTypeOf<number>()
          expectTypeOf(cause).toEqualTypeOf<Cause.Cause<Overflow | ActorError>>()
          return Effect.fail("poison" as const)
        }
      })
    ).toEqualTypeOf<Stream.Stream<Exit.Exit<number, Overflow | ActorError>, "poison">>()
    // @ts-expect-error - a number is not an input
    counters.map(1, (counter) => counter.increment({ by: 1 }))
    // @ts-expect-error - there is no such option
    counters.map([1], (counter) => counter.increment({ by: 1 }), { concurrency: 2 })
  })

  test("P7: is resized to a number or between bounds, and fails as its members do when they start", () => {
    expectTypeOf(pids.resize(8)).toEqualTypeOf<Effect.Effect<void, SpawnError>>()
    expectTypeOf(counters.resize({ min: 1, max: 4, idleTimeToLive: "1 minute" })).toEqualTypeOf<
      Effect.Effect<void, SpawnError | Refused>
    >()
    Counter.layerPool({ size: { min: 1, max: 4, idleTimeToLive: 500 }, args: { start: 1 } })
    // @ts-expect-error - for how long those beyond the minimum are kept has no default
    ActorPool.make(Getpid, { size: { min: 1, max: 4 } })
  })

  test("P3: its members are references", () => {
    expectTypeOf(counters.members).toEqualTypeOf<Effect.Effect<ReadonlyArray<RefOf<typeof Counter>>>>()
  })
})

describe("ActorPool.use", () => {
  test("L5: gives an Option, and hides the scope of the pool", () => {
    expectTypeOf(ActorPool.use(Counter, { size: 2, args: { start: 1 } }, (pool) => pool.client.increment({ by: 1 })))
      .toEqualTypeOf<
        Effect.Effect<Option.Option<number>, Overflow | ActorError | SpawnError | Refused, ActorSystem>
      >()
  })
})
