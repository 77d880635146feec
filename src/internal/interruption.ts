/**
 * Interruptions that a busy loop can see (C3): the caller's side notes the call
 * in shared memory as it sends the interrupt, and a loop that does not yield
 * looks there.
 */
import * as Context from "effect/Context"
import * as Fiber from "effect/Fiber"

// so many calls can be under way without one taking the place of another; a call's place is its id modulo this
const places = 2 ** 13
// behind them: whether all calls are interrupted, how many are under way, and how many of those have suspended
const allAt = places
const underWayAt = places + 1
const runningAt = places + 2

/** How long the memory is. */
export const length = places + 3

/** The call in which a fiber of a handler runs. */
const CurrentCall: Context.Reference<number> = Context.Reference<number>("uactor/CurrentCall", {
  defaultValue: () => -1
})

let flags: Int32Array | undefined

/** Where the interruption of that call is noted, if not where those of this worker are in general. */
const CurrentNotes: Context.Reference<Int32Array | undefined> = Context.Reference<Int32Array | undefined>(
  "uactor/CurrentNotes",
  { defaultValue: () => undefined }
)

/** Tells this worker where interruptions are noted. */
export const share = (array: Int32Array | undefined): void => {
  flags = array
}

/** The context of a fiber that runs in that call, whose interruption is noted there. */
export const within = <R>(context: Context.Context<R>, id: number, array: Int32Array): Context.Context<R> => {
  const inCall = Context.add(context, CurrentCall, id)
  return array === flags ? inCall : Context.add(inCall, CurrentNotes, array)
}

let takenBack = 0
const unacknowledged = new Set<number>()

/** How many calls have been taken back from here; who takes one back waits for its acknowledgement. */
export const countTakenBack = (): number => takenBack

/** A call is taken back from here; returns which it is. */
export const takeBack = (): number => {
  unacknowledged.add(++takenBack)
  return takenBack
}

/** It has been acknowledged. */
export const acknowledged = (which: number): void => {
  unacknowledged.delete(which)
}

/** Whether that is awaited of one of those that were taken back between two counts. */
export const isAwaited = (before: number, after: number): boolean => {
  for (let which = before + 1; which <= after; which++) if (unacknowledged.has(which)) return true
  return false
}

/** Notes that a call is interrupted; one that waits does not take the place of another, which may be in a loop. */
export const note = (array: Int32Array, id: number, hasBegun: boolean): void => {
  if (hasBegun || array[id % places] === 0) Atomics.store(array, id % places, id + 1)
}

/** Forgets a call. */
export const forget = (array: Int32Array, id: number): void => {
  if (array[id % places] === id + 1) Atomics.store(array, id % places, 0)
}

/** Notes how many calls are under way, for whoever is left when their caller has died. */
export const noteUnderWay = (array: Int32Array, count: number): void => {
  array[underWayAt] = count
}

/** Notes that one call more has suspended in its handler, or one less, for whoever asks what is left when their caller has died. */
export const noteRunning = (array: Int32Array, change: 1 | -1): void => {
  array[runningAt]! += change
}

/** Whether any has. */
export const isRunning = (array: Int32Array): boolean => array[runningAt]! > 0

/** Notes that the caller has died: all its calls are interrupted; returns whether there were any. */
export const noteAll = (array: Int32Array): boolean => {
  Atomics.store(array, allAt, 1)
  return array[underWayAt]! > 0
}

const isNoted = (array: Int32Array, id: number): boolean =>
  Atomics.load(array, id % places) === id + 1 || Atomics.load(array, allAt) === 1

/** Ends the running handler if its call has been interrupted, where it can be. */
export const check = (): void => {
  const fiber = Fiber.getCurrent() as (Fiber.Fiber<unknown> & { readonly interruptible: boolean }) | undefined
  // what is acquired, or cleaned up, is not left half-way
  if (fiber?.interruptible !== true) return
  const id = Context.get(fiber.context, CurrentCall)
  const notes = Context.get(fiber.context, CurrentNotes) ?? flags
  if (id === -1 || notes === undefined || !isNoted(notes, id)) return
  // the fiber goes on as interrupted as soon as the exception has left the loop
  fiber.interruptUnsafe()
  throw new Error("interrupted")
}
