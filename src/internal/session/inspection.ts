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
import type { ActorProxy } from "../proxy/actorProxy.ts"
import type { OutgoingCall } from "../proxy/outgoingCall.ts"
import { performance } from "../runtime/globals.ts"
import { type ActorCell, running } from "../server/actorCell.ts"
import type { IncomingCall } from "../server/incomingCall.ts"
import type { Server } from "../server/server.ts"
import type { MadeCall, Reading, ServedActor, ServedCall } from "../waits/calls.ts"

/** One end of a link, with what the keys of its calls start with: the same text at both ends. */
export interface Source {
  readonly client: Client
  readonly server: Server
  readonly imports: { readonly routedProxies: ReadonlyArray<ActorProxy> }
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

const servedCall = (call: IncomingCall, prefix: string, now: number): ServedCall => {
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
    permits: undefined
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
  for (const { served: prefix, server } of sources) {
    for (const call of server.dispatcher.openCalls.slice(0, maxCalls)) {
      served.push(servedCall(call, prefix, now))
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
  return { made, served, actors: Array.from(cells, servedActor), held: [], relays: [] }
}
