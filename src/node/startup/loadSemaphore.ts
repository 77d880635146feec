/**
 * A semaphore that limits how many threads load Effect and this library at the same time to the number of cores.
 *
 * Loading is computation, so further threads gain nothing, and they slow each other down: they share an address space, and all of its
 * memory is new. If 64 threads start together on two cores, the last thread is ready after five seconds instead of eight, and the first
 * threads are ready much earlier. A thread releases its slot before it loads its module of behaviours, which may wait for other threads.
 */
import { availableParallelism } from "node:os"

/** The key under which a thread finds its {@link LoadSemaphore} in `workerData`. */
export const semaphoreKey = "~uactor/gate"

/** Shared memory: the number of releases, then the id of the thread that holds each slot, or 0 for a free slot. */
export type LoadSemaphore = Int32Array<SharedArrayBuffer>

/** Makes a semaphore with the given number of slots. */
export const make = (slots: number): LoadSemaphore =>
  new Int32Array(new SharedArrayBuffer((1 + slots) * Int32Array.BYTES_PER_ELEMENT))

/** The semaphore for the threads that this thread starts. */
export const semaphore: LoadSemaphore = make(availableParallelism())

// a woken thread may be terminated before it takes the slot, so waiting threads check again after this time, in milliseconds
const recheckInterval = 1000

/** Acquires a slot. Blocks the thread, which has no other work yet. */
export const enter = (semaphore: LoadSemaphore, thread: number): void => {
  for (;;) {
    const releases = Atomics.load(semaphore, 0)
    for (let slot = 1; slot < semaphore.length; slot++) {
      if (Atomics.compareExchange(semaphore, slot, 0, thread) === 0) return
    }
    Atomics.wait(semaphore, 0, releases, recheckInterval)
  }
}

/** Releases the slot of a thread, if the thread holds one. Called by the thread after loading, and by the host after the thread exits. */
export const leave = (semaphore: LoadSemaphore, thread: number): void => {
  for (let slot = 1; slot < semaphore.length; slot++) {
    if (Atomics.compareExchange(semaphore, slot, thread, 0) !== thread) continue
    Atomics.add(semaphore, 0, 1)
    Atomics.notify(semaphore, 0, 1)
  }
}
