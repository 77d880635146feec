/**
 * An actor behind a handle that calls reach on two routes: relayed by the process that forwarded the handle, or directly on a channel
 * between the two workers. All calls wait in one queue and start in the order in which they were made, on both routes (C2).
 *
 * - A call that carries handles is relayed, so that these handles do not depend on the channel.
 * - Every other call takes the channel while the actor takes calls there.
 *
 * Before the calls change to the other route, an *embargo* holds them back: a marker follows the calls on the old route, and the calls
 * continue when the actor's worker has read the marker. No embargo is needed when every call on the old route has arrived.
 *
 * The relay supervises the actor. When the actor no longer takes calls on the channel, the calls that provably have not run are
 * relayed in their old order (F3), and so are all further calls, until the relay provides another channel. By then, the relay may have
 * sent the relayed calls that had not run to the next incarnation. No call on the channel may precede them: a relayed call of a
 * supervised actor waits until all calls on the channel have started. The price is that a call with handles whose method runs
 * concurrently (`Rpc.fork`) waits for them, too.
 */
import type { HandleReleased } from "../../ActorError.ts"
import * as Methods from "../codec/methods.ts"
import type * as WireHandles from "../handles/wireHandle.ts"
import { type ActorKind, kindOf } from "../proxy/actorKind.ts"
import { ActorProxy } from "../proxy/actorProxy.ts"
import type { OutgoingCall } from "../proxy/outgoingCall.ts"
import * as Frames from "../wire/frames.ts"
import type { DirectRoute, RouteTable } from "./routeTable.ts"

// the number of relayed calls after which a further route is requested, if there was none
const retryAfter = 64
// the number of relayed calls that could take the channel, after which the calls return to the channel
const returnAfter = 16

/** The channel and the id on it under which the actor takes calls. */
interface Direct {
  readonly routes: RouteTable
  readonly channel: number
  readonly id: number
  readonly kind: ActorKind
  /** an actor, which outlives the handle; otherwise an object, which this holder alone calls */
  readonly isActor: boolean
  /** the relay restarts the actor, and then sends the relayed calls again that have not run */
  readonly isSupervised: boolean
}

/** Which route the calls take. */
type State =
  /** The calls are relayed. After `countdown` of them, a direct route is requested; 0: none is requested. */
  | { readonly _tag: "Relayed"; countdown: number }
  /** The relay has been asked for a direct route. Calls wait. */
  | { readonly _tag: "Resolving" }
  /** The relay has provided a route, and the actor does not take calls there yet. Calls wait. */
  | { readonly _tag: "Opening"; readonly direct: Direct }
  /** The calls take the channel. */
  | { readonly _tag: "Direct"; readonly direct: Direct }
  /** The calls are relayed beside an open channel. After `countdown` calls that could take the channel, the calls return to it. */
  | { readonly _tag: "Detour"; readonly direct: Direct; countdown: number }
  /** A marker follows the calls on the old route. Calls wait until the actor's worker has read it. */
  | { readonly _tag: "Embargoed"; readonly direct: Direct; readonly next: "Direct" | "Detour" }
  /** The handle is released, and a marker follows the calls on the channel. */
  | { readonly _tag: "Leaving"; readonly direct: Direct; readonly onArrived: () => void }
  /** The handle is released. */
  | { readonly _tag: "Left" }

/** The actor as the holder of one handle calls it. */
export class RoutedProxy extends ActorProxy implements DirectRoute {
  private readonly relay: ActorProxy
  private readonly requestRoute: (channel: number, id: number) => void
  private route: State = { _tag: "Resolving" }
  /** the last direct route, whose channel may carry calls after the end of the route */
  private lastDirect: Direct | undefined

  /**
   * `relay`: the actor as relayed calls reach it. `requestRoute`: asks the relay for a route, or to pass a marker to the given one;
   * the answer is passed to {@link provide}.
   */
  constructor(relay: ActorProxy, requestRoute: (channel: number, id: number) => void) {
    super(relay.connection, relay.id, relay.name, relay.address, relay.methods)
    this.relay = relay
    this.requestRoute = requestRoute
    this.kind = relay.kind
    this.identity = relay.identity
  }

  override get resends(): boolean {
    return true
  }

  override get relayed(): ActorProxy {
    return this.relay
  }

  get caller(): ActorProxy {
    return this
  }

  // ---- the relay ----

  /** whether an answer of the relay is expected */
  get isRequested(): boolean {
    const { route } = this
    return route._tag === "Resolving" || route._tag === "Embargoed" && route.next === "Direct"
  }

  /** The relay has provided a route, or none; `routes`: the routes of the channel. */
  provide(info: WireHandles.RouteInfo | undefined, routes: RouteTable | undefined): void {
    if (info === Frames.RouteMarked) return
    if (info === Frames.RouteUnavailable || info === undefined || routes === undefined) {
      this.route = { _tag: "Relayed", countdown: info === undefined ? 0 : retryAfter }
      return this.proceed()
    }
    const [channel, id, mailbox, isSupervised] = info
    const kind = mailbox === undefined ? this.relay.kind : kindOf(this.methods, mailbox)
    const direct = this.lastDirect = { routes, channel, id, kind, isActor: mailbox !== undefined, isSupervised }
    this.route = { _tag: "Opening", direct }
    this.pause("routing")
    routes.accept(id, this)
  }

  // ---- the direct route ----

  opened(): void {
    const { route } = this
    if (route._tag !== "Opening") return
    this.route = { _tag: "Direct", direct: route.direct }
    this.proceed()
  }

  disembargoed(): void {
    const { route } = this
    if (route._tag === "Leaving") return this.leave(route.direct, route.onArrived)
    if (route._tag !== "Embargoed") return
    const { direct, next } = route
    this.route = next === "Direct" ? { _tag: next, direct } : { _tag: next, direct, countdown: returnAfter }
    this.proceed()
  }

  completed(): void {}

  closed(): void {
    const { route } = this
    this.route = route._tag === "Leaving" || route._tag === "Left"
      ? { _tag: "Left" }
      : { _tag: "Relayed", countdown: 1 }
    this.proceed()
    if (route._tag === "Leaving") route.onArrived()
  }

  // ---- calls ----

  protected override canSend(call: OutgoingCall): boolean {
    return !this.isPaused && this.admits(call) && this.hasRoom()
  }

  override advance(): void {
    const { waiting } = this
    for (let call = waiting.first; call !== undefined && this.canSend(call); call = waiting.first) {
      this.connection.send(waiting.take()!)
    }
  }

  // whether a call may take the current route; otherwise the calls are paused
  private admits({ index, method }: OutgoingCall): boolean {
    const { route } = this
    const carriesHandles = Methods.carriesHandles(method)
    switch (route._tag) {
      case "Relayed":
        if (carriesHandles || route.countdown === 0 || --route.countdown > 0) return true
        this.route = { _tag: "Resolving" }
        this.request(0, 0)
        return false
      case "Direct": {
        const { direct } = route
        if (!carriesHandles && direct.kind.wireMethods[index]! >= 0) return true
        if (this.queued === 0) return this.change({ _tag: "Detour", direct, countdown: returnAfter })
        // a call that progresses advances the waiting calls
        if (direct.isSupervised) return false
        this.route = { _tag: "Embargoed", direct, next: "Detour" }
        this.pause("routing")
        this.pushMarker(direct)
        return false
      }
      case "Detour": {
        const { direct } = route
        if (carriesHandles || direct.kind.wireMethods[index]! < 0) {
          route.countdown = returnAfter
          return true
        }
        // a call starts first in the relay, so only settled calls have provably arrived at the actor
        if (this.queued + this.running + this.forked === 0) return this.change({ _tag: "Direct", direct })
        if (route.countdown === 0 || --route.countdown > 0) return true
        this.route = { _tag: "Embargoed", direct, next: "Direct" }
        this.request(direct.channel, direct.id)
        return false
      }
      default:
        return true
    }
  }

  private request(channel: number, id: number): void {
    this.pause("routing")
    this.requestRoute(channel, id)
  }

  private pushMarker({ id, routes }: Direct): void {
    routes.client.outbox.push(Frames.Disembargo, 0, id)
  }

  private change(next: State): true {
    this.route = next
    this.bind()
    return true
  }

  private proceed(): void {
    this.bind()
    this.resume()
    this.advance()
  }

  // binds the proxy to the connection of the current route
  private bind(): void {
    const { relay, route } = this
    if (route._tag === "Direct") {
      const { id, kind, routes } = route.direct
      this.rebind(routes.client, id, this.address)
      this.kind = kind
    } else {
      this.rebind(relay.connection, relay.id, this.address)
      this.kind = relay.kind
    }
  }

  // ---- the end of the handle ----

  /** The handle is released. Calls back when all calls on the channel have arrived: the release of the relay must not overtake them. */
  releaseRoutes(why: () => HandleReleased, onArrived: () => void): void {
    const { lastDirect, route } = this
    this.release(why)
    this.relay.connection.cancelCompensable(this, why)
    const direct = "direct" in route ? route.direct : undefined
    if (lastDirect?.isActor === true) lastDirect.routes.client.cancelCalls(this, why)
    else lastDirect?.routes.client.cancelCompensable(this, why)
    const isMarked = route._tag === "Embargoed" && route.next === "Detour"
    if (direct === undefined || this.queued === 0 || !isMarked && route._tag !== "Direct") {
      return this.leave(direct, onArrived)
    }
    this.route = { _tag: "Leaving", direct, onArrived }
    if (!isMarked) this.pushMarker(direct)
  }

  // an object ends with its relay, and its route ends then
  private leave(direct: Direct | undefined, onArrived: () => void): void {
    this.route = { _tag: "Left" }
    if (direct?.isActor === true) direct.routes.release(direct.id)
    onArrived()
  }
}
