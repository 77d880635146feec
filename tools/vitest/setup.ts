// Runs before each test file: the file and the fixtures it imports share one copy of Effect and of the sources, from the bundle.
import * as ImportHooks from "../../src/node/startup/importHooks.ts"

ImportHooks.install()
const { addEqualityTesters } = await import("@effect/vitest")
addEqualityTesters()
