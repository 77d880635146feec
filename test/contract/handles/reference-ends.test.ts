/** References to actors that other actors hold, after the end of the actor or of a holder. */
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Logger, Schedule, Stream } from "effect"
import * as fs from "node:fs"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import behaviours, { Clerk } from "../fixtures/reference-direct.ts"
import { assertExited, forked, left, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import directTells, { Sink, Source } from "./actors/direct-tells.ts"
import { meet } from "./meet.ts"

const fixture = { module: new URL("../fixtures/reference-direct.ts", import.meta.url), behaviours }

// keeps the reports of crashes out of the output
const quiet = Effect.provide(Logger.layer([]))

const soon = Supervision.make({ schedule: Schedule.spaced(1) })

onEveryPlacement(fixture, (placement) => {
  it.live("F3: queued calls through a reference go to the next incarnation in their order; started calls fail", () =>
    Effect.gen(function*() {
      const { callers, clerk, journal } = yield* meet(2, (args) => Supervision.supervised(Clerk.spawn(args), soon))
      const exiting = yield* forked(clerk.exit())
      const hanging = yield* forked(callers[0]!.hang({ line: "a" }))
      yield* journal.awaitLine("a begun")
      const behind = yield* Effect.forEach(
        callers,
        (visitor, i) => forked(visitor.notes({ name: `visitor ${i}`, n: 20 }))
      )
      yield* journal.awaitLine("visitor 0 made")
      yield* journal.awaitLine("visitor 1 made")
      yield* journal.note("crash")
      assertExited(yield* Fiber.await(exiting), "Crashed", "Unknown")
      assert.strictEqual(yield* Fiber.join(hanging), "Crashed Unknown")
      const endings = yield* Effect.forEach(behind, Fiber.join)
      assert.isTrue(endings.flat().every((ending) => ending === "success"), endings.flat().join())
      const lines = yield* journal.lines
      for (const name of ["visitor 0", "visitor 1"]) {
        const own = lines.filter((line) => line.startsWith(`${name} `) && !line.endsWith("made"))
        assert.deepStrictEqual(own, upTo(20).map((n) => `${name} ${n}`))
      }
      // a new incarnation, with fresh state
      yield* callers[0]!.count({ n: 3 })
      assert.include(yield* journal.lines, "counted 3")
    }).pipe(Effect.provide(placement.layer()), quiet))

  for (const calls of [["note", "deposit", "note"], ["deposit", "note", "deposit"]] as const) {
    it.live(`C10, F3: queued calls keep their order through a restart: ${calls.join(", ")}`, () =>
      Effect.gen(function*() {
        const { clerk, journal, visitor } = yield* meet(1, (args) => Supervision.supervised(Clerk.spawn(args), soon))
        // the next calls have a direct route
        yield* visitor.look({ n: 1 })
        const exiting = yield* forked(clerk.exit())
        const hanging = yield* forked(visitor.hang({ line: "a" }))
        yield* journal.awaitLine("a begun")
        const making = yield* forked(visitor.make({ calls }))
        yield* journal.awaitLine("made")
        // the sent calls reach the clerk meanwhile
        for (let i = 0; i < 20; i++) yield* visitor.ways()
        yield* journal.note("crash")
        yield* Fiber.await(exiting)
        assert.strictEqual(yield* Fiber.join(hanging), "Crashed Unknown")
        assert.deepStrictEqual(yield* Fiber.join(making), calls.map(() => "success"))
        const lines = yield* journal.lines
        assert.deepStrictEqual(lines.filter((line) => /^\d$/.test(line)), ["1", "2", "3"])
      }).pipe(Effect.provide(placement.layer()), quiet))
  }

  it.live("C1, F1: without supervision, calls through a reference report their outcome, and the holder continues", () =>
    Effect.gen(function*() {
      const { clerk, journal, visitor } = yield* meet(1)
      const exiting = yield* forked(clerk.exit())
      const hanging = yield* forked(visitor.hang({ line: "a" }))
      yield* journal.awaitLine("a begun")
      const behind = yield* forked(visitor.notes({ name: "behind", n: 3 }))
      yield* journal.awaitLine("behind made")
      yield* journal.note("crash")
      yield* Fiber.await(exiting)
      assert.strictEqual(yield* Fiber.join(hanging), "Crashed Unknown")
      assert.deepStrictEqual(yield* Fiber.join(behind), Array(3).fill("Crashed NotRun"))
      assert.deepStrictEqual(yield* visitor.notes({ name: "after", n: 1 }), ["Crashed NotRun"])
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("C1: a started idempotent call through a reference is Unknown if it cannot run again", () =>
    Effect.gen(function*() {
      const { clerk, journal, visitor } = yield* meet(1)
      const exiting = yield* forked(clerk.exit())
      const hanging = yield* forked(visitor.hangAgain({ line: "a" }))
      yield* journal.awaitLine("a begun")
      yield* journal.note("crash")
      yield* Fiber.await(exiting)
      assert.strictEqual(yield* Fiber.join(hanging), "Crashed Unknown")
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F3: a started idempotent call through a reference runs again in the next incarnation", () =>
    Effect.gen(function*() {
      const { clerk, journal, visitor } = yield* meet(1, (args) => Supervision.supervised(Clerk.spawn(args), soon))
      const exiting = yield* forked(clerk.exit())
      const hanging = yield* forked(visitor.hangAgain({ line: "a" }))
      yield* journal.awaitLine("a begun")
      yield* journal.note("crash")
      yield* Fiber.await(exiting)
      yield* Journal.until(
        "it has begun twice",
        () => fs.readFileSync(journal.path, "utf8").match(/^a begun$/gm)?.length === 2
      )
      yield* Fiber.interrupt(hanging)
      assert.include(yield* journal.lines, "a finalized")
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("C7: calls that wait for room in a full mailbox run, even if concurrent calls left the mailbox ahead of them", () =>
    Effect.gen(function*() {
      const { clerk, journal, visitor } = yield* meet(1)
      const burning = yield* forked(clerk.burn())
      const waiting = yield* forked(clerk.wait({ line: "a" }))
      yield* journal.awaitLine("burning")
      const overtaking = yield* forked(visitor.overtake({ line: "beyond" }))
      yield* journal.awaitLine("all made")
      // its calls have left before it answers this call
      yield* visitor.ways()
      yield* journal.note("made")
      yield* Fiber.join(burning)
      yield* journal.awaitLine("a begun")
      yield* journal.note("go")
      yield* Fiber.join(waiting)
      yield* Fiber.join(overtaking)
      assert.strictEqual((yield* journal.lines).at(-1), "beyond")
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: the death of a holder cancels its calls", () =>
    Effect.gen(function*() {
      const { callers: [one, other], clerk, journal } = yield* meet(2)
      const hanging = yield* forked(one!.hang({ line: "a" }))
      yield* journal.awaitLine("a begun")
      const behind = yield* forked(one!.notes({ name: "behind", n: 1 }))
      yield* journal.awaitLine("behind made")
      yield* ActorRef.kill(one!)
      assertExited(yield* Fiber.await(hanging), "Killed", "Unknown")
      assertExited(yield* Fiber.await(behind), "Killed", "Unknown")
      assert.deepStrictEqual(yield* other!.notes({ name: "other", n: 1 }), ["success"])
      yield* clerk.note({ line: "free" })
      const lines = yield* journal.lines
      assert.include(lines, "a finalized")
      assert.notInclude(lines, "behind 1")
    }).pipe(Effect.provide(placement.layer()), quiet))

  for (const method of ["block", "blockLater"] as const) {
    it.live(`C3: an actor that does not react to the death of a caller is killed, and no other actor (${method})`, () =>
      Effect.gen(function*() {
        const { callers: [one, other], clerk, journal } = yield* meet(
          2,
          (args) => Supervision.supervised(Clerk.spawn(args), soon)
        )
        const blocking = yield* forked(one![method]())
        yield* journal.awaitLine("blocking")
        yield* ActorRef.kill(one!)
        assertExited(yield* Fiber.await(blocking), "Killed", "Unknown")
        yield* Stream.runHead(Stream.filter(ActorRef.incarnations(clerk), ({ number }) => number === 2))
        assert.deepStrictEqual(yield* other!.notes({ name: "other", n: 1 }), ["success"])
        assert.strictEqual(yield* clerk.count(), 1)
      }).pipe(Effect.provide(placement.layer({ interruptTimeout: "300 millis" })), quiet))
  }

  it.live("C3: an actor that awaits an unresponsive actor is not treated as unresponsive", () =>
    Effect.gen(function*() {
      const { clerk, journal, visitor } = yield* meet(1, (args) => Supervision.supervised(Clerk.spawn(args), soon))
      const insisting = yield* forked(visitor.insist())
      yield* journal.awaitLine("ignoring")
      yield* Fiber.interrupt(insisting)
      // the incarnation is unchanged
      assert.deepStrictEqual(yield* visitor.notes({ name: "after", n: 1 }), ["success"])
      assert.strictEqual(yield* clerk.count(), 1)
    }).pipe(Effect.provide(placement.layer({ interruptTimeout: "300 millis" })), quiet))

  // other calls exceed `interruptTimeout` several times
  const othersRunOut = Effect.repeat(
    Effect.gen(function*() {
      const its = yield* Journal.make
      const clock = yield* Clerk.spawn({ journal: its.path })
      const ignoring = yield* forked(clock.ignore())
      yield* its.awaitLine("ignoring")
      yield* Fiber.interrupt(ignoring)
    }),
    { times: 2 }
  )

  it.live("C3: neither an actor that awaits an actor busy for another caller, nor the busy actor, is treated as unresponsive", () =>
    Effect.gen(function*() {
      const { clerk, journal, visitor } = yield* meet(1)
      const burning = yield* forked(clerk.burn())
      yield* journal.awaitLine("burning")
      const counting = yield* forked(visitor.count({ n: 1 }))
      yield* left
      const interruption = yield* forked(Fiber.interrupt(counting))
      yield* othersRunOut
      yield* journal.note("made")
      yield* Fiber.join(burning)
      yield* Fiber.join(interruption)
      assert.deepStrictEqual(yield* visitor.notes({ name: "after", n: 1 }), ["success"])
    }).pipe(Effect.provide(placement.layer({ interruptTimeout: "300 millis" })), quiet))

  for (const calls of [1, 2]) {
    it.live(`C3: an actor busy for another caller is not treated as unresponsive when a holder with queued calls dies (${calls})`, () =>
      Effect.gen(function*() {
        const { clerk, journal, visitor } = yield* meet(1)
        yield* visitor.all()
        const burning = yield* forked(clerk.burn())
        yield* journal.awaitLine("burning")
        yield* forked(visitor.notes({ name: "late", n: calls }))
        yield* journal.awaitLine("late made")
        yield* ActorRef.kill(visitor)
        yield* othersRunOut
        yield* journal.note("made")
        yield* Fiber.join(burning)
        assert.strictEqual(yield* clerk.count(), 2)
      }).pipe(Effect.provide(placement.layer({ interruptTimeout: "300 millis" })), quiet))
  }

  it.live("C3: an actor that does not react to an interruption through a reference is killed, and no other actor", () =>
    Effect.gen(function*() {
      const { callers: [one, other], clerk } = yield* meet(
        2,
        (args) => Supervision.supervised(Clerk.spawn(args), soon)
      )
      assert.strictEqual(yield* one!.ignore(), "interrupted")
      assert.deepStrictEqual(yield* other!.notes({ name: "other", n: 1 }), ["success"])
      assert.deepStrictEqual(yield* one!.notes({ name: "one", n: 1 }), ["success"])
      assert.strictEqual(yield* clerk.count(), 1)
    }).pipe(Effect.provide(placement.layer({ interruptTimeout: "300 millis" })), quiet))
}, { except: ["memory"], reason: "an actor in memory has no worker of its own that could end" })

onEveryPlacement(fixture, (placement) => {
  it.live("C3: a busy loop called through a reference notices its interruption", () =>
    Effect.gen(function*() {
      const { clerk, journal, visitor } = yield* meet(1)
      const computing = yield* forked(visitor.compute())
      yield* journal.awaitLine("computing")
      yield* Fiber.interrupt(computing)
      // the incarnation is unchanged
      assert.strictEqual(yield* clerk.count(), 1)
    }).pipe(Effect.provide(placement.layer())))

  it.live("C3: a busy loop notices the death of its caller", () =>
    Effect.gen(function*() {
      const { clerk, journal, visitor } = yield* meet(1)
      const computing = yield* forked(visitor.compute())
      yield* journal.awaitLine("computing")
      yield* ActorRef.kill(visitor)
      yield* Fiber.await(computing)
      // the incarnation is unchanged
      assert.strictEqual(yield* clerk.count(), 1)
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("C3, C5: calls and streams in progress during a route change can still be interrupted and read by their caller", () =>
    Effect.gen(function*() {
      // the delay is so long that the next call finds no direct route, and is relayed by the program
      const later = Supervision.make({ schedule: Schedule.spaced("200 millis") })
      const { clerk, journal, visitor } = yield* meet(1, (args) => Supervision.supervised(Clerk.spawn(args), later))
      const crash = Effect.gen(function*() {
        yield* visitor.look({ n: 1 })
        const exiting = yield* forked(clerk.exit())
        yield* journal.note("crash")
        yield* Fiber.await(exiting)
      })
      yield* crash
      // a route is requested after at most this number of calls
      assert.strictEqual(yield* visitor.read({ upTo: 20_000, n: 100 }), 20_000)
      yield* crash
      const hanging = yield* forked(visitor.hang({ line: "a" }))
      yield* journal.awaitLine("a begun")
      yield* visitor.look({ n: 100 })
      yield* Fiber.interrupt(hanging)
      const lines = yield* journal.lines
      assert.isAbove(lines.indexOf("a acknowledged"), lines.indexOf("a finalized"), lines.join())
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("H4: the route to a restarted actor is found again", () =>
    Effect.gen(function*() {
      const { clerk, journal, visitor } = yield* meet(1, (args) => Supervision.supervised(Clerk.spawn(args), soon))
      yield* visitor.count({ n: 5 })
      yield* journal.note("crash")
      yield* Effect.exit(clerk.exit())
      // at most this number of calls is relayed before a route is requested
      yield* visitor.count({ n: 100 })
      const counting = yield* forked(visitor.count({ n: 100 }))
      yield* left
      yield* journal.note("begun")
      Journal.block(journal, "counted 200")
      yield* Fiber.join(counting)
    }).pipe(Effect.provide(placement.layer()), quiet))
}, { except: ["memory", "processes"], reason: "only threads have channels to each other" })

const tells = { module: new URL("./actors/direct-tells.ts", import.meta.url), behaviours: directTells }

onEveryPlacement(tells, (placement) => {
  it.live("F3, C4: queued tells through a reference reach the next incarnation of the actor", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const sink = yield* Supervision.supervised(Sink.spawn(), soon)
      const source = yield* Source.spawn()
      assert.strictEqual(yield* source.send({ sink, journal: journal.path, n: 4_500 }), 4_500)
    }).pipe(Effect.provide(placement.layer()), quiet))
}, { except: ["memory"], reason: "an exit would end the test" })
