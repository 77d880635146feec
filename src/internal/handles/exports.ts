/**
 * The exports of one end of a link: pending results, whose completion is pushed to the holder, and objects, which serve each holder
 * separately. This table assigns the ids, which are valid on this link alone. The peer can reach only what has an id (H6).
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { type ActorExited, HandleError } from "../../ActorError.ts"
import type { Actor } from "../actor/currentActor.ts"
import * as Causes from "../codec/causes.ts"
import * as Codec from "../codec/codec.ts"
import * as Defects from "../codec/defects.ts"
import { IntMap } from "../collections/intMap.ts"
import { Pins } from "../collections/pins.ts"
import { isSuccess } from "../effect/completed.ts"
import { queueMicrotask } from "../runtime/globals.ts"
import * as Frames from "../wire/frames.ts"
import type { Outbox } from "../wire/outbox.ts"
import * as Handles from "./handle.ts"
import * as Marshal from "./marshal.ts"
import * as WireHandles from "./wireHandle.ts"

/** The fiber that computes a result, or an Effect `Deferred` in its place. */
type ResultFiber = Pick<Fiber.Fiber<unknown, unknown>, "pollUnsafe" | "addObserver" | "interruptUnsafe">

/** A pending result of this process. */
export class LocalDeferred implements Handles.HandleTarget, Handles.ResultSource {
  private readonly fiber: ResultFiber
  private readonly stop: Effect.Effect<void> | undefined

  /** `stop`: interrupts the computation; by default, the fiber is interrupted */
  constructor(fiber: ResultFiber, stop?: Effect.Effect<void>) {
    this.fiber = fiber
    this.stop = stop
  }

  get [Handles.HandleTypeId](): this {
    return this
  }

  get kind(): string {
    return "Deferred"
  }

  get interrupt(): Effect.Effect<void> {
    return this.stop ?? Effect.sync(() => this.fiber.interruptUnsafe())
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

  reclaim(): object {
    return this
  }

  export(to: Handles.Exporting, handleKind: unknown): WireHandles.WireHandle {
    return to.ends.exports.addResult(this, handleKind as Codec.ResultCodec, to)
  }
}

Object.defineProperties(LocalDeferred.prototype, Handles.printed)

/** For what the calls of a method wait at an object, in words, if the method waits. */
export type Waits = (method: string) => string | undefined

/** An object of this process. */
export class LocalObject implements Handles.HandleTarget {
  readonly kind: string
  readonly name: string
  readonly waits: Waits | undefined
  /** the scope of its creator as a holder, after the first use by the creator */
  creator: Scope.Scope | undefined
  /** the handle that users see; set after the construction */
  handle: object = undefined as never
  readonly context: Context.Context<never>
  readonly open: Handles.ObjectSource["open"]

  constructor(
    kind: string,
    name: string,
    context: Context.Context<never>,
    open: Handles.ObjectSource["open"],
    waits: Waits | undefined
  ) {
    this.kind = kind
    this.name = name
    this.context = context
    this.open = open
    this.waits = waits
  }

  export(to: Handles.Exporting, handleKind: unknown): WireHandles.WireHandle {
    const { context, handle, name: kind, open } = this
    const { methods } = handleKind as Pick<Handles.ObjectSource, "methods">
    const served: Handles.ObjectSource = {
      reclaim: () => handle,
      again: () => served,
      kind,
      methods,
      context,
      open,
      isRelay: false,
      local: this
    }
    return to.ends.exports.addObject(served, to)
  }
}

/** An exported result that is pending. */
export interface ResultExport {
  readonly id: number
  readonly owner: Actor | undefined
  readonly source: Handles.ResultSource
  readonly codec: Codec.ResultCodec
  readonly to: Handles.Exporting
  /** the completion, if its encoding has begun */
  known: Completion | undefined
  unsubscribe: (() => void) | undefined
}

/** An answer in the outbox that consists of a pending result. */
interface PendingAnswer {
  readonly call: number
  /** the index of its frame in the batch */
  readonly offset: number
  readonly source: Handles.ResultSource
  readonly codec: Codec.ResultCodec
  readonly to: Handles.Exporting
  /** the encoding of the completion has begun */
  isEncoded: boolean
  known: Completion | undefined
  /** the export, if the answer was sent before the encoding ended */
  entry: ResultExport | undefined
}

/** The completion of a result; `transaction`: the handles that the result exports. */
type Completion = readonly [
  status: Frames.CompletionCode,
  encoded: Effect.Effect<unknown, unknown>,
  transaction?: Marshal.EncodeTransaction | undefined
]

/** An exported object, and the actor that owns it. */
export interface ObjectExport {
  readonly object: Handles.ObjectSource
  readonly owner: Actor | undefined
  /** of a relay: detaches from the end of the object */
  unwatch?: (() => void) | undefined
  /** of a relay: the object has ended, and the holder has been notified */
  hasExited?: boolean
}

/** The services of the session. */
export interface ExportServices {
  readonly serve: (id: number, object: Handles.ObjectSource, owner: Actor | undefined) => void
  /** closes an exported object; `isDrained`: after its calls in progress */
  readonly close: (id: number, isDrained: boolean) => void
  /** exports a handle to another actor of this process; returns the actor's handle */
  readonly forward: (
    exportTo: (ends: Handles.Ends) => WireHandles.WireHandle,
    handleKind: unknown,
    from: Handles.Importing
  ) => object
}

const completionOf = (
  codec: Codec.ResultCodec,
  exit: Exit.Exit<unknown, unknown>,
  to: Handles.Exporting
): Completion => {
  const succeeded = Exit.isSuccess(exit)
  const encoder = succeeded ? codec.success : codec.error
  const transaction = encoder.handles ? new Marshal.EncodeTransaction(to) : undefined
  const encode = (value: unknown) =>
    transaction === undefined ? encoder.encode(value) : Marshal.encode(transaction, encoder, value)
  if (succeeded) return [Frames.CompleteSuccess, encode(exit.value), transaction]
  const { reasons } = exit.cause
  const only = reasons.length === 1 ? reasons[0] : undefined
  if (only?._tag === "Fail") {
    return HandleError.is(only.error)
      ? [Frames.CompleteRelayed, Codec.relayed.encode(only.error)]
      : [Frames.CompleteError, encode(only.error), transaction]
  }
  return only !== undefined || !reasons.some(Cause.isFailReason)
    ? [Frames.CompleteCause, Exit.succeed(Causes.encodeCause(exit.cause, Defects.encodeDefect, Defects.encodeDefect))]
    : [
      Frames.CompleteCause,
      Effect.map(
        Effect.forEach(reasons.filter(Cause.isFailReason), (reason) => encode(reason.error)),
        (errors) => {
          let at = 0
          return Causes.encodeCause(exit.cause, () => errors[at++], Defects.encodeDefect)
        }
      ),
      transaction
    ]
}

// the codec of a completion; `undefined` for a cause, which may contain any object
const codecOf = (status: Frames.CompletionCode, { error, success }: Codec.ResultCodec): Codec.Codec | undefined =>
  status === Frames.CompleteSuccess ? success : status === Frames.CompleteError ? error : undefined

const targetExitOf = (exit: Exit.Exit<void, ActorExited>): Frames.TargetExit => {
  if (Exit.isSuccess(exit)) return undefined
  const { message, reason } = Cause.squash(exit.cause) as ActorExited
  return [reason, message]
}

// whether the encoded values need no isolation from the rest of the message, and export no handles
const isPlain = ({ cloneable, handles, isFresh }: Codec.Codec): boolean => cloneable && isFresh && !handles

/** The exports of one end of a link. */
export class Exports implements Handles.LinkExports {
  private readonly outbox: Outbox
  private readonly services: ExportServices
  private readonly results = new IntMap<ResultExport>()
  private readonly objects = new IntMap<ObjectExport>()
  private answers: Array<PendingAnswer> = []
  private readonly pins = new Pins((id) => this.release(id))
  private next = 1
  private ended = false

  constructor(outbox: Outbox, services: ExportServices) {
    this.outbox = outbox
    this.services = services
  }

  get size(): number {
    return this.results.size + this.objects.size + this.pins.size
  }

  get isPending(): boolean {
    return this.results.size > 0
  }

  /** the kinds of the exported results and objects, for observers */
  get kinds(): ReadonlyArray<string> {
    return [
      ...this.results.values().map(() => "Deferred"),
      ...this.objects.values().map(({ object }) => Handles.shownKind(object))
    ]
  }

  /** the exported results and objects, for observers */
  get entries(): ReadonlyArray<ResultExport | ObjectExport> {
    return [...this.results.values(), ...this.objects.values()]
  }

  reclaim(id: number, handleKind: unknown, from: Handles.Importing): object | undefined {
    const entry = id < 0 ? this.objects.get(id) : this.results.get(id)
    if (entry === undefined) return undefined
    const { owner } = entry
    const own = "object" in entry ? entry.object : entry.source
    // for another actor of this process, the handle is an import like any other
    if (owner === undefined || owner === from.receiver) return own.reclaim(from)
    return this.services.forward(
      (ends) => {
        const { exports } = ends
        return "object" in entry
          ? exports.addObject(entry.object.again(), { ends, owner })
          : exports.addResult(entry.source, handleKind as Codec.ResultCodec, { ends, owner })
      },
      handleKind,
      from
    )
  }

  addResult(source: Handles.ResultSource, codec: Codec.ResultCodec, to: Handles.Exporting): WireHandles.WireHandle {
    const { exit } = source
    const known = exit === undefined ? undefined : completionOf(codec, exit, to)
    if (known !== undefined) {
      const [status, encoded, transaction] = known
      const encodedBy = codecOf(status, codec)
      // a value that might not be cloneable is sent in a frame of its own, so that only this frame can fail
      if (isSuccess(encoded) && encodedBy?.cloneable !== false) {
        // a defect may be an object of user code
        const value = encodedBy === undefined ? this.outbox.isolate(encoded.value) : encoded.value
        if (transaction === undefined || transaction.size === 0) return WireHandles.known(status, value)
        Marshal.onCommit(to, () => transaction.commit())
        return WireHandles.known(status, transaction.packed(value), true)
      }
    }
    return WireHandles.pending(this.addPending(source, codec, to, known).id, source.route?.(to.ends.introducer, codec))
  }

  private addPending(
    source: Handles.ResultSource,
    codec: Codec.ResultCodec,
    to: Handles.Exporting,
    known: Completion | undefined
  ): ResultExport {
    const id = this.next++
    // a forwarded result does not end with the forwarder
    const owner = source instanceof LocalDeferred ? to.owner : undefined
    const entry: ResultExport = { id, owner, source, codec, to, known, unsubscribe: undefined }
    this.results.set(id, entry)
    const report = (exit: Exit.Exit<unknown, unknown>): void => Marshal.onCommit(to, () => this.complete(id, exit))
    let isAdded = false
    // an available result that is not part of the answer must not overtake the answer
    entry.unsubscribe = source.subscribe((exit) => isAdded ? report(exit) : queueMicrotask(() => report(exit)))
    isAdded = true
    // the link has ended, so the handle has no holder
    if (this.ended) this.release(id)
    return entry
  }

  answer(call: number, source: Handles.ResultSource, codec: Codec.ResultCodec, to: Handles.Exporting): void {
    if (this.answers.length === 0) this.outbox.beforeFlush(this.fillAnswers)
    this.answers.push({
      call,
      offset: this.outbox.offset,
      source,
      codec,
      to,
      isEncoded: false,
      known: undefined,
      entry: undefined
    })
    this.outbox.push(Frames.DeferredPending, call, 0, undefined)
  }

  // fills in the answers that are sent now: each with the result if it is available, or else with the id of the pending result
  private readonly fillAnswers = (): void => {
    const { answers } = this
    if (answers.length === 0) return
    // a schema that makes calls may flush the outbox, and the answers are filled in before that
    this.outbox.beforeFlush(this.fillAnswers)
    for (const answer of answers) {
      const { codec, isEncoded, source: { exit }, to } = answer
      if (isEncoded || exit === undefined || !isPlain(codec.success) || !isPlain(codec.error)) continue
      answer.isEncoded = true
      answer.known = completionOf(codec, exit, to)
      if (answer.entry !== undefined) answer.entry.known = answer.known
    }
    // such a flush has filled them in
    if (this.answers !== answers) return
    this.answers = []
    for (const answer of answers) {
      const { call, codec, known, offset, source, to } = answer
      if (known !== undefined && isSuccess(known[1]) && codecOf(known[0], codec) !== undefined) {
        this.outbox.replace(offset, Frames.DeferredDone, call, known[0], known[1].value)
        continue
      }
      answer.entry = this.addPending(source, codec, to, known)
      this.outbox.replace(offset, Frames.DeferredPending, call, answer.entry.id, undefined)
    }
  }

  addObject(object: Handles.ObjectSource, to: Handles.Exporting): WireHandles.WireHandle {
    const { owner } = to
    // the holder assigns even ids to shared objects
    const id = -(2 * this.next++ + 1)
    // a forwarded object does not end with the forwarder
    this.serve(id, { object, owner: object.isRelay ? undefined : owner }, to)
    const name = object.owner?.name ?? owner?.name ?? object.kind
    const address = object.owner?.address ??
      (owner === undefined ? `a ${object.kind} of the program` : `a ${object.kind} of ${name}#${owner.id}`)
    const route = object.route?.(0, 0)
    const { callTimeout } = object
    const actorId = object.owner?.actorId
    return WireHandles.wire(
      actorId !== undefined
        ? [WireHandles.WireObject, id, name, address, route, callTimeout, actorId]
        : callTimeout !== undefined
        ? [WireHandles.WireObject, id, name, address, route, callTimeout]
        : route === undefined
        ? [WireHandles.WireObject, id, name, address]
        : [WireHandles.WireObject, id, name, address, route]
    )
  }

  resolveRoute(id: number, channel: number, target: number): void {
    this.outbox.push(Frames.Route, id, this.objects.get(id)?.object.route?.(channel, target))
  }

  share(id: number, from: number): void {
    const entry = this.objects.get(from)
    if (entry === undefined) return this.outbox.push(Frames.Closed, id, undefined)
    this.serve(id, { object: entry.object.again(), owner: entry.owner }, undefined)
  }

  // `to`: the transaction that sends the handle
  private serve(id: number, entry: ObjectExport, to: Handles.Exporting | undefined): void {
    const { object, owner } = entry
    this.objects.set(id, entry)
    this.services.serve(id, object, owner)
    // the link has ended, so the handle has no holder
    if (this.ended) return this.services.close(id, false)
    const report = (exit: Exit.Exit<void, ActorExited>): void => {
      if (this.objects.get(id) !== entry) return
      entry.hasExited = true
      this.outbox.push(Frames.Exited, id, targetExitOf(exit))
    }
    entry.unwatch = object.watch?.((exit) => to === undefined ? report(exit) : Marshal.onCommit(to, () => report(exit)))
  }

  resultOf(id: number): ResultExport | undefined {
    return this.results.get(id)
  }

  /** Exports a pending result of another session to this peer, too. */
  provide(id: number, { codec, owner, source }: ResultExport, ends: Handles.Ends): void {
    if (this.ended) return
    const entry: ResultExport = {
      id,
      owner,
      source,
      codec,
      to: { ends, owner },
      known: undefined,
      unsubscribe: undefined
    }
    this.outbox.push(Frames.Exported, id, true)
    this.results.set(id, entry)
    entry.unsubscribe = source.subscribe((exit) => this.complete(id, exit))
  }

  closed(id: number): void {
    this.objects.delete(id)?.unwatch?.()
  }

  private complete(id: number, exit: Exit.Exit<unknown, unknown>): void {
    const entry = this.results.delete(id)
    if (entry === undefined) return
    const [status, encoded, transaction] = entry.known ?? completionOf(entry.codec, exit, entry.to)
    if (isSuccess(encoded)) return this.completed(id, status, encoded.value, transaction)
    Codec.whenEncoded(
      encoded,
      // the actor's context, with the services that its schemas require
      entry.to.owner?.context ?? Context.empty(),
      (value) => this.completed(id, status, value, transaction),
      (text) => this.completed(id, Frames.CompleteUnencodable, text, transaction)
    )
  }

  private completed(
    id: number,
    status: Frames.CompletionCode,
    value: unknown,
    transaction: Marshal.EncodeTransaction | undefined
  ): void {
    const packed = transaction === undefined ? value : transaction.packed(value)
    this.outbox.push(Frames.carrying(Frames.Complete, transaction?.flag ?? 0), id, status, this.outbox.isolate(packed))
    transaction?.commit()
  }

  interrupt(id: number): void {
    const entry = this.results.get(id)
    if (entry !== undefined) Effect.runFork(entry.source.interrupt)
  }

  pin(id: number): () => void {
    return this.pins.pin(id)
  }

  release(id: number): void {
    if (this.pins.deferRelease(id)) return
    if (id < 0) return this.services.close(id, this.objects.get(id)?.hasExited === true)
    const entry = this.results.delete(id)
    entry?.unsubscribe?.()
    entry?.known?.[2]?.rollback()
  }

  /** An actor has ended: completes its pending results as stopped (H5). */
  end(owner: object): void {
    this.fillAnswers()
    for (const [id, entry] of this.results.entries()) {
      if (entry.owner !== owner) continue
      Marshal.onCommit(entry.to, () => {
        if (this.results.get(id) !== entry) return
        this.release(id)
        this.outbox.push(Frames.Complete, id, Frames.CompleteStopped, undefined)
      })
    }
  }

  endAll(): void {
    this.ended = true
    this.answers = []
    for (const [id] of this.results.entries()) this.release(id)
  }
}
