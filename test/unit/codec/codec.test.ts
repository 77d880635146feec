import { assert, it } from "@effect/vitest"
import { Effect, Exit, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { type Codec, issueText } from "../../../src/internal/codec/codec.ts"
import * as Methods from "../../../src/internal/codec/methods.ts"
import { isSuccess } from "../../../src/internal/effect/completed.ts"
import { kindOf } from "../../../src/internal/proxy/actorKind.ts"

const methodOf = (payload: Schema.Struct.Fields) => Methods.methods(RpcGroup.make(Rpc.make("method", { payload })))[0]!

const valueOf = (effect: ReturnType<Codec["encode"]>): unknown => {
  assert.isTrue(isSuccess(effect))
  return (effect as Exit.Success<unknown>).value
}

const isRefused = (effect: ReturnType<Codec["encode"]>): boolean => Exit.isFailure(Effect.runSyncExit(effect))

const one = methodOf({ n: Schema.Int })
const many = methodOf({ id: Schema.Int, name: Schema.NullOr(Schema.String), kind: Schema.Literals(["a", "b"]) })

it("C9: plain fields are encoded without their names, and decode to the same struct", () => {
  assert.strictEqual(valueOf(one.payload.encode({ n: 5 })), 5)
  assert.deepStrictEqual(valueOf(one.payload.decode(5)), { n: 5 })
  // in whatever order they are written, and without what the schema does not know
  const value = { kind: "b", more: 1, name: null, id: 7 }
  assert.deepStrictEqual(valueOf(many.payload.encode(value)), [7, null, "b"])
  assert.deepStrictEqual(valueOf(many.payload.decode([7, null, "b"])), { id: 7, name: null, kind: "b" })
})

it("C9: a struct with other fields is encoded with the names of its fields", () => {
  for (
    const fields of [
      { at: Schema.Date },
      { n: Schema.NumberFromString },
      { n: Schema.optionalKey(Schema.Int) },
      { n: Schema.Int, inner: Schema.Struct({ n: Schema.Int }) },
      {}
    ]
  ) assert.strictEqual(methodOf(fields).signature, "[\"method\"]")
  const checked = Schema.Struct({ a: Schema.Int, b: Schema.Int }).check(Schema.makeFilter(({ a, b }) => a < b))
  const method = Methods.methods(RpcGroup.make(Rpc.make("method", { payload: checked })))[0]!
  assert.isTrue(isRefused(method.payload.encode({ a: 2, b: 1 })))
})

it("C6: a field whose name is a symbol is rejected when the method is defined", () => {
  const payload = Schema.Struct({ [Symbol.for("secret")]: Schema.Int })
  const define = (payload: Schema.Top) => () => Methods.methods(RpcGroup.make(Rpc.make("method", { payload })))
  assert.throws(define(payload), TypeError, "method: a field whose name is a symbol cannot be sent: Symbol(secret)")
  const mixed = Schema.Record(Schema.Union([Schema.String, Schema.Symbol]), Schema.Int)
  assert.throws(define(mixed), TypeError, "method: a record whose keys are symbols and text cannot be sent")
})

it("C6: the text of a refusal names every wrong field", () => {
  const schemas = [
    { a: Schema.Int, b: Schema.Literals(["x"]) },
    { a: Schema.Int, b: Schema.Date },
    { a: Schema.Int, b: Schema.Int, c: Schema.Int.pipe(Schema.withConstructorDefault(Effect.succeed(1))) }
  ]
  for (const fields of schemas) {
    const { encode } = methodOf(fields).payload
    const exit = Effect.runSyncExit(encode({ a: 1.5, b: 1.5 }))
    assert.isTrue(Exit.isFailure(exit))
    const text = issueText((exit as Exit.Failure<never, unknown>).cause)
    assert.include(text, `["a"]`)
    assert.include(text, `["b"]`)
  }
})

it("C6: a value that does not fit its schema is rejected, whatever its shape", () => {
  for (const value of [undefined, null, 5, "five", [5], {}, { n: "5" }, { n: 0.5 }, Object.assign([], { n: 5 })]) {
    assert.isTrue(isRefused(one.payload.encode(value)))
  }
  for (const encoded of [undefined, null, "5", 0.5, { n: 5 }]) assert.isTrue(isRefused(one.payload.decode(encoded)))
  assert.isTrue(isRefused(many.payload.encode({ id: 7, name: "x", kind: "c" })))
  for (const encoded of [undefined, null, 7, [], [7, "x"], [7, "x", "c"], { id: 7, name: "x", kind: "a" }]) {
    assert.isTrue(isRefused(many.payload.decode(encoded)))
  }
})

it("C6: a different field name makes a different method, so that values are never decoded as another field", () => {
  const info = (method: Methods.Method) => ({
    actor: "Numbers",
    methods: [method.signature],
    capacity: -1,
    concurrency: 1,
    suspends: true,
    ready: false,
    callTimeout: undefined,
    runTimeout: undefined,
    supervision: undefined
  })
  assert.deepStrictEqual(kindOf([one], info(methodOf({ n: Schema.Int }))).wireMethods, [0])
  assert.deepStrictEqual(kindOf([one], info(methodOf({ m: Schema.Int }))).wireMethods, [-1])
  assert.deepStrictEqual(kindOf([one], info(methodOf({ n: Schema.Int, m: Schema.Int }))).wireMethods, [-1])
})
