import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Schedule } from "effect"
import { ActorExited } from "../../../../src/ActorError.ts"
import { errorOf, upTo } from "../../support/asserts.ts"
import { count, make, postgres, quiet, timeout } from "../../support/clusterProcesses.ts"
import * as Journal from "../../support/journal.ts"

const runsTwice = (journal: Journal.Journal, line: string) =>
  Effect.repeat(count(journal, line), { until: (runs) => runs === 2, schedule: Schedule.spaced("50 millis") })

it.live(
  "K8: a runner that is frozen for longer than its locks is replaced, and a persisted call has one result",
  () =>
    Effect.gen(function*() {
      const { account, idsOf, journal, runners: [one, two] } = yield* make(postgres, 2)
      yield* idsOf(one!)
      const owners = yield* Effect.forEach(upTo(24), (n) => account(String(n)).who())
      const id = owners.find((owner) => owner.endsWith(`@${one!.port}`))!.split("@")[0]!
      const pay = account(id).pay({ tx: "t1", waits: true })
      const call = yield* Effect.forkChild(pay)
      yield* journal.awaitLine("t1 runs")
      yield* one!.freeze
      yield* runsTwice(journal, "t1 runs")
      yield* journal.note("go")
      assert.strictEqual(yield* Fiber.join(call), `t1@${id}@${two!.port}`)
      yield* one!.thaw
      // the actor of the frozen runner continues for a moment, beside its successor: its result is not stored
      yield* runsTwice(journal, "t1 has run")
      assert.strictEqual(yield* pay, `t1@${id}@${two!.port}`)
      assert.strictEqual(yield* count(journal, "t1 runs"), 2)
      assert.strictEqual(one!.child.exitCode, null)
    }).pipe(Effect.scoped, quiet),
  timeout
)

it.live(
  "K8: while the database restarts calls wait; persisted calls are answered, and volatile calls do not run twice",
  () =>
    Effect.gen(function*() {
      const { bank, crashDatabase, idsOf, journal, runners } = yield* make(postgres, 2)
      yield* idsOf(runners[0]!)
      let done = 0
      const workOf = (kind: "volatile" | "persisted") =>
        Effect.forEach(upTo(150), (n) =>
          Effect.map(Effect.exit(bank(String(n % 12))[kind]({ tx: String(n), amount: 1, pause: 10 })), (exit) => {
            done++
            return exit
          }), { concurrency: 8 })
      const work = yield* Effect.forkChild(
        Effect.all({ volatile: workOf("volatile"), persisted: workOf("persisted") }, { concurrency: 2 })
      )
      yield* Journal.until("100 calls are done", () =>
        done >= 100)
      yield* crashDatabase(2_000)
      const { persisted, volatile } = yield* Fiber.join(work)
      assert.deepStrictEqual(
        persisted,
        upTo(150).map((n) =>
          Exit.succeed(String(n))
        )
      )
      for (const [i, exit] of volatile.entries()) {
        const runs = yield* count(journal, `volatile ${i + 1}`)
        if (Exit.isSuccess(exit)) assert.deepStrictEqual([exit.value, runs], [String(i + 1), 1])
        else {
          const error = errorOf(exit)
          assert.instanceOf(error, ActorExited)
          assert.isAtMost(runs, error.outcome === "NotRun" ? 0 : 1, error.message)
        }
      }
      for (const { child } of runners) assert.strictEqual(child.exitCode, null)
    }).pipe(Effect.scoped, quiet),
  timeout
)
