import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Logger, Schedule, Scope, Stream } from "effect"
import { ActorExited } from "../../../src/ActorError.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { assertExited, forked, logOf, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Phoenix } from "./actors/supervision.ts"

const fixture = { module: new URL("./actors/supervision.ts", import.meta.url), behaviours }

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

const soon = Supervision.make({ schedule: Schedule.spaced(1) })

// so late that no test sees it
const late = Supervision.make({ schedule: Schedule.spaced("1 hour") })

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

onEveryPlacement(fixture, (placement) => {
  // ---- watchers ----

  it.live("F5: incarnations emits the current incarnation and each later one, and ends with the actor", () =>
    Effect.gen(function*() {
      const { phoenix } = yield* rising(soon)
      const first = ActorRef.address(phoenix)
      const lives = yield* forked(Stream.runCollect(ActorRef.incarnations(phoenix)))
      yield* Effect.exit(phoenix.exit())
      yield* phoenix.who()
      const second = ActorRef.address(phoenix)
      yield* Effect.exit(phoenix.throw())
      yield* phoenix.who()
      const third = ActorRef.address(phoenix)
      const late = yield* forked(Stream.runCollect(ActorRef.incarnations(phoenix)))
      yield* ActorRef.stop(phoenix)
      const all = yield* Fiber.join(lives)
      assert.deepStrictEqual(all.map(({ address, number }) => [number, address]), [[1, first], [2, second], [3, third]])
      assert.isUndefined(all[0]!.previous)
      assert.instanceOf(all[1]!.previous, ActorExited)
      assert.include(all[1]!.previous.message, first)
      assert.include(all[1]!.previous.message, "exited with code 7")
      assert.include(all[2]!.previous!.message, second)
      assert.include(all[2]!.previous!.message, "thrown by nobody's handler")
      assert.deepStrictEqual(yield* Fiber.join(late), [all[2]!])
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F5: awaitExit does not complete with a restart, and completes once with a stop", () =>
    Effect.gen(function*() {
      const { phoenix } = yield* rising(soon)
      const watcher = yield* forked(ActorRef.awaitExit(phoenix))
      yield* Effect.exit(phoenix.exit())
      yield* phoenix.who()
      assert.isUndefined(watcher.pollUnsafe())
      yield* ActorRef.stop(phoenix)
      assert.deepStrictEqual(yield* Fiber.join(watcher), Exit.void)
    }).pipe(Effect.provide(placement.layer()), quiet))

  // ---- ends during a restart ----

  for (const phase of ["delay", "build"] as const) {
    /** A phoenix that is being restarted, a call that waits for it, and who watches it. */
    const restarting = Effect.gen(function*() {
      const { journal, phoenix } = phase === "delay"
        ? yield* rising(late)
        : yield* rising(soon, ["starts", "waits"])
      const watcher = yield* forked(ActorRef.awaitExit(phoenix))
      yield* Effect.exit(phoenix.exit())
      const waiting = yield* forked(phoenix.note({ n: 1 }))
      if (phase === "build") yield* journal.awaitLine("a built 2")
      assert.isUndefined(waiting.pollUnsafe())
      return { phoenix, waiting, watcher, journal }
    })

    it.live(`F3: ActorRef.stop during the ${phase} of a restart ends the actor and its queued calls`, () =>
      Effect.gen(function*() {
        const { phoenix, waiting, watcher } = yield* restarting
        yield* ActorRef.stop(phoenix)
        assertExited(yield* Fiber.await(waiting), "Stopped", "NotRun")
        assert.deepStrictEqual(yield* Fiber.join(watcher), Exit.void)
        assertExited(yield* Effect.exit(phoenix.note({ n: 2 })), "Stopped", "NotRun")
      }).pipe(Effect.provide(placement.layer()), quiet))

    it.live(`F3: ActorRef.kill during the ${phase} of a restart ends the actor and its queued calls`, () =>
      Effect.gen(function*() {
        const { phoenix, waiting, watcher } = yield* restarting
        yield* ActorRef.kill(phoenix)
        assertExited(yield* Fiber.await(waiting), "Killed", "NotRun")
        assertExited(yield* Fiber.join(watcher), "Killed", "NotRun")
        assertExited(yield* Effect.exit(phoenix.note({ n: 2 })), "Killed", "NotRun")
      }).pipe(Effect.provide(placement.layer()), quiet))

    it.live(`F3: closing the scope during the ${phase} of a restart ends the actor and its queued calls`, () =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const { waiting, watcher } = yield* Scope.provide(restarting, scope)
        yield* Scope.close(scope, Exit.void)
        assertExited(yield* Fiber.await(waiting), "Stopped", "NotRun")
        assert.deepStrictEqual(yield* Fiber.join(watcher), Exit.void)
      }).pipe(Effect.provide(placement.layer()), quiet))

    it.live(`F3: closing the system during the ${phase} of a restart ends the actor and its queued calls`, () =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const system = yield* Layer.buildWithScope(placement.layer(), scope)
        const { waiting, watcher } = yield* Effect.provide(restarting, system)
        yield* Scope.close(scope, Exit.void)
        assertExited(yield* Fiber.await(waiting), "Stopped", "NotRun")
        assert.deepStrictEqual(yield* Fiber.join(watcher), Exit.void)
      }).pipe(quiet))
  }

  // ---- shared workers ----

  it.live("F3: all actors of a shared worker are restarted, each by its own policy, and share a worker again", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const spawn = (name: string) => Phoenix.spawn({ journal: journal.path, name, builds: ["starts"] })
      const [a, b] = yield* Supervision.supervised(Effect.all([spawn("a"), spawn("b")]), soon)
      const c = yield* spawn("c")
      const workerOf = (ref: ActorRef.AnyActorRef) => ActorRef.address(ref).split("@")[1]
      const first = workerOf(a)
      assert.deepStrictEqual([b, c].map(workerOf), [first, first])
      yield* Effect.exit(a.exit())
      assert.deepStrictEqual(yield* a.who(), { name: "a", build: 2, calls: 1 })
      assert.deepStrictEqual(yield* b.who(), { name: "b", build: 2, calls: 1 })
      assertExited(yield* ActorRef.awaitExit(c), "Crashed", "NotRun")
      assert.notStrictEqual(workerOf(a), first)
      assert.strictEqual(workerOf(a), workerOf(b))
    }).pipe(Effect.provide(placement.layer({ workers: 1 })), quiet))

  it.live("F4: in a shared worker, a failed build does not affect the other actors, and the actor can be stopped immediately", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const spawn = (name: string, builds: Builds) => Phoenix.spawn({ journal: journal.path, name, builds })
      const a = yield* Supervision.supervised(spawn("a", ["starts"]), soon)
      const policy = Supervision.make({ schedule: Schedule.exponential(1, 1e9) })
      const b = yield* Supervision.supervised(spawn("b", ["starts", "fails"]), policy)
      yield* Effect.exit(a.exit())
      yield* journal.awaitLine("b built 2")
      assert.strictEqual((yield* a.who()).build, 2)
      const waiting = yield* forked(b.note({ n: 1 }))
      const worker = ActorRef.address(a)
      yield* ActorRef.stop(b)
      assertExited(yield* Fiber.await(waiting), "Stopped", "NotRun")
      assert.strictEqual((yield* a.who()).build, 2)
      assert.strictEqual(ActorRef.address(a), worker)
      assert.notInclude(yield* journal.lines, "b built 3")
    }).pipe(Effect.provide(placement.layer({ workers: 1, shutdownTimeout: "1 hour" })), quiet))

  // ---- the log ----

  it.live("F6: each crash is logged once, with the actor, its incarnation, the reason and the remote stack", () => {
    const { layer, lines } = logOf("Error")
    return Effect.gen(function*() {
      const { phoenix } = yield* rising(soon)
      const addresses: Array<string> = []
      for (const _ of upTo(2)) {
        yield* phoenix.who()
        addresses.push(ActorRef.address(phoenix))
        yield* Effect.exit(phoenix.throw())
      }
      yield* phoenix.who()
      assert.lengthOf(lines, 2)
      for (const [i, { annotations, message }] of lines.entries()) {
        assert.deepInclude(annotations, { actor: `${addresses[i]} (incarnation ${i + 1})`, reason: "Crashed" })
        assert.include(message, "RangeError: thrown by nobody's handler")
        assert.match(message, /at .*actors\/supervision\.ts:\d+/)
      }
      yield* ActorRef.stop(phoenix)
      assert.lengthOf(lines, 2)
    }).pipe(Effect.provide(placement.layer()), Effect.provide(layer))
  })

  it.live("F6: the crash of a worker is logged once for all its actors, and a crash during a build is also logged", () => {
    const { layer, lines } = logOf("Error")
    return Effect.gen(function*() {
      const journal = yield* Journal.make
      const spawn = (name: string, builds: Builds) => Phoenix.spawn({ journal: journal.path, name, builds })
      const actors = yield* Supervision.supervised(
        Effect.all([spawn("a", ["starts", "exits", "starts"]), spawn("b", ["starts"])]),
        soon
      )
      const addresses = actors.map(ActorRef.address)
      yield* Effect.exit(actors[0].exit())
      yield* Effect.forEach(actors, (actor) => actor.who())
      assert.deepInclude(lines[0]!.annotations, {
        actor: addresses.map((address) => `${address} (incarnation 1)`).join(", "),
        reason: "Crashed"
      })
      assert.include(lines[0]!.message, "exited with code 7")
      assert.lengthOf(lines, 2)
      assert.include(lines[1]!.message, "exited with code 9")
      assert.include((lines[1]!.annotations as { readonly actor: string }).actor, "(incarnation 2)")
    }).pipe(Effect.provide(placement.layer({ workers: 1 })), Effect.provide(layer))
  })

  it.live("F6: stopping, killing or closing an actor is not a crash, and is not logged", () => {
    const { layer, lines } = logOf("Error")
    return Effect.gen(function*() {
      const stopped = yield* rising(soon)
      yield* ActorRef.stop(stopped.phoenix)
      const killed = yield* rising(soon)
      yield* ActorRef.kill(killed.phoenix)
      yield* Effect.scoped(rising(soon))
      assert.deepStrictEqual(lines, [])
    }).pipe(Effect.provide(placement.layer()), Effect.provide(layer))
  })
}, { except: ["memory"], reason: "in memory the process of the test would end" })

onEveryPlacement(fixture, (placement) => {
  it.live("F3: a call that has moved a transferable cannot be sent again, and fails", () =>
    Effect.gen(function*() {
      const { journal, phoenix } = yield* rising(soon)
      assert.strictEqual(yield* phoenix.sum({ bytes: new Uint8Array([1, 2]) }), 3)
      const hanging = yield* forked(phoenix.hang())
      const carried = yield* forked(phoenix.note({ n: 1 }))
      const moved = yield* forked(phoenix.sum({ bytes: new Uint8Array([3, 4]) }))
      yield* journal.awaitLine("1: hanging")
      yield* Effect.exit(phoenix.exit())
      yield* Fiber.await(hanging)
      assertExited(yield* Fiber.await(moved), "Crashed", "NotRun")
      assert.strictEqual(yield* Fiber.join(carried), 1)
    }).pipe(Effect.provide(placement.layer()), quiet))
}, { except: ["memory", "processes"], reason: "only threads can move values" })
