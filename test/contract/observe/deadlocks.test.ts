/** What waits for what: the cycles that an observer proves, those that it only suspects, and what it says of a call that waits. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, Option, Schedule } from "effect"
import * as Actor from "../../../src/Actor.ts"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import { ActorSystem } from "../../../src/ActorSystem.ts"
import * as Handle from "../../../src/Handle.ts"
import { systems } from "../../../src/internal/monitor/systems.ts"
import * as NodeActorSystem from "../../../src/node/NodeActorSystem.ts"
import { type Cycle, type Explanation, Observer } from "../../../src/Observer.ts"
import { assertError, defectOf, forked, upTo } from "../support/asserts.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Walker } from "./actors/walker.ts"

const fixture = { module: new URL("./actors/walker.ts", import.meta.url), behaviours }

// the reports of kills are not for the screen
const quiet = Logger.layer([])

type Refs = [Effect.Success<ReturnType<typeof Walker.spawn>>, ...Array<Effect.Success<ReturnType<typeof Walker.spawn>>>]

const introduce = (all: ReadonlyArray<Refs[0]>) =>
  Effect.as(Effect.forEach(all, (walker) => walker.meet({ peers: all })), all as Refs)

/** Actors that know each other, in their order. */
const walkers = (count: number) => Effect.flatMap(Effect.forEach(upTo(count), () => Walker.spawn()), introduce)

/** Searches until there is a cycle of this kind. */
const found = (certainty: Cycle["certainty"]) =>
  Effect.flatMap(Observer, ({ deadlocks }) =>
    Effect.repeat(deadlocks, {
      until: (cycles) => cycles.some((cycle) => cycle.certainty === certainty),
      schedule: Schedule.spaced(10)
    }))

/** The path from the first of `count` actors along all others back to the first. */
const circle = (count: number) => [...upTo(count - 1), 0]

/** Asks until the answer is this one: a busy worker may not answer the first time, and is said to be blocked. */
const explained = (of: string | ActorRef.AnyActorRef, until: (explanation: Explanation) => boolean) =>
  Effect.flatMap(Observer, ({ why }) =>
    Effect.map(
      Effect.repeat(why(of), { until: Option.exists(until), schedule: Schedule.spaced(10) }),
      Option.getOrThrow
    ))

const isOf = (actor: string) => ({ steps }: Explanation): boolean => steps[0]!.actor === actor

const isRunning = ({ steps }: Explanation): boolean => steps[0]!.state === "Running"

onEveryPlacement(fixture, (placement) => {
  const layer = Layer.mergeAll(placement.layer(), Observer.layer, quiet)

  for (const count of [2, 3]) {
    it.live(`a cycle of ${count} actors is proved, and named by its calls`, () =>
      Effect.gen(function*() {
        const observer = yield* Observer
        const all = yield* walkers(count)
        assert.deepStrictEqual(yield* observer.deadlocks, [])
        const call = yield* forked(all[0].walk({ path: circle(count) }))
        const [cycle, ...others] = yield* found("proved")
        assert.deepStrictEqual(others, [])
        const ids = all.map(ActorRef.id)
        assert.sameMembers(cycle!.calls.map(({ actor }) => actor), ids)
        // the program has called the first actor, which has called the next one
        const callers = new Map(cycle!.calls.map(({ actor, caller }) => [actor, caller]))
        for (const [i, id] of ids.entries()) {
          const caller = Option.fromUndefinedOr(ids[i - 1])
          assert.deepStrictEqual(callers.get(id), caller)
          const { handling } = Option.getOrThrow(yield* observer.actor(id, { calls: 1 }))
          assert.deepStrictEqual(handling.map(({ actor, caller }) => [actor, caller]), [[id, caller]])
        }
        const why = yield* explained(all[0], ({ deadlock }) => Option.contains(deadlock, "proved"))
        assert.strictEqual(why.steps.length, count)
        assert.include(why.text, `a cycle: none of these ${count === 2 ? "two" : "three"} can be answered`)
        // each call of the cycle is explained by its id
        for (const { actor, call } of cycle!.calls) {
          yield* explained(call, isOf(actor))
        }
        yield* Fiber.interrupt(call)
        assert.deepStrictEqual(yield* observer.deadlocks, [])
        yield* all[0].walk({ path: [1] })
      }).pipe(Effect.provide(layer)))
  }

  it.live("a cycle through a semaphore is proved: its holder calls an actor that waits for a permit", () =>
    Effect.gen(function*() {
      const [holder, waiter, owner] = yield* walkers(3)
      const permits = yield* owner!.semaphore({ permits: 1 })
      const call = yield* forked(holder.holdAndAsk({ peer: 1, method: "need", permits }))
      const [cycle, ...others] = yield* found("proved")
      assert.deepStrictEqual(others, [])
      assert.sameMembers(cycle!.calls.map(({ actor }) => actor), [holder, waiter!].map(ActorRef.id))
      const { text } = yield* explained(waiter!, ({ deadlock }) => Option.contains(deadlock, "proved"))
      assert.include(text, `for permits that ${ActorRef.id(holder)} holds`)
      assert.include(text, "a cycle: none of these two can be answered")
      yield* Fiber.interrupt(call)
      yield* explained(waiter!, ({ deadlock }) => Option.isNone(deadlock))
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("a semaphore with a free permit, or a semaphore used as a signal, proves no cycle", () =>
    Effect.gen(function*() {
      const observer = yield* Observer
      const [holder, , owner] = yield* walkers(3)
      const two = yield* owner!.semaphore({ permits: 2 })
      yield* holder.holdAndAsk({ peer: 1, method: "need", permits: two })
      // no one holds a permit: one is released from outside
      const signal = yield* owner!.semaphore({ permits: 0 })
      const call = yield* forked(holder.need({ permits: signal }))
      yield* explained(holder, ({ text }) => text.includes("for permits"))
      assert.deepStrictEqual(yield* observer.deadlocks, [])
      yield* signal.release(1)
      yield* Fiber.join(call)
    }).pipe(Effect.scoped, Effect.provide(layer)))

  for (const owned of ["by a third actor", "by the actors that hold them", "by the program"]) {
    it.live(`a cycle of two locks is proved if the locks are owned ${owned}`, () =>
      Effect.gen(function*() {
        const observer = yield* Observer
        const [first, second, third] = yield* walkers(3)
        const [one, two] = owned === "by the program"
          ? yield* Effect.all([Handle.makeLock, Handle.makeLock])
          : owned === "by a third actor"
          ? yield* Effect.all([third!.lock(), third!.lock()])
          : yield* Effect.all([first.lock(), second!.lock()])
        const meeting = yield* Handle.makeBarrier(2)
        const calls = [
          yield* forked(first.nest({ outer: one, inner: two, meeting })),
          yield* forked(second!.nest({ outer: two, inner: one, meeting }))
        ]
        const [cycle, ...others] = yield* found("proved")
        assert.deepStrictEqual(others, [])
        const ids = [first, second!].map(ActorRef.id)
        assert.sameMembers(cycle!.calls.map(({ actor }) => actor), ids)
        const { text } = yield* explained(first, ({ deadlock }) => Option.contains(deadlock, "proved"))
        assert.include(text, `for the lock that ${ids[1]} holds`)
        assert.include(text, "a cycle: none of these two can be answered")
        yield* Fiber.interrupt(calls[0]!)
        yield* Fiber.join(calls[1]!)
        assert.deepStrictEqual(yield* observer.deadlocks, [])
      }).pipe(Effect.scoped, Effect.provide(layer)))
  }

  it.live("a lock whose holder goes on, and a lock taken again by its holder, prove no cycle", () =>
    Effect.gen(function*() {
      const observer = yield* Observer
      const [first, second] = yield* walkers(2)
      const [one, two] = yield* Effect.all([first.lock(), second!.lock()])
      const meeting = yield* Handle.makeBarrier(1)
      // the program holds the second lock
      const call = yield* two.withLock(Effect.gen(function*() {
        const call = yield* forked(first.nest({ outer: one, inner: two, meeting }))
        const { text } = yield* explained(first, ({ text }) => text.includes("for the lock"))
        assert.include(text, "for the lock that the program holds")
        assert.deepStrictEqual(yield* observer.deadlocks, [])
        return call
      }))
      yield* Fiber.join(call)
      yield* first.nest({ outer: one, inner: one, meeting })
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("a call that waits for an item, for room, at a latch or at a barrier is explained by the actors that hold it", () =>
    Effect.gen(function*() {
      const observer = yield* Observer
      const [waiter, holder, owner] = yield* walkers(3)
      const [waiterId, holderId, ownerId] = [waiter, holder!, owner!].map(ActorRef.id)
      const queue = yield* owner!.queue()
      const latch = yield* Handle.makeLatch()
      const barrier = yield* Handle.makeBarrier(3)
      yield* holder!.hold({ held: [queue, latch, barrier] })
      const waits = [
        [waiter.take({ queue }), "for an item", `${ownerId} and the program and ${holderId} hold the queue`],
        [waiter.flood({ queue }), "for room", `${ownerId} and the program and ${holderId} hold the queue`],
        [waiter.pass({ latch }), "for the latch to open", `the program and ${holderId} hold the latch`],
        [
          waiter.arrive({ barrier }),
          "for the other parties, 1 of 3 have arrived",
          `the program and ${holderId} hold the barrier`
        ]
      ] as const
      for (const [wait, what, holders] of waits) {
        const call = yield* forked(wait)
        const { deadlock, text } = yield* explained(waiter, ({ text }) => text.includes(what))
        assert.include(text, `${what}; ${holders}`)
        assert.include(text, waiterId!)
        assert.deepStrictEqual(deadlock, Option.none())
        yield* Fiber.interrupt(call)
      }
      assert.deepStrictEqual(yield* observer.deadlocks, [])
      yield* queue.take
      // who waits for the same does not end the wait
      const takes = [yield* forked(waiter.take({ queue })), yield* forked(holder!.take({ queue }))]
      yield* explained(waiter, ({ text }) => text.includes(`for an item; ${ownerId} and the program hold the queue`))
      // the holder waits for the actor that waits for its item
      yield* Fiber.interrupt(takes[1]!)
      const call = yield* forked(holder!.walk({ path: [0] }))
      const why = yield* explained(waiter, ({ deadlock }) => Option.isSome(deadlock))
      assert.deepStrictEqual(why.deadlock, Option.some("possible"))
      const [cycle] = yield* found("possible")
      assert.sameMembers(cycle!.calls.map(({ actor }) => actor), [waiterId, holderId])
      yield* Effect.forEach([takes[0]!, call], Fiber.interrupt)
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("a call in the queue of a pool is explained by its place in line and by the calls of the members", () =>
    Effect.gen(function*() {
      const observer = yield* Observer
      const pool = yield* ActorPool.make(Walker, { size: 2 })
      class Front extends Actor.Service<Front>()("Front", { protocol: { ask: Actor.method({}) } }) {}
      const system = yield* Layer.build(
        ActorSystem.layer(Front.toLayer({ ask: () => Effect.orDie(pool.client.never()) }))
      )
      const front = yield* Effect.provideContext(Front.spawn(), system)
      const calls = yield* Effect.forEach(upTo(4), () => forked(pool.client.never()))
      const call = yield* forked(front.ask())
      const place = "in the queue of the pool, 3rd in line (2 members run 2 calls)"
      const why = yield* explained(front, ({ text }) => text.includes(place))
      assert.include(why.text, "waits for Walker.never of a pool of Walker, ")
      assert.deepStrictEqual(why.deadlock, Option.none())
      const [, ...running] = why.steps
      assert.sameMembers(running.map(({ actor }) => actor), (yield* pool.members).map(ActorRef.id))
      assert.deepStrictEqual(running.map(({ method }) => method), ["Walker.never", "Walker.never"])
      // a snapshot lists the queue, with the ids of its calls
      const { queues: [queue, ...others] } = yield* observer.snapshot({ calls: 2 })
      assert.deepStrictEqual(others, [])
      assert.deepStrictEqual([queue!.pool, queue!.waiting, queue!.calls.map(({ ahead }) => ahead)], ["Walker", 3, [
        0,
        1
      ]])
      assert.sameMembers([...queue!.members], (yield* pool.members).map(ActorRef.id))
      yield* explained(
        queue!.calls[1]!.call,
        ({ text }) => text.startsWith("Walker.never of a pool of Walker waits: in the queue of the pool, 2nd in line")
      )
      assert.deepStrictEqual((yield* observer.snapshot()).queues, [])
      assert.deepStrictEqual(yield* observer.deadlocks, [])
      yield* Effect.forEach([...calls, call], Fiber.interrupt)
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("a cycle over an actor and a worker that the actor has started is proved", () =>
    Effect.gen(function*() {
      const [walker] = yield* walkers(1)
      const id = ActorRef.id(walker)
      const call = yield* forked(walker.delegate())
      const [cycle, ...others] = yield* found("proved")
      assert.deepStrictEqual(others, [])
      const outer = cycle!.calls.find(({ actor }) => actor === id)
      const inner = cycle!.calls.find(({ actor }) => actor !== id)
      assert.lengthOf(cycle!.calls, 2)
      assert.deepStrictEqual([outer?.method, inner?.method], ["Walker.delegate", "Walker.walk"])
      // the ids of the actors of a worker start with the id of the worker
      if (!placement.isMemory) assert.match(inner!.actor, /^(thread|process)-\d+(~\d+)?\/Walker-\d+$/)
      for (const asked of [id, inner!.actor, inner!.call]) {
        const { text } = yield* explained(asked, ({ deadlock }) => Option.contains(deadlock, "proved"))
        assert.include(text, "a cycle: none of these two can be answered")
      }
      yield* Fiber.interrupt(call)
    }).pipe(Effect.provide(layer)))

  it.live("a call with a timeout may go on, so that its cycle is not proved", () =>
    Effect.gen(function*() {
      const all = yield* walkers(2)
      const call = yield* forked(all[0].walkBriefly({ path: circle(2) }))
      const cycles = yield* found("possible")
      assert.notInclude(cycles.map(({ certainty }) => certainty), "proved")
      yield* Fiber.interrupt(call)
    }).pipe(Effect.provide(layer)))

  it.live("a handler out of line leaves its place to others, so that its cycle is not proved", () =>
    Effect.gen(function*() {
      const observer = yield* Observer
      const all = yield* walkers(2)
      // the path returns to the first actor, which answers beside its own call
      yield* all[0].walkAside({ path: circle(2) })
      // the first actor is occupied by a call that never ends
      const never = yield* forked(all[0].never())
      yield* explained(all[0], isRunning)
      const call = yield* forked(all[1]!.walk({ path: [0] }))
      const why = yield* explained(all[1]!, ({ text }) => text.includes("in line"))
      assert.deepStrictEqual(why.deadlock, Option.none())
      assert.deepStrictEqual(yield* observer.deadlocks, [])
      yield* Effect.forEach([never, call], Fiber.interrupt)
    }).pipe(Effect.provide(layer)))

  it.live("a call behind others is explained by the call that runs, from the mailbox and from the caller", () =>
    Effect.gen(function*() {
      const observer = yield* Observer
      const [walker, other] = yield* walkers(2)
      const calls = yield* Effect.forEach(upTo(3), () => forked(walker.never()))
      yield* explained(walker, isRunning)
      const outer = yield* forked(other!.walk({ path: [0] }))
      const why = yield* explained(
        other!,
        ({ steps, text }) => text.includes("3rd in line") && steps.at(-1)!.state === "Running"
      )
      const id = ActorRef.id(walker)
      assert.deepStrictEqual(why.deadlock, Option.none())
      assert.deepStrictEqual(why.steps.map(({ actor, state }) => [actor, state]), [
        [ActorRef.id(other!), "Running"],
        [id, "Running"]
      ])
      assert.match(why.text, new RegExp(`waits for ${id}\\.walk, in the mailbox of ${id}, 3rd in line`))
      assert.match(why.text, new RegExp(`\n  ${id} runs Walker\\.never for .* \\(concurrency 1\\): makes no call`))
      assert.deepStrictEqual(yield* observer.why("nobody"), Option.none())
      const { actors } = yield* Effect.repeat(observer.snapshot({ calls: 1 }), {
        until: ({ actors }) => actors.every(({ handling }) => handling.length === 1),
        schedule: Schedule.spaced(10)
      })
      assert.sameMembers(actors.flatMap(({ handling }) => handling.map(({ method }) => method)), [
        "Walker.never",
        "Walker.walk"
      ])
      const [running] = actors.find((actor) => actor.id === id)!.handling
      assert.lengthOf((yield* explained(running!.call, isOf(id))).steps, 1)
      assert.deepStrictEqual((yield* observer.snapshot()).actors.flatMap(({ handling }) => handling), [])
      yield* Effect.forEach([...calls, outer], Fiber.interrupt)
      yield* explained(walker, ({ steps: [step] }) => step!.state === "Idle")
    }).pipe(Effect.provide(layer)))

  if (placement.isMemory) return

  it.live("a blocked worker is explained as blocked, and its actor and its callers with it", () =>
    Effect.gen(function*() {
      const observer = yield* Observer
      const [blocked, other] = yield* walkers(2)
      const spin = yield* forked(Effect.exit(blocked.spin({ millis: 600_000 })))
      const outer = yield* forked(Effect.exit(other!.walk({ path: [0] })))
      const why = yield* explained(blocked, ({ steps: [step] }) => step!.state === "Blocked")
      assert.match(why.text, /is blocked: (thread|process)-\d+(~\d+)? does not answer/)
      const waiting = yield* explained(other!, ({ text }) => text.includes("does not answer"))
      assert.strictEqual(waiting.steps[0]!.actor, ActorRef.id(other!))
      assert.deepStrictEqual(yield* observer.deadlocks, [])
      yield* observer.kill(ActorRef.id(blocked))
      yield* Effect.forEach([spin, outer], Fiber.join)
    }).pipe(Effect.provide(layer)))
})

it.live("an observer that searches for deadlocks logs each proved one once", () =>
  Effect.gen(function*() {
    const entries: Array<unknown> = []
    const logger = Logger.make<unknown, void>(({ logLevel, message }) => {
      if (logLevel === "Error") entries.push(message)
    })
    const searching = Effect.gen(function*() {
      const all = yield* walkers(2)
      const call = yield* forked(all[0].walk({ path: circle(2) }))
      yield* Effect.repeat(Effect.sync(() => entries.length), {
        until: (count) => count > 0,
        schedule: Schedule.spaced(10)
      })
      // further searches find the same cycle
      for (let i = 0; i < 5; i++) yield* found("proved")
      assert.strictEqual(entries.length, 1)
      assert.match(
        String(entries[0]),
        /^deadlock: Walker-\d+\.walk → Walker-\d+\.walk → .* a cycle, none of these two can be answered$/
      )
      yield* Fiber.interrupt(call)
    })
    yield* searching.pipe(
      Effect.provide(Layer.merge(ActorSystem.layer(behaviours), Observer.layerWith({ deadlocks: "5 millis" }))),
      Effect.provide(Logger.layer([logger]))
    )
  }))

it.live("a search that fails with a defect is logged, and the next one takes place", () =>
  Effect.gen(function*() {
    const entries: Array<string> = []
    const logger = Logger.make<unknown, void>(({ logLevel, message }) => {
      if (logLevel === "Error") entries.push(String(message))
    })
    const broken = new Proxy({} as never, {
      get: () => {
        throw new Error("the system is broken")
      }
    })
    const logged = (count: number) =>
      Effect.repeat(Effect.sync(() => entries.length), { until: (n) => n >= count, schedule: Schedule.spaced(5) })
    yield* Effect.acquireUseRelease(
      Effect.sync(() => systems.add(broken)),
      () => logged(2),
      () => Effect.sync(() => systems.delete(broken))
    ).pipe(
      Effect.provide(Observer.layerWith({ deadlocks: "5 millis" })),
      Effect.provide(Logger.layer([logger]))
    )
    assert.match(entries[0]!, /^the search for deadlocks has failed/)
  }))

it.effect("an interval between two searches that is not longer than 0 is refused", () =>
  Effect.gen(function*() {
    const exit = yield* Effect.exit(Effect.scoped(Layer.build(Observer.layerWith({ deadlocks: 0 }))))
    assertError(defectOf(exit), { name: "RangeError" })
  }))

describe("over several systems", () => {
  const spawnIn = (system: Layer.Layer<ActorSystem>) =>
    Effect.flatMap(Layer.build(system), (context) => Effect.provideContext(Walker.spawn(), context))

  it.live("a cycle over a thread, a process and the program is proved", () =>
    Effect.gen(function*() {
      const all = yield* introduce([
        yield* spawnIn(NodeActorSystem.layerThreads({ module: fixture.module })),
        yield* spawnIn(NodeActorSystem.layerProcesses({ module: fixture.module })),
        yield* spawnIn(ActorSystem.layer(behaviours))
      ])
      const call = yield* forked(all[0].walk({ path: circle(3) }))
      const [cycle] = yield* found("proved")
      assert.sameMembers(cycle!.calls.map(({ actor }) => actor), all.map(ActorRef.id))
      yield* Fiber.interrupt(call)
    }).pipe(Effect.scoped, Effect.provide(Layer.merge(Observer.layer, quiet))))
})
