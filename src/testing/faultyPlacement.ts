/**
 * A placement whose links lose, duplicate, delay and reorder messages, are cut, and freeze.
 *
 * The placement wraps another placement and intercepts the messages between the host and its workers. It changes nothing inside a message,
 * the number of the message included, so that the engine detects each fault by the same means as a fault of a real link. Each direction
 * of each worker is a {@link FaultyDirection} with its own random generator.
 */
import { queueMicrotask, structuredClone } from "../internal/runtime/globals.ts"
import type { LinkEnd } from "../internal/wire/link.ts"
import type { Placement } from "../internal/workers/placement.ts"
import type { Fault, Plan, PlannedFault } from "./faultPlan.ts"
import { type DirectionEvents, FaultyDirection } from "./faultyDirection.ts"

const reasons: Readonly<Record<Exclude<PlannedFault, "freeze">, LinkEnd["reason"]>> = {
  cut: "Disconnected",
  kill: "Killed"
}

/** Adds the faults of a plan to a placement. */
export const placement = (target: Placement, plan: Plan): Placement => {
  let started = 0
  return {
    kind: target.kind,
    behaviours: target.behaviours,
    cores: target.cores,
    start: (name, place, events) => {
      const number = started++
      if (!plan.isFaulty(number)) return target.start(name, place, events)
      // the link is frozen or cut: no message passes in either direction
      let isSilent = false
      let end: LinkEnd | undefined
      let isFinished = false
      const finish = (): void => {
        if (isFinished) return
        isFinished = true
        toWorker.stop()
        fromWorker.stop()
        events.onEnd(end!)
      }
      const makeDirection = (
        direction: Fault["direction"],
        delivery: Pick<DirectionEvents, "copy" | "deliver">
      ): FaultyDirection =>
        new FaultyDirection(plan[direction], `${plan.seed}/${number}/${direction}`, {
          ...delivery,
          onFault: (kind, message) => plan.onFault({ kind, worker: number, direction, message }),
          onPlanned: (kind, message) => {
            if (kind !== "kill") {
              isSilent = true
              toWorker.stop()
              fromWorker.stop()
            }
            if (kind !== "freeze") {
              const preposition = direction === "toWorker" ? "to" : "from"
              const fault = kind === "cut" ? "cut the link" : "killed the worker"
              worker.kill({
                reason: reasons[kind],
                message: `ActorTest.faults ${fault} after message ${message} ${preposition} the worker`
              })
            }
          }
        })
      const fromWorker = makeDirection("fromWorker", {
        copy: (batch, transfer) => [batch, transfer],
        deliver: (batch) => events.onBatch(batch)
      })
      const toWorker = makeDirection("toWorker", {
        copy: (batch, transfer) =>
          transfer === undefined
            ? [structuredClone(batch), undefined]
            : structuredClone([batch, transfer] as const, { transfer: transfer as Array<ArrayBuffer> }),
        deliver: (batch, transfer) => worker.link.send(batch, transfer)
      })
      const worker = target.start(name, place, {
        onBatch: (batch) => fromWorker.offer(batch),
        isAwaited: events.isAwaited,
        onCallStarted: events.onCallStarted,
        onForeign: events.onForeign,
        onLeftover: events.onLeftover,
        onEnd: (workerEnd) => {
          if (end !== undefined) return
          end = workerEnd
          // the end is reported after the messages before it, unless the link is silent
          if (isSilent) finish()
          else fromWorker.drain(finish)
        }
      })
      queueMicrotask(() => {
        toWorker.begin()
        fromWorker.begin()
      })
      return {
        link: {
          ...worker.link,
          // a channel between two workers would bypass the faults
          makeChannel: undefined,
          send: toWorker.offer,
          // undefined for a process until it has been killed
          get startedCalls() {
            return worker.link.startedCalls
          }
        },
        release: worker.release,
        kill: (cause) => {
          if (end === undefined) worker.kill(cause)
          else finish()
        }
      }
    }
  }
}
