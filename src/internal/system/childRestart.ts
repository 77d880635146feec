/**
 * The restart of an actor of a system: by its own policy, step by step by its group, or by an observer.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { ActorExited } from "../../ActorError.ts"
import { type End as EndKind, restartsAfter } from "../actor/restartPlan.ts"
import * as Events from "../monitor/events.ts"
import { messageOf } from "../runtime/describe.ts"
import { performance } from "../runtime/globals.ts"
import { notify } from "../runtime/notify.ts"
import type { ChildActor } from "./childActor.ts"
import { proceed } from "./childClose.ts"
import { type Restarting, running } from "./childState.ts"
import { buildAgain } from "./spawn.ts"

/**
 * Starts a restart, if the policy has one left after this end (F3, F4); `undefined`: a restart has failed. `previous`: the end of the last
 * incarnation that was built.
 */
export const restart = (actor: ChildActor, previous: ActorExited, end: EndKind | undefined): boolean => {
  const { budget, group, plan, proxy, services: { context, isClosed, log }, state } = actor
  if (isClosed || budget === undefined || end !== undefined && !restartsAfter(plan!.restart, end)) return false
  const isCoordinated = group?.isCoordinated === true
  const delay = isCoordinated
    ? group.restart(actor, previous) ? 0 : undefined
    : budget.next(performance.now(), end !== undefined)
  if (delay === undefined) {
    const message = `${proxy.address} is given up after ${budget.text}`
    log(Effect.logWarning(message), {}, Cause.fail(proxy.exited(previous.reason, "NotRun", message)))
    Events.ofActor(actor, () => ({ _tag: "ActorGivenUp", message }))
    if (end !== undefined) group?.giveUp(proxy.exited(previous.reason, "NotRun", previous.message))
    return false
  }
  const next = state._tag === "Restarting" ? state : beginRestart(actor, previous, end === "stop", delay)
  const leaves = end === "crash" || end === "stop"
  if (leaves) proxy.leaveIncarnation(previous)
  else proxy.pause("restarting")
  // the group does the rest
  if (isCoordinated) return true
  const fiber = next.fiber = Effect.runForkWith(context)(
    (leaves ? leaveWorker(actor, next) : Effect.void).pipe(
      Effect.andThen(Effect.sleep(delay)),
      Effect.andThen(Effect.suspend(() => buildNext(actor, next))),
      Effect.map((why) => {
        if (why === undefined || actor.state !== next || restart(actor, previous, undefined)) return
        actor.giveUp(why)
      })
    )
  )
  fiber.addObserver((exit) => {
    if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return
    log(Effect.logError(`${proxy.address} is given up: its restart died`, exit.cause), {}, exit.cause)
    const why = messageOf(Cause.squash(exit.cause))
    endFailed(actor, next, previous.reason, `${previous.message}; its restart died: ${why}`)
  })
  return true
}

const beginRestart = (actor: ChildActor, previous: ActorExited, drains: boolean, delayMillis = 0): Restarting => {
  actor.services.restarting.add(actor)
  actor.proxy.incarnationEnded(previous)
  const { message, reason } = previous
  Events.ofActor(actor, () => {
    const attempt = actor.restarts?.used ?? 0
    return { _tag: "ActorRestarting", worker: actor.worker.id, attempt, delayMillis, reason, message }
  })
  return actor.state = {
    _tag: "Restarting",
    previous,
    drains,
    fiber: undefined,
    onClosed: undefined,
    close: undefined,
    span: actor.services.spans?.beginRoot("uactor.restart", {
      ...actor.attributes,
      "uactor.actor.incarnation": actor.proxy.incarnation.number + 1,
      "uactor.exit.reason": reason
    })
  }
}

// waits until an incarnation has closed, and ends its worker if that belongs to the actor alone
const leaveWorker = (actor: ChildActor, state: Restarting): Effect.Effect<void> => {
  const { proxy, services: { workers }, worker } = actor
  return Effect.flatMap(awaitClosed(actor, state, !state.drains), () => {
    proxy.pause("restarting")
    return workers.areDedicated && !worker.ended ? workers.end(worker) : Effect.void
  })
}

// waits until an incarnation has closed; `isBounded`: kills its worker if that takes too long
const awaitClosed = (actor: ChildActor, state: Restarting, isBounded = true): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const { proxy, services: { workers }, worker } = actor
    if (actor.hasClosed || worker.ended) return resume(Effect.void)
    const deadline = isBounded ? workers.killUnlessClosed(worker, proxy) : undefined
    const stop = (): void => {
      state.onClosed = undefined
      workers.endings.delete(deadline)
    }
    state.onClosed = () => {
      stop()
      notify(resume, Effect.void)
    }
    return Effect.sync(stop)
  })

/** Builds the next incarnation; returns why that has failed, if it has. */
export const buildNext = (actor: ChildActor, state: Restarting): Effect.Effect<string | undefined> => {
  const { proxy, services: { log, workers } } = actor
  const { previous } = state
  return Effect.gen(function*() {
    const worker = actor.worker = workers.acquire()
    actor.hasClosed = false
    worker.adopt(proxy)
    const exit = yield* Effect.exit(buildAgain(actor, actor.services.builds, actor.argsSnapshot!))
    // a close interrupts this fiber, which may have been resumed already
    if (actor.state !== state) return undefined
    if (Exit.isSuccess(exit)) {
      state.span?.attribute("uactor.worker.id", worker.id)
      actor.endRestart(state, Exit.void)
      // a close that waits for this incarnation is still in the state while the watchers are notified
      if (state.close === undefined) actor.state = running
      if (actor.earlyCrash === undefined) proxy.reopened(previous)
      else if (state.close === undefined) actor.crashed(actor.earlyCrash)
      proceed(actor, state)
      Events.ofActor(
        actor,
        () => ({ _tag: "ActorRestarted", worker: worker.id, incarnation: proxy.incarnation.number })
      )
      return undefined
    }
    const why = messageOf(Cause.squash(exit.cause))
    actor.services.spans?.event(state.span, "uactor.restart.failed", { message: why })
    // the end of a worker has been reported already
    if (!worker.ended) log(Effect.logWarning(`${proxy.address} could not be built again: ${why}`))
    if (workers.areDedicated) {
      worker.remove(proxy)
      yield* workers.end(worker)
    } else yield* closeIncarnation(actor, state)
    return why
  })
}

// closes an incarnation that could not be built on a shared worker
const closeIncarnation = (actor: ChildActor, state: Restarting): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { proxy, worker } = actor
    if (!worker.ended) worker.client.actors.close(proxy, "now", Exit.void, actor.definition)
    return awaitClosed(actor, state)
  })

export const leaveIncarnation = (actor: ChildActor, by: string, why: string): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { definition, plan, proxy, state, worker } = actor
    if (state._tag === "Restarting") return step(actor, state, leaveWorker(actor, state))
    if (state !== running) return Effect.void
    // an actor that is never restarted ends with those with which it would have been restarted
    if (plan === undefined) return Effect.ignore(actor.stop(false, `its group restarts: ${why}`), { log: "Warn" })
    const previous = proxy.exited("Restarted", "Unknown", `${proxy.address} is restarted ${by}: ${why}`)
    const next = beginRestart(actor, previous, false)
    proxy.leaveIncarnation(previous)
    worker.client.actors.close(proxy, "restart", Exit.interrupt(), definition)
    return step(actor, next, leaveWorker(actor, next))
  })

/** Runs a step of a restart in a fiber, which a close of the actor interrupts; returns why the step has died, if it has. */
export const step = <A>(
  actor: ChildActor,
  state: Restarting,
  effect: Effect.Effect<A>
): Effect.Effect<A | string | undefined> =>
  Effect.suspend(() => {
    if (actor.state !== state || actor.proxy.exit !== undefined) return Effect.undefined
    const fiber = state.fiber = Effect.runForkWith(actor.services.context)(effect)
    return Effect.map(Fiber.await(fiber), (exit) => {
      if (Exit.isSuccess(exit)) return exit.value
      return Cause.hasInterruptsOnly(exit.cause) ? undefined : messageOf(Cause.squash(exit.cause))
    })
  })

/** No other incarnation follows. */
export const endFailed = (
  actor: ChildActor,
  state: Restarting,
  reason: ActorExited["reason"],
  message: string
): void => {
  if (actor.state !== state) return
  const { proxy } = actor
  const exit = Exit.fail(proxy.exited(reason, "NotRun", message))
  actor.endRestart(state, exit)
  proxy.end(exit)
  proceed(actor, state)
}
