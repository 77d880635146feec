/**
 * The metrics of the engine but the histograms (histograms.ts): their names, types and units. `ActorMetrics` documents them.
 */
import * as Metric from "effect/Metric"

export const calls: Metric.Counter<number> = Metric.counter("uactor.calls", {
  description: "Calls that have ended, by outcome",
  attributes: { unit: "{call}" },
  incremental: true
})

export const callsActive: Metric.Gauge<number> = Metric.gauge("uactor.calls.active", {
  description: "Calls in progress",
  attributes: { unit: "{call}" }
})

export const mailboxSizeMax: Metric.Gauge<number> = Metric.gauge("uactor.mailbox.size.max", {
  description: "Calls in the mailbox of the fullest actor",
  attributes: { unit: "{call}" }
})

export const mailboxLimit: Metric.Gauge<number> = Metric.gauge("uactor.mailbox.limit", {
  description: "Capacity of a mailbox",
  attributes: { unit: "{call}" }
})

export const actors: Metric.Gauge<number> = Metric.gauge("uactor.actors", {
  description: "Living actors, by state",
  attributes: { unit: "{actor}" }
})

export const actorRestarts: Metric.Counter<number> = Metric.counter("uactor.actor.restarts", {
  description: "Restarts of actors, by the reason of the end before",
  attributes: { unit: "{restart}" },
  incremental: true
})

export const actorExits: Metric.Counter<number> = Metric.counter("uactor.actor.exits", {
  description: "Actors that have ended for good, by reason",
  attributes: { unit: "{actor}" },
  incremental: true
})

export const spawnFailures: Metric.Counter<number> = Metric.counter("uactor.spawn.failures", {
  description: "Spawns that have failed",
  attributes: { unit: "{spawn}" },
  incremental: true
})

export const poolMembers: Metric.Gauge<number> = Metric.gauge("uactor.pool.members", {
  description: "Members of pools",
  attributes: { unit: "{actor}" }
})

export const poolBusy: Metric.Gauge<number> = Metric.gauge("uactor.pool.busy", {
  description: "Members of pools that have calls",
  attributes: { unit: "{actor}" }
})

export const eventLoopUtilization: Metric.Gauge<number> = Metric.gauge("nodejs.eventloop.utilization", {
  description: "Event loop utilization",
  attributes: { unit: "1" }
})

export const heapUsed: Metric.Gauge<number> = Metric.gauge("v8js.memory.heap.used", {
  description: "Used heap of a worker",
  attributes: { unit: "By" }
})

export const heapLimit: Metric.Gauge<number> = Metric.gauge("v8js.memory.heap.limit", {
  description: "Limit of the heap of a worker",
  attributes: { unit: "By" }
})

export const cpuTime: Metric.Counter<number> = Metric.counter("process.cpu.time", {
  description: "Processor time of a worker",
  attributes: { unit: "s" },
  incremental: true
})

export const memoryUsage: Metric.Gauge<number> = Metric.gauge("process.memory.usage", {
  description: "Resident memory of a child process",
  attributes: { unit: "By" }
})

export const poolLimit: Metric.Gauge<number> = Metric.gauge("uactor.pool.limit", {
  description: "Maximum number of members of pools",
  attributes: { unit: "{actor}" }
})

export const handles: Metric.Gauge<number> = Metric.gauge("uactor.handles", {
  description: "Handles that the program has lent to its workers, and holds of them",
  attributes: { unit: "{handle}" }
})

export const linkFrames: Metric.Counter<number> = Metric.counter("uactor.link.frames", {
  description: "Frames between the program and a worker",
  attributes: { unit: "{frame}" },
  incremental: true
})

export const linkBatches: Metric.Counter<number> = Metric.counter("uactor.link.batches", {
  description: "Messages between the program and a worker, each of which carries a batch of frames",
  attributes: { unit: "{message}" },
  incremental: true
})
