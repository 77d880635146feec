/**
 * The effect that starts a pending result. The handlers of most methods with pending results return this effect alone. The dispatcher
 * recognizes it, and starts the result without a fiber for the handler.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import { CurrentActor } from "../actor/currentActor.ts"
import { ScopedFiber } from "../effect/scopedFiber.ts"
import { LocalDeferred } from "./exports.ts"

/** Runs the effect of a pending result, in the current actor if there is one, and succeeds with the handle. */
export class ForkedResult extends Effectable.Class<LocalDeferred> {
  private readonly effect: Effect.Effect<unknown, unknown>

  constructor(effect: Effect.Effect<unknown, unknown>) {
    super()
    this.effect = effect
  }

  /** Starts the pending result now, in that context. */
  start(context: Context.Context<never>): LocalDeferred {
    const { effect } = this
    const actor = Context.get(context, CurrentActor)
    return new LocalDeferred(actor === undefined ? new ScopedFiber(effect, context) : actor.fork(effect, context))
  }

  override asEffect(): Effect.Effect<LocalDeferred> {
    return Effect.withFiberSucceed((fiber) => this.start(fiber.context))
  }
}
