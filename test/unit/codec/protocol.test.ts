import { assert, it } from "@effect/vitest"
import { Context, Effect, Layer, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { Actor, ActorPool, ActorSystem, Handle } from "../../../src/index.ts"

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

// members of functions, effects and definitions
const names = ["call", "apply", "bind", "name", "length", "prototype", "arguments", "caller", "of", "use", "pipe", "id"]
const method = Actor.method({ payload: { n: Schema.Int }, success: Schema.Int })
const record = Object.fromEntries(names.map((name) => [name, method.annotate(Actor.Idempotent, true)]))
const list = names.map((name) => Rpc.make(name, { payload: { n: Schema.Int }, success: Schema.Int }))
const handlers = Object.fromEntries(
  names.map((name, i) => [name, ({ n }: { readonly n: number }) => Effect.succeed(n + i)])
)
const results = names.map((_, i) => 10 + i)

class InRecord extends Actor.Service<InRecord>()("InRecord", { protocol: record }) {}
class InList extends Actor.Service<InList>()("InList", { protocol: list }) {}
const InObject = Handle.object(record)

const live = Layer.mergeAll(InRecord.toLayer(handlers), InList.toLayer(() => Effect.succeed(handlers)))
const callEach = <E>(client: Readonly<Record<string, (payload: { readonly n: number }) => Effect.Effect<number, E>>>) =>
  Effect.forEach(names, (name) => client[name]!({ n: 10 }))

it("T1: the methods of a record have the names of its keys, and keep their annotations", () => {
  assert.deepStrictEqual(Array.from(InRecord.protocol.requests.keys()), names)
  assert.isTrue(Context.get(InRecord.protocol.requests.get("pipe")!.annotations, Actor.Idempotent))
})

it.effect("T1: a method may have the name of a member of functions, of an actor, a pool and an object", () =>
  Effect.gen(function*() {
    assert.deepStrictEqual(yield* callEach(yield* InRecord.spawn()), results)
    assert.deepStrictEqual(yield* callEach(yield* InList.spawn()), results)
    const pool = yield* ActorPool.make(InRecord, { size: 1 })
    assert.deepStrictEqual(yield* callEach(pool.client), results)
    assert.deepStrictEqual(yield* callEach(yield* InObject.of(handlers)), results)
  }).pipe(Effect.provide(ActorSystem.layer(live))))
