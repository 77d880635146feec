/**
 * Which handler waits for which, joined from the readings of all threads (calls.ts), and the cycles in that.
 *
 * The threads are read one after the other, so that a cycle in one reading may never have existed. Therefore everything is read twice. What
 * both readings show has lasted from the first one to the second one, and all of it was true at the moment between the two.
 */
import type { HeldPermits, MadeCall, ObjectWait, OwnWait, Reading, ServedActor, ServedCall, Unread } from "./calls.ts"

/** A reading, and the thread to which the fibers in it belong: a worker, or the program. */
interface ThreadReading {
  readonly thread: string
  readonly reading: Reading
}

/** A call that has arrived: it is queued, or a handler runs. */
export interface Handler {
  readonly served: ServedCall
  readonly thread: string
  readonly waits: Array<Wait>
  /** what the handler waits for at objects of its own thread */
  readonly ownWaits: Array<OwnWait & { readonly isCertain: boolean }>
}

/** A call for which a handler waits. */
export interface Wait {
  readonly made: MadeCall
  readonly thread: string
  /** nothing but the answer of this call, or an interruption, continues the handler */
  readonly isCertain: boolean
}

/** An actor with the handlers that count towards its concurrency. */
interface Place {
  readonly actor: ServedActor
  readonly running: Array<Handler>
}

const put = <Item>(map: Map<string, Array<Item>>, key: string, item: Item): void => {
  const items = map.get(key)
  if (items === undefined) map.set(key, [item])
  else items.push(item)
}

/** The maximum number of relays that are followed. */
const maxRelays = 64

const objectKey = (object: number, thread: string): string => `${thread} ${object}`

// the handle of the creator of an object has the number of the object, in its thread
const handleKey = (handle: string, thread: string): string => handle.startsWith("#") ? `${thread} ${handle}` : handle

const idOf = ({ served: { fiber, key }, thread }: Handler): string => `${thread} ${key} ${fiber}`

/** The joined readings of one moment, more or less. */
export class Graph {
  readonly handlers: Array<Handler> = []
  readonly made: Array<Wait> = []
  readonly places = new Map<string, Place>()
  private readonly byKey = new Map<string, Array<Handler>>()
  private readonly byActor = new Map<string, Array<Handler>>()
  private readonly byFiber = new Map<string, Handler>()
  private readonly madeByKey = new Map<string, Array<Wait>>()
  private readonly held = new Map<string, Array<readonly [held: HeldPermits, thread: string]>>()
  private readonly relays = new Map<string, Array<string>>()
  private readonly holders = new Map<string, string>()
  /** by object: the keys of its handles, its owner, and the actors that wait at it */
  private readonly handles = new Map<string, Array<string>>()
  private readonly owners = new Map<string, string>()
  /** by the key of each pool with calls in its queue: its name, and the ids of its members */
  private readonly pools = new Map<string, readonly [name: string, members: ReadonlyArray<string>]>()
  private waiters: ReadonlyMap<string, ReadonlyArray<string>> | undefined

  constructor(readings: ReadonlyArray<ThreadReading>) {
    for (const { reading, thread } of readings) {
      for (const actor of reading.actors) this.places.set(actor.id, { actor, running: [] })
      for (const held of reading.held) {
        const key = handleKey(held.handle, thread)
        // two readings of one thread may list an acquisition by the creator of an object
        if (this.held.get(key)?.some(([{ serial }, other]) => serial === held.serial && other === thread)) continue
        put(this.held, key, [held, thread] as const)
      }
      for (const [holder, owner] of reading.relays) put(this.relays, owner, holder)
      for (const [handle, actor] of reading.holders) this.holders.set(handle, actor)
      for (const [handle, object] of reading.handles) put(this.handles, objectKey(object, thread), handle)
      for (const [pool, ...rest] of reading.pools) this.pools.set(objectKey(pool, thread), rest)
      for (const [object, actor] of reading.owners) this.owners.set(objectKey(object, thread), actor)
    }
    for (const { reading, thread } of readings) {
      for (const served of reading.served) {
        const handler: Handler = { served, thread, waits: [], ownWaits: [] }
        this.handlers.push(handler)
        put(this.byKey, served.key, handler)
        if (served.kind === "Actor" && served.state !== "Queued") put(this.byActor, served.actor, handler)
        if (served.fiber !== 0) this.byFiber.set(`${thread} ${served.fiber}`, handler)
        if (served.state !== "Queued" && served.kind === "Actor" && !served.isForked) {
          this.places.get(served.actor)?.running.push(handler)
        }
      }
    }
    for (const { reading, thread } of readings) {
      for (const made of reading.made) {
        const handler = this.callerOf(made.fibers, thread)
        const isOwn = handler?.served.fiber === made.fibers[0]
        const wait: Wait = { made, thread, isCertain: isOwn && made.isSole && made.state !== "Cancelling" }
        this.made.push(wait)
        put(this.madeByKey, made.key, wait)
        handler?.waits.push(wait)
      }
      for (const wait of reading.waiting) {
        const handler = this.callerOf(wait.fibers, thread)
        handler?.ownWaits.push({ ...wait, isCertain: handler.served.fiber === wait.fibers[0] })
      }
    }
  }

  /** The handler whose fiber is one of these: a fiber and its parents. */
  callerOf(fibers: ReadonlyArray<number>, thread: string): Handler | undefined {
    for (const fiber of fibers) {
      const handler = this.byFiber.get(`${thread} ${fiber}`)
      if (handler !== undefined) return handler
    }
    return undefined
  }

  /** The call at the end that serves it; `undefined`: the call has not been sent, or its thread has not answered. */
  servedOf({ made, thread }: Wait): Handler | undefined {
    // the two ends of a channel between workers give the calls of both directions the same numbers
    if (made.key.includes("!")) {
      return this.byKey.get(made.key.replace("!", "?"))?.find((handler) => handler.thread !== thread)
    }
    return made.key === "" ? undefined : this.byKey.get(made.key)?.[0]
  }

  /** The call at the end that has made it. */
  madeOf({ served: { key }, thread }: Handler): Wait | undefined {
    const other = key.replace("?", "!")
    return this.madeByKey.get(other)?.find((wait) => other === key || wait.thread !== thread)
  }

  /** The actor that has made the call which a handler runs, behind all relays; empty for the program. */
  makerOf(handler: Handler): string | undefined {
    let at: Handler | undefined = handler
    for (let i = 0; at !== undefined && i < maxRelays; i++) {
      const wait = this.madeOf(at)
      if (wait === undefined) return undefined
      const caller = this.callerOf(wait.made.fibers, wait.thread)
      if (caller?.served.kind !== "Relay") return caller?.served.actor ?? ""
      at = caller
    }
    return undefined
  }

  // the actors that wait in a method of an object, by the object and the method
  private get waitersByObject(): ReadonlyMap<string, ReadonlyArray<string>> {
    if (this.waiters !== undefined) return this.waiters
    const waiters = new Map<string, Array<string>>()
    const add = ({ method, object }: ObjectWait, thread: string, actor: string | undefined): void => {
      if (actor !== undefined) put(waiters, `${objectKey(object, thread)} ${method}`, actor)
    }
    for (const handler of this.handlers) {
      const { ownWaits, served: { actor, at }, thread } = handler
      if (at !== undefined) add(at, thread, this.makerOf(handler))
      for (const wait of ownWaits) add(wait.at, thread, actor)
    }
    return this.waiters = waiters
  }

  // the actors to which a handle was sent, directly or by relays
  private actorsWith(handle: string): ReadonlyArray<string> {
    const actor = this.holders.get(handle)
    return [
      ...actor === undefined ? [] : [actor],
      ...this.relays.get(handle)?.flatMap((relay) => this.actorsWith(relay)) ?? []
    ]
  }

  /** The actors that hold an object and do not wait in the same method, and its owner; empty for the program. */
  actorsAt({ method, object }: ObjectWait, thread: string): ReadonlyArray<string> {
    const key = objectKey(object, thread)
    const waiting = new Set(this.waitersByObject.get(`${key} ${method}`))
    const owner = this.owners.get(key)
    const actors = this.handles.get(key)?.flatMap((handle) => this.actorsWith(handle)) ?? []
    return Array.from(new Set([...owner === undefined ? [] : [owner], ...actors])).filter((actor) =>
      !waiting.has(actor)
    )
  }

  /** The actors that hold permits for which a call waits; empty for the program. */
  actorsHolding({ permits }: ObjectWait, thread: string): ReadonlyArray<string> {
    const actors = permits?.holders.flatMap(([handle]) => {
      const key = handleKey(handle, thread)
      const sections = this.holdersOf(handle, thread).map(([handler]) => handler?.served.actor ?? "")
      return sections.length > 0 ? sections : this.actorsWith(key)
    })
    return Array.from(new Set(actors))
  }

  /** The handlers that may end a wait at an object. */
  handlersAt(at: ObjectWait, thread: string): ReadonlyArray<Handler> {
    return at.permits === undefined
      ? this.actorsAt(at, thread).flatMap((actor) => this.handlersOf(actor))
      : at.permits.holders.flatMap(([handle]) =>
        this.holdersOf(handle, thread).flatMap(([handler]) => handler === undefined ? [] : [handler])
      )
  }

  /** What a handler waits for at objects. */
  objectWaits({ ownWaits, served: { at } }: Handler): ReadonlyArray<ObjectWait> {
    return at === undefined ? ownWaits.map(({ at }) => at) : [at]
  }

  /** The handlers that hold permits taken by this handle, at its owner, as far as they are known. */
  holdersOf(
    handle: string,
    thread: string
  ): ReadonlyArray<readonly [handler: Handler | undefined, held: HeldPermits, isCertain: boolean]> {
    const key = handleKey(handle, thread)
    const own = (this.held.get(key) ?? []).map(([held, thread]) => {
      const handler = this.callerOf(held.fibers, thread)
      return [handler, held, handler?.served.fiber === held.fibers[0]] as const
    })
    return [...own, ...this.relays.get(key)?.flatMap((relay) => this.holdersOf(relay, thread)) ?? []]
  }

  /** The handlers of which one at least has to end before the call starts, or whose end answers it. */
  next(wait: Wait): ReadonlyArray<Handler> {
    const served = this.servedOf(wait)
    if (served === undefined) {
      return wait.made.state === "Waiting"
        ? this.runningIn(wait.made.target)
        : this.membersOf(wait).flatMap((member) => this.runningIn(member))
    }
    return served.served.state === "Queued" ? this.runningIn(served.served.actor) : [served]
  }

  /** The members of the pool in whose queue a call waits. */
  membersOf({ made: { queue }, thread }: Wait): ReadonlyArray<string> {
    return queue === undefined ? [] : this.pools.get(objectKey(queue[0], thread))?.[1] ?? []
  }

  /** The pools with calls in their queues, and these calls in order. */
  get queues(): ReadonlyArray<readonly [name: string, members: ReadonlyArray<string>, calls: ReadonlyArray<Wait>]> {
    const queues = new Map<string, Array<Wait>>()
    for (const wait of this.made) {
      if (wait.made.queue !== undefined) put(queues, objectKey(wait.made.queue[0], wait.thread), wait)
    }
    return Array.from(queues, ([key, calls]) => [...this.pools.get(key) ?? ["", []], calls])
  }

  /** The handlers that an actor runs, also out of line. */
  handlersOf(actor: string): ReadonlyArray<Handler> {
    return this.byActor.get(actor) ?? []
  }

  /** The handlers that occupy the places of an actor. */
  runningIn(actor: string): ReadonlyArray<Handler> {
    return this.places.get(actor)?.running ?? []
  }

  /** The handlers for which a handler waits. */
  successors(handler: Handler): ReadonlyArray<Handler> {
    return [
      ...handler.waits.flatMap((wait) => this.next(wait)),
      ...this.objectWaits(handler).flatMap((at) => this.handlersAt(at, handler.thread))
    ]
  }
}

/** The calls in progress in all threads, and the workers that have not answered. */
export interface Calls {
  readonly graph: Graph
  readonly silent: ReadonlySet<string>
  /** what is missing */
  readonly unread: ReadonlyArray<Unread>
}

/** A cycle of handlers, each of which waits for the next one, and the last one for the first one. */
export interface Cycle {
  /** whether no handler of the cycle can end, unless it is interrupted */
  readonly isProved: boolean
  readonly handlers: ReadonlyArray<Handler>
}

/** What a graph and an earlier one show alike: it has lasted in between. */
const lasting = (before: Graph, now: Graph): (handler: Handler) => ReadonlySet<number> | undefined => {
  const earlier = new Map(before.handlers.map((handler) => [idOf(handler), handler]))
  const serials = new Map<Handler, ReadonlySet<number>>()
  for (const handler of now.handlers) {
    const same = earlier.get(idOf(handler))
    if (same === undefined || same.served.state !== handler.served.state) continue
    if (same.served.isForked !== handler.served.isForked) continue
    serials.set(
      handler,
      new Set([...same.waits.map(({ made }) => made.serial), ...same.ownWaits.map(({ serial }) => serial)])
    )
  }
  return (handler) => serials.get(handler)
}

/** The handlers of a graph that cannot end, by what an earlier graph shows, too: the largest set whose members wait for each other. */
const findStuck = (before: Graph, now: Graph, since: ReturnType<typeof lasting>): ReadonlySet<Handler> => {
  const isRunning = (handler: Handler): boolean =>
    handler.served.state === "Running" && !handler.served.isForked && since(handler) !== undefined
  const stuck = new Set(now.handlers.filter(isRunning))
  const isFull = (actor: string): boolean => {
    const place = now.places.get(actor)
    if (place === undefined || !place.actor.isOpen || before.places.get(actor)?.actor.isOpen !== true) return false
    const { actor: { concurrency, running }, running: handlers } = place
    return running >= concurrency && handlers.length === running && handlers.every((handler) => stuck.has(handler))
  }
  const blocks = (handler: Handler, wait: Wait): boolean => {
    if (!wait.isCertain || !since(handler)!.has(wait.made.serial)) return false
    const target = now.servedOf(wait)
    if (target === undefined) return wait.made.state === "Waiting" && isFull(wait.made.target)
    const { served: { actor, isForked, kind, state } } = target
    if (state !== "Queued") return stuck.has(target)
    return kind === "Actor" && !isForked && since(target) !== undefined && isFull(actor)
  }
  const lacksPermits = ({ permits }: ObjectWait, thread: string): boolean => {
    if (permits === undefined) return false
    let available = permits.free
    let isHeld = false
    for (const [handle, count] of permits.holders) {
      let kept = 0
      for (const [holder, held, isCertain] of now.holdersOf(handle, thread)) {
        if (isCertain && stuck.has(holder!)) kept += held.permits
      }
      isHeld ||= kept > 0
      available += Math.max(0, count - kept)
    }
    // permits without a holder come from a signal
    return isHeld && available < permits.needed
  }
  const isHeldUp = (handler: Handler): boolean => {
    const { ownWaits, served: { at }, thread, waits } = handler
    const serials = since(handler)!
    return waits.some((wait) => blocks(handler, wait)) ||
      at !== undefined && lacksPermits(at, thread) ||
      ownWaits.some(({ at, isCertain, serial }) => isCertain && serials.has(serial) && lacksPermits(at, thread))
  }
  for (let size = Infinity; stuck.size < size;) {
    size = stuck.size
    for (const handler of stuck) {
      if (!isHeldUp(handler)) stuck.delete(handler)
    }
  }
  return stuck
}

/** The maximum number of cycles that are searched for. */
const maxCycles = 256

// the cycles among some handlers, each once
const cyclesAmong = (
  handlers: Iterable<Handler>,
  successors: (handler: Handler) => ReadonlyArray<Handler>
): ReadonlyArray<ReadonlyArray<Handler>> => {
  const cycles: Array<ReadonlyArray<Handler>> = []
  const done = new Set<Handler>()
  for (const start of handlers) {
    // depth first, without recursion: chains of calls may be long
    const path: Array<Handler> = []
    const on = new Set<Handler>()
    const stack: Array<readonly [handler: Handler, next: Array<Handler>]> = []
    const enter = (handler: Handler): void => {
      path.push(handler)
      on.add(handler)
      stack.push([handler, [...successors(handler)]])
    }
    if (!done.has(start)) enter(start)
    while (stack.length > 0 && cycles.length < maxCycles) {
      const [handler, next] = stack.at(-1)!
      const other = next.pop()
      if (other === undefined) {
        stack.pop()
        path.pop()
        on.delete(handler)
        done.add(handler)
      } else if (on.has(other)) cycles.push(path.slice(path.indexOf(other)))
      else if (!done.has(other)) enter(other)
    }
  }
  return cycles
}

/** The cycles of handlers that two graphs, read one after the other, show. */
export const cycles = (before: Graph, now: Graph): ReadonlyArray<Cycle> => {
  const since = lasting(before, now)
  const stuck = findStuck(before, now, since)
  const proved = cyclesAmong(stuck, (handler) => now.successors(handler).filter((other) => stuck.has(other)))
  const isLasting = (handler: Handler): boolean => handler.served.state === "Running" && since(handler) !== undefined
  const rest = now.handlers.filter((handler) => isLasting(handler) && !stuck.has(handler))
  const possible = cyclesAmong(rest, (handler) => {
    const serials = since(handler)!
    const waits = handler.waits.filter(({ made }) => serials.has(made.serial))
    const ownWaits = handler.ownWaits.filter(({ serial }) => serials.has(serial))
    return now.successors({ ...handler, waits, ownWaits }).filter((other) => isLasting(other) && !stuck.has(other))
  })
  return [
    ...proved.map((handlers) => ({ isProved: true, handlers })),
    ...possible.map((handlers) => ({ isProved: false, handlers }))
  ]
}
