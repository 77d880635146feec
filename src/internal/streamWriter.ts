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
import type { Outbox } from "./outbox.ts"
import * as Wire from "./wire.ts"

const defaultWindow = 1024
const chunkLimit = 256

/** What a writer needs. */
interface StreamOptions {
  readonly outbox: Outbox
  readonly id: number
  readonly codec: Codec.Codec
  readonly encode: Codec.Codec["encode"]
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
  private available: number
  private staged: Array<unknown> = []
  private waiter: (() => void) | undefined

  constructor(options: StreamOptions) {
    this.options = options
    this.available = options.window ?? defaultWindow
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
    if (!this.options.codec.isolated) this.options.outbox.isolate(items)
    this.options.outbox.push3(Wire.Chunk, this.options.id, items)
  }

  /** An item could not be cloned: the stream ends with that. */
  refuse(text: string): void {
    this.unencodable = text
    this.credit(Infinity)
  }

  private write(items: ReadonlyArray<unknown>): Effect.Effect<void> {
    if (this.options.discard) return Effect.void
    const encode = this.options.encode
    const encoded: Array<unknown> = new Array(items.length)
    for (let i = 0; i < items.length; i++) {
      const item = encode(items[i])
      if (!Codec.isSuccess(item)) return this.writeSlowly(items)
      encoded[i] = item.value
    }
    return this.emit(encoded, 0)
  }

  private writeSlowly(items: ReadonlyArray<unknown>): Effect.Effect<void> {
    return Effect.matchCauseEffect(Effect.forEach(items, this.options.encode), {
      onSuccess: (encoded) => this.emit(encoded, 0),
      onFailure: (cause) => {
        this.unencodable = Codec.issueText(cause)
        return Effect.failCause(cause as Cause.Cause<never>)
      }
    })
  }

  private emit(items: Array<unknown>, from: number): Effect.Effect<void> {
    let at = from
    while (at < items.length && this.available > 0) {
      const room = Math.min(this.available, chunkLimit - this.staged.length, items.length - at)
      if (this.staged.length === 0) this.stage()
      for (const end = at + room; at < end; at++) this.staged.push(items[at])
      this.available -= room
      if (this.staged.length === chunkLimit) this.flush()
    }
    if (this.unencodable !== undefined) return Effect.die(this.unencodable)
    if (at === items.length) return Exit.void
    return Effect.callback((resume) => {
      this.waiter = () => resume(this.emit(items, at))
      return Effect.sync(() => {
        this.waiter = undefined
      })
    })
  }

  // gathers items until the turn ends
  private stage(): void {
    this.options.onStaged(this)
    this.options.outbox.schedule()
  }
}
