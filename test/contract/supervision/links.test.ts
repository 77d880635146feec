import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Logger, Schedule, Scope, Stream } from "effect"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { assertExited, exitedOf, forked, logOf } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Link } from "./actors/groups.ts"

const fixture = { module: new URL("./actors/groups.ts", import.meta.url), behaviours }

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

const pair = Effect.gen(function*() {
  const journal = yield* Journal.make
  const spawn = (name: string) => Link.spawn({ journal: journal.path, name, builds: ["starts"] })
  return { journal, a: yield* spawn("a"), b: yield* spawn("b") }
})

/** A pair that the behaviour of another actor has linked. */
const linkedPair = (policy?: Supervision.Policy) =>
  Effect.gen(function*() {
    const { a, b, journal } = yield* pair
    const spawn = Link.spawn({ journal: journal.path, name: "linker", builds: ["starts"], linked: [a, b] })
    return { a, b, journal, linker: yield* policy === undefined ? spawn : Supervision.supervised(spawn, policy) }
  })

const once = Supervision.make({ schedule: Schedule.spaced(1), maxRestarts: 1 })

const shown = ({ exit, incarnation, restarts }: ActorRef.End) => [
  incarnation,
  Exit.isSuccess(exit) ? "Stopped" : exitedOf(exit).reason,
  restarts
]

onEveryPlacement(fixture, (placement) => {
  const run = <A, E>(test: Effect.Effect<A, E, Effect.Services<typeof pair>>) =>
    test.pipe(Effect.provide(placement.layer()), quiet)

  it.live("F5: the death of a linked actor stops the other one, whose finalizers run", () =>
    run(Effect.gen(function*() {
      for (const end of ["a", "b"] as const) {
        const { journal, ...both } = yield* pair
        yield* ActorRef.link(both.a, both.b)
        const other = end === "a" ? "b" : "a"
        const hanging = yield* forked(both[other].hang())
        yield* journal.awaitLine(`${other}1 hanging`)
        yield* Effect.exit(both[end].crash())
        const exit = yield* ActorRef.awaitExit(both[other])
        assertExited(exit, "Stopped", "NotRun")
        assert.include(exitedOf(exit).message, `the crash of ${end}`)
        assertExited(yield* Fiber.await(hanging), "Stopped", "Unknown")
        assert.include(yield* journal.lines, `-${other}1`)
      }
    })))

  it.live("F5: a link to an actor that has died stops the other one at once", () =>
    run(Effect.gen(function*() {
      const { a, b } = yield* pair
      yield* ActorRef.kill(a)
      yield* ActorRef.link(a, b)
      assertExited(yield* ActorRef.awaitExit(b), "Stopped", "NotRun")
    })))

  it.live("F5: the death of an actor stops a chain of linked actors", () =>
    run(Effect.gen(function*() {
      const [first, second] = yield* Effect.all([pair, pair])
      yield* ActorRef.link(first.a, first.b)
      yield* ActorRef.link(first.b, second.a)
      yield* Effect.exit(first.a.crash())
      const exit = yield* ActorRef.awaitExit(second.a)
      assertExited(exit, "Stopped", "NotRun")
      assert.include(exitedOf(exit).message, "the crash of a")
      assert.strictEqual(yield* second.b.build(), 1)
    })))

  it.live("F5: a stop and a restart are no death of a linked actor, and a closed link has no effect", () =>
    run(Effect.gen(function*() {
      const first = yield* pair
      yield* ActorRef.link(first.a, first.b)
      yield* ActorRef.stop(first.a)
      assert.strictEqual(yield* first.b.build(), 1)

      const second = yield* Supervision.supervised(pair, once)
      yield* ActorRef.link(second.a, second.b)
      yield* Effect.exit(second.a.crash())
      assert.strictEqual(yield* second.a.build(), 2)
      assert.strictEqual(yield* second.b.build(), 1)
      yield* Effect.exit(second.a.crash())
      assertExited(yield* ActorRef.awaitExit(second.b), "Stopped", "NotRun")

      const third = yield* pair
      const scope = yield* Scope.make()
      yield* ActorRef.link(third.a, third.b).pipe(Scope.provide(scope))
      yield* Scope.close(scope, Exit.void)
      yield* ActorRef.kill(third.a)
      assert.strictEqual(yield* third.b.build(), 1)
    })))

  it.live("F5: trap receives the death of a linked actor, and the other one lives", () =>
    run(Effect.gen(function*() {
      const { a, b, journal } = yield* pair
      yield* ActorRef.link(a, b, {
        trap: ({ ended, error, other }) =>
          Effect.andThen(
            journal.note(`${ended === a} ${other === b} ${error.reason}`),
            other.note({ n: 7 })
          )
      })
      yield* ActorRef.kill(a)
      yield* journal.awaitLine("b1 7")
      assert.include(yield* journal.lines, "true true Killed")
      assert.strictEqual(yield* b.build(), 1)
    })))

  it.live("F5: a failure of trap is logged", () => {
    const log = logOf("Warn")
    return Effect.gen(function*() {
      const { a, b } = yield* pair
      yield* ActorRef.link(a, b, { trap: () => Effect.fail("nobody listens") })
      const expected = `the link of ${ActorRef.address(a)} to ${ActorRef.address(b)} failed`
      yield* ActorRef.kill(a)
      yield* Journal.until("the failure was logged", () => log.lines.some(({ message }) => message.includes(expected)))
    }).pipe(Effect.provide(placement.layer()), Effect.provide(log.layer))
  })

  it.live("F5: watch emits the end of each incarnation, and ends with the actor", () =>
    run(Effect.gen(function*() {
      const { a } = yield* Supervision.supervised(pair, once)
      const watcher = yield* forked(Stream.runCollect(ActorRef.watch(a)))
      const first = ActorRef.address(a)
      yield* Effect.exit(a.crash())
      assert.strictEqual(yield* a.build(), 2)
      const second = ActorRef.address(a)
      yield* Effect.exit(a.crash())
      const ends = yield* Fiber.join(watcher)
      assert.deepStrictEqual(ends.map(shown), [[1, "Crashed", true], [2, "Crashed", false]])
      assert.deepStrictEqual(ends.map(({ address }) => address), [first, second])
      const late = yield* Stream.runCollect(ActorRef.watch(a))
      assert.deepStrictEqual(late.map(shown), [[2, "Crashed", false]])
    })))

  it.live("F5: watch emits the end of an incarnation before the next one is built", () =>
    run(Effect.gen(function*() {
      const late = Supervision.make({ schedule: Schedule.spaced("1 hour") })
      const { a } = yield* Supervision.supervised(pair, late)
      const watcher = yield* forked(Stream.runHead(ActorRef.watch(a)))
      yield* Effect.exit(a.crash())
      const end = yield* Effect.flatMap(Fiber.join(watcher), Effect.fromOption)
      assert.deepStrictEqual(shown(end), [1, "Crashed", true])
      yield* ActorRef.stop(a)
    })))

  it.live("F5: an actor watches another one", () =>
    run(Effect.gen(function*() {
      const { a, journal } = yield* Supervision.supervised(pair, once)
      const watching = yield* Link.spawn({ journal: journal.path, name: "c", builds: ["starts"], peer: a })
      const ends = yield* forked(watching.ends())
      yield* journal.awaitLine("c1 watching")
      yield* Effect.exit(a.crash())
      assert.strictEqual(yield* a.build(), 2)
      yield* ActorRef.stop(a)
      assert.deepStrictEqual(yield* Fiber.join(ends), ["1 Crashed true", "2 Stopped false"])
    })))

  it.live("F5: the behaviour of an actor links two others, and the end of the actor ends the link", () =>
    run(Effect.gen(function*() {
      const { linker, ...first } = yield* linkedPair()
      yield* Effect.exit(first.a.crash())
      assertExited(yield* ActorRef.awaitExit(first.b), "Stopped", "NotRun")
      const second = yield* linkedPair()
      yield* ActorRef.kill(second.linker)
      yield* ActorRef.kill(second.a)
      assert.strictEqual(yield* second.b.build(), 1)
      assert.strictEqual(yield* linker.build(), 1)
    })))

  it.live("F5: a link in the scope of a call ends with the call", () =>
    run(Effect.gen(function*() {
      const { a, b, journal } = yield* pair
      const linker = yield* Link.spawn({ journal: journal.path, name: "c", builds: ["starts"] })
      yield* linker.link({ pair: [a, b] })
      yield* ActorRef.kill(a)
      // a stop by the linker would come before its next answer
      assert.strictEqual(yield* linker.build(), 1)
      assert.strictEqual(yield* b.build(), 1)
    })))
})

onEveryPlacement(fixture, (placement) => {
  const run = <A, E>(test: Effect.Effect<A, E, Effect.Services<typeof pair>>) =>
    test.pipe(Effect.provide(placement.layer()), quiet)

  it.live("F5: the death of the worker of an actor that has linked two others ends the link, and no other actor", () =>
    run(Effect.gen(function*() {
      const { a, b, linker } = yield* linkedPair()
      yield* Effect.exit(linker.exit())
      assertExited(yield* ActorRef.awaitExit(linker), "Crashed", "NotRun")
      assert.deepStrictEqual(yield* Effect.all([a.build(), b.build()]), [1, 1])
      yield* ActorRef.kill(a)
      assert.strictEqual(yield* b.build(), 1)
    })))

  it.live("F5: a supervised actor links two others again, and a death since then is not missed", () =>
    run(Effect.gen(function*() {
      const { a, b, journal, linker } = yield* linkedPair(Supervision.make({ schedule: Schedule.spaced(1) }))
      yield* Effect.exit(linker.exit())
      yield* ActorRef.kill(a)
      assertExited(yield* ActorRef.awaitExit(b), "Stopped", "NotRun")
      assert.include(yield* journal.lines, "+linker2")
    })))
}, { except: ["memory"], reason: "in memory the process of the test would end" })
