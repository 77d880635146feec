/** Actors that are busy, idle, or end. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Actor } from "../../../../src/index.ts"

/** Computes for a time without leaving others their turn. */
const busyLoop = (millis: number): number => {
  const end = performance.now() + millis
  let sum = 0
  while (performance.now() < end) sum += Math.sqrt(sum + 1)
  return sum
}

export class Busy extends Actor.Service<Busy>()("Busy", {
  protocol: {
    /** blocks its worker */
    spin: Actor.method({ payload: { millis: Schema.Number }, success: Schema.Number }),
    echo: Actor.method({ payload: { value: Schema.Number }, success: Schema.Number }),
    /** runs until it is interrupted */
    hang: Actor.method({ success: Schema.Void }),
    /** ends its worker */
    exit: Actor.method({ success: Schema.Void })
  }
}) {}

/** An actor without a behaviour. */
export class Unserved extends Actor.Service<Unserved>()("Unserved", {
  protocol: { echo: Actor.method({ success: Schema.Void }) }
}) {}

export default Busy.toLayer({
  spin: ({ millis }) => Effect.sync(() => busyLoop(millis)),
  echo: ({ value }) => Effect.succeed(value),
  hang: () => Effect.never,
  exit: () => Effect.sync(() => process.exit(3))
})
