/**
 * The actor systems of this process, for its observers. An observer reads a system when it is asked; a system does nothing for it before.
 */
import type * as Effect from "effect/Effect"
import type { ServedFacts, Tally } from "../metrics/actorFacts.ts"
import type { Counted } from "../metrics/counts.ts"
import type { Reading } from "../waits/calls.ts"
import type { Probe } from "./probe.ts"
import type { Answer, Question } from "./rows.ts"

/** An actor, as an observer reads it. */
export interface ObservedActor {
  readonly id: string
  readonly address: string
  readonly name: string
  /** what the actor does */
  readonly status: "Spawning" | "Running" | "Restarting" | "Draining" | "Closing" | "Ended"
  /** the id of the actor that has spawned this one; `undefined`: the program */
  readonly spawnedBy: string | undefined
  /** the worker of the current incarnation */
  readonly worker: ObservedWorker
  /** when the actor was built for the first time, by `performance.now()`; `undefined`: not yet */
  readonly startedAt: number | undefined
  /** the actor on the side of its callers */
  readonly proxy: Mailbox
  /** when the actor was spawned, by `performance.now()` */
  readonly requestedAt: number
  /** the restarts that count against the budget of the policy; `undefined`: the actor is not supervised */
  readonly restarts: Restarts | undefined
  readonly stop: (drain: boolean | number) => Effect.Effect<void>
  readonly kill: Effect.Effect<void>
  /** Closes the incarnation and builds the next one; succeeds with the reason why that was not possible, if any. */
  readonly restartNow: Effect.Effect<string | undefined>
}

/** The calls of an actor, as its callers know them. */
interface Mailbox extends Counted {
  /** the id of the actor on the link to its worker */
  readonly id: number
  /** the number of the incarnation */
  readonly life: number
  /** the calls of the actor; `undefined`: there has been none */
  readonly tally: Tally | undefined
  readonly waiting: { readonly size: number }
  readonly queued: number
  readonly running: number
  readonly forked: number
  readonly load: number
  readonly kind: { readonly capacity: number; readonly concurrency: number; readonly suspends: boolean }
  /** the pool of which the actor is a member */
  readonly pool: { readonly name: string; readonly limit: number } | undefined
}

/** The restarts of an actor. */
export interface Restarts {
  /** the restarts in the current window */
  readonly used: number
  readonly max: number
  readonly windowMillis: number
}

/** What has been sent over a link in one direction. */
interface Traffic {
  readonly frames: number
  /** the messages that have carried the frames */
  readonly batches: number
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
  /** Asks the worker about actors, by their ids on the link. Returns the function that detaches the listener. */
  readonly readActors: (
    ids: ReadonlyArray<number>,
    onAnswer: (facts: ReadonlyArray<ServedFacts | undefined>) => void
  ) => () => void
  /** Asks the worker about the systems that it has made. Returns the function that cancels the question. */
  readonly observe: (question: Question, onAnswer: (answer: Answer) => void) => () => void
  /** Calls back once, when the worker has ended. Returns the function that detaches the listener. */
  readonly whenEnded: (listener: () => void) => () => void
  readonly handle: { readonly probe?: Probe | undefined }
  /** what the link has carried since the start of the worker */
  readonly traffic: { readonly transmit: Traffic; readonly receive: Traffic }
  /** the kinds of the handles that the host has lent to the worker (`lent`), and of the handles of the worker that the host holds (`held`) */
  readonly handleKinds: { readonly lent: ReadonlyArray<string>; readonly held: ReadonlyArray<string> }
}

/** A system, as an observer reads it. */
export interface ObservedSystem {
  readonly options: { readonly name: string | undefined }
  readonly placement: { readonly kind: "memory" | "thread" | "process" }
  readonly lostTells: number
  /** the calls in progress at this side */
  readonly reading: Reading
  readonly observedWorkers: ReadonlySet<ObservedWorker>
  /** the actors that have not ended, in no order */
  readonly observedActors: ReadonlyArray<ObservedActor>
}

/** The systems that are not closed. */
export const systems = new Set<ObservedSystem>()
