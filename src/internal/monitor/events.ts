/**
 * The events in the lives of workers, actors and pools, for the observers of this process and for its diagnostics channels. Without an
 * observer and a subscriber, an event costs two comparisons.
 */
import { channels } from "../runtime/diagnosticsChannels.ts"
import { notify } from "../runtime/notify.ts"
import type { ObservedActor } from "./systems.ts"

/** How a worker or an incarnation has ended. */
interface End {
  readonly reason: string
  readonly message: string
}

/** The calls in a mailbox or a queue. */
interface Level {
  readonly size: number
  readonly capacity: number
}

/** What has happened to a worker, by its id. */
export type WorkerEvent =
  | { readonly _tag: "WorkerStarted" }
  /** the worker has loaded its module and built the layer */
  | { readonly _tag: "WorkerReady"; readonly bootMillis: number }
  | { readonly _tag: "WorkerEnded" } & End
  /** the worker has ended with handles of the program (`lent`), and the program with handles of the worker (`held`) */
  | { readonly _tag: "HandleLeaseEnded"; readonly lent: number; readonly held: number }

/** What has happened to an actor, by its id. */
export type ActorEvent =
  | { readonly _tag: "ActorSpawned"; readonly worker: string }
  | {
    readonly _tag: "ActorRestarting"
    readonly worker: string
    /** the restarts of the policy in its window, this one included */
    readonly attempt: number
    readonly delayMillis: number
  } & End
  | { readonly _tag: "ActorRestarted"; readonly worker: string; readonly incarnation: number }
  | { readonly _tag: "ActorGivenUp"; readonly message: string }
  | { readonly _tag: "ActorEnded" } & End
  | { readonly _tag: "SpawnFailed" } & End
  /** a call waits for room, or was refused; at most one event for an actor in a second */
  | { readonly _tag: "MailboxFull" } & Level
  | { readonly _tag: "MailboxHigh" } & Level
  | { readonly _tag: "MailboxLow" } & Level
  /** the actor has taken this time to acknowledge the interruption of a call */
  | { readonly _tag: "CallInterruptedLate"; readonly method: string; readonly forMillis: number }
  /** an accepted tell has failed, or is lost */
  | { readonly _tag: "TellFailed"; readonly method: string; readonly message: string }

/** What has happened to a pool, by the name of its actors. */
export type PoolEvent =
  | { readonly _tag: "PoolGrew"; readonly members: number }
  | { readonly _tag: "PoolShrank"; readonly members: number }
  /** the last member of a pool that does not heal has ended for good */
  | { readonly _tag: "PoolFailed"; readonly message: string }
  /** a call waits for room in the queue, or was refused; at most one event for a pool in a second */
  | { readonly _tag: "QueueFull" } & Level

/** An event. `at`: its time in milliseconds since 1970. */
export type Event =
  & { readonly at: number }
  & (
    | { readonly worker: string } & WorkerEvent
    | { readonly actor: string } & ActorEvent
    | { readonly pool: string } & PoolEvent
  )

/** A listener. `actor`: the actor of the event. */
export type Listener = (event: Event, actor: ObservedActor | undefined) => void

const listeners = new Set<Listener>()

/** Calls a listener with each event. Returns the function that detaches it. */
export const subscribe = (listener: Listener): () => void => {
  // a listener may be added twice
  const own: Listener = (event, actor) => listener(event, actor)
  listeners.add(own)
  return () => void listeners.delete(own)
}

const publish = (event: Event, actor: ObservedActor | undefined): void => {
  for (const listener of Array.from(listeners)) notify(() => listener(event, actor), undefined)
  const channel = "actor" in event || "pool" in event ? channels.actor : channels.worker
  if (channel?.hasSubscribers === true) notify((event) => channel.publish(event), event)
}

/** Whether somebody learns of the events of actors and pools. */
export const areObserved = (): boolean => listeners.size > 0 || channels.actor?.hasSubscribers === true

/** Something has happened to the worker with this id. */
export const ofWorker = (worker: string, event: WorkerEvent): void => {
  if (listeners.size > 0 || channels.worker?.hasSubscribers === true) {
    publish({ at: Date.now(), worker, ...event }, undefined)
  }
}

/** Something has happened to an actor. */
export const ofActor = (actor: ObservedActor, makeEvent: () => ActorEvent): void => {
  if (areObserved()) publish({ at: Date.now(), actor: actor.id, ...makeEvent() }, actor)
}

/** An actor, as its callers know it. */
interface Callee {
  readonly address: string
  readonly actorId: string | undefined
}

/** Something has happened to the calls of an actor. */
export const ofCallee = ({ actorId, address }: Callee, makeEvent: () => ActorEvent): void => {
  if (areObserved()) publish({ at: Date.now(), actor: actorId ?? address, ...makeEvent() }, undefined)
}

/** Something has happened to a pool of actors with this name. */
export const ofPool = (pool: string, event: PoolEvent): void => {
  if (areObserved()) publish({ at: Date.now(), pool, ...event }, undefined)
}
