/**
 * What one end of a link has handed out: results in the making, whose completion
 * is pushed to the holder, and objects, which are served to each holder by
 * itself. The numbers are chosen here, and are those of this link; what a number
 * does not name cannot be reached (H6).
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { isRelayable } from "../ActorError.ts"
import type * as Behaviour from "./behaviour.ts"
import * as Codec from "./codec.ts"
import * as Handles from "./handles.ts"
import { Holds } from "./holds.ts"
import type { LocalActor } from "./localActor.ts"
import type { Outbox } from "./outbox.ts"
import { Table } from "./table.ts"
import * as Wire from "./wire.ts"

/** A result in the making, for whoever hands it out. */
export interface Source {
  /** the handle, for this end, to which it has come back */
  readonly reclaim: (from: Handles.Importing) => object
  /** the result, if it is there */
  readonly exit: Exit.Exit<unknown, unknown> | undefined
  /** told of the result, now if it is there; returns how to lose interest */
  readonly subscribe: (listener: (exit: Exit.Exit<unknown, unknown>) => void) => () => void
  readonly interrupt: Effect.Effect<void>
}

/** An object that stays where it is and is called by the holders of its handles. */
export interface Served {
  /** the handle, for this end, to which it has come back */
  readonly reclaim: (from: Handles.Importing) => object
  /** the same for another holder, to whom this one hands it on */
  readonly again: () => Served
  readonly kind: string
  readonly methods: ReadonlyArray<Codec.Method>
  /** what its handlers require */
  readonly context: Context.Context<never>
  /** makes the handlers for one holder; its scope closes when the holder has let go or has died */
  readonly open: (holder: Scope.Scope) => Readonly<Record<string, Behaviour.Handler>>
  /** it stands for something elsewhere, and its handlers may fail as calls fail */
  readonly isRelay: boolean
  /** the way to what it stands for that does not lead through here, asked for each time it is sought */
  readonly way?: (() => Handles.Way | undefined) | undefined
  /** the actor it belongs to, if that is not the one that hands it out */
  readonly owner?: Pick<Handles.Owner, "name" | "address"> | undefined
}

/** The fiber that makes a result. */
type Making = Pick<Fiber.Fiber<unknown, unknown>, "pollUnsafe" | "addObserver" | "interruptUnsafe">

/** A result that is in the making here. */
export class LocalDeferred implements Handles.Carrier, Source {
  private readonly fiber: Making
  private readonly stop: Effect.Effect<void> | undefined

  /** `stop`: how its making is interrupted, if not by interrupting the fiber */
  constructor(fiber: Making, stop?: Effect.Effect<void>) {
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

  export(to: Handles.Exporting, how: unknown): Handles.WireHandle {
    return (to.ends.exports as Exports).addResult(this, how as Codec.ResultCodec, to)
  }
}

/** An object of this process. */
export class LocalObject implements Handles.Carrier {
  readonly kind: string
  private readonly name: string
  /** set once the handle has been made around it */
  handle: object = undefined as never
  readonly context: Context.Context<never>
  readonly open: Served["open"]

  constructor(kind: string, name: string, context: Context.Context<never>, open: Served["open"]) {
    this.kind = kind
    this.name = name
    this.context = context
    this.open = open
  }

  export(to: Handles.Exporting, how: unknown): Handles.WireHandle {
    const { context, handle, name: kind, open } = this
    const { methods } = how as Pick<Served, "methods">
    const served: Served = { reclaim: () => handle, again: () => served, kind, methods, context, open, isRelay: false }
    return (to.ends.exports as Exports).addObject(served, to.owner)
  }
}

/** A result that was handed out and is not there yet. */
interface Entry {
  /** the number under which it is told of */
  readonly id: number
  readonly owner: object | undefined
  readonly source: Source
  readonly codec: Codec.ResultCodec
  readonly to: Handles.Exporting
  /** encoded already, which takes its time */
  known: Completion | undefined
  unsubscribe: (() => void) | undefined
}

/** A result in the making that is all there is to an answer, which has not left yet. */
interface Answered {
  readonly place: number
  readonly source: LocalDeferred
  readonly codec: Codec.ResultCodec
  readonly to: Handles.Exporting
  /** whether it has been encoded, or is right now */
  isAsked: boolean
  known: Completion | undefined
  /** what is kept of it if it has left while it was encoded */
  entry: Entry | undefined
}

/** How a result is told; with what it hands out itself, if it may. */
type Completion = readonly [status: number, encoded: Effect.Effect<unknown, unknown>, parcel?: Handles.Parcel]

/** An object and the actor it belongs to. */
export interface ObjectEntry {
  readonly object: Served
  readonly owner: LocalActor | undefined
}

/** What the table needs of its end of the link. */
export interface Services {
  readonly serve: (id: number, object: Served, owner: LocalActor | undefined) => void
  readonly close: (id: number) => void
  /** hands something out to another actor of this process; returns its handle there */
  readonly passOn: (hand: (ends: Handles.Ends) => Handles.WireHandle, how: unknown, from: Handles.Importing) => object
}

const completionOf = (
  codec: Codec.ResultCodec,
  exit: Exit.Exit<unknown, unknown>,
  to: Handles.Exporting
): Completion => {
  if (Exit.isSuccess(exit)) {
    const { success } = codec
    if (!success.handles) return [Wire.CompleteSuccess, success.encode(exit.value)]
    const parcel = new Handles.Parcel(to)
    return [Wire.CompleteSuccess, Handles.encode(parcel, success, exit.value), parcel]
  }
  const { reasons } = exit.cause
  const only = reasons.length === 1 ? reasons[0] : undefined
  if (only?._tag === "Fail") {
    return isRelayable(only.error)
      ? [Wire.CompleteRelayed, Codec.relayed.encode(only.error)]
      : [Wire.CompleteError, codec.error.encode(only.error)]
  }
  return only !== undefined || !reasons.some(Cause.isFailReason)
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

// what has encoded a completion; `undefined` for a cause, which may have anybody's objects in it
const codecOf = (status: number, { error, success }: Codec.ResultCodec): Codec.Codec | undefined =>
  status === Wire.CompleteSuccess ? success : status === Wire.CompleteError ? error : undefined

// values that need to be kept apart from nothing else in their message, and hand nothing out
const isPlain = ({ cloneable, handles, isolated }: Codec.Codec): boolean => cloneable && isolated && !handles

/** What one end of a link has handed out. */
export class Exports implements Handles.ExportTable {
  private readonly outbox: Outbox
  private readonly services: Services
  private readonly results = new Table<Entry>()
  private readonly objects = new Table<ObjectEntry>()
  private answers: Array<Answered> = []
  /** what waits for numbers under which something is about to be served */
  private readonly expected = new Map<number, Array<() => void>>()
  private readonly awaited = new Map<number, (entry: ObjectEntry | undefined) => void>()
  private readonly holds = new Holds((id) => this.release(id))
  private next = 1
  private ended = false

  constructor(outbox: Outbox, services: Services) {
    this.outbox = outbox
    this.services = services
  }

  get size(): number {
    return this.results.size + this.objects.size + this.holds.size
  }

  /** whether a result that was handed out is still in the making */
  get isPending(): boolean {
    return this.results.size > 0
  }

  reclaim(id: number, how: unknown, from: Handles.Importing): object | undefined {
    const entry = id < 0 ? this.objects.get(id) : this.results.get(id)
    if (entry === undefined) return undefined
    const { owner } = entry
    const own = "object" in entry ? entry.object : entry.source
    // another actor of this process is not the owner, but a holder like any other
    if (owner === undefined || owner === from.receiver) return own.reclaim(from)
    return this.services.passOn(
      (ends) => {
        const exports = ends.exports as Exports
        return "object" in entry
          ? exports.addObject(entry.object.again(), owner)
          : exports.addResult(entry.source, how as Codec.ResultCodec, { ends, owner })
      },
      how,
      from
    )
  }

  /** Hands out a result; one that is known already travels along, and nothing is kept (H2). */
  addResult(source: Source, codec: Codec.ResultCodec, to: Handles.Exporting): Handles.WireHandle {
    const { exit } = source
    const known = exit === undefined ? undefined : completionOf(codec, exit, to)
    if (known !== undefined) {
      const [status, encoded, parcel] = known
      const encodedBy = codecOf(status, codec)
      // a value that might not be cloneable travels by itself, so that it fails by itself
      if (Codec.isSuccess(encoded) && encodedBy?.cloneable !== false) {
        // a defect may be anybody's object
        if (encodedBy === undefined) this.outbox.isolate(encoded.value)
        if (parcel !== undefined) Handles.whenSent(to, () => parcel.sent())
        return Handles.known(status, encoded.value)
      }
    }
    return Handles.promise(this.keep(source, codec, to, known).id)
  }

  private keep(source: Source, codec: Codec.ResultCodec, to: Handles.Exporting, known: Completion | undefined): Entry {
    const id = this.next++
    // what is only passed on does not end with who passes it on
    const owner = source instanceof LocalDeferred ? to.owner : undefined
    const entry: Entry = { id, owner, source, codec, to, known, unsubscribe: undefined }
    this.results.set(id, entry)
    const tell = (exit: Exit.Exit<unknown, unknown>): void => Handles.whenSent(to, () => this.complete(id, exit))
    let isKept = false
    // a result that is there but does not travel in the answer must not overtake it
    entry.unsubscribe = source.subscribe((exit) => isKept ? tell(exit) : queueMicrotask(() => tell(exit)))
    isKept = true
    // an answer that comes too late: nobody is there to hold it
    if (this.ended) this.release(id)
    return entry
  }

  /** Answers a call with a result in the making and nothing else. */
  answer(call: number, source: LocalDeferred, codec: Codec.ResultCodec, to: Handles.Exporting): void {
    this.answers.push({
      place: this.outbox.place,
      source,
      codec,
      to,
      isAsked: false,
      known: undefined,
      entry: undefined
    })
    this.outbox.push4(Wire.Promised, call, 0, undefined)
  }

  /** Those answers leave now: each with the result if that is there by now, or else with the number under which it is told. */
  fillIn(): void {
    const { answers } = this
    if (answers.length === 0) return
    for (const answer of answers) {
      const { codec, isAsked, source: { exit }, to } = answer
      if (isAsked || exit === undefined || !isPlain(codec.success) || !isPlain(codec.error)) continue
      answer.isAsked = true
      answer.known = completionOf(codec, exit, to)
      if (answer.entry !== undefined) answer.entry.known = answer.known
    }
    // a schema that makes calls may have had all of it sent
    if (this.answers !== answers) return
    this.answers = []
    for (const answer of answers) {
      const { codec, known, place, source, to } = answer
      if (known !== undefined && Codec.isSuccess(known[1]) && codecOf(known[0], codec) !== undefined) {
        this.outbox.amend4(place, Wire.Known, known[0], known[1].value)
        continue
      }
      answer.entry = this.keep(source, codec, to, known)
      this.outbox.amend4(place, Wire.Promised, answer.entry.id, undefined)
    }
  }

  /** Hands out an object; each holder has handlers of its own. */
  addObject(object: Served, owner: object | undefined): Handles.WireHandle {
    // the even numbers are for those who share
    const id = -(2 * this.next++ + 1)
    const actor = owner as LocalActor | undefined
    // what is only passed on does not end with who passes it on
    this.serve(id, { object, owner: object.isRelay ? undefined : actor })
    const name = object.owner?.name ?? actor?.behaviour.definition.name ?? object.kind
    const address = object.owner?.address ??
      (actor === undefined ? `a ${object.kind} of the program` : `a ${object.kind} of ${name}#${actor.id}`)
    const way = object.way?.()
    return Handles.wire(
      way === undefined ? [Handles.WireObject, id, name, address] : [Handles.WireObject, id, name, address, way]
    )
  }

  /** Tells the holder of an object whether there is another way to what it stands for. */
  seek(id: number): void {
    this.outbox.push3(Wire.Found, id, this.objects.get(id)?.object.way?.())
  }

  /** A holder hands an object on: it is served once more, for that one alone. */
  share(id: number, from: number): void {
    const entry = this.objects.get(from)
    if (entry !== undefined) this.serve(id, { object: entry.object.again(), owner: entry.owner })
    const waiter = this.awaited.get(id)
    this.awaited.delete(id)
    waiter?.(this.objects.get(id))
  }

  /** Serves what another table serves, as soon as that does, and tells the holder so; or that it is gone. */
  adopt(id: number, find: (found: (entry: ObjectEntry | undefined) => void) => void): void {
    const waiting: Array<() => void> = []
    this.expected.set(id, waiting)
    find((entry) => {
      this.expected.delete(id)
      if (entry === undefined) this.outbox.push3(Wire.Closed, id, undefined)
      else {
        this.serve(id, { object: entry.object.again(), owner: entry.owner })
        this.outbox.push2(Wire.Served, id)
      }
      for (const listener of waiting) listener()
    })
  }

  /** Calls back with what is served under a number, once that is known. */
  whenKnown(id: number, listener: (entry: ObjectEntry | undefined) => void): void {
    const waiting = this.expected.get(id)
    if (waiting === undefined) listener(this.objects.get(id))
    else waiting.push(() => listener(this.objects.get(id)))
  }

  /** Calls back with what is shared under a number, once the holder has said so or has died with what it was to share. */
  whenShared(id: number, from: number, listener: (entry: ObjectEntry | undefined) => void): void {
    const entry = this.objects.get(id)
    if (entry !== undefined) return listener(entry)
    this.awaited.set(id, (entry) => listener(entry ?? this.objects.get(from)))
  }

  private serve(id: number, entry: ObjectEntry): void {
    this.objects.set(id, entry)
    this.services.serve(id, entry.object, entry.owner)
    // an answer that comes too late: nobody is there to hold it
    if (this.ended) this.services.close(id)
  }

  /** A result that was handed out and is not there yet. */
  resultOf(id: number): Entry | undefined {
    return this.results.get(id)
  }

  /** Tells the other end a result of another table as well. One that is there already is told by whoever stands between. */
  adoptResult(id: number, from: Entry | undefined, ends: Handles.Ends): void {
    if (from === undefined || this.ended) return
    const { owner, source } = from
    const entry = { ...from, id, to: { ends, owner }, known: undefined }
    this.results.set(id, entry)
    entry.unsubscribe = source.subscribe((exit) => this.complete(id, exit))
  }

  /** An object that was handed out is no longer served. */
  closed(id: number): void {
    this.objects.delete(id)
  }

  private complete(id: number, exit: Exit.Exit<unknown, unknown>): void {
    const entry = this.results.delete(id)
    if (entry === undefined) return
    const [status, encoded, parcel] = entry.known ?? completionOf(entry.codec, exit, entry.to)
    if (Codec.isSuccess(encoded)) return this.completed(id, status, encoded.value, parcel)
    Codec.whenEncoded(
      encoded,
      // that of the actor, with the services that its schemas need
      (entry.to.owner as LocalActor | undefined)?.context ?? Context.empty(),
      (value) => this.completed(id, status, value, parcel),
      (text) => this.completed(id, Wire.CompleteUnencodable, text, parcel)
    )
  }

  private completed(id: number, status: number, value: unknown, parcel: Handles.Parcel | undefined): void {
    this.outbox.isolate(value)
    this.outbox.push4(Wire.Complete, id, status, value)
    parcel?.sent()
  }

  /** The other end wants the making of a result interrupted; its completion is the acknowledgement. */
  interrupt(id: number): void {
    const entry = this.results.get(id)
    if (entry !== undefined) Effect.runFork(entry.source.interrupt)
  }

  /** The other end has let go. */
  hold(id: number): () => void {
    return this.holds.hold(id)
  }

  release(id: number): void {
    if (this.holds.delays(id)) return
    if (id < 0) return this.whenKnown(id, () => this.services.close(id))
    const entry = this.results.delete(id)
    entry?.unsubscribe?.()
    entry?.known?.[2]?.abandon()
  }

  /** An actor has ended: the results it promised and never completed are told so (H5). */
  end(owner: object): void {
    this.fillIn()
    for (const [id, entry] of this.results.entries()) {
      if (entry.owner !== owner) continue
      Handles.whenSent(entry.to, () => {
        if (this.results.get(id) !== entry) return
        this.release(id)
        this.outbox.push4(Wire.Complete, id, Wire.CompleteStopped, undefined)
      })
    }
  }

  /** The link has ended: nobody waits for anything any more. */
  endAll(): void {
    this.ended = true
    this.answers = []
    for (const [id] of this.results.entries()) this.release(id)
    for (const listener of Array.from(this.awaited.values())) listener(undefined)
    this.awaited.clear()
  }
}
