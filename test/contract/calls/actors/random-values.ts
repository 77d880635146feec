/** Random values of every kind that structured clone knows, and some that it refuses; the same ones for the same seed. */
import * as Effect from "effect/Effect"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Actor from "../../../../src/Actor.ts"
import { makeBelow } from "../../../random.ts"

class Point {
  readonly x: unknown
  constructor(x: unknown) {
    this.x = x
  }
}

const leaves: ReadonlyArray<(next: (n: number) => number) => unknown> = [
  (next) => next(1000) - 500,
  (next) => "x".repeat(next(20)),
  () => undefined,
  () => null,
  () => true,
  () => -0,
  (next) => BigInt(next(1000)) ** 20n,
  (next) => new Date(next(2 ** 30)),
  () => /x/giu,
  () => Object("boxed"),
  (next) => new Uint8Array(16).fill(next(256)),
  (next) => new Float64Array(16).subarray(next(4), 8),
  (next) => Buffer.from("y".repeat(next(10))),
  (next) => new DataView(new ArrayBuffer(16), next(8), 3),
  (next) => new ArrayBuffer(next(16))
]

const refused: ReadonlyArray<() => unknown> = [
  () => () => 1,
  () => Symbol("s"),
  () => new URL("https://example.org"),
  () => new Proxy({ a: 1 }, {}),
  () => new Proxy([], {}),
  () => Promise.resolve(),
  () => new Blob([]),
  () => new DOMException("x"),
  () => new WeakMap(),
  () => [].values(),
  () => ({
    get x() {
      throw new Error("no")
    }
  })
]

const wraps: ReadonlyArray<(value: unknown, next: (n: number) => number) => unknown> = [
  (value) => ({ value }),
  (value, next) => [next(9), value],
  (value) => Object.assign(new Array<unknown>(3), { 1: value }),
  (value) => Object.assign([1], { beside: value }),
  (value) => new Map([["k", value]]),
  (value) => new Map([[value, 1]]),
  (value) => new Set([value, 2]),
  // without the place where it was made
  (value) => Object.assign(new RangeError("x", { cause: value }), { stack: "RangeError: x" }),
  (value) => new Point(value),
  (value) => Object.assign(Object.create(null) as object, { value })
]

/** One of them. */
export const random = (seed: number): unknown => {
  const next = makeBelow(seed)
  const pick = <A>(all: ReadonlyArray<A>): A => all[next(all.length)]!
  const wrap = (value: unknown, levels: number): unknown => {
    const same = next(3) === 0 ? pick(wraps) : undefined
    let out = value
    for (let i = 0; i < levels; i++) out = (same ?? pick(wraps))(out, next)
    return out
  }
  const leaf = (): unknown => next(25) === 0 ? pick(refused)() : pick(leaves)(next)
  const parts: Array<unknown> = Array.from({ length: 1 + next(4) }, () => wrap(leaf(), next(6)))
  // some are there twice, or refer to all
  if (next(3) === 0) parts.push(pick(parts))
  if (next(5) === 0) parts.push(parts)
  // some are as deep as they may be, or deeper
  return next(4) === 0 ? wrap(parts, pick([100, 900, 990, 1000, 1100, 1700, 3000, 10_000])) : parts
}

export class Random extends Actor.Service<Random>()("Random", {
  protocol: [
    Rpc.make("echo", { payload: { value: Schema.Any }, success: Schema.Any }),
    Rpc.make("make", { payload: { seed: Schema.Int }, success: Schema.Any }),
    Rpc.make("ping")
  ]
}) {}

export default Random.toLayer({
  echo: ({ value }) => Effect.succeed(value),
  make: ({ seed }) => Effect.sync(() => random(seed)),
  ping: () => Effect.void
})
