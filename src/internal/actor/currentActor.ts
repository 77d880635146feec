/**
 * The actor in which a fiber runs.
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ScopedFiber } from "../effect/scopedFiber.ts"
import type { Definition } from "./definition.ts"

/** An actor as it sees itself. */
export interface Self {
  /** the reference to the actor, which its host serves */
  readonly ref: object
  readonly address: string
  /** the number of the incarnation: 1 for the first */
  readonly incarnation: number
}

/** The host of the worker of an actor, as the actor asks it. */
export interface ActorHost {
  /** Returns the reference, the address and the incarnation of an actor. The reference lives as long as the actor. */
  readonly self: (actor: Actor) => Effect.Effect<Self>
  /** Stops an actor after its accepted calls; completes when the host has begun the stop. */
  readonly stop: (actor: Actor) => Effect.Effect<void>
  /** Returns the reference of the actor with a name, among the actors that the host has spawned; waits until it has been built. */
  readonly named: (actor: Actor, definition: Definition, name: string) => Effect.Effect<object>
}

/** An actor as the code that it runs sees it: the owner of the handles that this code exports, and the receiver of those it imports. */
export interface Actor {
  /** the id of the actor on the link to its host */
  readonly id: number
  readonly name: string
  /** the number in the id of the actor in the program */
  readonly number: number
  /** the actor runs in memory, in the thread that has spawned it */
  readonly isNear: boolean
  /** the services of the actor, its scope among them */
  readonly context: Context.Context<never>
  readonly scope: Scope.Scope
  readonly definition: Definition
  /** Returns the actor's own reference, address and incarnation. */
  readonly self: Effect.Effect<Self>
  /** Stops the actor after its accepted calls. */
  readonly stop: Effect.Effect<void>
  /** Returns the reference of another actor of its host by its name; waits until that has been built. */
  readonly named: (definition: Definition, name: string) => Effect.Effect<object>
  /** Ends the actor as crashed: its running calls are interrupted, its finalizers run, and it restarts if it is supervised. */
  readonly crash: (cause: Cause.Cause<unknown>) => void
  /** Runs an effect in a scope of its own. The close of the actor interrupts the effect, and waits for its end. */
  readonly fork: (
    effect: Effect.Effect<unknown, unknown>,
    context: Context.Context<never>
  ) => ScopedFiber<unknown, unknown>
}

/** The actor in which a fiber runs; `undefined` in the program outside of any actor. */
export const CurrentActor: Context.Reference<Actor | undefined> = Context.Reference<Actor | undefined>(
  "uactor/CurrentActor",
  { defaultValue: () => undefined }
)

/** Runs `f` with the actor in which the fiber runs. Outside of any actor, the effect dies with a `TypeError`; `what` names the caller. */
export const inActor = <A, E, R>(
  what: string,
  f: (actor: Actor) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.contextWith((context: Context.Context<never>) => {
    const actor = Context.get(context, CurrentActor)
    return actor === undefined ? Effect.die(new TypeError(`${what}: this fiber does not run in an actor`)) : f(actor)
  })
