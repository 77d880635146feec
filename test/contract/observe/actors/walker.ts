/** Actors that call each other along a path, and so wait for each other if the path is a circle. */
import * as Effect from "effect/Effect"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import { Actor, Handle } from "../../../../src/index.ts"
import * as NodeActorSystem from "../../../../src/node/NodeActorSystem.ts"

/** One step of a path: which peer to call, after yielding how many times, and inside which lock, from 1 on; 0: none. */
export const step = (peer: number, yields: number, lock = 0): number => peer + 10 * yields + 1_000 * lock

/** Another actor of this kind. */
interface Peer {
  readonly [method: string]: (payload: object) => Effect.Effect<void, unknown>
}

// the schema of the references is that of the definition below
const Peer = Schema.suspend((): Schema.Codec<Peer> => Walker.ref as never)

const Items = Handle.Queue(Schema.Int)

const path = { path: Schema.Array(Schema.Int) }

export class Walker extends Actor.Service<Walker>()("Walker", {
  protocol: {
    meet: Actor.method({ payload: { peers: Schema.Array(Peer) } }),
    /** the locks of the steps */
    share: Actor.method({ payload: { locks: Schema.Array(Handle.Lock) } }),
    /** calls the first peer of the path with the rest of it */
    walk: Actor.method({ payload: path }),
    /** the same, with a timeout of the call in the handler */
    walkBriefly: Actor.method({ payload: path }),
    /** the same, outside of the concurrency */
    walkAside: Actor.method({ payload: path }),
    /** waits for a permit */
    need: Actor.method({ payload: { permits: Handle.Semaphore } }),
    /** calls the method of a peer with the semaphore, while it holds a permit */
    holdAndAsk: Actor.method({ payload: { peer: Schema.Int, method: Schema.String, permits: Handle.Semaphore } }),
    /** a semaphore of this actor */
    semaphore: Actor.method({ payload: { permits: Schema.Int }, success: Handle.Semaphore }),
    /** a lock of this actor */
    lock: Actor.method({ success: Handle.Lock }),
    /** takes a second lock inside a first one, when the others have their first one */
    nest: Actor.method({ payload: { outer: Handle.Lock, inner: Handle.Lock, meeting: Handle.Barrier } }),
    /** takes an item */
    take: Actor.method({ payload: { queue: Items } }),
    /** offers items until the queue is full */
    flood: Actor.method({ payload: { queue: Items } }),
    /** a queue of this actor with room for one item */
    queue: Actor.method({ success: Items }),
    /** holds a queue, a latch and a barrier */
    hold: Actor.method({
      payload: { held: Schema.Array(Schema.Union([Items, Handle.Latch, Handle.Barrier])) }
    }),
    pass: Actor.method({ payload: { latch: Handle.Latch } }),
    arrive: Actor.method({ payload: { barrier: Handle.Barrier } }),
    /** starts a walker in a worker of this worker, which calls this actor */
    delegate: Actor.method({}),
    /** blocks the thread */
    spin: Actor.method({ payload: { millis: Schema.Number } }),
    never: Actor.method({})
  }
}) {}

export default Walker.toLayer(() =>
  Effect.sync(() => {
    let peers: ReadonlyArray<Peer> = []
    let locks: ReadonlyArray<Handle.LockHandle> = []
    const go = ({ path: [first, ...rest] }: { readonly path: ReadonlyArray<number> }, method = "walk") => {
      if (first === undefined) return Effect.void
      const call = Effect.andThen(
        Effect.replicateEffect(Effect.yieldNow, Math.floor(first / 10) % 100, { discard: true }),
        Effect.suspend(() => Effect.orDie(peers[first % 10]![method]!({ path: rest })))
      )
      const lock = locks[Math.floor(first / 1_000) - 1]
      return lock === undefined ? call : Effect.orDie(lock.withLock(call))
    }
    return Walker.handlers({
      meet: (payload) =>
        Effect.sync(() => {
          peers = payload.peers
        }),
      share: (payload) =>
        Effect.sync(() => {
          locks = payload.locks
        }),
      walk: (payload) => go(payload),
      walkBriefly: (payload) => Effect.ignore(Effect.timeout(go(payload), "1 hour")),
      walkAside: (payload) => Rpc.fork(go(payload, "walkAside")),
      need: ({ permits }) => Effect.orDie(permits.withPermit(Effect.void)),
      holdAndAsk: ({ method, peer, permits }) =>
        Effect.orDie(permits.withPermit(Effect.suspend(() => peers[peer]![method]!({ permits })))),
      semaphore: ({ permits }) => Handle.makeSemaphore(permits),
      lock: () => Handle.makeLock,
      nest: ({ inner, meeting, outer }) =>
        Effect.orDie(outer.withLock(Effect.andThen(meeting.await, inner.withLock(Effect.void)))),
      take: ({ queue }) => Effect.orDie(Effect.asVoid(queue.take)),
      flood: ({ queue }) => Effect.orDie(Effect.forever(queue.offer(0))),
      queue: () => Handle.makeQueue<number>({ capacity: 1 }),
      hold: () => Effect.void,
      pass: ({ latch }) => Effect.orDie(latch.await),
      arrive: ({ barrier }) => Effect.orDie(Effect.asVoid(barrier.await)),
      delegate: () =>
        Effect.gen(function*() {
          const { ref } = yield* Actor.self(Walker)
          const walker = yield* Walker.spawn()
          yield* walker.meet({ peers: [ref] })
          yield* walker.walk({ path: [0] })
        }).pipe(
          Effect.scoped,
          Effect.provide(NodeActorSystem.layerThreads({ module: new URL(import.meta.url) })),
          Effect.orDie
        ),
      spin: ({ millis }) =>
        Effect.sync(() => {
          const end = performance.now() + millis
          while (performance.now() < end);
        }),
      never: () => Effect.never
    })
  })
)
