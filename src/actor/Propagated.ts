/**
 * References of the user that travel with calls.
 */
import type * as Context from "effect/Context"
import type * as Schema from "effect/Schema"
import * as Codec from "../internal/codec/codec.ts"
import * as References from "../internal/observe/propagated.ts"

/**
 * Declares that the value of a reference travels with calls: a handler, and what it calls, sees the value that its caller has provided. Returns
 * the reference. The module that declares the reference has to be loaded where the value is provided and where it is read, as the module of a
 * definition is; a worker between them passes the value on.
 *
 * Every call, tell and stream of an actor, a pool or a handle carries the value, with the encoding of the schema, on every placement. The start
 * of an actor does not, and a call to another runner of a cluster does not. A value is not changed after it was provided, because it is encoded once;
 * `undefined` is not carried. The schema encodes synchronously; a call with a value that does not fit it dies with a `TypeError`. So does a
 * declaration whose schema contains handles.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem } from "uactor"
 * import { Context, Effect, Schema } from "effect"
 * import assert from "node:assert"
 *
 * const Tenant = Actor.Propagated(
 *   Context.Reference("app/Tenant", { defaultValue: () => "nobody" }),
 *   Schema.String
 * )
 *
 * class Store extends Actor.Service<Store>()("Store", {
 *   protocol: { owner: Actor.method({ success: Schema.String }) }
 * }) {}
 * const StoreLive = Store.toLayer({ owner: () => Effect.map(Tenant, (tenant) => `of ${tenant}`) })
 *
 * const program = Effect.gen(function*() {
 *   const store = yield* Store.spawn()
 *   assert.strictEqual(yield* store.owner(), "of nobody")
 *   assert.strictEqual(yield* Effect.provideService(store.owner(), Tenant, "ada"), "of ada")
 * }).pipe(Effect.scoped, Effect.provide(ActorSystem.layer(StoreLive)))
 *
 * await Effect.runPromise(program)
 * ```
 *
 * @category references
 * @since 0.2.0
 */
export const Propagated = <A, I>(
  ref: Context.Reference<A>,
  schema: Schema.Codec<A, I>
): Context.Reference<A> => {
  const codec = Codec.compile(schema)
  if (codec.handles) {
    throw new TypeError(`Actor.Propagated: the schema of ${ref.key} contains handles, which calls do not carry`)
  }
  References.declare(ref, codec)
  return ref
}
