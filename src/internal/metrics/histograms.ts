/**
 * The histograms of the engine. A program without metrics loads them, and not the other definitions.
 */
import * as Metric from "effect/Metric"
import { boundaries } from "./buckets.ts"

const histogramOf = (id: string, description: string): Metric.Histogram<number> =>
  Metric.histogram(id, { description, attributes: { unit: "s" }, boundaries })

export const clientCallDuration = histogramOf("rpc.client.call.duration", "Time from a call to its end, for the caller")
export const serverCallDuration = histogramOf(
  "rpc.server.call.duration",
  "Time from the beginning of a handler to its end"
)
export const mailboxWaitDuration = histogramOf("uactor.mailbox.wait.duration", "Time that a call waits in the mailbox")
export const spawnDuration = histogramOf("uactor.spawn.duration", "Time from a spawn until the actor is built")
