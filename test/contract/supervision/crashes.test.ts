import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Logger, Option, Stream } from "effect"
import { setImmediate } from "node:timers/promises"
import * as ActorRef from "../../../src/ActorRef.ts"
import { Observer } from "../../../src/Observer.ts"
import behaviours, { Fragile, Narrow } from "../fixtures/crashes.ts"
import { assertExited, exitedOf, forked, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/crashes.ts", import.meta.url), behaviours }

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

const ways = [
  { way: "exits", says: "exited with code 7" },
  { way: "throws", says: "thrown by nobody's handler" },
  { way: "rejects", says: "rejected by nobody's handler" }
] as const

/** What a call says that its actor's end has settled. */
const assertSays = (exit: Exit.Exit<unknown, unknown>, address: string, says: string, method?: string): void => {
  const error = exitedOf(exit)
  assert.strictEqual(error.actor, "Fragile")
  assert.include(error.message, address)
  assert.include(error.message, says)
  assert.strictEqual(error.method, method)
  if (method === undefined) return
  // the actor is not restarted
  const became = error.outcome === "NotRun" ? "has not run, and a retry fails, too" : "may have run"
  assert.include(error.message, `${address}.${method} ${became}: `)
}

onEveryPlacement(fixture, (placement) => {
  for (const { says, way } of ways) {
    it.live(`C1: when a handler's worker ${way}, its call is Unknown and the queued calls are NotRun`, () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const fragile = yield* Fragile.spawn({ journal: journal.path })
        const crash = yield* forked(fragile.crash({ way }))
        const behind = yield* Effect.forEach(upTo(200), (n) => forked(fragile.note({ n })))
        assertExited(yield* Fiber.await(crash), "Crashed", "Unknown")
        assertSays(yield* Fiber.await(crash), ActorRef.address(fragile), says, "crash")
        for (const call of behind) {
          assertExited(yield* Fiber.await(call), "Crashed", "NotRun")
          assertSays(yield* Fiber.await(call), ActorRef.address(fragile), says, "note")
        }
        assert.deepStrictEqual(yield* journal.lines, [])
        assertSays(yield* ActorRef.awaitExit(fragile), ActorRef.address(fragile), says)
      }).pipe(Effect.provide(placement.layer()), quiet))

    it.live(`C1: when a worker ${way} beside a handler, running calls are Unknown and queued calls are NotRun`, () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const fragile = yield* Fragile.spawn({ journal: journal.path })
        const running = yield* forked(fragile.hang({ name: "hanging" }))
        const behind = yield* Effect.forEach(upTo(200), (n) => forked(fragile.note({ n })))
        yield* journal.awaitLine("hanging")
        const crash = yield* forked(fragile.crashNow({ way }))
        assertExited(yield* Fiber.await(crash), "Crashed", "Unknown")
        assertExited(yield* Fiber.await(running), "Crashed", "Unknown")
        assertSays(yield* Fiber.await(running), ActorRef.address(fragile), says, "hang")
        for (const call of behind) assertExited(yield* Fiber.await(call), "Crashed", "NotRun")
        assert.deepStrictEqual(yield* journal.lines, ["hanging"])
      }).pipe(Effect.provide(placement.layer()), quiet))
  }

  it.live("C1: calls answered before a crash stay answered, and no call runs after it", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const fragile = yield* Fragile.spawn({ journal: journal.path })
      const before = yield* Effect.forEach(upTo(50), (n) => forked(fragile.note({ n })))
      const crash = yield* forked(fragile.crash({ way: "exits" }))
      const after = yield* Effect.forEach(upTo(50), (n) => forked(fragile.note({ n: 50 + n })))
      for (const call of before) assert.deepStrictEqual(yield* Fiber.await(call), Exit.void)
      assertExited(yield* Fiber.await(crash), "Crashed", "Unknown")
      for (const call of after) assertExited(yield* Fiber.await(call), "Crashed", "NotRun")
      assert.deepStrictEqual(yield* journal.lines, upTo(50).map(String))
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("C1: a call after the crash fails immediately with the reason of the crash, as NotRun", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const fragile = yield* Fragile.spawn({ journal: journal.path })
      yield* Effect.exit(fragile.crash({ way: "exits" }))
      const call = yield* forked(fragile.note({ n: 1 }))
      assert.isDefined(call.pollUnsafe())
      assertExited(yield* Fiber.await(call), "Crashed", "NotRun")
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("C1: a tell not accepted before the crash fails, and an accepted tell has completed", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const narrow = yield* Narrow.spawn({ journal: journal.path })
      const crash = yield* forked(narrow.crashLater())
      yield* journal.awaitLine("waiting")
      yield* narrow.note({ n: 1 }, { discard: true })
      const tell = yield* forked(narrow.note({ n: 2 }, { discard: true }))
      yield* journal.note("go")
      assertExited(yield* Fiber.await(crash), "Crashed", "Unknown")
      assertExited(yield* Fiber.await(tell), "Crashed", "NotRun")
      assert.deepStrictEqual(yield* journal.lines, ["waiting", "go"])
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("C1: a stream in progress when its worker crashes delivers its items, then fails", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const fragile = yield* Fragile.spawn({ journal: journal.path })
      const seen: Array<number> = []
      const reading = yield* forked(
        Stream.runForEach(fragile.ticks({ upTo: 3 }), (n) => Effect.sync(() => seen.push(n)))
      )
      yield* Journal.until("the stream has been read so far", () => seen.length === 3)
      yield* Effect.exit(fragile.crashNow({ way: "exits" }))
      assertExited(yield* Fiber.await(reading), "Crashed", "Unknown")
      assert.deepStrictEqual(seen, [1, 2, 3])
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("C1: a call that is being interrupted when its worker crashes is interrupted", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const fragile = yield* Fragile.spawn({ journal: journal.path })
      const running = yield* forked(fragile.hang({ name: "hanging" }))
      yield* journal.awaitLine("hanging")
      const crash = yield* forked(Effect.exit(fragile.crashNow({ way: "exits" })))
      yield* Fiber.interrupt(running)
      assertExited(yield* Fiber.join(crash), "Crashed", "Unknown")
    }).pipe(Effect.provide(placement.layer()), quiet))
}, { except: ["memory"], reason: "in memory the process of the test would end" })

onEveryPlacement(fixture, (placement) => {
  it.live("C1: when a process is killed from outside, its started calls are not known, and all calls are Unknown", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const fragile = yield* Fragile.spawn({ journal: journal.path })
      const pid = yield* fragile.pid()
      const running = yield* forked(fragile.hang({ name: "hanging" }))
      const behind = yield* Effect.forEach(upTo(200), (n) => forked(fragile.note({ n })))
      yield* journal.awaitLine("hanging")
      process.kill(pid, "SIGKILL")
      assertExited(yield* Fiber.await(running), "Killed", "Unknown")
      assertSays(yield* Fiber.await(running), ActorRef.address(fragile), "SIGKILL", "hang")
      for (const call of behind) assertExited(yield* Fiber.await(call), "Killed", "Unknown")
      assertExited(yield* ActorRef.awaitExit(fragile), "Killed", "NotRun")
      assert.deepStrictEqual(yield* journal.lines, ["hanging"])
    }).pipe(Effect.provide(placement.layer()), quiet))
}, { except: ["memory", "threads"], reason: "a thread cannot be killed from outside its process" })

onEveryPlacement(fixture, (placement) => {
  for (const workers of ["dedicated", 1] as const) {
    it.live(`C1: ActorRef.kill settles running calls as Unknown and queued calls as NotRun (workers: ${workers})`, () =>
      Effect.gen(function*() {
        const observer = yield* Observer
        const journal = yield* Journal.make
        const fragile = yield* Fragile.spawn({ journal: journal.path })
        const running = yield* forked(fragile.hang({ name: "hanging" }))
        const behind = yield* Effect.forEach(upTo(200), (n) => forked(fragile.note({ n })))
        yield* journal.awaitLine("hanging")
        // the answer of the worker comes behind the announcement of the running call; if that is lost, any of the calls may have run
        yield* Effect.repeat(observer.actor(ActorRef.id(fragile), { calls: 1 }), {
          until: Option.exists(({ handling }) => handling.length === 1)
        })
        yield* ActorRef.kill(fragile)
        assertExited(yield* Fiber.await(running), "Killed", "Unknown")
        for (const call of behind) assertExited(yield* Fiber.await(call), "Killed", "NotRun")
        assertExited(yield* ActorRef.awaitExit(fragile), "Killed", "NotRun")
        assert.deepStrictEqual(yield* journal.lines, ["hanging"])
      }).pipe(Effect.provide(Layer.merge(placement.layer({ workers }), Observer.layer)), quiet))
  }
})

onEveryPlacement(fixture, (placement) => {
  it.live("C1: a call started just before the kill of its actor may have run, in every repetition", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      for (const n of upTo(100)) {
        const fragile = yield* Fragile.spawn({ journal: journal.path })
        const running = yield* forked(fragile.hang({ name: `hanging ${n}` }))
        // one turn of the event loop at a time, so that the end comes as soon as can be behind the beginning
        while (!(yield* journal.lines).includes(`hanging ${n}`)) yield* Effect.promise(() => setImmediate())
        yield* ActorRef.kill(fragile)
        assertExited(yield* Fiber.await(running), "Killed", "Unknown")
      }
    }).pipe(Effect.provide(placement.layer()), quiet))
}, { except: ["threads", "processes"], reason: "the other placements report the state of a call at another time" })
