/** What an observer sees of the systems that the code of workers has made, and how it acts on their actors. */
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, Option, Schedule, Stream } from "effect"
import * as ActorRef from "../../../src/ActorRef.ts"
import { Observer, type Snapshot } from "../../../src/Observer.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { errorOf, forked } from "../support/asserts.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Manager } from "./actors/manager.ts"

const fixture = { module: new URL("./actors/manager.ts", import.meta.url), behaviours }

const placements = ["memory", "threads", "processes"] as const
const kinds = { memory: "memory", threads: "thread", processes: "process" } as const

const until = <A, E, R>(effect: Effect.Effect<A, E, R>, isReached: (value: A) => boolean): Effect.Effect<A, E, R> =>
  Effect.repeat(effect, { until: isReached, schedule: Schedule.spaced(20) })

type ManagerRef = Effect.Success<ReturnType<typeof Manager.spawn>>

/** Has a manager spawn actors in a system of its own. Returns the fiber that keeps them, and their ids. */
const employ = (manager: ManagerRef, on: typeof placements[number], count: number) =>
  Effect.gen(function*() {
    const before = (yield* manager.staff()).length
    const keeping = yield* forked(manager.employ({ on, count }))
    const staff = yield* until(manager.staff(), ({ length }) => length === before + count)
    return [keeping, staff.slice(before)] as const
  })

/** Reads snapshots until one is as it should be: a busy worker may not answer in time. */
const snapshotWith = (isReached: (snapshot: Snapshot) => boolean, calls = 0) =>
  Effect.flatMap(Observer, (observer) => until(observer.snapshot({ calls }), isReached))

const reasonOf = (effect: Effect.Effect<unknown, { readonly reason: string }>) =>
  Effect.map(Effect.exit(effect), (exit) => errorOf(exit).reason)

onEveryPlacement(fixture, (placement) => {
  const entries: Array<string> = []
  const log = Logger.layer([Logger.make<unknown, void>(({ message }) => {
    entries.push(String(message))
  })])
  const layer = Layer.mergeAll(placement.layer(), Observer.layer).pipe(Layer.provideMerge(log))

  for (const on of placements) {
    it.live(
      `actors that a worker has spawned in a system on ${on} are listed, read, and acted on`,
      () =>
        Effect.gen(function*() {
          const observer = yield* Observer
          const manager = yield* Manager.spawn()
          const id = ActorRef.id(manager)
          const [keeping, staff] = yield* employ(manager, on, 2)
          const [first, second] = staff as [string, string]
          const call = yield* forked(Effect.exit(manager.order({ what: "hang" })))
          const snapshot = yield* snapshotWith(
            ({ actors }) =>
              actors.some((row) => row.id === second && row.handling.length === 1 && row.mailbox.running === 1),
            2
          )
          const { worker: parent } = snapshot.actors.find((row) => row.id === id)!
          assert.isTrue(staff.every((actor) => actor.startsWith(`${parent}/`)), staff.join())
          const row = snapshot.actors.find((row) => row.id === second)!
          assert.deepInclude(Object.assign({}, row), { name: "Busy", state: "Running", spawnedBy: Option.some(id) })
          assert.strictEqual(row.handling[0]!.method, "Busy.hang")
          const worker = snapshot.workers.find((other) => other.id === row.worker)!
          assert.deepInclude(Object.assign({}, worker), {
            kind: kinds[on],
            parent: Option.some(parent),
            state: "Running"
          })
          const system = snapshot.systems.find((system) => Option.isSome(system.worker))!
          assert.deepInclude(Object.assign({}, system), {
            placement: kinds[on],
            worker: Option.some(parent),
            actors: 2
          })
          assert.deepInclude(Object.assign({}, snapshot.totals), { actors: 3, workers: 3 })
          assert.deepStrictEqual(snapshot.unread, [])
          // one order and one limit for all
          const short = yield* until(observer.snapshot({ limit: 2 }), ({ totals }) => totals.actors === 3)
          assert.strictEqual(short.truncated, 1)
          assert.sameMembers(short.actors.map((row) => row.id), [id, second])
          const named = yield* until(
            observer.snapshot({ filter: { name: "Busy" }, limit: 1, sort: "age" }),
            ({ totals }) => totals.actors === 3
          )
          assert.deepStrictEqual([named.actors.map(({ name }) => name), named.truncated], [["Busy"], 1])

          const infoOf = (id: string) => Effect.map(observer.actor(id), Option.getOrThrow)
          assert.strictEqual((yield* infoOf(first)).worker, snapshot.actors.find((row) => row.id === first)!.worker)
          assert.isTrue(Option.isNone(yield* observer.actor(`${parent}/Busy-none`)))
          // an actor without calls is known, too
          const { text } = Option.getOrThrow(yield* until(observer.why(first), Option.isSome))
          assert.strictEqual(text, `${first} runs no call`)

          yield* observer.restart(second)
          assert.strictEqual((yield* Fiber.join(call))._tag, "Failure")
          assert.strictEqual((yield* infoOf(second)).incarnation, 2)
          yield* manager.order({ what: "echo" })
          yield* observer.stop(first, { drain: true })
          yield* observer.kill(second)
          yield* snapshotWith(({ actors, totals }) => totals.actors === 1 && !actors.some(({ id }) => id === second))
          assert.isTrue(entries.some((entry) => entry.startsWith("an observer kills Busy#")), entries.join())
          assert.strictEqual(yield* reasonOf(observer.kill(second)), "NotFound")
          yield* Fiber.interrupt(keeping)
        }).pipe(Effect.scoped, Effect.provide(layer)),
      120_000
    )
  }

  for (const on of ["threads", "processes"] as const) {
    it.live(
      `the stack and the profile of a blocked worker that a worker has started on ${on} name the function`,
      () =>
        Effect.gen(function*() {
          const observer = yield* Observer
          const manager = yield* Manager.spawn().pipe(Supervision.supervised(Supervision.make({ maxRestarts: 1 })))
          const [keeping, [busy]] = yield* employ(manager, on, 1)
          yield* forked(Effect.exit(manager.order({ what: "spin" })))
          const { workers } = yield* snapshotWith(({ workers }) =>
            workers.some(({ parent, state }) => state === "Blocked" && Option.isSome(parent))
          )
          const { id: worker } = workers.find(({ parent }) => Option.isSome(parent))!
          const frames = yield* observer.stack(worker)
          assert.include(frames.map(({ functionName }) => functionName), "busyLoop")
          const { nodes } = yield* observer.cpuProfile(worker, { duration: "200 millis" })
          assert.include(nodes.map(({ callFrame }) => callFrame.functionName), "busyLoop")
          assert.strictEqual(yield* reasonOf(Stream.runDrain(observer.heapSnapshot(worker))), "Unsupported")
          assert.strictEqual(yield* reasonOf(observer.stack(`${worker}-none`)), "NotFound")
          // an interrupted question ends in the worker, too: the next one begins
          const profile = yield* forked(observer.cpuProfile(worker, { duration: "10 minutes" }))
          yield* observer.stack(worker)
          yield* Fiber.interrupt(profile)
          yield* observer.kill(busy!)
          yield* Fiber.interrupt(keeping)
        }).pipe(Effect.scoped, Effect.provide(layer)),
      120_000
    )
  }

  it.live(
    "of a blocked worker, what it has made is shown as it was, and acting on it fails",
    () =>
      Effect.gen(function*() {
        const observer = yield* Observer
        const manager = yield* Manager.spawn()
        const id = ActorRef.id(manager)
        const [, [busy]] = yield* employ(manager, "threads", 1)
        const known = yield* snapshotWith(({ actors }) => actors.some((row) => row.id === busy))
        const { worker } = known.actors.find((row) => row.id === busy)!
        const { worker: parent } = known.actors.find((row) => row.id === id)!
        yield* forked(Effect.exit(manager.spin({ millis: 600_000 })))
        const snapshot = yield* snapshotWith(({ totals, unread }) => totals.blocked === 1 && unread.length > 0)
        assert.deepStrictEqual(snapshot.unread.map(({ reason, worker }) => [worker, reason]), [[parent, "NoAnswer"]])
        assert.strictEqual(snapshot.actors.find((row) => row.id === busy)?.state, "Unknown")
        assert.strictEqual(snapshot.workers.find((row) => row.id === worker)?.state, "Unknown")
        assert.deepInclude(Object.assign({}, snapshot.totals), { actors: 2, workers: 2, blocked: 1 })
        yield* until(observer.actor(busy!), Option.exists(({ state }) => state === "Unknown"))
        const { steps, unread } = Option.getOrThrow(yield* observer.why(busy!))
        assert.deepStrictEqual([steps[0]!.state, unread[0]!.worker], ["Blocked", parent])
        assert.strictEqual(yield* reasonOf(observer.kill(busy!)), "NoAnswer")
        assert.strictEqual(yield* reasonOf(observer.stack(worker)), "NoAnswer")
        assert.isNotEmpty(yield* observer.stack(parent))
        yield* observer.kill(id)
        yield* snapshotWith(({ totals, unread }) => totals.actors === 0 && unread.length === 0)
      }).pipe(Effect.scoped, Effect.provide(layer)),
    120_000
  )

  it.live("a defect in the reading of what a worker has made is told, and logged once", () =>
    Effect.gen(function*() {
      const observer = yield* Observer
      const manager = yield* Manager.spawn()
      const call = yield* forked(manager.sabotage())
      const { actors, unread } = yield* snapshotWith(({ unread }) => unread.some(({ reason }) => reason === "Failed"))
      const { worker } = actors.find(({ id }) => id === ActorRef.id(manager))!
      const message = `the systems that ${worker} has made could not be read: the system is broken`
      assert.deepStrictEqual(unread.map((row) => Object.assign({}, row)), [{ worker, reason: "Failed", message }])
      const why = Option.getOrThrow(
        yield* until(observer.why(manager), Option.exists(({ unread }) => unread.length > 0))
      )
      assert.deepStrictEqual(why.unread.map(({ message }) => message), [message])
      assert.include(why.text, message)
      assert.include(why.text, "runs Manager.sabotage")
      assert.deepStrictEqual(yield* observer.deadlocks, [])
      yield* until(Effect.sync(() => entries.filter((entry) => entry.startsWith(message)).length), (n) => n === 1)
      yield* Fiber.interrupt(call)
      yield* snapshotWith(({ unread }) => unread.length === 0)
    }).pipe(Effect.scoped, Effect.provide(layer)), 120_000)
}, { except: ["memory"], reason: "what an actor in memory makes is a system of the program" })
