/**
 * The link between two threads: a port for all messages, and a ring in shared memory for small, plain batches while the reader polls.
 * A message on a port costs each side some microseconds: V8 serializes and deserializes it, and the event loop delivers it. A batch in
 * a ring that the reader polls costs a tenth of that.
 *
 * Each direction has a ring with one writer and one reader. All messages are read in the order in which they were sent. A record in the
 * ring contains the number of messages posted before it. When a posted message arrives, the ring already contains all earlier records.
 *
 * The writer writes nothing for a sleeping reader. A reader that is about to sleep clears its flag and then reads the ring once more. A
 * writer checks the flag again after it has written, and posts a wake-up if the flag is cleared. So at least one of the two notices.
 */
import type { Batch } from "../../internal/wire/frames.ts"
import * as Words from "./words.ts"

// the words before the ring: the number of words written, the number of words read, and whether the reader polls
const headAt = 0
const tailAt = 1
const pollsAt = 2
const first = 16

// in words, a power of two
const capacity = 4096
const mask = capacity - 1

/** The maximum length of a batch in the ring, in words. A longer batch is posted. */
const maxLength = Words.maxWords

// marks the unused end of the ring; the record begins at the start of the ring
const skip = -1

/** The memory of one direction. */
export type Ring = Int32Array<SharedArrayBuffer>

/** Makes the memory of one direction. */
export const makeRing = (): Ring =>
  new Int32Array(new SharedArrayBuffer((first + capacity) * Int32Array.BYTES_PER_ELEMENT))

/** A posted message; `null` only wakes the reader. */
export type Posted = Batch | null

/** The port of the sender. */
interface Port {
  postMessage(message: Posted, transfer?: ReadonlyArray<never>): void
}

/** The sending half. */
export class Sender {
  private readonly ring: Ring
  private readonly port: Port
  private head = 0
  private posted = 0

  constructor(ring: Ring, port: Port) {
    this.ring = ring
    this.port = port
  }

  /** Sends a batch. Throws if a value cannot be cloned; then nothing is sent. */
  send(batch: Batch, transfer: ReadonlyArray<unknown> | undefined): void {
    if (transfer === undefined && this.isPolled && this.write(batch)) {
      if (!this.isPolled) this.post(null, undefined)
      return
    }
    this.post(batch, transfer)
  }

  private get isPolled(): boolean {
    return Atomics.load(this.ring, pollsAt) !== 0
  }

  private post(message: Posted, transfer: ReadonlyArray<unknown> | undefined): void {
    this.port.postMessage(message, transfer as ReadonlyArray<never> | undefined)
    this.posted = (this.posted + 1) | 0
  }

  // writes the record `[number of messages posted before, length, values …]` in one piece; `false` if the ring is full or a value is not plain
  private write(batch: Batch): boolean {
    const { ring } = this
    const start = this.head
    const free = capacity - (start - Atomics.load(ring, tailAt) | 0)
    const tillEnd = capacity - (start & mask)
    const skipped = tillEnd < maxLength ? tillEnd : 0
    if (free < skipped + maxLength) return false
    const at = first + (start + skipped & mask)
    const end = Words.encode(ring, batch, at + 2, at + maxLength)
    if (end < 0) return false
    if (skipped > 0) ring[first + (start & mask)] = skip
    // `skip` is negative, and a count is not
    ring[at] = this.posted & 0x7fffffff
    ring[at + 1] = batch.length
    this.head = start + skipped + (end - at) | 0
    Atomics.store(ring, headAt, this.head)
    return true
  }
}

/** The receiving half. */
export class Receiver {
  private readonly ring: Ring
  private readonly onBatch: (batch: Batch) => void
  private tail = 0
  private received = 0

  constructor(ring: Ring, onBatch: (batch: Batch) => void) {
    this.ring = ring
    this.onBatch = onBatch
  }

  /** Marks the ring as polled: from now on the writer may use it. */
  listen(): void {
    Atomics.store(this.ring, pollsAt, 1)
  }

  /** Ends the polling, and reads the batches that have just been written. */
  sleep(): void {
    if (this.ring[pollsAt] === 0) return
    Atomics.store(this.ring, pollsAt, 0)
    this.take()
  }

  /** Delivers a message of the port, in order with the ring. */
  posted(message: Posted): void {
    this.take()
    this.received = (this.received + 1) & 0x7fffffff
    if (message !== null) this.onBatch(message)
    this.take()
  }

  /** Reads the batches of the ring, up to the first one that a posted message precedes. Returns whether it read a batch. */
  take(): boolean {
    let any = false
    for (let batch = this.next(); batch !== undefined; batch = this.next()) {
      any = true
      this.onBatch(batch)
    }
    return any
  }

  private next(): Batch | undefined {
    const { ring } = this
    if (Atomics.load(ring, headAt) === this.tail) return undefined
    let start = this.tail
    if (ring[first + (start & mask)] === skip) start = (start | mask) + 1 | 0
    const at = first + (start & mask)
    if (ring[at] !== this.received) return undefined
    const batch = Words.newBatch()
    const end = Words.decode(ring, batch, ring[at + 1]!, at + 2)
    this.tail = start + (end - at) | 0
    Atomics.store(ring, tailAt, this.tail)
    return batch
  }
}
