/**
 * What an editor shows where actors are defined and supervised.
 */
import { Effect, type Layer, Schedule, Schema, type Scope } from "effect"
import { Rpc, type RpcGroup } from "effect/rpc"
import { describe, expectTypeOf, test } from "vitest"
import { Actor, type ActorSystem, type SpawnError, Supervision } from "../../src/index.ts"
import { Counter, Getpid, type Refused } from "./fixtures.ts"

describe("Actor.Service", () => {
  test("T1: keeps the protocol as an RpcGroup", () => {
    expectTypeOf(Getpid.protocol).toEqualTypeOf<RpcGroup.RpcGroup<Rpc.Rpc<"getpid", Schema.Void, Schema.Int>>>()
    expectTypeOf(Counter.error).toEqualTypeOf<typeof Refused>()
    expectTypeOf(Getpid.args).toEqualTypeOf<Schema.Void>()
    expectTypeOf(Getpid.error).toEqualTypeOf<Schema.Never>()
  })

  test("T1: takes what Rpc.make gives, and nothing else", () => {
    // @ts-expect-error - a schema is no method
    Actor.Service<Getpid>()("Getpid", { protocol: [Schema.Int] })
    // @ts-expect-error - the protocol is missing
    Actor.Service<Getpid>()("Getpid", {})
    // @ts-expect-error - the arguments are a schema
    Actor.Service<Getpid>()("Getpid", { protocol: [Rpc.make("get")], args: { start: 1 } })
  })

  test("F3: a method can be annotated as idempotent", () => {
    class Store extends Actor.Service<Store>()("Store", {
      protocol: [Rpc.make("get", { success: Schema.Int }).annotate(Actor.Idempotent, true)]
    }) {}
    expectTypeOf<Effect.Success<ReturnType<Store["Service"]["get"]>>>().toEqualTypeOf<number>()
  })

  test("T1: the methods of one actor can be those of another and more", () => {
    class Base extends Actor.Service<Base>()("Base", { protocol: [Rpc.make("ping", { success: Schema.Int })] }) {}
    class More extends Actor.Service<More>()("More", {
      protocol: [...Base.protocol.requests.values(), Rpc.make("pong", { success: Schema.String })]
    }) {}
    expectTypeOf<Effect.Success<ReturnType<More["Service"]["ping"]>>>().toEqualTypeOf<number>()
    expectTypeOf<Effect.Success<ReturnType<More["Service"]["pong"]>>>().toEqualTypeOf<string>()
    const base = Base.handlers({ ping: () => Effect.succeed(1) })
    expectTypeOf(More.toLayer({ ...base, pong: () => Effect.succeed("1") })).toEqualTypeOf<
      Layer.Layer<Actor.Behaviour<More>>
    >()
  })
})

describe("Supervision", () => {
  test("F3: changes nothing in the type of what it supervises", () => {
    const policy = Supervision.make({ schedule: Schedule.spaced("1 second"), maxRestarts: 3, window: "1 minute" })
    expectTypeOf(Counter.spawn({ start: 1 }).pipe(Supervision.supervised(policy))).toEqualTypeOf<
      ReturnType<typeof Counter.spawn>
    >()
    expectTypeOf(Supervision.supervised(Getpid.spawn(), policy)).toExtend<
      Effect.Effect<unknown, SpawnError, Scope.Scope | ActorSystem>
    >()
    expectTypeOf(Supervision.layer(policy)).toEqualTypeOf<Layer.Layer<never>>()
    // @ts-expect-error - a schedule of inputs cannot be asked
    Supervision.make({ schedule: Schedule.identity<string>() })
  })
})
