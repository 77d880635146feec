/**
 * Everything sent in one turn leaves as one message.
 *
 * Frames are appended to a flat batch, which is handed to the link when the turn
 * ends (a microtask), when it has grown to the link's `flushAt` (to more while
 * many calls are under way), or when its owner says so. Sharing one structured clone has two traps, and both end here:
 * an object that two frames have in common would arrive as one object, so such
 * a frame starts a batch of its own; and one value that cannot be cloned makes
 * the whole batch be refused, so it is then sent frame by frame and the owner is
 * told about the culprit alone.
 */
import * as Depth from "./depth.ts"
import type { Link } from "./link.ts"
import * as Wire from "./wire.ts"

/** What to do with a frame whose value the link refuses to carry. */
export type OnUnsendable = (frame: Wire.Batch, error: unknown) => void

/** Called around every flush. */
export interface FlushHooks {
  /** may push what has been held back for the end of the turn */
  readonly before: () => void
  /** everything pushed so far has been handed to the link */
  readonly after: () => void
}

// Copied and not written as a literal: V8 watches the arrays that a literal makes, and may come to allocate all of them among the old
// objects, where each keeps what it refers to until the next full collection. Measured: a third more for each call in memory.
const empty: Wire.Batch = [0]
const fresh = (): Wire.Batch => empty.slice()

// more frames than so make a message no cheaper
const largest = 64

// how many objects of one payload are looked at before it is sent alone
const walkLimit = 64

/** Appends frames and sends them in batches. */
export class Outbox {
  /** how many batches have been handed to the link */
  private sent = 0
  private batch: Wire.Batch = fresh()
  private frames = 0
  private scheduled = false
  private corked = 0
  private closed = false
  /** how many frames are sent without waiting for the end of the turn */
  private flushAt: number
  // the objects that this batch refers to, and which frame brought them
  private first: object | undefined
  private seen: Map<object, number> | undefined
  /** something in this batch must not be sent, or cannot be looked at */
  private hasRefused = false
  private readonly link: Link
  private readonly onUnsendable: OnUnsendable
  private readonly hooks: FlushHooks | undefined
  private readonly onTurnEnd = (): void => {
    this.scheduled = false
    this.flush()
  }

  constructor(link: Link, onUnsendable: OnUnsendable, hooks?: FlushHooks) {
    this.link = link
    this.flushAt = link.flushAt
    this.onUnsendable = onUnsendable
    this.hooks = hooks
  }

  push1(op: number): void {
    this.batch.push(op)
    this.added()
  }

  push2(op: number, a: unknown): void {
    this.batch.push(op, a)
    this.added()
  }

  /** Where the next frame will stand, for {@link amend4}. */
  get place(): number {
    return this.batch.length
  }

  /** Says something else in the place of a frame of four parts that has been pushed and has not left. */
  amend4(place: number, op: number, b: unknown, c: unknown): void {
    this.batch[place] = op
    this.batch[place + 2] = b
    this.batch[place + 3] = c
  }

  /** Appends a frame that waits for the end of the turn, however many there are. */
  pushLazy2(op: number, a: unknown): void {
    this.batch.push(op, a)
    this.frames++
    this.schedule()
  }

  /** Appends a frame that nobody waits for yet: such frames fill a message. */
  pushLater3(op: number, a: unknown, b: unknown): void {
    this.batch.push(op, a, b)
    this.added(largest)
  }

  push3(op: number, a: unknown, b: unknown): void {
    this.batch.push(op, a, b)
    this.added()
  }

  push4(op: number, a: unknown, b: unknown, c: unknown): void {
    this.batch.push(op, a, b, c)
    this.added()
  }

  push5(op: number, a: unknown, b: unknown, c: unknown, d: unknown): void {
    this.batch.push(op, a, b, c, d)
    this.added()
  }

  push6(op: number, a: unknown, b: unknown, c: unknown, d: unknown, e: unknown): void {
    this.batch.push(op, a, b, c, d, e)
    this.added()
  }

  /** Sends one frame in a message of its own, with the objects it hands over. */
  pushTransfer(frame: Wire.Batch, transfer: ReadonlyArray<unknown>): void {
    this.flush()
    if (this.closed) return
    this.sendFrame(frame, transfer)
  }

  /**
   * To be called with a value before it is pushed, unless its codec makes fresh values of a bounded depth: keeps values apart that
   * share an object, and has those refused that are nested too deeply.
   */
  isolate(value: unknown): void {
    if (typeof value !== "object" || value === null) return
    try {
      Depth.check(value)
      if (this.isApart(value)) return
    } catch {
      // said of it when it is sent by itself
      this.hasRefused = true
      return
    }
    this.flush()
    this.first = value
  }

  private isApart(value: object): boolean {
    if (this.first === undefined) {
      this.first = value
      return true
    }
    if (this.seen === undefined) {
      this.seen = new Map()
      if (!this.claim(this.first, -1)) return false
    }
    return this.claim(value, this.frames)
  }

  /** Tells how many calls are under way: an end that has much to do needs nothing at once, and larger messages cost less. */
  expect(calls: number): void {
    this.flushAt = Math.max(this.link.flushAt, Math.min(calls >> 3, largest))
  }

  /** Sends nothing until the matching {@link uncork}, which flushes. */
  cork(): void {
    this.corked++
  }

  uncork(): void {
    if (--this.corked === 0) this.flush()
  }

  /** Sends what has been pushed, now. */
  flush(): void {
    this.hooks?.before()
    if (this.frames === 0) return
    const batch = this.batch
    this.batch = fresh()
    this.frames = 0
    this.first = undefined
    this.seen = undefined
    const { hasRefused } = this
    this.hasRefused = false
    if (this.closed) return
    batch[0] = this.sent
    if (hasRefused || !this.sendWhole(batch)) this.sendOneByOne(batch)
    this.hooks?.after()
  }

  /** Makes sure that a flush follows at the end of this turn. */
  schedule(): void {
    if (this.scheduled) return
    this.scheduled = true
    queueMicrotask(this.onTurnEnd)
  }

  /** Drops what is pushed from now on: the link has ended. */
  close(): void {
    this.closed = true
    this.batch = fresh()
    this.frames = 0
  }

  private added(most = this.flushAt): void {
    this.frames++
    if (this.corked > 0) return
    if (this.frames >= most) this.flush()
    else this.schedule()
  }

  private sendWhole(batch: Wire.Batch): boolean {
    try {
      this.link.send(batch)
    } catch {
      return false
    }
    this.sent++
    return true
  }

  private sendOneByOne(batch: Wire.Batch): void {
    for (let i = 1; i < batch.length;) {
      const size = Wire.sizes[batch[i] as number]!
      this.sendFrame(batch.slice(i, i + size), undefined)
      i += size
    }
  }

  /** Sends one frame ahead of what has been pushed; `false` if its value cannot be carried. */
  sendNow(frame: Wire.Batch): boolean {
    return this.sendFrame(frame, undefined)
  }

  private sendFrame(frame: Wire.Batch, transfer: ReadonlyArray<unknown> | undefined): boolean {
    try {
      frame.forEach(Depth.check)
      this.link.send([this.sent, ...frame], transfer)
      this.sent++
      return true
    } catch (error) {
      this.onUnsendable(frame, error)
      return false
    }
  }

  // false when the value shares an object with another frame, or is too large to tell
  private claim(value: object, frame: number): boolean {
    const seen = this.seen!
    const todo: Array<object> = [value]
    for (let i = 0; i < todo.length; i++) {
      if (i === walkLimit) return false
      const item = todo[i]!
      const owner = seen.get(item)
      if (owner !== undefined) {
        if (owner !== frame) return false
        continue
      }
      seen.set(item, frame)
      if (ArrayBuffer.isView(item)) {
        todo.push(item.buffer)
      } else if (item instanceof Map) {
        for (const [k, v] of item) {
          if (typeof k === "object" && k !== null) todo.push(k)
          if (typeof v === "object" && v !== null) todo.push(v)
        }
      } else if (item instanceof Set) {
        for (const v of item) if (typeof v === "object" && v !== null) todo.push(v)
      } else {
        for (const key in item) {
          const v = (item as Record<string, unknown>)[key]
          if (typeof v === "object" && v !== null) todo.push(v)
        }
      }
    }
    return true
  }
}

/** Tells whether a batch is the next one on its link. */
export class Inbox {
  private expected = 0

  /** `next`: read it; `repeated`: ignore it; `early`: one before it was lost. */
  check(batch: Wire.Batch): "next" | "repeated" | "early" {
    const number = batch[0] as number
    if (number === this.expected) {
      this.expected++
      return "next"
    }
    return number < this.expected ? "repeated" : "early"
  }
}
