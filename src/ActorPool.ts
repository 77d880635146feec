/**
 * Many actors as one. A pool's `client` has the shape of a single actor, and each
 * call goes to the next member; `Effect.forEach` with concurrency over it is the
 * client-side pool. `broadcast` talks to every member at once.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Option from "effect/Option"
import type * as Rpc from "effect/rpc/Rpc"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ActorService } from "./Actor.ts"
import type { SpawnError } from "./ActorError.ts"
import type { ActorRef, Client } from "./ActorRef.ts"
import { ActorSystem } from "./ActorSystem.ts"
import * as Behaviours from "./internal/behaviour.ts"
import * as Ref from "./internal/ref.ts"
import type * as Sizes from "./internal/system/members.ts"
import * as Pools from "./internal/system/pool.ts"
import * as Votes from "./internal/system/votes.ts"

/**
 * The options of a pool.
 *
 * @category models
 * @since 0.1.0
 */
export type PoolOptions<Args extends Schema.Top> = Pools.PoolOptions<Args>

/**
 * How calls are spread over the members.
 *
 * @category models
 * @since 0.1.0
 */
export type Strategy = Pools.Strategy

/**
 * How many members a pool has: a number, or bounds between which it follows its calls.
 *
 * @category models
 * @since 0.1.0
 */
export type Size = Sizes.Size

/**
 * A pool of actors with one protocol, which may fail to start as `StartError` says.
 *
 * @category models
 * @since 0.1.0
 */
export interface ActorPool<Rpcs extends Rpc.Any, StartError = never> {
  /** looks like one actor; each call goes to the next member, by the pool's strategy (P2) */
  readonly client: Client<Rpcs>
  /** the members, in their order */
  readonly members: Effect.Effect<ReadonlyArray<ActorRef<Rpcs>>>
  /** runs against every member at once; results in the order of the members; the first failure interrupts the others (P3) */
  readonly broadcast: <A, E, R>(f: (actor: ActorRef<Rpcs>) => Effect.Effect<A, E, R>) => Effect.Effect<Array<A>, E, R>
  /** runs against every member at once, and gives every member's own `Exit` (P3) */
  readonly broadcastExit: <A, E, R>(
    f: (actor: ActorRef<Rpcs>) => Effect.Effect<A, E, R>
  ) => Effect.Effect<Array<Exit.Exit<A, E>>, never, R>
  /**
   * starts on the next member without waiting; the fiber lives as long as the pool, and after its end fails as `ActorExited`. There
   * is no payload that would say to which member, so with a `hash` the members take turns (P3).
   */
  readonly submit: <A, E, R>(
    f: (actor: ActorRef<Rpcs>) => Effect.Effect<A, E, R>
  ) => Effect.Effect<Fiber.Fiber<A, E>, never, R>
  /**
   * runs each item of the input against the next member, and gives the results in the order of the input; a failure ends the stream,
   * unless `f` keeps it as a result with `Effect.exit` (P4)
   */
  readonly map: MapItems<Rpcs>
  /** the same, but each result comes as soon as it is there (P4) */
  readonly mapUnordered: MapItems<Rpcs>
  /**
   * gives the pool another size, as the option says it. Those that are missing start in parallel, all or none, and those that are too
   * many get no more calls and end when theirs have been answered: it returns when that is done. Those that have ended for good,
   * killed or without restarts left, make room, which in a pool between two bounds they do by themselves (P7)
   */
  readonly resize: (size: Size) => Effect.Effect<void, SpawnError | StartError>
}

/**
 * The options of `map` and `mapUnordered`.
 *
 * @category models
 * @since 0.1.0
 */
export interface MapOptions {
  /**
   * how many items may have been taken from the input while their results have not been read: under way, or done; at least 1, and
   * 16 for each member by default
   */
  readonly window?: number | undefined
  /** how many items in a row go to the same member, for as long as it lives; at least 1, which is the default */
  readonly chunkSize?: number | undefined
}

/**
 * Maps an iterable or a stream with the members of a pool. Throws a `RangeError` if an option is out of range.
 *
 * @category models
 * @since 0.1.0
 */
export interface MapItems<Rpcs extends Rpc.Any> {
  <I, A, E, R, E2 = never, R2 = never>(
    input: Iterable<I> | Stream.Stream<I, E2, R2>,
    f: (actor: ActorRef<Rpcs>, item: I) => Effect.Effect<A, E, R>,
    options?: MapOptions
  ): Stream.Stream<A, E | E2, R | R2>
}

/**
 * Starts a pool that lives until the scope closes. Its members start in parallel; if one fails, those that have started are
 * released and the pool fails with its error (P1).
 *
 * @example
 * ```ts
 * import { Actor, ActorPool, ActorSystem } from "uactor"
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import assert from "node:assert"
 *
 * class Square extends Actor.Service<Square>()("Square", {
 *   protocol: [Rpc.make("of", { payload: { n: Schema.Int }, success: Schema.Int })]
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
export const make = <Self, Id extends string, Args extends Schema.Top, E extends Schema.Top, Rpcs extends Rpc.Any>(
  actor: ActorService<Self, Id, Args, E, Rpcs>,
  options: PoolOptions<Args>
): Effect.Effect<ActorPool<Rpcs, E["Type"]>, SpawnError | E["Type"], Scope.Scope | ActorSystem> =>
  Effect.map(acquire(actor, options), ({ pool }) => pool)

/**
 * Runs `body` with a pool, then asks every member's `onExit`; if any answers `true`, a failure of the body is absorbed and the
 * result is `Option.none` (L5).
 *
 * @category combinators
 * @since 0.1.0
 */
export const use = <
  Self,
  Id extends string,
  Args extends Schema.Top,
  E1 extends Schema.Top,
  Rpcs extends Rpc.Any,
  A,
  E,
  R
>(
  actor: ActorService<Self, Id, Args, E1, Rpcs>,
  options: PoolOptions<Args>,
  body: (pool: ActorPool<Rpcs, E1["Type"]>) => Effect.Effect<A, E, R>
): Effect.Effect<Option.Option<A>, E | SpawnError | E1["Type"], Exclude<R, Scope.Scope> | ActorSystem> =>
  Votes.run(acquire(actor, options), ({ members }) => members, ({ pool }) => body(pool))

const acquire = <Self, Id extends string, Args extends Schema.Top, E extends Schema.Top, Rpcs extends Rpc.Any>(
  actor: ActorService<Self, Id, Args, E, Rpcs>,
  options: PoolOptions<Args>
): Effect.Effect<
  { readonly pool: ActorPool<Rpcs, E["Type"]>; readonly members: Pools.Pool["members"] },
  SpawnError | E["Type"],
  Scope.Scope | ActorSystem
> =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const system = (yield* ActorSystem)["~uactor/ActorSystem"]
    const { client, members, next, resize } = yield* Pools.make(
      system,
      Behaviours.definitionOf(actor),
      options
    ) as Effect.Effect<Pools.Pool, SpawnError | E["Type"], Scope.Scope>
    const made = new WeakMap<object, ActorRef<Rpcs>>()
    const refOf = (member: Pools.Pool["members"][number]): ActorRef<Rpcs> => {
      let ref = made.get(member)
      if (ref === undefined) made.set(member, ref = Ref.make(member.target.methods, member) as ActorRef<Rpcs>)
      return ref
    }
    const mapItems = (method: "map" | "mapUnordered"): MapItems<Rpcs> => (input, f, options = {}) => {
      const { chunkSize = 1, window = 16 * members.length } = options
      for (const [name, value] of Object.entries({ chunkSize, window })) {
        if (Number.isInteger(value) && value >= 1) continue
        throw new RangeError(
          `${members[0]!.target.name}.${method}: ${name} must be an integer of at least 1, not ${value}`
        )
      }
      // one by one, or else a whole chunk is taken from an iterable, however small the window
      const items = Stream.isStream(input) ? input : Stream.fromIterable(input, { chunkSize: 1 })
      return Stream.suspend(() => {
        let member = members[0]!
        return Stream.mapEffect(
          items,
          (item, i) => {
            const stays = i % chunkSize > 0 && member.isAlive && members.includes(member)
            if (!stays) member = next()
            return f(refOf(member), item)
          },
          { concurrency: window, unordered: method === "mapUnordered" }
        )
      })
    }
    const pool: ActorPool<Rpcs, E["Type"]> = {
      client: client as Client<Rpcs>,
      members: Effect.sync(() => members.map(refOf)),
      broadcast: (f) => Effect.suspend(() => Effect.forEach(members.map(refOf), f, { concurrency: "unbounded" })),
      broadcastExit: (f) => {
        const exitOf = (ref: ActorRef<Rpcs>) => Effect.exit(Effect.suspend(() => f(ref)))
        return Effect.suspend(() => Effect.forEach(members.map(refOf), exitOf, { concurrency: "unbounded" }))
      },
      submit: (f) =>
        Effect.suspend(() => {
          const run = Effect.suspend(() => f(refOf(next())))
          if (scope.state._tag !== "Closed") return Effect.forkIn(run, scope, { startImmediately: true })
          // L6: a use after the end is an error, and no interruption
          const { target } = members[0]!
          return Effect.forkDetach(
            Effect.fail(target.exited("Stopped", "NotRun", `the pool of ${target.name} has been closed`) as never)
          )
        }),
      map: mapItems("map"),
      mapUnordered: mapItems("mapUnordered"),
      resize
    }
    return { pool, members }
  })
