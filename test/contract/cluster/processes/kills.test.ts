import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { ActorExited } from "../../../../src/ActorError.ts"
import { errorOf, upTo } from "../../support/asserts.ts"
import { make, postgres, quiet, type Runner, timeout } from "../../support/clusterProcesses.ts"

it.live("K2: ten runners are killed under calls of every age, and no call runs twice", () =>
  Effect.gen(function*() {
    const { bank, idsOf, journal, run, runners } = yield* make(postgres, 2)
    yield* idsOf(runners[0]!)
    const queue: Array<Runner> = [...runners]
    const exits = new Map<string, Exit.Exit<string, unknown>>()
    for (const kill of upTo(10)) {
      // a call begins every 12 ms, and the kill comes 0 to 300 ms after the first
      const load = yield* Effect.forkChild(Effect.forEach(upTo(24), (n) => {
        const tx = `${kill}.${n}`
        const call = Effect.exit(bank(String(n)).volatile({ tx, amount: 1, pause: 30 }))
        return Effect.map(Effect.delay(call, n * 12), (exit) => void exits.set(tx, exit))
      }, { concurrency: "unbounded", discard: true }))
      yield* Effect.sleep((kill - 1) * 33)
      yield* queue.shift()!.end("SIGKILL")
      queue.push(yield* run)
      yield* Fiber.join(load)
    }
    const lines = yield* journal.lines
    assert.strictEqual(exits.size, 240)
    for (const [tx, exit] of exits) {
      const runs = lines.filter((line) => line === `volatile ${tx}`).length
      if (Exit.isSuccess(exit)) assert.deepStrictEqual([exit.value, runs], [tx, 1])
      else {
        const error = errorOf(exit)
        assert.instanceOf(error, ActorExited)
        assert.isAtMost(runs, error.outcome === "NotRun" ? 0 : 1, error.message)
      }
    }
  }).pipe(Effect.scoped, quiet), timeout)
