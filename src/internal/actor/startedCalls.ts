/**
 * The notes of the calls that a worker has started, in memory that outlives the worker. The notes list each call whose handler has
 * been entered while neither its announcement nor its answer has been sent, and count the batches that the worker has sent. If all
 * of these batches have arrived, a call without a note has not started (C1).
 */

/** The index of the number of noted calls. Above {@link capacity}, some calls have no note and the notes prove nothing. */
export const countAt = 0
/** The index of the number of sent batches, which wraps around. */
export const sentAt = 1
/** The index of the stop word: a watching thread sets it to replace further calls from starting. */
export const stopAt = 2
/**
 * The index of the move counter. It is incremented before and after the notes move, so that another thread can read them safely.
 */
export const movesAt = 3
/** The index of the first call id. */
export const firstAt = 4
/** The maximum number of noted calls. */
export const capacity = 1_020
/** The length of the notes, in words. */
export const length = firstAt + capacity

/** Whether the notes have room for another call. */
export const hasRoom = (notes: Int32Array): boolean => notes[countAt]! < capacity

/** Notes a call. */
export const add = (notes: Int32Array, id: number): void => {
  const count = notes[countAt]!
  if (count < capacity) notes[firstAt + count] = id
  notes[countAt] = Math.min(count, capacity) + 1
}

/** Removes the last note if it names this call. */
export const remove = (notes: Int32Array, id: number): void => {
  const count = notes[countAt]!
  if (count > 0 && count <= capacity && notes[firstAt + count - 1] === id) notes[countAt] = count - 1
}

/** Records the number of sent batches. */
export const sent = (notes: Int32Array, batches: number): void => {
  notes[sentAt] = batches
}

/**
 * Whether the most recently noted call may start. Used in a thread with a watching thread: either the watching thread sees the
 * note, or it has already set the stop word.
 */
export const mayStart = (notes: Int32Array): boolean => {
  Atomics.store(notes, countAt, notes[countAt]!)
  return Atomics.load(notes, stopAt) === running
}

/** The values of the stop word: calls may start; no further call may start; this thread has seen the stop. */
const running = 0
export const stopping = 1
const stopped = 2

/** Removes the note of the last call, runs `last` and blocks this thread until the process is killed: no further call starts. */
export const park = (notes: Int32Array, id: number, last: () => void): never => {
  remove(notes, id)
  Atomics.store(notes, stopAt, stopped)
  Atomics.notify(notes, stopAt)
  last()
  for (;;) Atomics.wait(notes, stopAt, stopped)
}

/**
 * Clears the notes after all answers and announcements are sent. If `isWatched`, a thread that sees this also sees the batch count.
 */
export const clear = (notes: Int32Array, isWatched: boolean): void => {
  if (isWatched) Atomics.store(notes, countAt, 0)
  else notes[countAt] = 0
}

/** Replaces the notes with these calls, whose announcements or answers are the only ones not yet sent. */
export const replace = (notes: Int32Array, ids: ReadonlyArray<number>): void => {
  Atomics.add(notes, movesAt, 1)
  // half-written notes prove nothing
  notes[countAt] = capacity + 1
  if (ids.length <= capacity) {
    notes.set(ids, firstAt)
    notes[countAt] = ids.length
  }
  Atomics.add(notes, movesAt, 1)
}

/** Whether the notes are empty. */
export const isEmpty = (notes: Int32Array): boolean => notes[countAt] === 0

/** The ids of the noted calls. */
export const ids = (notes: Int32Array): Int32Array =>
  notes.subarray(firstAt, firstAt + Math.min(notes[countAt]!, capacity))

/**
 * Whether a call without a note has provably not started: no note is missing, and all `sent` batches are among the `received` ones.
 */
export const isProof = (notes: Int32Array, received: number): boolean =>
  notes[countAt]! <= capacity && (received - notes[sentAt]! | 0) >= 0
