/** The strategy `first-free`: calls wait in one queue, and each goes to the first member that is free. */
import { assert } from "@effect/vitest"
import { Effect, Exit, Fiber, Stream } from "effect"
import { ActorExited, MailboxFull, SpawnError } from "../../../src/ActorError.ts"
import * as ActorPool from "../../../src/ActorPool.ts"
import { assertError, assertInterrupted, defectOf, errorOf, forked, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onOneWorker } from "../support/sharedWorkers.ts"
import behaviours, { Fellow } from "./actors/pools.ts"
import { fellows } from "./fellows.ts"

const fixture = { module: new URL("./actors/pools.ts", import.meta.url), behaviours }

/** A pool all of whose members run a call "hold", and the functions that end one of these calls. */
const busy = (size: number, options?: Parameters<typeof fellows>[1]) =>
  Effect.gen(function*() {
    const pool = yield* fellows(size, { strategy: "first-free", ...options })
    const held = yield* Effect.forEach(upTo(size), () => forked(pool.client.hold({ job: "held" })))
    yield* Effect.forEach(pool.members, (member) => member.awaitLine({ line: "held began" }))
    const free = (n: number) => Effect.andThen(pool.members[n]!.release({ job: "held" }), Fiber.join(held[n]!))
    // the first two lines of each member's log are of "who" and "hold"
    const started = Effect.map(
      Effect.forEach(pool.members, (member) => member.log()),
      (logs) => logs.map((lines) => lines.slice(2))
    )
    return { ...pool, held, free, started }
  })

onOneWorker(fixture, Fellow.layer({ journal: "none" }), (it) => {
  // ---- P2: the member of a call ----

  it.effect("P2: a long call delays no call that another member can run", () =>
    Effect.gen(function*() {
      const { client, members, names } = yield* fellows(2, { strategy: "first-free" })
      const long = yield* forked(client.hold({ job: "long" }))
      yield* members[0]!.awaitLine({ line: "long began" })
      const calls = yield* Effect.forEach(upTo(20), () => client.who(), { concurrency: "unbounded" })
      assert.deepStrictEqual(calls, upTo(20).map(() => names[1]!))
      yield* members[0]!.release({ job: "long" })
      assert.strictEqual(yield* Fiber.join(long), names[0])
    }))

  it.effect("P2: first-free is the default of a pool and of layerPool", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const options = { size: 2, args: { journal: journal.path } }
      const { client } = yield* ActorPool.make(Fellow, options)
      const one = yield* client.who()
      assert.deepStrictEqual(yield* Effect.all([client.who(), client.who()]), [one, one])
      const service = Effect.flatMap(Fellow, (fellow) => Effect.all([fellow.who(), fellow.who(), fellow.who()]))
      const [a, b, c] = yield* Effect.provide(service, Fellow.layerPool(options), { local: true })
      assert.deepStrictEqual([b, c], [a, a])
    }))

  it.effect("P2: calls wait in one queue, and start in the order in which they are made on the member that is free", () =>
    Effect.gen(function*() {
      const { client, free, names, started } = yield* busy(2)
      const calls = yield* Effect.forEach(upTo(20), (n) => forked(client.whoHas({ key: `${n}` })))
      yield* free(1)
      assert.deepStrictEqual(yield* Effect.forEach(calls, Fiber.join), upTo(20).map(() => names[1]!))
      assert.deepStrictEqual(yield* started, [[], upTo(20).map(String)])
      yield* free(0)
    }))

  it.effect("P2: a member that runs a call or an item made through its reference is not free", () =>
    Effect.gen(function*() {
      const { client, members, names, pool } = yield* fellows(3, { strategy: "first-free" })
      const direct = yield* forked(members[0]!.hold({ job: "a" }))
      yield* members[0]!.awaitLine({ line: "a began" })
      // between two calls, this item still occupies its member
      const item = yield* pool.submit((member) => Effect.andThen(member.who(), Effect.never))
      yield* members[1]!.awaitLine({ line: "who" })
      assert.deepStrictEqual(yield* Effect.forEach(upTo(5), () => client.who()), upTo(5).map(() => names[2]!))
      yield* Fiber.interruptAll([direct, item])
      assert.strictEqual(yield* client.who(), names[0])
    }))

  it.effect("P2: a call that runs out of line leaves its member free", () =>
    Effect.gen(function*() {
      const { client, members, names } = yield* fellows(1, { strategy: "first-free" })
      const waiting = yield* forked(client.awaitLine({ line: "never" }))
      yield* members[0]!.who()
      assert.strictEqual(yield* client.who(), names[0])
      yield* Fiber.interrupt(waiting)
    }))

  // ---- C1, C3: calls that wait ----

  it.effect("C3: an interrupted call leaves the queue, and never runs", () =>
    Effect.gen(function*() {
      const { client, free, started } = yield* busy(1)
      const calls = yield* Effect.forEach(upTo(3), (n) => forked(client.whoHas({ key: `${n}` })))
      yield* Fiber.interrupt(calls[1]!)
      assertInterrupted(yield* Fiber.await(calls[1]!))
      yield* free(0)
      yield* Effect.all([Fiber.join(calls[0]!), Fiber.join(calls[2]!)])
      assert.deepStrictEqual(yield* started, [["1", "3"]])
    }))

  it.effect("C5: a stream waits in the queue, occupies its member to its end, and leaves the queue when its reader is interrupted", () =>
    Effect.gen(function*() {
      const { client, free } = yield* busy(1)
      const left = yield* forked(Stream.runCollect(client.numbers({ n: 2 })))
      const read = yield* forked(Stream.runCollect(client.numbers({ n: 3 })))
      yield* Fiber.interrupt(left)
      yield* free(0)
      assert.deepStrictEqual(yield* Fiber.join(read), [1, 2, 3])
      assert.deepStrictEqual(yield* Stream.runCollect(client.numbers({ n: 1 })), [1])
    }))

  it.effect("C1: a waiting call that no member can encode or read fails alone", () =>
    Effect.gen(function*() {
      const { client, free, started } = yield* busy(1)
      const odd = yield* Effect.exit(client.whoHas({ key: 1 as never }))
      assert.instanceOf(defectOf(odd), TypeError)
      const call = yield* forked(client.whoHas({ key: "a" }))
      yield* free(0)
      yield* Fiber.join(call)
      assert.deepStrictEqual(yield* started, [["a"]])
    }))

  it.effect("L6: a call that waits when the pool closes fails, and so does every later call", () =>
    Effect.gen(function*() {
      const { client, waiting } = yield* Effect.scoped(Effect.gen(function*() {
        const { client } = yield* busy(1)
        return { client, waiting: yield* Effect.forkDetach(client.who(), { startImmediately: true }) }
      }))
      for (const exit of [yield* Fiber.await(waiting), yield* Effect.exit(client.who())]) {
        const error = errorOf(exit)
        assert.instanceOf(error, ActorExited)
        assert.deepStrictEqual([error.reason, error.outcome, error.method], ["Stopped", "NotRun", "who"])
      }
    }))

  // ---- C7: the capacity of the queue ----

  it.effect("C7: a call to a full queue fails with MailboxFull by option, and so do a tell and the fiber of submit", () =>
    Effect.gen(function*() {
      const { client, free, pool, started } = yield* busy(1, { queueCapacity: 2, onFull: "fail" })
      const waiting = yield* Effect.forEach(upTo(2), (n) => forked(client.whoHas({ key: `${n}` })))
      const submitted = yield* pool.submit((member) => member.who())
      const errors = [
        yield* Effect.flip(client.whoHas({ key: "3" })),
        yield* Effect.flip(client.whoHas({ key: "4" }, { discard: true })),
        yield* Effect.flip(Fiber.join(submitted))
      ]
      for (const [i, error] of errors.entries()) {
        assert.instanceOf(error, MailboxFull)
        const { actor, capacity, message, method, outcome } = error
        assert.deepStrictEqual([actor, capacity, outcome], ["Fellow", 2, "NotRun"])
        assert.strictEqual(method, i === 2 ? "submit" : "whoHas")
        assert.match(message, /a pool of Fellow.* has not run, and is safe to retry: the queue is full \(2 calls\)$/)
      }
      yield* free(0)
      yield* Effect.forEach(waiting, Fiber.join)
      assert.deepStrictEqual(yield* started, [["1", "2"]])
    }))

  it.effect("C7: callers wait for room in a full queue by default, and the items of map wait always", () =>
    Effect.gen(function*() {
      const waits = yield* busy(1, { queueCapacity: 0 })
      const call = yield* forked(waits.client.who())
      yield* waits.free(0)
      assert.strictEqual(yield* Fiber.join(call), waits.names[0])
      const { free, names, pool } = yield* busy(1, { queueCapacity: 0, onFull: "fail" })
      const mapped = yield* forked(Stream.runCollect(pool.map(upTo(3), (member) => member.who())))
      yield* free(0)
      assert.deepStrictEqual(yield* Fiber.join(mapped), upTo(3).map(() => names[0]!))
    }))

  it.effect("C4: a tell is accepted when it is queued, while there is room, and otherwise when a member takes it", () =>
    Effect.gen(function*() {
      const { client, free, members, started } = yield* busy(1, { queueCapacity: 1 })
      const payload = { key: "1" }
      yield* client.whoHas(payload, { discard: true })
      // the payload is the payload that was accepted
      payload.key = "changed"
      const late = yield* forked(client.whoHas({ key: "2" }, { discard: true }))
      assert.isUndefined(late.pollUnsafe())
      yield* free(0)
      yield* Fiber.join(late)
      yield* members[0]!.who()
      assert.deepStrictEqual(yield* started, [["1", "2", "who"]])
    }))

  // ---- priorities ----

  it.effect("P2: a priority orders the waiting calls, and calls of one priority keep their order", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const { client, free, started } = yield* busy(1, {
        priority: (method, payload) => {
          seen.push(method)
          return method === "whoHas" ? Number(payload.key[0]) : 0
        }
      })
      const keys = ["1a", "2a", "1b", "3a", "2b", "3b"]
      const calls = yield* Effect.forEach(keys, (key) => forked(client.whoHas({ key })))
      const numbers = yield* forked(Stream.runCollect(client.numbers({ n: 1 })))
      yield* free(0)
      yield* Effect.forEach([...calls, numbers], (call) => Fiber.await<unknown, unknown>(call))
      assert.deepStrictEqual(yield* started, [["3a", "3b", "2a", "2b", "1a", "1b"]])
      assert.deepStrictEqual(seen, ["hold", ...keys.map(() => "whoHas"), "numbers"])
    }))

  it.effect("P2: calls of the client may precede items of map and submit, which have a priority of their own", () =>
    Effect.gen(function*() {
      const { client, free, pool, started } = yield* busy(1, { priority: 1 })
      const key = (key: string) => (member: { readonly whoHas: typeof client.whoHas }) => member.whoHas({ key })
      const mapped = yield* forked(Stream.runDrain(pool.map(["m1", "m2"], (member, item) => key(item)(member))))
      const low = yield* pool.submit(key("low"), { priority: -1 })
      const high = yield* pool.submit(key("high"), { priority: 2 })
      const last = yield* forked(
        Stream.runDrain(pool.map(["m3"], (member, item) => key(item)(member), { priority: -2 }))
      )
      const call = yield* forked(client.whoHas({ key: "call" }))
      // the fibers of the streams put their items into the queue after some turns of the scheduler
      yield* Effect.repeat(Effect.yieldNow, { times: 50 })
      yield* free(0)
      yield* Effect.forEach([mapped, low, high, last, call], (fiber) => Fiber.await<unknown, unknown>(fiber))
      assert.deepStrictEqual(yield* started, [["high", "call", "m1", "m2", "low", "m3"]])
    }))

  it.effect("P2: a priority function that throws is a defect of its call", () =>
    Effect.gen(function*() {
      const { client } = yield* fellows(1, {
        strategy: "first-free",
        priority: () => {
          throw new RangeError("no priority")
        }
      })
      assertError(defectOf(yield* Effect.exit(client.who())), { name: "RangeError", message: "no priority" })
      assert.doesNotThrow(() => client.who())
    }))

  // ---- P3, P4: items ----

  it.effect("P3: broadcast does not wait in the queue, but behind the calls of each member", () =>
    Effect.gen(function*() {
      const { client, free, names, pool, started } = yield* busy(2)
      const waiting = yield* forked(client.whoHas({ key: "waiting" }))
      const all = yield* forked(pool.broadcast((member) => member.whoHas({ key: "all" })))
      // out of line, on busy members
      assert.lengthOf(yield* pool.broadcast((member) => member.log()), 2)
      yield* free(0)
      yield* free(1)
      assert.deepStrictEqual(yield* Fiber.join(all), names)
      yield* Fiber.join(waiting)
      assert.deepStrictEqual((yield* started).map(([first]) => first), ["all", "all"])
    }))

  it.effect("P3: a submitted item waits in the queue, and never runs if it is interrupted there", () =>
    Effect.gen(function*() {
      const { free, names, pool, started } = yield* busy(1)
      const [left, item] = yield* Effect.all([
        pool.submit((member) => member.whoHas({ key: "left" })),
        pool.submit((member) => member.whoHas({ key: "item" }))
      ])
      yield* Fiber.interrupt(left)
      assertInterrupted(yield* Fiber.await(left))
      yield* free(0)
      assert.strictEqual(yield* Fiber.join(item), names[0])
      assert.deepStrictEqual(yield* started, [["item"]])
    }))

  it.effect("P4: a long item of map delays no item that another member can run, and the results keep their order", () =>
    Effect.gen(function*() {
      const { members, names, pool } = yield* fellows(2, { strategy: "first-free" })
      const last = 9
      const results = yield* pool.map(upTo(last), (member, n) => {
        const who = Effect.map(member.who(), (name) => [n, name] as const)
        if (n === 1) return Effect.andThen(member.hold({ job: "long" }), who)
        // the last item releases the first
        return n === last ? Effect.tap(who, () => members[0]!.release({ job: "long" })) : who
      }).pipe(Stream.runCollect)
      assert.deepStrictEqual(results, upTo(last).map((n) => [n, n === 1 ? names[0]! : names[1]!] as const))
    }))

  it.effect("P4: the items of a chunk go to the member that was free for the first of them", () =>
    Effect.gen(function*() {
      const { pool } = yield* fellows(2, { strategy: "first-free" })
      const results = yield* Stream.runCollect(pool.map(upTo(6), (member) => member.who(), { chunkSize: 3 }))
      assert.deepStrictEqual(results, [0, 0, 0, 3, 3, 3].map((i) => results[i]!))
    }))

  // ---- P8 ----

  it.effect("P8: options of the queue that are out of range, or have another strategy, are rejected with the name of the option", () =>
    Effect.gen(function*() {
      const refused = (options: object) =>
        Effect.flip(ActorPool.make(Fellow, { size: 1, args: { journal: "none" }, ...options }))
      for (
        const [options, message] of [
          [
            { queueCapacity: -1 },
            `queueCapacity of a pool of Fellow must be an integer of at least 0 or "unbounded", not -1`
          ],
          [{ onFull: "wait" }, `onFull of a pool of Fellow must be "suspend" or "fail", not "wait"`],
          [{ priority: NaN }, "priority of a pool of Fellow must be a finite number or a function, not NaN"],
          [
            { strategy: "random", onFull: "fail" },
            `onFull of a pool of Fellow requires the strategy "first-free"`
          ]
        ] as const
      ) {
        const error = yield* refused(options)
        assert.instanceOf(error, SpawnError)
        assert.deepStrictEqual([error.reason, error.message], ["OptionsInvalid", `the ${message}`])
      }
      const { pool } = yield* fellows(1, { strategy: "random" })
      const requires = `requires a pool with the strategy "first-free"`
      assert.throws(
        () => pool.map([1], (member) => member.who(), { priority: 1 }),
        RangeError,
        `Fellow.map: priority ${requires}`
      )
      const exit = yield* Effect.exit(pool.submit((member) => member.who(), { priority: 1 }))
      assertError(defectOf(exit), { name: "RangeError", message: `Fellow.submit: priority ${requires}` })
      assert.isTrue(Exit.isFailure(exit))
    }))
})
