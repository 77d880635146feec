/**
 * What an editor shows where actors are defined and supervised.
 */
import { Effect, type Layer, Schedule, Schema, type Scope, Stream } from "effect"
import { Rpc, type RpcGroup, type RpcSchema } from "effect/rpc"
import { describe, expectTypeOf, test } from "vitest"
import { Actor, type ActorError, type ActorSystem, Handle, type SpawnError, Supervision } from "../../src/index.ts"
import { Counter, Getpid, Overflow, type Refused } from "./fixtures.ts"

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

  test("T1: a record of methods is an RpcGroup, too", () => {
    class Store extends Actor.Service<Store>()("Store", {
      protocol: {
        get: Actor.method({ payload: { key: Schema.String }, success: Schema.Int, error: Overflow }).annotate(
          Actor.Idempotent,
          true
        ),
        clear: Actor.method(),
        keys: Actor.method({ success: Schema.String, error: Overflow, stream: true })
      }
    }) {}
    expectTypeOf(Store.protocol).toEqualTypeOf<
      RpcGroup.RpcGroup<
        | Rpc.Rpc<"get", Schema.Struct<{ key: Schema.String }>, Schema.Int, typeof Overflow>
        | Rpc.Rpc<"clear">
        | Rpc.Rpc<"keys", Schema.Void, RpcSchema.Stream<Schema.String, typeof Overflow>>
      >
    >()
    const store = {} as Store["Service"]
    expectTypeOf(store.get({ key: "a" })).toEqualTypeOf<Effect.Effect<number, Overflow | ActorError>>()
    expectTypeOf(store.clear(undefined, { discard: true })).toEqualTypeOf<Effect.Effect<void, ActorError>>()
    expectTypeOf(store.keys()).toEqualTypeOf<Stream.Stream<string, Overflow | ActorError>>()
    // @ts-expect-error - a field has the wrong type
    store.get({ key: 1 })
    // @ts-expect-error - the actor has no such method
    store.put()
    expectTypeOf(
      Store.toLayer({
        get: ({ key }) => {
          expectTypeOf(key).toEqualTypeOf<string>()
          return Effect.succeed(1)
        },
        clear: () => Effect.void,
        keys: () => Stream.make("a")
      })
    ).toEqualTypeOf<Layer.Layer<Actor.Behaviour<Store>>>()
    // @ts-expect-error - a handler is missing
    Store.toLayer({ clear: () => Effect.void, keys: () => Stream.make("a") })
    // @ts-expect-error - the name of an Rpc is its tag
    Actor.Service<Store>()("Store", { protocol: { get: Rpc.make("put") } })
  })

  test("T1: a method cannot have a reserved name", () => {
    // @ts-expect-error - a client would be a promise
    // oxlint-disable-next-line unicorn/no-thenable -- the type refuses the name
    Actor.Service<Getpid>()("Getpid", { protocol: { then: Actor.method() } })
    // @ts-expect-error - a client would be a promise
    Actor.Service<Getpid>()("Getpid", { protocol: [Rpc.make("get"), Rpc.make("then")] })
    // @ts-expect-error - JSON.stringify calls it
    Actor.Service<Getpid>()("Getpid", { protocol: { toJSON: Actor.method() } })
    // @ts-expect-error - every object of handlers inherits it
    Handle.object({ constructor: Actor.method() })
    // @ts-expect-error - names with ~ belong to Effect
    Handle.object({ "~effect/Effect": Actor.method() })
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
