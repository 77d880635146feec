/**
 * Permits and locks that stay in the actor. Each holder's permits are counted, and
 * come back when the holder lets go of its handle or dies (H5).
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
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
  /** how many are available then; dies with a `RangeError` if the semaphore is bounded and fewer are taken */
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

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Takes something where nothing is interrupted but the waiting for it, as far as `restore` allows that. */
type Take<P, A> = (payload: P, restore: Restore) => Effect.Effect<A, HandleError>

type TakePermits = Take<{ readonly permits: number }, number>

const shape = (
  client: Methods,
  take: TakePermits = (payload, restore) => restore(client.take(payload)),
  takeIfAvailable: TakePermits = (payload, restore) => restore(client.takeIfAvailable(payload))
): SemaphoreHandle => {
  const withPermits: SemaphoreHandle["withPermits"] = (permits) => (effect) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(
        take({ permits }, restore),
        () => Effect.ensuring(restore(effect), giveBack(client, permits))
      )
    )
  return {
    withPermits,
    withPermit: withPermits(1),
    withPermitsIfAvailable: (permits) => (effect) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(takeIfAvailable({ permits }, restore), (taken) =>
          taken < permits
            ? Effect.succeedNone
            : Effect.ensuring(Effect.asSome(restore(effect)), giveBack(client, permits)))
      ),
    take: (permits) => client.take({ permits }),
    takeScoped: (permits) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(
          take({ permits }, restore),
          () => Effect.addFinalizer(() => giveBack(client, permits))
        )
      ),
    takeIfAvailable: (permits) => Effect.map(client.takeIfAvailable({ permits }), (taken) => taken >= permits),
    release: (permits) => client.release({ value: permits })
  } as SemaphoreHandle
}

const kind: Objects.Kind<Methods, SemaphoreHandle> = { kind: "Semaphore", shape: (client) => shape(client) }

/** The methods where the semaphore is. */
interface OwnMethods extends Methods {
  readonly acquire: TakePermits
}

const ownKind: Objects.Kind<OwnMethods, SemaphoreHandle> = {
  ...kind,
  shape: (own) => shape(own, own.acquire, own.takeIfAvailable)
}

// the scope knows whether they have been taken when an interruption comes at that very moment
const takeFrom = (semaphore: Semaphores.Semaphore, permits: number, restore: Restore): Effect.Effect<void> =>
  Effect.suspend(() => {
    const scope = Scope.makeUnsafe()
    return Effect.onError(
      restore(Scope.provide(semaphore.takeScoped(permits), scope)),
      () => Scope.close(scope, Exit.void)
    )
  })

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
const open = (semaphore: Semaphores.Semaphore, isBounded = false): (holder: Scope.Scope) => OwnMethods => {
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
    const acquire: TakePermits = ({ permits }, restore) =>
      Effect.map(takeFrom(semaphore, permits, restore), () => {
        share.held += permits
        return permits
      })
    return {
      acquire,
      take: (payload) => Effect.uninterruptibleMask((restore) => acquire(payload, restore)),
      takeIfAvailable: ({ permits }) =>
        Effect.map(semaphore.takeIfAvailable(permits), (isTaken) => {
          if (!isTaken) return 0
          share.held += permits
          return permits
        }),
      release: ({ value }) =>
        Effect.suspend(() => {
          const taken = Array.from(shares).reduce((sum, { held }) => sum + held, 0)
          if (isBounded && value > taken) {
            return Effect.die(
              new RangeError(`${value} permits of a bounded semaphore cannot be released: ${taken} are taken`)
            )
          }
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
export const fromSemaphore = (semaphore: Semaphores.Semaphore): SemaphoreHandle =>
  Objects.make(ownKind, open(semaphore))

/**
 * Makes a semaphore and its handle. Of a `bounded` one no more permits can be released than are taken (uActor:
 * `BoundedSemaphore`); it is not by default.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeSemaphore = (
  permits: number,
  options?: { readonly bounded?: boolean | undefined }
): Effect.Effect<SemaphoreHandle> =>
  Effect.map(Semaphores.make(permits), (semaphore) => Objects.make(ownKind, open(semaphore, options?.bounded)))

/**
 * A handle of a reentrant lock (uActor: the proxy of `RLock`): inside `withLock`, another `withLock` of the same lock does not
 * wait for itself, in the same fiber and in those it starts. The lock is free again when all of them are out of it.
 *
 * @category models
 * @since 0.1.0
 */
export interface LockHandle extends AnyHandle {
  readonly withLock: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | HandleError, R>
}

/** What a fiber is inside of. */
interface Holding {
  /** by what the lock knows whoever is inside */
  readonly token: string
  /** how many have entered by this handle; 0 once it has been given back */
  count: number
}

const Held: Context.Reference<ReadonlyMap<object, Holding>> = Context.Reference<ReadonlyMap<object, Holding>>(
  "uactor/HeldLocks",
  { defaultValue: () => new Map() }
)

/** Who wants to enter, and by what the lock may know it already. */
interface Entering {
  readonly token: string
  readonly inside: ReadonlyArray<string>
}

interface LockMethods {
  readonly take: (payload: Entering) => Effect.Effect<string, HandleError>
  readonly release: (payload: { readonly value: string }) => Effect.Effect<void, HandleError>
}

/** The methods where the lock is. */
interface OwnLockMethods extends LockMethods {
  readonly acquire: Take<Entering, string>
}

const lockShape = (
  client: LockMethods,
  take: Take<Entering, string> = (payload, restore) => restore(client.take(payload))
): LockHandle => {
  // one whose holder is gone has come back already
  const leave = (holding: Holding): Effect.Effect<void> =>
    Effect.suspend(() => --holding.count === 0 ? Effect.ignore(client.release({ value: holding.token })) : Effect.void)
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
          // the same lock may have been entered by another handle
          const inside = Array.from(held.values(), ({ token }) => token)
          return Effect.flatMap(take({ token: crypto.randomUUID(), inside }, restore), (token) => {
            const holding = { token, count: 1 }
            const entered = Effect.provideService(effect, Held, new Map(held).set(client, holding))
            return Effect.ensuring(restore(entered), leave(holding))
          })
        })
      )
  } as LockHandle
}

const lockKind: Objects.Kind<LockMethods, LockHandle> = { kind: "Lock", shape: (client) => lockShape(client) }
const ownLockKind: Objects.Kind<OwnLockMethods, LockHandle> = {
  ...lockKind,
  shape: (own) => lockShape(own, own.acquire)
}

const lockProtocol = RpcGroup.make(
  Rpc.make("take", {
    payload: { token: Schema.String, inside: Schema.Array(Schema.String) },
    success: Schema.String
  }).annotate(Undo, "release"),
  Rpc.make("release", { payload: { value: Schema.String } })
)

// who is inside, and how often by each holder
const openLock = (semaphore: Semaphores.Semaphore): (holder: Scope.Scope) => OwnLockMethods => {
  let current: { readonly token: string; count: number } | undefined
  const leave = (times: number): Effect.Effect<void> => {
    if (current === undefined || times === 0) return Effect.void
    current.count -= times
    if (current.count > 0) return Effect.void
    current = undefined
    return Effect.asVoid(semaphore.release(1))
  }
  return (holder) => {
    // by the token under which it has entered
    let entered = { token: "", times: 0 }
    const enter = (token: string): string => {
      if (entered.token !== token) entered = { token, times: 0 }
      entered.times++
      return token
    }
    const leaveAll = Effect.suspend(() => entered.token === current?.token ? leave(entered.times) : Effect.void)
    Effect.runSync(Scope.addFinalizer(holder, leaveAll))
    const acquire: OwnLockMethods["acquire"] = ({ inside, token }, restore) =>
      Effect.suspend(() => {
        if (current !== undefined && inside.includes(current.token)) {
          current.count++
          return Effect.succeed(enter(current.token))
        }
        return Effect.map(takeFrom(semaphore, 1, restore), () => {
          current = { token, count: 1 }
          return enter(token)
        })
      })
    return {
      acquire,
      take: (payload) => Effect.uninterruptibleMask((restore) => acquire(payload, restore)),
      release: ({ value }) =>
        Effect.suspend(() => {
          if (value !== entered.token || value !== current?.token || entered.times === 0) return Effect.void
          entered.times--
          return leave(1)
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
export const Lock: Schema.declare<LockHandle> = Objects.schema(lockKind, lockProtocol)

/**
 * Makes a lock and its handle.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeLock: Effect.Effect<LockHandle> = Effect.map(
  Semaphores.make(1),
  (semaphore) => Objects.make(ownLockKind, openLock(semaphore))
)
