/**
 * What an observer does: finds actors and workers by their ids, asks and ends them, collects the actors that have ended, and follows
 * events.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { describe, explain, type Explained, type ExplainedCycle } from "../waits/explain.ts"
import { type Calls, type Cycle, cycles } from "../waits/graph.ts"
import * as Events from "./events.ts"
import { Mailboxes } from "./mailboxes.ts"
import type { Probe, ProbeError, ProbeReason, StackFrame } from "./probe.ts"
import * as Readings from "./readings.ts"
import * as Rows from "./rows.ts"
import { type ObservedActor, type ObservedWorker, systems } from "./systems.ts"

/** What an observer was asked for could not be done. */
export interface Refusal {
  readonly reason: ProbeReason | "NotFound" | "NotRestarted"
  readonly message: string
}

const refuse = (reason: Refusal["reason"], message: string): Effect.Effect<never, Refusal> =>
  Effect.fail({ reason, message })

// the number of events that wait for a slow reader
const maxEvents = 1_024

/** An event, or the number of events that a slow reader has missed. */
type Told = Events.Event | { readonly _tag: "Dropped"; readonly at: number; readonly count: number }

/** What happens from now on. */
export const events: Stream.Stream<Told> = Stream.suspend(() => {
  let dropped = 0
  return Stream.callback<Told>((queue) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const offer = (event: Events.Event): void => {
          if (Queue.sizeUnsafe(queue) >= maxEvents) dropped++
          Queue.offerUnsafe(queue, event)
        }
        const mailboxes = new Mailboxes(offer)
        mailboxes.start()
        return [Events.subscribe(offer), mailboxes] as const
      }),
      ([unsubscribe, mailboxes]) =>
        Effect.sync(() => {
          unsubscribe()
          mailboxes.stop()
        })
    ), { bufferSize: maxEvents, strategy: "sliding" }).pipe(
      Stream.mapArray((events) => {
        if (dropped === 0) return events
        const count = dropped
        dropped = 0
        return [{ _tag: "Dropped", at: events[0].at, count }, ...events]
      })
    )
})

// ---- actors and workers by their ids ----

const actorOf = (id: string): ObservedActor | undefined => {
  for (const { observedActors } of systems) {
    for (const actor of observedActors) if (actor.id === id) return actor
  }
  return undefined
}

const findActor = (id: string): Effect.Effect<ObservedActor, Refusal> =>
  Effect.suspend(() => {
    const actor = actorOf(id)
    return actor === undefined ? refuse("NotFound", `no living actor has the id ${id}`) : Effect.succeed(actor)
  })

const findWorker = (id: string): Effect.Effect<readonly [Probe, ObservedWorker], Refusal> =>
  Effect.suspend(() => {
    for (const { observedWorkers } of systems) {
      for (const worker of observedWorkers) {
        if (worker.id !== id) continue
        const { probe } = worker.handle
        if (probe !== undefined) return Effect.succeed([probe, worker] as const)
        return refuse("Unsupported", `${id} cannot be inspected: its actors run in memory, in the program itself`)
      }
    }
    return refuse("NotFound", `no living worker has the id ${id}`)
  })

// ---- questions to a worker ----

const refusalOf = (worker: string) => ({ message, reason }: ProbeError): Refusal => ({
  reason,
  message: `${worker}: ${message}`
})

const inspect = <A>(
  id: string,
  use: (probe: Probe, worker: ObservedWorker) => Effect.Effect<A, ProbeError>
): Effect.Effect<A, Refusal> =>
  Effect.flatMap(findWorker(id), ([probe, worker]) => Effect.mapError(use(probe, worker), refusalOf(id)))

/** The stack of a worker. */
export const stack = (worker: string): Effect.Effect<ReadonlyArray<StackFrame>, Refusal> =>
  inspect(
    worker,
    ({ blockedStack, busyStack }, worker) =>
      Effect.flatMap(Readings.isAnswering(worker), (isAnswering) => isAnswering ? busyStack : blockedStack)
  )

/** Profiles a worker for some milliseconds. */
export const cpuProfile = (worker: string, millis: number): Effect.Effect<unknown, Refusal> =>
  inspect(worker, (probe) => probe.cpuProfile(millis))

/** The heap of a worker. */
export const heapSnapshot = (worker: string): Stream.Stream<Uint8Array, Refusal> =>
  Stream.unwrap(
    Effect.map(findWorker(worker), ([{ heapSnapshot }]) => Stream.mapError(heapSnapshot, refusalOf(worker)))
  )

// ---- what waits for what ----

// read twice: see graph.ts
const readTwice: Effect.Effect<readonly [now: Calls, cycles: ReadonlyArray<Cycle>]> = Effect.flatMap(
  Readings.readCalls,
  (before) => Effect.map(Readings.readCalls, (now) => [now, cycles(before.graph, now.graph)] as const)
)

/** Why the call or the actor with an id waits; `undefined`: there is none. */
export const why = (id: string): Effect.Effect<Explained | undefined> =>
  Effect.map(readTwice, ([now, cycles]) => explain(now, id, actorOf, cycles))

/** The cycles of calls that wait for each other. */
export const deadlocks: Effect.Effect<ReadonlyArray<ExplainedCycle>> = Effect.map(
  readTwice,
  ([now, cycles]) => cycles.map((cycle) => describe(now.graph, cycle))
)

/** After so many searches without a cycle that was logged, the cycle is forgotten: a busy worker does not answer each search in time. */
const searchesToForget = 10

/** Logs each proved cycle once; `interval`: the time between two searches, in milliseconds. */
export const logDeadlocks = (interval: number): Effect.Effect<never> =>
  Effect.suspend(() => {
    /** by the ids of the calls of a logged cycle, the number of searches since it was found */
    const logged = new Map<string, number>()
    const search = Effect.flatMap(deadlocks, (cycles) => {
      for (const [key, searches] of logged) {
        if (searches === searchesToForget) logged.delete(key)
        else logged.set(key, searches + 1)
      }
      const found = cycles.filter(({ calls, certainty }) => {
        if (certainty !== "proved") return false
        const key = calls.map(({ call }) => call).toSorted().join(" ")
        const isNew = !logged.has(key)
        logged.set(key, 0)
        return isNew
      })
      return Effect.forEach(found, ({ text }) => Effect.logError(`deadlock: ${text}`), { discard: true })
    })
    return Effect.forever(Effect.andThen(Effect.sleep(interval), search))
  })

// ---- the end of an actor ----

// an action is an entry in the log of the fiber that asks for it
const act = (
  action: string,
  id: string,
  run: (actor: ObservedActor) => Effect.Effect<void, Refusal>
): Effect.Effect<void, Refusal> =>
  Effect.flatMap(findActor(id), (actor) =>
    Effect.andThen(
      Effect.annotateLogs(Effect.logInfo(`an observer ${action} ${actor.address}`), { "uactor.actor": id }),
      run(actor)
    ))

/** Stops an actor. */
export const stop = (id: string, isDrained: boolean): Effect.Effect<void, Refusal> =>
  act(isDrained ? "drains and stops" : "stops", id, (actor) => actor.stop(isDrained))

/** Kills an actor. */
export const kill = (id: string): Effect.Effect<void, Refusal> => act("kills", id, ({ kill }) => kill)

/** Ends the incarnation of an actor, and builds the next one. */
export const restart = (id: string): Effect.Effect<void, Refusal> =>
  act(
    "restarts",
    id,
    ({ restartNow }) =>
      Effect.flatMap(restartNow, (why) => why === undefined ? Effect.void : refuse("NotRestarted", why))
  )

// ---- the state of the program ----

/** The reading of one observer. */
export interface Monitor {
  readonly rows: (selection: Rows.Selection) => Effect.Effect<Rows.Rows>
  /** an actor, also for some time after its end; `calls`: the maximum number of calls that it runs */
  readonly actor: (id: string, calls: number) => Effect.Effect<Rows.ActorRow | undefined>
}

/** Collects the actors that end, until the scope closes. */
export const make: Effect.Effect<Monitor, never, Scope.Scope> = Effect.gen(function*() {
  const graves = new Readings.Graves<Rows.ActorRow>()
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      Events.subscribe((event, actor) => {
        if (event._tag !== "ActorEnded" || actor === undefined) return
        const { at, message, reason } = event
        graves.add(Rows.actorRow(actor, { ended: { at, reason, message }, isWhole: true }))
      })
    ),
    (unsubscribe) => Effect.sync(unsubscribe)
  )
  const rates = new Readings.Rates()
  return {
    rows: (selection) => Rows.read(selection, graves, rates),
    actor: (id, calls) =>
      Effect.suspend((): Effect.Effect<Rows.ActorRow | undefined> => {
        Rows.check("actor", "calls", calls)
        const actor = actorOf(id)
        return actor === undefined
          ? Effect.sync(() => graves.values.findLast((row) => row.id === id))
          : Rows.readActor(actor, calls)
      })
  }
})
