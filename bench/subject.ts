/**
 * The interface between the benchmark and its subjects, and the two drivers of most subjects: `n` calls with `width` of them in progress,
 * as promises or as effects.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import type { Operation, Shared } from "./cases.ts"

/** An operation that the benchmark times. */
export interface Work {
  /** runs `n` operations with `width` of them in progress, and checks the results */
  readonly run: (n: number, width: number) => Promise<void>
  readonly close: () => Promise<unknown>
}

/** A measurement that computes its own figure. */
export interface Gauge {
  readonly read: () => Promise<number>
  readonly close: () => Promise<unknown>
}

/** The functions and settings that the benchmark offers to a subject. */
export interface Tools {
  readonly quick: boolean
  /** the `count` of the case */
  readonly count: number
  /** the `shared` of the case */
  readonly shared: Shared
  /** pins this thread to one core and the workers to the other cores, if the measurement is pinned */
  readonly pin: () => void
  /** unpins all threads; called before new workers start */
  readonly unpin: () => void
}

/** The operations that a subject supports. */
export type Subject = { readonly [K in Operation]?: (tools: Tools) => Promise<Work | Gauge> }

/** The expected answer of `call`. */
export const next = (i: number): number => i + 1

const check = (results: ReadonlyArray<number>, expected: (i: number) => number): void => {
  for (let i = 0; i < results.length; i++) {
    if (results[i] !== expected(i)) throw new Error(`call ${i} answered ${results[i]}, not ${expected(i)}`)
  }
}

const range = (n: number): Array<number> => Array.from({ length: n }, (_, i) => i)

/** Runs calls as promises. */
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

/** Runs calls as effects inside one program, which `around` may wrap. */
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

/** Acquires a scoped resource, and releases it on `close`. */
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

/** The URL of a module in `workers/`, in the sources or in their frozen copy. */
export const worker = (name: string): URL =>
  new URL(import.meta.url.endsWith(".ts") ? `./workers/${name}.ts` : `./workers/${name}.js`, import.meta.url)

/** Returns the duration of a promise in milliseconds. */
export const timed = async (run: () => Promise<unknown>): Promise<number> => {
  const start = performance.now()
  await run()
  return performance.now() - start
}
