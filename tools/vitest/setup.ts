// Runs before each test file: the file and the fixtures it imports share one copy of Effect and of the sources, from the bundle. After the
// file, this process holds no thread, process, handle or listener that it did not hold before: files share the process (isolate: false), and
// what a file leaves would disturb the next.
import * as ImportHooks from "../../src/node/startup/importHooks.ts"

ImportHooks.install()
const { addEqualityTesters, afterAll } = await import("@effect/vitest")
const { assertNothingAdded, holdings } = await import("../../test/contract/support/leaks.ts")
addEqualityTesters()

const before = holdings()
// the test runner has timers of its own
afterAll(() => assertNothingAdded(new Map([...before, ["Timeout", Infinity], ["Immediate", Infinity]])), 120_000)
