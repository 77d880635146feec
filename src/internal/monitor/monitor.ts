/**
 * What an observer does: follows events, explains calls, ends actors and logs that, and collects the actors that have ended.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { describe, explain, type Explained, type ExplainedCycle, knownOf } from "../waits/explain.ts"
import { type Calls, type Cycle, cycles } from "../waits/graph.ts"
import * as Events from "./events.ts"
import { Mailboxes } from "./mailboxes.ts"
import * as Readings from "./readings.ts"
import * as Rows from "./rows.ts"
import * as Targets from "./targets.ts"

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

/** The heap of a worker. */
export const heapSnapshot = (worker: string): Stream.Stream<Uint8Array, Rows.Refusal> =>
  Stream.unwrap(
    Effect.map(
      Targets.findProbe(worker),
      ({ heapSnapshot }) => Stream.mapError(heapSnapshot, Targets.refusalOf(worker))
    )
  )

// ---- what waits for what ----

// read twice: see graph.ts
const readTwice: Effect.Effect<readonly [now: Calls, cycles: ReadonlyArray<Cycle>]> = Effect.flatMap(
  Readings.readCalls,
  (before) => Effect.map(Readings.readCalls, (now) => [now, cycles(before.graph, now.graph)] as const)
)

/** Why the call or the actor with an id waits; `undefined`: there is none. */
export const why = (id: string): Effect.Effect<Explained | undefined> =>
  Effect.gen(function*() {
    // of a system that a worker has made
    const row = Targets.actorOf(id) === undefined ? yield* Effect.option(Targets.readActor(id)) : Option.none()
    const far = Option.isSome(row) ? knownOf(row.value) : undefined
    const [now, cycles] = yield* readTwice
    return explain(now, id, (other) => Targets.actorOf(other) ?? (other === id ? far : undefined), cycles)
  })

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
    // the search goes on after a defect
    const reported = Effect.catchCauseIf(
      search,
      Cause.hasDies,
      (cause) => Effect.logError("the search for deadlocks has failed", cause)
    )
    return Effect.forever(Effect.andThen(Effect.sleep(interval), reported))
  })

// ---- the end of an actor ----

// an action is an entry in the log of the fiber that asks for it
const act = (says: string, action: Rows.Action, id: string): Effect.Effect<void, Rows.Refusal> =>
  Effect.gen(function*() {
    const { address } = Targets.actorOf(id) ?? (yield* Targets.readActor(id))
    yield* Effect.annotateLogs(Effect.logInfo(`an observer ${says} ${address}`), { "uactor.actor": id })
    yield* Targets.act(action, id)
  })

/** Stops an actor. */
export const stop = (id: string, isDrained: boolean): Effect.Effect<void, Rows.Refusal> =>
  isDrained ? act("drains and stops", "drain", id) : act("stops", "stop", id)

/** Kills an actor. */
export const kill = (id: string): Effect.Effect<void, Rows.Refusal> => act("kills", "kill", id)

/** Ends the incarnation of an actor, and builds the next one. */
export const restart = (id: string): Effect.Effect<void, Rows.Refusal> => act("restarts", "restart", id)

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
  const past = new Rows.Past(String(Math.random()))
  // the last row of an actor whose worker does not answer
  const recall = (id: string): Rows.ActorRow | undefined => {
    for (const worker of Targets.parentsOf(id)) {
      const row = past.rowOf(worker, id)
      if (row !== undefined) return row
    }
    return undefined
  }
  return {
    rows: (selection) => Rows.read(selection, graves, past),
    actor: (id, calls) =>
      Effect.suspend(() => {
        Rows.check("actor", "calls", calls)
        const row = Effect.catch(
          Targets.readActor(id),
          ({ message, reason }) =>
            reason === "NotFound"
              ? Effect.sync(() => graves.values.findLast((row) => row.id === id))
              : reason === "Failed"
              ? Effect.die(new Error(message))
              : Effect.sync(() => recall(id))
        )
        return calls === 0 ? row : Effect.map(
          Effect.all([row, Readings.readCalls], { concurrency: "unbounded" }),
          ([row, reading]) => row && Rows.handlingIn(reading, calls)(row)
        )
      })
  }
})
