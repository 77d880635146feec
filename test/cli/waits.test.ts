/** What the command says of calls that wait: `calls`, `why` and `deadlocks`. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { folder, observed } from "../contract/observe/programs/start.ts"
import { jsonOf, rowsOf, run } from "./command.ts"

const open = { UACTOR_OBSERVER: "socket" }

describe("a program with a deadlock", () => {
  it.live("deadlocks and why prove it, with exit code 1", () =>
    Effect.gen(function*() {
      const runtime = yield* folder
      const { ids } = yield* observed(runtime, open, "--deadlocked")
      const walkers = ids.slice(2)
      const deadlocks = yield* Effect.repeat(run(runtime, "deadlocks", "--json"), {
        until: ({ code }) => code === 1,
        schedule: Schedule.spaced(10)
      })
      const [cycle, ...others] = jsonOf(deadlocks.stdout)
      assert.deepStrictEqual([cycle.certainty, others], ["proved", []])
      assert.sameMembers(cycle.calls.map(({ actor }: any) => actor), walkers)
      assert.match(deadlocks.stderr, /deadlock/)
      assert.match((yield* run(runtime, "deadlocks")).stdout, /^proved: Walker-.* none of these two can be answered\n$/)

      const why = yield* run(runtime, "why", walkers[0]!)
      assert.strictEqual(why.code, 1)
      assert.match(why.stdout, /a cycle: none of these two can be answered/)
      const explanation = yield* run(runtime, "why", cycle.calls[0].call, "--json")
      assert.strictEqual(explanation.code, 1)
      assert.strictEqual(jsonOf(explanation.stdout)[0].deadlock, "proved")
      const other = yield* run(runtime, "why", ids[0]!)
      assert.deepStrictEqual([other.code, other.stderr], [0, ""])
      assert.match(other.stdout, new RegExp(`${ids[0]} runs Busy\\.hang`))
      const unknown = yield* run(runtime, "why", "Nobody-1")
      assert.deepStrictEqual([unknown.code, unknown.stdout], [2, ""])
      assert.match(unknown.stderr, /has the id Nobody-1/)
    }))
})

describe("a program with a call in the queue of a pool", () => {
  it.live("calls lists it, and why explains it by its id", () =>
    Effect.gen(function*() {
      const runtime = yield* folder
      yield* observed(runtime, open, "--pooled")
      const { stdout } = yield* Effect.repeat(run(runtime, "calls", "--json"), {
        until: ({ stdout }) => jsonOf(stdout).some(({ pool }) => pool === "Busy"),
        schedule: Schedule.spaced(10)
      })
      const { calls: [call], waiting } = jsonOf(stdout).find(({ pool }) => pool === "Busy")
      assert.deepStrictEqual([waiting, call.method, call.ahead], [1, "Busy.hang", 0])
      assert.include((yield* run(runtime, "calls")).stdout, "1 in the queue of a pool of Busy, with the members Busy-")
      assert.include((yield* run(runtime, "why", call.call)).stdout, "in the queue of the pool, first in line")
    }))
})

describe("a program without a deadlock", () => {
  it.live("calls lists the calls in progress, and deadlocks none", () =>
    Effect.gen(function*() {
      const runtime = yield* folder
      const { ids } = yield* observed(runtime, open)
      const none = yield* run(runtime, "deadlocks")
      assert.deepStrictEqual([none.code, none.stdout], [0, "no calls wait for each other\n"])
      const rows = rowsOf((yield* run(runtime, "calls")).stdout)
      assert.sameDeepMembers(
        rows.map(({ ACTOR, METHOD }) => [ACTOR, METHOD]),
        ids.map((id) => [id, "Busy.hang"])
      )
      const older = yield* Effect.repeat(run(runtime, "calls", "--older", "500ms", "--json"), {
        until: ({ stdout }) => jsonOf(stdout).length === 2,
        schedule: Schedule.spaced(10)
      })
      assert.isTrue(jsonOf(older.stdout).every(({ forMillis }) => forMillis >= 500))
      assert.strictEqual((yield* run(runtime, "calls", "--older", "2h", "--json")).stdout, "")
      const wrong = yield* run(runtime, "calls", "--older", "soon")
      assert.strictEqual(wrong.code, 2)
      assert.match(wrong.stderr, /--older must be a time such as 500ms/)
    }))
})
