/**
 * Reads the calls in progress of one thread, for an observer: those that its fibers have made, and those that its actors and objects run
 * or have queued. Nothing is recorded before.
 */
import * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as ActorId from "../actor/actorId.ts"
import type { Client } from "../client/client.ts"
import * as FiberFacts from "../effect/fiberFacts.ts"
import { LocalObject } from "../handles/exports.ts"
import { ActorProxy, type PoolMembership } from "../proxy/actorProxy.ts"
import type { OutgoingCall } from "../proxy/outgoingCall.ts"
import * as Awaiting from "../remote/awaiting.ts"
import * as Permits from "../remote/permits.ts"
import { performance } from "../runtime/globals.ts"
import { type ActorCell, running } from "../server/actorCell.ts"
import type { IncomingCall } from "../server/incomingCall.ts"
import type { Server } from "../server/server.ts"
import type { HeldPermits, MadeCall, ObjectWait, OwnWait, Reading, ServedActor, ServedCall } from "../waits/calls.ts"

/** An object of the peer whose handle this end holds. */
interface HeldObject {
  readonly id: number
  readonly isAwaited: boolean
  readonly holder: Parameters<typeof ActorId.ofServed>[0] | undefined
}

/** One end of a link, with what the keys of its calls start with: the same text at both ends. */
export interface Source {
  readonly client: Client
  readonly server: Server
  readonly imports: {
    readonly routedProxies: ReadonlyArray<ActorProxy>
    readonly heldObjects: ReadonlyArray<HeldObject>
  }
  readonly made: string
  readonly served: string
}

/** The maximum number of calls of each kind in a reading. */
const maxCalls = 10_000

// the numbers of the calls, the waits and the objects that a reading has listed
const serials = new WeakMap<object, number>()
let lastSerial = 0

const serialOf = (listed: object): number => {
  let serial = serials.get(listed)
  if (serial === undefined) serials.set(listed, serial = ++lastSerial)
  return serial
}

/** The fibers of handlers, by their scopes: a fiber that is no child of a handler's fiber, such as that of a timeout, shares its scope. */
type Scopes = ReadonlyMap<Scope.Scope | undefined, number>

const scopeOf = (fiber: Fiber.Fiber<unknown, unknown>): Scope.Scope | undefined =>
  Context.getOrUndefined(fiber.context, Scope.Scope)

const fibersOf = (caller: OutgoingCall["caller"], scopes: Scopes): ReadonlyArray<number> => {
  const fibers = FiberFacts.lineage(caller)
  const handler = caller && scopes.get(scopeOf(caller))
  return handler === undefined || fibers.includes(handler) ? fibers : [...fibers, handler]
}

const madeCall = (
  call: OutgoingCall,
  prefix: string,
  scopes: Scopes,
  queue?: readonly [pool: number, ahead: number]
): MadeCall => {
  const { caller, id, index, method, proxy } = call
  const hasTimeout = proxy.callTimeouts?.[index] !== undefined || proxy.kind.runTimeouts?.[index] !== undefined
  const isSent = id !== -1
  return {
    key: isSent ? `${prefix}${id}` : "",
    serial: serialOf(call),
    fibers: fibersOf(caller, scopes),
    isSole: !hasTimeout && call.isAwaited,
    target: proxy.actorId ?? proxy.address,
    method: proxy.isActor ? `${proxy.name}.${method.tag}` : method.tag,
    state: call.onAcknowledged !== undefined
      ? "Cancelling"
      : isSent
      ? "Sent"
      : queue !== undefined
      ? "Pooled"
      : proxy.isPaused
      ? "Paused"
      : "Waiting",
    queue
  }
}

const actorOf = (cell: ActorCell): string => {
  const actor = cell.id < 0 ? cell.owner : cell
  return actor === undefined ? "" : ActorId.ofServed(actor)
}

/** The key of the handle of a holder; `undefined`: the handle is that of the creator, or is unknown. */
type KeyOf = (holder: Scope.Scope) => string | undefined

const creatorKey = (object: LocalObject): string => `#${serialOf(object)}`

const heldPermits = (section: Permits.Section, handle: string): HeldPermits => ({
  serial: serialOf(section),
  handle,
  permits: section.permits,
  fibers: FiberFacts.lineage(section.fiber)
})

// what the calls of a method of an object wait for; `holder`: one of the holders
const objectWait = (
  object: LocalObject,
  method: string,
  holder: Scope.Scope | undefined,
  keyOf: KeyOf
): ObjectWait | undefined => {
  const what = object.waits?.(method)
  if (what === undefined) return undefined
  const permits = holder && Permits.servedTo(holder)
  let free = permits?.free ?? 0
  const holders: Array<readonly [string, number]> = []
  for (const [holder, count] of permits?.holders ?? []) {
    const key = holder === object.creator ? creatorKey(object) : keyOf(holder)
    if (key === undefined) free += count
    else holders.push([key, count])
  }
  return {
    object: serialOf(object),
    kind: object.name,
    method,
    what,
    permits: permits && { needed: permits.needed, free, holders }
  }
}

const servedCall = (
  call: IncomingCall,
  prefix: string,
  now: number,
  at: ObjectWait | undefined
): ServedCall => {
  const { actor, fiber, forked, id, index, interrupted, method, since } = call
  const kind = actor.isRelay ? "Relay" : actor.id < 0 ? "Object" : "Actor"
  return {
    key: `${prefix}${id}`,
    actor: actorOf(actor),
    method: kind === "Actor" ? `${actor.name}.${method.tag}` : method.tag,
    kind,
    state: fiber === undefined ? "Queued" : interrupted ? "Interrupting" : "Running",
    fiber: fiber?.id ?? 0,
    isForked: fiber === undefined ? actor.forks[index] !== false : forked,
    ahead: fiber === undefined ? Math.max(0, actor.mailbox.items.indexOf(call)) : 0,
    forMillis: fiber === undefined ? 0 : Math.max(0, Math.round(now - since)),
    within: FiberFacts.functionOf(fiber),
    at
  }
}

const servedActor = (actor: ActorCell): ServedActor => ({
  id: actorOf(actor),
  concurrency: actor.mailbox.concurrency,
  running: actor.mailbox.running,
  queued: actor.mailbox.size,
  isOpen: actor.state === running
})

/** Reads the calls of these links, which are all of the thread that concern the observer. */
export const read = (sources: ReadonlyArray<Source>): Reading => {
  const now = performance.now()
  const made: Array<MadeCall> = []
  const served: Array<ServedCall> = []
  const cells = new Set<ActorCell>()
  const routed = new Set<ActorProxy>()
  const scopes = new Map<Scope.Scope | undefined, number>()
  const ends = new Map<object, string>(sources.map(({ client, made }) => [client, made]))
  const relays: Array<Reading["relays"][number]> = []
  const held: Array<HeldPermits> = []
  const holders: Array<Reading["holders"][number]> = []
  const keys = new Map<Scope.Scope, string>()
  const exported = new Map<LocalObject, Array<readonly [key: string, cell: ActorCell]>>()
  for (const { imports, made: prefix, served: servedPrefix, server } of sources) {
    for (const cell of server.servedObjects) {
      const { id, isRelay, scope, served } = cell
      const key = `${servedPrefix}${id}`
      if (!isRelay) keys.set(scope, key)
      else if (served instanceof ActorProxy && served.id < 0) {
        relays.push([key, `${ends.get(served.connection) ?? ""}${served.id}`])
      }
      if (served instanceof LocalObject) {
        const all = exported.get(served)
        if (all === undefined) exported.set(served, [[key, cell]])
        else all.push([key, cell])
      }
    }
    for (const object of imports.heldObjects) {
      if (!object.isAwaited) continue
      const handle = `${prefix}${object.id}`
      if (holders.length < maxCalls) {
        holders.push([
          handle,
          object.holder === undefined ? "" : ActorId.ofServed(object.holder)
        ])
      }
      for (const section of Permits.sectionsOf(object)) held.push(heldPermits(section, handle))
    }
  }
  const keyOf: KeyOf = (holder) => keys.get(holder)
  const awaited = new Set<LocalObject>()
  for (const { served: prefix, server } of sources) {
    for (const call of server.dispatcher.openCalls.slice(0, maxCalls)) {
      const { actor: { id, scope, served: object }, fiber, method: { tag } } = call
      const at = object instanceof LocalObject && fiber !== undefined
        ? objectWait(object, tag, scope, keyOf)
        : undefined
      if (at !== undefined) awaited.add(object as LocalObject)
      served.push(servedCall(call, prefix, now, at))
      if (id > 0) cells.add(call.actor)
      if (fiber !== undefined) scopes.set(scopeOf(fiber), fiber.id)
    }
  }
  const handlers = new Set(scopes.values())
  scopes.delete(undefined)
  const waiting: Array<OwnWait> = []
  for (const entry of Awaiting.all()) {
    const object = entry.object as LocalObject
    const fibers = fibersOf(entry.fiber, scopes)
    // other readings of the thread list the others
    if (waiting.length === maxCalls || !fibers.some((fiber) => handlers.has(fiber))) continue
    const at = objectWait(object, entry.method, object.creator, keyOf)
    if (at === undefined) continue
    awaited.add(object)
    waiting.push({ serial: serialOf(entry), fibers, at })
  }
  const handles: Array<Reading["handles"][number]> = []
  const owners: Array<Reading["owners"][number]> = []
  for (const object of awaited) {
    const number = serialOf(object)
    for (const section of Permits.sectionsOf(object)) held.push(heldPermits(section, creatorKey(object)))
    for (const [key] of exported.get(object)?.slice(0, maxCalls) ?? []) handles.push([key, number])
    const [first] = exported.get(object) ?? []
    if (first !== undefined) owners.push([number, actorOf(first[1])])
  }
  const pools = new Map<PoolMembership, number>()
  for (const { client, imports, made: prefix } of sources) {
    for (const { pool } of client.proxies.actors.values()) if (pool !== undefined) pools.set(pool, serialOf(pool))
    for (const call of client.openCalls.slice(0, maxCalls)) made.push(madeCall(call, prefix, scopes))
    // the calls that wait for a route to their actor, or for room
    for (const proxy of imports.routedProxies) routed.add(proxy)
  }
  for (const { waiting } of routed) for (const call of waiting.peek(maxCalls)) made.push(madeCall(call, "", scopes))
  const queued: Array<Reading["pools"][number]> = []
  for (const [pool, number] of pools) {
    const calls = pool.waitingCalls.slice(0, maxCalls)
    if (calls.length === 0) continue
    queued.push([number, pool.name, pool.proxies.map(({ actorId }) => actorId ?? "")])
    for (const [call, ahead] of calls) made.push(madeCall(call, "", scopes, [number, ahead]))
  }
  return {
    made,
    served,
    actors: Array.from(cells, servedActor),
    waiting,
    held,
    handles,
    owners,
    holders,
    relays,
    pools: queued,
    nested: []
  }
}
