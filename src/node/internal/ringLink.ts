/**
 * The link between two threads: a port for everything, and shared memory for what is small and plain while the other end looks out
 * for it. A message on a port costs each side some microseconds, in which V8 writes and reads it and the event loop delivers it;
 * numbers in a ring that the other end looks at anyway cost a tenth of that.
 *
 * Each direction has a ring with one writer and one reader. Both kinds of message are read in the order in which they were sent:
 * what lies in the ring says how many have been posted before it, and what comes on the port finds everything in the ring that was
 * written before. Nothing is written for a reader who sleeps. One who falls asleep says so and then looks once more, and a
 * writer looks once more whether it still hears, and wakes it otherwise; so one of the two notices.
 */
import type { Batch } from "../../internal/wire.ts"

// words before the ring: how many have been written and read so far, and whether the reader looks out
const headAt = 0
const tailAt = 1
const listensAt = 2
const first = 16

// in words, a power of two
const capacity = 4096
const mask = capacity - 1

/** A longer message is posted. */
const longest = capacity / 4

/** A longer text makes its message be posted. */
const longestText = 64

// how a value begins
const small = 0
const double = 1
const text = 2
const nothing = 3
const nil = 4
const yes = 5
const no = 6

// a record that begins at the end of the ring and not there
const skip = -1

/** The memory of one direction. */
export type Ring = Int32Array<SharedArrayBuffer>

/** Makes it. */
export const makeRing = (): Ring =>
  new Int32Array(new SharedArrayBuffer((first + capacity) * Int32Array.BYTES_PER_ELEMENT))

const scratch = new Float64Array(1)
const halves = new Int32Array(scratch.buffer)

/** What is posted; `null` only wakes the other end. */
export type Posted = Batch | null

/** Where messages are posted. */
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

  /** Throws when a value cannot be cloned, and then nothing has been sent. */
  send(batch: Batch, transfer: ReadonlyArray<unknown> | undefined): void {
    if (transfer === undefined && this.isHeard && this.write(batch)) {
      if (!this.isHeard) this.post(null, undefined)
      return
    }
    this.post(batch, transfer)
  }

  private get isHeard(): boolean {
    return Atomics.load(this.ring, listensAt) !== 0
  }

  private post(message: Posted, transfer: ReadonlyArray<unknown> | undefined): void {
    this.port.postMessage(message, transfer as ReadonlyArray<never> | undefined)
    this.posted = (this.posted + 1) | 0
  }

  // `[posted before, values, …]`, in one piece; `false` if there is no room or something is not plain
  private write(batch: Batch): boolean {
    const { ring } = this
    const start = this.head
    const free = capacity - (start - Atomics.load(ring, tailAt) | 0)
    const tillEnd = capacity - (start & mask)
    const skipped = tillEnd < longest ? tillEnd : 0
    if (free < skipped + longest) return false
    const at = first + (start + skipped & mask)
    const end = this.encode(batch, at + 2, at + longest)
    if (end < 0) return false
    if (skipped > 0) ring[first + (start & mask)] = skip
    // `skip` is no count, because counts are not negative here
    ring[at] = this.posted & 0x7fffffff
    ring[at + 1] = batch.length
    this.head = start + skipped + (end - at) | 0
    Atomics.store(ring, headAt, this.head)
    return true
  }

  // returns where it ends, or a negative number
  private encode(batch: Batch, from: number, limit: number): number {
    const { ring } = this
    let at = from
    for (let i = 0; i < batch.length; i++) {
      // as much as the largest value takes
      if (at > limit - 3) return -1
      const value = batch[i]
      switch (typeof value) {
        case "number":
          if (value === (value | 0) && !Object.is(value, -0)) {
            ring[at] = small
            ring[at + 1] = value
            at += 2
          } else {
            scratch[0] = value
            ring[at] = double
            ring[at + 1] = halves[0]!
            ring[at + 2] = halves[1]!
            at += 3
          }
          break
        case "string": {
          const { length } = value
          if (length > longestText || at + 2 + length > limit) return -1
          ring[at] = text
          ring[at + 1] = length
          for (let i = 0; i < length; i++) ring[at + 2 + i] = value.charCodeAt(i)
          at += 2 + length
          break
        }
        case "undefined":
          ring[at++] = nothing
          break
        case "boolean":
          ring[at++] = value ? yes : no
          break
        default:
          if (value !== null) return -1
          ring[at++] = nil
      }
    }
    return at
  }
}

// copied and not written as a literal, as batches are in the outbox
const empty: Batch = []

/** The receiving half. */
export class Receiver {
  private readonly ring: Ring
  private readonly onBatch: (batch: Batch) => void
  private tail = 0
  private received = 0

  constructor(ring: Ring, onBatch: (batch: Batch) => void) {
    this.ring = ring
    // what somebody throws who is told of a message is uncaught, and concerns neither those behind it nor who looks out for them
    this.onBatch = (batch) => {
      try {
        onBatch(batch)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }

  /** From now on the ring is looked at. */
  listen(): void {
    Atomics.store(this.ring, listensAt, 1)
  }

  /** The ring is not looked at any more, but for what has just been written. */
  sleep(): void {
    if (this.ring[listensAt] === 0) return
    Atomics.store(this.ring, listensAt, 0)
    this.take()
  }

  /** A message has come on the port. */
  posted(message: Posted): void {
    this.take()
    this.received = (this.received + 1) & 0x7fffffff
    if (message !== null) this.onBatch(message)
    this.take()
  }

  /** Reads what is in the ring, as far as nothing is missing that was posted before; whether there was anything. */
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
    const batch = empty.slice()
    const end = this.decode(batch, ring[at + 1]!, at + 2)
    this.tail = start + (end - at) | 0
    Atomics.store(ring, tailAt, this.tail)
    return batch
  }

  // returns where it ends
  private decode(batch: Batch, length: number, from: number): number {
    const { ring } = this
    let at = from
    for (let i = 0; i < length; i++) {
      switch (ring[at++]) {
        case small:
          batch.push(ring[at++])
          break
        case double:
          halves[0] = ring[at]!
          halves[1] = ring[at + 1]!
          batch.push(scratch[0])
          at += 2
          break
        case text: {
          const end = at + 1 + ring[at]!
          batch.push(String.fromCharCode.apply(undefined, ring.subarray(at + 1, end) as unknown as Array<number>))
          at = end
          break
        }
        case nothing:
          batch.push(undefined)
          break
        case nil:
          batch.push(null)
          break
        default:
          batch.push(ring[at - 1] === yes)
      }
    }
    return at
  }
}
