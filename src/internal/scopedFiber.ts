/**
 * A fiber with a scope of its own, as `Effect.scoped` would have it. A scope to which nothing has been added costs nothing at the
 * end, which is the common case.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { Listeners } from "./listeners.ts"
import type { Table } from "./table.ts"

/** Runs an effect, and then what it has put into its scope. */
export class ScopedFiber<A, E> {
  private readonly fiber: Fiber.Fiber<A, E>
  private readonly observers = new Listeners<Exit.Exit<A, E>>()
  private exit: Exit.Exit<A, E> | undefined

  /** `running`: where it is noted, by its number, while it runs */
  constructor(
    effect: Effect.Effect<A, E>,
    context: Context.Context<never>,
    running?: Table<ScopedFiber<A, E>>
  ) {
    const scope = Scope.makeUnsafe()
    const fiber = this.fiber = Effect.runForkWith(Context.add(context, Scope.Scope, scope))(effect)
    const ended = (exit: Exit.Exit<A, E>): void => {
      this.exit = exit
      running?.delete(fiber.id)
      this.observers.wake(exit)
    }
    const exit = fiber.pollUnsafe()
    if (exit !== undefined && scope.state._tag === "Empty") {
      Scope.closeUnsafe(scope, exit)
      this.exit = exit
      return
    }
    running?.set(fiber.id, this)
    fiber.addObserver((exit) => {
      if (scope.state._tag === "Empty") {
        Scope.closeUnsafe(scope, exit)
        return ended(exit)
      }
      Effect.runForkWith(context)(Effect.onExit(exit, (exit) => Scope.close(scope, exit))).addObserver(ended)
    })
  }

  /** what it has come to, with its scope closed */
  pollUnsafe(): Exit.Exit<A, E> | undefined {
    return this.exit
  }

  /** Told of the exit, now if it is there; returns how to lose interest. */
  addObserver(observer: (exit: Exit.Exit<A, E>) => void): () => void {
    const { exit, observers } = this
    if (exit === undefined) observers.add(observer)
    else observer(exit)
    return () => void observers.delete(observer)
  }

  interruptUnsafe(): void {
    this.fiber.interruptUnsafe()
  }

  /** Interrupts it, and waits until it has ended. */
  get interrupt(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      this.interruptUnsafe()
      const stop = this.addObserver(() => resume(Effect.void))
      return Effect.sync(stop)
    })
  }
}
