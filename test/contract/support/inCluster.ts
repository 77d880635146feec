/**
 * A system whose actors live in a cluster: `spawn` gives the actor an id, and returns the reference that `ActorCluster.client` has for the
 * id. The runner hosts the actors in a system of another placement. The end of the scope stops the actor.
 */
import * as EntityId from "effect/cluster/EntityId"
import { Sharding } from "effect/cluster/Sharding"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { ActorService } from "../../../src/Actor.ts"
import * as ActorCluster from "../../../src/ActorCluster.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import { ActorSystem } from "../../../src/ActorSystem.ts"
import * as Definitions from "../../../src/internal/actor/definition.ts"
import type { System } from "../../../src/internal/system/system.ts"

type AnyActor = ActorService<unknown, string, any, any, any>

/** An actor that the runner hosts: the references to its actors, by their ids, and the arguments of each. */
interface Hosted {
  readonly client: (id: string) => ActorRef.AnyActorRef
  readonly args: Map<string, unknown>
}

/** The classes of actors that a module exports, by their definitions. */
const actorsOf = (module: object): ReadonlyMap<Definitions.Definition, AnyActor> =>
  new Map(
    Object.values(module as Record<string, unknown>)
      .filter((value) => typeof value === "function" && Definitions.definitionOf(value) !== undefined)
      .map((actor) => [Definitions.definitionOf(actor as object), actor as AnyActor])
  )

/** A system whose actors live in a cluster of one runner, which hosts them in `system`. `module`: the module of the actors. */
export const layer = <E, R>(module: URL, system: Layer.Layer<ActorSystem, E, R>): Layer.Layer<ActorSystem, E, R> =>
  Layer.effect(
    ActorSystem,
    Effect.gen(function*() {
      const actors = actorsOf(yield* Effect.promise(() => import(module.href) as Promise<object>))
      const sharding = yield* Sharding
      const context = yield* Effect.context<Sharding | ActorSystem>()
      const scope = yield* Effect.scope
      const { "~uactor/ActorSystem": local } = yield* ActorSystem
      const hosted = new Map<Definitions.Definition, Hosted>()
      let ids = 0

      const host = (definition: Definitions.Definition): Effect.Effect<Hosted> =>
        Effect.gen(function*() {
          const actor = actors.get(definition)
          if (actor === undefined) {
            return yield* Effect.die(new Error(`${definition.name} is not exported by ${module.href}`))
          }
          const args = new Map<string, unknown>()
          yield* Layer.buildWithScope(ActorCluster.layer(actor, { args: (id) => args.get(id) }), scope)
          const client = yield* ActorCluster.client(actor)
          const made = { client: client as Hosted["client"], args }
          hosted.set(definition, made)
          return made
        }).pipe(Effect.provideContext(context))

      const spawn = (definition: Definitions.Definition, args: unknown): Effect.Effect<object, never, Scope.Scope> =>
        Effect.gen(function*() {
          const { args: argsOf, client } = hosted.get(definition) ?? (yield* host(definition))
          const id = String(++ids)
          // a call before the runner has its shards would wait, and the calls after it might overtake it
          const shard = sharding.getShardId(EntityId.make(id), "default")
          while (!sharding.hasShardId(shard)) yield* Effect.sleep(1)
          argsOf.set(id, args)
          return yield* Effect.acquireRelease(Effect.sync(() => client(id)), (ref) =>
            // the runner may have stopped before
            Effect.andThen(Effect.exit(ActorRef.stop(ref)), Effect.sync(() => argsOf.delete(id))))
        })

      const begin: System["begin"] = ({ args, context, definition, resume }) => {
        resume(Effect.provideContext(spawn(definition, args), context as Context.Context<Scope.Scope>) as never)
        return undefined
      }
      return { "~uactor/ActorSystem": Object.create(local, { begin: { value: begin } }) as System }
    })
  ).pipe(Layer.provide(Layer.merge(ActorCluster.layerMemory, system)))

/** The system in which the runner of such a system hosts the actors. */
export const layerHost: Layer.Layer<ActorSystem, never, ActorSystem> = Layer.effect(
  ActorSystem,
  Effect.map(ActorSystem, ({ "~uactor/ActorSystem": system }) => ({
    "~uactor/ActorSystem": Object.getPrototypeOf(system) as System
  }))
)
