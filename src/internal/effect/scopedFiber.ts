/**
 * A fiber with a scope of its own, like `Effect.scoped`. Closing a scope without finalizers, the common case, costs nothing.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { IntrusiveSet, Slotted } from "../collections/intrusiveSet.ts"
import { Waiters } from "../runtime/waiters.ts"
import { runFork } from "./userEffect.ts"

/** Runs an effect, and then the finalizers of its scope. */
export class ScopedFiber<A, E> implements Slotted {
  /** the index in the set of running fibers */
  slot = -1
  private readonly fiber: Fiber.Fiber<A, E>
  private readonly scope: Scope.Closeable
  private readonly context: Context.Context<never>
  private readonly running: IntrusiveSet<ScopedFiber<A, E>> | undefined
  // created on demand: most fibers complete before they have an observer
  private observers: Waiters<Exit.Exit<A, E>> | undefined
  private exit: Exit.Exit<A, E> | undefined

  /** `running`: the set that contains the fiber while it runs */
  constructor(
    effect: Effect.Effect<A, E>,
    context: Context.Context<never>,
    running?: IntrusiveSet<ScopedFiber<A, E>>
  ) {
    const scope = this.scope = Scope.makeUnsafe()
    this.context = context
    this.running = running
    const fiber = this.fiber = runFork(Context.add(context, Scope.Scope, scope), effect)
    const exit = fiber.pollUnsafe()
    if (exit !== undefined && scope.state._tag === "Empty") {
      Scope.closeUnsafe(scope, exit)
      this.exit = exit
      return
    }
    running?.add(this)
    fiber.addObserver((exit) => this.close(exit))
  }

  private close(exit: Exit.Exit<A, E>): void {
    const { context, scope } = this
    if (scope.state._tag === "Empty") {
      Scope.closeUnsafe(scope, exit)
      return this.end(exit)
    }
    const closing = Effect.onExit(exit, (exit) => Scope.close(scope, exit))
    Effect.runForkWith(context)(closing).addObserver((exit) => this.end(exit))
  }

  private end(exit: Exit.Exit<A, E>): void {
    this.exit = exit
    this.running?.delete(this)
    this.observers?.wake(exit)
  }

  /** the exit, after the scope has closed */
  pollUnsafe(): Exit.Exit<A, E> | undefined {
    return this.exit
  }

  /** Calls the observer with the exit, immediately if the fiber has ended. Returns a function that removes the observer. */
  addObserver(observer: (exit: Exit.Exit<A, E>) => void): () => void {
    const { exit } = this
    if (exit === undefined) (this.observers ??= new Waiters()).add(observer)
    else observer(exit)
    return () => void this.observers?.delete(observer)
  }

  interruptUnsafe(): void {
    this.fiber.interruptUnsafe()
  }

  /** Interrupts the fiber and waits for its end. */
  get interrupt(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      this.interruptUnsafe()
      const stop = this.addObserver(() => resume(Effect.void))
      return Effect.sync(stop)
    })
  }
}
