import { assert, it } from "@effect/vitest"
import { Effect, Exit, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import * as Codec from "../src/internal/codec.ts"
import { kindOf } from "../src/internal/target.ts"

const methodOf = (payload: Schema.Struct.Fields) => Codec.methods(RpcGroup.make(Rpc.make("method", { payload })))[0]!

const valueOf = (effect: ReturnType<Codec.Codec["encode"]>): unknown => {
  assert.isTrue(Codec.isSuccess(effect))
  return (effect as Exit.Success<unknown>).value
}

const isRefused = (effect: ReturnType<Codec.Codec["encode"]>): boolean => Exit.isFailure(Effect.runSyncExit(effect))

const one = methodOf({ n: Schema.Int })
const many = methodOf({ id: Schema.Int, name: Schema.NullOr(Schema.String), kind: Schema.Literals(["a", "b"]) })

it("C9: plain fields travel without their names, and arrive as the struct that they were", () => {
  assert.strictEqual(valueOf(one.payload.encode({ n: 5 })), 5)
  assert.deepStrictEqual(valueOf(one.payload.decode(5)), { n: 5 })
  // in whatever order they are written, and without what the schema does not know
  const value = { kind: "b", more: 1, name: null, id: 7 }
  assert.deepStrictEqual(valueOf(many.payload.encode(value)), [7, null, "b"])
  assert.deepStrictEqual(valueOf(many.payload.decode([7, null, "b"])), { id: 7, name: null, kind: "b" })
})

it("C9: a struct with anything else keeps its names", () => {
  for (
    const fields of [
      { at: Schema.Date },
      { n: Schema.NumberFromString },
      { n: Schema.optionalKey(Schema.Int) },
      { n: Schema.Int, inner: Schema.Struct({ n: Schema.Int }) },
      {}
    ]
  ) assert.strictEqual(methodOf(fields).signature, "method")
  const checked = Schema.Struct({ a: Schema.Int, b: Schema.Int }).check(Schema.makeFilter(({ a, b }) => a < b))
  const method = Codec.methods(RpcGroup.make(Rpc.make("method", { payload: checked })))[0]!
  assert.isTrue(isRefused(method.payload.encode({ a: 2, b: 1 })))
})

it("C6: what does not fit is refused, whatever it looks like", () => {
  for (const value of [undefined, null, 5, "five", [5], {}, { n: "5" }, { n: 0.5 }, Object.assign([], { n: 5 })]) {
    assert.isTrue(isRefused(one.payload.encode(value)))
  }
  for (const encoded of [undefined, null, "5", 0.5, { n: 5 }]) assert.isTrue(isRefused(one.payload.decode(encoded)))
  assert.isTrue(isRefused(many.payload.encode({ id: 7, name: "x", kind: "c" })))
  for (const encoded of [undefined, null, 7, [], [7, "x"], [7, "x", "c"], { id: 7, name: "x", kind: "a" }]) {
    assert.isTrue(isRefused(many.payload.decode(encoded)))
  }
})

it("C6: a field of another name is another method, so that nothing is taken for what it is not", () => {
  const info = (method: Codec.Method) => ({
    methods: [method.signature],
    capacity: -1,
    concurrency: 1,
    suspends: true,
    ready: false,
    supervision: undefined
  })
  assert.deepStrictEqual(kindOf([one], info(methodOf({ n: Schema.Int }))).wireMethods, [0])
  assert.deepStrictEqual(kindOf([one], info(methodOf({ m: Schema.Int }))).wireMethods, [-1])
  assert.deepStrictEqual(kindOf([one], info(methodOf({ n: Schema.Int, m: Schema.Int }))).wireMethods, [-1])
})
