/** An actor that makes systems of its own, in which other actors are busy. */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Actor, ActorRef, ActorSystem, Supervision } from "../../../../src/index.ts"
import { systems } from "../../../../src/internal/monitor/systems.ts"
import { NodeActorSystem } from "../../../../src/node/index.ts"
import busy, { Busy } from "./busy.ts"

const Placement = Schema.Literals(["memory", "threads", "processes"])

export class Manager extends Actor.Service<Manager>()("Manager", {
  protocol: {
    /** spawns an actor in a system of its own, and keeps it until the interruption */
    employ: Actor.method({ payload: { on: Placement, count: Schema.Int } }),
    /** the ids of the actors of all `employ` */
    staff: Actor.method({ success: Schema.Array(Schema.String) }),
    /** calls the last actor of the staff */
    order: Actor.method({ payload: { what: Schema.Literals(["echo", "hang", "spin"]) } }),
    /** blocks its worker */
    spin: Actor.method({ payload: { millis: Schema.Number } }),
    /** makes the reading of the systems of this worker fail, until the interruption */
    sabotage: Actor.method()
  }
}) {}

const module = new URL("./busy.ts", import.meta.url)

const layerOf = (on: typeof Placement.Type): Layer.Layer<ActorSystem> =>
  on === "memory"
    ? ActorSystem.layer(busy)
    : on === "threads"
    ? NodeActorSystem.layerThreads({ module })
    : NodeActorSystem.layerProcesses({ module })

const ManagerLive = Manager.toLayer(
  () =>
    Effect.sync(() => {
      const staff: Array<Effect.Success<ReturnType<typeof Busy.spawn>>> = []
      const loop = (millis: number): void => {
        const end = performance.now() + millis
        while (performance.now() < end);
      }
      return Manager.handlers({
        employ: ({ count, on }) =>
          Effect.replicateEffect(
            Busy.spawn().pipe(Supervision.supervised(Supervision.make({ maxRestarts: 3 }))),
            count
          ).pipe(
            Effect.tap((all) => Effect.sync(() => staff.push(...all))),
            Effect.andThen(Effect.never),
            Effect.scoped,
            Effect.provide(layerOf(on)),
            Effect.orDie
          ),
        staff: () => Effect.sync(() => staff.map(ActorRef.id)),
        order: ({ what }) => {
          const last = staff.at(-1)!
          const call: Effect.Effect<unknown, unknown> = what === "echo"
            ? last.echo({ value: 1 })
            : what === "hang"
            ? last.hang()
            : last.spin({ millis: 600_000 })
          return Effect.asVoid(Effect.orDie(call))
        },
        spin: ({ millis }) => Effect.sync(() => loop(millis)),
        sabotage: () =>
          Effect.gen(function*() {
            const broken = new Proxy({} as never, {
              get: () => {
                throw new Error("the system is broken")
              }
            })
            yield* Effect.acquireRelease(
              Effect.sync(() => systems.add(broken)),
              () => Effect.sync(() => systems.delete(broken))
            )
            return yield* Effect.never
          }).pipe(Effect.scoped)
      })
    }),
  { concurrency: 10 }
)

export default ManagerLive
