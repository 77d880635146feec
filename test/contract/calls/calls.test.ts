import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber } from "effect"
import behaviours, { Crowd, Stage, Trio } from "../fixtures/stage.ts"
import { assertTypeError, forked, left, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import { onOneWorker } from "../support/sharedWorkers.ts"

const fixture = { module: new URL("../fixtures/stage.ts", import.meta.url), behaviours }

onOneWorker(fixture, Stage.layer(), (it) => {
  // ---- C1: results ----

  it.effect("C1: thousands of concurrent calls each get their own result", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const results = yield* Effect.forEach(upTo(3_000), (n) => stage.echo({ n }), { concurrency: "unbounded" })
      assert.deepStrictEqual(results, upTo(3_000))
    }))

  it.effect("C1: one call effect may run any number of times, and calls the handler each time", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const call = stage.echo({ n: 7 })
      assert.deepStrictEqual(yield* Effect.all([call, call, call], { concurrency: "unbounded" }), [7, 7, 7])
      assert.deepStrictEqual(yield* stage.log(), ["7", "7", "7"])
    }))

  it.effect("C1: a call effect that does not run sends no call", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      void stage.echo({ n: 1 })
      yield* stage.echo({ n: 2 })
      assert.deepStrictEqual(yield* stage.log(), ["2"])
    }))

  it.effect("C1: a method needs no `this`", () =>
    Effect.gen(function*() {
      const { echo } = yield* Stage.spawn()
      assert.deepStrictEqual(yield* Effect.forEach([1, 2], (n) => echo({ n })), [1, 2])
    }))

  it.effect("C1: a finalizer added to the scope of an answered call runs immediately", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      for (const slowly of [false, true]) {
        const job = slowly ? "slow" : "quick"
        yield* stage.keepScope({ job, slowly })
        yield* stage.release({ job })
        yield* stage.awaitLine({ line: `${job} added` })
      }
      assert.deepStrictEqual(yield* stage.log(), ["quick finalized", "quick added", "slow finalized", "slow added"])
    }))

  // ---- C2: order and concurrency ----

  it.effect("C2: calls of one caller start in the order in which they are made", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      yield* Effect.forEach(upTo(1_000), (n) => stage.echo({ n }), { concurrency: "unbounded", discard: true })
      assert.deepStrictEqual(yield* stage.log(), upTo(1_000).map(String))
    }))

  it.effect("C2: calls made while another runs start in the order in which they are made", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const first = yield* forked(stage.hold({ job: "a" }))
      yield* stage.awaitLine({ line: "a began" })
      const others = yield* forked(
        Effect.forEach(upTo(1_000), (n) => stage.echo({ n }), { concurrency: "unbounded", discard: true })
      )
      yield* stage.release({ job: "a" })
      yield* Fiber.joinAll([first, others] as Array<Fiber.Fiber<unknown, unknown>>)
      assert.deepStrictEqual(yield* stage.log(), ["a began", "a ended", "a finalized", ...upTo(1_000).map(String)])
    }))

  it.effect("C2: by default an actor runs one call at a time, its finalizers included", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const calls = yield* Effect.forEach(["a", "b", "c"], (job) => forked(stage.hold({ job })))
      yield* stage.awaitLine({ line: "a began" })
      // those behind could go on at once, if only they had begun
      yield* stage.release({ job: "c" })
      yield* stage.release({ job: "b" })
      assert.deepStrictEqual(yield* stage.log(), ["a began"])
      yield* stage.release({ job: "a" })
      assert.deepStrictEqual(yield* Effect.forEach(calls, Fiber.join), ["a", "b", "c"])
      assert.deepStrictEqual(
        yield* stage.log(),
        ["a", "b", "c"].flatMap((job) => [`${job} began`, `${job} ended`, `${job} finalized`])
      )
    }))

  it.effect("C2: with concurrency 3 three calls run concurrently, and the fourth starts when one of them has ended", () =>
    Effect.gen(function*() {
      const trio = yield* Trio.spawn()
      const calls = yield* Effect.forEach(["a", "b", "c", "d"], (job) => forked(trio.hold({ job })))
      yield* Effect.forEach(["a", "b", "c"], (job) => trio.awaitLine({ line: `${job} began` }))
      assert.deepStrictEqual(yield* trio.log(), ["a began", "b began", "c began"])
      yield* trio.release({ job: "b" })
      yield* trio.awaitLine({ line: "d began" })
      assert.deepStrictEqual(yield* trio.log(), [
        "a began",
        "b began",
        "c began",
        "b ended",
        "b finalized",
        "d began"
      ])
      yield* Effect.forEach(["a", "c", "d"], (job) => trio.release({ job }))
      assert.deepStrictEqual(yield* Effect.forEach(calls, Fiber.join), ["a", "b", "c", "d"])
    }))

  it.effect("C2: with unbounded concurrency all calls run concurrently", () =>
    Effect.gen(function*() {
      const crowd = yield* Crowd.spawn()
      const jobs = upTo(500).map(String)
      const calls = yield* Effect.forEach(jobs, (job) => forked(crowd.hold({ job })))
      yield* Effect.forEach(jobs, (job) => crowd.awaitLine({ line: `${job} began` }), { concurrency: "unbounded" })
      yield* Effect.forEach(jobs.toReversed(), (job) => crowd.release({ job }))
      assert.deepStrictEqual(yield* Effect.forEach(calls, Fiber.join), jobs)
    }))

  it.effect("C2: a method declared with Rpc.fork runs while the mailbox is busy", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const [a, b] = yield* Effect.forEach(["a", "b"], (job) => forked(stage.hold({ job })))
      yield* stage.awaitLine({ line: "a began" })
      const c = yield* forked(stage.holdForked({ job: "c" }))
      yield* stage.awaitLine({ line: "c began" })
      yield* stage.release({ job: "c" })
      assert.strictEqual(yield* Fiber.join(c), "c")
      assert.deepStrictEqual(yield* stage.log(), ["a began", "c began", "c ended", "c finalized"])
      yield* Effect.forEach(["a", "b"], (job) => stage.release({ job }))
      assert.deepStrictEqual(yield* Effect.forEach([a!, b!], Fiber.join), ["a", "b"])
    }))

  it.effect("C2: a method declared with Rpc.fork occupies no place of the queued calls", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const forks = yield* Effect.forEach(["a", "b"], (job) => forked(stage.holdForked({ job })))
      yield* Effect.forEach(["a", "b"], (job) => stage.awaitLine({ line: `${job} began` }))
      assert.strictEqual(yield* stage.echo({ n: 1 }), 1)
      const [c, d] = yield* Effect.forEach(["c", "d"], (job) => forked(stage.hold({ job })))
      yield* stage.awaitLine({ line: "c began" })
      yield* Effect.forEach(["a", "b"], (job) => stage.release({ job }))
      assert.deepStrictEqual(yield* Effect.forEach(forks, Fiber.join), ["a", "b"])
      // and gives none back that it did not have
      assert.notInclude(yield* stage.log(), "d began")
      yield* Effect.forEach(["c", "d"], (job) => stage.release({ job }))
      assert.deepStrictEqual(yield* Effect.forEach([c!, d!], Fiber.join), ["c", "d"])
    }))

  it.effect("C2: a handler that returns a Deferred gives its place to the next call, and answers later", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const promises = yield* Effect.forEach(["a", "b"], (job) => forked(stage.promise({ job })))
      assert.strictEqual(yield* stage.echo({ n: 1 }), 1)
      assert.deepStrictEqual(yield* stage.log(), ["a began", "b began", "1"])
      // one place, not two, has been given away
      const [c, d] = yield* Effect.forEach(["c", "d"], (job) => forked(stage.hold({ job })))
      yield* stage.awaitLine({ line: "c began" })
      yield* Effect.forEach(["b", "a"], (job) => stage.release({ job }))
      assert.deepStrictEqual(yield* Effect.forEach(promises, Fiber.join), ["a", "b"])
      assert.notInclude(yield* stage.log(), "d began")
      yield* Effect.forEach(["c", "d"], (job) => stage.release({ job }))
      assert.deepStrictEqual(yield* Effect.forEach([c!, d!], Fiber.join), ["c", "d"])
    }))

  // ---- C4: tells ----

  it.effect("C4: a tell completes once it is accepted, while its handler runs", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      assert.isUndefined(yield* stage.hold({ job: "a" }, { discard: true }))
      yield* stage.awaitLine({ line: "a began" })
      assert.deepStrictEqual(yield* stage.log(), ["a began"])
      yield* stage.release({ job: "a" })
      yield* stage.awaitLine({ line: "a finalized" })
    }))

  it.effect("C4: a tell completes once it is accepted, while another call runs", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const a = yield* forked(stage.hold({ job: "a" }))
      yield* stage.awaitLine({ line: "a began" })
      assert.isUndefined(yield* stage.echo({ n: 1 }, { discard: true }))
      assert.deepStrictEqual(yield* stage.log(), ["a began"])
      yield* stage.release({ job: "a" })
      yield* Fiber.join(a)
      yield* stage.awaitLine({ line: "1" })
    }))

  it.effect("C4: tells and calls run in the order in which they are made", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const make = (n: number) => Effect.suspend(() => stage.echo({ n }, { discard: n % 3 !== 0 }))
      const results = yield* Effect.forEach(upTo(1_000), make, { concurrency: "unbounded" })
      assert.deepStrictEqual(results, upTo(1_000).map((n) => n % 3 === 0 ? n : undefined))
      yield* stage.awaitLine({ line: "1000" })
      assert.deepStrictEqual(yield* stage.log(), upTo(1_000).map(String))
    }))

  for (const way of ["fails", "dies", "throws", "is interrupted"] as const) {
    it.effect(`C4: a tell whose handler ${way} still completes, and its actor continues`, () =>
      Effect.gen(function*() {
        const stage = yield* Stage.spawn()
        // at once, and after the tell has been accepted
        const atOnce = yield* Effect.exit(stage.fail({ job: "a", way, slowly: false }, { discard: true }))
        const later = yield* Effect.exit(stage.fail({ job: "b", way, slowly: true }, { discard: true }))
        yield* stage.release({ job: "b" })
        assert.strictEqual(yield* stage.echo({ n: 1 }), 1)
        assert.deepStrictEqual([atOnce, later], [Exit.void, Exit.void])
      }))
  }

  it.effect("C4: a tell whose payload does not fit is a defect, like that of a call", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      assertTypeError(yield* Effect.exit(stage.echo({ n: 1.5 }, { discard: true })), "Stage.echo", `["n"]`)
      assert.deepStrictEqual(yield* stage.log(), [])
    }))

  it.effect("C4: interrupting the caller of an accepted tell changes nothing", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const told = yield* Deferred.make<void>()
      const teller = yield* forked(
        Effect.gen(function*() {
          yield* stage.hold({ job: "a" }, { discard: true })
          yield* Deferred.succeed(told, undefined)
          return yield* Effect.never
        })
      )
      yield* Deferred.await(told)
      yield* Fiber.interrupt(teller)
      yield* stage.release({ job: "a" })
      yield* stage.awaitLine({ line: "a finalized" })
      assert.deepStrictEqual(yield* stage.log(), ["a began", "a ended", "a finalized"])
    }))
}, { inCluster: true })

onEveryPlacement(fixture, (placement) => {
  it.live("C2: calls that arrive one by one during a computation do not delay the timers of the actor", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const stage = yield* Stage.spawn()
      const first = yield* forked(stage.compute({ job: "a", journal: journal.path }))
      yield* journal.awaitLine("a computes")
      const others = yield* Effect.forEach(upTo(40), () => Effect.tap(forked(stage.grind()), () => left))
      yield* journal.note("go a")
      yield* Fiber.join(first)
      const runs = yield* Effect.forEach(others, Fiber.join)
      // a timer is due after three of them
      assert.isBelow(Math.max(...runs), 20)
    }).pipe(Effect.provide(placement.layer())))
}, { except: ["memory"], reason: "a busy loop in memory blocks the test itself" })
