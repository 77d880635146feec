/**
 * Sends handles inside values. A handle is a part of a payload or a result, by its schema. While such a value is encoded or decoded,
 * this module holds the current link, so that the schema can export or import the handle. Values without handles do not use this
 * module.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { Actor } from "../actor/currentActor.ts"
import { forEachIn } from "../clone/forEachIn.ts"
import type * as Codec from "../codec/codec.ts"
import { isFailure, isSuccess } from "../effect/completed.ts"
import * as Frames from "../wire/frames.ts"
import { type WireContent, WireDeferred, WireKnown, WireObject, WireYours } from "../wire/handleContent.ts"
import type { Ends, Exporting, Importing } from "./handle.ts"
import { valueOf, type WireHandle, wiresOf } from "./wireHandle.ts"

/**
 * The encoding and the sending of one value. The encoding may take time, and so may the steps between the encoding and the sending:
 * the finalizers of a handler, or the wait for the credit of a stream. Messages about the handles in the value must not overtake the
 * value, so they wait here.
 */
export class EncodeTransaction implements Exporting {
  readonly ends: Ends
  readonly owner: Actor | undefined
  /** the handles that have been exported so far */
  private made: Array<WireHandle> = []
  private waiting: Array<() => void> | undefined
  private isClosed = false

  constructor({ ends, owner }: Exporting) {
    this.ends = ends
    this.owner = owner
  }

  /** Adds an exported handle. */
  add(wire: WireHandle): WireHandle {
    this.made.push(wire)
    return wire
  }

  /** the number of exported handles */
  get size(): number {
    return this.made.length
  }

  /** the number to add to the opcode of the frame that carries the {@link packed} value */
  get flag(): number {
    return this.made.length === 0 ? 0 : Frames.CarriesHandles
  }

  /** Packs an encoded value for sending, with the list of its handles. */
  packed(value: unknown): unknown {
    const { made } = this
    return made.length === 0 || made.length === 1 && made[0] === value ? value : [value, made]
  }

  /**
   * Called after the encoding of a value, before which `from` handles had been exported. Withdraws the handles without an owner:
   * those exported before a mismatch was found, or for a member of a union that did not match.
   */
  encoded(exit: Exit.Exit<unknown, unknown>, from: number): void {
    if (Exit.isFailure(exit)) return this.rollback()
    const { made } = this
    if (made.length === from || made.length === 1 && made[0] === exit.value) return
    const candidates = new Set<object>(made.splice(from))
    const present = new Set<object>()
    forEachIn(exit.value, (u) => candidates.has(u), (wire) => present.add(wire))
    for (const wire of candidates as Set<WireHandle>) {
      if (present.has(wire)) made.push(wire)
      else revoke(this.ends, wire)
    }
  }

  /** Calls back when the value has been sent, or is not sent. */
  onCommit(listener: () => void): void {
    if (this.isClosed) return listener()
    this.waiting ??= []
    this.waiting.push(listener)
  }

  /** The value has been sent: calls the listeners. A later {@link rollback} revokes nothing. */
  commit(): void {
    const { waiting } = this
    this.made = []
    this.isClosed = true
    this.waiting = undefined
    waiting?.forEach((listener) => listener())
  }

  /** The value is not sent: revokes its exported handles, and calls the listeners. */
  rollback(): void {
    for (const wire of this.made) revoke(this.ends, wire)
    this.commit()
  }
}

/** Calls back when the value with the exported handle has been sent, or is not sent. */
export const onCommit = (to: Exporting, listener: () => void): void =>
  to instanceof EncodeTransaction ? to.onCommit(listener) : listener()

// the transaction or the import of the value that is being encoded or decoded: set for this one synchronous step, and restored
let exporter: EncodeTransaction | undefined
let importer: Importing | undefined

/** The current transaction, for a schema that takes time to encode. */
const CurrentExporter: Context.Reference<EncodeTransaction | undefined> = Context.Reference<
  EncodeTransaction | undefined
>(
  "uactor/CurrentExporter",
  { defaultValue: () => undefined }
)
const CurrentImporter: Context.Reference<Importing | undefined> = Context.Reference<Importing | undefined>(
  "uactor/CurrentImporter",
  { defaultValue: () => undefined }
)
const fromFiber = <A>(reference: Context.Reference<A>): A | undefined => Fiber.getCurrent()?.getRef(reference)

/** Encodes a value that may contain handles. The caller commits the transaction when the value has been sent, or rolls it back. */
export const encode = (
  transaction: EncodeTransaction,
  codec: Codec.Codec,
  value: unknown
): ReturnType<Codec.Codec["encode"]> => {
  try {
    // a value that does not fit is left to the schema, which reports the reason
    if (codec.handleCodec?.is(value) === true) {
      return Exit.succeed(transaction.add(codec.handleCodec.encode(value, transaction)))
    }
  } catch (defect) {
    // the handle has been released, or the value cannot be read
    return Exit.die(defect)
  }
  const from = transaction.size
  const outer = exporter
  exporter = transaction
  let encoded
  try {
    encoded = codec.encode(value)
  } finally {
    exporter = outer
  }
  if (isSuccess(encoded) || isFailure(encoded)) {
    transaction.encoded(encoded, from)
    return encoded
  }
  return Effect.onExit(
    Effect.provideService(encoded, CurrentExporter, transaction),
    (exit) => Effect.sync(() => transaction.encoded(exit, from))
  )
}

/** Decodes a value. A value that contains handles must have been opened. */
export const decode = (from: Importing, codec: Codec.Codec, opened: unknown): ReturnType<Codec.Codec["decode"]> => {
  const value = valueOf(opened)
  if (codec.handleCodec?.carries(value) === true) return Exit.succeed(codec.handleCodec.decode(value, from))
  const outer = importer
  importer = from
  let decoded
  try {
    decoded = codec.decode(value)
  } finally {
    importer = outer
  }
  if (isSuccess(decoded)) return decoded
  // releases the handles that were imported before a mismatch was found
  const undo = Effect.sync(() => releaseAll(from.ends, opened))
  if (isFailure(decoded)) return Effect.andThen(undo, decoded)
  expect(from.ends, opened)
  return Effect.onError(Effect.provideService(decoded, CurrentImporter, from), () => undo)
}

/** The transaction of the value that is being encoded. */
export const currentTransaction = (): EncodeTransaction => {
  const to = exporter ?? fromFiber(CurrentExporter)
  if (to !== undefined) return to
  throw new TypeError("a handle can only be sent in a call, in an answer or in the arguments of an actor")
}

/** Adds an exported handle to the transaction of the value that is being encoded. */
export const addExport = (wire: WireHandle): WireHandle => currentTransaction().add(wire)

/** The importer of the value that is being decoded. */
export const currentImporter = (): Importing => {
  const from = importer ?? fromFiber(CurrentImporter)
  if (from !== undefined) return from
  throw new TypeError("a handle can only be received in a call, in an answer or in the arguments of an actor")
}

/** Imports a handle, and adds it to `from.taken`. */
export const receive = (wire: WireHandle, handleKind: unknown, from: Importing): object => {
  const handle = importHandle(wire, handleKind, from)
  from.taken?.push(handle)
  return handle
}

// ends the deferral of the release of the export, once
const unpin = (wire: WireHandle): void => {
  wire.unpin?.()
  wire.unpin = undefined
}

const importHandle = (wire: WireHandle, handleKind: unknown, from: Importing): object => {
  const { content } = wire
  const { exports, imports } = from.ends
  wire.isImported = true
  if (content[0] !== WireYours) return imports.add(content, handleKind, from)
  const [, id, relay] = content
  const own = exports.reclaim(id, handleKind, from)
  unpin(wire)
  if (own !== undefined) {
    if (relay !== undefined) imports.releaseId(relay)
    return own
  }
  return relay === undefined
    ? imports.importEnded(handleKind, from)
    : imports.add([WireDeferred, relay], handleKind, from)
}

// the id under which the sender itself serves the handle to the receiver
const exportIdOf = (content: WireContent): number | undefined => {
  switch (content[0]) {
    case WireDeferred:
    case WireObject:
      return content[1]
    case WireYours:
      return content[2]
    default:
      return undefined
  }
}

/** An encoded value has arrived that is decoded later: holds the messages about its handles until then. */
export const expect = ({ exports, imports }: Ends, opened: unknown): void => {
  for (const wire of wiresOf(opened)) {
    const { content } = wire
    if (wire.isImported === true) continue
    if (content[0] === WireYours) wire.unpin ??= exports.pin(content[1])
    const id = exportIdOf(content)
    if (id !== undefined) imports.expect(id)
  }
}

/** Releases every handle in an encoded value that is not decoded, or no longer needed. */
export const releaseAll = (ends: Ends, opened: unknown): void => {
  for (const wire of wiresOf(opened)) {
    const { content } = wire
    unpin(wire)
    if (content[0] === WireKnown) releaseAll(ends, content[2])
    const id = exportIdOf(content)
    if (id !== undefined) ends.imports.releaseId(id)
    ends.imports.decline(content)
  }
}

const revoke = (ends: Ends, { content }: WireHandle): void => {
  if (content[0] === WireKnown && content[3] === true) revokeAll(ends, content[2])
  const id = exportIdOf(content)
  if (id !== undefined) ends.exports.release(id)
  ends.imports.revoke(content)
}

/** Stops serving the handles exported in the value of a frame that is not sent. */
export const revokeAll = (ends: Ends, packed: unknown): void => {
  const wires = Array.isArray(packed) ? packed[1] as ReadonlyArray<WireHandle> : [packed as WireHandle]
  for (const wire of wires) revoke(ends, wire)
}
