// The part of @effect/vitest that the tests of the contract use, for runtimes in which Vitest does not run. `run` runs the tests that
// the imported files have declared, one after the other.
import { assert } from "chai"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as TestConsole from "effect/testing/TestConsole"

export { assert }
export { vi } from "./spies.ts"

type Run = () => unknown

interface Hook {
  readonly run: Run
  readonly timeout: number
}

class Suite {
  readonly children: Array<Suite | Test> = []
  readonly beforeAll: Array<Hook> = []
  readonly beforeEach: Array<Hook> = []
  readonly afterEach: Array<Hook> = []
  readonly afterAll: Array<Hook> = []
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

class Test {
  readonly name: string
  readonly run: (signal: AbortSignal) => unknown
  readonly timeout: number

  constructor(name: string, run: (signal: AbortSignal) => unknown, timeout: number) {
    this.name = name
    this.run = run
    this.timeout = timeout
  }
}

// for a machine that is busy with other work, in milliseconds
const defaultTimeout = 60_000

let suite = new Suite("")

export const describe = (name: string, body: () => void): void => {
  const outer = suite
  suite = new Suite(name)
  outer.children.push(suite)
  try {
    body()
  } finally {
    suite = outer
  }
}

const hook =
  (kind: "beforeAll" | "beforeEach" | "afterEach" | "afterAll") => (run: Run, timeout = defaultTimeout): void =>
    void suite[kind].push({ run, timeout })

export const beforeAll = hook("beforeAll")
export const beforeEach = hook("beforeEach")
export const afterEach = hook("afterEach")
export const afterAll = hook("afterAll")

interface Options {
  readonly skip?: boolean
  readonly timeout?: number
}

const declare = (name: string, run: Test["run"], options: number | Options = {}): void => {
  const { skip = false, timeout = defaultTimeout } = typeof options === "number" ? { timeout: options } : options
  if (skip) return
  suite.children.push(new Test(name, run, timeout))
}

type Body<R, Args extends Array<unknown> = []> = (...args: Args) => Effect.Effect<unknown, unknown, R>

const tester = <R>(provide: (effect: Effect.Effect<unknown, unknown, R>) => Effect.Effect<unknown, unknown>) => {
  const promise = (effect: Effect.Effect<unknown, unknown, R>, signal: AbortSignal): Promise<unknown> =>
    Effect.runPromise(Effect.catchCause(provide(effect), (cause) => Effect.die(Cause.squash(cause))), { signal })
  return Object.assign(
    (name: string, body: Body<R>, options?: number | Options) =>
      declare(name, (signal) => promise(Effect.suspend(body), signal), options),
    {
      each: <A>(cases: ReadonlyArray<A>) => (name: string, body: Body<R, [A]>, options?: number | Options) => {
        for (const one of cases) {
          const texts = [one].flat()
          const title = name.replaceAll("%s", () => String(texts.shift()))
          declare(title, (signal) => promise(Effect.suspend(() => body(one)), signal), options)
        }
      }
    }
  )
}

const services = Layer.mergeAll(TestConsole.layer, TestClock.layer())

export const it = Object.assign(declare, {
  effect: tester<Scope.Scope>((effect) => Effect.provide(Effect.scoped(effect), services)),
  live: tester<Scope.Scope>(Effect.scoped)
})

export const layer = <R, E>(provided: Layer.Layer<R, E>, { timeout }: { readonly timeout: Duration.Input }) =>
(
  name: string,
  body: (it: unknown) => void
): void =>
  describe(name, () => {
    const millis = Duration.toMillis(Duration.fromInputUnsafe(timeout))
    const scope = Effect.runSync(Scope.make())
    const context = Effect.runSync(Effect.cached(Layer.buildWithScope(provided, scope)))
    beforeAll(() => Effect.runPromise(context), millis)
    afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)), millis)
    const effect = tester<R | Scope.Scope>((effect) =>
      Effect.flatMap(context, (context) => Effect.provide(Effect.scoped(effect), context))
    )
    body(Object.assign((...args: Parameters<typeof declare>) => declare(...args), { effect }))
  })

/** The result of a test. */
export interface Result {
  readonly name: string
  readonly millis: number
  /** undefined if the test has passed, null if it is off */
  readonly error: string | null | undefined
}

const textOfValue = (value: unknown): string => {
  try {
    return String(value)
  } catch {
    return JSON.stringify(value)
  }
}

const textOf = (error: unknown): string => {
  if (!(error instanceof Error)) return textOfValue(error)
  const { message, name, stack = "" } = error
  return stack.includes(message) ? stack : `${name}: ${message}\n${stack}`
}

const within = async (timeout: number, run: (signal: AbortSignal) => unknown): Promise<void> => {
  const controller = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no end after ${timeout} ms`))
      controller.abort()
    }, timeout) // the leak check of the tests counts timers; a page has no `unref`
    ;(timer as { readonly unref?: () => void }).unref?.()
  })
  try {
    await Promise.race([run(controller.signal), late])
  } finally {
    clearTimeout(timer)
  }
}

/** Runs the tests declared since the last run, but for those whose name contains one of the texts `off`. */
export const run = async (off: ReadonlyArray<string>, onResult: (result: Result) => void): Promise<void> => {
  const isOff = (name: string): boolean => off.some((text) => name.includes(text))
  const runsAny = (child: Suite | Test, path: string): boolean =>
    child instanceof Test
      ? !isOff(path + child.name)
      : child.children.some((inner) => runsAny(inner, `${path}${child.name} > `))
  const runSuite = async (one: Suite, path: string, outer: ReadonlyArray<Suite>): Promise<void> => {
    const suites = [...outer, one]
    const hooks = async (hooks: ReadonlyArray<Hook>): Promise<void> => {
      for (const { run, timeout } of hooks) await within(timeout, run)
    }
    let failed: string | undefined
    const runs = one.children.some((child) => runsAny(child, path))
    try {
      if (runs) await hooks(one.beforeAll)
    } catch (error) {
      failed = textOf(error)
    }
    for (const child of one.children) {
      if (child instanceof Suite) {
        await runSuite(child, `${path}${child.name} > `, suites)
        continue
      }
      if (isOff(path + child.name)) {
        onResult({ name: path + child.name, millis: 0, error: null })
        continue
      }
      const start = performance.now()
      const errors: Array<string> = failed === undefined ? [] : [failed]
      const attempt = async (work: () => Promise<void>): Promise<void> => {
        try {
          await work()
        } catch (error) {
          errors.push(textOf(error))
        }
      }
      if (failed === undefined) {
        await attempt(() => hooks(suites.flatMap(({ beforeEach }) => beforeEach)))
        if (errors.length === 0) await attempt(() => within(child.timeout, child.run))
        await attempt(() => hooks(suites.toReversed().flatMap(({ afterEach }) => afterEach)))
      }
      const error = errors.length === 0 ? undefined : errors.join("\n")
      onResult({ name: path + child.name, millis: performance.now() - start, error })
    }
    try {
      if (runs) await hooks(one.afterAll.toReversed())
    } catch (error) {
      onResult({ name: `${path}after all`, millis: 0, error: textOf(error) })
    }
  }
  const root = suite
  suite = new Suite("")
  await runSuite(root, "", [])
}
