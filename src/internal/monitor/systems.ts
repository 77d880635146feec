/**
 * The actor systems of this process, for its observers. An observer reads a system when it is asked; a system does nothing for it before.
 */
import type * as Effect from "effect/Effect"
import type { Counted } from "../metrics/counts.ts"
import type { Reading } from "../waits/calls.ts"
import type { Probe } from "./probe.ts"

/** An actor, as an observer reads it. */
export interface ObservedActor {
  readonly id: string
  readonly address: string
  readonly facts: {
    readonly name: string
    readonly state: "Spawning" | "Running" | "Restarting" | "Draining" | "Closing" | "Ended" | undefined
    readonly incarnation: number | undefined
  }
  /** the worker of the current incarnation */
  readonly worker: ObservedWorker
  /** when the actor was built for the first time, by `performance.now()`; `undefined`: not yet */
  readonly startedAt: number | undefined
  /** the actor on the side of its callers */
  readonly proxy: Mailbox
  /** the restarts that count against the budget of the policy; `undefined`: the actor is not supervised */
  readonly restarts: Restarts | undefined
  readonly stop: (drain: boolean | number) => Effect.Effect<void>
  readonly kill: Effect.Effect<void>
  /** Closes the incarnation and builds the next one; succeeds with the reason why that was not possible, if any. */
  readonly restartNow: Effect.Effect<string | undefined>
}

/** The calls of an actor, as its callers know them. */
interface Mailbox extends Counted {
  readonly waiting: { readonly size: number }
  readonly queued: number
  readonly running: number
  readonly forked: number
  readonly load: number
  readonly capacity: number
  readonly concurrency: number
  readonly suspends: boolean
  /** the pool of which the actor is a member */
  readonly pool: object | undefined
}

/** The restarts of an actor. */
export interface Restarts {
  /** the restarts in the current window */
  readonly used: number
  readonly max: number
  readonly windowMillis: number
}

/** A worker, as an observer reads it. */
export interface ObservedWorker {
  readonly id: string
  readonly name: string
  readonly isReady: boolean
  readonly ending: boolean
  readonly ended: boolean
  /** the number of its actors */
  readonly size: number
  /** since when the worker has not answered, by `performance.now()` */
  readonly unansweredSince: number | undefined
  /** Calls back once, when the event loop of the worker has answered. Returns the function that detaches the listener. */
  readonly whenAnswered: (listener: () => void) => () => void
  /** Asks the worker for its calls in progress. Returns the function that detaches the listener. */
  readonly inspect: (onAnswer: (reading: Reading) => void) => () => void
  readonly handle: { readonly probe?: Probe | undefined }
}

/** A system, as an observer reads it. */
export interface ObservedSystem {
  readonly options: { readonly name: string | undefined }
  readonly placement: { readonly kind: "memory" | "thread" | "process" }
  readonly lostTells: number
  /** the calls in progress at this side */
  readonly reading: Reading
  readonly observedWorkers: Iterable<ObservedWorker>
  readonly observedActors: ReadonlyArray<ObservedActor>
}

/** The systems that are not closed. */
export const systems = new Set<ObservedSystem>()
