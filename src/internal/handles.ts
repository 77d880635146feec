/**
 * Results that stay in the actor: what is exported by the side that owns a value,
 * and what is held of it at the other side.
 *
 * A handle travels inside a payload or a result, as part of a schema. While such a
 * value is encoded or decoded, the connection it travels on is set here, so that
 * the schema can register the handle on the way; a value without handles never
 * comes here.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { type ActorExited, HandleReleased } from "../ActorError.ts"
import * as Codec from "./codec.ts"
import type { Outbox } from "./outbox.ts"
import * as Wire from "./wire.ts"

/** Marks a local or a remote handle. */
export const HandleTypeId = "~uactor/Handle"

/** How the result behind a handle is carried. */
export interface ResultCodec {
  readonly success: Codec.Codec
  readonly error: Codec.Codec
}

/** Who exports: the side that owns what is encoded. */
export interface Exporting {
  readonly exports: Exports
  readonly owner: object
}

/** Who imports: the side that decodes. */
interface Importing {
  readonly imports: Imports
  readonly owner: Owner
  /** what the handles live as long as */
  readonly scope: Scope.Scope | undefined
  /** collects what has been imported, where it is not wanted after all */
  readonly unwanted?: Array<RemoteDeferred> | undefined
}

/** The actor a remote handle belongs to. */
export interface Owner {
  readonly name: string
  readonly address: string
  readonly exited: (reason: ActorExited["reason"], outcome: ActorExited["outcome"], message: string) => ActorExited
}

let exporter: Exporting | undefined
let importer: Importing | undefined

/** Who exports and who imports, for a schema that takes its time. */
export const CurrentExporter: Context.Reference<Exporting | undefined> = Context.Reference<Exporting | undefined>(
  "uactor/CurrentExporter",
  { defaultValue: () => undefined }
)
const CurrentImporter: Context.Reference<Importing | undefined> = Context.Reference<Importing | undefined>(
  "uactor/CurrentImporter",
  { defaultValue: () => undefined }
)
const fromFiber = <A>(reference: Context.Reference<A>): A | undefined => Fiber.getCurrent()?.getRef(reference)

/** Encodes a value that may contain handles. */
export const exporting = <A>(to: Exporting, encode: () => A): A => {
  const outer = exporter
  exporter = to
  try {
    return encode()
  } finally {
    exporter = outer
  }
}

/** Decodes a value that may contain handles. */
export const importing = <A>(from: Importing, decode: () => A): A => {
  const outer = importer
  importer = from
  try {
    return decode()
  } finally {
    importer = outer
  }
}

/** Decodes a value that may contain handles, whatever its schema does besides. */
export const decode = (from: Importing, codec: Codec.Codec, value: unknown): ReturnType<Codec.Codec["decode"]> => {
  const decoded = importing(from, () => codec.decode(value))
  if (Codec.isSuccess(decoded) || Codec.isFailure(decoded)) return decoded
  return Effect.provideService(decoded, CurrentImporter, from)
}

const WireTag = "~uactor/handle"

/** What a handle is on the wire: its number, or its result if that is known already. */
export interface WireHandle {
  readonly [WireTag]: readonly [id: number] | readonly [id: 0, status: number, value: unknown]
}

/** Whether a value is a handle on the wire. */
export const isWire = (u: unknown): u is WireHandle => typeof u === "object" && u !== null && WireTag in u

/** Encodes a handle, on the way out. */
export const toWire = (handle: unknown, codec: ResultCodec): WireHandle => {
  if (!(handle instanceof LocalDeferred)) throw new TypeError("only the actor that made a handle can hand it out")
  const to = exporter ?? fromFiber(CurrentExporter)
  if (to === undefined) throw new TypeError("a handle can only be handed out by an actor's method")
  return to.exports.add(handle, codec, to.owner)
}

/** Decodes a handle, on the way in. */
export const fromWire = (wire: WireHandle, codec: ResultCodec): RemoteDeferred => {
  const from = importer ?? fromFiber(CurrentImporter)
  if (from === undefined) throw new TypeError("a handle can only be received from an actor")
  return from.imports.add(wire, codec, from)
}

// ---- the owner's side ----

/** A result that is still in the making here. */
export class LocalDeferred {
  readonly [HandleTypeId] = HandleTypeId
  private readonly fiber: Fiber.Fiber<unknown, unknown>
  readonly interrupt: Effect.Effect<void>

  constructor(fiber: Fiber.Fiber<unknown, unknown>, interrupt: Effect.Effect<void>) {
    this.fiber = fiber
    this.interrupt = interrupt
  }

  get exit(): Exit.Exit<unknown, unknown> | undefined {
    return this.fiber.pollUnsafe()
  }

  get await(): Effect.Effect<unknown, unknown> {
    return Effect.callback((resume) => {
      const stop = this.subscribe(resume)
      return Effect.sync(stop)
    })
  }

  get poll(): Effect.Effect<Option.Option<Exit.Exit<unknown, unknown>>> {
    return Effect.sync(() => Option.fromUndefinedOr(this.exit))
  }

  get isDone(): Effect.Effect<boolean> {
    return Effect.sync(() => this.exit !== undefined)
  }

  subscribe(listener: (exit: Exit.Exit<unknown, unknown>) => void): () => void {
    return this.fiber.addObserver(listener)
  }
}

interface Entry {
  readonly owner: object
  readonly deferred: LocalDeferred
  unsubscribe: (() => void) | undefined
}

const completionOf = (
  codec: ResultCodec,
  exit: Exit.Exit<unknown, unknown>
): readonly [status: number, encoded: Effect.Effect<unknown, unknown>] => {
  if (Exit.isSuccess(exit)) return [Wire.CompleteSuccess, codec.success.encode(exit.value)]
  const { reasons } = exit.cause
  const only = reasons.length === 1 ? reasons[0] : undefined
  return only?._tag === "Fail"
    ? [Wire.CompleteError, codec.error.encode(only.error)]
    : only !== undefined || !reasons.some(Cause.isFailReason)
    ? [Wire.CompleteCause, Exit.succeed(Codec.encodeCause(exit.cause, Codec.encodeDefect, Codec.encodeDefect))]
    : [
      Wire.CompleteCause,
      Effect.map(
        Effect.forEach(reasons.filter(Cause.isFailReason), (reason) => codec.error.encode(reason.error)),
        (errors) => {
          let at = 0
          return Codec.encodeCause(exit.cause, () => errors[at++], Codec.encodeDefect)
        }
      )
    ]
}

/** What one side of a connection has handed out. */
export class Exports {
  private readonly outbox: Outbox
  private readonly whenEncoded: (
    encoded: Effect.Effect<unknown, unknown>,
    done: (value: unknown) => void,
    failed: (text: string) => void
  ) => void
  private readonly entries = new Map<number, Entry>()
  private next = 1

  constructor(outbox: Outbox, whenEncoded: Exports["whenEncoded"]) {
    this.outbox = outbox
    this.whenEncoded = whenEncoded
  }

  get size(): number {
    return this.entries.size
  }

  /** Hands out a result; one that is known already travels along, and nothing is kept (H2). */
  add(deferred: LocalDeferred, codec: ResultCodec, owner: object): WireHandle {
    const { exit } = deferred
    const known = exit === undefined ? undefined : completionOf(codec, exit)
    // a value that might not be cloneable travels by itself, so that it fails by itself
    const isPlain = known?.[0] === Wire.CompleteCause ||
      (known?.[0] === Wire.CompleteError ? codec.error : codec.success).cloneable
    if (known !== undefined && isPlain && Codec.isSuccess(known[1])) {
      return { [WireTag]: [0, known[0], known[1].value] }
    }
    const id = this.next++
    // a result that is there but cannot be encoded at once must not overtake the answer that carries its handle
    const complete = (exit: Exit.Exit<unknown, unknown>): void =>
      known === undefined ? this.complete(id, codec, exit) : queueMicrotask(() => this.complete(id, codec, exit))
    const entry: Entry = { owner, deferred, unsubscribe: undefined }
    this.entries.set(id, entry)
    entry.unsubscribe = deferred.subscribe(complete)
    return { [WireTag]: [id] }
  }

  private complete(id: number, codec: ResultCodec, exit: Exit.Exit<unknown, unknown>): void {
    if (!this.entries.delete(id)) return
    const [status, encoded] = completionOf(codec, exit)
    this.whenEncoded(encoded, (value) => {
      this.outbox.isolate(value)
      this.outbox.push4(Wire.Complete, id, status, value)
    }, (text) => this.outbox.push4(Wire.Complete, id, Wire.CompleteUnencodable, text))
  }

  /** The other side wants the result's making interrupted; its completion is the acknowledgement. */
  interrupt(id: number): void {
    const entry = this.entries.get(id)
    if (entry !== undefined) Effect.runFork(entry.deferred.interrupt)
  }

  /** The other side has let go. */
  release(id: number): void {
    const entry = this.entries.get(id)
    this.entries.delete(id)
    entry?.unsubscribe?.()
  }

  /** An actor has ended: what it handed out and never completed is told so (H5). */
  end(owner: object): void {
    for (const [id, entry] of this.entries) {
      if (entry.owner !== owner) continue
      this.release(id)
      this.outbox.push4(Wire.Complete, id, Wire.CompleteStopped, undefined)
    }
  }
}

// ---- the holder's side ----

/** A result in the making elsewhere. */
export class RemoteDeferred {
  readonly [HandleTypeId] = HandleTypeId
  readonly id: number
  private readonly imports: Imports
  private readonly codec: ResultCodec
  private readonly owner: Owner
  private readonly leases: Set<RemoteDeferred> | undefined
  /** the result, decoded when it came */
  private result: Effect.Effect<unknown, unknown> | undefined
  private isReleased = false
  private readonly waiters = new Set<(result: Effect.Effect<unknown, unknown>) => void>()

  constructor(
    imports: Imports,
    id: number,
    codec: ResultCodec,
    owner: Owner,
    leases: Set<RemoteDeferred> | undefined
  ) {
    this.imports = imports
    this.id = id
    this.codec = codec
    this.owner = owner
    this.leases = leases
  }

  /** Awaiting any number of times gives the same result, and takes nothing away (H1). */
  get await(): Effect.Effect<unknown, unknown> {
    return Effect.callback((resume) => {
      const { now } = this
      if (now !== undefined) return resume(now)
      this.waiters.add(resume)
      return Effect.sync(() => {
        this.waiters.delete(resume)
      })
    })
  }

  get poll(): Effect.Effect<Option.Option<Exit.Exit<unknown, unknown>>> {
    return Effect.suspend(() => {
      const { now } = this
      return now === undefined ? Effect.succeedNone : Effect.asSome(Effect.exit(now))
    })
  }

  get isDone(): Effect.Effect<boolean, unknown> {
    return Effect.suspend(() =>
      this.isReleased ? Effect.as(this.now!, true) : Effect.succeed(this.result !== undefined)
    )
  }

  /** Interrupts the making, and completes when that is acknowledged. */
  get interrupt(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.now !== undefined) return Effect.void
      this.imports.outbox.push2(Wire.Cancel, this.id)
      return Effect.asVoid(Effect.exit(this.await))
    })
  }

  private get now(): Effect.Effect<unknown, unknown> | undefined {
    return this.isReleased
      ? Effect.fail(
        new HandleReleased({ actor: this.owner.name, message: `a handle of ${this.owner.address} has been released` })
      )
      : this.result
  }

  complete(status: number, value: unknown): void {
    this.settle(this.decode(status, value))
  }

  settle(result: Effect.Effect<unknown, unknown>): void {
    if (this.result !== undefined) return
    this.result = result
    this.leases?.delete(this)
    this.wake(result)
  }

  lose(reason: ActorExited["reason"], message: string): void {
    this.settle(
      Effect.fail(
        this.owner.exited(reason, "Unknown", `${this.owner.address} ended before a result was there: ${message}`)
      )
    )
  }

  release(): void {
    if (this.isReleased) return
    this.isReleased = true
    this.leases?.delete(this)
    if (this.result === undefined) this.imports.release(this)
    this.wake(this.now!)
  }

  private wake(result: Effect.Effect<unknown, unknown>): void {
    const waiters = Array.from(this.waiters)
    this.waiters.clear()
    for (const waiter of waiters) waiter(result)
  }

  private decode(status: number, value: unknown): Effect.Effect<unknown, unknown> {
    const { codec, owner } = this
    const orMisfit = (decoded: Effect.Effect<unknown, unknown>): Effect.Effect<unknown, unknown> =>
      Codec.isSuccess(decoded) ?
        decoded :
        Effect.catchCause(
          decoded,
          (cause) =>
            Effect.die(new TypeError(`a result of ${owner.address} does not fit its schema: ${Codec.issueText(cause)}`))
        )
    switch (status) {
      case Wire.CompleteSuccess:
        return orMisfit(codec.success.decode(value))
      case Wire.CompleteError:
        return Effect.flatMap(orMisfit(codec.error.decode(value)), Effect.fail)
      case Wire.CompleteCause:
        return orMisfit(Codec.decodeCauseWith(value as Wire.EncodedCause, codec.error.decode, Codec.decodeDefect)).pipe(
          Effect.flatMap((cause) => Effect.failCause(cause as Cause.Cause<unknown>))
        )
      case Wire.CompleteStopped:
        return Effect.fail(
          owner.exited("Stopped", "Unknown", `${owner.address} was stopped before a result it had promised was there`)
        )
      default:
        return Effect.die(new TypeError(`a result of ${owner.address} cannot be sent: ${String(value)}`))
    }
  }
}

const leasesOf = new WeakMap<Scope.Scope, Set<RemoteDeferred>>()

// one finalizer for each scope, however many handles it receives
const lease = (scope: Scope.Scope): Set<RemoteDeferred> => {
  let leases = leasesOf.get(scope)
  if (leases === undefined) {
    const made = leases = new Set<RemoteDeferred>()
    leasesOf.set(scope, made)
    Effect.runSync(Scope.addFinalizer(
      scope,
      Effect.sync(() => {
        for (const deferred of Array.from(made)) deferred.release()
      })
    ))
  }
  return leases
}

/** What one side of a connection holds of the other. */
export class Imports {
  readonly outbox: Outbox
  private readonly pending = new Map<number, RemoteDeferred>()

  constructor(outbox: Outbox) {
    this.outbox = outbox
  }

  get size(): number {
    return this.pending.size
  }

  add(wire: WireHandle, codec: ResultCodec, { owner, scope, unwanted }: Importing): RemoteDeferred {
    const leases = scope === undefined ? undefined : lease(scope)
    const content = wire[WireTag]
    const deferred = new RemoteDeferred(this, content[0], codec, owner, leases)
    if (content.length === 3) {
      deferred.complete(content[1], content[2])
    } else {
      this.pending.set(content[0], deferred)
      leases?.add(deferred)
      if (scope?.state._tag === "Closed") deferred.release()
    }
    unwanted?.push(deferred)
    return deferred
  }

  complete(id: number, status: number, value: unknown): void {
    const deferred = this.pending.get(id)
    this.pending.delete(id)
    deferred?.complete(status, value)
  }

  release(deferred: RemoteDeferred): void {
    this.pending.delete(deferred.id)
    this.outbox.push2(Wire.Release, deferred.id)
  }

  /** The link has ended: nothing that is pending will complete. */
  end(reason: ActorExited["reason"], message: string): void {
    const pending = Array.from(this.pending.values())
    this.pending.clear()
    for (const deferred of pending) deferred.lose(reason, message)
  }
}
