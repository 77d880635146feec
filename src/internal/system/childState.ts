/**
 * The states of an actor of a system.
 *
 *     Building ─→ Running ─→ Closing ─→ Gone
 *                  │   ↑        ↑
 *                  ↓   │        │
 *                Restarting ────┤
 *                  Killing ─────┘
 *
 * Each state leads to Closing directly, too: a spawn that fails, an actor that ends by itself, and a scope that closes.
 */
import type * as Cause from "effect/Cause"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Tracer from "effect/Tracer"
import type { ActorExited } from "../../ActorError.ts"
import type { ActorState } from "../proxy/proxyState.ts"
import type { Deadline, Deadlines } from "../runtime/deadlines.ts"
import type { ExitLatch } from "../runtime/waiters.ts"

/** Whether accepted calls are finished before an actor closes; a number bounds that, in milliseconds. */
export type Drain = boolean | number

/** The last step of a life, which any number of fibers may await. */
export type GoneLatch = ExitLatch<void, never>

/** A close with drain that waits for the next incarnation, which finishes the calls that the last one had accepted. */
interface PendingClose {
  readonly exit: Exit.Exit<unknown, unknown>
  readonly drain: true | number
  readonly since: number
  readonly deadlines: Deadlines
  readonly deadline: Deadline
  readonly gone: GoneLatch
}

/** The last incarnation has ended or closes, and the next one is not built yet. */
export interface Restarting {
  readonly _tag: "Restarting"
  /** sleeps, then builds the actor again; `undefined` once it is over */
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  /** the end of the last incarnation that was built */
  readonly previous: ActorExited
  /** the incarnation finishes its accepted calls before it closes, without a limit */
  readonly drains: boolean
  /** called when an incarnation that closes has closed */
  onClosed: (() => void) | undefined
  close: PendingClose | undefined
  readonly span: Tracer.Span | undefined
}

/** The actor is asked to close, and its worker to end if the worker belongs to the actor alone. */
export interface Closing {
  readonly _tag: "Closing"
  readonly exit: Exit.Exit<unknown, unknown>
  readonly isKill: boolean
  readonly gone: GoneLatch
  /** accepted calls are being finished */
  drains: boolean
  /** the actor has been asked to close, and has not answered */
  isAsked: boolean
  /** first the deadline for the drain, then the deadline for the close */
  deadlines: Deadlines
  deadline: Deadline | undefined
  /** the failure of the actor's finalizers */
  failure: Cause.Cause<never> | undefined
  stopListening: () => void
  readonly span: Tracer.Span | undefined
}

/** The life of an actor. */
export type State =
  | { readonly _tag: "Building" }
  | { readonly _tag: "Running" }
  | Restarting
  /** the actor is being killed, with its worker if that belongs to the actor alone */
  | { readonly _tag: "Killing" }
  | Closing
  /** the actor and its resources are gone */
  | { readonly _tag: "Gone"; readonly gone: GoneLatch }

/** The public name of a state. */
export const stateOf = (state: State): ActorState => {
  switch (state._tag) {
    case "Building":
      return "Spawning"
    case "Killing":
      return "Closing"
    case "Closing":
      return state.drains ? "Draining" : "Closing"
    case "Gone":
      return "Ended"
    default:
      return state._tag
  }
}

export const building: State = { _tag: "Building" }
export const running: State = { _tag: "Running" }
export const killing: State = { _tag: "Killing" }
