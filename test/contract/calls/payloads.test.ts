import { assert, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import behaviours, { Desk, type Everything, Point } from "../fixtures/desk.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/desk.ts", import.meta.url), behaviours }

const everything = (): typeof Everything.Type => ({
  at: new Date(1234),
  big: 2n ** 80n,
  counts: new Map([["a", 1]]),
  tags: new Set(["x", "y"]),
  bytes: new Uint8Array([1, 2, 3]),
  nothing: undefined,
  notANumber: Number.NaN,
  maybe: Option.some(3),
  point: new Point({ x: 1, y: 2 }),
  either: { deep: [new Point({ x: 3, y: 4 })] }
})

onEveryPlacement(fixture, (placement) => {
  it.live("C9: values arrive with their types", () =>
    Effect.gen(function*() {
      const desk = yield* Desk.spawn()
      assert.deepStrictEqual(yield* desk.everything(everything()), everything())
      assert.isTrue(yield* desk.isPoint({ point: new Point({ x: 1, y: 1 }) }))
      assert.strictEqual(yield* desk.withDefault({}), 7)
    }).pipe(Effect.provide(placement.layer())))

  it.live("C9: an object shared by several calls arrives as a separate copy for each call", () =>
    Effect.gen(function*() {
      const desk = yield* Desk.spawn()
      const inner = ["mine"]
      const list = { inner }
      yield* Effect.all([desk.keep({ list }), desk.keep({ list }), desk.keep({ list: { inner } })], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(yield* desk.kept(), Array.from({ length: 3 }, () => ({ inner: ["mine", "changed"] })))
      assert.deepStrictEqual(inner, ["mine"])
    }).pipe(Effect.provide(placement.layer())))

  it.live("C9: a payload of 64 MB arrives whole", () =>
    Effect.gen(function*() {
      const desk = yield* Desk.spawn()
      assert.strictEqual(yield* desk.size({ bytes: new Uint8Array(64 * 2 ** 20) }), 64 * 2 ** 20)
    }).pipe(Effect.provide(placement.layer())))

  it.live("C8: the handler's span is a child of the caller's span", () =>
    Effect.gen(function*() {
      const desk = yield* Desk.spawn()
      const [here, there] = yield* Effect.all([Effect.currentSpan, desk.span()]).pipe(
        Effect.withSpan("caller"),
        Effect.orDie
      )
      assert.strictEqual(there.trace, here.traceId)
      // Effect Cluster has spans between them
      if (!placement.inCluster) assert.strictEqual(there.parent, here.spanId)
    }).pipe(Effect.provide(placement.layer())))
}, { inCluster: true })

onEveryPlacement(fixture, (placement) => {
  it.live("C9: a transferable is moved in both directions", () =>
    Effect.gen(function*() {
      const desk = yield* Desk.spawn()
      const bytes = new Uint8Array([1, 2, 3])
      assert.deepStrictEqual(Array.from(yield* desk.move({ bytes })), [1, 2, 3])
      assert.strictEqual(bytes.length, 0)
    }).pipe(Effect.provide(placement.layer())))
}, { except: ["processes"], reason: "memory cannot be moved to another process" })
