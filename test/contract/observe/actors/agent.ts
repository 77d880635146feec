/** An actor whose module follows the calls of its worker, as the agent of a monitoring tool does. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { tracingChannel } from "node:diagnostics_channel"
import * as Actor from "../../../../src/Actor.ts"
import gates, { Gate } from "./gates.ts"

const Step = Schema.Struct({
  step: Schema.Literals(["start", "end"]),
  name: Schema.String,
  method: Schema.String,
  kind: Schema.String,
  actor: Schema.optionalKey(Schema.String),
  outcome: Schema.optionalKey(Schema.String)
})

export class Agent extends Actor.Service<Agent>()("Agent", {
  protocol: {
    /** calls a gate twice, the second time in vain */
    ask: Actor.method({ payload: { gate: Gate.ref } }),
    /** the calls that this worker has made */
    seen: Actor.method({ success: Schema.Array(Step) })
  }
}) {}

const steps: Array<typeof Step.Type> = []

const note = (step: "start" | "end") => (call: unknown): void => {
  const { actor, kind, method, name, outcome } = call as typeof Step.Type
  steps.push({ step, name, method, kind, ...actor && { actor }, ...outcome && { outcome } })
}

const { asyncEnd, start } = tracingChannel("uactor:call")
start.subscribe(note("start"))
asyncEnd.subscribe(note("end"))

export default Layer.mergeAll(
  gates,
  Agent.toLayer({
    ask: ({ gate }) => Effect.orDie(Effect.andThen(gate.touch(), Effect.exit(gate.refuse()))).pipe(Effect.asVoid),
    seen: () => Effect.sync(() => steps)
  })
)
