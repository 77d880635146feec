import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as childProcess from "node:child_process"
import * as fs from "node:fs"
import { fileURLToPath } from "node:url"
import behaviours from "../fixtures/lifecycle.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement, type Placement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/lifecycle.ts", import.meta.url), behaviours }
const script = (name: string): string => fileURLToPath(new URL(`./programs/${name}.ts`, import.meta.url))

/** A program that holds an actor, outside of this process. */
class Parent {
  readonly process: childProcess.ChildProcess
  output = ""
  code: number | null | undefined

  constructor(name: string, way: string, journal: Journal.Journal, placement: Placement) {
    this.process = childProcess.spawn(process.execPath, [script(name), way, journal.path, placement.name], {
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...process.env, UACTOR_TEST_JOURNAL: journal.path }
    })
    this.process.stdout!.setEncoding("utf8").on("data", (text: string) => {
      this.output += text
    })
    // not "close": an orphan holds the other end of the output
    this.process.on("exit", (code) => {
      this.code = code
    })
  }

  /** the process in which its actor lives, once it has told */
  get actorPid(): Effect.Effect<number> {
    return Effect.map(
      Journal.until("the parent has spawned its actor", () => this.output.includes("\n")),
      () => Number(this.output.trim())
    )
  }

  get end(): Effect.Effect<number | null | undefined> {
    return Effect.map(Journal.until("the program has ended", () => this.code !== undefined), () => this.code)
  }
}

const parent = (way: string, journal: Journal.Journal, placement: Placement, name = "parent") =>
  Effect.acquireRelease(
    Effect.sync(() => new Parent(name, way, journal, placement)),
    (parent) =>
      Effect.suspend(() => {
        parent.process.kill("SIGKILL")
        parent.process.stdout!.destroy()
        return Effect.asVoid(parent.end)
      })
  )

/** Runs: neither gone, nor dead and waiting for somebody to ask how it died. */
const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  const stat = `/proc/${pid}/stat`
  return !fs.existsSync("/proc") || fs.existsSync(stat) && !/^\d+ \(.*\) [ZX]/.test(fs.readFileSync(stat, "utf8"))
}

/** A process that should end by itself; it is ended with the test if it does not. */
const orphan = (pid: number) =>
  Effect.acquireRelease(
    Effect.succeed({
      isRunning: Effect.sync(() => isRunning(pid)),
      end: Journal.until(`the orphan ${pid} has ended`, () => !isRunning(pid))
    }),
    () => Effect.sync(() => isRunning(pid) && process.kill(pid, "SIGKILL"))
  )

onEveryPlacement(fixture, (placement) => {
  it.live("F1, L2: a worker that cannot start for lack of file descriptors fails its spawn, and no other actor", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const { status, stderr, stdout } = childProcess.spawnSync(
        "sh",
        [
          "-c",
          `ulimit -n 100; exec "$0" "$@"`,
          process.execPath,
          script("parent"),
          "exhausts",
          journal.path,
          placement.name
        ],
        { encoding: "utf8", timeout: 100_000 }
      )
      assert.deepStrictEqual([stdout.split("\n").slice(1, 3), status], [["Failure true", "true"], 0], stderr)
    }))

  it.live("L1: a program that has closed its actors ends by itself", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const program = yield* parent("ends", journal, placement)
      assert.strictEqual(yield* program.end, 0)
      assert.deepStrictEqual(yield* journal.lines, [
        "acquired first",
        "acquired second",
        "released second on success",
        "released first on success"
      ])
    }))
})

onEveryPlacement(fixture, (placement) => {
  for (
    const [way, what] of [
      ["idles", "a child that is idle"],
      ["hangs", "a child that runs a call"],
      ["blocks", "a child whose event loop is blocked by a busy handler"]
    ] as const
  ) {
    it.live(`L1: ${what} ends when its parent is killed`, () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const program = yield* parent(way, journal, placement)
        const child = yield* orphan(yield* program.actorPid)
        if (way === "hangs") yield* journal.awaitLine("hanging")
        if (way === "blocks") yield* journal.awaitLine("blocking")
        assert.isTrue(yield* child.isRunning)
        program.process.kill("SIGKILL")
        yield* program.end
        yield* child.end
      }))
  }

  it.live("L1: a child whose event loop is blocked by the load of its module ends when its parent is killed", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const program = yield* parent("boots", journal, placement)
      const loading = /^loading in (\d+)$/
      yield* Journal.until(
        "the module is loading",
        () => Effect.runSync(journal.lines).some((line) => loading.test(line))
      )
      const child = yield* orphan(Number(loading.exec((yield* journal.lines)[0]!)![1]))
      assert.isTrue(yield* child.isRunning)
      program.process.kill("SIGKILL")
      yield* program.end
      yield* child.end
    }))

  it.live("L1: a child whose event loop is blocked ends with the thread that started the child", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const program = yield* parent("blocks", journal, placement, "parent-thread")
      const child = yield* orphan(yield* program.actorPid)
      yield* child.end
      assert.isUndefined(program.code)
      assert.include(yield* journal.lines, "blocking")
    }))

  for (
    const [way, what] of [["exits", "exits without closing it"], ["throws", "dies of an uncaught exception"]] as const
  ) {
    it.live(`L1: a child ends when its parent ${what}`, () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const program = yield* parent(way, journal, placement)
        const child = yield* orphan(yield* program.actorPid)
        assert.strictEqual(yield* program.end, way === "exits" ? 0 : 1)
        yield* child.end
      }))
  }
}, { except: ["memory", "threads"], reason: "threads and workers in memory end with their process" })
