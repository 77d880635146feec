/**
 * What a handle is, and what the engine requires of the tables of a link: the exports, the imports and the channels. The rooms above
 * implement these interfaces.
 */
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { ActorExited } from "../../ActorError.ts"
import type { Actor } from "../actor/currentActor.ts"
import type * as Definitions from "../actor/definition.ts"
import { forEachIn } from "../clone/forEachIn.ts"
import type * as Codec from "../codec/codec.ts"
import type * as Methods from "../codec/methods.ts"
import { printing } from "../runtime/printing.ts"
import type * as Frames from "../wire/frames.ts"
import type { RouteInfo, WireContent } from "../wire/handleContent.ts"
import type { LinkEnd } from "../wire/link.ts"
import type { WireHandle } from "./wireHandle.ts"

/** The key of the {@link HandleTarget} of a handle: a symbol, which plain data does not have. */
export const HandleTypeId: unique symbol = Symbol.for("uactor/Handle") as never

/** The target of a handle, local or remote. */
export interface HandleTarget {
  /** the kind of the handle */
  readonly kind: string
  /** exports the target; `handleKind`: the kind, as the schema describes it */
  readonly export: (to: Exporting, handleKind: unknown) => WireHandle
  /** releases the target, if it is imported */
  readonly release?: () => void
  /** the owner of an imported target */
  readonly owner?: Pick<Owner, "address"> | undefined
}

/** A worker that can be connected with other workers, as its host sees it. */
export interface Introducer {
  /** serves an actor, an object or a pending result of the worker to another worker, too; `undefined` if one of the two is gone */
  provide(target: number, isResult: boolean, to: Introducer): readonly [channel: number, id: number] | undefined
  /** passes a marker to the worker, after all relayed calls; `false` if the worker has no such channel */
  disembargo(channel: number, id: number): boolean
  /** ends the effect of {@link provide} */
  unprovide(channel: number, id: number): void
  /** the peer of a channel */
  peerOf(channel: number): Introducer | undefined
  /** the worker has ended all calls that another worker, which has died, had made on a channel */
  left(channel: number): void
  /** a message on a channel of the worker was lost */
  severed(channel: number): void
  /** the link to the worker has ended */
  end(end: LinkEnd): void
  /** called with the address of an actor of this worker that does not react to an interruption by another worker */
  readonly onUnresponsive: (address: string) => void
}

/** The channels between a worker and other workers. */
export interface Channels {
  /** whether calls or results of this worker are in progress on a channel */
  readonly isBusy: boolean
  /** opens a channel to another worker, or, without an end, between actors of this worker */
  readonly introduce: (channel: number, end: unknown, interruptTimeout: number) => void
  /** serves an actor, an object or a pending result of this worker on a channel, too; `undefined`: it is gone */
  readonly provide: (channel: number, id: number, target: object | undefined) => void
  /** an actor, an object or a result is no longer served on a channel */
  readonly unprovide: (channel: number, id: number) => void
  /** all calls relayed ahead of the marker have been read: notifies the caller on the channel */
  readonly disembargo: (channel: number, id: number) => void
  /** an actor has ended: fails its pending results that were provided on channels */
  readonly end: (owner: object) => void
  /**
   * the peer of a channel has ended: reads its last messages, and calls back when all calls that it had made have
   * ended
   */
  readonly gone: (channel: number, end: LinkEnd, onLeft: () => void) => void
  /**
   * a message on a channel was lost, at this end or at the peer: the channel carries no further messages; calls back like `gone`
   */
  readonly severed: (channel: number, onLeft: () => void) => void
}

/** A pending result, as it is exported. */
export interface ResultSource {
  /** the handle at this end, for a result that has come back */
  readonly reclaim: (from: Importing) => object
  /** the result, if it is available */
  readonly exit: Exit.Exit<unknown, unknown> | undefined
  /** notifies the listener of the result, immediately if it is available; returns how to remove the listener */
  readonly subscribe: (listener: (exit: Exit.Exit<unknown, unknown>) => void) => () => void
  readonly interrupt: Effect.Effect<void>
  /** the direct route to a result of another worker, for the worker that receives the handle */
  readonly route?: ((holder: Introducer | undefined, codec: Codec.ResultCodec) => RouteInfo | undefined) | undefined
}

/** An object, as it is exported: it stays at its owner, and the holders of its handles call it. */
export interface ObjectSource {
  /** the handle at this end, for an object that has come back */
  readonly reclaim: (from: Importing) => object
  /** the same object for another holder */
  readonly again: () => ObjectSource
  readonly kind: string
  readonly methods: ReadonlyArray<Methods.Method>
  /** the services that its handlers require */
  readonly context: Context.Context<never>
  /** makes the handlers for one holder, whose scope closes when the holder has released the handle or has died */
  readonly open: (holder: Scope.Scope) => Readonly<Record<string, Definitions.Handler>>
  /** the object is a relay: its handlers forward the calls to a remote object */
  readonly isRelay: boolean
  /** the object itself, if it is one of this process, for observers */
  readonly local?: object | undefined
  /**
   * Returns the direct route to the object behind a relay. If the object takes calls as `target` on `channel`, passes a marker there
   * after the relayed calls instead.
   */
  readonly route?: ((channel: number, target: number) => RouteInfo | undefined) | undefined
  /** the timeout of the calls of an actor behind a relay, in milliseconds */
  readonly callTimeout?: number | undefined
  /** of a relay: notifies the listener when the object has ended, immediately if it has; returns how to remove the listener */
  readonly watch?: ((listener: (exit: Exit.Exit<void, ActorExited>) => void) => () => void) | undefined
  /** the actor that the object belongs to, if another exports it */
  readonly owner?: Pick<Owner, "name" | "address"> & { readonly actorId?: string | undefined } | undefined
}

/** The exports of one end of a link. */
export interface ExportTable {
  /** exports a pending result; an available result is sent along, and no export remains (H2) */
  readonly addResult: (source: ResultSource, codec: Codec.ResultCodec, to: Exporting) => WireHandle
  /** exports an object; each holder has its own handlers */
  readonly addObject: (object: ObjectSource, to: Exporting) => WireHandle
  /** the handle that was exported under an id and has come back to this end; `undefined` if the export is gone */
  readonly reclaim: (id: number, handleKind: unknown, from: Importing) => object | undefined
  /** stops serving the export with an id */
  readonly release: (id: number) => void
  /** an export has come back and is reclaimed later: defers its release, until the returned function is called */
  readonly pin: (id: number) => () => void
}

/** The exports of a link, which the peer's frames concern. */
export interface LinkExports extends ExportTable {
  /** whether an exported result is pending */
  readonly isPending: boolean
  /** answers a call with a pending result alone */
  readonly answer: (call: number, source: ResultSource, codec: Codec.ResultCodec, to: Exporting) => void
  /** a pending result that is exported */
  readonly resultOf: (id: number) => object | undefined
  /** the peer interrupts the computation of a result */
  readonly interrupt: (id: number) => void
  /** exports an object to the peer once more, for another holder there */
  readonly share: (id: number, from: number) => void
  /** answers a request for a direct route */
  readonly resolveRoute: (id: number, channel: number, target: number) => void
  /** an exported object has closed */
  readonly closed: (id: number) => void
  /** an actor has ended: its pending results are completed (H5) */
  readonly end: (owner: object) => void
  /** the link has ended */
  readonly endAll: () => void
}

/** The imports of one end of a link. */
export interface ImportTable {
  /** the number of imports */
  readonly size: number
  /** imports a handle; `handleKind`: its kind, as the schema describes it */
  readonly add: (wire: WireContent, handleKind: unknown, from: Importing) => object
  /** a handle that this end exported has come back, but its export is gone: returns a handle of an ended object */
  readonly importEnded: (handleKind: unknown, from: Importing) => object
  /** a result or an object has arrived that is imported later */
  readonly expect: (id: number) => void
  /** an import returns to its owner: defers its release, until the returned function is called */
  readonly pin: (id: number) => () => void
  /** releases a handle that may never have been imported */
  readonly releaseId: (id: number) => void
  /** releases the share or the direct route of a handle that is not imported */
  readonly decline: (wire: WireContent) => void
  /** revokes the share or the direct route of a handle that this end has exported and does not send */
  readonly revoke: (wire: WireContent) => void
}

/** The imports of a link, which the peer's frames concern. */
export interface LinkImports extends ImportTable {
  /** the owner has completed a result */
  readonly complete: (id: number, status: Frames.CompletionCode, value: unknown) => void
  /** the owner has answered a request for a direct route to an object; `undefined`: there is no route */
  readonly routeResolved: (id: number, route: RouteInfo | undefined) => void
  /** the owner no longer serves an object */
  readonly closed: (id: number) => void
  /** the object behind a relay of the peer has ended */
  readonly exited: (id: number, exit: Frames.TargetExit) => void
  /** the link has ended */
  readonly end: (reason: ActorExited["reason"], message: string) => void
}

/** The two tables of one end of a link, and its connections to other workers. */
export interface Ends {
  readonly exports: ExportTable
  readonly imports: ImportTable
  /** the peer, if it is a worker that can be connected with other workers */
  readonly introducer: Introducer | undefined
  /** the channels of this worker to other workers, if it can have channels */
  readonly channels: Channels | undefined
  /** the peer is in the same thread */
  readonly isLoop?: boolean | undefined
}

/** The tables of a link. */
export interface LinkEnds extends Ends {
  readonly exports: LinkExports
  readonly imports: LinkImports
}

/** The exporter of a handle: the end of the link, and the actor that owns the export. */
export interface Exporting {
  readonly ends: Ends
  /** `undefined` for the program outside of any actor */
  readonly owner: Actor | undefined
}

/** The importer of a handle. */
export interface Importing {
  readonly ends: Ends
  /** the owner that the errors of the handle name */
  readonly owner: Owner
  /** the actor that receives; `undefined` for the program outside of any actor */
  readonly receiver: Actor | undefined
  /** the context of the receiver, for decodings that take time */
  readonly context: Context.Context<never>
  /** the scope that releases the handle; `undefined`: the handle lives as long as its owner */
  readonly scope: Scope.Scope | undefined
  /** the scope of the call in whose payload the handle arrives, if the handle is only lent to the call */
  readonly lent?: Scope.Scope | undefined
  /** the handles imported so far, if they may have to be released */
  readonly taken?: Array<object> | undefined
}

/** The actor from which a handle comes. */
export interface Owner {
  readonly name: string
  readonly address: string
  readonly exited: (reason: ActorExited["reason"], outcome: ActorExited["outcome"], message: string) => ActorExited
}

const callerName = "its caller"

/** The owner of the handles that an actor receives from its callers, as errors name it. */
export const caller: Owner = {
  name: callerName,
  address: callerName,
  exited: (reason, outcome, message) => new ActorExited({ actor: callerName, reason, outcome, message })
}

/** The target of a handle. */
const targetOf = (handle: object): HandleTarget => (handle as { readonly [HandleTypeId]: HandleTarget })[HandleTypeId]

/** Releases a received handle, if it is imported. A handle that the receiver itself owns is not changed. */
export const releaseHandle = (received: object): void => {
  if (HandleTypeId in received) targetOf(received).release?.()
}

/** Whether a value is a handle of a kind. */
export const isHandle = (u: unknown, kind: string): boolean =>
  typeof u === "object" && u !== null && HandleTypeId in u && targetOf(u).kind === kind

// a kind of `Handle.object` ends with a number
export const shownKind = ({ kind }: Pick<HandleTarget, "kind">): string => kind.replace(/\.\d+$/, "")

/** The content of a handle in logs. */
export const describe = (handle: object): object => {
  const target = targetOf(handle)
  return { _id: "Handle", kind: shownKind(target), owner: target.owner?.address }
}

/** The text of a handle in logs. */
export const text = (handle: object): string => `Handle(${shownKind(targetOf(handle))})`

/** The properties that print a handle. */
export const printed = printing(describe, text)

/** Exports a handle. */
export const toWire = (handle: object, handleKind: unknown, to: Exporting): WireHandle =>
  targetOf(handle).export(to, handleKind)

/** Finds the handles in a value. */
export const forEachHandle = (value: unknown, found: (handle: object) => void): void =>
  forEachIn(value, (u) => HandleTypeId in u, found)
