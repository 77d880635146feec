/**
 * The handle of a pending result of the peer. A forwarded handle awaits the result until each receiver has released it, too (H4).
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { ActorExited } from "../../ActorError.ts"
import type { Actor } from "../actor/currentActor.ts"
import type * as Codec from "../codec/codec.ts"
import { CompletedDeferred, decode, type Result } from "../handles/completedDeferred.ts"
import type * as Handles from "../handles/handle.ts"
import * as Marshal from "../handles/marshal.ts"
import { hold, type Lease, type Leases } from "../handles/scopeLeases.ts"
import * as WireHandles from "../handles/wireHandle.ts"
import { provideResult } from "../handoff/provideRoute.ts"
import type { DirectRoute, RouteTable } from "../handoff/routeTable.ts"
import { Waiters } from "../runtime/waiters.ts"
import * as Frames from "../wire/frames.ts"
import type { Outbox } from "../wire/outbox.ts"
import * as Shares from "./shares.ts"

/** The import table that holds the result. */
interface ResultTable extends Handles.ImportTable {
  readonly outbox: Outbox
  /** the worker of the result, if it can be connected with other workers */
  readonly introducer: Handles.Introducer | undefined
}

/** A pending result of the peer. The peer reports the completion. If there is a direct route, the owner reports it, too. */
export class RemoteDeferred extends CompletedDeferred implements Lease, DirectRoute {
  readonly id: number
  slot = -1
  private readonly imports: ResultTable
  private readonly codec: Codec.ResultCodec
  readonly importer: Handles.Importing
  private readonly leases: Leases | undefined
  /** the handle that the import table completes; `undefined` if this is that handle */
  private primary: RemoteDeferred | undefined
  /** detaches this handle from the primary handle */
  private detach: (() => void) | undefined
  /** the direct route to the owner, and the id of the result there */
  private direct: readonly [routes: RouteTable, id: number] | undefined
  /** the number of forwarded handles and of interruptions that await the result */
  private observerCount = 0
  // made on first use: most results are available before a fiber awaits them
  private waiters: Waiters<Result> | undefined
  private observers: Waiters<Result> | undefined

  constructor(
    imports: ResultTable,
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

  /** the actor that has received the handle */
  get holder(): Actor | undefined {
    return this.importer.receiver
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
      const waiters = this.waiters ??= new Waiters()
      waiters.add(resume)
      return Effect.sync(() => {
        waiters.delete(resume)
      })
    })
  }

  /** Interrupts the computation, and completes when the owner has acknowledged the interruption. */
  override get interrupt(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.result !== undefined || this.isReleased && this.observerCount === 0) return Effect.void
      return Effect.callback<void>((resume) => {
        const done = (): void => resume(Effect.void)
        const stop = this.observe(done)
        const { direct, id } = this.primary ?? this
        this.imports.outbox.push(Frames.Cancel, id)
        direct?.[0].cancel(direct[1])
        return Effect.sync(stop)
      })
    })
  }

  // ---- the direct route ----

  /** The peer has provided a direct route to the owner. The first completion counts. */
  provide(routes: RouteTable | undefined, id: number): void {
    if (this.result !== undefined || this.isReleased || routes === undefined) return routes?.release(id)
    this.direct = [routes, id]
    routes.accept(id, this)
  }

  get caller(): undefined {
    return undefined
  }

  opened(): void {}

  disembargoed(): void {}

  completed(status: Frames.CompletionCode, value: unknown): void {
    this.direct = undefined
    // the relay reports a failure of the owner, because it knows the actor
    if (this.result !== undefined || status > Frames.CompleteCause) return
    this.settle(decode(status, value, this.codec, this))
    this.imports.releaseId(this.id)
  }

  closed(): void {
    this.direct = undefined
  }

  private leaveRoute(): void {
    const { direct } = this
    this.direct = undefined
    direct?.[0].release(direct[1])
  }

  // ---- the relay ----

  complete(status: Frames.CompletionCode, value: unknown): void {
    this.settle(decode(status, value, this.codec, this))
  }

  private settle(result: Result): void {
    if (this.result !== undefined) return
    this.leaveRoute()
    this.result = result
    this.leases?.delete(this)
    this.observers?.wake(result)
    this.waiters?.wake(result)
  }

  lose(reason: ActorExited["reason"], message: string): void {
    const { owner } = this
    this.settle(
      Effect.fail(
        owner.exited(reason, "Unknown", `${owner.address} ended before a pending result was available: ${message}`)
      )
    )
  }

  override release(): void {
    if (this.isReleased) return
    this.isReleased = true
    this.leases?.delete(this)
    this.releaseIfUnused()
    this.waiters?.wake(this.now!)
  }

  private releaseIfUnused(): void {
    if (!this.isReleased || this.observerCount > 0 || this.result !== undefined) return
    this.leaveRoute()
    if (this.detach === undefined) this.imports.releaseId(this.id)
    else this.detach()
  }

  // awaits the result, even after the release of this handle
  private observe(listener: (result: Result) => void): () => void {
    if (this.result !== undefined) {
      listener(this.result)
      return () => undefined
    }
    this.observerCount++
    const observers = this.observers ??= new Waiters()
    observers.add(listener)
    return () => {
      if (!observers.delete(listener)) return
      this.observerCount--
      this.releaseIfUnused()
    }
  }

  // ---- forwarding ----

  override reclaim(from: Handles.Importing): object {
    return hold(from.scope, (leases) => {
      const again = new RemoteDeferred(this.imports, this.id, this.codec, from, leases)
      again.primary = this.primary ?? this
      again.detach = this.observe((result) => again.settle(result))
      return again
    })
  }

  route(holder: Handles.Introducer | undefined, codec: Codec.ResultCodec): WireHandles.RouteInfo | undefined {
    return provideResult((this.primary ?? this).id, codec, this.imports.introducer, holder)
  }

  override subscribe(listener: (exit: Exit.Exit<unknown, unknown>) => void): () => void {
    let stop: () => void = () => undefined
    stop = this.observe((result) => {
      const fiber = Effect.runFork(result)
      stop = fiber.addObserver(listener)
    })
    return () => stop()
  }

  override export(to: Handles.Exporting, handleKind: unknown): WireHandles.WireHandle {
    if (this.isReleased || this.result !== undefined) return super.export(to, handleKind)
    if (to.ends.isLoop) {
      const release = this.observe(() => undefined)
      const take = (from: Handles.Importing): object => {
        const handle = this.reclaim(from)
        release()
        return handle
      }
      return Shares.add({ take, release })
    }
    const relay = to.ends.exports.addResult(this, handleKind as Codec.ResultCodec, to)
    if (to.ends.imports !== this.imports) return relay
    Marshal.onCommit(to, this.imports.pin(this.id))
    return WireHandles.yours(this.id, relay)
  }
}
