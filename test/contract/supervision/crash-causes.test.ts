import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Logger, References, Schedule } from "effect"
import { Socket } from "node:net"
import { setImmediate } from "node:timers/promises"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import behaviours, { Doomed } from "../fixtures/crash-causes.ts"
import { assertError, assertExited, defectOf, exitedOf, forked, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/crash-causes.ts", import.meta.url), behaviours }

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

/** An actor, and the journal it notes in. */
const doomed = Effect.gen(function*() {
  const journal = yield* Journal.make
  return { actor: yield* Doomed.spawn({ journal: journal.path }), journal }
})

/** The pipes that this process has open. */
const sockets = (): ReadonlyArray<Socket> =>
  (process as unknown as { readonly _getActiveHandles: () => ReadonlyArray<unknown> })._getActiveHandles()
    .filter((handle) => handle instanceof Socket)

const workerOf = (actor: ActorRef.AnyActorRef): string => ActorRef.address(actor).split("@")[1]!

// a heap with room for the library and little more
const small = { heapMb: 64 }

onEveryPlacement(fixture, (placement) => {
  // what had begun in a process that ends by an abort cannot be known
  const behindSudden = placement.name === "threads" ? "NotRun" : "Unknown"

  it.live("F2: a worker that exits with code 0 without a request has crashed", () =>
    Effect.gen(function*() {
      const { actor } = yield* doomed
      const exit = yield* Effect.exit(actor.exitWell())
      assertExited(exit, "Crashed", "Unknown")
      assert.include(exitedOf(exit).message, "exited with code 0")
      assertExited(yield* ActorRef.awaitExit(actor), "Crashed", "NotRun")
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F2: a worker that runs out of memory ends as OutOfMemory, and no other worker ends", () =>
    Effect.gen(function*() {
      const [{ actor }, bystander] = yield* Effect.all([doomed, doomed], { concurrency: 2 })
      const held = yield* forked(bystander.actor.hold())
      const hoarding = yield* forked(actor.hoard())
      const behind = yield* Effect.forEach(upTo(10), (n) => forked(actor.echo({ n })))
      assertExited(yield* Fiber.await(hoarding), "OutOfMemory", "Unknown")
      assert.include(exitedOf(yield* Fiber.await(hoarding)).message, "ran out of memory")
      for (const call of behind) assertExited(yield* Fiber.await(call), "OutOfMemory", behindSudden)
      assertExited(yield* ActorRef.awaitExit(actor), "OutOfMemory", "NotRun")
      assert.isUndefined(held.pollUnsafe())
      yield* Fiber.interrupt(held)
      assert.strictEqual(yield* bystander.actor.echo({ n: 1 }), 1)
    }).pipe(Effect.provide(placement.layer(small)), quiet))

  it.live("F2: a supervised actor is restarted after its worker ran out of memory", () =>
    Effect.gen(function*() {
      const policy = Supervision.make({ schedule: Schedule.spaced(1) })
      const { actor } = yield* Supervision.supervised(doomed, policy)
      assertExited(yield* Effect.exit(actor.hoard()), "OutOfMemory", "Unknown")
      assert.strictEqual(yield* actor.echo({ n: 1 }), 1)
    }).pipe(Effect.provide(placement.layer(small)), quiet))

  it.live("F2: a stack overflow is a defect of its call, and no crash", () =>
    Effect.gen(function*() {
      const { actor } = yield* doomed
      const pid = yield* actor.pid()
      const address = ActorRef.address(actor)
      assertError(defectOf(yield* Effect.exit(actor.recurse())), {
        name: "RangeError",
        message: "Maximum call stack size exceeded"
      })
      assert.deepStrictEqual([yield* actor.pid(), ActorRef.address(actor)], [pid, address])
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F2: with a heartbeat, a worker whose event loop is blocked ends as Unresponsive, and no other worker ends", () => {
    const lines: Array<unknown> = []
    const logger = Logger.make(({ fiber, logLevel }) => {
      if (logLevel === "Error") lines.push(fiber.getRef(References.CurrentLogAnnotations))
    })
    return Effect.gen(function*() {
      const [{ actor, journal }, bystander] = yield* Effect.all([doomed, doomed], { concurrency: 2 })
      const address = ActorRef.address(actor)
      const held = yield* forked(bystander.actor.hold())
      const blocking = yield* forked(actor.block())
      yield* journal.awaitLine("blocking")
      const behind = yield* forked(actor.echo({ n: 1 }))
      assertExited(yield* Fiber.await(blocking), "Unresponsive", "Unknown")
      assert.include(exitedOf(yield* Fiber.await(blocking)).message, "did not answer within 500 ms")
      assertExited(yield* Fiber.await(behind), "Unresponsive", "NotRun")
      assertExited(yield* ActorRef.awaitExit(actor), "Unresponsive", "NotRun")
      assert.deepStrictEqual(lines, [{ actor: `${address} (incarnation 1)`, reason: "Unresponsive" }])
      assert.isUndefined(held.pollUnsafe())
      yield* Fiber.interrupt(held)
      assert.strictEqual(yield* bystander.actor.echo({ n: 1 }), 1)
    }).pipe(Effect.provide(placement.layer({ heartbeat: "500 millis" })), Effect.provide(Logger.layer([logger])))
  })

  it.live("F2: with a heartbeat, a worker that answers between many computations does not end", () =>
    Effect.gen(function*() {
      const { actor } = yield* doomed
      const pid = yield* actor.pid()
      yield* Effect.forEach(upTo(40), () => actor.compute(), { concurrency: "unbounded" })
      assert.strictEqual(yield* actor.pid(), pid)
    }).pipe(Effect.provide(placement.layer({ heartbeat: "500 millis" })), quiet))

  it.live("F2: a heartbeat answered while the host is blocked kills no worker", () =>
    Effect.gen(function*() {
      const { actor } = yield* doomed
      const watcher = yield* forked(ActorRef.awaitExit(actor))
      const sleep = new Int32Array(new SharedArrayBuffer(4))
      // each time there is a turn of the event loop, the next beat is due, and nothing has been read since the last
      for (const _ of upTo(6)) {
        Atomics.wait(sleep, 0, 0, 400)
        yield* Effect.promise(() => setImmediate())
      }
      assert.strictEqual(yield* actor.echo({ n: 1 }), 1)
      assert.isUndefined(watcher.pollUnsafe())
    }).pipe(Effect.provide(placement.layer({ heartbeat: "300 millis" })), quiet))

  it.live("F1: the death of a shared worker ends all its actors, and no actor or call of another worker", () =>
    Effect.gen(function*() {
      const actors = yield* Effect.forEach(upTo(4), () => doomed)
      const first = workerOf(actors[0]!.actor)
      const [dying, living] = [true, false].map((dies) =>
        actors.filter(({ actor }) => (workerOf(actor) === first) === dies)
      ) as [typeof actors, typeof actors]
      assert.deepStrictEqual([dying.length, living.length], [2, 2])
      const held = yield* Effect.forEach(actors, ({ actor }) => forked(actor.hold()))
      yield* Effect.forEach(actors, ({ journal }) => journal.awaitLine("holding"))
      const behind = yield* Effect.forEach(living, ({ actor }) => forked(actor.echo({ n: 1 })))
      // `exitWell` would wait behind `hold`, so one more is needed, on the worker that is to die
      const others = yield* Effect.forEach(upTo(2), () => doomed)
      const killer = others.find(({ actor }) => workerOf(actor) === first)!
      yield* Effect.exit(killer.actor.exitWell())
      for (const { actor } of dying) assertExited(yield* ActorRef.awaitExit(actor), "Crashed", "NotRun")
      for (const [i, { actor }] of actors.entries()) {
        if (workerOf(actor) === first) assertExited(yield* Fiber.await(held[i]!), "Crashed", "Unknown")
        else assert.isUndefined(held[i]!.pollUnsafe())
      }
      for (const call of behind) assert.isUndefined(call.pollUnsafe())
      yield* Effect.forEach(actors, (_, i) => Fiber.interrupt(held[i]!))
      assert.deepStrictEqual(yield* Effect.forEach(behind, Fiber.join), [1, 1])
    }).pipe(Effect.provide(placement.layer({ workers: 2 })), quiet))
}, { except: ["memory"], reason: "in memory the process of the test would end" })

onEveryPlacement(fixture, (placement) => {
  it.live("F2: process.abort, which Node forbids in threads, is a defect of its call in a thread", () =>
    Effect.gen(function*() {
      const { actor } = yield* doomed
      const defect = defectOf(yield* Effect.exit(actor.abort()))
      assertError(defect, { name: "TypeError" })
      assert.include(defect.message, "process.abort() is not supported in workers")
      assert.strictEqual(yield* actor.echo({ n: 1 }), 1)
    }).pipe(Effect.provide(placement.layer()), quiet))
}, { except: ["memory", "processes"], reason: "in memory the process of the test would end" })

onEveryPlacement(fixture, (placement) => {
  it.live("F2: process.abort is a crash", () =>
    Effect.gen(function*() {
      const { actor } = yield* doomed
      const exit = yield* Effect.exit(actor.abort())
      assertExited(exit, "Crashed", "Unknown")
      assert.include(exitedOf(exit).message, "SIGABRT")
    }).pipe(Effect.provide(placement.layer()), quiet))

  const pipes = ["that of messages to it", "that of messages from it", "that of what blocks it"]
  for (const [n, pipe] of pipes.entries()) {
    it.live(`F1, F2: a pipe of a process that fails (${pipe}) ends that process alone, as Disconnected`, () =>
      Effect.gen(function*() {
        const bystander = yield* doomed
        const before = sockets()
        const { actor } = yield* doomed
        const opened = sockets().filter((socket) => !before.includes(socket))
        assert.lengthOf(opened, pipes.length)
        const holding = yield* forked(actor.hold())
        opened[n]!.destroy(new Error("reset"))
        // it says of what has not arrived there that it has not begun
        assertExited(yield* Fiber.await(holding), "Disconnected", n === 0 ? "NotRun" : "Unknown")
        assert.include(exitedOf(yield* Fiber.await(holding)).message, "reset")
        assert.strictEqual(yield* bystander.actor.echo({ n: 1 }), 1)
      }).pipe(Effect.provide(placement.layer()), quiet))
  }

  it.live("F2: process.abort is a crash immediately, even if another process holds the stderr of the process", () =>
    Effect.gen(function*() {
      const { actor, journal } = yield* doomed
      yield* Effect.addFinalizer(() =>
        Effect.map(journal.lines, ([child]) => child !== undefined && process.kill(Number(child), "SIGKILL"))
      )
      assertExited(yield* Effect.exit(actor.abortBesideChild()), "Crashed", "Unknown")
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet))

  it.live("F2: a process that gets SIGKILL from outside ends as Killed, and no other worker ends", () =>
    Effect.gen(function*() {
      const [{ actor, journal }, bystander] = yield* Effect.all([doomed, doomed], { concurrency: 2 })
      const held = yield* forked(bystander.actor.hold())
      const pid = yield* actor.pid()
      const running = yield* forked(actor.hold())
      const waiting = yield* forked(actor.echo({ n: 1 }))
      yield* journal.awaitLine("holding")
      process.kill(pid, "SIGKILL")
      assertExited(yield* Fiber.await(running), "Killed", "Unknown")
      assert.include(exitedOf(yield* Fiber.await(running)).message, "SIGKILL")
      // it says nothing any more
      assertExited(yield* Fiber.await(waiting), "Killed", "Unknown")
      assertExited(yield* ActorRef.awaitExit(actor), "Killed", "NotRun")
      assert.isUndefined(held.pollUnsafe())
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F2: with a heartbeat, a process that is stopped by a signal ends as Unresponsive, and is really gone", () =>
    Effect.gen(function*() {
      const { actor } = yield* doomed
      const pid = yield* actor.pid()
      process.kill(pid, "SIGSTOP")
      const waiting = yield* forked(actor.echo({ n: 1 }))
      assertExited(yield* ActorRef.awaitExit(actor), "Unresponsive", "NotRun")
      assertExited(yield* Fiber.await(waiting), "Unresponsive", "Unknown")
      assert.throws(() => process.kill(pid, 0), "ESRCH")
    }).pipe(Effect.provide(placement.layer({ heartbeat: "500 millis" })), quiet))

  it.live("P6: a pool routes no calls to a member from the moment its heartbeat fails, before its worker has ended", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const pool = yield* ActorPool.make(Doomed, { size: 2, args: { journal: journal.path } })
      const pid = yield* pool.client.pid()
      process.kill(pid, "SIGSTOP")
      for (let isAvoided = false; !isAvoided;) {
        const calls = yield* Effect.forEach(upTo(2), (n) => forked(pool.client.echo({ n })))
        yield* Effect.sleep("50 millis")
        isAvoided = calls.every((call) => call.pollUnsafe() !== undefined)
      }
      // its watcher, which is stopped as well, has a second to say what has begun
      assert.doesNotThrow(() => process.kill(pid, 0))
    }).pipe(Effect.provide(placement.layer({ heartbeat: "500 millis" })), quiet))
}, { except: ["memory", "threads"], reason: "a thread gets no signals of its own, and cannot abort" })
