/**
 * Handles on the wire: how a handle looks in an encoded value, and how the handles in a received value are found. Only the list of
 * handles beside a value marks handles, so data is never mistaken for a handle.
 */
import type * as Frames from "../wire/frames.ts"
import {
  type RouteInfo,
  type WireContent,
  WireDeferred,
  WireKnown,
  WireObject,
  WireYours
} from "../wire/handleContent.ts"

export * from "../wire/handleContent.ts"

/**
 * The mark of a handle on the wire. No link carries symbols, so an object with this mark was made at this end, or has arrived in
 * the list of handles of its transaction. Data is therefore never mistaken for a handle.
 */
const Mark: unique symbol = Symbol("uactor/wire") as never

/** A handle on the wire. */
export interface WireHandle {
  /** set when the handle is exported, and again when it has arrived */
  [Mark]: true
  readonly content: WireContent
  /** the kind of an object, so that the right member of a union imports it; a result has none */
  kind?: string | undefined
  /** the handle has been imported */
  isImported?: boolean
  /** ends the deferral of the release of the export, for a handle that is decoded later */
  unpin?: (() => void) | undefined
}

/** Puts content on the wire. */
export const wire = (content: WireContent): WireHandle => ({ [Mark]: true, content })

/** A pending result, by its id. */
export const pending = (id: number, route?: RouteInfo): WireHandle =>
  wire(route === undefined ? [WireDeferred, id] : [WireDeferred, id, route])

/** The direct route in the content of a handle. */
export const routeOf = (content: WireContent): RouteInfo | undefined => {
  switch (content[0]) {
    case WireDeferred:
      return content[2]
    case WireObject:
      return content[4]
    default:
      return undefined
  }
}

/** A completed result, by the code of its completion. `isPacked`: the value contains handles, and is packed for sending. */
export const known = (status: Frames.CompletionCode, value: unknown, isPacked = false): WireHandle =>
  wire(isPacked ? [WireKnown, status, value, true] : [WireKnown, status, value])

/** The content of an encoded value that is a handle and nothing else. */
export const contentOf = (value: unknown): WireContent | undefined => isWire(value) ? value.content : undefined

/** A handle that the receiver itself exported. `relay` replaces the handle if its export is gone. */
export const yours = (id: number, relay: WireHandle): WireHandle => wire([WireYours, id, relay.content[1]])

/** Whether a value is a handle on the wire. */
export const isWire = (u: unknown): u is WireHandle => typeof u === "object" && u !== null && Mark in u

/** Whether a value is a handle of a kind on the wire. */
export const isWireOf = (kind: string | undefined) => (u: unknown): u is WireHandle => isWire(u) && u.kind === kind

/** A received encoded value that contains handles, but is not itself a handle. */
class Received {
  readonly value: unknown
  readonly wires: ReadonlyArray<WireHandle>

  constructor(value: unknown, wires: ReadonlyArray<WireHandle>) {
    this.value = value
    this.wires = wires
  }
}

/** The received value, with its handles in place. */
export const valueOf = (opened: unknown): unknown => opened instanceof Received ? opened.value : opened

const nothing: ReadonlyArray<WireHandle> = []

/** The handles in an opened value. */
export const wiresOf = (value: unknown): ReadonlyArray<WireHandle> =>
  value instanceof Received ? value.wires : isWire(value) ? [value] : nothing

const recognise = (wire: WireHandle): WireHandle => {
  wire[Mark] = true
  const { content } = wire
  if (content[0] === WireKnown && content[3] === true) content[2] = open(content[2])
  return wire
}

/** Opens the value of a frame that exports handles, and marks these handles. */
export const open = (packed: unknown): unknown => {
  if (!Array.isArray(packed)) return recognise(packed as WireHandle)
  const [value, wires] = packed as [unknown, ReadonlyArray<WireHandle>]
  wires.forEach(recognise)
  return new Received(value, wires)
}
