/**
 * What an editor shows where actors are started.
 */
import type { Effect, Layer, Option, Scope } from "effect"
import { Worker } from "node:worker_threads"
import { describe, expectTypeOf, test } from "vitest"
import { Actor, type ActorError, type ActorRef, ActorSystem, type SpawnError } from "../../src/index.ts"
import { NodeActorSystem } from "../../src/node/index.ts"
import { Counter, Getpid, type Overflow, type Refused } from "./fixtures.ts"

declare const unknownSystem: Layer.Layer<never>

describe("spawn", () => {
  test("L2: fails with the start error of the behaviour or a SpawnError, and requires a scope and a system", () => {
    const counter = Counter.spawn({ start: 1 })
    expectTypeOf<Effect.Error<typeof counter>>().toEqualTypeOf<SpawnError | Refused>()
    expectTypeOf<Effect.Services<typeof counter>>().toEqualTypeOf<Scope.Scope | ActorSystem>()
    expectTypeOf<Effect.Error<ReturnType<typeof Getpid.spawn>>>().toEqualTypeOf<SpawnError>()
  })

  test("L2: gives a reference that is a client as well", () => {
    const counter = Counter.spawn({ start: 1 })
    type Ref = Effect.Success<typeof counter>
    expectTypeOf<Ref>().toExtend<ActorRef.AnyActorRef>()
    expectTypeOf<Ref>().toExtend<Counter["Service"]>()
    expectTypeOf<Ref["increment"]>().toEqualTypeOf<Counter["Service"]["increment"]>()
  })

  test("L2: takes the arguments of the definition, and no others", () => {
    Counter.spawn({ start: 1 })
    Counter.spawn({ start: 1, step: 2 })
    // @ts-expect-error - the arguments are missing
    Counter.spawn()
    // @ts-expect-error - a field is missing
    Counter.spawn({})
    // @ts-expect-error - a field has the wrong type
    Counter.spawn({ start: "1" })
    // @ts-expect-error - a field is not in the schema
    Counter.spawn({ start: 1, stop: 2 })
    // @ts-expect-error - an optional key is not an undefined value
    Counter.spawn({ start: 1, step: undefined })
    // @ts-expect-error - one argument too many
    Counter.spawn({ start: 1 }, 2)
  })

  test("L2: takes only options for an actor without arguments", () => {
    Getpid.spawn()
    Getpid.spawn({ name: "main" })
    // @ts-expect-error - it has no arguments
    Getpid.spawn({ start: 1 })
    // @ts-expect-error - nor a number
    Getpid.spawn(1)
  })

  test("L2: takes a name after the arguments, and finds the actor by it", () => {
    Counter.spawn({ start: 1 }, { name: "main" })
    // @ts-expect-error - a name is a string
    Counter.spawn({ start: 1 }, { name: 1 })
    expectTypeOf(Counter.named("main")).toEqualTypeOf<
      Effect.Effect<Effect.Success<ReturnType<typeof Counter.spawn>>, never, ActorSystem>
    >()
    expectTypeOf(Actor.named(Counter, "main")).toEqualTypeOf<
      Effect.Effect<Effect.Success<ReturnType<typeof Counter.spawn>>>
    >()
  })
})

describe("layer", () => {
  test("L1: provides the service of the class and requires a system", () => {
    expectTypeOf(Counter.layer({ start: 1 })).toEqualTypeOf<Layer.Layer<Counter, SpawnError | Refused, ActorSystem>>()
    expectTypeOf(Getpid.layer()).toEqualTypeOf<Layer.Layer<Getpid, SpawnError, ActorSystem>>()
    // @ts-expect-error - the arguments are missing
    Counter.layer()
    // @ts-expect-error - it has no arguments
    Getpid.layer({ start: 1 })
  })

  test("P2: a pool can back the same service", () => {
    expectTypeOf(Getpid.layerPool({ size: 2 })).toEqualTypeOf<
      Layer.Layer<Getpid | Actor.Pool<Getpid>, SpawnError, ActorSystem>
    >()
    expectTypeOf(Counter.layerPool({ size: 2, args: { start: 1 } })).toEqualTypeOf<
      Layer.Layer<Counter | Actor.Pool<Counter>, SpawnError | Refused, ActorSystem>
    >()
    expectTypeOf(Counter.Pool.use((pool) => pool.resize(2))).toEqualTypeOf<
      Effect.Effect<void, SpawnError | Refused, Actor.Pool<Counter>>
    >()
  })

  test("L1: the class is the tag of its client", () => {
    const increment = Counter.use((counter) => counter.increment({ by: 1 }))
    expectTypeOf(increment).toEqualTypeOf<Effect.Effect<number, Overflow | ActorError, Counter>>()
    expectTypeOf(Counter.useSync((counter) => counter.increment)).toEqualTypeOf<
      Effect.Effect<Counter["Service"]["increment"], never, Counter>
    >()
    expectTypeOf<Counter["Service"]>().toEqualTypeOf<typeof Counter.Service>()
    expectTypeOf(Counter.id).toEqualTypeOf<"Counter">()
  })
})

describe("use", () => {
  test("L5: gives an Option, and hides the scope of the actor", () => {
    const used = Actor.use(Counter, [{ start: 1 }], (counter) => counter.increment({ by: 1 }))
    expectTypeOf(used).toEqualTypeOf<
      Effect.Effect<Option.Option<number>, Overflow | ActorError | SpawnError | Refused, ActorSystem>
    >()
    expectTypeOf(Actor.use(Getpid, [], (pid) => pid.getpid())).toEqualTypeOf<
      Effect.Effect<Option.Option<number>, ActorError | SpawnError, ActorSystem>
    >()
    // @ts-expect-error - the arguments are missing
    Actor.use(Counter, [], (counter) => counter.increment({ by: 1 }))
  })
})

describe("systems", () => {
  test("T1: every placement provides the same service", () => {
    expectTypeOf(ActorSystem.layer(unknownSystem)).toEqualTypeOf<Layer.Layer<ActorSystem>>()
    expectTypeOf(NodeActorSystem.layerThreads({ module: new URL("file:///a.ts") })).toEqualTypeOf<
      Layer.Layer<ActorSystem>
    >()
    expectTypeOf(NodeActorSystem.layerProcesses({ module: "/a.ts", env: { A: "1" }, spin: false })).toEqualTypeOf<
      Layer.Layer<ActorSystem>
    >()
    expectTypeOf(NodeActorSystem.layerThreads({
      module: "/a.ts",
      name: "pricing",
      env: { ...process.env, A: "1" },
      argv: ["--verbose"],
      execArgv: ["--import=tsx"]
    })).toEqualTypeOf<Layer.Layer<ActorSystem>>()
    // @ts-expect-error - the function passes the environment to `new Worker`
    NodeActorSystem.layerThreads({ worker: () => new Worker("/a.js"), env: {} })
    // @ts-expect-error - the values of an environment are text
    NodeActorSystem.layerProcesses({ module: "/a.ts", env: { A: 1 } })
    // @ts-expect-error - nor have processes limits that are set from outside
    NodeActorSystem.layerProcesses({ module: "/a.ts", resourceLimits: {} })
    // @ts-expect-error - the module is missing
    NodeActorSystem.layerThreads({})
  })
})
