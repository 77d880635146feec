import * as path from "node:path"
import { defineConfig } from "vitest/config"
import { quietForks } from "./tools/vitest/pool.ts"
import QuietReporter from "./tools/vitest/reporter.ts"

/** Whether everything is tested: what is sampled too, and with the asynchronous resources of the runner's process watched. */
const all = process.env["TESTS"] === "all"

const args = process.argv.slice(2)

/** Whether the run is `npm test`: each clause has some of its tests on threads and in processes (test/contract/support/sample.ts). */
const isSample = !all && args.every((arg) => arg === "run" || /^-(?!-coverage|-testNamePattern)/.test(arg))

/** Tests that take samples by a seed, and tests of clusters that wait for leases and idle times. */
const sampled = [
  "test/contract/cluster/processes/**",
  "test/contract/cluster/passivation.test.ts",
  "test/contract/calls/random-values.test.ts",
  "test/faults/matrix/**",
  "test/faults/random/**",
  "test/walks/**"
]

/** Tests in Chromium, which `npm run runtimes -- page` installs. */
const inBrowser = ["test/page/**/*.test.ts"]
const isPage = process.env["TESTS"] === "page"

export default defineConfig({
  test: {
    include: isPage ? inBrowser : ["test/**/*.test.ts"],
    exclude: isPage ? [] : all ? inBrowser : [...sampled, ...inBrowser],
    globalSetup: ["tools/vitest/bundle.ts"],
    setupFiles: ["tools/vitest/setup.ts"],
    // Node runs the files as they are
    experimental: { viteModuleRunner: false, nodeLoader: false },
    env: {
      NODE_COMPILE_CACHE: path.join(import.meta.dirname, "node_modules/.cache/uactor/compiled"),
      ...(isSample ? { TESTS: "sample" } : {})
    },
    pool: quietForks,
    // a start of the runner and of Effect costs about a second of the processor for each file. After each test of the contract, nothing
    // that the test started may exist (test/contract/support/placements.ts), so a file leaves nothing to the next file in its process.
    isolate: false,
    // a file waits for most of its time: for timeouts, for workers that start, for processes that end
    maxWorkers: 5,
    // for a machine that is busy with other work
    testTimeout: 120_000,
    hookTimeout: 120_000,
    detectAsyncLeaks: all,
    // CI repeats a failed test once, because a start of CI costs an hour; the reporter prints the error of the first run
    retry: process.env["CI"] === undefined ? 0 : 1,
    // all other files are checked by `npm run check`
    typecheck: { enabled: !isPage, include: ["test/types/**/*.test-d.ts"], tsconfig: "tools/tsconfig.types.json" },
    reporters: [new QuietReporter(isSample)],
    coverage: {
      provider: "v8",
      autoAttachSubprocess: true,
      include: ["src/**/*.ts"],
      exclude: ["src/index.ts", "src/node/index.ts"],
      reporter: ["text", "json-summary", "lcov"]
    }
  }
})
