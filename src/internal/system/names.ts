/**
 * The names of the actors of a system. A name is unique among the actors of one class, and belongs to its actor from the spawn to the exit.
 */
import * as Effect from "effect/Effect"
import type { ActorHandle } from "../proxy/clientObject.ts"
import { Waiters } from "../runtime/waiters.ts"

/** An actor with a name. */
interface Holder {
  readonly actor: ActorHandle
  isBuilt: boolean
}

const keyOf = (definition: string, name: string): string => JSON.stringify([definition, name])

/** The named actors of a system, and the fibers that wait for one. */
export class Names {
  private readonly holders = new Map<string, Holder>()
  private readonly waiting = new Map<string, Waiters<ActorHandle>>()

  /** The actor that has a name, if any. */
  holderOf(definition: string, name: string): ActorHandle | undefined {
    return this.holders.get(keyOf(definition, name))?.actor
  }

  /** Gives a free name to an actor that is to be built. */
  claim(definition: string, name: string, actor: ActorHandle): void {
    const key = keyOf(definition, name)
    this.holders.set(key, { actor, isBuilt: false })
    actor.proxy.watch({ onExit: () => this.holders.delete(key) })
  }

  /** An actor with a name has been built. */
  publish(definition: string, name: string): void {
    const key = keyOf(definition, name)
    const holder = this.holders.get(key)
    if (holder === undefined) return
    holder.isBuilt = true
    const waiters = this.waiting.get(key)
    this.waiting.delete(key)
    waiters?.wake(holder.actor)
  }

  /** The actor with a name; waits until it has been built. */
  find(definition: string, name: string): Effect.Effect<ActorHandle> {
    const key = keyOf(definition, name)
    return Effect.callback((resume) => {
      const holder = this.holders.get(key)
      if (holder?.isBuilt === true) return resume(Effect.succeed(holder.actor))
      const waiters = this.waiting.get(key) ?? new Waiters()
      this.waiting.set(key, waiters)
      const found = (actor: ActorHandle): void => resume(Effect.succeed(actor))
      waiters.add(found)
      return Effect.sync(() => {
        waiters.delete(found)
        if (waiters.isEmpty && this.waiting.get(key) === waiters) this.waiting.delete(key)
      })
    })
  }
}
