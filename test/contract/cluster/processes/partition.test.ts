import { assert, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import * as net from "node:net"
import { ActorExited } from "../../../../src/ActorError.ts"
import * as Namespaces from "../../../../tools/namespaces.ts"
import { errorOf, upTo } from "../../support/asserts.ts"
import { make, postgresAt, quiet, timeout } from "../../support/clusterProcesses.ts"
import * as Journal from "../../support/journal.ts"

const calls = 300

/** Whether a connection opens within a second. */
const isReached = (host: string, port: string): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const socket = net.connect({ host, port: Number(port), timeout: 1_000 })
    const end = (isOpen: boolean) => (): void => {
      socket.destroy()
      resume(Effect.succeed(isOpen))
    }
    socket.on("connect", end(true)).on("timeout", end(false)).on("error", end(false))
  })

/** Three runners, each in a network namespace, with a database and a client in the namespace of this process. */
const makeNetwork = Effect.acquireRelease(
  Effect.sync(() => Namespaces.make(3)),
  (network) => Effect.sync(network.remove)
)

// the test is skipped only where the machine has no network namespaces for this process; its name has the reason
const refusal = Namespaces.refusal()

it.live.skipIf(refusal !== undefined)(
  `K8: while a runner is cut off for 10 seconds no volatile call runs twice, and all persisted calls are answered${
    refusal === undefined ? "" : ` (not tested: ${refusal})`
  }`,
  () =>
    Effect.gen(function*() {
      const network = yield* makeNetwork
      const { bank, idsOf, journal, runners } = yield* make(postgresAt(network.address), 3, network.hosts)
      yield* idsOf(runners[0]!)
      const reached = isReached(network.hosts[0]!.address, runners[0]!.port)
      let done = 0
      const workOf = (kind: "volatile" | "persisted") =>
        Effect.forEach(upTo(calls), (n) =>
          Effect.map(Effect.exit(bank(String(n % 12))[kind]({ tx: String(n), amount: 1, pause: 20 })), (exit) => {
            done++
            return exit
          }), { concurrency: 8 })
      const partition = Effect.gen(function*() {
        yield* Journal.until("a fifth is done", () =>
          done >= calls * 2 / 5, timeout)
        yield* Effect.sync(network.hosts[0]!.cut)
        assert.isFalse(yield* reached)
        yield* Effect.sleep("10 seconds")
        yield* Effect.sync(network.hosts[0]!.restore)
        yield* Effect.repeat(reached, {
          until: (isOpen) =>
            isOpen
        })
      })
      const [volatile, persisted] = yield* Effect.all([workOf("volatile"), workOf("persisted"), partition], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(
        persisted,
        upTo(calls).map((n) =>
          Exit.succeed(String(n))
        )
      )
      const lines = yield* journal.lines
      volatile.forEach((exit, i) => {
        const runs = lines.filter((line) => line === `volatile ${i + 1}`).length
        if (Exit.isSuccess(exit)) return assert.deepStrictEqual([exit.value, runs], [String(i + 1), 1])
        const error = errorOf(exit)
        assert.instanceOf(error, ActorExited)
        assert.isAtMost(runs, error.outcome === "NotRun" ? 0 : 1, error.message)
      })
      // the runner serves again, and has not ended
      yield* idsOf(runners[0]!)
      for (const { child } of runners) assert.strictEqual(child.exitCode, null)
    }).pipe(Effect.scoped, quiet),
  timeout
)
