/**
 * How a handle travels. It stands inside a payload or a result, as part of a
 * schema; while such a value is encoded or decoded, the link it travels on is set
 * here, so that the schema can hand out or take in the handle on the way. A value
 * without handles never comes here.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { ActorExited } from "../ActorError.ts"
import * as Codec from "./codec.ts"
import type { LinkEnd } from "./link.ts"
import type { Neighbour } from "./neighbour.ts"
import type * as Wire from "./wire.ts"

/** The key under which a handle keeps its {@link Carrier}. */
export const HandleTypeId = "~uactor/Handle"

/** What stands behind a handle, here or elsewhere. */
export interface Carrier {
  /** which kind of handle it is */
  readonly kind: string
  /** puts it on the wire; `how` is what the schema knows of its kind */
  readonly export: (to: Exporting, how: unknown) => WireHandle
  /** lets go of it, where it is held and not owned */
  readonly release?: () => void
}

/** The two tables of one end of a link. */
export interface Ends {
  readonly exports: ExportTable
  readonly imports: ImportTable
  /** the worker at the other end, where it can be connected with others */
  readonly neighbour: Neighbour<Ends> | undefined
  /** the channels of this worker to others, where it can have any */
  readonly mesh: Channels | undefined
}

/** The channels between a worker and other workers. */
export interface Channels {
  /** what is held of the worker at the other end of a channel */
  readonly importsOf: (channel: number) => ImportTable | undefined
  /** there is a channel to another worker, or, without an end of it, between the actors of this one */
  readonly introduce: (channel: number, end: unknown, interruptTimeout: number) => void
  /** an actor of this worker takes calls on a channel as well; `undefined`: it is gone */
  readonly admit: (channel: number, id: number, actor: object | undefined) => void
  /** an object or a result of this worker has been handed to another one */
  readonly pass: (channel: number, id: number, from: number) => void
  /** a result is not wanted there any more, or calls of an actor are not to be taken */
  readonly unpass: (channel: number, id: number) => void
  /** an actor has ended: the results that it promised and that were passed are told so */
  readonly end: (owner: object) => void
  /** an object that another worker holds has been handed back, to the process that started both */
  readonly recall: (id: number, channel: number, shared: number, from: number) => void
  /** the worker at the other end of a channel has ended; what it said before is still heard; calls back when what it had called has ended */
  readonly gone: (channel: number, end: LinkEnd, onLeft: () => void) => void
}

/** What one end has handed out. */
export interface ExportTable {
  /** the handle that was handed out under a number, as it comes back to this end; `undefined` if it is gone */
  readonly reclaim: (id: number, how: unknown, from: Importing) => object | undefined
  /** serves no longer what was handed out under a number */
  readonly release: (id: number) => void
  /** what has this number has come back and is taken in later: it stays until what this returns has been called */
  readonly hold: (id: number) => () => void
}

/** What one end holds of the other. */
export interface ImportTable {
  /** how much is held */
  readonly size: number
  /** takes in a handle of the kind that `how` describes */
  readonly add: (wire: WireContent, how: unknown, from: Importing) => object
  /** a handle that was handed out from here comes back, but is gone meanwhile */
  readonly dead: (how: unknown, from: Importing) => object
  /** a result that is taken in later */
  readonly expect: (id: number) => void
  /** what has this number is on its way back to its owner: letting go of it comes behind that; returns what is to be called then */
  readonly sendBack: (id: number) => () => void
  /** lets go of a handle that may never have been taken in */
  readonly releaseId: (id: number) => void
  /** the same for one that was handed from worker to worker */
  readonly refuse: (wire: WireContent, ends: Ends) => void
  /** the same where it was handed out from here, and is not sent */
  readonly withdraw: (wire: WireContent, ends: Ends) => void
}

/** Who hands out: the end of the link, and the actor that is to own what is handed out. */
export interface Exporting {
  readonly ends: Ends
  /** `undefined` for the program outside of any actor */
  readonly owner: object | undefined
}

/**
 * One value on its way out. To encode it may take time, and so may what lies between that and its sending: the finalizers of a
 * handler, or the credit for the item of a stream. What is said of the handles in it must not overtake it, so that waits here.
 */
export class Parcel implements Exporting {
  readonly ends: Ends
  readonly owner: object | undefined
  /** what has been handed out so far */
  private made: Array<WireHandle> = []
  private waiting: Array<() => void> | undefined
  private isClosed = false

  constructor({ ends, owner }: Exporting) {
    this.ends = ends
    this.owner = owner
  }

  /** Remembers what is handed out. */
  add(wire: WireHandle): WireHandle {
    this.made.push(wire)
    return wire
  }

  /** The encoding has ended: what was handed out before a misfit was found, or for a member of a union that did not fit, is nobody's. */
  encoded(exit: Exit.Exit<unknown, unknown>): void {
    if (Exit.isFailure(exit)) return this.abandon()
    const { made } = this
    if (made.length === 0) return
    this.made = []
    const kept = new Set<WireHandle>()
    forEachWire(exit.value, (wire) => kept.add(wire))
    for (const wire of made) {
      if (kept.has(wire)) this.made.push(wire)
      else takeBack(this.ends, wire)
    }
  }

  /** Runs it when the value has left, or does not. */
  whenSent(listener: () => void): void {
    if (this.isClosed) return listener()
    this.waiting ??= []
    this.waiting.push(listener)
  }

  /** The value has left, or does not; from now on it cannot be abandoned. */
  sent(): void {
    const { waiting } = this
    this.made = []
    this.isClosed = true
    this.waiting = undefined
    waiting?.forEach((listener) => listener())
  }

  /** The value does not leave: what was handed out for it is nobody's. */
  abandon(): void {
    for (const wire of this.made) takeBack(this.ends, wire)
    this.sent()
  }
}

/** Runs it when what is handed out has left. */
export const whenSent = (to: Exporting, listener: () => void): void =>
  to instanceof Parcel ? to.whenSent(listener) : listener()

/** Who takes in. */
export interface Importing {
  readonly ends: Ends
  /** whom the failures of the handle speak of */
  readonly owner: Owner
  /** the actor that receives; `undefined` for the program outside of any actor */
  readonly receiver: object | undefined
  /** that of the receiver, for what takes its time to decode */
  readonly context: Context.Context<never>
  /** what the handle lives as long as; `undefined`: as long as its owner */
  readonly scope: Scope.Scope | undefined
  /** what it lives as long as where it is only lent, to the call in whose payload it comes */
  readonly lent?: Scope.Scope | undefined
  /** what has been taken in so far, where it may have to be let go of */
  readonly taken?: Array<object> | undefined
}

/** The actor a handle comes from. */
export interface Owner {
  readonly name: string
  readonly address: string
  readonly exited: (reason: ActorExited["reason"], outcome: ActorExited["outcome"], message: string) => ActorExited
}

/**
 * A way to an actor that leads through nobody else: the channel, its number there, and what its callers must know of it. Or there
 * may be one later.
 */
export type Way = readonly [channel: number, id: number, info: Wire.MailboxInfo] | 0

const WireTag = "~uactor/handle"

/** A result in the making, under its number. */
export const WireDeferred = 0
/** A result that is known. */
export const WireKnown = 1
/**
 * An object to be called, under its number, with the name and the address of its owner, and the way to what stands behind it, if
 * there is another.
 */
export const WireObject = 2
/** A handle of the receiver's own; `relay` stands in if it is gone. */
export const WireYours = 3
/** An object of another worker, under its number on the channel to that. */
export const WireDirect = 4
/** The same on its way from a worker to the process that started it: what is held as `from`, shared under a number of its own. */
export const WireBack = 5

/** A result of another worker, under the number of the one who stands between, and under its number on the channel to that worker. */
export const WirePassed = 6

/** What a handle is on the wire. */
export type WireContent =
  | readonly [kind: typeof WireDeferred, id: number]
  | readonly [kind: typeof WireKnown, status: number, value: unknown]
  | readonly [kind: typeof WireObject, id: number, name: string, address: string, way?: Way]
  | readonly [kind: typeof WireYours, id: number, relay: number | undefined]
  | readonly [kind: typeof WireDirect, id: number, channel: number, name: string, address: string]
  | readonly [kind: typeof WirePassed, id: number, channel: number, passed: number]
  | readonly [kind: typeof WireBack, id: number, channel: number, name: string, address: string, from: number]

/** The same as a value that no schema makes by accident. */
export interface WireHandle {
  readonly [WireTag]: WireContent
  /** what an object is called, so that the right member of a union takes it in; results have none */
  kind?: string | undefined
  /** where it is read later: it need not stay for that any more */
  unhold?: (() => void) | undefined
}

/** Puts content on the wire. */
export const wire = (content: WireContent): WireHandle => ({ [WireTag]: content })

/** A result in the making, by its number. */
export const promise = (id: number): WireHandle => wire([WireDeferred, id])

/** A result that is there, by the code of its completion. */
export const known = (status: number, value: unknown): WireHandle => wire([WireKnown, status, value])

/** What an encoded value is on the wire if it is a handle and nothing else. */
export const contentOf = (value: unknown): WireContent | undefined => isWire(value) ? value[WireTag] : undefined

/** Says that a handle is the receiver's own, with the one that stands in if it is gone. */
export const yours = (id: number, relay: WireHandle): WireHandle => wire([WireYours, id, relay[WireTag][1]])

/** Says that a result is told on a channel as well. */
export const passed = (relay: WireHandle, channel: number, id: number): WireHandle =>
  wire([WirePassed, relay[WireTag][1], channel, id])

/** Whether a value is a handle on the wire. */
export const isWire = (u: unknown): u is WireHandle => typeof u === "object" && u !== null && WireTag in u

/** Whether it is one of a kind. */
export const isWireOf = (kind: string | undefined) => (u: unknown): u is WireHandle => isWire(u) && u.kind === kind

let exporter: Parcel | undefined
let importer: Importing | undefined

/** Who hands out, for a schema that takes its time. */
const CurrentExporter: Context.Reference<Parcel | undefined> = Context.Reference<Parcel | undefined>(
  "uactor/CurrentExporter",
  { defaultValue: () => undefined }
)
const CurrentImporter: Context.Reference<Importing | undefined> = Context.Reference<Importing | undefined>(
  "uactor/CurrentImporter",
  { defaultValue: () => undefined }
)
const fromFiber = <A>(reference: Context.Reference<A>): A | undefined => Fiber.getCurrent()?.getRef(reference)

/** Encodes a value that may contain handles. It is up to the caller to say when it has left. */
export const encode = (
  parcel: Parcel,
  codec: Codec.Codec,
  value: unknown
): ReturnType<Codec.Codec["encode"]> => {
  try {
    // what does not fit is left to the schema, which says why
    if (codec.direct?.is(value) === true) return Exit.succeed(parcel.add(codec.direct.encode(value, parcel)))
  } catch (defect) {
    // it has been released, or cannot be looked at
    return Exit.die(defect)
  }
  const outer = exporter
  exporter = parcel
  let encoded
  try {
    encoded = codec.encode(value)
  } finally {
    exporter = outer
  }
  if (Codec.isSuccess(encoded) || Codec.isFailure(encoded)) {
    parcel.encoded(encoded)
    return encoded
  }
  return Effect.onExit(
    Effect.provideService(encoded, CurrentExporter, parcel),
    (exit) => Effect.sync(() => parcel.encoded(exit))
  )
}

/** Decodes a value that may contain handles. */
export const decode = (from: Importing, codec: Codec.Codec, value: unknown): ReturnType<Codec.Codec["decode"]> => {
  if (codec.direct?.carries(value) === true) return Exit.succeed(codec.direct.decode(value, from))
  const outer = importer
  importer = from
  let decoded
  try {
    decoded = codec.decode(value)
  } finally {
    importer = outer
  }
  if (Codec.isSuccess(decoded)) return decoded
  // what was taken in before the misfit was found is let go
  const undo = Effect.sync(() => releaseAll(from.ends, value))
  if (Codec.isFailure(decoded)) return Effect.andThen(undo, decoded)
  expect(from.ends, value)
  return Effect.onError(Effect.provideService(decoded, CurrentImporter, from), () => undo)
}

/** What stands behind a handle. */
const carrierOf = (handle: object): Carrier => (handle as { readonly [HandleTypeId]: Carrier })[HandleTypeId]

/** Lets go of something that was received, where it is held; what is the receiver's own stays as it is. */
export const letGo = (received: object): void => {
  if (HandleTypeId in received) carrierOf(received).release?.()
}

/** Whether a value is a handle of a kind. */
export const isHandle = (u: unknown, kind: string): boolean =>
  typeof u === "object" && u !== null && HandleTypeId in u && carrierOf(u).kind === kind

/** Who hands out at this moment. */
export const handingOut = (): Parcel => {
  const to = exporter ?? fromFiber(CurrentExporter)
  if (to !== undefined) return to
  throw new TypeError("a handle can only be handed out in a call, its answer, or the arguments of an actor")
}

/** Remembers what is handed out at this moment. */
export const handedOut = (wire: WireHandle): WireHandle => handingOut().add(wire)

/** Encodes a handle, on the way out. */
export const toWire = (handle: object, how: unknown, to: Exporting): WireHandle => carrierOf(handle).export(to, how)

/** Who takes in at this moment. */
export const takingIn = (): Importing => {
  const from = importer ?? fromFiber(CurrentImporter)
  if (from !== undefined) return from
  throw new TypeError("a handle can only be received in a call, its answer, or the arguments of an actor")
}

/** Takes in a handle for someone. */
export const receive = (wire: WireHandle, how: unknown, from: Importing): object => {
  const handle = takeIn(wire, how, from)
  from.taken?.push(handle)
  return handle
}

// no longer
const unhold = (wire: WireHandle): void => {
  wire.unhold?.()
  wire.unhold = undefined
}

const takeIn = (wire: WireHandle, how: unknown, from: Importing): object => {
  const { [WireTag]: content } = wire
  const { exports, imports } = from.ends
  if (content[0] !== WireYours) return imports.add(content, how, from)
  const [, id, relay] = content
  const own = exports.reclaim(id, how, from)
  unhold(wire)
  if (own !== undefined) {
    if (relay !== undefined) imports.releaseId(relay)
    return own
  }
  return relay === undefined ? imports.dead(how, from) : imports.add([WireDeferred, relay], how, from)
}

// finds what is in a value; where `found` returns something, that is looked at as well
const forEachIn = <A extends object>(
  value: unknown,
  is: (u: object) => u is A,
  found: (one: A) => unknown
): void => {
  const seen = new Set<object>()
  const add = (value: unknown): void => {
    if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value)) seen.add(value)
  }
  add(value)
  for (const value of seen) {
    try {
      if (is(value)) add(found(value))
      else if (Array.isArray(value) || value instanceof Set) { for (const item of value) add(item) }
      else if (value instanceof Map) { for (const entry of value) add(entry) }
      else for (const item of Object.values(value)) add(item)
    } catch {
      // what cannot be looked at has none: no schema has made it
    }
  }
}

// finds the handles in an encoded value
const forEachWire = (value: unknown, found: (wire: WireHandle) => void): void =>
  forEachIn(value, isWire, (wire) => {
    found(wire)
    const { [WireTag]: content } = wire
    return content[0] === WireKnown ? content[2] : undefined
  })

/** Finds the handles in a value. */
export const forEachHandle = (value: unknown, found: (handle: object) => void): void =>
  forEachIn(value, (u): u is object => HandleTypeId in u, found)

// the number under which the sender serves it to the receiver, who has it from nobody else
const numberOf = (content: WireContent): number | undefined => {
  switch (content[0]) {
    case WireDeferred:
    case WireObject:
    case WirePassed:
      return content[1]
    case WireYours:
      return content[2]
    default:
      return undefined
  }
}

/** An encoded value has come that is decoded later: what is said of its handles meanwhile is kept. */
export const expect = ({ exports, imports, mesh }: Ends, value: unknown): void =>
  forEachWire(value, (wire) => {
    const { [WireTag]: content } = wire
    if (content[0] === WireYours) wire.unhold ??= exports.hold(content[1])
    const id = content[0] === WireObject ? undefined : numberOf(content)
    if (id !== undefined) imports.expect(id)
    if (content[0] === WirePassed) mesh?.importsOf(content[2])?.expect(content[3])
  })

/** Lets go of every handle in an encoded value that is not decoded, or not wanted any more. */
export const releaseAll = (ends: Ends, value: unknown): void =>
  forEachWire(value, (wire) => {
    const { [WireTag]: content } = wire
    unhold(wire)
    const id = numberOf(content)
    if (id !== undefined) ends.imports.releaseId(id)
    if (id === undefined || content[0] !== WireDeferred) ends.imports.refuse(content, ends)
  })

/** Serves no longer what was handed out in an encoded value that is not sent. */
export const takeBack = (ends: Ends, value: unknown): void =>
  forEachWire(value, ({ [WireTag]: content }) => {
    const id = numberOf(content)
    if (id !== undefined) ends.exports.release(id)
    if (id === undefined || content[0] === WireObject) ends.imports.withdraw(content, ends)
  })
