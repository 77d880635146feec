import { assert, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Logger, Schedule } from "effect"
import * as fs from "node:fs"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import behaviours, { Doomed } from "../fixtures/crash-causes.ts"
import { assertExited, exitedOf, forked, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/crash-causes.ts", import.meta.url), behaviours }

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

/** An actor that blocks its worker, and fifty calls behind that. */
const blocked = Effect.gen(function*() {
  const journal = yield* Journal.make
  const actor = yield* Doomed.spawn({ journal: journal.path })
  const blocking = yield* forked(actor.block())
  yield* journal.awaitLine("blocking")
  return { actor, journal, blocking, behind: yield* Effect.forEach(upTo(50), (n) => forked(actor.echo({ n }))) }
})

const begunOf = (exit: Exit.Exit<unknown, unknown>): true | undefined => exitedOf(exit).begun

onEveryPlacement(fixture, (placement) => {
  it.live("F7: in a killed blocked worker, the blocking call is Unknown, and all other calls are NotRun", () =>
    Effect.gen(function*() {
      const { actor, behind, blocking } = yield* blocked
      yield* ActorRef.kill(actor)
      const exit = yield* Fiber.await(blocking)
      assertExited(exit, "Killed", "Unknown")
      assert.isTrue(begunOf(exit))
      for (const call of behind) {
        const exit = yield* Fiber.await(call)
        assertExited(exit, "Killed", "NotRun")
        assert.isUndefined(begunOf(exit))
      }
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F7: if the blocking call does not react to its interruption in time, all other calls are NotRun", () =>
    Effect.gen(function*() {
      const { actor, behind, blocking } = yield* blocked
      const interrupting = yield* forked(Fiber.interrupt(blocking))
      const later = yield* forked(actor.echo({ n: 51 }))
      yield* Fiber.join(interrupting)
      for (const call of [...behind, later]) assertExited(yield* Fiber.await(call), "Killed", "NotRun")
    }).pipe(Effect.provide(placement.layer({ interruptTimeout: "300 millis" })), quiet))

  it.live("F3: calls made to a supervised actor during an unacknowledged interruption go to the next incarnation", () =>
    Effect.gen(function*() {
      const { actor, behind, blocking } = yield* blocked
      const interrupting = yield* forked(Fiber.interrupt(blocking))
      const later = yield* forked(actor.echo({ n: 51 }))
      yield* Fiber.join(interrupting)
      assert.deepStrictEqual(yield* Effect.forEach([...behind, later], Fiber.join), upTo(51))
    }).pipe(
      Supervision.supervised(Supervision.make({ schedule: Schedule.spaced(1) })),
      Effect.provide(placement.layer({ interruptTimeout: "300 millis" })),
      quiet
    ))

  it.live(
    "F7: a NotRun call has not started, and an answered call has run once, whenever its worker is killed",
    () =>
      Effect.gen(function*() {
        const outcomes = { answered: 0, notRun: 0 }
        for (const round of upTo(5)) {
          const journal = yield* Journal.make
          const actor = yield* Doomed.spawn({ journal: journal.path })
          const calls = yield* Effect.forEach(upTo(1_500), (n) => forked(actor.note({ n })))
          yield* journal.first
          yield* Effect.sleep(Duration.millis(round * 4))
          yield* ActorRef.kill(actor)
          const exits = yield* Effect.forEach(calls, Fiber.await)
          const ran = new Map<string, number>()
          for (const line of yield* journal.lines) ran.set(line, (ran.get(line) ?? 0) + 1)
          exits.forEach((exit, i) => {
            const times = ran.get(String(i + 1)) ?? 0
            if (Exit.isSuccess(exit)) {
              outcomes.answered++
              assert.strictEqual(times, 1)
              return
            }
            if (exitedOf(exit).outcome !== "NotRun") return
            outcomes.notRun++
            assert.strictEqual(times, 0)
          })
        }
        // it proves something only where calls are killed
        assert.isAbove(outcomes.notRun, 0)
      }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet),
    120_000
  )

  it.live("F7: a call that starts during the exit of its worker counts as started, and the queued calls are NotRun", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const actor = yield* Doomed.spawn({ journal: journal.path })
      const exiting = yield* forked(actor.exitLater())
      yield* journal.awaitLine("exiting")
      const noting = yield* forked(actor.noteAndExit({ n: 1 }))
      const behind = yield* forked(actor.noteAndExit({ n: 2 }))
      // both calls have arrived
      yield* actor.arrive()
      yield* journal.note("go")
      yield* Fiber.await(exiting)
      assertExited(yield* Fiber.await(noting), "Crashed", "Unknown")
      assertExited(yield* Fiber.await(behind), "Crashed", "NotRun")
      assert.deepStrictEqual(yield* journal.lines, ["exiting", "go", "1"])
    }).pipe(Effect.provide(placement.layer()), quiet))
}, { except: ["memory"], reason: "a blocked worker in memory cannot be killed" })

const isStopped = (pid: number): boolean =>
  !fs.existsSync("/proc") || /^\d+ \(.*\) T/.test(fs.readFileSync(`/proc/${pid}/stat`, "utf8"))

onEveryPlacement(fixture, (placement) => {
  it.live("F7: calls of a process stopped by a signal are Unknown, because the process reports nothing before its kill", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const actor = yield* Doomed.spawn({ journal: journal.path })
      const pid = yield* actor.pid()
      process.kill(pid, "SIGSTOP")
      yield* Journal.until("the process has stopped", () => isStopped(pid))
      const call = yield* forked(actor.echo({ n: 1 }))
      yield* ActorRef.kill(actor)
      const exit = yield* Fiber.await(call)
      assertExited(exit, "Killed", "Unknown")
      assert.isUndefined(begunOf(exit))
      assert.throws(() => process.kill(pid, 0), "ESRCH")
    }).pipe(Effect.provide(placement.layer()), quiet))
}, { except: ["memory", "threads"], reason: "a thread gets no signals of its own" })
