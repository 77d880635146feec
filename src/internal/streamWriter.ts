/**
 * The producing end of a streaming method: encodes its items, sends no more than
 * the reader has given credit for (C5), and gathers the items of one turn into
 * one chunk.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as Codec from "./codec.ts"
import * as Handles from "./handles.ts"
import type { Outbox } from "./outbox.ts"
import * as Packing from "./packing.ts"
import type { Turns } from "./turns.ts"
import * as Wire from "./wire.ts"

/** How many items make a chunk, if they come in quick succession: several chunks are under way at a time. */
const limitOf = (window: number): number => Math.min(Math.max(window >> 2, 256), 1024)

const isObject = (item: unknown): boolean => typeof item === "object" && item !== null

/** What a writer needs. */
interface StreamOptions {
  readonly outbox: Outbox
  readonly turns: Turns
  readonly id: number
  readonly codec: Codec.Codec
  /** who hands out what is in the items, if they may have handles */
  readonly exporting: Handles.Exporting | undefined
  /** nobody reads */
  readonly discard: boolean
  /** how many items may be under way */
  readonly window: number | undefined
  /** told when items wait for the end of the turn */
  readonly onStaged: (writer: StreamWriter) => void
}

/** Writes the items of one call. */
export class StreamWriter {
  /** why an item could not be sent, if one could not */
  unencodable: string | undefined
  private readonly options: StreamOptions
  private readonly limit: number
  private available: number
  private staged: Array<unknown> = []
  /** the items that have been encoded and not sent, where they may have handles */
  private parcels: Array<Handles.Parcel> = []
  private waiter: (() => void) | undefined

  constructor(options: StreamOptions) {
    this.options = options
    this.available = options.window ?? Wire.defaultWindow
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

  /** The reader has consumed so many items. */
  credit(items: number): void {
    this.available += items
    const waiter = this.waiter
    this.waiter = undefined
    waiter?.()
  }

  /** Puts what is staged into the outbox. */
  flush(): void {
    if (this.staged.length === 0) return
    const items = this.staged
    this.staged = []
    this.send(items)
  }

  /** The stream has ended: what has been encoded is not sent any more. */
  end(): void {
    this.flush()
    this.parcels.splice(0).forEach((parcel) => parcel.abandon())
  }

  /** An item could not be cloned: the stream ends with that. */
  refuse(text: string): void {
    this.unencodable = text
    this.credit(Infinity)
  }

  private write(items: ReadonlyArray<unknown>): Effect.Effect<void> {
    const written = this.put(items)
    const { turns } = this.options
    turns.pace()
    return turns.isTired ? Effect.andThen(written, Effect.yieldNow) : written
  }

  private put(items: ReadonlyArray<unknown>): Effect.Effect<void> {
    const { codec, discard } = this.options
    if (discard) return Effect.void
    if (codec.passes !== undefined && Codec.allPass(codec.passes, items)) return this.emit(items, 0)
    const encoded: Array<unknown> = []
    for (let i = 0; i < items.length; i++) {
      const item = this.encode(items[i])
      if (!Codec.isSuccess(item)) return this.writeSlowly(encoded, item, items.slice(i + 1))
      encoded.push(item.value)
    }
    return this.emit(encoded, 0)
  }

  private encode(item: unknown): ReturnType<Codec.Codec["encode"]> {
    const { codec, exporting } = this.options
    if (exporting === undefined) return codec.encode(item)
    const parcel = new Handles.Parcel(exporting)
    this.parcels.push(parcel)
    return Handles.encode(parcel, codec, item)
  }

  // some need time to be encoded, or cannot be; those before them are sent in any case
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
    // the producer may change what it has made, a buffer above all, as soon as it makes the next
    if (!this.options.codec.isolated && items.some(isObject)) this.options.outbox.flush()
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
    const { codec, id, outbox } = this.options
    const packed = Packing.pack(items)
    if (packed === undefined && !codec.isolated) outbox.isolate(items)
    outbox.push3(Wire.Chunk, id, packed ?? items)
    this.parcels.splice(0, items.length).forEach((parcel) => parcel.sent())
  }

  // gathers items until the turn ends
  private stage(): void {
    this.options.onStaged(this)
    this.options.outbox.schedule()
  }
}
