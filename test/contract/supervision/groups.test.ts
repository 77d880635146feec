import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Logger, Schedule, Scope } from "effect"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { assertExited, errorOf, exitedOf, forked, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Link } from "./actors/groups.ts"

const fixture = { module: new URL("./actors/groups.ts", import.meta.url), behaviours }

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

type Builds = (typeof Link.args.Type)["builds"]

const names = ["a", "b", "c"] as const

/** A group of three actors, and their common journal. */
const groupOf = (
  strategy: Supervision.Strategy,
  options: { readonly maxRestarts?: number; readonly builds?: { readonly [name: string]: Builds } } = {}
) =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const { maxRestarts = 5 } = options
    const group = yield* Supervision.group({ strategy, maxRestarts, schedule: Schedule.spaced(1) })
    const [a, b, c] = yield* Effect.all(
      names.map((name) => Link.spawn({ journal: journal.path, name, builds: options.builds?.[name] ?? ["starts"] }))
    ).pipe(Supervision.supervised(group))
    return { group, journal, a: a!, b: b!, c: c! }
  })

/** The lines of builds and releases. */
const lives = (journal: Journal.Journal) =>
  Effect.map(journal.lines, (lines) => lines.filter((line) => /^[+-]/.test(line)))

const started = ["+a1", "+b1", "+c1"]

onEveryPlacement(fixture, (placement) => {
  for (const workers of ["dedicated", 1] as const) {
    const run = <A, E>(test: Effect.Effect<A, E, Effect.Services<ReturnType<typeof groupOf>>>) =>
      test.pipe(Effect.provide(placement.layer({ workers })), quiet)
    const name = (text: string): string => `F3: ${text} (workers: ${workers})`

    it.live(
      name("one-for-one restarts the member that has ended, and no other member"),
      () =>
        run(Effect.gen(function*() {
          const { b, journal } = yield* groupOf("one-for-one")
          yield* Effect.exit(b.crash())
          assert.strictEqual(yield* b.build(), 2)
          assert.deepStrictEqual(yield* lives(journal), [...started, "-b1", "+b2"])
        }))
    )

    it.live(
      name("one-for-all closes the other members in reverse order, and builds all again in order"),
      () =>
        run(Effect.gen(function*() {
          const { a, b, c, journal } = yield* groupOf("one-for-all")
          yield* Effect.exit(b.crash())
          yield* journal.awaitLine("+c2")
          const builds = yield* Effect.all([a.build(), b.build(), c.build()])
          assert.deepStrictEqual(builds, [2, 2, 2])
          const lines = yield* lives(journal)
          // the member that has crashed closes by itself
          assert.deepStrictEqual(lines.filter((line) => line !== "-b1"), [
            ...started,
            "-c1",
            "-a1",
            "+a2",
            "+b2",
            "+c2"
          ])
          assert.isBelow(lines.indexOf("-b1"), lines.indexOf("+a2"))
        }))
    )

    it.live(
      name("rest-for-one restarts the members that were started after the one that has ended"),
      () =>
        run(Effect.gen(function*() {
          const { a, b, c, journal } = yield* groupOf("rest-for-one")
          yield* Effect.exit(b.crash())
          yield* journal.awaitLine("+c2")
          const builds = yield* Effect.all([a.build(), b.build(), c.build()])
          assert.deepStrictEqual(builds, [1, 2, 2])
          const lines = yield* lives(journal)
          assert.deepStrictEqual(lines.filter((line) => line !== "-b1"), [...started, "-c1", "+b2", "+c2"])
        }))
    )

    it.live(
      name("the running call of a member that restarts with its group is Restarted, and its queued calls run"),
      () =>
        run(Effect.gen(function*() {
          const { a, b, journal } = yield* groupOf("one-for-all")
          const hanging = yield* forked(a.hang())
          const behind = yield* Effect.forEach(upTo(20), (n) => forked(a.note({ n })))
          yield* journal.awaitLine("a1 hanging")
          yield* Effect.exit(b.crash())
          const exit = yield* Fiber.await(hanging)
          assertExited(exit, "Restarted", "Unknown")
          assert.include(exitedOf(exit).message, "the crash of b")
          assert.isTrue(exitedOf(exit).begun)
          assert.deepStrictEqual(yield* Effect.forEach(behind, Fiber.join), upTo(20))
          const notes = (yield* journal.lines).filter((line) => /^a\d \d/.test(line))
          assert.deepStrictEqual(notes, upTo(20).map((n) => `a2 ${n}`))
        }))
    )

    it.live(
      name("the running call of an idempotent method runs again after a restart by the group"),
      () =>
        run(Effect.gen(function*() {
          const { a, b, journal } = yield* groupOf("one-for-all")
          const call = yield* forked(a.hangOnce())
          yield* journal.awaitLine("a1 hanging")
          yield* Effect.exit(b.crash())
          assert.strictEqual(yield* Fiber.join(call), 2)
        }))
    )

    it.live(
      name("a restart that fails counts, and is repeated for all members of one-for-all"),
      () =>
        run(Effect.gen(function*() {
          const { a, c, group, journal } = yield* groupOf("one-for-all", {
            maxRestarts: 2,
            builds: { c: ["starts", "fails", "starts"] }
          })
          yield* Effect.exit(a.crash())
          yield* journal.awaitLine("+c3")
          assert.strictEqual(yield* c.build(), 3)
          assert.deepStrictEqual((yield* lives(journal)).slice(6), [
            "+a2",
            "+b2",
            "+c2",
            "-c2",
            "-b2",
            "-a2",
            "+a3",
            "+b3",
            "+c3"
          ])
          // the third restart is one too many
          yield* Effect.exit(a.crash())
          assertExited(yield* group.awaitExit, "Crashed", "NotRun")
        }))
    )

    it.live(
      name("a member that ends while others are built again restarts with them at once"),
      () =>
        run(Effect.gen(function*() {
          const { a, b, c, journal } = yield* groupOf("one-for-all", { builds: { b: ["starts", "waits", "starts"] } })
          yield* Effect.exit(c.crash())
          yield* journal.awaitLine("+b2")
          // the build of b would never end
          yield* Effect.exit(a.crash())
          const builds = yield* Effect.all([a.build(), b.build(), c.build()])
          assert.deepStrictEqual(builds, [3, 3, 2])
        }))
    )

    it.live(
      name("a member is stopped or killed at once while its group restarts, and the others are built"),
      () =>
        run(Effect.gen(function*() {
          const { a, b, c, journal } = yield* groupOf("one-for-all", { builds: { b: ["starts", "waits"] } })
          const behind = yield* forked(Effect.andThen(journal.awaitLine("+b2"), Effect.exit(c.note({ n: 1 }))))
          yield* Effect.exit(a.crash())
          yield* journal.awaitLine("+b2")
          yield* ActorRef.kill(c)
          assertExited(yield* ActorRef.awaitExit(c), "Killed", "NotRun")
          assertExited(yield* Fiber.join(behind), "Killed", "NotRun")
          yield* ActorRef.stop(b)
          assert.deepStrictEqual(yield* ActorRef.awaitExit(b), Exit.void)
          assert.strictEqual(yield* a.build(), 2)
        }))
    )

    it.live(`F4: a group whose restarts are used up stops its members in reverse order (workers: ${workers})`, () =>
      run(Effect.gen(function*() {
        const { a, b, c, group, journal } = yield* groupOf("one-for-one", { maxRestarts: 1 })
        const watcher = yield* forked(group.awaitExit)
        yield* Effect.exit(b.crash())
        assert.strictEqual(yield* b.build(), 2)
        assert.isUndefined(watcher.pollUnsafe())
        yield* Effect.exit(b.crash())
        const exit = yield* Fiber.join(watcher)
        assertExited(exit, "Crashed", "NotRun")
        assert.include(exitedOf(exit).message, "the crash of b")
        assert.deepStrictEqual((yield* lives(journal)).filter((line) => line[1] !== "b").slice(2), ["-c1", "-a1"])
        assertExited(yield* ActorRef.awaitExit(b), "Crashed", "NotRun")
        for (const member of [a, c]) {
          const end = yield* ActorRef.awaitExit(member)
          assertExited(end, "Stopped", "NotRun")
          assert.include(exitedOf(end).message, "was stopped: its group has ended after 1 restarts: ")
        }
        const late = Link.spawn({ journal: journal.path, name: "d", builds: ["starts"] })
        const error = errorOf(yield* Effect.exit(Supervision.supervised(late, group)))
        assert.deepInclude(error, { _tag: "SpawnError", reason: "WorkerFailed" })
        assert.include((error as Error).message, "its group has ended after 1 restarts")
      })))
  }

  const run = <A, E>(test: Effect.Effect<A, E, Effect.Services<ReturnType<typeof groupOf>>>) =>
    test.pipe(Effect.provide(placement.layer()), quiet)

  it.live("F3: a member whose behaviour calls an earlier member is built after that one", () =>
    run(Effect.gen(function*() {
      const { a, group, journal } = yield* groupOf("rest-for-one")
      const d = yield* Link.spawn({ journal: journal.path, name: "d", builds: ["starts"], peer: a }).pipe(
        Supervision.supervised(group)
      )
      assert.strictEqual(yield* d.peer(), 1)
      yield* Effect.exit(a.crash())
      yield* journal.awaitLine("+d2")
      assert.strictEqual(yield* d.peer(), 2)
    })))

  it.live("F3: the policies of members say which of their ends restart them", () =>
    run(Effect.gen(function*() {
      const journal = yield* Journal.make
      const group = yield* Supervision.group({ strategy: "one-for-all", schedule: Schedule.spaced(1) })
      const spawn = (name: string, restart: Supervision.Restart) =>
        Link.spawn({ journal: journal.path, name, builds: ["starts"] }).pipe(
          Supervision.supervised(Supervision.make({ restart })),
          Supervision.supervised(group)
        )
      const a = yield* spawn("a", "always")
      const b = yield* spawn("b", "never")
      const c = yield* spawn("c", "on-death")
      yield* c.stop()
      assert.deepStrictEqual(yield* ActorRef.awaitExit(c), Exit.void)
      assert.strictEqual(yield* a.build(), 1)
      yield* a.stop()
      assertExited(yield* ActorRef.awaitExit(b), "Stopped", "NotRun")
      assert.strictEqual(yield* a.build(), 2)
      assert.deepStrictEqual((yield* lives(journal)).filter((line) => line.startsWith("+")), [...started, "+a2"])
    })))

  it.live("F3: a member that is stopped leaves the group, and no other member restarts", () =>
    run(Effect.gen(function*() {
      const { a, b, c, journal } = yield* groupOf("one-for-all")
      yield* ActorRef.stop(b)
      yield* ActorRef.kill(c)
      assert.strictEqual(yield* a.build(), 1)
      yield* Effect.exit(a.crash())
      assert.strictEqual(yield* a.build(), 2)
      assert.deepStrictEqual((yield* lives(journal)).filter((line) => line.startsWith("+")), [...started, "+a2"])
    })))

  it.live("L1: the close of a group stops its members in reverse order", () =>
    run(Effect.gen(function*() {
      const scope = yield* Scope.make()
      const group = yield* Supervision.group().pipe(Scope.provide(scope))
      const journal = yield* Journal.make
      yield* Effect.forEach(names, (name) => Link.spawn({ journal: journal.path, name, builds: ["starts"] })).pipe(
        Effect.provide(Supervision.layer(group))
      )
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* group.awaitExit, Exit.void)
      assert.deepStrictEqual(yield* lives(journal), [...started, "-c1", "-b1", "-a1"])
    })))
})

onEveryPlacement(fixture, (placement) => {
  it.live("F3: the death of a worker with several members of one-for-all counts once", () =>
    Effect.gen(function*() {
      const { a, b, c, group } = yield* groupOf("one-for-all", { maxRestarts: 1 })
      yield* Effect.exit(b.exit())
      assert.deepStrictEqual(yield* Effect.all([a.build(), b.build(), c.build()]), [2, 2, 2])
      yield* Effect.exit(b.exit())
      assertExited(yield* group.awaitExit, "Crashed", "NotRun")
    }).pipe(Effect.provide(placement.layer({ workers: 1 })), quiet))

  it.live("F3: the death of a shared worker counts once for each of its members of one-for-one, and restarts them alone", () =>
    Effect.gen(function*() {
      const { a, b, c, group, journal } = yield* groupOf("one-for-one", { maxRestarts: 2 })
      const hanging = yield* forked(c.hangOnce())
      yield* journal.awaitLine("c1 hanging")
      // a and c share a worker
      yield* Effect.exit(a.exit())
      assert.strictEqual(yield* Fiber.join(hanging), 2)
      assert.deepStrictEqual(yield* Effect.all([a.build(), b.build(), c.build()]), [2, 1, 2])
      // the third restart is one too many
      yield* Effect.exit(b.crash())
      assertExited(yield* group.awaitExit, "Crashed", "NotRun")
      assertExited(yield* ActorRef.awaitExit(a), "Stopped", "NotRun")
    }).pipe(Effect.provide(placement.layer({ workers: 2 })), quiet))

  it.live("F3: the calls that have not run move to the next incarnations of the members of a dead shared worker", () =>
    Effect.gen(function*() {
      const { a, b, c, journal } = yield* groupOf("one-for-one")
      const blocked = yield* Effect.forEach([b, c], (member) => forked(Effect.exit(member.hang())))
      yield* journal.awaitLine("b1 hanging")
      yield* journal.awaitLine("c1 hanging")
      const behind = yield* Effect.forEach([b, c], (member) => forked(member.note({ n: 1 })))
      yield* Effect.exit(a.exit())
      assert.deepStrictEqual(yield* Effect.forEach(behind, Fiber.join), [1, 1])
      for (const call of yield* Effect.forEach(blocked, Fiber.join)) assertExited(call, "Crashed", "Unknown")
      const notes = (yield* journal.lines).filter((line) => line.endsWith(" 1"))
      assert.sameMembers(notes, ["b2 1", "c2 1"])
    }).pipe(Effect.provide(placement.layer({ workers: 1 })), quiet))

  it.live("F3: the death of a dedicated worker restarts the rest of the group", () =>
    Effect.gen(function*() {
      const { a, b, c } = yield* groupOf("rest-for-one")
      const hanging = yield* forked(c.hangOnce())
      yield* Effect.exit(b.exit())
      assert.strictEqual(yield* Fiber.join(hanging), 2)
      assert.deepStrictEqual(yield* Effect.all([a.build(), b.build(), c.build()]), [1, 2, 2])
    }).pipe(Effect.provide(placement.layer()), quiet))
}, { except: ["memory"], reason: "in memory the process of the test would end" })

it("F3: an option of a group that is out of range is rejected with its name", () => {
  const make = (options: object) => () => Supervision.group(options)
  const strategies = `"one-for-one", "one-for-all", "rest-for-one"`
  assert.throws(
    make({ strategy: "all" }),
    RangeError,
    `Supervision.group: strategy must be one of ${strategies}, not all`
  )
  assert.throws(make({ maxRestarts: -1 }), RangeError, "Supervision.group: maxRestarts must be")
  assert.throws(make({ window: 0 }), RangeError, "Supervision.group: window must be")
})
