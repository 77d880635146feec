/**
 * Interruptions of calls (C3): their notes in shared memory, and the interruptions that this thread has sent.
 *
 * A handler in a loop that does not yield reads no messages. Therefore the caller's side also notes the interruption in shared memory, and
 * `Actor.checkInterrupt` reads the note in the loop.
 */
import * as Context from "effect/Context"
import * as Fiber from "effect/Fiber"

// the number of slots for calls; the slot of a call is its id modulo this number
const slotCount = 2 ** 13
// after the slots: whether all calls are interrupted, the number of calls in flight, and the number of suspended calls
const allAt = slotCount
const inFlightAt = slotCount + 1
const suspendedAt = slotCount + 2

/** The length of the notes, in words. */
export const length = slotCount + 3

/** A call that a handler runs. */
interface RunningCall {
  readonly id: number
  /** the shared memory in which the interruption of the call is noted */
  readonly interrupts: Int32Array | undefined
}

/** The call in which a fiber of a handler runs. */
const CurrentCall: Context.Reference<RunningCall | undefined> = Context.Reference<RunningCall | undefined>(
  "uactor/CurrentCall",
  { defaultValue: () => undefined }
)

/** Adds a call to a context: the context of the fiber that runs the handler of the call. */
export const within = <R>(context: Context.Context<R>, call: RunningCall): Context.Context<R> =>
  Context.add(context, CurrentCall, call)

// The interruptions that this thread sends are numbered from 1. The numbers belong to the thread, not to a system: a handler of one
// system may wait for an actor of another system in the same thread.
let sentCount = 0
/** the numbers of the interruptions that have not been acknowledged */
const pending = new Set<number>()

/** The number of interruptions that this thread has sent, which is the number of the last of them. */
export const countSent = (): number => sentCount

/** Numbers an interruption that this thread sends. The interruption is pending until {@link acknowledged}. */
export const sent = (): number => {
  pending.add(++sentCount)
  return sentCount
}

/** The interruption with this number has been acknowledged, or its caller waits no longer. */
export const acknowledged = (number: number): void => {
  pending.delete(number)
}

/** Whether any of the interruptions after number `after`, up to number `last`, is pending. */
export const isAnyPending = (after: number, last: number): boolean => {
  for (let number = after + 1; number <= last; number++) if (pending.has(number)) return true
  return false
}

/** Notes the interruption of a call. A call that has not started does not overwrite the note of another call, which may be in a loop. */
export const note = (array: Int32Array, id: number, hasStarted: boolean): void => {
  if (hasStarted || array[id % slotCount] === 0) Atomics.store(array, id % slotCount, id + 1)
}

/** Removes the note of a call. */
export const forget = (array: Int32Array, id: number): void => {
  if (array[id % slotCount] === id + 1) Atomics.store(array, id % slotCount, 0)
}

/** Notes the number of calls in flight, which {@link noteAll} reads after the death of the caller. */
export const noteInFlight = (array: Int32Array, count: number): void => {
  array[inFlightAt] = count
}

/** Changes the number of suspended calls, which the host reads after the death of the caller. */
export const changeSuspended = (array: Int32Array, change: 1 | -1): void => {
  array[suspendedAt]! += change
}

/** Whether any call is suspended. */
export const hasSuspended = (array: Int32Array): boolean => array[suspendedAt]! > 0

/** Notes that the caller has died, which interrupts all its calls. Returns whether it had any call in flight. */
export const noteAll = (array: Int32Array): boolean => {
  Atomics.store(array, allAt, 1)
  return array[inFlightAt]! > 0
}

/** Whether the interruption of a call is noted. */
export const isNoted = (array: Int32Array, id: number): boolean => Atomics.load(array, id % slotCount) === id + 1

const isInterrupted = (array: Int32Array, id: number): boolean => isNoted(array, id) || Atomics.load(array, allAt) === 1

/** Ends the running handler by an exception if its call is interrupted and the fiber is interruptible. */
export const check = (): void => {
  const fiber = Fiber.getCurrent() as (Fiber.Fiber<unknown> & { readonly interruptible: boolean }) | undefined
  // an acquisition or a finalizer runs to its end
  if (fiber?.interruptible !== true) return
  const call = Context.get(fiber.context, CurrentCall)
  if (call?.interrupts === undefined || !isInterrupted(call.interrupts, call.id)) return
  // the fiber continues as interrupted after the exception has left the loop
  fiber.interruptUnsafe()
  throw new Error("interrupted")
}
