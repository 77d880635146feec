/**
 * The events in the lives of workers and actors, for the observers of this process. Without an observer, an event costs one comparison.
 */
import { notify } from "../runtime/notify.ts"
import type { ObservedActor } from "./systems.ts"

/** How a worker or an incarnation has ended. */
interface End {
  readonly reason: string
  readonly message: string
}

/** What has happened to a worker, by its id. */
export type WorkerEvent =
  | { readonly _tag: "WorkerStarted" }
  /** the worker has loaded its module and built the layer */
  | { readonly _tag: "WorkerReady"; readonly bootMillis: number }
  | { readonly _tag: "WorkerEnded" } & End

/** What has happened to an actor, by its id. */
export type ActorEvent =
  | { readonly _tag: "ActorSpawned"; readonly worker: string }
  | { readonly _tag: "ActorRestarting"; readonly worker: string; readonly delayMillis: number } & End
  | { readonly _tag: "ActorRestarted"; readonly worker: string; readonly incarnation: number }
  | { readonly _tag: "ActorGivenUp"; readonly message: string }
  | { readonly _tag: "ActorEnded" } & End
  | { readonly _tag: "SpawnFailed"; readonly message: string }

/** An event. `at`: its time in milliseconds since 1970. */
export type Event =
  & { readonly at: number }
  & ({ readonly worker: string } & WorkerEvent | { readonly actor: string } & ActorEvent)

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
}

/** Something has happened to the worker with this id. */
export const ofWorker = (worker: string, event: WorkerEvent): void => {
  if (listeners.size > 0) publish({ at: Date.now(), worker, ...event }, undefined)
}

/** Something has happened to an actor. */
export const ofActor = (actor: ObservedActor, makeEvent: () => ActorEvent): void => {
  if (listeners.size > 0) publish({ at: Date.now(), actor: actor.id, ...makeEvent() }, actor)
}
