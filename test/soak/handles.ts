/**
 * `npm run soak:handles -- [--cycles 1000000] [--placement threads|processes|memory]`
 *
 * Handles that are made, handed out, handed on to another worker, used there and let go, over and over: a result in the making, a
 * queue, a permit. At the end the heaps of all three, the program, the owner and the holder, must be what they were after the first
 * tenth.
 */
import { Effect, Layer, Logger, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { parseArgs } from "node:util"
import { isMainThread } from "node:worker_threads"
import * as Actor from "../../src/Actor.ts"
import { ActorSystem } from "../../src/ActorSystem.ts"
import * as Handle from "../../src/Handle.ts"
import * as NodeActorSystem from "../../src/node/NodeActorSystem.ts"

/** The heap of this thread in bytes, after a collection. */
const heapUsed = (): number => {
  globalThis.gc!()
  return process.memoryUsage().heapUsed
}
const heap = Rpc.make("heap", { success: Schema.Int })
const Later = Handle.Deferred({ success: Schema.Int })
const Items = Handle.Queue(Schema.Int)

export class Owner extends Actor.Service<Owner>()("Owner", {
  protocol: [
    heap,
    Rpc.make("later", { success: Later }),
    Rpc.make("items", { success: Items }),
    Rpc.make("permit", { success: Handle.Semaphore })
  ]
}) {}

export class Holder extends Actor.Service<Holder>()("Holder", {
  protocol: [
    heap,
    Rpc.make("use", { payload: { later: Later, items: Items, permit: Handle.Semaphore }, success: Schema.Int })
  ]
}) {}

const OwnerLive = Owner.toLayer(() =>
  Effect.map(Handle.makeSemaphore(1), (permit) =>
    Owner.handlers({
      heap: () => Effect.sync(heapUsed),
      later: () => Handle.fork(Effect.as(Effect.yieldNow, 1)),
      items: () => Handle.makeQueue<number>(),
      permit: () => Effect.succeed(permit)
    }))
)

const HolderLive = Holder.toLayer({
  heap: () => Effect.sync(heapUsed),
  use: ({ items, later, permit }) =>
    Effect.gen(function*() {
      yield* items.offer(yield* later.await)
      return yield* permit.withPermit(items.take)
    }).pipe(
      Effect.ensuring(Effect.forEach([later, items, permit], Handle.release, { discard: true })),
      Effect.orDie
    )
})

const behaviours = Layer.mergeAll(OwnerLive, HolderLive)
export default behaviours

const main = async (): Promise<void> => {
  const { values: flags } = parseArgs({
    options: {
      cycles: { type: "string", default: "1000000" },
      placement: { type: "string", default: "threads" }
    }
  })
  // three handles each
  const cycles = Math.ceil(Number(flags.cycles) / 3)
  const { placement } = flags
  const options = { module: import.meta.url }
  const system = placement === "memory"
    ? ActorSystem.layer(behaviours)
    : placement === "processes"
    ? NodeActorSystem.layerProcesses(options)
    : NodeActorSystem.layerThreads(options)
  const megabyte = 1024 * 1024
  const program = Effect.gen(function*() {
    const owner = yield* Owner.spawn()
    const holder = yield* Holder.spawn()
    const cycle = Effect.scoped(
      Effect.flatMap(
        Effect.all([owner.later(), owner.items(), owner.permit()]),
        ([later, items, permit]) => holder.use({ later, items, permit })
      )
    )
    const heaps = Effect.all([Effect.sync(heapUsed), owner.heap(), holder.heap()])
    const tenth = Math.ceil(cycles / 10)
    const start = performance.now()
    let first: ReadonlyArray<number> = []
    let last: ReadonlyArray<number> = []
    for (let round = 1; round <= 10; round++) {
      yield* Effect.forEach(Array.from({ length: tenth }), () => cycle, { concurrency: 16, discard: true })
      last = yield* heaps
      if (round === 1) first = last
      const shown = last.map((bytes) => (bytes / megabyte).toFixed(1)).join(", ")
      console.log(`${round * tenth * 3} handles: heaps of program, owner, holder: ${shown} MB`)
    }
    const seconds = (performance.now() - start) / 1000
    const growth = Math.max(...last.map((bytes, i) => bytes - first[i]!)) / megabyte
    console.log(
      `${Math.round(tenth * 30 / seconds)} handles a second; the most that a heap has grown: ${growth.toFixed(2)} MB`
    )
    if (growth > 4) {
      console.error("soak: a heap has grown")
      process.exitCode = 1
    }
  })
  await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(system), Effect.provide(Logger.layer([]))))
}

if (isMainThread && process.send === undefined && process.argv[1] === import.meta.filename) await main()
