/**
 * The caller's side of a connection: numbers the calls, remembers who waits,
 * and settles every call exactly once (C1).
 *
 * A call takes a slot, and its id is the slot with a generation, so a late or
 * repeated frame finds nobody. When the link ends, what is known of each call
 * (sent; begun; announced) decides its outcome, or whether it is carried over to
 * the actor's next incarnation.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { ActorError, HandleReleased, Outcome } from "../ActorError.ts"
import { Callees } from "./callees.ts"
import * as Codec from "./codec.ts"
import * as Handles from "./handles.ts"
import type { Imports } from "./imports.ts"
import * as Interruption from "./interruption.ts"
import type { LinkEnd, Notes } from "./link.ts"
import type { Outbox } from "./outbox.ts"
import * as Packing from "./packing.ts"
import { type Connection, type Kind, kindOf, type Pending, type Target } from "./target.ts"
import * as Wire from "./wire.ts"

const slotBits = 22
const slotMask = (1 << slotBits) - 1
const generationMask = (1 << (31 - slotBits)) - 1

/** What a client reports of the worker at the other end. */
export interface ClientEvents {
  readonly onReady: () => void
  readonly onBootFailed: (message: string) => void
  readonly onEnded: () => void
  readonly onPong: () => void
  /** messages were lost, in either direction */
  readonly onBroken: (message: string) => void
  /** an interruption was not acknowledged in time (C3) */
  readonly onUnresponsive: (target: Pick<Target, "address">) => void
}

/** The caller's half of one connection. */
export class Client implements Connection {
  readonly outbox: Outbox
  readonly ends: Handles.Ends
  /** who can be called at the other end */
  readonly callees: Callees
  /** the shared memory of the link, where it has any and the calls made here are noted in it */
  private readonly notes: Notes | undefined
  /** where it is noted how many calls are under way, if the other end is to know that when this one has died */
  private readonly tally: Int32Array | undefined
  private readonly events: ClientEvents
  private readonly interruptTimeout: number
  private readonly slots: Array<Pending | undefined> = []
  private readonly generations: Array<number> = []
  private readonly free: Array<number> = []
  private readonly infos = new Map<string, Wire.MailboxInfo>()
  private readonly kinds = new Map<ReadonlyArray<Codec.Method>, Kind>()
  private sent = 0
  private lastWords: string | undefined
  /** a message from the worker was lost */
  private hasGap = false

  constructor(
    outbox: Outbox,
    ends: Handles.Ends,
    notes: Notes | undefined,
    isChannel: boolean,
    events: ClientEvents,
    interruptTimeout: number
  ) {
    this.outbox = outbox
    this.ends = ends
    this.notes = notes
    this.tally = isChannel ? notes?.interrupts : undefined
    this.callees = new Callees(this, isChannel)
    this.events = events
    this.interruptTimeout = interruptTimeout
  }

  private get imports(): Imports {
    return this.ends.imports as Imports
  }

  /** What is known of the actors with these methods, once one has been built. */
  kindOf(methods: ReadonlyArray<Codec.Method>): Kind | undefined {
    return this.kinds.get(methods)
  }

  /** the calls that have been sent and have not settled */
  get inFlight(): number {
    return this.slots.length - this.free.length
  }

  /** Makes the calls of an actor of another link here no more, and takes back what is under way. */
  leave(target: Target, why: () => HandleReleased): void {
    this.callees.leave(target)
    for (const pending of this.callsOf(target)) this.takeBack(pending, () => pending.lose(why()))
  }

  /** The handle of an object is let go of: takes back those of its calls whose answers would have to go back. */
  recall(target: Target, why: () => HandleReleased): void {
    for (const pending of this.callsOf(target)) {
      // nobody waits for the worker, which may be busy
      if (pending.method.undo !== undefined) this.takeBack(pending, () => pending.lose(why()), true)
    }
  }

  // those under way that have not been taken back
  private callsOf(target: Target): ReadonlyArray<Pending> {
    const isUnderWay = (pending: Pending | undefined): pending is Pending =>
      pending?.target === target && pending.onAcknowledged === undefined
    return target.load === 0 ? [] : this.slots.filter(isUnderWay)
  }

  // ---- calls ----

  /** Gives a call its id and pushes its frame. */
  send(pending: Pending): boolean {
    if (pending.method.payload.handles) return this.sendHandles(pending)
    return this.sendEncoded(pending, pending.payload, pending.transfer)
  }

  // handles are handed out to this very link, so to each incarnation anew
  private sendHandles(pending: Pending): boolean {
    const { method, payload, target } = pending
    const parcel = new Handles.Parcel({ ends: this.ends, owner: pending.sender })
    const encoding = Handles.encode(parcel, method.payload, payload)
    const encoded = Codec.isSuccess(encoding)
      ? Exit.succeed([encoding.value, undefined] as const)
      : Effect.runSyncExitWith(pending.context)(Codec.collect(encoding))
    if (Exit.isFailure(encoded)) {
      const why = Cause.squash(encoded.cause)
      const isSlow = Cause.isAsyncFiberError(why)
      if (isSlow) why.fiber.interruptUnsafe()
      pending.fail(
        Effect.die(
          new TypeError(
            `${target.name}.${method.tag}: the payload does not fit its schema: ${
              isSlow ? "what is beside a handle must be encoded at once" : Codec.issueText(encoded.cause)
            }`
          )
        )
      )
      return false
    }
    const isSent = this.sendEncoded(pending, ...encoded.value)
    if (isSent) parcel.sent()
    else parcel.abandon()
    return isSent
  }

  private sendEncoded(pending: Pending, payload: unknown, transfer: ReadonlyArray<unknown> | undefined): boolean {
    const { extras, method, target } = pending
    const index = target.wireMethods[pending.index]!
    if (index < 0) {
      pending.lose(pending.protocolError("NotRun", "the worker's version of this actor has no such method"))
      return false
    }
    let slot = this.free.pop()
    if (slot === undefined) {
      slot = this.slots.length
      if (slot > slotMask) {
        pending.lose(pending.mailboxFull(slotMask + 1))
        return false
      }
      this.generations.push(0)
    }
    this.slots[slot] = pending
    pending.id = (this.generations[slot]! << slotBits) | slot
    pending.connection = this
    pending.sequence = this.sent++
    target.queued++
    this.outbox.expect(this.inFlight)
    if (this.tally !== undefined) Interruption.noteUnderWay(this.tally, this.inFlight)
    if (transfer !== undefined) {
      this.outbox.pushTransfer([Wire.CallWith, pending.id, target.id, index, payload, extras], transfer)
      return true
    }
    if (!method.payload.isolated) this.outbox.isolate(payload)
    if (extras === undefined) this.outbox.push5(Wire.Call, pending.id, target.id, index, payload)
    else this.outbox.push6(Wire.CallWith, pending.id, target.id, index, payload, extras)
    return true
  }

  /** Takes back a call that has been sent; completes with its acknowledgement (C3). */
  interrupt(pending: Pending): Effect.Effect<void> {
    if (this.slots[pending.id & slotMask] !== pending) return Effect.void
    return Effect.callback<void>((resume) => this.takeBack(pending, () => resume(Exit.void)))
  }

  private takeBack(pending: Pending, onAcknowledged: () => void, isPatient = false): void {
    const { method, onAcknowledged: before, target } = pending
    // what it has taken may have to go back: letting go of the object comes behind that
    const first = before ?? (method.undo === undefined ? undefined : this.imports.sendBack(target.id))
    pending.onAcknowledged = first === undefined ? onAcknowledged : () => {
      first()
      onAcknowledged()
    }
    if (before === undefined) {
      pending.takenBack = Interruption.takeBack()
      const interrupts = this.notes?.interrupts
      if (interrupts !== undefined) Interruption.note(interrupts, pending.id, this.hasBegun(pending))
      // callers that are interrupted together are taken back together, before any of those behind them begins
      this.outbox.pushLazy2(Wire.Interrupt, pending.id)
    }
    if (isPatient || pending.timer !== undefined || this.interruptTimeout === Infinity || pending.uninterruptible) {
      return
    }
    this.expectReaction(pending)
  }

  // one that is not known to have begun waits rightly for what blocks the worker, and has its time once it is; so does one that waits
  // for another one, who has its own time, and says again that it does when it is asked
  private expectReaction(pending: Pending, waits = false): void {
    const isDue = !waits && this.hasBegun(pending)
    clearTimeout(pending.timer)
    const timer = pending.timer = setTimeout(() =>
      // what has come meanwhile is read first, also where this side was blocked itself
      setImmediate(() => {
        if (pending.timer !== timer) return
        if (isDue) return this.events.onUnresponsive(pending.target)
        if (waits) this.outbox.pushLazy2(Wire.Interrupt, pending.id)
        this.expectReaction(pending)
      }), this.interruptTimeout)
  }

  private calm(pending: Pending): void {
    clearTimeout(pending.timer)
    pending.timer = undefined
  }

  private hasBegun(pending: Pending): boolean {
    return pending.started || this.begun?.includes(pending.id) === true
  }

  /** the calls that have begun and may not have been announced, where that is noted */
  private get begun(): Int32Array | undefined {
    const begun = this.notes?.begun
    return begun?.subarray(1, 1 + begun[0]!)
  }

  // ---- answers ----

  private release(pending: Pending): void {
    const slot = pending.id & slotMask
    this.slots[slot] = undefined
    this.generations[slot] = (this.generations[slot]! + 1) & generationMask
    this.free.push(slot)
    if (this.tally !== undefined) Interruption.noteUnderWay(this.tally, this.inFlight)
    const { target } = pending
    if (!pending.started) target.queued--
    else if (pending.forked) target.forked--
    else target.running--
    if (pending.timer !== undefined) this.calm(pending)
    if (pending.onAcknowledged === undefined) return
    Interruption.acknowledged(pending.takenBack)
    const interrupts = this.notes?.interrupts
    if (interrupts !== undefined) Interruption.forget(interrupts, pending.id)
  }

  private find(id: number): Pending | undefined {
    const pending = this.slots[id & slotMask]
    return pending !== undefined && pending.id === id ? pending : undefined
  }

  // with a status: by a result that is there already
  private settled(id: number, value: unknown, status?: number): void {
    const pending = this.find(id)
    if (pending === undefined) return
    this.release(pending)
    if (pending.onAcknowledged !== undefined) {
      // the answer has crossed the interruption
      pending.undo(status === undefined ? value : Handles.known(status, value), pending.onAcknowledged)
    } else if (status === undefined) pending.succeed(value)
    else pending.known(status, value)
    if (pending.target.waiting.size > 0) pending.target.advance()
  }

  private failed(id: number, failure: number, value: unknown): void {
    const pending = this.find(id)
    if (pending === undefined) return
    this.release(pending)
    if (pending.onAcknowledged !== undefined) pending.onAcknowledged()
    else if (failure === Wire.FailureStopped && pending.isCarriable && this.callees.cut(pending.target)) {
      // it goes to whoever knows how the actor has ended
      pending.reset("NotRun")
      pending.target.connection.send(pending)
    } else pending.fail(this.failureOf(pending, failure, value))
    if (pending.target.waiting.size > 0) pending.target.advance()
  }

  private failureOf(pending: Pending, failure: number, value: unknown): Effect.Effect<never, unknown> {
    const { method, target } = pending
    switch (failure) {
      case Wire.FailureError:
        return Effect.flatMap(pending.decodeWith(method.error, value, "the error"), Effect.fail)
      case Wire.FailureCause:
        return Effect.flatMap(
          Codec.decodeCauseWith(
            value as Wire.EncodedCause,
            (error) => pending.decodeWith(method.error, error, "the error"),
            method.decodeDefect
          ),
          Effect.failCause
        )
      case Wire.FailureRelayed:
        return Effect.flatMap(
          pending.decodeWith(Codec.relayed, value, "the error"),
          (error) => Effect.fail(pending.relayed(error as ActorError | HandleReleased))
        )
      case Wire.FailureUndecodable:
        return Effect.fail(pending.protocolError("NotRun", `the actor cannot read the call: ${String(value)}`))
      case Wire.FailureUnencodable:
        return Effect.fail(pending.protocolError("Unknown", `the answer cannot be sent: ${String(value)}`))
      case Wire.FailureMailboxFull:
        return Effect.fail(pending.mailboxFull(value as number))
      case Wire.FailureStopped:
      case Wire.FailureRemoved:
        return pending.failing(target.released ?? pending.stopped("NotRun", "before it ran"))
      default:
        return Effect.fail(target.released ?? pending.stopped("Unknown", "while it ran", value === Wire.killed))
    }
  }

  /** A call is announced; by another than the worker's own thread where that is blocked. */
  started(id: number, flags: number): void {
    const pending = this.find(id)
    if (pending === undefined) return
    if ((flags & Wire.FlagUninterruptible) !== 0) {
      pending.uninterruptible = true
      this.calm(pending)
    }
    const { target } = pending
    const forked = (flags & Wire.FlagForked) !== 0
    const waits = (flags & Wire.FlagWaits) !== 0
    const isNew = !pending.started
    if (isNew) {
      pending.started = true
      pending.forked = forked
      target.queued--
      if (forked) target.forked++
      else target.running++
      pending.accepted()
    } else if (forked && !pending.forked) {
      // its handler has given its place away and answers later
      pending.forked = true
      target.running--
      target.forked++
    }
    if (pending.timer !== undefined && (isNew || waits)) this.expectReaction(pending, waits)
    if (target.waiting.size > 0) target.advance()
  }

  /** A message from the other end was lost. */
  onGap(): void {
    this.hasGap = true
    this.events.onBroken("a message from it was lost")
  }

  /** Reads one frame, an answer, at its place in a batch. */
  onFrame(op: number, batch: Wire.Batch, i: number): void {
    switch (op) {
      case Wire.Settled:
        this.settled(batch[i + 1] as number, batch[i + 2])
        break
      case Wire.Promised:
        this.settled(batch[i + 1] as number, Handles.promise(batch[i + 2] as number))
        break
      case Wire.Known:
        this.settled(batch[i + 1] as number, batch[i + 3], batch[i + 2] as number)
        break
      case Wire.Failed:
        this.failed(batch[i + 1] as number, batch[i + 2] as number, batch[i + 3])
        break
      case Wire.Started:
        this.started(batch[i + 1] as number, batch[i + 2] as number)
        break
      case Wire.Accepted:
        this.find(batch[i + 1] as number)?.accepted()
        break
      case Wire.Chunk:
        this.find(batch[i + 1] as number)?.chunk(Packing.unpack(batch[i + 2] as ReadonlyArray<unknown> | Wire.Packed))
        break
      case Wire.Spawned:
        this.spawned(batch[i + 1] as number, batch[i + 2] as number, batch[i + 3])
        break
      case Wire.Closed:
        this.closed(batch[i + 1] as number, batch[i + 2] as Wire.EncodedCause | undefined)
        break
      case Wire.Voted: {
        const target = this.callees.actors.get(batch[i + 1] as number)
        target?.onVoted?.(batch[i + 2] as boolean | Wire.EncodedCause)
        break
      }
      case Wire.Ready:
        this.events.onReady()
        break
      case Wire.BootFailed:
        this.events.onBootFailed(batch[i + 1] as string)
        break
      case Wire.Ended:
        this.events.onEnded()
        break
      case Wire.Broken:
        this.events.onBroken(batch[i + 1] as string)
        break
      case Wire.Complete:
        this.imports.complete(batch[i + 1] as number, batch[i + 2] as number, batch[i + 3])
        break
      case Wire.Found:
        this.imports.found(batch[i + 1] as number, batch[i + 2] as Handles.Way | undefined, this.ends)
        break
      case Wire.Left:
        this.ends.neighbour?.left(batch[i + 1] as number)
        break
      case Wire.Served:
        this.callees.served(batch[i + 1] as number)
        break
      case Wire.Pong:
        this.events.onPong()
        break
      case Wire.Dying:
        this.lastWords = batch[i + 1] as string
        break
    }
  }

  private spawned(id: number, status: number, value: unknown): void {
    const target = this.callees.actors.get(id)
    if (target === undefined) return
    if (status === Wire.SpawnOk) {
      // announced once for each kind of actor, remembered for the rest
      if (value !== undefined) this.infos.set(target.name, value as Wire.MailboxInfo)
      let kind = this.kinds.get(target.methods)
      if (kind === undefined) {
        kind = kindOf(target.methods, this.infos.get(target.name)!)
        this.kinds.set(target.methods, kind)
      }
      target.kind = kind
    }
    const { build } = target
    target.build = undefined
    build?.answered(status, value)
  }

  private closed(id: number, cause: Wire.EncodedCause | undefined): void {
    const target = this.callees.closed(id)
    if (target === undefined) return
    if (target.onCut !== undefined) return target.onCut()
    if (id < 0) this.imports.closed(id)
    target.end(Exit.void)
    const { build, onClosed } = target
    target.onClosed = target.build = undefined
    target.onVoted?.(false)
    build?.answered(-1, "it was closed before it was built")
    onClosed?.(cause)
  }

  /** The end of the link together with what the worker itself said of it. */
  describe(end: LinkEnd): LinkEnd {
    return this.lastWords && !end.message.includes(this.lastWords)
      ? { ...end, message: `${end.message}: ${this.lastWords}` }
      : end
  }

  /** Settles everything: the link has ended. */
  end(end: LinkEnd): void {
    const { message } = end
    this.outbox.close()
    // its notes do not say what it has announced, and that was lost if anything was
    const begun = this.hasGap ? undefined : this.begun
    const begunIds = begun === undefined ? undefined : new Set(begun)
    const lost: Array<[pending: Pending, outcome: Outcome]> = []
    for (const pending of this.slots) {
      if (pending === undefined) continue
      // what was begun is noted in shared memory, or was announced with the last words; a process that is killed leaves neither
      const proved = begunIds === undefined ? this.lastWords !== undefined : !begunIds.has(pending.id)
      lost.push([pending, !pending.started && proved && !pending.mayHaveRun ? "NotRun" : "Unknown"])
    }
    lost.sort(([a], [b]) => a.sequence - b.sequence)
    const [targets, living] = this.callees.end(end)
    // F3: calls that never ran, or may run twice, go on with the actor in their order
    const carried = new Map(living.map((target) => [target, [] as Array<Pending>]))
    const settling: Array<() => void> = []
    for (const [pending, outcome] of lost) {
      const { method, target } = pending
      this.release(pending)
      const { onAcknowledged } = pending
      if (onAcknowledged !== undefined) {
        settling.push(onAcknowledged)
        continue
      }
      const next = carried.get(target)
      if (next !== undefined && pending.isCarriable && (outcome === "NotRun" || method.idempotent)) {
        pending.reset(outcome)
        next.push(pending)
        continue
      }
      const when = pending.started ? "while it ran" : "before it was answered"
      const error = pending.exited(end.reason, outcome, `${target.address} ended ${when}: ${message}`)
      settling.push(() => pending.lose(error))
    }
    // what is carried over is in its line before anyone is told, who may interrupt it or make a call behind it
    for (const [target, calls] of carried) target.interrupted(calls)
    for (const settle of settling) settle()
    this.imports.end(end.reason, message)
    for (const target of targets) {
      target.onCut?.()
      const { build, onClosed } = target
      target.build = target.onClosed = undefined
      target.onVoted?.(false)
      build?.answered(-1, message)
      onClosed?.(undefined)
    }
  }

  /** A frame of a caller could not be sent. */
  onUnsendable(frame: Wire.Batch, error: unknown): void {
    switch (frame[0]) {
      case Wire.Call:
      case Wire.CallWith: {
        const pending = this.find(frame[1] as number)
        if (pending?.method.payload.handles !== false) Handles.takeBack(this.ends, frame[4])
        if (pending === undefined) return
        this.release(pending)
        pending.fail(
          Effect.die(
            new TypeError(
              `${pending.target.name}.${pending.method.tag}: the payload cannot be sent: ${Codec.textOf(error)}`
            )
          )
        )
        pending.target.advance()
        return
      }
      case Wire.Spawn:
        Handles.takeBack(this.ends, frame[3])
        return this.spawned(frame[1] as number, Wire.SpawnArgsInvalid, `they cannot be sent: ${Codec.textOf(error)}`)
      case Wire.Close:
        // an exit is encoded as plain data, so only its values can have been refused
        return this.outbox.push4(Wire.Close, frame[1], frame[2], [["Die", Codec.textOf(error)]])
      default:
        throw error
    }
  }
}
