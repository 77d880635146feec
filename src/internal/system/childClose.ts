/**
 * The close of an actor of a system: at once, or after its accepted calls. A close that is asked for again joins the one in progress.
 */
import * as Exit from "effect/Exit"
import { constVoid } from "effect/Function"
import { Deadlines } from "../runtime/deadlines.ts"
import { performance } from "../runtime/globals.ts"
import { ExitLatch } from "../runtime/waiters.ts"
import type { ChildActor } from "./childActor.ts"
import { type Closing, type Drain, type GoneLatch, killing, type Restarting } from "./childState.ts"

export const closeNow = (actor: ChildActor, exit: Exit.Exit<unknown, unknown>): GoneLatch => {
  const { state } = actor
  switch (state._tag) {
    case "Gone":
      break
    case "Closing":
      if (state.drains) stopDrain(actor, state)
      break
    case "Restarting":
      if (state.close === undefined) return beginClose(actor, exit, false)
      proceed(actor, state, false)
      return closeNow(actor, exit)
    default:
      return beginClose(actor, exit, false)
  }
  return state.gone
}

export const closeDrained = (actor: ChildActor, exit: Exit.Exit<unknown, unknown>, drain: true | number): GoneLatch => {
  const { proxy, state } = actor
  switch (state._tag) {
    case "Closing":
    case "Gone":
      return state.gone
    case "Restarting": {
      if (state.close !== undefined) return state.close.gone
      if (!proxy.closeToNew()) return beginClose(actor, exit, drain)
      const deadlines = new Deadlines(typeof drain === "number" ? drain : Infinity)
      const deadline = deadlines.start(() => proceed(actor, state, false))
      state.close = { exit, drain, since: performance.now(), deadlines, deadline, gone: new ExitLatch() }
      return state.close.gone
    }
    default:
      return beginClose(actor, exit, drain)
  }
}

/** Resumes a close that waits for the next incarnation: the incarnation has been built, or none follows, or the drain is over. */
export const proceed = (actor: ChildActor, state: Restarting, drain?: false): void => {
  const { close } = state
  if (close === undefined) return
  state.close = undefined
  close.deadlines.delete(close.deadline)
  const left = typeof close.drain === "number" ? close.drain - (performance.now() - close.since) : close.drain
  beginClose(actor, close.exit, drain ?? left, close.gone)
}

const beginClose = (
  actor: ChildActor,
  exit: Exit.Exit<unknown, unknown>,
  drain: Drain,
  gone: GoneLatch = new ExitLatch()
): GoneLatch => {
  const { proxy, services: { spans, workers }, state: before } = actor
  const closing: Closing = {
    _tag: "Closing",
    exit,
    isKill: before === killing,
    gone,
    drains: drain !== false,
    isAsked: false,
    deadlines: typeof drain === "number" ? new Deadlines(drain) : workers.endings,
    deadline: undefined,
    failure: undefined,
    stopListening: constVoid,
    span: spans?.begin("uactor.close", actor.attributes)
  }
  actor.state = closing
  if (before._tag === "Restarting") {
    before.fiber?.interruptUnsafe()
    actor.endRestart(before, Exit.interrupt())
  }
  const { worker } = actor
  if (workers.areDedicated) worker.ending = true
  proxy.close()
  closing.stopListening = worker.whenEnded(() => completeClose(actor, closing))
  if (worker.ended) return gone
  // an actor that has ended by itself, or whose restart has failed, has been removed from its worker already
  if (!worker.has(proxy)) {
    if (workers.areDedicated) stopDrain(actor, closing)
    else completeClose(actor, closing)
    return gone
  }
  closing.isAsked = true
  if (drain === false) stopDrain(actor, closing)
  else {
    worker.client.actors.close(proxy, "drain", exit, actor.definition)
    if (typeof drain === "number") closing.deadline = closing.deadlines.start(() => stopDrain(actor, closing))
  }
  return gone
}

/** Closes the actor now, if the worker still has it, and ends the worker if the worker belongs to the actor alone. */
export const stopDrain = (actor: ChildActor, state: Closing): void => {
  const { proxy, services: { workers }, worker } = actor
  state.drains = false
  state.deadlines.delete(state.deadline)
  if (worker.has(proxy)) worker.client.actors.close(proxy, state.isKill ? "kill" : "now", state.exit, actor.definition)
  if (workers.areDedicated) worker.client.endWorker()
  state.deadlines = workers.endings
  state.deadline = workers.killUnlessClosed(worker, proxy)
}

export const completeClose = (actor: ChildActor, state: Closing): void => {
  if (actor.state !== state) return
  state.stopListening()
  state.deadlines.delete(state.deadline)
  actor.state = { _tag: "Gone", gone: state.gone }
  actor.proxy.end(Exit.void)
  const exit = state.failure === undefined ? Exit.void : Exit.failCause(state.failure)
  actor.services.spans?.end(state.span, exit)
  state.gone.complete(exit)
}
