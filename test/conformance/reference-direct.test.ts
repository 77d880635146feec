/**
 * References to actors in the hands of other actors: between two threads, and in one, nobody is between them; and it makes no
 * difference to what they may rely on.
 */
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Logger, Schedule, Stream } from "effect"
import * as fs from "node:fs"
import { setImmediate } from "node:timers/promises"
import * as ActorRef from "../../src/ActorRef.ts"
import * as Supervision from "../../src/Supervision.ts"
import { assertExited, forked, left, upTo } from "./asserts.ts"
import behaviours, { Clerk, Visitor } from "./fixtures/reference-direct.ts"
import * as Journal from "./journal.ts"
import { onEveryPlacement } from "./placements.ts"

const fixture = { module: new URL("./fixtures/reference-direct.ts", import.meta.url), behaviours }

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

const soon = Supervision.make({ schedule: Schedule.spaced(1) })

/** A clerk, and so many who have a reference to it. */
const meet = (visitors: number, spawn: typeof Clerk.spawn = Clerk.spawn) =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const clerk = yield* spawn({ journal: journal.path })
    const callers = yield* Effect.all(
      Array.from({ length: visitors }, () => Visitor.spawn({ journal: journal.path, clerk })),
      { concurrency: "unbounded" }
    )
    return { clerk, journal, callers, visitor: callers[0]! }
  })

/** Blocks this thread until the journal has a line. */
const blockUntil = (journal: Journal.Journal, line: string): void => {
  const start = performance.now()
  while (!fs.readFileSync(journal.path, "utf8").split("\n").includes(line)) {
    assert.isBelow(performance.now() - start, 20_000, "they need this thread")
  }
}

for (const workers of ["dedicated", 1] as const) {
  const where = workers === 1 ? "in one worker" : "in two workers"
  onEveryPlacement(fixture, (placement) => {
    const layer = placement.layer({ workers })

    it.live(`H4: actors call each other without the thread that introduced them (${where})`, () =>
      Effect.gen(function*() {
        const { clerk, journal, visitor } = yield* meet(1)
        const counting = yield* forked(visitor.count({ n: 100 }))
        // from then on nothing passes through here
        yield* left
        yield* journal.note("begun")
        blockUntil(journal, "counted 100")
        yield* Fiber.join(counting)
        assert.strictEqual(yield* clerk.count(), 101)
      }).pipe(Effect.provide(layer)))

    it.live(`H5: a reference that is let go of leaves no way behind (${where})`, () =>
      Effect.gen(function*() {
        const { clerk, visitor } = yield* meet(1)
        yield* visitor.count({ n: 1 })
        assert.strictEqual(yield* clerk.ways(), workers === 1 ? 2 : 1)
        assert.strictEqual(yield* visitor.ways(), workers === 1 ? 2 : 1)
        yield* visitor.letGo()
        // it is told so on the channel between the two, and a call here may be faster
        while ((yield* clerk.ways()) > 0) yield* Effect.yieldNow
        assert.strictEqual(yield* visitor.ways(), 0)
      }).pipe(Effect.provide(layer)))

    it.live(`H5: an actor that has been stopped, and one that ends with its scope, leave no way behind (${where})`, () =>
      Effect.gen(function*() {
        const { clerk, journal, visitor } = yield* meet(1)
        yield* visitor.count({ n: 1 })
        const other = yield* Clerk.spawn({ journal: journal.path })
        yield* ActorRef.stop(clerk)
        while ((yield* visitor.ways()) > 0) yield* Effect.yieldNow
        assert.deepStrictEqual(yield* visitor.notes({ name: "after", n: 2 }), ["Stopped NotRun", "Stopped NotRun"])
        // an end that crosses the handle on its way
        const late = yield* Visitor.spawn({ journal: journal.path, clerk })
        assert.deepStrictEqual(yield* late.notes({ name: "late", n: 1 }), ["Stopped NotRun"])
        assert.strictEqual(yield* late.ways(), 0)
        yield* ActorRef.stop(other)
      }).pipe(Effect.provide(layer)))
  }, { except: ["memory", "processes"], reason: "only threads can be connected with each other" })

  onEveryPlacement(fixture, (placement) => {
    const layer = placement.layer({ workers })

    it.live(`F2: calls through a reference say that its actor was killed, as others do (${where})`, () =>
      Effect.gen(function*() {
        const { clerk, journal, visitor } = yield* meet(1)
        const hanging = yield* forked(visitor.hang({ line: "a" }))
        yield* journal.awaitLine("a begun")
        const behind = yield* forked(visitor.notes({ name: "behind", n: 3 }))
        yield* journal.awaitLine("behind made")
        yield* ActorRef.kill(clerk)
        assert.deepStrictEqual(yield* Fiber.join(hanging), "Killed Unknown")
        const reasons = (yield* Fiber.join(behind)).map((end) => end.split(" ")[0])
        assert.deepStrictEqual(reasons, ["Killed", "Killed", "Killed"])
        assert.deepStrictEqual(yield* visitor.notes({ name: "after", n: 1 }), ["Killed NotRun"])
      }).pipe(Effect.provide(layer), quiet))

    it.live(`H4: a reference in an actor makes every kind of call (${where})`, () =>
      Effect.gen(function*() {
        const { journal, visitor } = yield* meet(1)
        assert.deepStrictEqual(yield* visitor.all(), [
          "success",
          "no",
          "1000 items",
          "7",
          "TimeoutError: Operation timed out after '20ms'"
        ])
        assert.deepStrictEqual(yield* journal.lines, ["timed begun", "timed finalized"])
      }).pipe(Effect.provide(layer)))

    it.live(`F1: an actor that calls another without end takes nobody's turn (${where})`, () =>
      Effect.gen(function*() {
        const { clerk, visitor } = yield* meet(1)
        const counting = yield* forked(visitor.count({ n: Number.MAX_SAFE_INTEGER }))
        for (let i = 0; i < 10; i++) {
          // the event loops turn, here and there
          yield* Effect.promise(() => setImmediate())
          yield* clerk.count()
        }
        yield* Fiber.interrupt(counting)
      }).pipe(Effect.provide(layer)))

    it.live(`C2: calls through a reference start in their order, and beside those of others (${where})`, () =>
      Effect.gen(function*() {
        const { callers, clerk, journal } = yield* meet(2)
        const endings = yield* Effect.all([
          ...callers.map((visitor, i) => visitor.notes({ name: `visitor ${i}`, n: 50 })),
          Effect.forEach(upTo(50), (n) => clerk.note({ line: `main ${n}` }), { concurrency: "unbounded" })
        ], { concurrency: "unbounded" })
        assert.isTrue(endings.slice(0, 2).flat().every((ending) => ending === "success"))
        const lines = yield* journal.lines
        for (const name of ["visitor 0", "visitor 1", "main"]) {
          const own = lines.filter((line) => line.startsWith(`${name} `) && !line.endsWith("made"))
          assert.deepStrictEqual(own, upTo(50).map((n) => `${name} ${n}`))
        }
      }).pipe(Effect.provide(layer)))

    it.live(`C3: a call through a reference that waits is taken back, and one that runs is finalized first (${where})`, () =>
      Effect.gen(function*() {
        const { journal, visitor } = yield* meet(1)
        const running = yield* forked(visitor.hang({ line: "running" }))
        yield* journal.awaitLine("running begun")
        const waiting = yield* forked(visitor.hang({ line: "waiting" }))
        yield* left
        yield* Fiber.interrupt(waiting)
        yield* Fiber.interrupt(running)
        const lines = yield* journal.lines
        assert.notInclude(lines, "waiting begun")
        assert.isAbove(lines.indexOf("running acknowledged"), lines.indexOf("running finalized"), lines.join())
        // what is behind them goes on
        assert.deepStrictEqual(yield* visitor.notes({ name: "after", n: 1 }), ["success"])
      }).pipe(Effect.provide(layer)))

    it.live(`C4, C7: a tell through a reference completes when the mailbox has room, whoever fills it (${where})`, () =>
      Effect.gen(function*() {
        const { callers, clerk, journal } = yield* meet(2)
        const [one, other] = callers
        const running = yield* forked(clerk.wait({ line: "first" }))
        yield* journal.awaitLine("first begun")
        // two places, one taken from here and one from an actor
        const here = yield* forked(clerk.note({ line: "here" }))
        yield* left
        yield* one!.tell({ line: "one" })
        const beyond = yield* forked(other!.tell({ line: "other" }))
        const far = yield* forked(one!.tell({ line: "far" }))
        // each of them has made its call by the time it answers another
        yield* Effect.all([one!.ways(), other!.ways()])
        assert.deepStrictEqual(yield* journal.lines, ["first begun", "told one"])
        assert.isUndefined(beyond.pollUnsafe())
        yield* journal.note("go")
        yield* Effect.forEach([running, here, beyond, far], Fiber.join)
        // what has been accepted runs after that
        yield* Effect.forEach(["one", "other", "far"], journal.awaitLine)
        const lines = yield* journal.lines
        assert.isBelow(lines.indexOf("here"), lines.indexOf("one"))
        assert.isBelow(lines.indexOf("one"), lines.indexOf("far"))
        assert.includeMembers(lines.slice(), ["other", "told other", "told far"])
      }).pipe(Effect.provide(layer)))

    it.live(`L4: stopping finishes what was called through references, or interrupts it (${where})`, () =>
      Effect.gen(function*() {
        const first = yield* meet(1)
        const running = yield* forked(first.clerk.wait({ line: "first" }))
        yield* first.journal.awaitLine("first begun")
        yield* first.visitor.tell({ line: "one" })
        yield* first.visitor.tell({ line: "two" })
        const stopping = yield* forked(ActorRef.stop(first.clerk, { drain: true }))
        yield* first.journal.note("go")
        yield* Effect.forEach([running, stopping], Fiber.join)
        assert.includeMembers((yield* first.journal.lines).slice(), ["one", "two"])

        const second = yield* meet(1)
        const hanging = yield* forked(second.visitor.hang({ line: "a" }))
        yield* second.journal.awaitLine("a begun")
        const behind = yield* forked(second.visitor.notes({ name: "behind", n: 1 }))
        yield* second.journal.awaitLine("behind made")
        yield* ActorRef.stop(second.clerk)
        assert.strictEqual(yield* Fiber.join(hanging), "Stopped Unknown")
        assert.deepStrictEqual(yield* Fiber.join(behind), ["Stopped NotRun"])
        assert.include(yield* second.journal.lines, "a finalized")
      }).pipe(Effect.provide(layer)))

    it.live(`H5: letting go of a reference takes back what is called through it (${where})`, () =>
      Effect.gen(function*() {
        const { clerk, journal, visitor } = yield* meet(1)
        const hanging = yield* forked(visitor.hang({ line: "a" }))
        yield* journal.awaitLine("a begun")
        const behind = yield* forked(visitor.notes({ name: "behind", n: 1 }))
        yield* journal.awaitLine("behind made")
        yield* visitor.letGo()
        assert.strictEqual(yield* Fiber.join(hanging), "HandleReleased")
        assert.deepStrictEqual(yield* Fiber.join(behind), ["HandleReleased"])
        assert.deepStrictEqual(yield* visitor.notes({ name: "after", n: 1 }), ["HandleReleased"])
        // nothing of it is left in the actor
        yield* clerk.note({ line: "free" })
        const lines = yield* journal.lines
        assert.include(lines, "a finalized")
        assert.notInclude(lines, "behind 1")
      }).pipe(Effect.provide(layer)))

    it.live(`H5: letting go of a reference takes back what its actor still finishes before it ends (${where})`, () =>
      Effect.gen(function*() {
        const { clerk, journal, visitor } = yield* meet(1)
        const hanging = yield* forked(visitor.hang({ line: "a" }))
        yield* journal.awaitLine("a begun")
        const stopping = yield* forked(ActorRef.stop(clerk, { drain: true }))
        yield* left
        const refused = yield* forked(visitor.notes({ name: "refused", n: 1 }))
        yield* journal.awaitLine("refused made")
        // what it is told of that call has come by the time it answers others
        yield* visitor.ways().pipe(Effect.repeat({ times: 20 }))
        yield* visitor.letGo()
        assert.strictEqual(yield* Fiber.join(hanging), "HandleReleased")
        yield* Fiber.join(stopping)
        yield* Fiber.join(refused)
        assert.include(yield* journal.lines, "a finalized")
      }).pipe(Effect.provide(layer)))

    it.live(`H5: a caller that has given up is told when its call has ended, though the reference is let go of (${where})`, () =>
      Effect.gen(function*() {
        const { journal, visitor } = yield* meet(1)
        const finishing = yield* forked(visitor.finish({ line: "slow" }))
        yield* journal.awaitLine("slow begun")
        const interruption = yield* forked(Fiber.interrupt(finishing))
        yield* left
        yield* visitor.letGo()
        yield* journal.note("go")
        yield* Fiber.join(interruption)
        // it has not been killed
        assert.strictEqual(yield* visitor.ways(), 0)
      }).pipe(Effect.provide(layer)))

    it.live(`H5: the end of a holder takes back what it had called (${where})`, () =>
      Effect.gen(function*() {
        const { clerk, journal, visitor } = yield* meet(1)
        const hanging = yield* forked(visitor.hang({ line: "a" }))
        yield* journal.awaitLine("a begun")
        const behind = yield* forked(visitor.notes({ name: "behind", n: 1 }))
        yield* journal.awaitLine("behind made")
        yield* ActorRef.stop(visitor)
        yield* Fiber.await(hanging)
        yield* Fiber.await(behind)
        yield* clerk.note({ line: "free" })
        const lines = yield* journal.lines
        assert.include(lines, "a finalized")
        assert.notInclude(lines, "behind 1")
      }).pipe(Effect.provide(layer)))
  })
}

onEveryPlacement(fixture, (placement) => {
  it.live("F3: calls through a reference that never ran go to the next incarnation in their order; what ran fails", () =>
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

  it.live("C1, F1: without supervision, calls through a reference say what became of them, and its holder goes on", () =>
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

  it.live("C1: a call through a reference that has begun, might run again, and cannot, may have run", () =>
    Effect.gen(function*() {
      const { clerk, journal, visitor } = yield* meet(1)
      const exiting = yield* forked(clerk.exit())
      const hanging = yield* forked(visitor.hangAgain({ line: "a" }))
      yield* journal.awaitLine("a begun")
      yield* journal.note("crash")
      yield* Fiber.await(exiting)
      assert.strictEqual(yield* Fiber.join(hanging), "Crashed Unknown")
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F3: a call through a reference that has begun and may run again does so in the next incarnation", () =>
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

  it.live("C7: what waited outside a full mailbox runs, though those before it have left it out of line", () =>
    Effect.gen(function*() {
      const { clerk, journal, visitor } = yield* meet(1)
      const burning = yield* forked(clerk.burn())
      const waiting = yield* forked(clerk.wait({ line: "a" }))
      yield* journal.awaitLine("burning")
      const overtaking = yield* forked(visitor.overtake({ line: "beyond" }))
      yield* journal.awaitLine("all made")
      // its calls have left by the time it answers another
      yield* visitor.ways()
      yield* journal.note("made")
      yield* Fiber.join(burning)
      yield* journal.awaitLine("a begun")
      yield* journal.note("go")
      yield* Fiber.join(waiting)
      yield* Fiber.join(overtaking)
      assert.strictEqual((yield* journal.lines).at(-1), "beyond")
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: the death of a holder takes back what it had called", () =>
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
    it.live(`C3: an actor that does not react when a holder dies that has called it is killed, and nobody else (${method})`, () =>
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

  it.live("C3: who waits for an actor that does not react is not taken for one itself", () =>
    Effect.gen(function*() {
      const { clerk, journal, visitor } = yield* meet(1, (args) => Supervision.supervised(Clerk.spawn(args), soon))
      const insisting = yield* forked(visitor.insist())
      yield* journal.awaitLine("ignoring")
      yield* Fiber.interrupt(insisting)
      // it is the same life, for there is no other
      assert.deepStrictEqual(yield* visitor.notes({ name: "after", n: 1 }), ["success"])
      assert.strictEqual(yield* clerk.count(), 1)
    }).pipe(Effect.provide(placement.layer({ interruptTimeout: "300 millis" })), quiet))

  // others run into `interruptTimeout`, again and again
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

  it.live("C3: nor is who waits for an actor that computes for someone else, nor is that one", () =>
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
    it.live(`C3: nor is who computes for someone else while a holder dies whose calls wait behind that (${calls})`, () =>
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

  it.live("C3: an actor that does not react to an interruption through a reference is killed, and nobody else", () =>
    Effect.gen(function*() {
      const { callers: [one, other], clerk, journal } = yield* meet(
        2,
        (args) => Supervision.supervised(Clerk.spawn(args), soon)
      )
      assert.include(yield* one!.ignore(), "TimeoutError")
      assert.include(yield* journal.lines, "ignoring")
      assert.deepStrictEqual(yield* other!.notes({ name: "other", n: 1 }), ["success"])
      assert.deepStrictEqual(yield* one!.notes({ name: "one", n: 1 }), ["success"])
      assert.strictEqual(yield* clerk.count(), 1)
    }).pipe(Effect.provide(placement.layer({ interruptTimeout: "300 millis" })), quiet))
}, { except: ["memory"], reason: "an actor in memory has no worker of its own that could end" })

onEveryPlacement(fixture, (placement) => {
  it.live("C3: a loop that is called through a reference notices its interruption", () =>
    Effect.gen(function*() {
      const { clerk, journal, visitor } = yield* meet(1)
      const computing = yield* forked(visitor.compute())
      yield* journal.awaitLine("computing")
      yield* Fiber.interrupt(computing)
      // it is the same life, for there is no other
      assert.strictEqual(yield* clerk.count(), 1)
    }).pipe(Effect.provide(placement.layer())))

  it.live("C3: a loop notices that the holder has died who has called it", () =>
    Effect.gen(function*() {
      const { clerk, journal, visitor } = yield* meet(1)
      const computing = yield* forked(visitor.compute())
      yield* journal.awaitLine("computing")
      yield* ActorRef.kill(visitor)
      yield* Fiber.await(computing)
      // it is the same life, for there is no other
      assert.strictEqual(yield* clerk.count(), 1)
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("C3, C5: what was under way when the way was found again is taken back, and read, where it was called", () =>
    Effect.gen(function*() {
      // so late that what is called next finds no way, and goes through here
      const later = Supervision.make({ schedule: Schedule.spaced("200 millis") })
      const { clerk, journal, visitor } = yield* meet(1, (args) => Supervision.supervised(Clerk.spawn(args), later))
      const crash = Effect.gen(function*() {
        yield* visitor.look({ n: 1 })
        const exiting = yield* forked(clerk.exit())
        yield* journal.note("crash")
        yield* Fiber.await(exiting)
      })
      yield* crash
      // the way is found by one of so many calls
      assert.strictEqual(yield* visitor.read({ upTo: 20_000, n: 100 }), 20_000)
      yield* crash
      const hanging = yield* forked(visitor.hang({ line: "a" }))
      yield* journal.awaitLine("a begun")
      yield* visitor.look({ n: 100 })
      yield* Fiber.interrupt(hanging)
      const lines = yield* journal.lines
      assert.isAbove(lines.indexOf("a acknowledged"), lines.indexOf("a finalized"), lines.join())
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("H4: the way to an actor that has been restarted is found again", () =>
    Effect.gen(function*() {
      const { clerk, journal, visitor } = yield* meet(1, (args) => Supervision.supervised(Clerk.spawn(args), soon))
      yield* visitor.count({ n: 5 })
      yield* journal.note("crash")
      yield* Effect.exit(clerk.exit())
      // so many calls go through here at most before it is sought
      yield* visitor.count({ n: 100 })
      const counting = yield* forked(visitor.count({ n: 100 }))
      yield* left
      yield* journal.note("begun")
      blockUntil(journal, "counted 200")
      yield* Fiber.join(counting)
    }).pipe(Effect.provide(placement.layer()), quiet))
}, { except: ["memory", "processes"], reason: "only threads can be connected with each other" })
