/**
 * The states of an actor on the side of its callers, and what the owner and the watchers of the actor learn of them.
 */
import type * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { ActorExited, HandleReleased } from "../../ActorError.ts"
import type * as Frames from "../wire/frames.ts"
import type { LinkEnd } from "../wire/link.ts"
import type { ActorHandle } from "./clientObject.ts"

/** One incarnation of an actor. */
export interface Incarnation {
  /** 1 for the first incarnation */
  readonly number: number
  readonly address: string
  /** the error with which the previous incarnation ended; `undefined` for the first incarnation */
  readonly previous: ActorExited | undefined
}

/** What an actor does, as its spawner knows it. */
export type ActorState = "Spawning" | "Running" | "Restarting" | "Draining" | "Closing" | "Ended"

/** The end of an incarnation of an actor. */
export interface End {
  /** the number of the incarnation that has ended */
  readonly incarnation: number
  /** the address of the incarnation that has ended */
  readonly address: string
  /** how it has ended: a success if it was stopped */
  readonly exit: Exit.Exit<void, ActorExited>
  /** whether the actor restarts; otherwise it has ended for good */
  readonly restarts: boolean
}

/** Why calls to an actor wait. */
export type PauseReason =
  /** the actor is being built for the first time */
  | "building"
  /** the worker of the actor has ended, and another incarnation follows */
  | "restarting"
  /** the incarnation closes while its worker lives, such as after a crash of the actor alone; another incarnation follows */
  | "leaving"
  /** a direct route to the actor is being resolved, or is not open yet */
  | "routing"

/** Whether calls can be made, and whether they can be sent. */
export type ProxyState =
  | { readonly _tag: "Open" }
  /** calls wait */
  | { readonly _tag: "Paused"; readonly reason: PauseReason }
  /** No call can be made. Calls carried over from an earlier incarnation wait while `paused`. `why` makes the error of a released handle. */
  | {
    readonly _tag: "Closing"
    readonly paused: PauseReason | undefined
    readonly why: (() => HandleReleased) | undefined
  }
  /** the actor has ended for good */
  | {
    readonly _tag: "Ended"
    readonly exit: Exit.Exit<void, ActorExited>
    readonly why: (() => HandleReleased) | undefined
  }

/** The state of an open proxy. One shared object, so that a call finds by one comparison that its actor is open. */
export const open: ProxyState = { _tag: "Open" }
/** The state of a proxy that closes while no call waits. */
export const closing: ProxyState = { _tag: "Closing", paused: undefined, why: undefined }
/** The states of a paused proxy, by reason. */
export const paused: Readonly<Record<PauseReason, ProxyState>> = {
  building: { _tag: "Paused", reason: "building" },
  restarting: { _tag: "Paused", reason: "restarting" },
  leaving: { _tag: "Paused", reason: "leaving" },
  routing: { _tag: "Paused", reason: "routing" }
}

/** What became of a spawn. */
export type SpawnAnswer =
  | { readonly _tag: "Built" }
  /** the typed error of the behaviour, encoded */
  | { readonly _tag: "Failed"; readonly error: unknown }
  | { readonly _tag: "Died"; readonly cause: Frames.EncodedCause }
  /** the worker has no behaviour of this name; `served`: the names that it has */
  | { readonly _tag: "NotServed"; readonly served: ReadonlyArray<string> }
  | { readonly _tag: "ArgsInvalid"; readonly why: string }
  /** the worker lacks a service that the behaviour requires */
  | { readonly _tag: "LacksService"; readonly service: string }
  /** the worker has ended, or has closed the actor, without an answer */
  | { readonly _tag: "Lost"; readonly why: string }

/** The owner of an actor, on the side that has spawned the actor. */
export interface ActorOwner {
  /** whether the actor is restarted when its worker ends */
  readonly isSupervised: boolean
  /** whether a spawn or a restart waits for the answer of the worker */
  readonly awaitsBuild: boolean
  /** The worker has answered the spawn. */
  answered(answer: SpawnAnswer): void
  /** The actor has closed; the cause is the failure of its finalizers. */
  closed(failure: Cause.Cause<never> | undefined): void
  /** the actor, with its operations */
  readonly handle: ActorHandle
  /** The actor of the same system with the name of a definition and a name; waits until it has been built. */
  named(definition: string, name: string): Effect.Effect<ActorHandle>
  /** The actor stops itself after its accepted calls. */
  stopByItself(): void
  /** The actor has crashed by itself. The owner pauses the actor and restarts it, or ends the actor. `Closed` follows. */
  crashed(cause: Cause.Cause<unknown>): void
  /** The actor has voted. */
  voted(vote: boolean | Cause.Cause<never>): void
  /** The worker has ended: the owner pauses the actor and restarts it, or ends the actor. */
  workerEnded(end: LinkEnd): void
  /** The actor has ended for good; the watchers are notified afterwards. */
  ended(): void
}

/** The callbacks of a watcher of an actor, which are called without `this`. */
export interface Watcher {
  readonly onExit: (exit: Exit.Exit<void, ActorExited>) => void
  readonly onIncarnation?: (incarnation: Incarnation) => void
  /** an incarnation has ended, and another one follows */
  readonly onEnd?: (end: ActorExited) => void
}
