/**
 * Sends all frames of one turn as one message.
 *
 * Frames are appended to a flat batch. The batch is passed to the link at the end of the turn (a microtask), when it reaches the
 * link's `flushAt` (more while many calls are in progress), or when the owner of the outbox flushes it.
 *
 * The frames of a batch share one structured clone, which has two traps:
 * - An object in two frames would arrive as one object. The second of the two frames therefore starts a new batch.
 * - One value that cannot be cloned makes the link refuse the whole batch. The batch is then sent frame by frame, and only the refused
 *   frame is reported to the owner.
 */
import { forEachChild } from "../clone/kinds.ts"
import { reasonOf } from "../clone/refusal.ts"
import * as Sendable from "../clone/sendable.ts"
import { queueMicrotask } from "../runtime/globals.ts"
import * as Frames from "./frames.ts"
import type { Link } from "./link.ts"

/** Handles a frame whose value the link refuses to carry. */
export type OnUnsendable = (frame: Frames.Frame, error: unknown) => void

// Copied instead of written as a literal. V8 tracks the arrays that a literal makes, and may start to allocate all of them in the old
// generation, where each array retains its contents until the next full collection. Measured: each call in memory costs a third more.
const empty: Frames.Batch = [0]
const fresh = (): Frames.Batch => empty.slice()

// the maximum to which calls in progress raise `flushAt`; further frames make a message no cheaper
const maxFlushAt = 64

// the number of objects of a payload that are compared with other payloads; a larger payload gets its own batch
const maxComparedObjects = 64

const framesOf = (batch: Frames.Batch): Array<Frames.Frame> => {
  const frames: Array<Frames.Frame> = []
  for (let i = 1; i < batch.length;) {
    const size = Frames.sizes[batch[i] as number]!
    frames.push(batch.slice(i, i + size) as unknown as Frames.Frame)
    i += size
  }
  return frames
}

/** Appends frames and sends them in batches. */
export class Outbox {
  /** the number of batches that have been passed to the link */
  sent = 0
  /** the number of frames in them */
  framesSent = 0
  private batch: Frames.Batch = fresh()
  private frames = 0
  /** the frames of a refused batch, which are sent one by one ahead of all other frames */
  private backlog: Array<Frames.Frame> = []
  /** the link is reading a batch, including properties of user objects, which may run user code */
  private isSending = false
  private scheduled = false
  private corked = 0
  private closed = false
  /** the number of frames at which the batch is sent before the end of the turn */
  private flushAt: number
  // the objects in this batch, each with the index of its frame; `seen` is filled from the second object on
  private first: object | undefined
  private seen: Map<object, number> | undefined
  /** a value in this batch must not be sent, or cannot be read */
  private hasRefused = false
  private readonly link: Link
  private readonly onUnsendable: OnUnsendable
  /** the callbacks of {@link beforeFlush} */
  private readonly fills: Array<() => void> = []
  /** called after each flush: all frames pushed so far have been passed to the link */
  onFlushed: (() => void) | undefined
  private readonly onTurnEnd = (): void => {
    this.scheduled = false
    this.flush()
  }

  constructor(link: Link, onUnsendable: OnUnsendable) {
    this.link = link
    this.flushAt = link.flushAt
    this.onUnsendable = onUnsendable
  }

  /** Appends a frame. The opcode determines the types of its fields. */
  push<Op extends Frames.Opcode>(op: Op, ...fields: Frames.FieldsOf<Op>): void
  push(op: Frames.Opcode, a?: unknown, b?: unknown, c?: unknown, d?: unknown, e?: unknown): void {
    this.append(op, a, b, c, d, e)
    this.added()
  }

  /** Appends a frame that is sent at the end of the turn, however many frames are pushed until then. */
  pushDeferred<Op extends Frames.Opcode>(op: Op, ...fields: Frames.FieldsOf<Op>): void
  pushDeferred(op: Frames.Opcode, a?: unknown, b?: unknown, c?: unknown, d?: unknown, e?: unknown): void {
    this.append(op, a, b, c, d, e)
    this.frames++
    this.schedule()
  }

  /** Appends a frame that no caller awaits yet. Such frames share messages of maximum size. */
  pushBulk<Op extends Frames.Opcode>(op: Op, ...fields: Frames.FieldsOf<Op>): void
  pushBulk(op: Frames.Opcode, a?: unknown, b?: unknown, c?: unknown, d?: unknown, e?: unknown): void {
    this.append(op, a, b, c, d, e)
    this.added(maxFlushAt)
  }

  // without an array for the fields: a call allocates nothing here
  private append(op: Frames.Opcode, a: unknown, b: unknown, c: unknown, d: unknown, e: unknown): void {
    const { batch } = this
    switch (Frames.sizes[op]) {
      case 1:
        batch.push(op)
        break
      case 2:
        batch.push(op, a)
        break
      case 3:
        batch.push(op, a, b)
        break
      case 4:
        batch.push(op, a, b, c)
        break
      case 5:
        batch.push(op, a, b, c, d)
        break
      default:
        batch.push(op, a, b, c, d, e)
    }
  }

  /** The index of the next frame in the batch, for {@link replace}. */
  get offset(): number {
    return this.batch.length
  }

  /** Replaces a frame of the same size that has been pushed and not sent. */
  replace<Op extends Frames.Opcode>(offset: number, op: Op, ...fields: Frames.FieldsOf<Op>): void
  replace(offset: number, op: Frames.Opcode, a?: unknown, b?: unknown, c?: unknown, d?: unknown, e?: unknown): void {
    const { batch } = this
    const size = Frames.sizes[op]!
    batch[offset] = op
    if (size > 1) batch[offset + 1] = a
    if (size > 2) batch[offset + 2] = b
    if (size > 3) batch[offset + 3] = c
    if (size > 4) batch[offset + 4] = d
    if (size > 5) batch[offset + 5] = e
  }

  /** Sends one frame in its own message, with the objects to transfer. */
  pushTransfer(frame: Frames.Frame, transfer: ReadonlyArray<unknown>): void {
    if (this.isSending) return queueMicrotask(() => this.pushTransfer(frame, transfer))
    this.fill()
    this.sendPushed()
    if (this.closed) return
    this.sendFrame(frame, transfer)
    this.onFlushed?.()
  }

  /**
   * Prepares a value for a push, and returns the value to push. Unnecessary for codecs that make fresh values of bounded depth.
   * Values that share an object go into separate batches. Values that must not be sent are refused when they are sent.
   */
  isolate<A>(value: A): A {
    if (typeof value !== "object" || value === null) return value
    let prepared: A & object
    try {
      prepared = Sendable.prepare(value, undefined, this.link.isRemote === true) as A & object
      if (this.isDisjoint(prepared)) return prepared
    } catch {
      // the error is reported when the frame is sent alone
      this.hasRefused = true
      return value
    }
    this.flush()
    return this.first = prepared
  }

  private isDisjoint(value: object): boolean {
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

  /** Sets the number of calls in progress. A busy peer needs no frame immediately, and larger messages cost less. */
  expect(calls: number): void {
    this.flushAt = Math.max(this.link.flushAt, Math.min(calls >> 3, maxFlushAt))
  }

  /** Sends nothing until the matching {@link uncork}, which flushes. */
  cork(): void {
    this.corked++
  }

  uncork(): void {
    if (--this.corked === 0) this.flush()
  }

  /** Sends all pushed frames immediately. */
  flush(): void {
    if (this.isSending) return this.schedule()
    this.fill()
    if (this.sendPushed()) this.onFlushed?.()
  }

  /**
   * Calls back once, as a part of the next flush. The callback pushes the frames that were deferred to the end of the turn. Schedules no
   * flush.
   */
  beforeFlush(fill: () => void): void {
    this.fills.push(fill)
  }

  // a callback may flush: the callbacks that are left run in that flush
  private fill(): void {
    for (let fill = this.fills.shift(); fill !== undefined; fill = this.fills.shift()) fill()
  }

  /** whether all pushed frames have been sent */
  get isEmpty(): boolean {
    return this.frames === 0 && this.backlog.length === 0
  }

  /** The ids of the calls whose state is reported by a pushed but unsent frame. */
  get pending(): ReadonlyArray<number> {
    const { batch } = this
    return [...this.backlog, ...framesOf(batch)].flatMap(([op, id]) =>
      Frames.reportsCall.has(op % Frames.CarriesHandles) ? [id as number] : []
    )
  }

  // sends the backlog and the batch; returns whether there was a batch to send
  private sendPushed(): boolean {
    if (this.backlog.length > 0) this.sendBacklog()
    if (this.frames === 0) return false
    const { batch, frames } = this
    this.batch = fresh()
    this.frames = 0
    this.first = undefined
    this.seen = undefined
    const { hasRefused } = this
    this.hasRefused = false
    if (this.closed) return false
    batch[0] = this.sent
    if (hasRefused || !this.sendWhole(batch)) {
      this.backlog = framesOf(batch)
      this.sendBacklog()
    } else this.framesSent += frames
    return true
  }

  /** Makes sure that a flush follows at the end of this turn. */
  schedule(): void {
    if (this.scheduled) return
    this.scheduled = true
    queueMicrotask(this.onTurnEnd)
  }

  /** Discards all pushed frames from now on, because the link has ended. */
  close(): void {
    this.closed = true
    this.batch = fresh()
    this.backlog = []
    this.frames = 0
  }

  private added(flushAt = this.flushAt): void {
    this.frames++
    if (this.corked > 0) return
    if (this.frames >= flushAt) this.flush()
    else this.schedule()
  }

  private sendWhole(batch: Frames.Batch): boolean {
    this.isSending = true
    try {
      this.link.send(batch)
      this.sent++
      return true
    } catch {
      return false
    } finally {
      this.isSending = false
    }
  }

  // `onUnsendable` may push further frames, which follow the rest of the backlog
  private sendBacklog(): void {
    this.corked++
    for (let frame = this.backlog.shift(); frame !== undefined; frame = this.backlog.shift()) {
      this.sendFrame(frame, undefined)
    }
    this.corked--
    if (this.frames > 0) this.schedule()
  }

  /** Sends one frame ahead of all pushed frames. Returns `false` if the link refuses its value. */
  sendNow(frame: Frames.Frame): boolean {
    return this.sendFrame(frame, undefined)
  }

  private sendFrame(frame: Frames.Frame, transfer: ReadonlyArray<unknown> | undefined): boolean {
    this.isSending = true
    try {
      const moved = transfer && new Set(transfer)
      const prepared = frame.map((part) => Sendable.prepare(part, moved, this.link.isRemote === true))
      this.link.send([this.sent, ...prepared], transfer)
      this.sent++
      this.framesSent++
      return true
    } catch (error) {
      this.isSending = false
      // no object has been transferred yet; objects that cannot be transferred are copied instead
      const movable = transfer?.filter(Sendable.isMovable)
      if (movable !== undefined && movable.length < transfer!.length) {
        return this.sendFrame(frame, movable.length === 0 ? undefined : movable)
      }
      this.onUnsendable(frame, reasonOf(error))
      return false
    } finally {
      this.isSending = false
    }
  }

  // `false` if the value shares an object with another frame, or is too large to be compared
  private claim(value: object, frame: number): boolean {
    const seen = this.seen!
    const todo: Array<object> = [value]
    for (let i = 0; i < todo.length; i++) {
      if (i === maxComparedObjects) return false
      const item = todo[i]!
      const owner = seen.get(item)
      if (owner !== undefined) {
        if (owner !== frame) return false
        continue
      }
      seen.set(item, frame)
      forEachChild(item, (child) => {
        if (typeof child === "object" && child !== null) todo.push(child)
      })
    }
    return true
  }
}
