/**
 * The start of a result in the making, as an effect. Most methods that hand out a result do this and nothing else; whoever runs
 * their handlers sees it, and needs no fiber to start another one.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import { LocalDeferred } from "./exports.ts"
import { CurrentActor } from "./localActor.ts"
import { ScopedFiber } from "./scopedFiber.ts"

/** Starts what makes a result, in the actor if there is one, and succeeds with the handle. */
export class Forking extends Effectable.Class<LocalDeferred> {
  private readonly effect: Effect.Effect<unknown, unknown>

  constructor(effect: Effect.Effect<unknown, unknown>) {
    super()
    this.effect = effect
  }

  /** Starts it now, in the context of who asks for it. */
  start(context: Context.Context<never>): LocalDeferred {
    const { effect } = this
    const actor = Context.get(context, CurrentActor)
    return new LocalDeferred(actor === undefined ? new ScopedFiber(effect, context) : actor.fork(effect, context))
  }

  override asEffect(): Effect.Effect<LocalDeferred> {
    return Effect.withFiberSucceed((fiber) => this.start(fiber.context))
  }
}
