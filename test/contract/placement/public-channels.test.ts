import { assert, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as childProcess from "node:child_process"
import { fileURLToPath } from "node:url"
import { assertExited, exitedOf, forked, logOf, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Talker } from "./actors/public-channels.ts"

const fixture = { module: new URL("./actors/public-channels.ts", import.meta.url), behaviours }

/** A program under Node's watch mode, which ends with the scope. */
const watched = (...args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      // a group of its own, so that the program ends with Node's watcher
      const node = childProcess.spawn(process.execPath, ["--watch", ...args], {
        stdio: ["ignore", "pipe", "pipe"],
        detached: true
      })
      const program = { node, output: "" }
      for (const stream of [node.stdout, node.stderr]) {
        stream.setEncoding("utf8").on("data", (text: string) => {
          program.output += text
        })
      }
      return program
    }),
    ({ node }) =>
      Effect.callback<void>((resume) => {
        node.on("close", () => resume(Effect.void))
        process.kill(-node.pid!, "SIGKILL")
      })
  )

const isGroup = (pid: number): boolean => {
  try {
    return process.kill(-pid, 0)
  } catch {
    return false
  }
}

onEveryPlacement(fixture, (placement) => {
  it.live("F1: messages that code in a worker sends to the program are ignored, and one warning shows the first message", () => {
    const { layer, lines } = logOf("Warn")
    return Effect.gen(function*() {
      const talker = yield* Talker.spawn()
      const messages = ["ready", { type: "ready" }, 7, null, undefined, [0, 32], [1], { cmd: "NODE_HANDLE" }, {
        "watch:import": ["file:///x"]
      }]
      for (const what of messages) {
        yield* talker.say({ what })
        assert.strictEqual(yield* talker.ping(), "pong")
      }
      yield* Journal.until("the warning arrives", () => lines.length > 0)
      assert.lengthOf(lines, 1)
      assert.match(lines[0]!.message, /^(thread|process)-\d+: .*is ignored.*: 'ready'$/)
    }).pipe(Effect.provide(placement.layer()), Effect.provide(layer))
  })

  it.live("C1: a worker whose code closes its public channel continues, and messages of that channel are still ignored", () =>
    Effect.gen(function*() {
      const talker = yield* Talker.spawn()
      const waiting = yield* forked(talker.close())
      const behind = yield* forked(talker.ping())
      yield* Fiber.join(waiting)
      assert.strictEqual(yield* Fiber.join(behind), "pong")
      yield* talker.say({ what: "ready" })
      assert.strictEqual(yield* talker.ping(), "pong")
    }).pipe(Effect.provide(placement.layer()), Effect.provide(logOf("Warn").layer)))

  it.live("C1: a handler may replace globals of its worker: calls are answered, and the actor closes by itself", () => {
    const { layer, lines } = logOf("Warn")
    return Effect.gen(function*() {
      yield* Effect.gen(function*() {
        const talker = yield* Talker.spawn()
        yield* talker.replaceGlobals()
        yield* Effect.forEach(upTo(200), () => talker.ping(), { concurrency: "unbounded" })
        assert.strictEqual(yield* talker.ping(), "pong")
      }).pipe(Effect.scoped)
      // had it not, a line would say that it was killed
      assert.deepStrictEqual(lines, [])
    }).pipe(Effect.provide(placement.layer()), Effect.provide(layer))
  })

  it.live("L2: a program may run under `node --watch`", () =>
    Effect.gen(function*() {
      const program = yield* watched(fileURLToPath(fixture.module), placement.name)
      yield* Journal.until(`the program has ended: ${program.output}`, () => program.output.includes("Completed"))
      assert.include(program.output, "pong")
      assert.notInclude(program.output, "ignored")
    }))

  it.live("L2: a worker has only the arguments of the program, so that its modules can parse them", () =>
    Effect.gen(function*() {
      const talker = yield* Talker.spawn()
      const args = yield* talker.args()
      assert.deepStrictEqual(args, placement.name === "threads" ? process.argv.slice(2) : [])
    }).pipe(Effect.provide(placement.layer())))
}, { except: ["memory"], reason: "a system in memory has no worker, and so no channel" })

onEveryPlacement(fixture, (placement) => {
  it.live("F1: invalid bytes end the process that wrote them as Disconnected, and no other process", () =>
    Effect.gen(function*() {
      const [talker, bystander] = yield* Effect.all([Talker.spawn(), Talker.spawn()], { concurrency: 2 })
      const exit = yield* Effect.exit(talker.scribble())
      assertExited(exit, "Disconnected", "Unknown")
      assert.include(exitedOf(exit).message, "bytes that are not a message")
      assert.strictEqual(yield* bystander.ping(), "pong")
    }).pipe(Effect.provide(placement.layer()), Effect.provide(logOf("Error").layer)))

  it.live("L1: a process whose code closes all pipes and never yields ends", () =>
    Effect.gen(function*() {
      const talker = yield* Talker.spawn()
      const { outcome, reason } = exitedOf(yield* Effect.exit(talker.shut()))
      assert.strictEqual(outcome, "Unknown")
      // by itself, or by its host
      assert.include(["Disconnected", "Killed"], reason)
    }).pipe(Effect.provide(placement.layer()), Effect.provide(logOf("Error").layer)))

  for (const name of ["SIGTERM", "SIGHUP", "SIGINT"] as const) {
    it.live(`F1: ${name}, which may be sent to all processes of a program, ends no child, and code in a child may handle it`, () =>
      Effect.gen(function*() {
        const talker = yield* Talker.spawn()
        const pid = yield* talker.pid()
        process.kill(pid, name)
        assert.strictEqual(yield* talker.ping(), "pong")
        const journal = yield* Journal.make
        const handling = yield* forked(talker.signal({ name, journal: journal.path }))
        yield* journal.awaitLine("listening")
        process.kill(pid, name)
        yield* Fiber.join(handling)
        assert.strictEqual(yield* talker.pid(), pid)
      }).pipe(Effect.provide(placement.layer())))
  }

  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    it.live(`L4: a program that exits normally on ${signal} to all its processes closes its actors and drains their calls`, () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const script = fileURLToPath(new URL("./programs/program.ts", import.meta.url))
        const program = yield* Effect.acquireRelease(
          Effect.sync(() =>
            childProcess.spawn(process.execPath, [script, journal.path], { stdio: "ignore", detached: true })
          ),
          ({ pid }) => Effect.sync(() => isGroup(pid!) && process.kill(-pid!, "SIGKILL"))
        )
        yield* journal.awaitLine("working")
        process.kill(-program.pid!, signal)
        yield* Journal.until("the program has ended", () => program.exitCode !== null || program.signalCode !== null)
        const [first, second, ...others] = yield* journal.lines
        assert.deepStrictEqual([first, second, ...others.toSorted()], ["working", "done", "answered", "closed"])
      }))
  }
}, { except: ["memory", "threads"], reason: "threads share their file descriptors with the program" })
