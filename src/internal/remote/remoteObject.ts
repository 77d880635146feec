/**
 * The handle of an object of the peer, and the relay that serves the object to the receivers of a forwarded handle (H4).
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { ActorExited, HandleReleased } from "../../ActorError.ts"
import type { Actor } from "../actor/currentActor.ts"
import type * as Methods from "../codec/methods.ts"
import type { Waits } from "../handles/exports.ts"
import type * as Handles from "../handles/handle.ts"
import * as Marshal from "../handles/marshal.ts"
import { type Lease, type Leases, released } from "../handles/scopeLeases.ts"
import * as WireHandles from "../handles/wireHandle.ts"
import { provideRoute } from "../handoff/provideRoute.ts"
import type { RoutedProxy } from "../handoff/routedProxy.ts"
import { ActorProxy } from "../proxy/actorProxy.ts"
import * as Call from "../proxy/call.ts"
import * as Frames from "../wire/frames.ts"
import * as Shares from "./shares.ts"

/** A kind of object, as its schema describes it. */
export interface ObjectKind {
  readonly kind: string
  readonly methods: ReadonlyArray<Methods.Method>
  /** makes the handle that users see */
  readonly shape: (object: RemoteObject) => object
  /** callers wait at the object, for observers */
  readonly waits?: Waits | undefined
}

/** The import table that holds the object. */
interface ObjectTable extends Handles.ImportTable {
  /** has the peer export an object again, unless it has ended, for another holder; returns the id and the proxy of the share */
  readonly share: (id: number, held: ActorProxy) => readonly [id: number, target: ActorProxy]
  /** makes the handle of an object with an id */
  readonly hold: (
    id: number,
    proxy: ActorProxy,
    handleKind: ObjectKind,
    from: Handles.Importing,
    route: WireHandles.RouteInfo | undefined
  ) => object
}

/** The proxy of an object whose handle has been released. */
class ReleasedProxy extends ActorProxy {
  override refusal(): HandleReleased {
    return released(this)
  }
}

/** An object of the peer. */
export class RemoteObject implements Handles.HandleTarget, Lease {
  readonly kind: string
  readonly id: number
  slot = -1
  /** the handle that users see */
  readonly handle: object
  private readonly imports: ObjectTable
  private readonly handleKind: ObjectKind
  private readonly served: ActorProxy
  private readonly leases: Leases | undefined
  /** the actor that holds the handle; `undefined`: the program */
  readonly holder: Actor | undefined
  private isReleased = false
  /** the proxy that chooses a route for each call, if there is a direct route, or may be one */
  readonly routed: RoutedProxy | undefined

  constructor(
    imports: ObjectTable,
    id: number,
    handleKind: ObjectKind,
    proxy: ActorProxy,
    leases: Leases | undefined,
    holder: Actor | undefined,
    routed: RoutedProxy | undefined
  ) {
    this.imports = imports
    this.id = id
    this.handleKind = handleKind
    this.kind = handleKind.kind
    this.served = proxy
    this.leases = leases
    this.holder = holder
    this.routed = routed
    this.handle = handleKind.shape(this)
  }

  /** the proxy of the object */
  get proxy(): ActorProxy {
    if (!this.isReleased) return this.served
    const { address, connection, id, identity, methods, name } = this.served
    const released = new ReleasedProxy(connection, id, name, address, methods)
    released.identity = identity
    return released
  }

  /** The proxy for the calls of the holder. */
  proxyFor(): ActorProxy {
    return this.isReleased || this.routed === undefined ? this.proxy : this.routed
  }

  get owner(): ActorProxy {
    return this.served
  }

  /** whether callers wait at the object */
  get isAwaited(): boolean {
    return this.handleKind.waits !== undefined
  }

  /** the owner has ended */
  get isOver(): boolean {
    return this.served.exit !== undefined
  }

  /** the handle has an export at its owner, and has not been released */
  get isHeld(): boolean {
    return !this.isReleased && this.id !== 0
  }

  /** The owner has ended, so that nothing remains to be released. */
  ended(): void {
    this.leases?.delete(this)
    const { exit } = this.served
    if (exit !== undefined) this.routed?.end(exit)
  }

  /** The object behind the peer's relay has ended. */
  exited(exit: Exit.Exit<void, ActorExited>): void {
    this.served.end(exit)
    this.ended()
  }

  release(): void {
    if (this.isReleased) return
    this.isReleased = true
    this.leases?.delete(this)
    const { id, imports, isOver, routed, served } = this
    const why = (): HandleReleased => released(served)
    served.release(why)
    served.connection.cancelCompensable(served, why)
    const releaseId = (): void => {
      if (!isOver) imports.releaseId(id)
    }
    // the release follows the calls
    if (routed === undefined) releaseId()
    else routed.releaseRoutes(why, releaseId)
  }

  export(to: Handles.Exporting, _how: unknown): WireHandles.WireHandle {
    if (this.isReleased) throw released(this.served)
    // the peer no longer knows an object that has ended
    if (to.ends.imports === this.imports && !this.isOver) {
      Marshal.onCommit(to, this.imports.pin(this.id))
      return WireHandles.wire([WireHandles.WireYours, this.id, undefined])
    }
    const { handleKind, id, imports, routed, served } = this
    if (to.ends.isLoop) {
      const share = imports.share(id, served)
      const route = routed === undefined ? undefined : Frames.RouteUnavailable
      return Shares.add({
        take: (from) => imports.hold(...share, handleKind, from, route),
        release: () => imports.releaseId(share[0])
      })
    }
    return to.ends.exports.addObject(
      new Relay(imports, id, handleKind, served, to.ends.introducer),
      to
    )
  }
}

/** An object of the peer, served to another holder. */
class Relay implements Handles.ObjectSource {
  readonly kind: string
  readonly methods: ReadonlyArray<Methods.Method>
  readonly context = Context.empty()
  readonly isRelay = true
  readonly owner: ActorProxy
  private readonly imports: ObjectTable
  private readonly id: number
  private readonly handleKind: ObjectKind
  private readonly holder: Handles.Introducer | undefined

  /** `from`: the id of the import, which may be released afterwards; `holder`: the worker of the other holder */
  constructor(
    imports: ObjectTable,
    from: number,
    handleKind: ObjectKind,
    held: ActorProxy,
    holder: Handles.Introducer | undefined
  ) {
    this.imports = imports
    this.holder = holder
    this.handleKind = handleKind
    this.kind = handleKind.kind
    this.methods = handleKind.methods
    ;[this.id, this.owner] = imports.share(from, held)
  }

  open(holder: Scope.Scope): ReturnType<Handles.ObjectSource["open"]> {
    Effect.runSync(Scope.addFinalizer(holder, Effect.sync(() => this.imports.releaseId(this.id))))
    return Call.forward(this.owner)
  }

  again(): Handles.ObjectSource {
    return new Relay(this.imports, this.id, this.handleKind, this.owner, this.holder)
  }

  watch(onExit: (exit: Exit.Exit<void, ActorExited>) => void): () => void {
    return this.owner.watch({ onExit })
  }

  get callTimeout(): number | undefined {
    return this.owner.kind.callTimeout
  }

  route(channel: number, target: number): WireHandles.RouteInfo | undefined {
    return provideRoute(this.owner, this.holder, channel, target, () => undefined)
  }

  reclaim(from: Handles.Importing): object {
    const { handleKind, id, imports, owner } = this
    return imports.hold(...imports.share(id, owner), handleKind, from, undefined)
  }
}
