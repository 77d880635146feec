/**
 * What one end of a link holds of the other: results in the making and objects to
 * be called. A holding is let go when the scope that received it closes, or before
 * by hand; one that has been handed on stays held until those have let go too to
 * whom it was handed (H4, H5).
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { type ActorExited, HandleReleased } from "../ActorError.ts"
import * as Call from "./call.ts"
import * as Codec from "./codec.ts"
import type { Exports, ResultCodec, Served, Source } from "./exports.ts"
import * as Handles from "./handles.ts"
import { Listeners } from "./listeners.ts"
import type { Neighbour } from "./neighbour.ts"
import type { Outbox } from "./outbox.ts"
import { Table } from "./table.ts"
import { Target } from "./target.ts"
import * as Wire from "./wire.ts"

/** What a schema knows of a kind of object. */
export interface ObjectKind {
  readonly kind: string
  readonly methods: ReadonlyArray<Codec.Method>
  /** makes the handle that users see */
  readonly shape: (object: RemoteObject) => object
}

const released = ({ address, name }: Handles.Owner): HandleReleased =>
  new HandleReleased({ actor: name, message: `a handle of ${address} has been released` })

type Result = Effect.Effect<unknown, unknown>

/** A result in the making elsewhere. */
export class RemoteDeferred implements Handles.Carrier, Source {
  readonly id: number
  private readonly imports: Imports
  private readonly codec: ResultCodec
  private readonly from: Handles.Importing
  private readonly leases: Set<Holding> | undefined
  /** the one that is told of the result, where this is another holding of it */
  private core: RemoteDeferred | undefined
  private leave: (() => void) | undefined
  /** the result, decoded when it came */
  private result: Result | undefined
  private isReleased = false
  /** how many have been handed this */
  private shares = 0
  // made when they are needed: most results are there before anybody waits
  private waiters: Listeners<Result> | undefined
  private sharers: Listeners<Result> | undefined

  constructor(
    imports: Imports,
    id: number,
    codec: ResultCodec,
    from: Handles.Importing,
    leases: Set<Holding> | undefined
  ) {
    this.imports = imports
    this.id = id
    this.codec = codec
    this.from = from
    this.leases = leases
  }

  get [Handles.HandleTypeId](): this {
    return this
  }

  get kind(): string {
    return "Deferred"
  }

  /** Awaiting any number of times gives the same result, and takes nothing away (H1). */
  get await(): Result {
    return Effect.suspend(() => this.now ?? this.later)
  }

  private get later(): Result {
    return Effect.callback((resume) => {
      const { now } = this
      if (now !== undefined) return resume(now)
      const waiters = this.waiters ??= new Listeners()
      waiters.add(resume)
      return Effect.sync(() => {
        waiters.delete(resume)
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
      if (this.result !== undefined || this.isReleased && this.shares === 0) return Effect.void
      return Effect.callback<void>((resume) => {
        const done = (): void => resume(Effect.void)
        const stop = this.share(done)
        this.imports.outbox.push2(Wire.Cancel, (this.core ?? this).id)
        return Effect.sync(stop)
      })
    })
  }

  private get now(): Result | undefined {
    return this.isReleased ? Effect.fail(released(this.from.owner)) : this.result
  }

  complete(status: number, value: unknown): void {
    this.settle(this.decode(status, value))
  }

  private settle(result: Result): void {
    if (this.result !== undefined) return
    this.result = result
    this.leases?.delete(this)
    this.sharers?.wake(result)
    this.waiters?.wake(result)
  }

  lose(reason: ActorExited["reason"], message: string): void {
    const { owner } = this.from
    this.settle(
      Effect.fail(owner.exited(reason, "Unknown", `${owner.address} ended before a result was there: ${message}`))
    )
  }

  release(): void {
    if (this.isReleased) return
    this.isReleased = true
    this.leases?.delete(this)
    this.letGo()
    this.waiters?.wake(this.now!)
  }

  private letGo(): void {
    if (!this.isReleased || this.shares > 0 || this.result !== undefined) return
    if (this.leave === undefined) this.imports.releaseId(this.id)
    else this.leave()
  }

  // waits for the result whether or not the holder itself still wants it
  private share(listener: (result: Result) => void): () => void {
    if (this.result !== undefined) {
      listener(this.result)
      return () => undefined
    }
    this.shares++
    const sharers = this.sharers ??= new Listeners()
    sharers.add(listener)
    return () => {
      if (!sharers.delete(listener)) return
      this.shares--
      this.letGo()
    }
  }

  // ---- handing it on ----

  reclaim(from: Handles.Importing): object {
    return this.imports.hold(from, (leases) => {
      const again = new RemoteDeferred(this.imports, this.id, this.codec, from, leases)
      again.core = this.core ?? this
      again.leave = this.share((result) => again.settle(result))
      return again
    })
  }

  get exit(): Exit.Exit<unknown, unknown> | undefined {
    return this.result !== undefined && (Codec.isSuccess(this.result) || Codec.isFailure(this.result))
      ? this.result
      : undefined
  }

  subscribe(listener: (exit: Exit.Exit<unknown, unknown>) => void): () => void {
    let stop: () => void = () => undefined
    stop = this.share((result) => {
      const fiber = Effect.runFork(result)
      stop = fiber.addObserver(listener)
    })
    return () => stop()
  }

  export(to: Handles.Exporting, how: unknown): Handles.WireHandle {
    if (this.isReleased) throw released(this.from.owner)
    const exports = to.ends.exports as Exports
    const relay = exports.addResult(this, how as ResultCodec, to)
    if (this.result !== undefined || to.ends.imports !== this.imports) return relay
    return Handles.yours(this.id, relay)
  }

  private decode(status: number, value: unknown): Result {
    const { codec, from } = this
    const { owner } = from
    const orMisfit = (decoded: Result): Result =>
      Codec.isSuccess(decoded) ?
        decoded :
        Effect.catchCause(
          decoded,
          (cause) =>
            Effect.die(new TypeError(`a result of ${owner.address} does not fit its schema: ${Codec.issueText(cause)}`))
        )
    switch (status) {
      case Wire.CompleteSuccess:
        return orMisfit(
          codec.success.handles ? Handles.decode(from, codec.success, value) : codec.success.decode(value)
        )
      case Wire.CompleteError:
        return orMisfit(codec.error.decode(value)).pipe(flatFail)
      case Wire.CompleteRelayed:
        return orMisfit(Codec.relayed.decode(value)).pipe(flatFail)
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

const flatFail = (decoded: Result): Effect.Effect<never, unknown> => Effect.flatMap(decoded, Effect.fail)

/** A target whose handle has been released. */
class ReleasedTarget extends Target {
  override refusal(): HandleReleased {
    return released(this)
  }
}

/** An object elsewhere. */
export class RemoteObject implements Handles.Carrier {
  readonly kind: string
  readonly id: number
  /** the handle that users see */
  readonly handle: object
  private readonly imports: Imports
  private readonly how: ObjectKind
  private readonly served: Target
  private readonly leases: Set<Holding> | undefined
  private isReleased = false

  constructor(
    imports: Imports,
    id: number,
    how: ObjectKind,
    target: Target,
    leases: Set<Holding> | undefined
  ) {
    this.imports = imports
    this.id = id
    this.how = how
    this.kind = how.kind
    this.served = target
    this.leases = leases
    this.handle = how.shape(this)
  }

  /** Where the holder's calls go. */
  get target(): Target {
    if (!this.isReleased) return this.served
    const { address, connection, id, methods, name } = this.served
    return new ReleasedTarget(connection, id, name, address, methods)
  }

  /** It was taken in from an owner who had it, and has not been released. */
  get isHeld(): boolean {
    return !this.isReleased && this.id !== 0
  }

  release(): void {
    if (this.isReleased) return
    this.isReleased = true
    this.leases?.delete(this)
    this.served.release(() => released(this.served))
    this.imports.releaseId(this.id)
  }

  export(to: Handles.Exporting, _how: unknown): Handles.WireHandle {
    if (this.isReleased) throw released(this.served)
    // one that is on its way back here from another worker may not be known to its owner yet
    if (to.ends.imports === this.imports && !this.served.restarting) {
      return Handles.wire([Handles.WireYours, this.id, undefined])
    }
    const direct = this.imports.handDirectly(this.id, this.how, this.served, to.ends)
    if (direct !== undefined) return direct
    return (to.ends.exports as Exports).addObject(new Relay(this.imports, this.id, this.how, this.served), to.owner)
  }
}

/** An object elsewhere, as it is served to one who was handed it here. */
class Relay implements Served {
  readonly kind: string
  readonly methods: ReadonlyArray<Codec.Method>
  readonly context = Context.empty()
  readonly isRelay = true
  readonly owner: Target
  private readonly imports: Imports
  private readonly id: number
  private readonly how: ObjectKind

  /** `from` is a number under which the object is held, which may be let go afterwards */
  constructor(imports: Imports, from: number, how: ObjectKind, held: Target) {
    this.imports = imports
    this.how = how
    this.kind = how.kind
    this.methods = how.methods
    ;[this.id, this.owner] = imports.share(from, held)
  }

  open(holder: Scope.Scope): ReturnType<Served["open"]> {
    Effect.runSync(Scope.addFinalizer(holder, Effect.sync(() => this.imports.releaseId(this.id))))
    return Call.forward(this.owner)
  }

  again(): Served {
    return new Relay(this.imports, this.id, this.how, this.owner)
  }

  reclaim(from: Handles.Importing): object {
    const [id, target] = this.imports.share(this.id, this.owner)
    return this.imports.hold(from, (leases) => new RemoteObject(this.imports, id, this.how, target, leases)).handle
  }
}

/** What a scope holds of others. */
interface Holding {
  readonly release: () => void
}

const leased = new WeakMap<Scope.Scope, Set<Holding>>()

/** What a scope lets go of when it closes: one finalizer for each scope, however many handles it receives. */
export const leasesOf = (scope: Scope.Scope): Set<Holding> => {
  let leases = leased.get(scope)
  if (leases === undefined) {
    const made = leases = new Set<Holding>()
    leased.set(scope, made)
    Effect.runSync(Scope.addFinalizer(
      scope,
      Effect.sync(() => {
        for (const holding of Array.from(made)) holding.release()
      })
    ))
  }
  return leases
}

/** What the table needs of its end of the link. */
interface Services {
  /** makes the target of an object, which may not be served yet */
  readonly open: (
    id: number,
    name: string,
    address: string,
    methods: ReadonlyArray<Codec.Method>,
    awaited: boolean
  ) => Target
  /** lets go of the handles in a value */
  readonly discard: (value: unknown) => void
  /** tells whether it was not served yet */
  readonly close: (id: number) => "served" | "awaited"
  /** lets go of one that has not been opened */
  readonly refuse: (id: number) => void
  readonly served: (id: number) => void
  readonly onServed: (target: Target, listener: () => void) => void
}

const carriesHandles = ({ error, payload, success }: Codec.Method): boolean =>
  payload.handles || success.handles || error.handles

/** What one end of a link holds of the other. */
export class Imports implements Handles.ImportTable {
  readonly outbox: Outbox
  /** the worker at the other end, where it can be connected with others */
  private readonly neighbour: Neighbour<Handles.Ends> | undefined
  /** the number of the channel, where the other end is another worker */
  private readonly channel: number | undefined
  private readonly services: Services
  private readonly results = new Table<RemoteDeferred>()
  /** the completions, if they have come, of results whose handles have not been taken in yet */
  private readonly expected = new Map<number, [status: number, value: unknown] | undefined>()
  /** the numbers of the objects that are held */
  private readonly objects = new Set<number>()
  private nextShare = 1
  private ended: [reason: ActorExited["reason"], message: string] | undefined

  constructor(
    outbox: Outbox,
    services: Services,
    where: { readonly neighbour: Neighbour<Handles.Ends> | undefined; readonly channel: number | undefined }
  ) {
    this.outbox = outbox
    this.services = services
    this.neighbour = where.neighbour
    this.channel = where.channel
  }

  /** whether objects are handed over by a third party, so that what is said of one may come before its handle */
  get isDirect(): boolean {
    return this.channel !== undefined
  }

  /** whether a result that was promised is still in the making */
  get isPending(): boolean {
    return this.results.size > 0
  }

  get size(): number {
    return this.results.size + this.objects.size
  }

  add(content: Handles.WireContent, how: unknown, from: Handles.Importing): object {
    switch (content[0]) {
      case Handles.WireKnown: {
        const deferred = new RemoteDeferred(this, 0, how as ResultCodec, from, undefined)
        deferred.complete(content[1], content[2])
        return deferred
      }
      case Handles.WireDeferred:
        return this.hold(from, (leases) => {
          const deferred = new RemoteDeferred(this, content[1], how as ResultCodec, from, leases)
          const completion = this.expected.get(content[1])
          this.expected.delete(content[1])
          if (completion !== undefined) deferred.complete(...completion)
          else if (this.ended !== undefined) deferred.lose(...this.ended)
          else this.results.set(content[1], deferred)
          return deferred
        })
      case Handles.WireObject: {
        const [, id, name, address] = content
        const kind = how as ObjectKind
        return this.take(id, name, address, kind, from, false)
      }
      case Handles.WireDirect: {
        const [, id, channel, name, address] = content
        const imports = from.ends.mesh?.importsOf(channel) as Imports | undefined
        return imports === undefined
          ? this.dead(how, from)
          : imports.take(id, name, address, how as ObjectKind, from, true)
      }
      case Handles.WireBack: {
        const [, shared, channel, name, address, held] = content
        const imports = from.ends.neighbour?.across(channel)?.ends.imports as Imports | undefined
        if (imports === undefined) return this.dead(how, from)
        const id = imports.recall(channel, shared, held)
        return imports.take(id, name, address, how as ObjectKind, from, true)
      }
      default:
        throw new TypeError(`unknown kind of handle: ${String(content[0])}`)
    }
  }

  private take(
    id: number,
    name: string,
    address: string,
    kind: ObjectKind,
    from: Handles.Importing,
    awaited: boolean
  ): object {
    const target = this.services.open(id, name, address, kind.methods, awaited)
    this.objects.add(id)
    return this.hold(from, (leases) => new RemoteObject(this, id, kind, target, leases)).handle
  }

  // what a worker holds of another one has been handed back: from now on it is held here
  private recall(channel: number, shared: number, from: number): number {
    const id = -(2 * this.nextShare++)
    this.outbox.push5(Wire.Recall, id, channel, shared, from)
    return id
  }

  /** Lets go of an object that was handed from worker to worker and is not taken in. */
  refuse(content: Handles.WireContent, ends: Handles.Ends): void {
    if (content[0] === Handles.WireDirect) {
      ;(ends.mesh?.importsOf(content[2]) as Imports | undefined)?.services.refuse(content[1])
    }
    if (content[0] !== Handles.WireBack) return
    const [, shared, channel, , , from] = content
    const imports = ends.neighbour?.across(channel)?.ends.imports as Imports | undefined
    imports?.releaseId(imports.recall(channel, shared, from))
  }

  /** The same for one that is not sent after all. */
  withdraw(content: Handles.WireContent, ends: Handles.Ends): void {
    if (content[0] === Handles.WireBack) ends.mesh?.importsOf(content[2])?.releaseId(content[1])
    if (content[0] !== Handles.WireDirect) return
    const [, passed, channel] = content
    const imports = ends.neighbour?.across(channel)?.ends.imports as Imports | undefined
    imports?.releaseId(imports.recall(channel, passed, passed))
  }

  /**
   * Hands an object of one worker to another one, so that they need nobody between them; or what one worker holds of another to
   * the process that started both. Nothing where that cannot be done.
   */
  handDirectly(
    id: number,
    { methods }: ObjectKind,
    held: Target,
    to: Handles.Ends
  ): Handles.WireHandle | undefined {
    const { address, name } = held
    if (this.channel !== undefined && to.mesh !== undefined) {
      const shared = -(2 * this.nextShare++)
      this.services.onServed(held, () => this.outbox.push3(Wire.Share, shared, id))
      return Handles.wire([Handles.WireBack, shared, this.channel, name, address, id])
    }
    // what calls of it carry would be handed on by those two alone
    if (methods.some(carriesHandles)) return undefined
    if (this.neighbour === undefined || to.neighbour === undefined) return undefined
    const passed = this.neighbour.pass(id, to.neighbour)
    return passed && Handles.wire([Handles.WireDirect, passed[1], passed[0], name, address])
  }

  /** Makes a holding that lives as long as the scope of whoever receives it (H5). */
  hold<H extends Holding>({ scope }: Handles.Importing, make: (leases: Set<Holding> | undefined) => H): H {
    const leases = scope === undefined ? undefined : leasesOf(scope)
    const holding = make(leases)
    leases?.add(holding)
    if (scope?.state._tag === "Closed") holding.release()
    return holding
  }

  /** Has an object served once more, for someone to whom it is handed on; returns its number and where calls go. */
  share(id: number, held: Target): readonly [id: number, target: Target] {
    const { address, methods, name } = held
    const shared = -(2 * this.nextShare++)
    this.objects.add(shared)
    const target = this.services.open(shared, name, address, methods, held.restarting)
    this.services.onServed(held, () => {
      this.outbox.push3(Wire.Share, shared, id)
      this.services.served(shared)
    })
    return [shared, target]
  }

  dead(how: unknown, from: Handles.Importing): object {
    const { kind, methods } = how as ObjectKind
    const { owner } = from
    const id = 0
    const target = this.services.open(id, owner.name, `a ${kind} of ${owner.address}`, methods, false)
    this.services.close(id)
    target.end(Exit.void)
    return new RemoteObject(this, id, how as ObjectKind, target, undefined).handle
  }

  /** A result whose handle is taken in later. */
  expect(id: number): void {
    this.expected.set(id, undefined)
  }

  complete(id: number, status: number, value: unknown): void {
    if (this.expected.has(id)) return void this.expected.set(id, [status, value])
    this.results.delete(id)?.complete(status, value)
  }

  releaseId(id: number): void {
    if (id === 0) return
    if (id > 0) {
      this.results.delete(id)
      const completion = this.expected.get(id)
      this.expected.delete(id)
      // what came with it is not wanted either
      if (completion !== undefined) return this.services.discard(completion[1])
    } else {
      this.objects.delete(id)
      // one that is not served yet is released as soon as it is: someone may have been promised a share of it
      if (this.services.close(id) === "awaited") return
    }
    this.outbox.push2(Wire.Release, id)
  }

  /** An object's owner has ended. */
  closed(id: number): void {
    this.objects.delete(id)
  }

  /** The link has ended: nothing that is pending will complete. */
  end(reason: ActorExited["reason"], message: string): void {
    const pending = this.results.entries()
    this.ended = [reason, message]
    this.results.clear()
    this.objects.clear()
    for (const [, deferred] of pending) deferred.lose(reason, message)
  }
}
