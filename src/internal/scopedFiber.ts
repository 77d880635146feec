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
import type { Placed, Places } from "./places.ts"

/** Runs an effect, and then what it has put into its scope. */
export class ScopedFiber<A, E> implements Placed {
  /** where it stands among those that run */
  place = -1
  private readonly fiber: Fiber.Fiber<A, E>
  private readonly scope: Scope.Closeable
  private readonly context: Context.Context<never>
  private readonly running: Places<ScopedFiber<A, E>> | undefined
  // made when it is needed: most results are there before anybody waits
  private observers: Listeners<Exit.Exit<A, E>> | undefined
  private exit: Exit.Exit<A, E> | undefined

  /** `running`: where it is noted while it runs */
  constructor(
    effect: Effect.Effect<A, E>,
    context: Context.Context<never>,
    running?: Places<ScopedFiber<A, E>>
  ) {
    const scope = this.scope = Scope.makeUnsafe()
    this.context = context
    this.running = running
    const fiber = this.fiber = Effect.runForkWith(Context.add(context, Scope.Scope, scope))(effect)
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

  /** what it has come to, with its scope closed */
  pollUnsafe(): Exit.Exit<A, E> | undefined {
    return this.exit
  }

  /** Told of the exit, now if it is there; returns how to lose interest. */
  addObserver(observer: (exit: Exit.Exit<A, E>) => void): () => void {
    const { exit } = this
    if (exit === undefined) (this.observers ??= new Listeners()).add(observer)
    else observer(exit)
    return () => void this.observers?.delete(observer)
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
