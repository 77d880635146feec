/**
 * The imports of one end of a link: the pending results and the objects of the peer, by their ids.
 */
import * as Exit from "effect/Exit"
import type { ActorExited } from "../../ActorError.ts"
import type * as Codec from "../codec/codec.ts"
import type * as Methods from "../codec/methods.ts"
import { IntMap } from "../collections/intMap.ts"
import { Pins } from "../collections/pins.ts"
import { known } from "../handles/completedDeferred.ts"
import * as Handles from "../handles/handle.ts"
import { hold } from "../handles/scopeLeases.ts"
import * as WireHandles from "../handles/wireHandle.ts"
import type { ChannelTable } from "../handoff/channelTable.ts"
import { RoutedProxy } from "../handoff/routedProxy.ts"
import type { ActorProxy } from "../proxy/actorProxy.ts"
import { actorExited } from "../proxy/callErrors.ts"
import * as Frames from "../wire/frames.ts"
import type { Outbox } from "../wire/outbox.ts"
import { RemoteDeferred } from "./remoteDeferred.ts"
import { type ObjectKind, RemoteObject } from "./remoteObject.ts"
import * as Shares from "./shares.ts"

/** The services of the session. */
interface ImportServices {
  /** adds the proxy of an object */
  readonly open: (
    id: number,
    name: string,
    address: string,
    methods: ReadonlyArray<Methods.Method>
  ) => ActorProxy
  /** releases the handles in a value */
  readonly discard: (value: unknown) => void
  /** removes the proxy of an object */
  readonly close: (id: number) => void
}

type Completion = readonly [status: Frames.CompletionCode, value: unknown]

/** What the peer has reported of a handle that is imported later. */
type Early =
  | { readonly _tag: "Completed"; readonly completion: Completion }
  | { readonly _tag: "Exited"; readonly exit: Frames.TargetExit }
  | { readonly _tag: "Closed" }

/** The imports of one end of a link. */
export class Imports implements Handles.ImportTable {
  readonly outbox: Outbox
  /** the peer, if it is a worker that can be connected with other workers */
  readonly introducer: Handles.Introducer | undefined
  /** the channels of this worker to other workers */
  private readonly channels: ChannelTable | undefined
  private readonly services: ImportServices
  private readonly results = new IntMap<RemoteDeferred>()
  /** the results and the objects that are imported later */
  private readonly expected = new Map<number, Early | undefined>()
  /** the imported objects, and the proxies of the relays that share them with further holders */
  private readonly objects = new IntMap<RemoteObject | ActorProxy>()
  private nextShare = 1
  /** the imports that are being sent back to their owner: their release waits */
  private readonly returning = new Pins((id) => this.outbox.push(Frames.Release, id))
  private ended: [reason: ActorExited["reason"], message: string] | undefined

  constructor(
    outbox: Outbox,
    services: ImportServices,
    workers: { readonly introducer: Handles.Introducer | undefined; readonly channels: ChannelTable | undefined }
  ) {
    this.outbox = outbox
    this.services = services
    this.introducer = workers.introducer
    this.channels = workers.channels
  }

  /** whether an imported result is pending */
  get isPending(): boolean {
    return this.results.size > 0
  }

  /** the objects whose handles this side holds, for observers */
  get heldObjects(): ReadonlyArray<RemoteObject> {
    return this.objects.values().filter((object) => object instanceof RemoteObject)
  }

  /** the results and objects whose handles this side holds, for observers */
  get held(): ReadonlyArray<RemoteDeferred | RemoteObject> {
    return [...this.results.values(), ...this.heldObjects]
  }

  /** the kinds of these handles */
  get kinds(): ReadonlyArray<string> {
    return this.held.map(Handles.shownKind)
  }

  /** the proxies that choose a route for each call, for observers */
  get routedProxies(): ReadonlyArray<ActorProxy> {
    return this.heldObjects.flatMap(({ routed }) => routed === undefined ? [] : [routed])
  }

  get size(): number {
    return this.results.size + this.objects.size + this.expected.size + this.returning.size
  }

  /** Whether this table holds an export of the given actor of the peer. An export that may belong to the actor also counts. */
  holdsOf({ address, id, name }: ActorProxy): boolean {
    if (this.expected.size + this.returning.size > 0) return true
    // the suffix of the addresses of the actor's objects; the serving side assigns these addresses
    const end = ` of ${name}#${id}`
    const isIts = (owner: Handles.Owner): boolean => owner.address === address || owner.address.endsWith(end)
    return this.results.some(({ owner }) => owner === Handles.caller || isIts(owner)) ||
      this.objects.some((object) => isIts(object instanceof RemoteObject ? object.proxy : object))
  }

  add(content: WireHandles.WireContent, handleKind: unknown, from: Handles.Importing): object {
    switch (content[0]) {
      case WireHandles.WireKnown:
        return known(content[1], content[2], handleKind as Codec.ResultCodec, { owner: from.owner, importer: from })
      case WireHandles.WireDeferred: {
        const [, id, route] = content
        return hold(from.scope, (leases) => {
          const deferred = new RemoteDeferred(this, id, handleKind as Codec.ResultCodec, from, leases)
          const early = this.takeExpected(id)
          if (early?._tag === "Completed") deferred.complete(...early.completion)
          else if (this.ended !== undefined) deferred.lose(...this.ended)
          else this.results.set(id, deferred)
          if (typeof route === "object") deferred.provide(this.channels?.routesOf(route[0]), route[1])
          return deferred
        })
      }
      case WireHandles.WireShare:
        return Shares.take(content[1])?.take(from) ?? this.importEnded(handleKind, from)
      case WireHandles.WireObject: {
        const [, id, name, address, route, callTimeout, actorId] = content
        const proxy = this.services.open(id, name, address, (handleKind as ObjectKind).methods)
        if (callTimeout !== undefined) proxy.limitCalls(callTimeout)
        if (actorId !== undefined) proxy.identity = actorId
        const early = this.takeExpected(id)
        const handle = this.hold(id, proxy, handleKind as ObjectKind, from, route)
        if (early?._tag === "Exited") this.exited(id, early.exit)
        else if (early?._tag === "Closed") {
          this.services.close(id)
          proxy.end(Exit.void)
          this.closed(id)
        }
        return handle
      }
      default:
        throw new TypeError(`unknown kind of handle: ${String(content[0])}`)
    }
  }

  private takeExpected(id: number): Early | undefined {
    const early = this.expected.get(id)
    this.expected.delete(id)
    return early
  }

  /** Makes the handle of an object with an id. `route`: the direct route to the object; `undefined` if there is none, now or later. */
  hold(
    id: number,
    proxy: ActorProxy,
    kind: ObjectKind,
    from: Handles.Importing,
    route: WireHandles.RouteInfo | undefined
  ): object {
    const routed = route === undefined ? undefined : new RoutedProxy(
      proxy,
      (channel, target) => this.outbox.push(Frames.ResolveRoute, id, channel, target)
    )
    return hold(from.scope, (leases) => {
      const object = new RemoteObject(this, id, kind, proxy, leases, from.receiver, routed)
      if (!object.isOver) this.objects.set(id, object)
      else this.releaseId(id)
      if (route !== undefined) this.provide(object.isOver ? undefined : routed, route)
      return object
    }).handle
  }

  routeResolved(id: number, route: WireHandles.RouteInfo | undefined): void {
    const object = this.objects.get(id)
    const routed = object instanceof RemoteObject ? object.routed : undefined
    this.provide(routed?.isRequested === true ? routed : undefined, route)
  }

  // gives a direct route to its holder, or releases the route
  private provide(routed: RoutedProxy | undefined, route: WireHandles.RouteInfo | undefined): void {
    const routes = typeof route === "object" ? this.channels?.routesOf(route[0]) : undefined
    if (routed !== undefined) routed.provide(route, routes)
    else if (typeof route === "object") routes?.release(route[1])
  }

  decline(content: WireHandles.WireContent): void {
    if (content[0] === WireHandles.WireShare) Shares.take(content[1])?.release()
    this.provide(undefined, WireHandles.routeOf(content))
  }

  revoke(content: WireHandles.WireContent): void {
    if (content[0] === WireHandles.WireShare) Shares.take(content[1])?.release()
    const route = WireHandles.routeOf(content)
    if (typeof route === "object") this.introducer?.peerOf(route[0])?.unprovide(route[0], route[1])
  }

  /**
   * Has the peer export an object again, for another holder. Returns the id and the proxy of the new export. The peer no longer knows an
   * object that has ended, which keeps its proxy.
   */
  share(id: number, held: ActorProxy): readonly [id: number, target: ActorProxy] {
    const { address, methods, name } = held
    const shared = -(2 * this.nextShare++)
    if (held.exit !== undefined) return [shared, held]
    const proxy = this.services.open(shared, name, address, methods)
    if (held.kind.callTimeout !== undefined) proxy.limitCalls(held.kind.callTimeout)
    proxy.identity = held.identity
    this.objects.set(shared, proxy)
    this.outbox.push(Frames.Share, shared, id)
    return [shared, proxy]
  }

  importEnded(handleKind: unknown, { owner: { address, name }, receiver }: Handles.Importing): object {
    const id = 0
    const { kind, methods } = handleKind as ObjectKind
    const proxy = this.services.open(id, name, `a ${kind} of ${address}`, methods)
    this.services.close(id)
    proxy.end(Exit.void)
    return new RemoteObject(this, id, handleKind as ObjectKind, proxy, undefined, receiver, undefined).handle
  }

  expect(id: number): void {
    if (!this.expected.has(id)) this.expected.set(id, undefined)
  }

  complete(id: number, status: Frames.CompletionCode, value: unknown): void {
    if (this.expected.has(id)) return void this.expected.set(id, { _tag: "Completed", completion: [status, value] })
    const deferred = this.results.delete(id)
    if (deferred !== undefined) deferred.complete(status, value)
    // the handle was released in the meantime: releases the handles in the completion, too
    else this.services.discard(value)
  }

  releaseId(id: number): void {
    if (id === 0) return
    const early = this.takeExpected(id)
    if (id > 0) {
      this.results.delete(id)
      if (early?._tag === "Completed") return this.services.discard(early.completion[1])
    } else {
      this.objects.delete(id)
      this.services.close(id)
    }
    if (!this.returning.deferRelease(id)) this.outbox.push(Frames.Release, id)
  }

  pin(id: number): () => void {
    return this.returning.pin(id)
  }

  closed(id: number): void {
    if (this.expected.has(id)) return void this.expected.set(id, { _tag: "Closed" })
    const object = this.objects.delete(id)
    if (object instanceof RemoteObject) object.ended()
  }

  exited(id: number, end: Frames.TargetExit): void {
    if (this.expected.has(id)) return void this.expected.set(id, { _tag: "Exited", exit: end })
    const object = this.objects.get(id)
    if (object === undefined) return
    const { name } = object instanceof RemoteObject ? object.proxy : object
    const exit = end === undefined ? Exit.void : Exit.fail(actorExited(name, end[0], "NotRun", end[1]))
    if (object instanceof RemoteObject) {
      object.exited(exit)
      this.releaseId(id)
    } else object.end(exit)
  }

  end(reason: ActorExited["reason"], message: string): void {
    const pending = this.results.values()
    const objects = this.objects.values()
    this.ended = [reason, message]
    this.results.clear()
    this.objects.clear()
    for (const deferred of pending) deferred.lose(reason, message)
    for (const object of objects) if (object instanceof RemoteObject) object.ended()
  }
}
