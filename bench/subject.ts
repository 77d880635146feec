/**
 * What a subject offers to the benchmark, and the two drivers that most of them
 * use: `n` calls with `width` under way, made of promises or of effects.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import type { Operation, Shared } from "./cases.ts"

/** Work that the benchmark times. */
export interface Work {
  /** does `n` operations with `width` under way, and checks what came out */
  readonly run: (n: number, width: number) => Promise<void>
  readonly close: () => Promise<unknown>
}

/** A measurement that takes its own figure. */
export interface Gauge {
  readonly read: () => Promise<number>
  readonly close: () => Promise<unknown>
}

/** What a subject may ask of the benchmark. */
export interface Tools {
  readonly quick: boolean
  /** the `count` of the case */
  readonly count: number
  /** the `shared` of the case */
  readonly shared: Shared
  /** puts this thread on one core and the workers on the others, if this measurement is a pinned one */
  readonly pin: () => void
  /** gives all cores back, before new workers are started */
  readonly unpin: () => void
}

/** The operations a subject knows. */
export type Subject = { readonly [K in Operation]?: (tools: Tools) => Promise<Work | Gauge> }

/** What `call` must answer. */
export const next = (i: number): number => i + 1

const check = (results: ReadonlyArray<number>, expected: (i: number) => number): void => {
  for (let i = 0; i < results.length; i++) {
    if (results[i] !== expected(i)) throw new Error(`call ${i} answered ${results[i]}, not ${expected(i)}`)
  }
}

const range = (n: number): Array<number> => Array.from({ length: n }, (_, i) => i)

/** Calls made with promises. */
export const promises = (
  call: (i: number) => Promise<number>,
  close: () => Promise<unknown>,
  expected = next
): Work => ({
  close,
  run: async (n, width) => {
    if (width >= n) return check(await Promise.all(range(n).map(call)), expected)
    const results = new Array<number>(n).fill(NaN)
    let i = 0
    const lane = async (): Promise<void> => {
      while (i < n) {
        const at = i++
        results[at] = await call(at)
      }
    }
    await Promise.all(Array.from({ length: width }, lane))
    check(results, expected)
  }
})

/** Calls made with effects, inside one program, which `around` may wrap. */
export const effects = (
  call: (i: number) => Effect.Effect<number, unknown>,
  close: () => Promise<unknown>,
  expected = next,
  around: (program: Effect.Effect<void, unknown>) => Effect.Effect<void, unknown> = (program) => program
): Work => ({
  close,
  run: (n, width) =>
    Effect.runPromise(around(
      Effect.map(
        Effect.forEach(range(n), call, { concurrency: width === Infinity ? "unbounded" : width }),
        (results) => check(results, expected)
      )
    ))
})

/** Acquires what a scope holds, and keeps it until `close`. */
export const acquire = async <A, E, R, E2>(
  layer: Layer.Layer<R, E2>,
  effect: Effect.Effect<A, E, R | Scope.Scope>
): Promise<{ readonly value: A; readonly close: () => Promise<unknown> }> => {
  const scope = Scope.makeUnsafe()
  const value = await Effect.runPromise(
    Effect.flatMap(Layer.buildWithScope(layer, scope), (context) => Effect.provide(effect, context)).pipe(
      Scope.provide(scope)
    )
  )
  return { value, close: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
}

/** The URL of a module in `workers/`, in the sources and in their frozen copy alike. */
export const worker = (name: string): URL =>
  new URL(import.meta.url.endsWith(".ts") ? `./workers/${name}.ts` : `./workers/${name}.js`, import.meta.url)

/** How long a promise takes, in milliseconds. */
export const timed = async (run: () => Promise<unknown>): Promise<number> => {
  const start = performance.now()
  await run()
  return performance.now() - start
}
