/** Actors that call each other along a path, and so wait for each other if the path is a circle. */
import * as Effect from "effect/Effect"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import { Actor, Handle } from "../../../../src/index.ts"

/** One step of a path: which peer to call, after yielding how many times. */
export const step = (peer: number, yields: number): number => peer + 10 * yields

/** Another actor of this kind. */
interface Peer {
  readonly [method: string]: (payload: object) => Effect.Effect<void, unknown>
}

// the schema of the references is that of the definition below
const Peer = Schema.suspend((): Schema.Codec<Peer> => Walker.ref as never)

const path = { path: Schema.Array(Schema.Int) }

export class Walker extends Actor.Service<Walker>()("Walker", {
  protocol: {
    meet: Actor.method({ payload: { peers: Schema.Array(Peer) } }),
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
    /** blocks the thread */
    spin: Actor.method({ payload: { millis: Schema.Number } }),
    never: Actor.method({})
  }
}) {}

export default Walker.toLayer(() =>
  Effect.sync(() => {
    let peers: ReadonlyArray<Peer> = []
    const go = ({ path: [first, ...rest] }: { readonly path: ReadonlyArray<number> }, method = "walk") =>
      first === undefined ? Effect.void : Effect.andThen(
        Effect.replicateEffect(Effect.yieldNow, Math.floor(first / 10), { discard: true }),
        Effect.suspend(() => Effect.orDie(peers[first % 10]![method]!({ path: rest })))
      )
    return Walker.handlers({
      meet: (payload) =>
        Effect.sync(() => {
          peers = payload.peers
        }),
      walk: (payload) => go(payload),
      walkBriefly: (payload) => Effect.ignore(Effect.timeout(go(payload), "1 hour")),
      walkAside: (payload) => Rpc.fork(go(payload, "walkAside")),
      need: ({ permits }) => Effect.orDie(permits.withPermit(Effect.void)),
      holdAndAsk: ({ method, peer, permits }) =>
        Effect.orDie(permits.withPermit(Effect.suspend(() => peers[peer]![method]!({ permits })))),
      semaphore: ({ permits }) => Handle.makeSemaphore(permits),
      spin: ({ millis }) =>
        Effect.sync(() => {
          const end = performance.now() + millis
          while (performance.now() < end);
        }),
      never: () => Effect.never
    })
  })
)
