/** What workers print: all of it arrives when they are closed, and a program that does not read it delays no worker. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import type { Readable } from "node:stream"
import { setTimeout } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours from "./actors/printer.ts"

const module = new URL("./actors/printer.ts", import.meta.url)

/** Starts the program, on this placement. */
const start = (placement: string, ...how: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const program = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [fileURLToPath(module), placement, journal.path, ...how], {
          stdio: ["ignore", "pipe", "pipe"]
        })
      ),
      (program) =>
        Effect.promise(async () => {
          if (program.exitCode !== null || program.signalCode !== null) return
          program.kill("SIGKILL")
          await once(program, "exit")
        })
    )
    const exit = once(program, "exit")
    return { journal, program, exit: Effect.promise(() => exit) }
  })

/** Reads lines, more slowly than they are written. */
const read = async (stream: Readable): Promise<ReadonlyArray<string>> => {
  let text = ""
  for await (const chunk of stream) {
    text += String(chunk)
    await setTimeout(20)
  }
  return text.split("\n").slice(0, -1)
}

onEveryPlacement({ module, behaviours }, (placement) => {
  it.live("L4, O4: the output of an actor arrives up to the last line of its finalizer, even with a slow reader", () =>
    Effect.gen(function*() {
      const { exit, journal, program } = yield* start(placement.name)
      const [out, err] = yield* Effect.promise(() => Promise.all([read(program.stdout), read(program.stderr)]))
      assert.deepStrictEqual(yield* exit, [0, null])
      assert.deepStrictEqual(yield* journal.lines, ["answered 1"])
      assert.deepStrictEqual([out.length, err.length], [3_301, 3_300])
      assert.strictEqual(out.at(-1), "the last line")
    }).pipe(Effect.scoped))

  it.live("F1: a program whose stderr has lost its reader continues, with its actors", () =>
    Effect.gen(function*() {
      const { exit, journal, program } = yield* start(placement.name)
      program.stderr.destroy()
      const out = yield* Effect.promise(() => read(program.stdout))
      assert.deepStrictEqual(yield* exit, [0, null])
      // a process writes there itself, which Node does not always survive
      if (placement.name === "threads") {
        assert.deepStrictEqual(yield* journal.lines, ["answered 1"])
        assert.lengthOf(out, 3_301)
      } else assert.match(yield* journal.first, /^answered 1$|ActorExited.*EPIPE/)
    }).pipe(Effect.scoped))
}, { except: ["memory"], reason: "in memory the program itself prints" })

onEveryPlacement({ module, behaviours }, (placement) => {
  it.live("L4, O4: a program that captures its stdout gets all output of an actor, and does not wait for more", () =>
    Effect.gen(function*() {
      const { exit, journal, program } = yield* start(placement.name, "capture")
      const [out, err] = yield* Effect.promise(() => Promise.all([read(program.stdout), read(program.stderr)]))
      assert.deepStrictEqual(yield* exit, [0, null])
      assert.deepStrictEqual(yield* journal.lines, ["answered 1", "captured 3301"])
      assert.deepStrictEqual([out.length, err.length], [0, 3_300])
    }).pipe(Effect.scoped))
}, { except: ["memory", "processes"], reason: "a process writes to the stdout of the program itself" })
