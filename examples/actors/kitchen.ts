// A restaurant: waiters take orders, and one oven bakes them all. The oven is slow, and its thread is blocked while it bakes.
import { Effect, Layer, Schema } from "effect"
import { Actor } from "uactor"

export class Oven extends Actor.Service<Oven>()("Oven", {
  protocol: { bake: Actor.method({ payload: { dish: Schema.String }, success: Schema.String }) }
}) {}

export class Waiter extends Actor.Service<Waiter>()("Waiter", {
  args: Schema.Struct({ oven: Oven.ref }),
  protocol: { order: Actor.method({ payload: { table: Schema.Int }, success: Schema.String }) }
}) {}

/** Computes without a pause. `uactor stack` and `uactor profile` show this function. */
const heat = (millis: number): number => {
  const end = performance.now() + millis
  let degrees = 20
  while (performance.now() < end) degrees += Math.sqrt(degrees) / 1_000_000
  return degrees
}

const OvenLive = Oven.toLayer({
  bake: ({ dish }) => Effect.sync(() => `${dish} at ${Math.round(heat(250))} degrees`)
})

// a waiter without an oven has nothing to serve
const WaiterLive = Waiter.toLayer(({ oven }) =>
  Effect.succeed({ order: ({ table }) => Effect.orDie(oven.bake({ dish: `a pizza for table ${table}` })) })
)

export default Actor.module(Layer.merge(OvenLive, WaiterLive))
