/**
 * A reentrant lock that stays in the actor. A holder that releases its handle or dies releases the lock.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { HandleError } from "../ActorError.ts"
import { Undo } from "../internal/codec/methods.ts"
import { type Restore, takePermits } from "../internal/effect/takePermits.ts"
import * as Awaiting from "../internal/remote/awaiting.ts"
import * as HandleSchema from "../internal/remote/handleSchema.ts"
import * as Permits from "../internal/remote/permits.ts"
import type { AnyHandle } from "./AnyHandle.ts"

/**
 * A handle of a reentrant lock. In uActor: the proxy of `RLock`.
 *
 * A fiber that holds the lock acquires it again without waiting, also through another handle of the same lock. The fibers that it
 * starts inside `withLock` do so, too, as long as the lock is held. The lock is free when each of them has left `withLock`.
 *
 * @category models
 * @since 0.1.0
 */
export interface LockHandle extends AnyHandle {
  /** Waits for the lock, runs an effect while holding it, and releases it however the effect ends. */
  readonly withLock: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | HandleError, R>
}

/** A lock that a fiber holds. */
interface HeldLock {
  /** identifies this ownership of the lock; reentrant acquisitions share it */
  readonly token: string
  /** how many times this handle holds the lock; 0 after its release */
  count: number
}

const HeldLocks: Context.Reference<ReadonlyMap<object, HeldLock>> = Context.Reference<ReadonlyMap<object, HeldLock>>(
  "uactor/HeldLocks",
  { defaultValue: () => new Map() }
)

/** A request for the lock. */
interface Acquire {
  /** the token if this is the first acquisition */
  readonly token: string
  /** the tokens of all locks that the fiber holds: with the token of this lock, the acquisition is reentrant */
  readonly held: ReadonlyArray<string>
}

interface Methods {
  readonly take: (payload: Acquire) => Effect.Effect<string, HandleError>
  readonly release: (payload: { readonly value: string }) => Effect.Effect<void, HandleError>
}

/** Acquires the lock inside an uninterruptible region. Only the wait for the lock is interruptible, where `restore` allows it. */
type AcquireLock = (payload: Acquire, restore: Restore) => Effect.Effect<string, HandleError>

/** The methods in the actor that owns the lock. */
interface OwnMethods extends Methods {
  readonly acquire: AcquireLock
}

const shape = (
  client: Methods,
  object: object,
  acquire: AcquireLock = (payload, restore) => restore(client.take(payload))
): LockHandle => {
  // the owner has released the lock already if the handle is gone
  const release = (lock: HeldLock): Effect.Effect<void> =>
    Effect.suspend(() => --lock.count === 0 ? Effect.ignore(client.release({ value: lock.token })) : Effect.void)
  return {
    withLock: <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(HeldLocks, (heldLocks) => {
          const inside = (effect: Effect.Effect<A, E, R>, lock: HeldLock): Effect.Effect<A, E, R> => {
            const leave = Permits.enter(object, 1)
            return Effect.ensuring(
              restore(effect),
              Effect.suspend(() => {
                leave()
                return release(lock)
              })
            )
          }
          const outer = heldLocks.get(client)
          // a fiber may outlive the `withLock` in which it started
          if (outer !== undefined && outer.count > 0) {
            outer.count++
            return inside(effect, outer)
          }
          // the fiber may hold the same lock through another handle
          const held = Array.from(heldLocks.values(), ({ token }) => token)
          return Effect.flatMap(acquire({ token: crypto.randomUUID(), held }, restore), (token) => {
            const lock = { token, count: 1 }
            return inside(Effect.provideService(effect, HeldLocks, new Map(heldLocks).set(client, lock)), lock)
          })
        })
      )
  } as LockHandle
}

const kind: HandleSchema.HandleKind<Methods, LockHandle> = {
  kind: "Lock",
  shape: (client, object) => shape(client, object),
  waits: (method) => method === "take" ? "the lock" : undefined
}

const ownKind: HandleSchema.HandleKind<OwnMethods, LockHandle> = {
  ...kind,
  shape: (own, object) =>
    shape(own, object, (payload, restore) => own.acquire(payload, Awaiting.restoring(object, "take", restore)))
}

const protocol = RpcGroup.make(
  Rpc.make("take", {
    payload: { token: Schema.String, held: Schema.Array(Schema.String) },
    success: Schema.String
  }).annotate(Undo, "release"),
  Rpc.make("release", { payload: { value: Schema.String } })
)

/** How many times a holder holds the lock, under the last token that it acquired. */
interface Hold {
  readonly holder: Scope.Scope
  token: string
  count: number
}

// the token of the current owner, and how many times the lock is held under it
const open = (semaphore: Semaphore.Semaphore): (holder: Scope.Scope) => OwnMethods => {
  let owner: { readonly token: string; count: number } | undefined
  const release = (times: number): Effect.Effect<void> => {
    if (owner === undefined || times === 0) return Effect.void
    owner.count -= times
    if (owner.count > 0) return Effect.void
    owner = undefined
    return Effect.asVoid(semaphore.release(1))
  }
  // the lock is free when all of its holders have left it as often as they have entered it
  const holds = new Set<Hold>()
  const read = (): Permits.Permits => {
    if (owner === undefined) return { needed: 1, free: 1, holders: [] }
    const { count, token } = owner
    const holders = Array.from(holds).filter((hold) => hold.token === token && hold.count > 0)
    return { needed: count, free: 0, holders: holders.map(({ count, holder }) => [holder, count]) }
  }
  return (holder) => {
    const hold: Hold = { holder, token: "", count: 0 }
    holds.add(hold)
    Permits.serve(holder, read)
    const addHold = (token: string): string => {
      if (hold.token !== token) hold.count = 0
      hold.token = token
      hold.count++
      return token
    }
    const releaseAll = Effect.suspend(() => {
      holds.delete(hold)
      return hold.token === owner?.token ? release(hold.count) : Effect.void
    })
    Effect.runSync(Scope.addFinalizer(holder, releaseAll))
    const acquire: AcquireLock = (request, restore) =>
      Effect.suspend(() => {
        if (owner !== undefined && request.held.includes(owner.token)) {
          owner.count++
          return Effect.succeed(addHold(owner.token))
        }
        return Effect.map(takePermits(semaphore, 1, restore), () => {
          owner = { token: request.token, count: 1 }
          return addHold(request.token)
        })
      })
    return {
      acquire,
      take: (payload) => Effect.uninterruptibleMask((restore) => acquire(payload, restore)),
      release: ({ value }) =>
        Effect.suspend(() => {
          if (value !== hold.token || value !== owner?.token || hold.count === 0) return Effect.void
          hold.count--
          return release(1)
        })
    }
  }
}

/**
 * The schema for handles of locks.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Lock: Schema.declare<LockHandle> = HandleSchema.schema(kind, protocol)

/**
 * Makes a lock and its handle.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeLock: Effect.Effect<LockHandle> = Effect.map(
  Semaphore.make(1),
  (semaphore) => HandleSchema.make(ownKind, open(semaphore))
)
