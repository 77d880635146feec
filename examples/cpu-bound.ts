// A computation spread over the cores of the machine, and its time compared with a single thread.
import { Array, Console, Duration, Effect } from "effect"
import assert from "node:assert"
import { availableParallelism } from "node:os"
import { ActorPool } from "uactor"
import { NodeActorSystem } from "uactor/node"
import { countPrimes, Primes } from "./actors/primes.ts"

const end = 4_000_000
const size = 50_000
const ranges = Array.makeBy(end / size, (i) => ({ from: i * size, to: (i + 1) * size }))

const program = Effect.gen(function*() {
  const cores = availableParallelism()
  const pool = yield* ActorPool.make(Primes, { size: cores, strategy: "least-busy" })
  const [alone, one] = yield* Effect.timed(Effect.sync(() => countPrimes(0, end)))
  const [spread, counts] = yield* Effect.timed(
    Effect.forEach(ranges, (range) => pool.client.count(range), { concurrency: cores * 2 })
  )
  const all = counts.reduce((a, b) => a + b, 0)
  assert.strictEqual(all, one)
  yield* Console.log(
    `${one} primes below ${end}: ${Math.round(Duration.toMillis(alone))} ms on one thread, ` +
      `${Math.round(Duration.toMillis(spread))} ms on ${cores}`
  )
})

await program.pipe(
  Effect.scoped,
  Effect.provide(NodeActorSystem.layerThreads({ module: new URL("./actors/primes.ts", import.meta.url) })),
  Effect.runPromise
)
