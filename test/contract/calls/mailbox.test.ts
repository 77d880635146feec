import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import * as Actor from "../../../src/Actor.ts"
import { MailboxFull } from "../../../src/ActorError.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import behaviours, { Crowd, Narrow, Stage, Strict } from "../fixtures/stage.ts"
import { assertExited, assertInterrupted, errorOf, forked, left, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import { onOneWorker } from "../support/sharedWorkers.ts"

const fixture = { module: new URL("../fixtures/stage.ts", import.meta.url), behaviours }

/** Takes the only place of an actor until `go`; through a journal, because no call gets past a full mailbox. */
const busy = <R extends { readonly holdByJournal: Stage["Service"]["holdByJournal"] }>(actor: R) =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const call = yield* forked(actor.holdByJournal({ job: "a", journal: journal.path }))
    yield* journal.awaitLine("a held")
    return { call, go: Effect.andThen(journal.note("go a"), Fiber.join(call)) }
  })

const assertFull = (exit: Exit.Exit<unknown, unknown>, method: string): void => {
  const error = errorOf(exit)
  assert.instanceOf(error, MailboxFull)
  assert.deepStrictEqual([error.actor, error.method, error.capacity, error.outcome], ["Strict", method, 4, "NotRun"])
  assert.include(error.message, "4")
}

onOneWorker(fixture, Stage.layer(), (it) => {
  // ---- a full mailbox lets callers wait ----

  it.effect("C7: ten thousand concurrent calls pass through a mailbox of sixteen, in order", () =>
    Effect.gen(function*() {
      const narrow = yield* Narrow.spawn()
      const results = yield* Effect.forEach(upTo(10_000), (n) => narrow.echo({ n }), { concurrency: "unbounded" })
      assert.deepStrictEqual(results, upTo(10_000))
      assert.deepStrictEqual(yield* narrow.log(), upTo(10_000).map(String))
    }))

  it.effect("C7: a mailbox of sixteen accepts sixteen calls, and further calls as it empties", () =>
    Effect.gen(function*() {
      const [narrow, sibling] = yield* Effect.all([Narrow.spawn(), Stage.spawn()])
      const { go } = yield* busy(narrow)
      // a tell completes when it is in the mailbox
      const tells = yield* Effect.forEach(upTo(100), (n) => forked(narrow.echo({ n }, { discard: true })))
      // an answer of the same worker comes after everything that it had to say of those tells
      yield* sibling.echo({ n: 0 })
      const accepted = tells.map((tell) => tell.pollUnsafe() !== undefined)
      assert.deepStrictEqual(accepted, upTo(100).map((n) => n <= 16))
      yield* go
      yield* Fiber.joinAll(tells)
      yield* narrow.awaitLine({ line: "100" })
      assert.deepStrictEqual(yield* narrow.log(), upTo(100).map(String))
    }))

  it.effect("C7: a mailbox stays within its capacity while it empties and fills again", () =>
    Effect.gen(function*() {
      const [narrow, sibling] = yield* Effect.all([Narrow.spawn(), Stage.spawn()])
      const journal = yield* Journal.make
      const jobs = upTo(50).map((n) => `job ${n}`)
      let accepted = 0
      yield* Effect.forEach(jobs, (job) =>
        forked(
          Effect.tap(
            narrow.holdByJournal({ job, journal: journal.path }, { discard: true }),
            () => Effect.sync(() => accepted++)
          )
        ))
      for (const [i, job] of jobs.entries()) {
        yield* journal.awaitLine(`${job} held`)
        yield* sibling.echo({ n: 0 })
        // those that have begun have left the mailbox
        assert.isAtMost(accepted - (i + 1), 16)
        yield* journal.note(`go ${job}`)
      }
      yield* narrow.echo({ n: 1 })
      assert.strictEqual(accepted, jobs.length)
    }))

  it.effect("C7: a call that waits for room is interrupted immediately, and never runs", () =>
    Effect.gen(function*() {
      const narrow = yield* Narrow.spawn()
      const { go } = yield* busy(narrow)
      const calls = yield* Effect.forEach(upTo(50), (n) => forked(narrow.echo({ n })))
      const last = calls.slice(30)
      yield* Fiber.interruptAll(last)
      for (const call of last) assertInterrupted(yield* Fiber.await(call))
      yield* go
      assert.deepStrictEqual(yield* Effect.forEach(calls.slice(0, 30), Fiber.join), upTo(30))
      assert.deepStrictEqual(yield* narrow.log(), upTo(30).map(String))
    }))

  it.effect("C7: an interrupted call in a full mailbox makes room for a waiting call", () =>
    Effect.gen(function*() {
      const [narrow, sibling] = yield* Effect.all([Narrow.spawn(), Stage.spawn()])
      const { go } = yield* busy(narrow)
      const calls = yield* Effect.forEach(upTo(16), (n) => forked(narrow.echo({ n })))
      const tell = yield* forked(narrow.echo({ n: 17 }, { discard: true }))
      yield* sibling.echo({ n: 0 })
      assert.isUndefined(tell.pollUnsafe())
      yield* Fiber.interrupt(calls[3]!)
      yield* Fiber.join(tell)
      yield* go
      yield* narrow.awaitLine({ line: "17" })
      assert.deepStrictEqual(yield* narrow.log(), upTo(17).filter((n) => n !== 4).map(String))
    }))

  it.effect("C7: a full mailbox does not delay the interruption of running calls", () =>
    Effect.gen(function*() {
      const narrow = yield* Narrow.spawn()
      const a = yield* forked(narrow.hold({ job: "a" }))
      yield* narrow.awaitLine({ line: "a began" })
      const calls = yield* Effect.forEach(upTo(100), (n) => forked(narrow.echo({ n })))
      yield* Fiber.interrupt(a)
      assert.deepStrictEqual(yield* Effect.forEach(calls, Fiber.join), upTo(100))
      assert.deepStrictEqual((yield* narrow.log()).slice(0, 3), ["a began", "a interrupted", "a finalized"])
    }))

  it.effect("C7: a full mailbox does not delay the end of its actor, and every call settles", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const narrow = yield* Scope.provide(Narrow.spawn(), scope)
      const a = yield* forked(narrow.hold({ job: "a" }))
      yield* narrow.awaitLine({ line: "a began" })
      const calls = yield* Effect.forEach(upTo(100), (n) => forked(narrow.echo({ n })))
      yield* Scope.close(scope, Exit.void)
      assertExited(yield* Fiber.await(a), "Stopped", "Unknown")
      for (const call of calls) assertExited(yield* Fiber.await(call), "Stopped", "NotRun")
    }))

  it.effect("C7: draining a full mailbox finishes the accepted calls", () =>
    Effect.gen(function*() {
      const narrow = yield* Narrow.spawn()
      const { go } = yield* busy(narrow)
      const calls = yield* Effect.forEach(upTo(16), (n) => forked(narrow.echo({ n })))
      const stopping = yield* forked(ActorRef.stop(narrow, { drain: true }))
      yield* go
      yield* Fiber.join(stopping)
      assert.deepStrictEqual(yield* Effect.forEach(calls, Fiber.join), upTo(16))
    }))

  it.effect("C7: an unbounded mailbox accepts every call", () =>
    Effect.gen(function*() {
      const crowd = yield* Crowd.spawn()
      yield* Effect.forEach(upTo(6_000), (n) => crowd.echo({ n }, { discard: true }), { concurrency: "unbounded" })
      yield* crowd.awaitLine({ line: "6000" })
      assert.lengthOf(yield* crowd.log(), 6_000)
    }))

  // ---- a full mailbox refuses ----

  it.effect("C7: with onFull \"fail\" a call that finds the mailbox full fails with MailboxFull, naming the capacity", () =>
    Effect.gen(function*() {
      const strict = yield* Strict.spawn()
      const { go } = yield* busy(strict)
      const calls = yield* Effect.forEach(upTo(10), (n) => forked(strict.echo({ n })))
      for (const call of calls.slice(4)) assertFull(yield* Fiber.await(call), "echo")
      yield* go
      assert.deepStrictEqual(yield* Effect.forEach(calls.slice(0, 4), Fiber.join), upTo(4))
      assert.deepStrictEqual(yield* strict.log(), upTo(4).map(String))
      // there is room again
      assert.strictEqual(yield* strict.echo({ n: 5 }), 5)
    }))

  it.effect("C7: with onFull \"fail\" a tell that finds the mailbox full fails too", () =>
    Effect.gen(function*() {
      const strict = yield* Strict.spawn()
      const { go } = yield* busy(strict)
      const exits = yield* Effect.forEach(
        upTo(10),
        (n) => Effect.exit(strict.echo({ n }, { discard: true })),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(exits.slice(0, 4), upTo(4).map(() => Exit.void))
      for (const exit of exits.slice(4)) assertFull(exit, "echo")
      yield* go
      yield* strict.awaitLine({ line: "4" })
      assert.deepStrictEqual(yield* strict.log(), upTo(4).map(String))
    }))

  it.effect("C7: with onFull \"fail\" each of ten thousand concurrent calls runs or fails", () =>
    Effect.gen(function*() {
      const strict = yield* Strict.spawn()
      const exits = yield* Effect.forEach(upTo(10_000), (n) => Effect.exit(strict.echo({ n })), {
        concurrency: "unbounded"
      })
      const ran = exits.flatMap((exit) => Exit.isSuccess(exit) ? [exit.value] : [])
      for (const exit of exits) if (Exit.isFailure(exit)) assertFull(exit, "echo")
      assert.isAtLeast(ran.length, 1)
      assert.deepStrictEqual(yield* strict.log(), ran.map(String))
    }))

  it.effect("C7: a full mailbox with onFull fail still accepts concurrent calls", () =>
    Effect.gen(function*() {
      const strict = yield* Strict.spawn()
      const { go } = yield* busy(strict)
      const calls = yield* Effect.forEach(upTo(4), (n) => forked(strict.echo({ n })))
      assert.deepStrictEqual(yield* strict.log(), [])
      yield* go
      assert.deepStrictEqual(yield* Effect.forEach(calls, Fiber.join), upTo(4))
    }))

  it.effect("C7: each actor has its own mailbox", () =>
    Effect.gen(function*() {
      const [full, free] = yield* Effect.all([Narrow.spawn(), Narrow.spawn()])
      const { go } = yield* busy(full)
      const calls = yield* Effect.forEach(upTo(100), (n) => forked(full.echo({ n })))
      assert.deepStrictEqual(yield* Effect.forEach(upTo(100), (n) => free.echo({ n })), upTo(100))
      yield* go
      assert.deepStrictEqual(yield* Effect.forEach(calls, Fiber.join), upTo(100))
    }))
}, { inCluster: true })

it("C7: a capacity or a concurrency that is not an integer of at least 1 is rejected when the behaviour is made", () => {
  class Empty extends Actor.Service<Empty>()("Empty", { protocol: [] }) {}
  for (const n of [0, -1, 1.5, NaN]) {
    assert.throws(() => Empty.toLayer({}, { mailboxCapacity: n }), RangeError, /Empty.*mailboxCapacity/)
    assert.throws(() => Empty.toLayer({}, { concurrency: n }), RangeError, /Empty.*concurrency/)
  }
})

onEveryPlacement(fixture, (placement) => {
  const computations = (held: boolean) =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const stage = yield* Stage.spawn()
      yield* journal.note("go a")
      const before = held ? yield* forked(stage.hold({ job: "first" })) : undefined
      const [a, b] = [
        yield* forked(stage.compute({ job: "a", journal: journal.path })),
        yield* forked(stage.compute({ job: "b", journal: journal.path }))
      ]
      if (held) yield* stage.release({ job: "first" })
      yield* Fiber.join(a)
      // it ends only when the first has been answered
      yield* journal.note("go b")
      yield* Fiber.join(b)
      if (before !== undefined) assert.strictEqual(yield* Fiber.join(before), "first")
    }).pipe(Effect.provide(placement.layer()))

  it.live("C2: the answer of a computation does not wait for calls of the same message", () => computations(false))

  it.live("C2: the answer of a computation does not wait for calls queued together with it", () => computations(true))

  it.live("C2: a call that came with a computation runs in its order, and never ahead of queued calls", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const stage = yield* Stage.spawn()
      yield* journal.note("go a")
      const a = yield* forked(stage.compute({ job: "a", journal: journal.path }))
      const [, , count] = yield* Effect.all([stage.echo({ n: 1 }), stage.echo({ n: 2 }), stage.count()], {
        concurrency: "unbounded"
      })
      assert.strictEqual(count, 2)
      yield* Fiber.join(a)
    }).pipe(Effect.provide(placement.layer())))

  const between = (
    call: (
      actors: { readonly stage: Stage["Service"]; readonly other: Stage["Service"] }
    ) => Effect.Effect<unknown, unknown>
  ) =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const [stage, other] = yield* Effect.all([Stage.spawn(), Stage.spawn()])
      assert.deepStrictEqual(yield* stage.log(), [])
      const jobs = yield* Effect.forEach(["a", "b"], (job) => forked(stage.compute({ job, journal: journal.path })))
      yield* journal.awaitLine("a computes")
      const called = yield* forked(call({ stage, other }))
      // it is on its way when the first computation ends; the second does not end before it has been answered
      yield* left
      yield* journal.note("go a")
      yield* Fiber.join(called)
      yield* journal.note("go b")
      yield* Effect.forEach(jobs, Fiber.join)
    }).pipe(Effect.provide(placement.layer({ workers: 1 })))

  it.live("C2: between two computations of one actor, other actors of its worker run", () =>
    between(({ other }) => other.echo({ n: 1 })))

  it.live("C2: between two computations, concurrent calls run", () => between(({ stage }) => stage.log()))
}, { except: ["memory"], reason: "a blocked actor in memory blocks its caller" })
