import { assert, it } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Fiber, Layer, Option, Schedule, Scope } from "effect"
import { setImmediate } from "node:timers/promises"
import { ActorExited, SpawnError } from "../../../src/ActorError.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import { ActorSystem } from "../../../src/ActorSystem.ts"
import * as Supervision from "../../../src/Supervision.ts"
import behaviours, { Resource, Starter, Unserved, Voter } from "../fixtures/lifecycle.ts"
import * as Journal from "../support/journal.ts"
import { assertNothingAdded, childPids, holdings, openDescriptors, threadNames } from "../support/leaks.ts"
import { onEveryPlacement, type Placement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/lifecycle.ts", import.meta.url), behaviours }

/** Everything that was acquired has been released. */
const assertBalanced = (lines: ReadonlyArray<string>): void => {
  const acquired = lines.flatMap((line) => line.startsWith("acquired ") ? [line.slice("acquired ".length)] : [])
  const released = lines.flatMap((line) =>
    line.startsWith("released ") ? [line.slice("released ".length, line.indexOf(" on "))] : []
  )
  assert.deepStrictEqual(released, acquired.toReversed())
}

const registeredIn = (scope: Scope.Scope): number =>
  scope.state._tag === "Open" ? (scope.state.finalizers?.size ?? 1) : 0

const workersOf = (placement: Placement): number =>
  placement.name === "threads"
    ? threadNames().filter((name) => /^(?:WorkerThread|thread-\d+)$/.test(name)).length
    : childPids().length

onEveryPlacement(fixture, (placement) => {
  it.live("L1: a closed scope leaves no thread, process, handle, timer or listener", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const before = holdings()
      yield* Effect.scoped(Effect.gen(function*() {
        const resource = yield* Resource.spawn({ journal: journal.path })
        yield* resource.note({ line: "used" })
      }))
      yield* Effect.promise(() => assertNothingAdded(before))
      assertBalanced((yield* journal.lines).filter((line) => line !== "used"))
    }).pipe(Effect.provide(placement.layer())))

  it.live("L1: several actors of one scope start in parallel and end with the scope", () =>
    Effect.gen(function*() {
      const journals = yield* Effect.all([Journal.make, Journal.make, Journal.make])
      const before = holdings()
      yield* Effect.scoped(
        Effect.forEach(journals, ({ path }) => Resource.spawn({ journal: path }), { concurrency: "unbounded" })
      )
      yield* Effect.promise(() => assertNothingAdded(before))
      for (const { lines } of journals) {
        assertBalanced(yield* lines)
        assert.lengthOf(yield* lines, 4)
      }
    }).pipe(Effect.provide(placement.layer())))

  it.live("L1: a spawn interrupted during the start of its worker leaves no resources", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const before = holdings()
      const spawning = yield* Effect.forkChild(Resource.spawn({ journal: journal.path }), { startImmediately: true })
      yield* Fiber.interrupt(spawning)
      yield* Effect.promise(() => assertNothingAdded(before))
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(spawning)))
      assertBalanced(yield* journal.lines)
    }).pipe(Effect.provide(placement.layer())))

  it.live("L1: a spawn interrupted during the build of its behaviour leaves no resources, and its finalizers have run", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const before = holdings()
      const spawning = yield* Effect.forkChild(
        Starter.spawn({ journal: journal.path, way: "hangs" }),
        { startImmediately: true }
      )
      yield* journal.awaitLine("acquired what the start needs")
      yield* Fiber.interrupt(spawning)
      assert.deepStrictEqual(yield* journal.lines, [
        "acquired what the start needs",
        "released what the start needs on interruption"
      ])
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(spawning)))
      yield* Effect.promise(() => assertNothingAdded(before))
    }).pipe(Effect.provide(placement.layer())))

  it.live("L1: a stopped actor leaves no finalizer in the scope of its spawn", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      yield* Scope.addFinalizer(scope, Effect.void)
      for (let i = 0; i < 3; i++) yield* ActorRef.stop(yield* Scope.provide(Voter.spawn(), scope))
      assert.strictEqual(registeredIn(scope), 1)
      yield* Scope.close(scope, Exit.void)
    }).pipe(Effect.provide(placement.layer({ workers: 1 }))))

  it.live("L1: a failed spawn leaves no finalizer in its scope", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      yield* Scope.addFinalizer(scope, Effect.void)
      for (let i = 0; i < 3; i++) yield* Effect.flip(Scope.provide(Unserved.spawn(), scope))
      assert.strictEqual(registeredIn(scope), 1)
      yield* Scope.close(scope, Exit.void)
    }).pipe(Effect.provide(placement.layer({ workers: 1 }))))

  it.live("L1: a spawn in a closed scope fails, and leaves no resources", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const scope = yield* Scope.make()
      yield* Scope.close(scope, Exit.void)
      const before = holdings()
      const exit = yield* Effect.exit(Scope.provide(Resource.spawn({ journal: journal.path }), scope))
      yield* Effect.promise(() => assertNothingAdded(before))
      assert(Exit.isFailure(exit))
      assertBalanced(yield* journal.lines)
    }).pipe(Effect.provide(placement.layer())))

  it.live("L1: a scope that closes during a spawn ends the spawn, and no resources remain", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const scope = yield* Scope.make()
      const before = holdings()
      const spawning = yield* Effect.forkChild(
        Effect.exit(Scope.provide(Starter.spawn({ journal: journal.path, way: "hangs" }), scope)),
        { startImmediately: true }
      )
      yield* journal.awaitLine("acquired what the start needs")
      yield* Scope.close(scope, Exit.void)
      assert(Exit.isFailure(yield* Fiber.join(spawning)))
      yield* Effect.promise(() => assertNothingAdded(before))
      assertBalanced(yield* journal.lines)
    }).pipe(Effect.provide(placement.layer())))

  it.live("L1: an interrupted spawn does not affect a concurrent spawn", () =>
    Effect.gen(function*() {
      const [one, two] = yield* Effect.all([Journal.make, Journal.make])
      const goes = yield* Effect.forkChild(Resource.spawn({ journal: one.path }), { startImmediately: true })
      const stays = yield* Effect.forkChild(Resource.spawn({ journal: two.path }), { startImmediately: true })
      yield* Fiber.interrupt(goes)
      const resource = yield* Fiber.join(stays)
      yield* resource.note({ line: "used" })
      assertBalanced(yield* one.lines)
      assert.deepStrictEqual(yield* two.lines, ["acquired first", "acquired second", "used"])
    }).pipe(Effect.provide(placement.layer({ workers: 1 }))))

  it.live("L1: a spawn that times out does not affect another actor", () =>
    Effect.gen(function*() {
      const [one, two] = yield* Effect.all([Journal.make, Journal.make])
      // a machine may be so slow that the worker is not there in time, which is not what this is about
      const resource = yield* Effect.retry(Resource.spawn({ journal: two.path }), { times: 10 })
      const error = yield* Effect.flip(Starter.spawn({ journal: one.path, way: "hangs" }))
      assert.instanceOf(error, SpawnError)
      assert.strictEqual(error.reason, "Timeout")
      yield* resource.note({ line: "still here" })
      assertBalanced(yield* one.lines)
      assert.include(yield* two.lines, "still here")
    }).pipe(Effect.provide(placement.layer({ workers: 1, spawnTimeout: placement.isMemory ? 50 : 1_500 }))))

  it.live("L1: the end of the system ends the actors whose own scopes are still open", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const before = holdings()
      const system = yield* Scope.make()
      const context = yield* Layer.buildWithScope(placement.layer(), system)
      const resource = yield* Effect.provideContext(Resource.spawn({ journal: journal.path }), context)
      const call = yield* Effect.forkChild(Effect.exit(resource.hang()), { startImmediately: true })
      yield* journal.awaitLine("hanging")
      yield* Scope.close(system, Exit.void)
      yield* Effect.promise(() => assertNothingAdded(before))
      assertBalanced((yield* journal.lines).filter((line) => line !== "hanging"))
      const exit = yield* Fiber.join(call)
      assert(Exit.isFailure(exit))
      const error = Option.getOrThrow(Cause.findErrorOption(exit.cause))
      assert.instanceOf(error, ActorExited)
      assert.deepStrictEqual([error.reason, error.outcome], ["Stopped", "Unknown"])
      assert.deepStrictEqual(yield* ActorRef.awaitExit(resource), Exit.void)
    }))

  it.live("L1: the end of the system ends a spawn in progress", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const before = holdings()
      const system = yield* Scope.make()
      const context = yield* Layer.buildWithScope(placement.layer(), system)
      const spawning = yield* Effect.forkChild(
        Effect.exit(Effect.provideContext(Starter.spawn({ journal: journal.path, way: "hangs" }), context)),
        { startImmediately: true }
      )
      yield* journal.awaitLine("acquired what the start needs")
      yield* Scope.close(system, Exit.void)
      const exit = yield* Fiber.join(spawning)
      assert(Exit.isFailure(exit))
      assert.instanceOf(Option.getOrThrow(Cause.findErrorOption(exit.cause)), SpawnError)
      yield* Effect.promise(() => assertNothingAdded(before))
      assertBalanced(yield* journal.lines)
    }))

  it.live("L1: a system that has ended starts nothing", () =>
    Effect.gen(function*() {
      const before = holdings()
      const system = yield* Scope.make()
      const context = yield* Layer.buildWithScope(placement.layer(), system)
      yield* Scope.close(system, Exit.void)
      const error = yield* Effect.flip(Effect.provideContext(Voter.spawn(), context))
      assert.strictEqual(error.reason, "WorkerFailed")
      assert.include(error.message, "closed")
      yield* Effect.promise(() => assertNothingAdded(before))
    }))

  it.live("L1: two systems are independent", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const one = Context.get(yield* Layer.buildWithScope(Layer.fresh(placement.layer()), scope), ActorSystem)
      const two = Context.get(yield* Layer.build(Layer.fresh(placement.layer())), ActorSystem)
      const gone = yield* Effect.provideService(Voter.spawn(), ActorSystem, one)
      const stays = yield* Effect.provideService(Voter.spawn(), ActorSystem, two)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* Effect.flip(gone.echo({ n: 1 })))._tag, "ActorExited")
      assert.strictEqual(yield* stays.echo({ n: 2 }), 2)
    }))
})

onEveryPlacement(fixture, (placement) => {
  it.live("L1: five hundred successive actors leave no resources in their shared worker", () =>
    Effect.gen(function*() {
      const cycle = Effect.scoped(Effect.flatMap(Voter.spawn(), (voter) => voter.echo({ n: 1 })))
      yield* Effect.repeat(cycle, { times: 100 })
      const before = { holdings: holdings(), descriptors: openDescriptors(), rss: process.memoryUsage.rss() }
      yield* Effect.repeat(cycle, { times: 400 })
      yield* Effect.promise(() => assertNothingAdded(before.holdings))
      assert.isAtMost(openDescriptors(), before.descriptors)
      assert.isBelow(process.memoryUsage.rss() - before.rss, 150_000_000)
    }).pipe(Effect.provide(placement.layer({ workers: 1 }))))
})

onEveryPlacement(fixture, (placement) => {
  const workers = (): number => workersOf(placement)

  it.live("L1: in one shared worker, closing one actor leaves the others running", () =>
    Effect.gen(function*() {
      const [one, two] = yield* Effect.all([Journal.make, Journal.make])
      const stays = yield* Resource.spawn({ journal: one.path })
      const place = yield* Effect.scoped(Effect.gen(function*() {
        const goes = yield* Resource.spawn({ journal: two.path })
        return yield* goes.where()
      }))
      assertBalanced(yield* two.lines)
      assert.deepStrictEqual(yield* stays.where(), place)
      assert.notInclude(yield* one.lines, "released first on success")
      assert.strictEqual(workers(), 1)
    }).pipe(Effect.provide(placement.layer({ workers: 1 }))))

  it.live("L1: the shared workers start on demand, get actors evenly, and end with the system", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const before = holdings()
      yield* Effect.gen(function*() {
        assert.strictEqual(workers(), 0)
        const actors = yield* Effect.forEach(
          [1, 2, 3, 4],
          () => Resource.spawn({ journal: journal.path }),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(workers(), 2)
        const places = yield* Effect.forEach(actors, (actor) => actor.where())
        const names = places.map(({ pid, thread }) => `${pid}/${thread}`)
        assert.strictEqual(new Set(names).size, 2)
        assert.lengthOf(names.filter((name) => name === names[0]), 2)
        // an actor that leaves keeps its worker for the others, and for those to come
        yield* Effect.forEach(actors, (actor) => ActorRef.stop(actor))
        assert.strictEqual(workers(), 2)
        yield* Resource.spawn({ journal: journal.path })
        assert.strictEqual(workers(), 2)
      }).pipe(Effect.provide(placement.layer({ workers: 2 })))
      yield* Effect.promise(() => assertNothingAdded(before))
      assert.strictEqual(workers(), 0)
    }))
}, { except: ["memory"], reason: "a system in memory has no worker to share" })

onEveryPlacement(fixture, (placement) => {
  const crashing = (schedule: Schedule.Schedule<unknown>) =>
    Effect.gen(function*() {
      const voter = yield* Voter.spawn()
      yield* Effect.exit(voter.exit())
      // past the turn in which the end of the worker is told to everyone
      yield* Effect.promise(() => setImmediate())
      return voter
    }).pipe(Supervision.supervised(Supervision.make({ schedule })))

  it.live("L1: a scope that closes between two incarnations leaves no resources", () =>
    Effect.gen(function*() {
      const before = holdings()
      const voter = yield* Effect.scoped(crashing(Schedule.spaced("1 hour")))
      yield* Effect.promise(() => assertNothingAdded(before))
      assert.strictEqual((yield* Effect.flip(voter.echo({ n: 1 })))._tag, "ActorExited")
    }).pipe(Effect.provide(placement.layer())))

  it.live("L1: a scope that closes during the start of the next incarnation leaves no resources", () =>
    Effect.gen(function*() {
      const before = holdings()
      const voter = yield* Effect.scoped(Effect.tap(
        crashing(Schedule.spaced(0)),
        () => Journal.until("the next worker boots", () => workersOf(placement) === 1)
      ))
      yield* Effect.promise(() => assertNothingAdded(before))
      assert.strictEqual((yield* Effect.flip(voter.echo({ n: 1 })))._tag, "ActorExited")
    }).pipe(Effect.provide(placement.layer())))

  it.live("L1: a system that ends between two incarnations leaves no resources", () =>
    Effect.gen(function*() {
      const before = holdings()
      const voter = yield* Effect.provide(crashing(Schedule.spaced("1 hour")), placement.layer())
      yield* Effect.promise(() => assertNothingAdded(before))
      const error = yield* Effect.flip(voter.echo({ n: 1 }))
      assert.instanceOf(error, ActorExited)
      assert.strictEqual(error.outcome, "NotRun")
    }))

  it.live("L1: a dedicated worker runs one actor, and ends with the actor", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const [one, two] = yield* Effect.all([
        Resource.spawn({ journal: journal.path }),
        Resource.spawn({ journal: journal.path })
      ])
      assert.notDeepEqual(yield* one.where(), yield* two.where())
      yield* ActorRef.stop(one)
      yield* two.note({ line: "still here" })
      assert.include(yield* journal.lines, "still here")
    }).pipe(Effect.provide(placement.layer())))

  it.live(
    "L1: spawning and closing again and again leaves memory, descriptors and handles flat",
    () =>
      Effect.gen(function*() {
        const cycle = Effect.scoped(Effect.flatMap(Voter.spawn(), (voter) => voter.echo({ n: 1 })))
        const cycles = (n: number) =>
          Effect.repeat(Effect.all([cycle, cycle], { concurrency: 2 }), { times: n / 2 - 1 })
        // what is allocated once has been allocated after these
        yield* cycles(placement.name === "threads" ? 6 : 4)
        const before = { holdings: holdings(), descriptors: openDescriptors(), rss: process.memoryUsage.rss() }
        yield* cycles(placement.name === "threads" ? 24 : 8)
        yield* Effect.promise(() => assertNothingAdded(before.holdings))
        assert.isAtMost(openDescriptors(), before.descriptors)
        assert.isBelow(process.memoryUsage.rss() - before.rss, 150_000_000)
      }).pipe(Effect.provide(placement.layer())),
    120_000
  )
}, { except: ["memory"], reason: "in memory an actor has no worker of its own" })
