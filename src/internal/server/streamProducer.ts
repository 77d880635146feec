/**
 * The producer of a streaming method: encodes the items, sends no more of them than the reader has given credit for (C5), and gathers
 * the items of one turn into one chunk.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as Codec from "../codec/codec.ts"
import * as Identity from "../codec/identity.ts"
import * as PackedNumbers from "../codec/packedNumbers.ts"
import { isSuccess } from "../effect/completed.ts"
import type * as Handles from "../handles/handle.ts"
import * as Marshal from "../handles/marshal.ts"
import type { EventLoopBudget } from "../runtime/eventLoopBudget.ts"
import { notify } from "../runtime/notify.ts"
import * as Frames from "../wire/frames.ts"
import type { Outbox } from "../wire/outbox.ts"

/** The maximum length of a chunk: several chunks fit into the window. */
const limitOf = (window: number): number => Math.min(Math.max(window >> 2, 256), 1024)

const isObject = (item: unknown): boolean => typeof item === "object" && item !== null

/** The options of a producer. */
interface StreamOptions {
  readonly outbox: Outbox
  readonly budget: EventLoopBudget
  readonly id: number
  readonly codec: Codec.Codec
  /** the exporter of the handles in the items, if the items may contain handles */
  readonly exporting: Handles.Exporting | undefined
  /** the stream has no reader */
  readonly discard: boolean
  /** the maximum number of items in transit; `undefined`: the default */
  readonly window: number | undefined
  /** called when items wait for the end of the turn */
  readonly onStaged: (producer: StreamProducer) => void
}

/** Sends the items of one call. */
export class StreamProducer {
  /** why an item could not be sent */
  unencodable: string | undefined
  private readonly options: StreamOptions
  private readonly limit: number
  private available: number
  private staged: Array<unknown> = []
  /** the transactions of the encoded and unsent items, if the items may contain handles */
  private transactions: Array<Marshal.EncodeTransaction> = []
  private waiter: (() => void) | undefined

  constructor(options: StreamOptions) {
    this.options = options
    this.available = options.window ?? Frames.defaultWindow
    this.limit = limitOf(this.available)
  }

  /** Runs a handler's answer, a stream or an effect that makes a queue, to its end. */
  run(
    answer: Stream.Stream<unknown, unknown> | Effect.Effect<Queue.Dequeue<unknown, unknown>, unknown>
  ): Effect.Effect<void, unknown> {
    if (!Effect.isEffect(answer)) return Stream.runForEachArray(answer, (items) => this.write(items))
    return Effect.scoped(
      Effect.flatMap(answer, (queue) =>
        Pull.catchDone(
          Effect.forever(
            Effect.flatMap(Queue.takeAll(queue as Queue.Dequeue<unknown, Cause.Done>), (items) => this.write(items))
          ),
          () => Effect.void
        ))
    )
  }

  /** The reader has consumed this number of items. */
  credit(items: number): void {
    this.available += items
    const waiter = this.waiter
    this.waiter = undefined
    if (waiter !== undefined) notify(waiter, undefined)
  }

  /** Pushes the staged items. */
  flush(): void {
    if (this.staged.length === 0) return
    const items = this.staged
    this.staged = []
    this.send(items)
  }

  /** The stream has ended: pushes the staged items, and rolls back the others. */
  end(): void {
    this.flush()
    this.transactions.splice(0).forEach((transaction) => transaction.rollback())
  }

  /** Ends the stream, because an item could not be cloned. */
  refuse(text: string): void {
    this.unencodable = text
    this.credit(Infinity)
  }

  private write(items: ReadonlyArray<unknown>): Effect.Effect<void> {
    const written = this.put(items)
    const { budget } = this.options
    budget.pace()
    return budget.isOverBudget ? Effect.andThen(written, Effect.yieldNow) : written
  }

  private put(items: ReadonlyArray<unknown>): Effect.Effect<void> {
    const { codec, discard } = this.options
    if (discard) return Effect.void
    if (codec.isIdentity !== undefined && Identity.areIdentities(codec.isIdentity, items)) return this.emit(items, 0)
    const encoded: Array<unknown> = []
    for (let i = 0; i < items.length; i++) {
      const item = this.encode(items[i])
      if (!isSuccess(item)) return this.writeSlowly(encoded, item, items.slice(i + 1))
      encoded.push(item.value)
    }
    return this.emit(encoded, 0)
  }

  private encode(item: unknown): ReturnType<Codec.Codec["encode"]> {
    const { codec, exporting } = this.options
    if (exporting === undefined) return codec.encode(item)
    const transaction = new Marshal.EncodeTransaction(exporting)
    this.transactions.push(transaction)
    return Marshal.encode(transaction, codec, item)
  }

  // some items take an effect to encode, or cannot be encoded; the items before them are sent in any case
  private writeSlowly(
    encoded: Array<unknown>,
    first: ReturnType<Codec.Codec["encode"]>,
    rest: ReadonlyArray<unknown>
  ): Effect.Effect<void> {
    const add = (item: ReturnType<Codec.Codec["encode"]>) => Effect.map(item, (value) => void encoded.push(value))
    return Effect.matchCauseEffect(
      Effect.andThen(add(first), Effect.forEach(rest, (item) => add(this.encode(item)), { discard: true })),
      {
        onSuccess: () => this.emit(encoded, 0),
        onFailure: (cause) =>
          Effect.flatMap(this.emit(encoded, 0), () => {
            this.unencodable = Codec.issueText(cause)
            return Effect.failCause(cause as Cause.Cause<never>)
          })
      }
    )
  }

  private emit(items: ReadonlyArray<unknown>, from: number): Effect.Effect<void> {
    const { limit } = this
    let at = from
    while (at < items.length && this.available > 0) {
      const { staged } = this
      const room = Math.min(this.available, limit - staged.length, items.length - at)
      this.available -= room
      if (room === limit) {
        this.send(room === items.length ? items : items.slice(at, at + room))
        at += room
      } else {
        if (staged.length === 0) this.stage()
        for (const end = at + room; at < end; at++) staged.push(items[at])
        if (staged.length < limit) continue
        this.flush()
      }
      // the reader can begin
      this.options.outbox.flush()
    }
    // the producer may change an item, above all a buffer, as soon as it makes the next one
    if (!this.options.codec.isFresh && items.some(isObject)) this.options.outbox.flush()
    if (this.unencodable !== undefined) return Effect.die(this.unencodable)
    if (at === items.length) return Exit.void
    return Effect.callback((resume) => {
      this.waiter = () => resume(this.emit(items, at))
      return Effect.sync(() => {
        this.waiter = undefined
      })
    })
  }

  private send(items: ReadonlyArray<unknown>): void {
    const { codec, exporting, id, outbox } = this.options
    if (exporting !== undefined) return items.forEach((item) => this.sendAlone(item, this.transactions.shift()!))
    const packed = PackedNumbers.pack(items)
    outbox.push(Frames.Chunk, id, packed ?? (codec.isFresh ? items : outbox.isolate(items)))
  }

  // sends an item that may contain handles separately, so that a reader that stops early holds only the handles of items it has
  // seen
  private sendAlone(item: unknown, transaction: Marshal.EncodeTransaction): void {
    const { codec, id, outbox } = this.options
    const items = [transaction.packed(item)]
    outbox.push(Frames.carrying(Frames.Chunk, transaction.flag), id, codec.isFresh ? items : outbox.isolate(items))
    transaction.commit()
  }

  // gathers items until the turn ends
  private stage(): void {
    this.options.onStaged(this)
    this.options.outbox.schedule()
  }
}
