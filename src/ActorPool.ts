/**
 * Pools: several actors behind one client. `client` has the type of a single actor. Its calls wait in one queue, and each goes to the first
 * member that is free; the option `strategy` changes that. To map over many items, call the client from `Effect.forEach` with
 * `concurrency`, or use `map`. `broadcast` calls every member at the same time.
 *
 * @module
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { ActorPool } from "./actor/Pool.ts"
import type { ActorService } from "./actor/Service.ts"
import type { SpawnError } from "./ActorError.ts"
import { ActorSystem } from "./ActorSystem.ts"
import * as Definitions from "./internal/actor/definition.ts"
import type * as Protocol from "./internal/codec/protocol.ts"
import type * as Pools from "./internal/pool/pool.ts"
import * as PoolObject from "./internal/pool/poolObject.ts"
import type * as Routing from "./internal/pool/routing.ts"
import type { ChildActor } from "./internal/system/childActor.ts"
import * as Votes from "./internal/system/votes.ts"

/**
 * The options of a pool.
 *
 * @category models
 * @since 0.1.0
 */
export type PoolOptions<Args extends Schema.Top, Methods extends Protocol.Any = any> = Pools.PoolOptions<Args, Methods>

/**
 * The strategy by which a pool selects the member for a call.
 *
 * @category models
 * @since 0.1.0
 */
export type Strategy<Methods extends Protocol.Any = any> = Routing.Strategy<Methods>

export type { ActorPool, MapItems, MapItemsExit, MapOptions, Size } from "./actor/Pool.ts"

/**
 * Starts a pool that lives until the scope closes. The members start in parallel. If a member fails to start, the members that have
 * started are closed, and `make` fails with the error of that member. Fails with a `SpawnError` with the reason `OptionsInvalid` if an
 * option is out of range.
 *
 * @example
 * ```ts
 * import { Actor, ActorPool, ActorSystem } from "uactor"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert"
 *
 * class Square extends Actor.Service<Square>()("Square", {
 *   protocol: { of: Actor.method({ payload: { n: Schema.Int }, success: Schema.Int }) }
 * }) {}
 * const SquareLive = Square.toLayer({ of: ({ n }) => Effect.succeed(n * n) })
 *
 * const program = Effect.gen(function*() {
 *   const pool = yield* ActorPool.make(Square, { size: 4 })
 *   return yield* Effect.forEach([1, 2, 3, 4, 5], (n) => pool.client.of({ n }), { concurrency: "unbounded" })
 * }).pipe(Effect.scoped, Effect.provide(ActorSystem.layer(SquareLive)))
 *
 * assert.deepStrictEqual(await Effect.runPromise(program), [1, 4, 9, 16, 25])
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <
  Self,
  Id extends string,
  Args extends Schema.Top,
  E extends Schema.Top,
  Methods extends Protocol.Any
>(
  actor: ActorService<Self, Id, Args, E, Methods>,
  options: PoolOptions<Args, Methods>
): Effect.Effect<ActorPool<Methods, E["Type"]>, SpawnError | E["Type"], Scope.Scope | ActorSystem> =>
  Effect.map(acquire(actor, options), ({ pool }) => pool)

/**
 * Starts a pool, runs `body` with it, runs the `onExit` of every member with the exit of the body, and closes the pool. The
 * result of the body is `Option.some`. If an `onExit` returns `true`, a failure of the body is absorbed, and the result is `Option.none`.
 * Otherwise the failure passes unchanged. An interruption is never absorbed.
 *
 * @category combinators
 * @since 0.1.0
 */
export const use = <
  Self,
  Id extends string,
  Args extends Schema.Top,
  E1 extends Schema.Top,
  Methods extends Protocol.Any,
  A,
  E,
  R
>(
  actor: ActorService<Self, Id, Args, E1, Methods>,
  options: PoolOptions<Args, Methods>,
  body: (pool: ActorPool<Methods, E1["Type"]>) => Effect.Effect<A, E, R>
): Effect.Effect<Option.Option<A>, E | SpawnError | E1["Type"], Exclude<R, Scope.Scope> | ActorSystem> =>
  Votes.run(acquire(actor, options), ({ members }) => members, ({ pool }) => body(pool))

const acquire = <Self, Id extends string, Args extends Schema.Top, E extends Schema.Top, Methods extends Protocol.Any>(
  actor: ActorService<Self, Id, Args, E, Methods>,
  options: PoolOptions<Args, Methods>
) =>
  Effect.flatMap(
    ActorSystem,
    ({ "~uactor/ActorSystem": system }) =>
      PoolObject.make(system, Definitions.definitionOf(actor), options as PoolOptions<Args>)
  ) as Effect.Effect<
    { readonly pool: ActorPool<Methods, E["Type"]>; readonly members: ReadonlyArray<ChildActor> },
    SpawnError | E["Type"],
    Scope.Scope | ActorSystem
  >
