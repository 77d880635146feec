/** Actors that lend and hold handles, and an actor that spawns another. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Handle from "../../../../src/Handle.ts"
import { Actor, ActorSystem } from "../../../../src/index.ts"
import { Observer } from "../../../../src/Observer.ts"
import * as Busy from "./busy.ts"

export class Lender extends Actor.Service<Lender>()("Lender", {
  protocol: {
    counter: Actor.method({ success: Handle.Ref(Schema.Int) }),
    /** a result that stays pending */
    later: Actor.method({ success: Handle.Deferred({ success: Schema.Int }) })
  }
}) {}

export class Keeper extends Actor.Service<Keeper>()("Keeper", {
  protocol: { keep: Actor.method({ payload: { counter: Handle.Ref(Schema.Int) } }) }
}) {}

export class Founder extends Actor.Service<Founder>()("Founder", {
  protocol: {
    /** spawns an actor in a system of its own; returns the id of its spawner, as an observer reads it */
    found: Actor.method({ success: Schema.String })
  }
}) {}

export default Layer.mergeAll(
  Lender.toLayer({
    counter: () => Handle.makeRef(0),
    later: () => Effect.map(Deferred.make<number>(), Handle.fromDeferred)
  }),
  Keeper.toLayer({ keep: () => Effect.void }),
  Founder.toLayer({
    found: () =>
      Effect.gen(function*() {
        yield* Busy.Busy.spawn()
        const { actors } = yield* Effect.flatMap(
          Observer,
          (observer) => observer.snapshot({ filter: { name: "Busy" } })
        )
        return actors.map(({ spawnedBy }) => Option.getOrElse(spawnedBy, () => "the program")).join(" ")
      }).pipe(Effect.orDie, Effect.scoped, Effect.provide(Layer.merge(ActorSystem.layer(Busy.default), Observer.layer)))
  })
)
