/**
 * The sample of `npm test`. To start workers is the largest part of the cost of all tests, so of the tests that start workers of their
 * own, each clause has only some on threads, and one in processes, in each file. A run of chosen files and `npm run test:all` skip none.
 */
import { beforeAll, beforeEach } from "@effect/vitest"
import { clausesOf } from "./clauses.ts"

/** The number of tests of each clause that a file runs on a placement. */
const sizes: Readonly<Record<string, number>> = { threads: 3, processes: 1 }

const isSample = process.env["TESTS"] === "sample"

/** What the choice looks at. */
interface Named {
  readonly id: string
  readonly name: string
}

/**
 * Chooses tests, so that each clause has `size` of them, or all if it has fewer: evenly among those of the clause, because tests beside each
 * other are often alike. Tests of no clause are chosen. `counts` has the number of chosen tests of each clause, also from earlier calls.
 */
const choose = (
  tests: ReadonlyArray<Named>,
  size: number,
  counts = new Map<string, number>()
): ReadonlySet<string> => {
  const chosen = new Set<string>()
  const add = ({ id, name }: Named): void => {
    if (chosen.has(id)) return
    chosen.add(id)
    for (const clause of clausesOf(name)) counts.set(clause, (counts.get(clause) ?? 0) + 1)
  }
  for (const test of tests) {
    const clauses = clausesOf(test.name)
    if (clauses.length === 0) add(test)
    for (const clause of clauses) {
      const others = tests.filter(({ id, name }) => !chosen.has(id) && clausesOf(name).includes(clause))
      const n = Math.min(size - (counts.get(clause) ?? 0), others.length)
      for (let i = 0; i < n; i++) add(others[Math.floor(i * others.length / n)]!)
    }
  }
  return chosen
}

interface Task extends Named {
  readonly type: string
  readonly tasks?: ReadonlyArray<Task>
}

const testsOf = (task: Task): ReadonlyArray<Named> => task.tasks?.flatMap(testsOf) ?? [task]

/** For each file and placement, the number of chosen tests of each clause. */
const countsOf = new Map<string, Map<string, number>>()

/** Skips the tests of the current suite that the sample of `npm test` does not contain. */
export const skipBeyondSample = (placement: string): void => {
  const size = sizes[placement]
  if (!isSample || size === undefined) return
  let chosen: ReadonlySet<string> = new Set()
  // oxlint-disable-next-line no-empty-pattern -- Vitest requires a pattern
  beforeAll(({}, suite) => {
    const key = `${suite.file.filepath} ${placement}`
    const counts = countsOf.get(key) ?? new Map<string, number>()
    countsOf.set(key, counts)
    chosen = choose(testsOf(suite), size, counts)
  })
  beforeEach(({ skip, task }) => {
    if (!chosen.has(task.id)) skip("the sample has other tests of its clauses")
  })
}
