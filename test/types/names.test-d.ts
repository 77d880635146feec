/**
 * What an editor shows where methods have names that functions, effects and definitions have, too.
 */
import { Effect, type Layer, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { describe, expectTypeOf, test } from "vitest"
import { Actor, Handle } from "../../src/index.ts"

const payload = { n: Schema.Int }
const method = Actor.method({ payload, success: Schema.Int })
const list = <const Name extends string>(name: Name) => Rpc.make(name, { payload, success: Schema.Int })

const protocol = {
  call: method,
  apply: method,
  bind: method,
  name: method,
  length: method,
  prototype: method,
  arguments: method,
  caller: method,
  of: method,
  use: method,
  pipe: method,
  id: method,
  spawn: method
}

class InRecord extends Actor.Service<InRecord>()("InRecord", { protocol }) {}

class InList extends Actor.Service<InList>()("InList", {
  protocol: [
    list("call"),
    list("apply"),
    list("bind"),
    list("name"),
    list("length"),
    list("prototype"),
    list("arguments"),
    list("caller"),
    list("of"),
    list("use"),
    list("pipe"),
    list("id"),
    list("spawn")
  ]
}) {}

const InObject = Handle.object(protocol)

describe("a method may have the name of a member of functions", () => {
  test("T1: each handler infers its payload, in a record", () => {
    const live = InRecord.toLayer({
      call: ({ n }) => {
        expectTypeOf(n).toEqualTypeOf<number>()
        return Effect.succeed(n)
      },
      apply: ({ n }) => Effect.succeed(n),
      bind: ({ n }) => Effect.succeed(n),
      name: ({ n }) => Effect.succeed(n),
      length: ({ n }) => Effect.succeed(n),
      prototype: ({ n }) => Effect.succeed(n),
      arguments: ({ n }) => Effect.succeed(n),
      caller: ({ n }) => Effect.succeed(n),
      of: ({ n }) => Effect.succeed(n),
      use: ({ n }) => Effect.succeed(n),
      pipe: ({ n }) => Effect.succeed(n),
      id: ({ n }) => Effect.succeed(n),
      spawn: ({ n }) => Effect.succeed(n)
    })
    expectTypeOf(live).toEqualTypeOf<Layer.Layer<Actor.Behaviour<InRecord>>>()
  })

  test("T1: each handler infers its payload, in a list", () => {
    const live = InList.toLayer({
      call: ({ n }) => {
        expectTypeOf(n).toEqualTypeOf<number>()
        return Effect.succeed(n)
      },
      apply: ({ n }) => Effect.succeed(n),
      bind: ({ n }) => Effect.succeed(n),
      name: ({ n }) => Effect.succeed(n),
      length: ({ n }) => Effect.succeed(n),
      prototype: ({ n }) => Effect.succeed(n),
      arguments: ({ n }) => Effect.succeed(n),
      caller: ({ n }) => Effect.succeed(n),
      of: ({ n }) => Effect.succeed(n),
      use: ({ n }) => Effect.succeed(n),
      pipe: ({ n }) => Effect.succeed(n),
      id: ({ n }) => Effect.succeed(n),
      spawn: ({ n }) => Effect.succeed(n)
    })
    expectTypeOf(live).toEqualTypeOf<Layer.Layer<Actor.Behaviour<InList>>>()
  })

  test("H3: each handler infers its payload, in an object", () => {
    InObject.of({
      call: ({ n }) => {
        expectTypeOf(n).toEqualTypeOf<number>()
        return Effect.succeed(n)
      },
      apply: ({ n }) => Effect.succeed(n),
      bind: ({ n }) => Effect.succeed(n),
      name: ({ n }) => Effect.succeed(n),
      length: ({ n }) => Effect.succeed(n),
      prototype: ({ n }) => Effect.succeed(n),
      arguments: ({ n }) => Effect.succeed(n),
      caller: ({ n }) => Effect.succeed(n),
      of: ({ n }) => Effect.succeed(n),
      use: ({ n }) => Effect.succeed(n),
      pipe: ({ n }) => Effect.succeed(n),
      id: ({ n }) => Effect.succeed(n),
      spawn: ({ n }) => Effect.succeed(n)
    })
  })

  test("C1: a handler named `call` keeps to the protocol", () => {
    class Caller extends Actor.Service<Caller>()("Caller", { protocol: { call: method } }) {}
    // @ts-expect-error - its result has the wrong type
    Caller.toLayer({ call: () => Effect.succeed("1") })
    // @ts-expect-error - the protocol has no such method
    Caller.toLayer({ call: ({ n }) => Effect.succeed(n), apply: () => Effect.succeed(1) })
    class Other extends Actor.Service<Other>()("Other", { protocol: { get: method } }) {}
    // @ts-expect-error - the protocol has no such method
    Other.toLayer({ get: ({ n }) => Effect.succeed(n), call: () => Effect.succeed(1) })
  })
})
