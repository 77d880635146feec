import { assert, it } from "@effect/vitest"
import { Context, Effect, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { Actor, ActorSystem, Handle } from "../../../src/index.ts"

const reserved = ["then", "toJSON", "toString", "valueOf", "constructor", "hasOwnProperty", "~effect/Effect", ""]

for (const name of [...reserved, "__proto__"]) {
  it(`T1: a method cannot have the name ${JSON.stringify(name)}`, () => {
    const text = `a method cannot have the name ${name === "" ? `""` : name}, which is reserved`
    const record = Object.defineProperty({}, name, { enumerable: true, value: Actor.method() })
    assert.throws(() => Actor.Service()("Odd", { protocol: record }), TypeError, `Actor.Service("Odd"): ${text}`)
    const list: ReadonlyArray<Rpc.Any> = [Rpc.make(name)]
    assert.throws(() => Actor.Service()("Odd", { protocol: list }), TypeError, `Actor.Service("Odd"): ${text}`)
    const group: RpcGroup.RpcGroup<Rpc.Any> = RpcGroup.make(...list)
    assert.throws(() => Handle.object(group), TypeError, `Handle.object("Object"): ${text}`)
    assert.throws(() => Handle.object(record, { name: "Odd" }), TypeError, `Handle.object("Odd"): ${text}`)
  })
}

it("T1: the name of a method cannot be a symbol", () => {
  const protocol = { [Symbol.iterator]: Actor.method() }
  assert.throws(
    () => Actor.Service()("Odd", { protocol: protocol as object as Record<string, Actor.Method> }),
    TypeError,
    "a method cannot have the name Symbol(Symbol.iterator), which is reserved"
  )
})

it("T1: a method of a list cannot occur twice", () => {
  assert.throws(
    () => Actor.Service()("Odd", { protocol: [Rpc.make("get"), Rpc.make("get")] }),
    TypeError,
    `Actor.Service("Odd"): the protocol defines the method get twice`
  )
})

class Names extends Actor.Service<Names>()("Names", {
  protocol: {
    pipe: Actor.method({ success: Schema.String }),
    asEffect: Actor.method({ payload: { n: Schema.Int }, success: Schema.Int }).annotate(Actor.Idempotent, true),
    name: Actor.method({ success: Schema.String })
  }
}) {}

it.effect("T1: the methods of a record have the names of its keys, and keep their annotations", () =>
  Effect.gen(function*() {
    assert.deepStrictEqual(Array.from(Names.protocol.requests.keys()), ["pipe", "asEffect", "name"])
    assert.isTrue(Context.get(Names.protocol.requests.get("asEffect")!.annotations, Actor.Idempotent))
    const names = yield* Names.spawn()
    assert.deepStrictEqual([yield* names.pipe(), yield* names.asEffect({ n: 1 }), yield* names.name()], ["a", 2, "b"])
  }).pipe(
    Effect.provide(ActorSystem.layer(Names.toLayer({
      pipe: () => Effect.succeed("a"),
      asEffect: ({ n }) => Effect.succeed(n + 1),
      name: () => Effect.succeed("b")
    })))
  ))
