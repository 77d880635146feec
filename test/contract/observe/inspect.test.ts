/** What an observer learns of a worker without the help of its event loop: that it is blocked, and by what. */
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, Option, Schedule, Stream } from "effect"
import * as ActorRef from "../../../src/ActorRef.ts"
import { Observer } from "../../../src/Observer.ts"
import { errorOf, forked } from "../support/asserts.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Busy } from "./actors/busy.ts"

const fixture = { module: new URL("./actors/busy.ts", import.meta.url), behaviours }

// the reports of kills are not for the screen
const quiet = Logger.layer([])

const workerOf = (busy: ActorRef.AnyActorRef) =>
  Effect.flatMap(
    Observer,
    (observer) => Effect.map(observer.actor(ActorRef.id(busy)), (info) => Option.getOrThrow(info).worker)
  )

/** Blocks the worker of an actor for as long as the effect runs; the worker is killed afterwards. */
const whileBlocked = <A, E, R>(effect: (worker: string) => Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const observer = yield* Observer
    const busy = yield* Busy.spawn()
    yield* busy.echo({ value: 1 })
    const worker = yield* workerOf(busy)
    const call = yield* forked(Effect.exit(busy.spin({ millis: 600_000 })))
    yield* Effect.repeat(observer.snapshot(), {
      until: ({ totals }) => totals.blocked === 1,
      schedule: Schedule.spaced(10)
    })
    const value = yield* effect(worker)
    yield* observer.kill(ActorRef.id(busy))
    yield* Fiber.join(call)
    return value
  })

onEveryPlacement(fixture, (placement) => {
  const layer = Layer.mergeAll(placement.layer(), Observer.layer, quiet)

  it.live("a blocked worker is shown as blocked, with what is known without it", () =>
    whileBlocked((worker) =>
      Effect.gen(function*() {
        const observer = yield* Observer
        const other = yield* Busy.spawn()
        const { totals, workers } = yield* observer.snapshot()
        assert.strictEqual(totals.blocked, 1)
        const blocked = workers.find(({ id }) => id === worker)!
        assert.strictEqual(blocked.state, "Blocked")
        assert.isAtLeast(blocked.blockedForMillis, 90)
        assert(Option.isSome(blocked.cpu) && Option.isSome(blocked.rss))
        const free = yield* workerOf(other)
        assert.strictEqual(workers.find(({ id }) => id === free)!.state, "Running")
        // the time is counted from the first snapshot
        const later = yield* observer.snapshot()
        const { blockedForMillis } = later.workers.find(({ id }) => id === worker)!
        assert.isAbove(blockedForMillis, blocked.blockedForMillis)
      })
    ).pipe(Effect.provide(layer)))

  it.live("the stack of a blocked worker names the function that blocks it, and the worker goes on", () =>
    whileBlocked((worker) =>
      Effect.gen(function*() {
        const observer = yield* Observer
        for (let i = 0; i < 3; i++) {
          const frames = yield* observer.stack(worker)
          const frame = frames.find(({ functionName }) => functionName === "busyLoop")
          assert(frame !== undefined, JSON.stringify(frames.slice(0, 3)))
          assert.match(frame.url, /busy\.ts$/)
          assert.isAbove(frame.line, 1)
        }
      })
    ).pipe(Effect.provide(layer)))

  it.live("the profile of a blocked worker shows where the time goes", () =>
    whileBlocked((worker) =>
      Effect.gen(function*() {
        const observer = yield* Observer
        const { nodes, samples } = yield* observer.cpuProfile(worker, { duration: "300 millis" })
        assert.include(nodes.map(({ callFrame }) => callFrame.functionName), "busyLoop")
        assert.isAbove(samples!.length, 0)
      })
    ).pipe(Effect.provide(layer)))

  it.live("an idle worker has no stack, and answers calls afterwards", () =>
    Effect.gen(function*() {
      const observer = yield* Observer
      const busy = yield* Busy.spawn()
      yield* busy.echo({ value: 1 })
      const worker = yield* workerOf(busy)
      const frames = yield* observer.stack(worker)
      assert.notInclude(frames.map(({ functionName }) => functionName), "busyLoop")
      assert.strictEqual(yield* busy.echo({ value: 2 }), 2)
      assert.deepStrictEqual((yield* observer.snapshot()).totals.blocked, 0)
    }).pipe(Effect.provide(layer)))

  it.live("a heap snapshot is a file for the developer tools", () =>
    Effect.gen(function*() {
      const observer = yield* Observer
      const busy = yield* Busy.spawn()
      const decoder = new TextDecoder()
      const text = yield* observer.heapSnapshot(yield* workerOf(busy)).pipe(
        Stream.runFold(() => "", (text, part) => text + decoder.decode(part, { stream: true }))
      )
      const { nodes, snapshot } = JSON.parse(text)
      assert.strictEqual(nodes.length, snapshot.node_count * snapshot.meta.node_fields.length)
      assert.strictEqual(yield* busy.echo({ value: 2 }), 2)
    }).pipe(Effect.provide(layer)), 120_000)

  it.live("an inspection ends with its worker, whose exit does not wait for it", () =>
    Effect.gen(function*() {
      const observer = yield* Observer
      const busy = yield* Busy.spawn()
      const worker = yield* workerOf(busy)
      const profile = yield* forked(Effect.exit(observer.cpuProfile(worker, { duration: "10 minutes" })))
      // a stack shows that inspections work, and gives the profile the time to begin
      yield* observer.stack(worker)
      yield* Effect.exit(busy.exit())
      const error = errorOf(yield* Fiber.join(profile))
      assert.strictEqual(error.reason, "WorkerEnded")
    }).pipe(Effect.provide(layer)))

  it.live("an interrupted inspection leaves the worker as it was", () =>
    Effect.gen(function*() {
      const observer = yield* Observer
      const busy = yield* Busy.spawn()
      const worker = yield* workerOf(busy)
      const profile = yield* forked(observer.cpuProfile(worker, { duration: "10 minutes" }))
      yield* observer.stack(worker)
      yield* Fiber.interrupt(profile)
      assert.strictEqual(yield* busy.echo({ value: 2 }), 2)
      yield* ActorRef.stop(busy)
    }).pipe(Effect.provide(layer)))
}, { except: ["memory"], reason: "a blocked worker in memory blocks the observer, too" })
