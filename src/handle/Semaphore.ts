/**
 * A semaphore that stays in the actor. It counts the permits of each holder. A holder that releases its handle or dies releases its
 * permits.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Semaphores from "effect/Semaphore"
import type { HandleError } from "../ActorError.ts"
import { Undo } from "../internal/codec/methods.ts"
import * as FiberFacts from "../internal/effect/fiberFacts.ts"
import { type Restore, takePermits } from "../internal/effect/takePermits.ts"
import * as Awaiting from "../internal/remote/awaiting.ts"
import * as HandleSchema from "../internal/remote/handleSchema.ts"
import * as Permits from "../internal/remote/permits.ts"
import type { AnyHandle } from "./AnyHandle.ts"

/**
 * A handle of a semaphore. In uActor: the proxies of `Semaphore` and `BoundedSemaphore`, and, with a single permit, the proxy of `Lock`.
 *
 * @category models
 * @since 0.1.0
 */
export interface SemaphoreHandle extends AnyHandle {
  /** Waits for permits, runs an effect while holding them, and releases them however the effect ends. */
  readonly withPermits: (
    permits: number
  ) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | HandleError, R>
  /** `withPermits(1)`. */
  readonly withPermit: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | HandleError, R>
  /** Like `withPermits`, without waiting: returns `Option.none` and does not run the effect if too few permits are available. */
  readonly withPermitsIfAvailable: (
    permits: number
  ) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<Option.Option<A>, E | HandleError, R>
  /** Waits for permits and takes them. Returns the number of permits taken. */
  readonly take: (permits: number) => Effect.Effect<number, HandleError>
  /** Waits for permits, takes them, and releases them when the scope closes. */
  readonly takeScoped: (permits: number) => Effect.Effect<void, HandleError, Scope.Scope>
  /** Takes permits without waiting. Returns `false` and takes none if too few are available. */
  readonly takeIfAvailable: (permits: number) => Effect.Effect<boolean, HandleError>
  /**
   * Releases permits, also permits that another holder has taken. Returns the number of permits that are available then. Dies with a
   * `RangeError` if the semaphore is bounded and fewer permits are taken.
   */
  readonly release: (permits: number) => Effect.Effect<number, HandleError>
}

interface Methods {
  readonly take: (payload: { readonly permits: number }) => Effect.Effect<number, HandleError>
  readonly takeIfAvailable: (payload: { readonly permits: number }) => Effect.Effect<number, HandleError>
  readonly release: (payload: { readonly value: number }) => Effect.Effect<number, HandleError>
}

// the owner has released the permits already if the handle is gone
const releasePermits = (client: Methods, permits: number): Effect.Effect<void> =>
  Effect.ignore(client.release({ value: permits }))

/** Takes permits inside an uninterruptible region. Only the wait for them is interruptible, where `restore` allows it. */
type Take = (payload: { readonly permits: number }, restore: Restore) => Effect.Effect<number, HandleError>

const shape = (
  client: Methods,
  object: object,
  take: Take = (payload, restore) => restore(client.take(payload)),
  takeIfAvailable: Take = (payload, restore) => restore(client.takeIfAvailable(payload))
): SemaphoreHandle => {
  const inside = <A, E, R>(effect: Effect.Effect<A, E, R>, permits: number, restore: Restore) => {
    const leave = Permits.enter(object, permits)
    const release = Effect.suspend(() => {
      leave()
      return releasePermits(client, permits)
    })
    return Effect.ensuring(restore(effect), release)
  }
  const withPermits: SemaphoreHandle["withPermits"] = (permits) => (effect) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(
        take({ permits }, restore),
        () => inside(effect, permits, restore)
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
            : Effect.asSome(inside(effect, permits, restore)))
      ),
    take: (permits) => client.take({ permits }),
    takeScoped: (permits) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(
          take({ permits }, restore),
          () => Effect.addFinalizer(() => releasePermits(client, permits))
        )
      ),
    takeIfAvailable: (permits) => Effect.map(client.takeIfAvailable({ permits }), (taken) => taken >= permits),
    release: (permits) => client.release({ value: permits })
  } as SemaphoreHandle
}

const kind: HandleSchema.HandleKind<Methods, SemaphoreHandle> = {
  kind: "Semaphore",
  shape: (client, object) => shape(client, object),
  waits: (method) => method === "take" ? "permits" : undefined
}

/** The methods in the actor that owns the semaphore. */
interface OwnMethods extends Methods {
  readonly acquire: Take
}

const ownKind: HandleSchema.HandleKind<OwnMethods, SemaphoreHandle> = {
  ...kind,
  shape: (own, object) =>
    shape(
      own,
      object,
      (payload, restore) => own.acquire(payload, Awaiting.restoring(object, "take", restore)),
      own.takeIfAvailable
    )
}

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

const protocol = RpcGroup.make(
  Rpc.make("take", { payload: { permits: Count }, success: Count }).annotate(Undo, "release"),
  Rpc.make("takeIfAvailable", { payload: { permits: Count }, success: Count }).annotate(Undo, "release"),
  Rpc.make("release", { payload: { value: Count }, success: Schema.Int })
)

/** The permits of one holder. */
interface Share {
  readonly holder: Scope.Scope
  count: number
}

// counts the permits of each holder, so that the end of a holder releases each of its permits once
const open = (semaphore: Semaphores.Semaphore, isBounded = false): (holder: Scope.Scope) => OwnMethods => {
  const shares = new Set<Share>()
  // a permit has been released by another than its holder: then nobody knows who releases the next one
  let isSignal = false
  const read = (): Permits.Permits | undefined => {
    if (isSignal) return undefined
    const holders = Array.from(shares, ({ count, holder }) => [holder, count] as const).filter(([, count]) => count > 0)
    const { free, taken } = FiberFacts.permitsOf(semaphore)
    return { needed: 1, free: free + taken - holders.reduce((sum, [, count]) => sum + count, 0), holders }
  }
  const releaseFrom = (share: Share, permits: number): number => {
    const released = Math.min(share.count, permits)
    share.count -= released
    return permits - released
  }
  return (holder) => {
    const share: Share = { holder, count: 0 }
    shares.add(share)
    Permits.serve(holder, read)
    Effect.runSync(Scope.addFinalizer(
      holder,
      Effect.suspend(() => {
        shares.delete(share)
        return semaphore.release(share.count)
      })
    ))
    const acquire: Take = ({ permits }, restore) =>
      Effect.map(takePermits(semaphore, permits, restore), () => {
        share.count += permits
        return permits
      })
    return {
      acquire,
      take: (payload) => Effect.uninterruptibleMask((restore) => acquire(payload, restore)),
      takeIfAvailable: ({ permits }) =>
        Effect.map(semaphore.takeIfAvailable(permits), (isTaken) => {
          if (!isTaken) return 0
          share.count += permits
          return permits
        }),
      release: ({ value }) =>
        Effect.suspend(() => {
          const taken = Array.from(shares).reduce((sum, { count }) => sum + count, 0)
          if (isBounded && value > taken) {
            return Effect.die(
              new RangeError(`${value} permits of a bounded semaphore cannot be released: ${taken} are taken`)
            )
          }
          // permits beyond the holder's own come from the other holders, the oldest holder first
          let rest = releaseFrom(share, value)
          if (rest > 0) isSignal = true
          for (const other of shares) rest = releaseFrom(other, rest)
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
export const Semaphore: Schema.declare<SemaphoreHandle> = HandleSchema.schema(kind, protocol)

/**
 * Exports an Effect `Semaphore` as a handle.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromSemaphore = (semaphore: Semaphores.Semaphore): SemaphoreHandle =>
  HandleSchema.make(ownKind, open(semaphore))

/**
 * Makes a semaphore and its handle. `bounded` is `false` by default; a bounded semaphore refuses the release of more permits than are
 * taken. In uActor: `BoundedSemaphore`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeSemaphore = (
  permits: number,
  options?: { readonly bounded?: boolean | undefined }
): Effect.Effect<SemaphoreHandle> =>
  Effect.map(Semaphores.make(permits), (semaphore) => HandleSchema.make(ownKind, open(semaphore, options?.bounded)))
