/**
 * A value that stays in the actor and can be read, changed and watched from
 * anywhere.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { HandleError } from "../ActorError.ts"
import * as Kept from "../internal/kept.ts"
import * as Objects from "../internal/objects.ts"
import type { AnyHandle } from "./AnyHandle.ts"

/**
 * A handle of a value (uActor: a property that is exposed, and the proxies of `Value` and `Namespace`). The functions that
 * `update` and `modify` take run at the holder, and run again if the value has been changed meanwhile, so no change is lost.
 *
 * @category models
 * @since 0.1.0
 */
export interface RefHandle<in out A> extends AnyHandle {
  readonly get: Effect.Effect<A, HandleError>
  readonly set: (value: A) => Effect.Effect<void, HandleError>
  readonly getAndSet: (value: A) => Effect.Effect<A, HandleError>
  readonly setAndGet: (value: A) => Effect.Effect<A, HandleError>
  readonly update: (f: (value: A) => A) => Effect.Effect<void, HandleError>
  readonly updateAndGet: (f: (value: A) => A) => Effect.Effect<A, HandleError>
  readonly getAndUpdate: (f: (value: A) => A) => Effect.Effect<A, HandleError>
  readonly modify: <B>(f: (value: A) => readonly [B, A]) => Effect.Effect<B, HandleError>
  /** the value now, then every value that follows */
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

const kindOf = <A>(): Objects.Kind<Methods<A>, RefHandle<A>> => ({
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
 * import { Rpc } from "effect/rpc"
 * import assert from "node:assert"
 *
 * class Thermostat extends Actor.Service<Thermostat>()("Thermostat", {
 *   protocol: [Rpc.make("target", { success: Handle.Ref(Schema.Number) })]
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
  Objects.schema(
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

/**
 * Hands out an Effect `SubscriptionRef` as a handle.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromRef = <A>(ref: SubscriptionRef.SubscriptionRef<A>): RefHandle<A> => {
  // whoever changes the value, here or from elsewhere, is noticed the next time it is looked at
  let version = 0
  let seen = SubscriptionRef.getUnsafe(ref)
  const look = (value: A): number => {
    if (!Object.is(value, seen)) {
      seen = value
      version++
    }
    return version
  }
  const methods = Kept.serve<Methods<A>>(ref, (drop) => {
    const getAndSet: Methods<A>["getAndSet"] = ({ value }) =>
      Effect.map(SubscriptionRef.getAndSet(ref, value), (before) => {
        drop(before)
        return before
      })
    return {
      get: () => SubscriptionRef.get(ref),
      set: (payload) => Effect.asVoid(getAndSet(payload)),
      getAndSet,
      read: () => Effect.map(SubscriptionRef.get(ref), (value) => [look(value), value] as const),
      replace: ({ value, version }) =>
        // one that comes too late is no change
        SubscriptionRef.modifySome(ref, (before) => {
          const isTimely = look(before) === version
          drop(isTimely ? before : value)
          return isTimely ? [true, Option.some(value)] : [false, Option.none()]
        }),
      changes: () => SubscriptionRef.changes(ref)
    }
  })
  return Objects.make(kindOf<A>(), () => methods)
}

/**
 * Makes a value and its handle.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeRef = <A>(value: A): Effect.Effect<RefHandle<A>> => Effect.map(SubscriptionRef.make(value), fromRef)
