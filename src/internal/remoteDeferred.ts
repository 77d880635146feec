/**
 * A result that is in the making elsewhere, as it is held here. One that has been
 * handed on is waited for until those have let go too to whom it was handed (H4).
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { ActorExited } from "../ActorError.ts"
import type * as Codec from "./codec.ts"
import type { Exports, Source } from "./exports.ts"
import * as Handles from "./handles.ts"
import { decode, HeldDeferred, type Result } from "./heldDeferred.ts"
import { hold, type Holding, type Leases } from "./leases.ts"
import { Listeners } from "./listeners.ts"
import type { Outbox } from "./outbox.ts"
import * as Wire from "./wire.ts"

/** The channel on which a result is told directly, its number there, and how to have it told no more. */
export type Passed = readonly [channel: number, id: number, stop: () => void]

/** Where it came from. */
interface Table extends Handles.ImportTable {
  readonly outbox: Outbox
  /** has it told directly to another worker; nothing where that cannot be done */
  readonly passResult: (id: number, codec: Codec.ResultCodec, to: Handles.Ends) => Passed | undefined
}

/** Where it may come from as well. */
interface Channel extends Table {
  /** its completion is wanted, which may have come already */
  readonly watch: (id: number, deferred: RemoteDeferred) => void
  /** its completion is not wanted, or not any more */
  readonly ignore: (id: number) => void
}

/** A result in the making elsewhere. */
export class RemoteDeferred extends HeldDeferred implements Holding {
  readonly id: number
  place = -1
  private readonly imports: Table
  private readonly codec: Codec.ResultCodec
  readonly importer: Handles.Importing
  private readonly leases: Leases | undefined
  /** the one that is told of the result, where this is another holding of it */
  private core: RemoteDeferred | undefined
  private leave: (() => void) | undefined
  /** the channel on which it is told as well, and under which number */
  private direct: readonly [channel: Channel, id: number] | undefined
  /** how many have been handed this */
  private shares = 0
  // made when they are needed: most results are there before anybody waits
  private waiters: Listeners<Result> | undefined
  private sharers: Listeners<Result> | undefined

  constructor(
    imports: Table,
    id: number,
    codec: Codec.ResultCodec,
    from: Handles.Importing,
    leases: Leases | undefined
  ) {
    super(from.owner, undefined)
    this.imports = imports
    this.id = id
    this.codec = codec
    this.importer = from
    this.leases = leases
  }

  get isOver(): boolean {
    return this.result !== undefined
  }

  override get outcome(): Result {
    return this.now ?? this.later
  }

  private get later(): Result {
    return Effect.callback((resume) => {
      const { now } = this
      if (now !== undefined) return resume(now)
      const waiters = this.waiters ??= new Listeners()
      waiters.add(resume)
      return Effect.sync(() => {
        waiters.delete(resume)
      })
    })
  }

  /** Interrupts the making, and completes when that is acknowledged. */
  override get interrupt(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.result !== undefined || this.isReleased && this.shares === 0) return Effect.void
      return Effect.callback<void>((resume) => {
        const done = (): void => resume(Effect.void)
        const stop = this.share(done)
        const { direct, id } = this.core ?? this
        this.imports.outbox.push2(Wire.Cancel, id)
        direct?.[0].outbox.push2(Wire.Cancel, direct[1])
        return Effect.sync(stop)
      })
    })
  }

  /** It is told on a channel as well: whichever word comes first counts. */
  follow(channel: Channel | undefined, id: number): void {
    if (channel === undefined) return
    if (this.result !== undefined || this.isReleased) return channel.ignore(id)
    this.direct = [channel, id]
    channel.watch(id, this)
  }

  complete(status: number, value: unknown, by: Table): void {
    if (by === this.imports) return this.settle(decode(status, value, this.codec, this))
    this.direct = undefined
    // what went wrong with a result is said by the one who stands between, who knows whose it was
    if (status > Wire.CompleteCause) return
    this.settle(decode(status, value, this.codec, this))
    this.imports.releaseId(this.id)
  }

  private settle(result: Result): void {
    if (this.result !== undefined) return
    this.unfollow()
    this.result = result
    this.leases?.delete(this)
    this.sharers?.wake(result)
    this.waiters?.wake(result)
  }

  private unfollow(): void {
    this.direct?.[0].ignore(this.direct[1])
    this.direct = undefined
  }

  lose(reason: ActorExited["reason"], message: string, by: Table): void {
    if (by !== this.imports) {
      this.direct = undefined
      return
    }
    const { owner } = this
    this.settle(
      Effect.fail(owner.exited(reason, "Unknown", `${owner.address} ended before a result was there: ${message}`))
    )
  }

  override release(): void {
    if (this.isReleased) return
    this.isReleased = true
    this.leases?.delete(this)
    this.letGo()
    this.waiters?.wake(this.now!)
  }

  private letGo(): void {
    if (!this.isReleased || this.shares > 0 || this.result !== undefined) return
    this.unfollow()
    if (this.leave === undefined) this.imports.releaseId(this.id)
    else this.leave()
  }

  // waits for the result whether or not the holder itself still wants it
  private share(listener: (result: Result) => void): () => void {
    if (this.result !== undefined) {
      listener(this.result)
      return () => undefined
    }
    this.shares++
    const sharers = this.sharers ??= new Listeners()
    sharers.add(listener)
    return () => {
      if (!sharers.delete(listener)) return
      this.shares--
      this.letGo()
    }
  }

  // ---- handing it on ----

  override reclaim(from: Handles.Importing): object {
    return hold(from.scope, (leases) => {
      const again = new RemoteDeferred(this.imports, this.id, this.codec, from, leases)
      again.core = this.core ?? this
      again.leave = this.share((result) => again.settle(result))
      return again
    })
  }

  // for one to whom it is told directly as well, until that one lets go
  private withStop(stop: () => void): Source {
    return {
      exit: undefined,
      interrupt: this.interrupt,
      reclaim: (from) => this.reclaim(from),
      subscribe: (listener) => {
        const leave = this.subscribe(listener)
        return () => {
          leave()
          stop()
        }
      }
    }
  }

  override subscribe(listener: (exit: Exit.Exit<unknown, unknown>) => void): () => void {
    let stop: () => void = () => undefined
    stop = this.share((result) => {
      const fiber = Effect.runFork(result)
      stop = fiber.addObserver(listener)
    })
    return () => stop()
  }

  override export(to: Handles.Exporting, how: unknown): Handles.WireHandle {
    if (this.isReleased || this.result !== undefined) return super.export(to, how)
    const exports = to.ends.exports as Exports
    const isBack = to.ends.imports === this.imports
    const passed = isBack
      ? undefined
      : this.imports.passResult((this.core ?? this).id, how as Codec.ResultCodec, to.ends)
    const relay = exports.addResult(
      passed === undefined ? this : this.withStop(passed[2]),
      how as Codec.ResultCodec,
      to
    )
    if (passed !== undefined) return Handles.passed(relay, passed[0], passed[1])
    if (!isBack) return relay
    Handles.whenSent(to, this.imports.sendBack(this.id))
    return Handles.yours(this.id, relay)
  }
}
