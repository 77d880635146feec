/**
 * This library, as used by a program: schemas on every call, declared errors, default options.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as ActorMetrics from "../../src/ActorMetrics.ts"
import { ActorPool, ActorSystem, SharedBuffer, Supervision } from "../../src/index.ts"
import { NodeActorSystem } from "../../src/node/index.ts"
import { crowd, crowded, idle, late, mixed, resident, speedUp, warmUps } from "../gauges.ts"
import { checkBounced, checkSum, expectedSum, kept, purchase, refused, sumOf } from "../payloads.ts"
import { acquire, effects, type Subject, type Tools, type Work, worker } from "../subject.ts"
import { heapUsed } from "../workers/heap.ts"
import { Adding, Bench, type Elsewhere, RelayedAdding, Wide } from "../workers/protocol.ts"
import { Small } from "../workers/small-actor.ts"
import behaviours from "../workers/uactor.ts"

const threads = NodeActorSystem.layerThreads({ module: worker("uactor") })
const sharedThreads = (workers: number) => NodeActorSystem.layerThreads({ module: worker("uactor"), workers })
// starting hundreds of threads together takes long
const smallThreads = NodeActorSystem.layerThreads({ module: worker("small-actor"), spawnTimeout: "10 minutes" })

const calls = async (system: Layer.Layer<ActorSystem>, spawn = Bench.spawn()): Promise<Work> => {
  const { close, value: actor } = await acquire(system, spawn)
  return effects((n) => actor.add({ n }), close)
}

// a system whose metrics are read as an exporter reads them
const observed = (system: Layer.Layer<ActorSystem>, durations: boolean): Layer.Layer<ActorSystem> => {
  const reading = Effect.forever(Effect.andThen(Metric.snapshot, Effect.sleep("5 seconds")))
  const exporter = Layer.effectDiscard(Effect.forkScoped(reading))
  return Layer.provideMerge(system, Layer.merge(ActorMetrics.layer({ durations }), exporter))
}

// runs calls inside one actor, to another actor or to an object of another actor
const between = async (
  adding: Effect.Effect<typeof Elsewhere.Type, unknown, ActorSystem | Scope.Scope>
): Promise<Work> => {
  const { close, value: use } = await acquire(
    threads,
    Effect.gen(function*() {
      const [adder, user] = [yield* adding, yield* Bench.spawn()]
      return (n: number) => user.use({ adder, n })
    })
  )
  return {
    close,
    run: async (n) => {
      const made = await Effect.runPromise(use(n))
      if (made !== n) throw new Error(`${n} calls came to ${made}`)
    }
  }
}

// computes in this thread, 2 ms in each turn of the event loop, until the work is done
const busily = (work: Promise<unknown>): Promise<unknown> => {
  const compute = (): void => {
    for (const end = performance.now() + 2; performance.now() < end;);
    next = setImmediate(compute)
  }
  let next = setImmediate(compute)
  return work.finally(() => clearImmediate(next))
}

// runs 64 concurrent calls between two actors while this thread computes
const betweenBusily = async (
  adding: Effect.Effect<typeof Elsewhere.Type, unknown, ActorSystem | Scope.Scope>
): Promise<Work> => {
  const { close, value: use } = await acquire(
    threads,
    Effect.gen(function*() {
      const [adder, user] = [yield* adding, yield* Bench.spawn()]
      return (n: number) => user.useAtOnce({ adder, n, width: 64 })
    })
  )
  return {
    close,
    run: async (n) => {
      await busily(Effect.runPromise(Effect.map(use(n), (sum) => checkSum(n, sum))))
    }
  }
}

const timers = async (tools: Tools, system: Layer.Layer<ActorSystem>) => {
  const { close, value: actor } = await acquire(system, Bench.spawn())
  return late(tools, effects((n) => actor.add({ n }), close), {
    begin: () => Effect.runPromise(actor.watchTimers()),
    end: () => Effect.runPromise(actor.lateness())
  })
}

// starts threads one by one, and ends all of them together
const starter = async (system = smallThreads) => {
  const { close, value: context } = await acquire(system, Effect.context<ActorSystem | Scope.Scope>())
  const start = Effect.flatMap(Small.spawn(), (actor) => actor.add({ n: 1 }))
  return { close, context, start: () => Effect.runPromise(Effect.provide(start, context)) }
}

// the time from a spawn to the answer of the first call
const startOnce = Effect.gen(function*() {
  const start = performance.now()
  const actor = yield* Small.spawn()
  yield* actor.add({ n: 1 })
  return performance.now() - start
})

// sends a megabyte that stays with the sender
const keeping = (send: (bytes: Uint8Array) => Effect.Effect<number, unknown>, close: Work["close"]): Work => {
  const { bytes, check, mark } = kept()
  let i = 0
  const once = Effect.suspend(() => {
    const at = i++
    mark(at)
    return Effect.map(send(bytes), (ends) => check(at, ends))
  })
  return { close, run: (n) => Effect.runPromise(Effect.replicateEffect(once, n, { discard: true })) }
}

const mixedWith = async (strategy: ActorPool.Strategy) => {
  const { close, value: pool } = await acquire(threads, ActorPool.make(Bench, { size: 2, strategy }))
  return mixed({ work: (rounds) => Effect.runPromise(pool.client.work({ rounds })), close })
}

const spawnMany = (n: number) =>
  Effect.forEach(Array.from({ length: n }), () => Bench.spawn(), { concurrency: "unbounded" })

export const subject: Subject = {
  call: () => calls(threads),
  callHalved: async () => {
    const { close, run } = await calls(threads)
    return { close, run: (n, width) => run(n, width / 2) }
  },
  deferred: async () => {
    const { close, value: actor } = await acquire(threads, Bench.spawn())
    return effects((n) => Effect.flatMap(actor.later({ n }), (handle) => handle.await), close)
  },
  pooled: async () => {
    const { close, value: pool } = await acquire(threads, ActorPool.make(Bench, { size: 4, strategy: "round-robin" }))
    return effects((n) => pool.client.add({ n }), close)
  },
  queued: async () => {
    const { close, value: pool } = await acquire(threads, ActorPool.make(Wide, { size: 1 }))
    return effects((n) => pool.client.add({ n }), close)
  },
  mixed: () => mixedWith("first-free"),
  mixedLeastBusy: () => mixedWith("least-busy"),
  proxied: async () => {
    const { close, value: pool } = await acquire(threads, ActorPool.make(Bench, { size: 4, strategy: "round-robin" }))
    return effects((n) => Effect.flatMap(pool.client.limited({ n }), (handle) => handle.await), close)
  },
  late: (tools) => timers(tools, threads),
  lateWithoutSpin: (tools) => timers(tools, NodeActorSystem.layerThreads({ module: worker("uactor"), spin: false })),
  direct: () => between(Effect.flatMap(Bench.spawn(), (owner) => owner.adder())),
  relayed: () => between(Effect.flatMap(Bench.spawn(), (owner) => owner.relayedAdder())),
  reference: () => between(Adding.spawn()),
  relayedReference: () => between(RelayedAdding.spawn()),
  throughput: () => betweenBusily(Adding.spawn()),
  relayedThroughput: () => betweenBusily(RelayedAdding.spawn()),
  process: () => calls(NodeActorSystem.layerProcesses({ module: worker("uactor") })),
  memory: () => calls(ActorSystem.layer(behaviours)),
  memoryMetered: () => calls(observed(ActorSystem.layer(behaviours), false)),
  memoryTimed: () => calls(observed(ActorSystem.layer(behaviours), true)),
  callMetered: () => calls(observed(threads, false)),
  callTimed: () => calls(observed(threads, true)),
  supervised: () => calls(threads, Supervision.supervised(Bench.spawn(), Supervision.make())),

  traced: async () => {
    const { close, value: actor } = await acquire(threads, Bench.spawn())
    return effects((n) => actor.add({ n }), close, undefined, Effect.withSpan("calls"))
  },

  schema: async () => {
    const { close, value: actor } = await acquire(threads, Bench.spawn())
    const buy = (i: number) =>
      actor.buy(purchase(i)).pipe(
        Effect.map(sumOf),
        Effect.catchTag("Refused", ({ id }) => Effect.succeed(id === i ? refused : NaN))
      )
    return effects(buy, close, expectedSum)
  },

  transfer: async () => {
    const { close, value: actor } = await acquire(threads, Bench.spawn())
    let bytes = new Uint8Array(1024 * 1024)
    const bounce = Effect.suspend(() => {
      const sent = bytes
      const first = sent[0]!
      return Effect.map(actor.bounce({ bytes: sent }), (back) => {
        bytes = checkBounced(sent, first, back)
      })
    })
    return { close, run: (n) => Effect.runPromise(Effect.replicateEffect(bounce, n, { discard: true })) }
  },

  shared: async () => {
    const { close, value: { actor, pool } } = await acquire(
      threads,
      Effect.all({ actor: Bench.spawn(), pool: SharedBuffer.makePool({ size: 1024 * 1024, count: 2 }) })
    )
    return keeping(
      (bytes) => Effect.scoped(Effect.flatMap(pool.copy(bytes), (data) => actor.endsShared({ data }))),
      close
    )
  },

  clone: async () => {
    const { close, value: actor } = await acquire(threads, Bench.spawn())
    return keeping((bytes) => actor.ends({ bytes }), close)
  },

  stream: async () => {
    const { close, value: actor } = await acquire(threads, Bench.spawn())
    const sum = (count: number) => Stream.runFold(actor.ints({ count }), () => 0, (sum, n) => sum + n)
    return { close, run: (n) => Effect.runPromise(Effect.map(sum(n), (sum) => checkSum(n, sum))) }
  },

  cpu: async (tools) =>
    speedUp(tools, async (size, rounds, expected) => {
      const { close, value: pool } = await acquire(threads, ActorPool.make(Bench, { size, strategy: "least-busy" }))
      return effects(() => pool.client.work({ rounds: rounds() }), close, expected)
    }),

  start: async () => {
    const { close, context } = await starter()
    return { close, read: () => Effect.runPromise(Effect.provide(Effect.scoped(startOnce), context)) }
  },

  startSpare: async () => {
    const { close, context } = await starter(
      NodeActorSystem.layerThreads({ module: worker("small-actor"), spares: 1 })
    )
    const once = Effect.andThen(Effect.sleep("1 second"), startOnce)
    return { close, read: () => Effect.runPromise(Effect.provide(Effect.scoped(once), context)) }
  },

  resident: async (tools) => {
    const { close, start } = await starter()
    return resident(tools, start, close)
  },

  crowd: async (tools) => crowd(tools, starter),

  crowded: async (tools) => {
    const { close, start } = await starter()
    return crowded(tools, start, close)
  },

  idle: async () => {
    const { close, start } = await starter()
    return idle(start, close)
  },

  spawn: async (tools) => {
    const n = tools.shared.actors
    // these actors keep the threads running
    const { close, value: context } = await acquire(
      sharedThreads(tools.shared.threads),
      Effect.andThen(spawnMany(tools.shared.threads), Effect.context<ActorSystem>())
    )
    const once = Effect.gen(function*() {
      const start = performance.now()
      const actors = yield* spawnMany(n)
      // spawn does not wait for actors without a build step: when the last actor answers, all actors are running
      yield* actors.at(-1)!.add({ n: 1 })
      return (performance.now() - start) * 1000 / n
    })
    const read = () => Effect.runPromise(Effect.provide(Effect.scoped(once), context))
    for (let i = 0; i < warmUps(n); i++) await read()
    tools.pin()
    return { close, read }
  },

  hop: async ({ shared }) => {
    const { close, value: actors } = await acquire(sharedThreads(shared.threads), spawnMany(shared.actors))
    return effects((n) => actors[n % actors.length]!.add({ n }), close)
  },

  bytes: async ({ shared }) => {
    const { close, value: { context, heap } } = await acquire(
      sharedThreads(shared.threads),
      Effect.gen(function*() {
        // actors that start one by one are assigned to the threads in turn
        const first = yield* spawnMany(500)
        const context = yield* Effect.context<ActorSystem | Scope.Scope>()
        const there = Effect.forEach(first.slice(0, shared.threads), (actor) => actor.heap())
        return { context, heap: Effect.map(there, (sizes) => sizes.reduce((sum, n) => sum + n, heapUsed())) }
      })
    )
    const read = Effect.gen(function*() {
      const before = yield* heap
      const actors = yield* spawnMany(shared.actors)
      const after = yield* heap
      // the actors are reachable until here
      return (after - before) / actors.length
    })
    return { close, read: () => Effect.runPromise(Effect.provide(read, context)) }
  }
}
