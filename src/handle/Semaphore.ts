/**
 * Permits and locks that stay in the actor. Each holder's permits are counted, and
 * come back when the holder lets go of its handle or dies (H5).
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Semaphores from "effect/Semaphore"
import type { HandleError } from "../ActorError.ts"
import { Undo } from "../internal/codec.ts"
import * as Objects from "../internal/objects.ts"
import type { AnyHandle } from "./AnyHandle.ts"

/**
 * A handle of a semaphore (uActor: the proxies of `Semaphore` and `BoundedSemaphore`; one of a single permit is that of `Lock`).
 *
 * @category models
 * @since 0.1.0
 */
export interface SemaphoreHandle extends AnyHandle {
  /** runs an effect while holding permits, which come back however it ends */
  readonly withPermits: (
    permits: number
  ) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | HandleError, R>
  readonly withPermit: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | HandleError, R>
  /** `Option.none` without running the effect if there are not enough permits now */
  readonly withPermitsIfAvailable: (
    permits: number
  ) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<Option.Option<A>, E | HandleError, R>
  /** how many were taken, once there are enough */
  readonly take: (permits: number) => Effect.Effect<number, HandleError>
  /** holds permits until the scope closes */
  readonly takeScoped: (permits: number) => Effect.Effect<void, HandleError, Scope.Scope>
  readonly takeIfAvailable: (permits: number) => Effect.Effect<boolean, HandleError>
  /** how many are available then */
  readonly release: (permits: number) => Effect.Effect<number, HandleError>
}

interface Methods {
  readonly take: (payload: { readonly permits: number }) => Effect.Effect<number, HandleError>
  readonly takeIfAvailable: (payload: { readonly permits: number }) => Effect.Effect<number, HandleError>
  readonly release: (payload: { readonly value: number }) => Effect.Effect<number, HandleError>
}

// a permit of a holder that is gone has come back already
const giveBack = (client: Methods, permits: number): Effect.Effect<void> =>
  Effect.ignore(client.release({ value: permits }))

const shape = (client: Methods): Omit<SemaphoreHandle, keyof AnyHandle> => {
  const withPermits: SemaphoreHandle["withPermits"] = (permits) => (effect) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(
        restore(client.take({ permits })),
        () => Effect.ensuring(restore(effect), giveBack(client, permits))
      )
    )
  return {
    withPermits,
    withPermit: withPermits(1),
    withPermitsIfAvailable: (permits) => (effect) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(restore(client.takeIfAvailable({ permits })), (taken) =>
          taken < permits
            ? Effect.succeedNone
            : Effect.ensuring(Effect.asSome(restore(effect)), giveBack(client, permits)))
      ),
    take: (permits) => client.take({ permits }),
    takeScoped: (permits) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(
          restore(client.take({ permits })),
          () => Effect.addFinalizer(() => giveBack(client, permits))
        )
      ),
    takeIfAvailable: (permits) => Effect.map(client.takeIfAvailable({ permits }), (taken) => taken >= permits),
    release: (permits) => client.release({ value: permits })
  }
}

const kind: Objects.Kind<Methods, SemaphoreHandle> = {
  kind: "Semaphore",
  shape: (client) => shape(client) as SemaphoreHandle
}

const Permits = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

const protocol = RpcGroup.make(
  Rpc.make("take", { payload: { permits: Permits }, success: Permits }).annotate(Undo, "release"),
  Rpc.make("takeIfAvailable", { payload: { permits: Permits }, success: Permits }).annotate(Undo, "release"),
  Rpc.make("release", { payload: { value: Permits }, success: Schema.Int })
)

interface Share {
  held: number
}

// what each holder has taken, so that what comes back comes back once
const open = (semaphore: Semaphores.Semaphore): (holder: Scope.Scope) => Methods => {
  const shares = new Set<Share>()
  const give = (from: Share, permits: number): number => {
    const given = Math.min(from.held, permits)
    from.held -= given
    return permits - given
  }
  return (holder) => {
    const share: Share = { held: 0 }
    shares.add(share)
    Effect.runSync(Scope.addFinalizer(
      holder,
      Effect.suspend(() => {
        shares.delete(share)
        return semaphore.release(share.held)
      })
    ))
    return {
      take: ({ permits }) =>
        Effect.uninterruptibleMask((restore) =>
          Effect.map(restore(semaphore.take(permits)), () => {
            share.held += permits
            return permits
          })
        ),
      takeIfAvailable: ({ permits }) =>
        Effect.map(semaphore.takeIfAvailable(permits), (isTaken) => {
          if (!isTaken) return 0
          share.held += permits
          return permits
        }),
      release: ({ value }) =>
        Effect.suspend(() => {
          // whoever releases more than it has taken releases what others hold, the first of them first
          let rest = give(share, value)
          for (const other of shares) rest = give(other, rest)
          return semaphore.release(value)
        })
    }
  }
}

/**
 * The schema for handles of semaphores.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Semaphore: Schema.declare<SemaphoreHandle> = Objects.schema(kind, protocol)

/**
 * Hands out an Effect `Semaphore` as a handle.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromSemaphore = (semaphore: Semaphores.Semaphore): SemaphoreHandle => Objects.make(kind, open(semaphore))

/**
 * Makes a semaphore and its handle.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeSemaphore = (permits: number): Effect.Effect<SemaphoreHandle> =>
  Effect.map(Semaphores.make(permits), fromSemaphore)

/**
 * A handle of a reentrant lock (uActor: the proxy of `RLock`): inside `withLock`, another `withLock` of the same handle does not
 * wait for itself, in the same fiber and in those it starts. The lock is free again when all of them are out of it.
 *
 * @category models
 * @since 0.1.0
 */
export interface LockHandle extends AnyHandle {
  readonly withLock: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | HandleError, R>
}

/** How many are inside a lock; 0 once it has been given back. */
interface Holding {
  count: number
}

const Held: Context.Reference<ReadonlyMap<object, Holding>> = Context.Reference<ReadonlyMap<object, Holding>>(
  "uactor/HeldLocks",
  { defaultValue: () => new Map() }
)

const lockKind: Objects.Kind<Methods, LockHandle> = {
  kind: "Lock",
  shape: (client) => {
    const leave = (holding: Holding): Effect.Effect<void> =>
      Effect.suspend(() => --holding.count === 0 ? giveBack(client, 1) : Effect.void)
    return {
      withLock: <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        Effect.uninterruptibleMask((restore) =>
          Effect.flatMap(Held, (held) => {
            const outer = held.get(client)
            // a fiber may outlive the lock in which it was started
            if (outer !== undefined && outer.count > 0) {
              outer.count++
              return Effect.ensuring(restore(effect), leave(outer))
            }
            return Effect.flatMap(restore(client.take({ permits: 1 })), () => {
              const holding = { count: 1 }
              const inside = Effect.provideService(effect, Held, new Map(held).set(client, holding))
              return Effect.ensuring(restore(inside), leave(holding))
            })
          })
        )
    } as LockHandle
  }
}

/**
 * The schema for handles of locks.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Lock: Schema.declare<LockHandle> = Objects.schema(lockKind, protocol)

/**
 * Makes a lock and its handle.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeLock: Effect.Effect<LockHandle> = Effect.map(
  Semaphores.make(1),
  (semaphore) => Objects.make(lockKind, open(semaphore))
)
