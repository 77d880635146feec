import { assert, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Logger, Option, Schedule } from "effect"
import { type ActorError, ActorExited } from "../../../src/ActorError.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { assertExited, errorOf, exitedOf, forked, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { inMemory, Middleman, Payer } from "./actors/outcomes.ts"

const fixture = { module: new URL("./actors/outcomes.ts", import.meta.url), behaviours }

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

const times = (lines: ReadonlyArray<string>, line: string): number => lines.filter((other) => other === line).length

/** Whether a call has ended with its actor. */
const hasExited = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) && Option.exists(Cause.findErrorOption(exit.cause), (error) => error instanceof ActorExited)

/** Asserts that it is not said of a call that it has not run. */
const assertNotDenied = (exit: Exit.Exit<unknown, ActorError>): void => {
  if (Exit.isSuccess(exit)) return
  const { message, outcome } = errorOf(exit)
  assert.strictEqual(outcome, "Unknown", message)
}

onEveryPlacement(fixture, (placement) => {
  // the handler that blocks the worker begins in the same turn, so that what has been answered before it has not left
  const refused = [
    { method: "payOddly", block: "blockFirmly" },
    { method: "payTwice", block: "block" }
  ] as const
  for (const { block, method } of refused) {
    it.live(`C1: a call of ${method} whose result is rejected may have run if its worker is killed before the rejection arrives`, () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const payer = yield* Payer.spawn({ journal: journal.path })
        // the turn ends behind what is slow
        const warm = [payer.pay({ line: "warm" }), payer[method]({ line: "warm" })]
        for (let i = 0; i < 100; i++) yield* Effect.forEach(warm, Effect.exit, { concurrency: "unbounded" })
        inMemory.kill = placement.isMemory ? () => void Effect.runFork(ActorRef.kill(payer)) : undefined
        const before = yield* forked(payer.pay({ line: "before" }))
        const call = yield* forked(payer[method]({ line: "paid" }))
        const blocked = yield* forked(payer[block]({ line: "blocked" }))
        yield* journal.awaitLine("blocked")
        if (!placement.isMemory) yield* ActorRef.kill(payer)
        assertNotDenied(yield* Fiber.await(before))
        assertNotDenied(yield* Fiber.await(call))
        assertExited(yield* Fiber.await(blocked), "Killed", "Unknown")
        assert.deepStrictEqual((yield* journal.lines).slice(200), ["before", "paid", "blocked"])
      }).pipe(Effect.provide(placement.layer()), quiet))
  }

  it.live(
    "F3: a call whose result is rejected does not run again if its worker is killed before the rejection arrives",
    () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const restarting = Supervision.make({ schedule: Schedule.spaced(1) })
        const payer = yield* Supervision.supervised(Payer.spawn({ journal: journal.path }), restarting)
        let rounds = 0
        const round = Effect.gen(function*() {
          rounds++
          yield* Effect.forEach(upTo(200), () => Effect.exit(payer.payOddly({ line: "warm" })), { discard: true })
          const call = yield* forked(payer.payOddly({ line: "paid" }))
          const block = yield* forked(payer.blockFirmly({ line: "blocked" }))
          // it does not answer the heartbeat
          assertExited(yield* Fiber.await(block), "Unresponsive", "Unknown")
          return yield* Fiber.await(call)
        })
        // a worker that needs half a millisecond for the first call sends the rejection before it runs the second one
        const exit = yield* Effect.repeat(round, { times: 9, until: hasExited })
        assertExited(exit, "Unresponsive", "Unknown")
        yield* payer.pay({ line: "alive" })
        const warm = upTo(200).map(() => "warm")
        const expected = upTo(rounds).flatMap(() => warm.concat("paid", "blocked"))
        assert.deepStrictEqual(yield* journal.lines, [...expected, "alive"])
      }).pipe(Effect.provide(placement.layer({ heartbeat: "1 second" })), quiet),
    { skip: placement.isMemory }
  )

  it.live(
    "C1: a tell forwarded by the worker of an actor counts as started when that worker ends",
    () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const middleman = yield* Middleman.spawn({ journal: journal.path })
        const payer = yield* middleman.payer()
        yield* payer.pay({ line: "warm" }, { discard: true })
        const tell = yield* forked(payer.exit({ line: "told" }, { discard: true }))
        const ping = yield* forked(middleman.ping())
        yield* Fiber.await(ping)
        const exit = yield* Fiber.await(tell)
        // the tell may have been accepted and not have started
        yield* journal.awaitLine("told")
        assert.strictEqual(times(yield* journal.lines, "told"), 1)
        assertNotDenied(exit)
      }).pipe(Effect.provide(placement.layer()), quiet),
    { skip: placement.isMemory }
  )

  it.live("C1: when one turn forwards more tells than can be noted, no started tell is NotRun", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const middleman = yield* Middleman.spawn({ journal: journal.path })
      const payer = yield* middleman.payer()
      yield* payer.pay({ line: "warm" }, { discard: true })
      const tells = yield* Effect.forEach(
        upTo(2_000),
        (n) => forked(payer.pay({ line: String(n) }, { discard: true }))
      )
      yield* journal.awaitLine("1")
      yield* ActorRef.kill(middleman)
      const exits = yield* Effect.forEach(tells, Fiber.await)
      const lines = yield* journal.lines
      const lies = exits.flatMap((exit, i) =>
        Exit.isFailure(exit) && exitedOf(exit).outcome === "NotRun" && lines.includes(String(i + 1)) ? [i + 1] : []
      )
      assert.deepStrictEqual(lies, [])
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live(
    "C1: a call that closes the public channel of its worker is answered, and runs once",
    () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const restarting = Supervision.make({ schedule: Schedule.spaced(1) })
        const payer = yield* Supervision.supervised(Payer.spawn({ journal: journal.path }), restarting)
        const call = yield* forked(payer.hangUp({ line: "paid" }))
        const behind = yield* Effect.forEach(upTo(10), (n) => forked(payer.pay({ line: String(n) })))
        yield* Fiber.join(call)
        yield* Effect.forEach(behind, Fiber.join)
        assert.deepStrictEqual(yield* journal.lines, ["paid", ...upTo(10).map(String)])
      }).pipe(Effect.provide(placement.layer()), quiet),
    { skip: placement.isMemory }
  )
})
