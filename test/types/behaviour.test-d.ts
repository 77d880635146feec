// @effect-diagnostics missingEffectError:off missingLayerContext:off
/**
 * What an editor shows where behaviours are written.
 */
import { Context, Effect, Layer, Ref, Schedule, Schema, Stream } from "effect"
import { Rpc } from "effect/rpc"
import { describe, expectTypeOf, test } from "vitest"
import { Actor, ActorSystem, Supervision, WorkerConfig } from "../../src/index.ts"
import { NodeActorSystem, NodeActorWorker } from "../../src/node/index.ts"
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
    // @ts-expect-error - the protocol has no such method
    Getpid.toLayer({ getpid: () => Effect.succeed(1), getpit: () => Effect.succeed(1) })
    // @ts-expect-error - the protocol has no such method
    Getpid.toLayer(() => Effect.succeed({ getpid: () => Effect.succeed(1), getpit: () => Effect.succeed(1) }))
    // @ts-expect-error - the protocol has no such method
    Getpid.handlers({ getpid: () => Effect.succeed(1), getpit: () => Effect.succeed(1) })
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

describe("the default export of a module", () => {
  const pids = Getpid.toLayer({ getpid: () => Effect.succeed(1) })
  const reads = Getpid.toLayer(() => Effect.map(Database, () => ({ getpid: () => Effect.succeed(1) })))
  const database = Layer.succeed(Database, { get: Effect.succeed(1) })

  test("L2: is a layer of behaviours with all that they require, and keeps its type", () => {
    expectTypeOf(Actor.module(pids)).toEqualTypeOf<Live<Getpid>>()
    expectTypeOf(Actor.module(Layer.merge(pids, Counter.toLayer(counterHandlers)))).toEqualTypeOf<
      Layer.Layer<Actor.Behaviour<Getpid> | Actor.Behaviour<Counter>>
    >()
    expectTypeOf(Actor.module(Layer.provide(reads, database))).toEqualTypeOf<Live<Getpid>>()
    Actor.module(Layer.provideMerge(reads, database))
    Actor.module(Layer.effectDiscard(new Refused({ why: "no" })).pipe(Layer.merge(pids)))
  })

  test("L2: a service that the module does not provide is a type error, as is a layer without behaviours", () => {
    // @ts-expect-error - nothing provides Database
    Actor.module(reads)
    // @ts-expect-error - a layer without behaviours
    Actor.module(database)
    // @ts-expect-error - a layer of nothing
    Actor.module(Layer.empty)
    // @ts-expect-error - no layer
    Actor.module({ getpid: () => Effect.succeed(1) })
  })

  test("L2: the argument of NodeActorWorker.serve is such a layer", () => {
    NodeActorWorker.serve(Layer.provide(reads, database))
    // @ts-expect-error - nothing provides Database
    NodeActorWorker.serve(reads)
    // @ts-expect-error - a layer without behaviours
    NodeActorWorker.serve(database)
  })
})

const counterHandlers = Counter.handlers({
  increment: ({ by }) => Effect.succeed(by),
  reset: () => Effect.void,
  ticks: ({ upTo }) => Stream.make(BigInt(upTo)),
  at: () => Effect.succeed(new Date(0))
})

describe("config", () => {
  class Settings extends WorkerConfig.Service<Settings>()("Settings", {
    tenant: Schema.String,
    port: Schema.optionalKey(Schema.Int)
  }) {}
  class Level extends WorkerConfig.Service<Level>()("Level", Schema.Literals(["low", "high"])) {}
  const needing = Counter.toLayer(Effect.fn(function*() {
    const { port, tenant } = yield* Settings
    expectTypeOf(tenant).toEqualTypeOf<string>()
    expectTypeOf(port).toEqualTypeOf<number | undefined>()
    expectTypeOf(yield* Level).toEqualTypeOf<"low" | "high">()
    return yield* Effect.never
  }))
  const live = needing.pipe(Layer.provide([Settings.layer, Level.layer]))

  test("T4: the layer of a config requires its value, which a module may leave open", () => {
    expectTypeOf(Settings.layer).toEqualTypeOf<Layer.Layer<Settings, never, WorkerConfig.Given<Settings>>>()
    expectTypeOf(Actor.module(live)).toEqualTypeOf(live)
    NodeActorWorker.serve(live)
    // @ts-expect-error - the layer of Level is missing
    Actor.module(needing.pipe(Layer.provide(Settings.layer)))
  })

  test("T4: in memory, the type of the system shows a value that its config does not contain", () => {
    const given = Settings.config({ tenant: "acme" })
    expectTypeOf(ActorSystem.layer(live, { config: given })).toEqualTypeOf<
      Layer.Layer<ActorSystem, never, WorkerConfig.Given<Level>>
    >()
    expectTypeOf(ActorSystem.layer(live, { config: Context.merge(given, Level.config("low")) })).toEqualTypeOf<
      Layer.Layer<ActorSystem>
    >()
    expectTypeOf(ActorSystem.layer(live)).toEqualTypeOf<
      Layer.Layer<ActorSystem, never, WorkerConfig.Given<Settings> | WorkerConfig.Given<Level>>
    >()
  })

  test("P8: a config is a value of its schema, made by `config`", () => {
    NodeActorSystem.layerThreads({ module: "/a.ts", config: Settings.config({ tenant: "acme" }) })
    NodeActorSystem.layerProcesses({
      module: "/a.ts",
      config: Context.merge(Settings.config({ tenant: "acme" }), Level.config("high"))
    })
    // @ts-expect-error - a field has another type
    Settings.config({ tenant: 5 })
    // @ts-expect-error - a field is missing
    Settings.config({})
    // @ts-expect-error - not the result of `config`
    NodeActorSystem.layerThreads({ module: "/a.ts", config: { tenant: "acme" } })
    // @ts-expect-error - a service that is no config
    NodeActorSystem.layerThreads({ module: "/a.ts", config: Context.make(Settings, { tenant: "acme" }) })
  })
})
