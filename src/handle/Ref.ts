/**
 * A mutable value that stays in the actor. Every holder of its handle can read, change and watch it.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { HandleError } from "../ActorError.ts"
import * as ItemHandles from "../internal/handles/itemHandles.ts"
import * as HandleSchema from "../internal/remote/handleSchema.ts"
import type { AnyHandle } from "./AnyHandle.ts"

/**
 * A handle of a value. In uActor: an exposed property, and the proxies of `Value` and `Namespace`.
 *
 * The function of `update` or `modify` runs at the holder. If the value has changed in the meantime, the function runs again with the new
 * value, so that no change is lost.
 *
 * @category models
 * @since 0.1.0
 */
export interface RefHandle<in out A> extends AnyHandle {
  /** The current value. */
  readonly get: Effect.Effect<A, HandleError>
  /** Sets the value. */
  readonly set: (value: A) => Effect.Effect<void, HandleError>
  /** Sets the value and returns the previous value. */
  readonly getAndSet: (value: A) => Effect.Effect<A, HandleError>
  /** Sets the value and returns it. */
  readonly setAndGet: (value: A) => Effect.Effect<A, HandleError>
  /** Replaces the value by a function of it. */
  readonly update: (f: (value: A) => A) => Effect.Effect<void, HandleError>
  /** Replaces the value by a function of it, and returns the new value. */
  readonly updateAndGet: (f: (value: A) => A) => Effect.Effect<A, HandleError>
  /** Replaces the value by a function of it, and returns the previous value. */
  readonly getAndUpdate: (f: (value: A) => A) => Effect.Effect<A, HandleError>
  /** Replaces the value by the second component of the function's result, and returns the first component. */
  readonly modify: <B>(f: (value: A) => readonly [B, A]) => Effect.Effect<B, HandleError>
  /**
   * The current value, then every later value. A reader that falls more than 1024 values behind, not counting the values on the way to it,
   * misses the oldest values, but never the newest. A change of the value does not wait for readers.
   */
  readonly changes: Stream.Stream<A, HandleError>
}

interface Methods<A> {
  readonly get: () => Effect.Effect<A, HandleError>
  readonly set: (payload: { readonly value: A }) => Effect.Effect<void, HandleError>
  readonly getAndSet: (payload: { readonly value: A }) => Effect.Effect<A, HandleError>
  readonly read: () => Effect.Effect<readonly [version: number, value: A], HandleError>
  readonly replace: (payload: { readonly version: number; readonly value: A }) => Effect.Effect<boolean, HandleError>
  readonly changes: () => Stream.Stream<A, HandleError>
}

const kindOf = <A>(): HandleSchema.HandleKind<Methods<A>, RefHandle<A>> => ({
  kind: "Ref",
  shape: (client) => {
    const modify = <B>(f: (value: A) => readonly [B, A]): Effect.Effect<B, HandleError> =>
      Effect.flatMap(client.read(), ([version, before]) => {
        const [result, value] = f(before)
        return Effect.flatMap(
          client.replace({ version, value }),
          (replaced) => replaced ? Effect.succeed(result) : modify(f)
        )
      })
    return {
      get: Effect.suspend(() => client.get()),
      set: (value) => client.set({ value }),
      getAndSet: (value) => client.getAndSet({ value }),
      setAndGet: (value) => Effect.as(client.set({ value }), value),
      update: (f) => modify((value) => [undefined, f(value)]),
      updateAndGet: (f) =>
        modify((value) => {
          const next = f(value)
          return [next, next]
        }),
      getAndUpdate: (f) => modify((value) => [value, f(value)]),
      modify,
      changes: client.changes()
    } as RefHandle<A>
  }
})

/**
 * A schema for handles of values.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem, Handle } from "uactor"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert"
 *
 * class Thermostat extends Actor.Service<Thermostat>()("Thermostat", {
 *   protocol: { target: Actor.method({ success: Handle.Ref(Schema.Number) }) }
 * }) {}
 * const ThermostatLive = Thermostat.toLayer(() =>
 *   Effect.map(Handle.makeRef(20), (target) => Thermostat.handlers({ target: () => Effect.succeed(target) }))
 * )
 *
 * const program = Effect.gen(function*() {
 *   const thermostat = yield* Thermostat.spawn()
 *   const target = yield* thermostat.target()
 *   yield* target.update((celsius) => celsius + 1)
 *   return yield* target.get
 * }).pipe(Effect.scoped, Effect.provide(ActorSystem.layer(ThermostatLive)))
 *
 * assert.strictEqual(await Effect.runPromise(program), 21)
 * ```
 *
 * @category schemas
 * @since 0.1.0
 */
export const Ref = <A extends Schema.Top>(value: A): Schema.declare<RefHandle<A["Type"]>> =>
  HandleSchema.schema(
    kindOf<A["Type"]>(),
    RpcGroup.make(
      Rpc.make("get", { success: value }),
      Rpc.make("set", { payload: { value } }),
      Rpc.make("getAndSet", { payload: { value }, success: value }),
      Rpc.make("read", { success: Schema.Tuple([Schema.Int, value]) }),
      Rpc.make("replace", { payload: { version: Schema.Int, value }, success: Schema.Boolean }),
      Rpc.make("changes", { success: value, stream: true })
    )
  )

/** How many values a reader may fall behind before it misses values. */
const maxLag = 1024

// the hub of the ref is unbounded: a fiber moves its values at once into a bounded queue
const changesOf = <A>(ref: SubscriptionRef.SubscriptionRef<A>): Stream.Stream<A> =>
  Stream.unwrap(Effect.gen(function*() {
    const subscription = yield* PubSub.subscribe(ref.pubsub)
    const changes = yield* Queue.sliding<A, Cause.Done>(maxLag)
    yield* PubSub.takeAll(subscription).pipe(
      Effect.flatMap((values) => Queue.offerAll(changes, values)),
      Effect.forever,
      Effect.ensuring(Queue.end(changes)),
      Effect.forkScoped
    )
    return Stream.fromQueue(changes)
  }))

/**
 * Exports an Effect `SubscriptionRef` as a handle.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromRef = <A>(ref: SubscriptionRef.SubscriptionRef<A>): RefHandle<A> => {
  // the owner may change the value directly, so each access compares the value with the last known value
  let version = 0
  let lastValue = SubscriptionRef.getUnsafe(ref)
  const versionOf = (value: A): number => {
    if (!Object.is(value, lastValue)) {
      lastValue = value
      version++
    }
    return version
  }
  const methods = ItemHandles.serve<Methods<A>>(ref, (drop) => {
    const getAndSet: Methods<A>["getAndSet"] = ({ value }) =>
      Effect.map(SubscriptionRef.getAndSet(ref, value), (before) => {
        drop(before)
        return before
      })
    return {
      get: () => SubscriptionRef.get(ref),
      set: (payload) => Effect.asVoid(getAndSet(payload)),
      getAndSet,
      read: () => Effect.map(SubscriptionRef.get(ref), (value) => [versionOf(value), value] as const),
      replace: ({ value, version }) =>
        // a replacement of an older version changes nothing
        SubscriptionRef.modifySome(ref, (before) => {
          const isCurrent = versionOf(before) === version
          drop(isCurrent ? before : value)
          return isCurrent ? [true, Option.some(value)] : [false, Option.none()]
        }),
      changes: () => changesOf(ref)
    }
    // `maxLag` values in the queue of a reader, and as many that are being encoded
  }, maxLag * 2)
  return HandleSchema.make(kindOf<A>(), () => methods)
}

/**
 * Makes a `SubscriptionRef` with a value, and its handle.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeRef = <A>(value: A): Effect.Effect<RefHandle<A>> => Effect.map(SubscriptionRef.make(value), fromRef)
