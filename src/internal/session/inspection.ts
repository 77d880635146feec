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
import { ActorProxy } from "../proxy/actorProxy.ts"
import type { OutgoingCall } from "../proxy/outgoingCall.ts"
import * as Permits from "../remote/permits.ts"
import { performance } from "../runtime/globals.ts"
import { type ActorCell, running } from "../server/actorCell.ts"
import type { IncomingCall } from "../server/incomingCall.ts"
import type { Server } from "../server/server.ts"
import type { HeldPermits, MadeCall, PermitWait, Reading, ServedActor, ServedCall } from "../waits/calls.ts"

/** One end of a link, with what the keys of its calls start with: the same text at both ends. */
export interface Source {
  readonly client: Client
  readonly server: Server
  readonly imports: {
    readonly routedProxies: ReadonlyArray<ActorProxy>
    readonly heldObjects: ReadonlyArray<{ readonly id: number }>
  }
  readonly made: string
  readonly served: string
}

/** The maximum number of calls of each kind in a reading. */
const maxCalls = 10_000

// the numbers of the calls that a reading has listed
const serials = new WeakMap<OutgoingCall, number>()
let lastSerial = 0

const serialOf = (call: OutgoingCall): number => {
  let serial = serials.get(call)
  if (serial === undefined) serials.set(call, serial = ++lastSerial)
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

const madeCall = (call: OutgoingCall, prefix: string, scopes: Scopes): MadeCall => {
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
    state: call.onAcknowledged !== undefined ? "Cancelling" : isSent ? "Sent" : proxy.isPaused ? "Paused" : "Waiting"
  }
}

const actorOf = (cell: ActorCell): string => {
  const actor = cell.id < 0 ? cell.owner : cell
  return actor === undefined ? "" : ActorId.ofServed(actor.name, actor.number)
}

// the permits for which a call of a semaphore waits; `keyOf`: returns the key of the handle of a holder
const permitWait = (
  { actor, fiber, method }: IncomingCall,
  keyOf: (holder: Scope.Scope) => string | undefined
): PermitWait | undefined => {
  const permits = actor.id < 0 && fiber !== undefined && method.tag === "take"
    ? Permits.servedTo(actor.scope)
    : undefined
  if (permits === undefined) return undefined
  let { free } = permits
  const holders: Array<PermitWait["holders"][number]> = []
  for (const [holder, count] of permits.holders) {
    const key = keyOf(holder)
    // the owner itself
    if (key === undefined) free += count
    else holders.push([key, count])
  }
  // one at least
  return { needed: 1, free, holders }
}

const servedCall = (
  call: IncomingCall,
  prefix: string,
  now: number,
  keyOf: (holder: Scope.Scope) => string | undefined
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
    permits: permitWait(call, keyOf)
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
  const relays: Array<readonly [string, string]> = []
  const held: Array<HeldPermits> = []
  const handles = new Map<Scope.Scope, string>()
  for (const { imports, made: prefix, served: servedPrefix, server } of sources) {
    for (const { id, isRelay, relayed, scope } of server.servedObjects) {
      if (!isRelay) handles.set(scope, `${servedPrefix}${id}`)
      else if (relayed instanceof ActorProxy && relayed.id < 0) {
        relays.push([`${servedPrefix}${id}`, `${ends.get(relayed.connection) ?? ""}${relayed.id}`])
      }
    }
    for (const object of imports.heldObjects) {
      for (const { fiber, permits } of Permits.sectionsOf(object)) {
        held.push({ handle: `${prefix}${object.id}`, permits, fibers: FiberFacts.lineage(fiber) })
      }
    }
  }
  const keyOf = (holder: Scope.Scope): string | undefined => handles.get(holder)
  for (const { served: prefix, server } of sources) {
    for (const call of server.dispatcher.openCalls.slice(0, maxCalls)) {
      served.push(servedCall(call, prefix, now, keyOf))
      if (call.actor.id > 0) cells.add(call.actor)
      if (call.fiber !== undefined) scopes.set(scopeOf(call.fiber), call.fiber.id)
    }
  }
  scopes.delete(undefined)
  for (const { client, imports, made: prefix } of sources) {
    for (const call of client.openCalls.slice(0, maxCalls)) made.push(madeCall(call, prefix, scopes))
    // the calls that wait for a route to their actor, or for room
    for (const proxy of imports.routedProxies) routed.add(proxy)
  }
  for (const { waiting } of routed) for (const call of waiting.peek(maxCalls)) made.push(madeCall(call, "", scopes))
  return { made, served, actors: Array.from(cells, servedActor), held, relays }
}
