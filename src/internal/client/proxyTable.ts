/**
 * The proxies of a link, by id: of the actors that this side has spawned on the peer, and of the objects whose handles this side
 * holds.
 */
import * as ActorId from "../actor/actorId.ts"
import type * as Methods from "../codec/methods.ts"
import { IntMap } from "../collections/intMap.ts"
import { ActorProxy, type Locate } from "../proxy/actorProxy.ts"
import type { Connection, OutgoingCall } from "../proxy/outgoingCall.ts"
import type { LinkEnd } from "../wire/link.ts"

/** The proxies of one connection. */
export class ProxyTable {
  /** the actors */
  readonly actors = new IntMap<ActorProxy>()
  private readonly objects = new IntMap<ActorProxy>()
  private readonly connection: Connection
  private nextActor = 1
  private ended: LinkEnd | undefined

  constructor(connection: Connection) {
    this.connection = connection
  }

  /** whether the link has ended */
  get hasEnded(): boolean {
    return this.ended !== undefined
  }

  private tableOf(id: number): IntMap<ActorProxy> {
    return id < 0 ? this.objects : this.actors
  }

  /** The calls that wait for room, or for their actor. */
  get waitingCalls(): ReadonlyArray<OutgoingCall> {
    return [...this.actors.values(), ...this.objects.values()].flatMap(({ waiting }) =>
      waiting.size === 0 ? [] : waiting.peek(Infinity)
    )
  }

  /** Adds the proxy of an actor that is to be spawned. */
  open(name: string, locate: Locate, methods: ReadonlyArray<Methods.Method>): ActorProxy {
    const id = this.nextActor++
    const proxy = new ActorProxy(this.connection, id, name, locate, methods)
    proxy.identity = ActorId.next(name)
    proxy.pause("building")
    this.actors.set(id, proxy)
    return proxy
  }

  /** Adds the proxy of an actor whose worker has ended, for the next incarnation of the actor. */
  adopt(proxy: ActorProxy, locate: Locate): void {
    const id = this.nextActor++
    proxy.rebind(this.connection, id, locate)
    this.actors.set(id, proxy)
  }

  /** Adds the proxy of the object behind a handle. */
  addObject(
    id: number,
    name: string,
    address: string,
    methods: ReadonlyArray<Methods.Method>
  ): ActorProxy {
    const proxy = new ActorProxy(this.connection, id, name, address, methods)
    proxy.attached()
    const { ended } = this
    if (ended !== undefined) proxy.endWith(ended)
    else this.objects.set(id, proxy)
    return proxy
  }

  /** Removes the proxy of an object, which has been released. */
  removeObject(id: number): void {
    this.objects.delete(id)
  }

  /** The peer no longer serves an id: removes its proxy, and returns the proxy. */
  closed(id: number): ActorProxy | undefined {
    return this.tableOf(id).delete(id)
  }

  /**
   * The link has ended. Returns the living proxies, which are restarted and carry their calls over. The other proxies have ended with
   * the link.
   */
  end(end: LinkEnd): ReadonlyArray<ActorProxy> {
    this.ended = end
    const all = [...this.actors.values(), ...this.objects.values()]
    this.actors.clear()
    this.objects.clear()
    const living: Array<ActorProxy> = []
    for (const proxy of all) {
      const isRestarting = proxy.paused === "restarting"
      if (proxy.owner !== undefined) proxy.owner.workerEnded(end)
      else proxy.endWith(end)
      // an actor whose next incarnation has not been built has no calls here
      if (proxy.exit === undefined && !isRestarting) living.push(proxy)
    }
    return living
  }
}
