/** A courier that knows no reference. */
import * as Effect from "effect/Effect"
import { Courier } from "./bearer.ts"

export default Courier.toLayer({
  ask: ({ bearer }) => Effect.orDie(bearer.read()),
  askAs: () => Effect.die("it knows no tenant")
})
