import * as path from "node:path"
import type { SerializedError } from "vitest"
import {
  DefaultReporter,
  type TestModule,
  type TestRunEndReason,
  type TestSpecification,
  type Vitest
} from "vitest/node"
import { clausesOf } from "../../test/contract/support/clauses.ts"
import { outputOf } from "./pool.ts"

/** The number of unfinished files of a test folder, and the totals of its finished files. */
interface Folder {
  waiting: number
  files: number
  tests: number
  millis: number
  failed: boolean
}

// `test/contract/calls/calls.test.ts` belongs to `test/contract/calls`, `test/unit/node/ring.test.ts` of `test/unit`
const folderOf = (module: TestSpecification | TestModule, root: string): string => {
  const parts = path.relative(root, "moduleId" in module ? module.moduleId : "").split(path.sep)
  return parts.slice(0, Math.min(parts.length - 1, parts[1] === "contract" ? 3 : 2)).join("/")
}

/**
 * Returns the clauses of which a placement ran no test although it has tests of the clause. The sample of `npm test`
 * (test/contract/support/sample.ts) must skip no clause.
 */
const droppedClauses = (modules: ReadonlyArray<TestModule>): ReadonlyArray<string> => {
  const ran = new Map<string, boolean>()
  for (const test of modules.flatMap((module) => [...module.children.allTests()])) {
    const [, placement] = /(?:^| > )(memory|threads|processes) > /.exec(test.fullName) ?? []
    if (placement === undefined) continue
    for (const clause of clausesOf(test.name)) {
      const key = `${clause} on ${placement}`
      ran.set(key, ran.get(key) === true || test.result().state !== "skipped")
    }
  }
  return Array.from(ran).flatMap(([key, hasRun]) => hasRun ? [] : [key])
}

/**
 * Prints one line for each folder of tests, the failures, the output of each failed file, and one plain closing line,
 * "N passed, N failed, N skipped". A run in which a test leaks an asynchronous resource fails, and so does a sample that skips a clause.
 */
export default class QuietReporter extends DefaultReporter {
  #vitest: Vitest | undefined
  readonly #folders = new Map<string, Folder>()

  readonly #isSample: boolean

  constructor(isSample: boolean) {
    super({ summary: false, silent: "passed-only" })
    this.#isSample = isSample
  }

  override onInit(vitest: Vitest): void {
    this.#vitest = vitest
    super.onInit(vitest)
  }

  override onTestRunStart(specifications: ReadonlyArray<TestSpecification>): void {
    super.onTestRunStart(specifications)
    this.#folders.clear()
    for (const specification of specifications) {
      const name = folderOf(specification, this.#vitest!.config.root)
      const folder = this.#folders.get(name) ?? { waiting: 0, files: 0, tests: 0, millis: 0, failed: false }
      this.#folders.set(name, folder)
      folder.waiting++
    }
  }

  override printTestModule(module: TestModule): void {
    if (module.state() === "failed") super.printTestModule(module)
    const name = folderOf(module, this.#vitest!.config.root)
    const folder = this.#folders.get(name)
    if (folder === undefined) return
    folder.files++
    folder.tests += [...module.children.allTests()].length
    folder.millis += module.diagnostic().duration
    folder.failed ||= module.state() === "failed"
    if (--folder.waiting > 0) return
    const { failed, files, millis, tests } = folder
    this.log(` ${failed ? "×" : "✓"} ${name}: ${tests} tests in ${files} files, ${(millis / 1_000).toFixed(1)} s`)
  }

  /** Prints each test that passed only when it was run again, with the error of its first run. */
  #printFlaky(modules: ReadonlyArray<TestModule>): void {
    for (const module of modules) {
      for (const test of module.children.allTests("passed")) {
        if (test.diagnostic()?.flaky !== true) continue
        this.log(`\nFLAKY ${path.relative(this.#vitest!.config.root, module.moduleId)} > ${test.fullName}`)
        for (const error of test.result().errors ?? []) this.log(error.stack ?? error.message)
      }
    }
  }

  override onTestRunEnd(
    modules: ReadonlyArray<TestModule>,
    errors: ReadonlyArray<SerializedError>,
    reason: TestRunEndReason
  ): void {
    super.onTestRunEnd(modules, errors, reason)
    const leaks = this.#vitest!.state.leakSet.size
    const n = { passed: 0, failed: errors.length + leaks, skipped: 0 }
    for (const module of modules) {
      const end = module.state()
      // a file whose process has ended is neither passed nor failed
      if (end !== "passed" && end !== "skipped") {
        const output = outputOf(module.moduleId)
        if (output !== "") {
          this.error(`\nThe output of ${path.relative(this.#vitest!.config.root, module.moduleId)}:\n${output}`)
        }
        if (end === "failed" && [...module.children.allTests("failed")].length === 0) n.failed++
      }
      for (const test of module.children.allTests()) {
        const state = test.result().state
        if (state !== "pending") n[state]++
      }
    }
    this.#printFlaky(modules)
    const dropped = this.#isSample && reason === "passed" ? droppedClauses(modules) : []
    for (const clause of dropped) this.error(`\nno test of ${clause} ran: the sample must skip no clause`)
    if (leaks > 0 || dropped.length > 0) process.exitCode = 1
    process.stdout.write(`\n${n.passed} passed, ${n.failed} failed, ${n.skipped} skipped\n`)
  }
}
