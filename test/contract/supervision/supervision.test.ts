import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, Schedule, Stream } from "effect"
import { MailboxFull } from "../../../src/ActorError.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { assertExited, assertInterrupted, errorOf, exitedOf, forked, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Lazarus, Phoenix, Strict } from "./actors/supervision.ts"

const fixture = { module: new URL("./actors/supervision.ts", import.meta.url), behaviours }

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

const soon = Supervision.make({ schedule: Schedule.spaced(1) })

const once = Supervision.make({ schedule: Schedule.spaced(1), maxRestarts: 1 })

type Builds = (typeof Phoenix.args.Type)["builds"]

/** A phoenix, supervised, and its journal. */
const rising = (policy: Supervision.Policy, builds: Builds = ["starts"]) =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const phoenix = yield* Supervision.supervised(
      Phoenix.spawn({ journal: journal.path, name: "a", builds }),
      policy
    )
    return { phoenix, journal }
  })

/** What the builds after the first have noted, without their numbers. */
const notedBy = (build: number, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.filter((line) => line.startsWith(`${build}: `)).map((line) => line.slice(`${build}: `.length))

onEveryPlacement(fixture, (placement) => {
  // ---- a new incarnation ----

  for (const way of ["exit", "throw"] as const) {
    it.live(`F3: when its worker ends by ${way}, an actor is built again from the same arguments, with fresh state`, () =>
      Effect.gen(function*() {
        const { phoenix } = yield* rising(soon)
        assert.deepStrictEqual(yield* phoenix.who(), { name: "a", build: 1, calls: 1 })
        assert.deepStrictEqual(yield* phoenix.who(), { name: "a", build: 1, calls: 2 })
        const address = ActorRef.address(phoenix)
        assertExited(yield* Effect.exit(phoenix[way]()), "Crashed", "Unknown")
        assert.deepStrictEqual(yield* phoenix.who(), { name: "a", build: 2, calls: 1 })
        assert.notStrictEqual(ActorRef.address(phoenix), address)
      }).pipe(Effect.provide(placement.layer()), quiet))
  }

  it.live("F3: without a policy, an actor ends with its worker", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const phoenix = yield* Phoenix.spawn({ journal: journal.path, name: "a", builds: ["starts"] })
      yield* Effect.exit(phoenix.exit())
      assertExited(yield* ActorRef.awaitExit(phoenix), "Crashed", "NotRun")
      assertExited(yield* Effect.exit(phoenix.who()), "Crashed", "NotRun")
      assert.deepStrictEqual(yield* journal.lines, ["a built 1"])
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F3: a policy given as a layer supervises the actors of the layers under it", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const layer = Layer.provide(
        Phoenix.layer({ journal: journal.path, name: "a", builds: ["starts"] }),
        Supervision.layer(soon)
      )
      const program = Effect.gen(function*() {
        const phoenix = yield* Phoenix
        yield* Effect.exit(phoenix.exit())
        assert.strictEqual((yield* phoenix.who()).build, 2)
      })
      yield* Effect.provide(program, layer, { local: true })
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F3: the behaviour's own policy applies if the spawner gives none", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const args = { journal: journal.path, name: "a", builds: ["starts"] } as const
      const lazarus = yield* Lazarus.spawn(args)
      yield* Effect.exit(lazarus.exit())
      assert.strictEqual((yield* lazarus.who()).build, 2)
      yield* Effect.exit(lazarus.exit())
      assertExited(yield* ActorRef.awaitExit(lazarus), "Crashed", "NotRun")
      // the spawner's goes before it
      const never = Supervision.make({ maxRestarts: 0 })
      const other = yield* Supervision.supervised(Lazarus.spawn({ ...args, name: "b" }), never)
      yield* Effect.exit(other.exit())
      assertExited(yield* ActorRef.awaitExit(other), "Crashed", "NotRun")
      assert.notInclude(yield* journal.lines, "b built 2")
    }).pipe(Effect.provide(placement.layer()), quiet))

  // ---- calls ----

  it.live("F3: queued calls go to the next incarnation in their order, ahead of new calls; started calls fail", () =>
    Effect.gen(function*() {
      const { journal, phoenix } = yield* rising(soon, ["starts", "waits"])
      const hanging = yield* forked(phoenix.hang())
      const behind = yield* Effect.forEach(upTo(100), (n) => forked(phoenix.note({ n })))
      yield* journal.awaitLine("1: hanging")
      assertExited(yield* Effect.exit(phoenix.exit()), "Crashed", "Unknown")
      assertExited(yield* Fiber.await(hanging), "Crashed", "Unknown")
      const after = yield* Effect.forEach(upTo(50), (n) => forked(phoenix.note({ n: 100 + n })))
      for (const call of [...behind, ...after]) assert.isUndefined(call.pollUnsafe())
      yield* journal.note("go")
      assert.deepStrictEqual(yield* Effect.forEach([...behind, ...after], Fiber.join), upTo(150))
      const lines = yield* journal.lines
      assert.deepStrictEqual(notedBy(1, lines), ["hanging"])
      assert.deepStrictEqual(notedBy(2, lines), upTo(150).map(String))
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F3: a tell that was not accepted goes to the next incarnation", () =>
    Effect.gen(function*() {
      const { journal, phoenix } = yield* rising(soon, ["starts", "waits"])
      yield* Effect.exit(phoenix.exit())
      const tell = yield* forked(phoenix.note({ n: 1 }, { discard: true }))
      assert.isUndefined(tell.pollUnsafe())
      yield* journal.note("go")
      yield* Fiber.join(tell)
      yield* journal.awaitLine("2: 1")
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F3: an idempotent call that may have run runs again", () =>
    Effect.gen(function*() {
      const { journal, phoenix } = yield* rising(soon)
      const call = yield* forked(phoenix.hangOnce())
      yield* journal.awaitLine("1: hanging")
      yield* Effect.exit(phoenix.exit())
      assert.strictEqual(yield* Fiber.join(call), 2)
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F3: an idempotent call that ends its worker every time fails as Unknown when the budget is used up", () =>
    Effect.gen(function*() {
      const { journal, phoenix } = yield* rising(Supervision.make({ schedule: Schedule.spaced(1), maxRestarts: 2 }))
      assertExited(yield* Effect.exit(phoenix.alwaysCrash()), "Crashed", "Unknown")
      assertExited(yield* ActorRef.awaitExit(phoenix), "Crashed", "NotRun")
      assert.deepStrictEqual((yield* journal.lines).filter((line) => line.endsWith("crashing")), [
        "1: crashing",
        "2: crashing",
        "3: crashing"
      ])
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F3: streams in progress fail, and a queued stream goes to the next incarnation", () =>
    Effect.gen(function*() {
      const { journal, phoenix } = yield* rising(soon, ["starts", "waits"])
      const seen: Array<number> = []
      const underWay = yield* forked(
        Stream.runForEach(phoenix.ticks({ upTo: 3 }), (n) => Effect.sync(() => seen.push(n)))
      )
      yield* Journal.until("the stream has been read so far", () => seen.length === 3)
      const queued = yield* forked(Stream.runCollect(Stream.take(phoenix.ticks({ upTo: 2 }), 2)))
      yield* Effect.exit(phoenix.exit())
      assertExited(yield* Fiber.await(underWay), "Crashed", "Unknown")
      const waiting = yield* forked(Stream.runCollect(Stream.take(phoenix.ticks({ upTo: 2 }), 1)))
      yield* journal.note("go")
      assert.deepStrictEqual(yield* Fiber.join(queued), [1, 2])
      assert.deepStrictEqual(yield* Fiber.join(waiting), [1])
      assert.deepStrictEqual(seen, [1, 2, 3])
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F3: an idempotent stream starts again, unless its reader has received items", () =>
    Effect.gen(function*() {
      const { journal, phoenix } = yield* rising(soon)
      const fresh = yield* forked(Stream.runCollect(phoenix.ticksAgain({ upTo: 0 })))
      yield* journal.awaitLine("1: hanging")
      yield* Effect.exit(phoenix.exit())
      assert.deepStrictEqual(yield* Fiber.join(fresh), [200])
      const other = yield* rising(soon)
      const seen: Array<number> = []
      const read = yield* forked(
        Stream.runForEach(other.phoenix.ticksAgain({ upTo: 3 }), (n) => Effect.sync(() => seen.push(n)))
      )
      yield* Journal.until("the stream has been read so far", () => seen.length === 3)
      yield* other.journal.awaitLine("1: hanging")
      yield* Effect.exit(other.phoenix.exit())
      assertExited(yield* Fiber.await(read), "Crashed", "Unknown")
      assert.deepStrictEqual(seen, [1, 2, 3])
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F3: interrupting a call that waits for the restart removes the call", () =>
    Effect.gen(function*() {
      const { journal, phoenix } = yield* rising(soon, ["starts", "waits"])
      const hanging = yield* forked(phoenix.hang())
      const carried = yield* Effect.forEach([1, 2], (n) => forked(phoenix.note({ n })))
      yield* journal.awaitLine("1: hanging")
      yield* Effect.exit(phoenix.exit())
      yield* Fiber.await(hanging)
      const waiting = yield* Effect.forEach([3, 4], (n) => forked(phoenix.note({ n })))
      for (const call of [carried[0]!, waiting[0]!]) {
        yield* Fiber.interrupt(call)
        assertInterrupted(yield* Fiber.await(call))
      }
      yield* journal.note("go")
      assert.deepStrictEqual(yield* Effect.forEach([carried[1]!, waiting[1]!], Fiber.join), [2, 4])
      assert.deepStrictEqual(notedBy(2, yield* journal.lines), ["2", "4"])
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F3: calls wait for the restart in the bounded mailbox: with onFull fail, further calls fail", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const strict = yield* Strict.spawn({ journal: journal.path, name: "a", builds: ["starts", "waits"] })
      yield* Effect.exit(strict.exit())
      const waiting = yield* Effect.forEach([1, 2], (n) => forked(strict.note({ n })))
      const error = errorOf(yield* Effect.exit(strict.note({ n: 3 })))
      assert.instanceOf(error, MailboxFull)
      assert.deepStrictEqual([error.capacity, error.method, error.outcome], [2, "note", "NotRun"])
      yield* journal.note("go")
      assert.deepStrictEqual(yield* Effect.forEach(waiting, Fiber.join), [1, 2])
    }).pipe(Effect.provide(placement.layer()), quiet))

  // ---- the budget ----

  it.live("F3: when the budget is used up, watchers and all callers get the cause of the last crash", () =>
    Effect.gen(function*() {
      const { journal, phoenix } = yield* rising(once)
      const watcher = yield* forked(ActorRef.awaitExit(phoenix))
      yield* Effect.exit(phoenix.exit())
      const hanging = yield* forked(phoenix.hang())
      const behind = yield* Effect.forEach(upTo(20), (n) => forked(phoenix.note({ n })))
      yield* journal.awaitLine("2: hanging")
      yield* Effect.exit(phoenix.throw())
      const exit = yield* Fiber.join(watcher)
      assertExited(exit, "Crashed", "NotRun")
      assertExited(yield* Fiber.await(hanging), "Crashed", "Unknown")
      for (const call of behind) assertExited(yield* Fiber.await(call), "Crashed", "NotRun")
      const later = yield* Effect.exit(phoenix.note({ n: 21 }))
      assertExited(later, "Crashed", "NotRun")
      for (const each of [exit, later, yield* Fiber.await(hanging), yield* Fiber.await(behind[0]!)]) {
        assert.include(exitedOf(each).message, "RangeError: thrown by nobody's handler")
      }
      assert.deepStrictEqual(yield* ActorRef.awaitExit(phoenix), exit)
      assert.deepStrictEqual(yield* Stream.runCollect(Stream.map(ActorRef.incarnations(phoenix), (i) => i.number)), [2])
    }).pipe(Effect.provide(placement.layer()), quiet))

  for (
    const { builds, says } of [
      { builds: "fails", says: "NoBuild" },
      { builds: "dies", says: "build 3 died" },
      { builds: "exits", says: "exited with code 9" }
    ] as const
  ) {
    it.live(`F4: an actor whose every new build ${builds} uses up its budget, and the final error gives the cause`, () =>
      Effect.gen(function*() {
        const policy = Supervision.make({ schedule: Schedule.spaced(1), maxRestarts: 2 })
        const { journal, phoenix } = yield* rising(policy, ["starts", builds])
        const address = ActorRef.address(phoenix)
        const hanging = yield* forked(phoenix.hang())
        const carried = yield* forked(phoenix.note({ n: 1 }))
        yield* journal.awaitLine("1: hanging")
        yield* Effect.exit(phoenix.throw())
        assertExited(yield* Fiber.await(hanging), "Crashed", "Unknown")
        const exit = yield* ActorRef.awaitExit(phoenix)
        assertExited(exit, "Crashed", "NotRun")
        assertExited(yield* Fiber.await(carried), "Crashed", "NotRun")
        for (const each of [exit, yield* Fiber.await(carried), yield* Effect.exit(phoenix.note({ n: 2 }))]) {
          const { message } = exitedOf(each)
          assert.include(message, address)
          assert.include(message, "RangeError: thrown by nobody's handler")
          assert.include(message, says)
        }
        for (const call of [yield* Fiber.await(carried), yield* Effect.exit(phoenix.note({ n: 2 }))]) {
          assert.include(exitedOf(call).message, ".note has not run, and a retry fails, too: ")
        }
        assert.deepStrictEqual(
          (yield* journal.lines).filter((line) => line.includes("built")),
          ["a built 1", "a built 2", "a built 3"]
        )
      }).pipe(Effect.provide(placement.layer()), quiet))
  }

  it.live("F4: failed restarts use up the budget, however far apart they are", () =>
    Effect.gen(function*() {
      const policy = Supervision.make({ schedule: Schedule.spaced(1), maxRestarts: 2, window: "1 nanos" })
      const { journal, phoenix } = yield* rising(policy, [
        "starts",
        "starts",
        "starts",
        "starts",
        "fails",
        "fails",
        "starts"
      ])
      for (const build of [2, 3, 4]) {
        yield* Effect.exit(phoenix.exit())
        assert.strictEqual((yield* phoenix.who()).build, build)
      }
      yield* Effect.exit(phoenix.exit())
      assertExited(yield* Effect.exit(phoenix.who()), "Crashed", "NotRun")
      assert.notInclude(yield* journal.lines, "a built 7")
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F3: an actor whose schedule has ended is never restarted again, however long ago its restarts were", () =>
    Effect.gen(function*() {
      const policy = Supervision.make({ schedule: Schedule.recurs(2), window: "1 nanos" })
      const { phoenix } = yield* rising(policy)
      for (const build of [2, 3]) {
        yield* Effect.exit(phoenix.exit())
        assert.strictEqual((yield* phoenix.who()).build, build)
      }
      yield* Effect.exit(phoenix.exit())
      assertExited(yield* ActorRef.awaitExit(phoenix), "Crashed", "NotRun")
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F4: a failed build is retried within the budget, and calls wait for it", () =>
    Effect.gen(function*() {
      const { phoenix } = yield* rising(soon, ["starts", "fails", "exits", "dies", "starts"])
      yield* Effect.exit(phoenix.exit())
      assert.strictEqual((yield* phoenix.who()).build, 5)
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F4: a failure of the first build fails spawn, and is not retried", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const exit = yield* Effect.exit(
        Supervision.supervised(Phoenix.spawn({ journal: journal.path, name: "a", builds: ["fails", "starts"] }), soon)
      )
      assert.deepInclude(errorOf(exit), { _tag: "NoBuild", build: 1 })
      assert.deepStrictEqual(yield* journal.lines, ["a built 1"])
    }).pipe(Effect.provide(placement.layer()), quiet))
}, { except: ["memory"], reason: "in memory the process of the test would end" })

for (const window of [0, -1, NaN, "-Infinity", "nonsense"]) {
  it(`F3: a window of ${window} is rejected with the name of the option`, () => {
    const make = () => Supervision.make({ window: window as 0 })
    assert.throws(make, RangeError, `Supervision.make: window must be longer than 0, not ${window}`)
  })
}

it("F3: a kind of restart that does not exist is rejected with the name of the option", () => {
  assert.throws(
    () => Supervision.make({ restart: "sometimes" as "always" }),
    RangeError,
    `Supervision.make: restart must be one of "on-death", "on-defect", "always", "never", not sometimes`
  )
})

it("P8: a number of restarts below 0, or one that is no integer, is rejected with the name of the option", () => {
  for (const maxRestarts of [-1, 1.5, NaN, Infinity]) {
    assert.throws(
      () => Supervision.make({ maxRestarts }),
      RangeError,
      `Supervision.make: maxRestarts must be an integer of at least 0 or "unbounded", not ${maxRestarts}`
    )
  }
})
