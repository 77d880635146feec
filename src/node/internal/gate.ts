/**
 * The gate that threads pass before they load what every worker runs: no more are behind it at once than there are cores.
 *
 * To load is to compute, so more of them at once gain nothing, and they hinder each other: they share an address space, and all of
 * its memory is new. Of 64 threads that start at once on two cores, the last one is there after five seconds instead of eight, and
 * the first ones long before. It is behind them when a thread loads the module of its actors, which may wait for other threads.
 */
import { availableParallelism } from "node:os"

/** The key under which a thread finds its {@link Gate} in `workerData`. */
export const gateKey = "~uactor/gate"

/** In shared memory: how often somebody has left, and for each place who has it, by thread number; 0 where it is free. */
export type Gate = Int32Array<SharedArrayBuffer>

/** A gate with so many places. */
export const make = (places: number): Gate =>
  new Int32Array(new SharedArrayBuffer((1 + places) * Int32Array.BYTES_PER_ELEMENT))

/** The gate for the threads that this thread starts. */
export const gate: Gate = make(availableParallelism())

// who is woken may be ended before it takes the place; then the others look for themselves
const patience = 1000

/** Waits for a place. Whoever asks has nothing else to do: it blocks its thread. */
export const enter = (gate: Gate, thread: number): void => {
  for (;;) {
    const left = Atomics.load(gate, 0)
    for (let place = 1; place < gate.length; place++) {
      if (Atomics.compareExchange(gate, place, 0, thread) === 0) return
    }
    Atomics.wait(gate, 0, left, patience)
  }
}

/** Gives the place of a thread back, if it has one: that thread when it has loaded, or another when it is gone. */
export const leave = (gate: Gate, thread: number): void => {
  for (let place = 1; place < gate.length; place++) {
    if (Atomics.compareExchange(gate, place, thread, 0) !== thread) continue
    Atomics.add(gate, 0, 1)
    Atomics.notify(gate, 0, 1)
  }
}
