// @effect-diagnostics missingEffectError:off
/**
 * What an editor shows where behaviours are written.
 */
import { Effect, type Layer, Ref, Schedule, Stream } from "effect"
import { Rpc } from "effect/rpc"
import { describe, expectTypeOf, test } from "vitest"
import { type Actor, Supervision } from "../../src/index.ts"
import { Clockwork, Counter, Database, Getpid, Overflow, Refused, Torn } from "./fixtures.ts"

type Live<A> = Layer.Layer<Actor.Behaviour<A>>

describe("toLayer", () => {
  test("T1: with an object of handlers, infers their payloads and requires nothing", () => {
    const live = Counter.toLayer({
      increment: ({ by }) => {
        expectTypeOf(by).toEqualTypeOf<number>()
        return by > 10 ? new Overflow({ max: 10 }) : Effect.succeed(by)
      },
      reset: () => Effect.void,
      ticks: ({ upTo }) => {
        expectTypeOf(upTo).toEqualTypeOf<number>()
        return Stream.fail(new Torn({ at: upTo }))
      },
      at: () => Effect.succeed(new Date(0))
    })
    expectTypeOf(live).toEqualTypeOf<Live<Counter>>()
  })

  test("L2: with a function that builds them, infers the arguments and the payloads", () => {
    const live = Counter.toLayer((args) => {
      expectTypeOf(args).toEqualTypeOf<{ readonly start: number; readonly step?: number }>()
      return Effect.map(Ref.make(args.start), (n) => ({
        increment: ({ by }) => {
          expectTypeOf(by).toEqualTypeOf<number>()
          return Ref.updateAndGet(n, (x) => x + by)
        },
        reset: () => Ref.set(n, 0),
        ticks: ({ upTo }) => Stream.make(BigInt(upTo)),
        at: () => Effect.succeed(new Date(0))
      }))
    })
    expectTypeOf(live).toEqualTypeOf<Live<Counter>>()
  })

  test("L2: with a generator that builds them, too", () => {
    const live = Counter.toLayer(({ start }) =>
      Effect.gen(function*() {
        const n = yield* Ref.make(start)
        return {
          increment: ({ by }) => {
            expectTypeOf(by).toEqualTypeOf<number>()
            return Ref.updateAndGet(n, (x) => x + by)
          },
          reset: () => Ref.set(n, 0),
          ticks: ({ upTo }) => Stream.make(BigInt(upTo)),
          at: () => Effect.succeed(new Date(0))
        }
      })
    )
    expectTypeOf(live).toEqualTypeOf<Live<Counter>>()
  })

  test("L2: with Effect.fn, too", () => {
    const live = Counter.toLayer(Effect.fn(function*({ start }) {
      expectTypeOf(start).toEqualTypeOf<number>()
      const n = yield* Ref.make(start)
      return {
        increment: Effect.fnUntraced(function*({ by }) {
          expectTypeOf(by).toEqualTypeOf<number>()
          return yield* Ref.updateAndGet(n, (x) => x + by)
        }),
        reset: () => Ref.set(n, 0),
        ticks: ({ upTo }) => Stream.make(BigInt(upTo)),
        at: () => Effect.succeed(new Date(0))
      }
    }))
    expectTypeOf(live).toEqualTypeOf<Live<Counter>>()
  })

  test("L2: handlers that were typed by `handlers` infer the same way", () => {
    const handlers = Getpid.handlers({ getpid: () => Effect.succeed(1) })
    expectTypeOf(Getpid.toLayer(handlers)).toEqualTypeOf<Live<Getpid>>()
    expectTypeOf(Getpid.toLayer(() => Effect.succeed(handlers))).toEqualTypeOf<Live<Getpid>>()
    Counter.handlers({
      ...counterHandlers,
      increment: ({ by }) => {
        expectTypeOf(by).toEqualTypeOf<number>()
        return Effect.succeed(by)
      }
    })
    // @ts-expect-error - a handler is missing
    Counter.handlers({ reset: () => Effect.void })
  })

  test("C2: a handler may be wrapped to run out of line or without interruption", () => {
    expectTypeOf(Getpid.toLayer({ getpid: () => Rpc.fork(Effect.succeed(1)) })).toEqualTypeOf<Live<Getpid>>()
    expectTypeOf(Getpid.toLayer({ getpid: () => Rpc.uninterruptible(Effect.succeed(1)) }))
      .toEqualTypeOf<Live<Getpid>>()
  })

  test("C1: a handler that does not keep to the protocol does not compile", () => {
    // @ts-expect-error - it is missing
    Getpid.toLayer({})
    // @ts-expect-error - most are missing
    Counter.toLayer(() => Effect.succeed({ reset: () => Effect.void }))
    // @ts-expect-error - its result has the wrong type
    Getpid.toLayer({ getpid: () => Effect.succeed("1") })
    // @ts-expect-error - its result has the wrong type
    Getpid.toLayer(() => Effect.succeed({ getpid: () => Effect.succeed("1") }))
    // @ts-expect-error - the method declares no error
    Getpid.toLayer({ getpid: () => new Overflow({ max: 1 }) })
    // @ts-expect-error - it is no effect
    Getpid.toLayer({ getpid: () => 1 })
    // @ts-expect-error - it wants a payload that the method does not have
    Getpid.toLayer({ getpid: ({ n }: { readonly n: number }) => Effect.succeed(n) })
    // @ts-expect-error - the method declares another error
    Counter.toLayer({ ...counterHandlers, increment: () => new Refused({ why: "no" }) })
    // @ts-expect-error - the method is a stream
    Counter.toLayer({ ...counterHandlers, ticks: () => Effect.succeed(1n) })
    // @ts-expect-error - the items have the wrong type
    Counter.toLayer({ ...counterHandlers, ticks: () => Stream.make(1) })
  })

  test("L2: a behaviour may fail with the start error of its definition, and with no other", () => {
    expectTypeOf(Counter.toLayer(() => new Refused({ why: "no" }))).toEqualTypeOf<Live<Counter>>()
    expectTypeOf(
      Counter.toLayer(({ start }) =>
        Effect.gen(function*() {
          if (start < 0) return yield* new Refused({ why: "negative" })
          return counterHandlers
        })
      )
    ).toEqualTypeOf<Live<Counter>>()
    // @ts-expect-error - that is not its start error
    Counter.toLayer(() => Effect.andThen(new Overflow({ max: 1 }), Effect.succeed(counterHandlers)))
    // @ts-expect-error - it declares no start error
    Getpid.toLayer(() =>
      Effect.andThen(new Refused({ why: "no" }), Effect.succeed({ getpid: () => Effect.succeed(1) }))
    )
  })
})

describe("what a behaviour requires", () => {
  test("T1: shows in its layer, whether building or a handler needs it", () => {
    const built = Getpid.toLayer(() =>
      Effect.map(Database, (database) => ({ getpid: () => Effect.succeed(1).pipe(Effect.andThen(database.get)) }))
    )
    expectTypeOf<Layer.Services<typeof built>>().toEqualTypeOf<Database>()
    const handled = Getpid.toLayer({ getpid: () => Clockwork.use((clock) => clock.tick) })
    expectTypeOf<Layer.Services<typeof handled>>().toEqualTypeOf<Clockwork>()
    const both = Getpid.toLayer(() =>
      Effect.map(Database, () => ({ getpid: () => Clockwork.use((clock) => clock.tick) }))
    )
    expectTypeOf<Layer.Services<typeof both>>().toEqualTypeOf<Database | Clockwork>()
    expectTypeOf<Layer.Success<typeof both>>().toEqualTypeOf<Actor.Behaviour<Getpid>>()
    expectTypeOf<Layer.Error<typeof both>>().toBeNever()
  })

  test("T1: of a stream shows as well", () => {
    const live = Counter.toLayer({
      ...counterHandlers,
      ticks: () => Stream.fromEffect(Effect.map(Database.use((database) => database.get), BigInt))
    })
    expectTypeOf<Layer.Services<typeof live>>().toEqualTypeOf<Database>()
  })

  test("L1: the scope of the actor, and that of a call, are there without being asked for", () => {
    const built = Getpid.toLayer(() =>
      Effect.as(Effect.addFinalizer(() => Effect.void), { getpid: () => Effect.succeed(1) })
    )
    expectTypeOf(built).toEqualTypeOf<Live<Getpid>>()
    const handled = Getpid.toLayer({ getpid: () => Effect.as(Effect.scope, 1) })
    expectTypeOf(handled).toEqualTypeOf<Live<Getpid>>()
  })
})

describe("the options of a behaviour", () => {
  test("C7: are those of an Effect Cluster entity, and what to do when the mailbox is full", () => {
    const handlers = { getpid: () => Effect.succeed(1) }
    Getpid.toLayer(handlers, {
      concurrency: 4,
      mailboxCapacity: "unbounded",
      onFull: "fail",
      supervision: Supervision.make({ schedule: Schedule.spaced("1 second"), maxRestarts: 3 }),
      onExit: (exit) => Effect.succeed(exit._tag === "Failure")
    })
    // @ts-expect-error - there is no such policy
    Getpid.toLayer(handlers, { onFull: "drop" })
    // @ts-expect-error - a vote is a boolean
    Getpid.toLayer(handlers, { onExit: () => Effect.succeed("yes") })
    // @ts-expect-error - a vote cannot fail
    Getpid.toLayer(handlers, { onExit: () => new Refused({ why: "no" }) })
  })
})

const counterHandlers = Counter.handlers({
  increment: ({ by }) => Effect.succeed(by),
  reset: () => Effect.void,
  ticks: ({ upTo }) => Stream.make(BigInt(upTo)),
  at: () => Effect.succeed(new Date(0))
})
