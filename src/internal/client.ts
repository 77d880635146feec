/**
 * The caller's side of a connection: numbers the calls, remembers who waits,
 * and settles every call exactly once.
 *
 * A call takes a slot, and its id is the slot with a generation, so a late or
 * repeated frame finds nobody. How many calls may lie in an actor's mailbox is
 * counted here as well: a caller that finds it full waits in line at this end,
 * so nothing is buffered in the worker beyond the mailbox's capacity. When the
 * link ends, what is known of each call (never sent; sent; begun) decides its
 * outcome.
 */
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Headers from "effect/http/Headers"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Tracer from "effect/Tracer"
import * as Transferable from "effect/workers/Transferable"
import { ActorExited, MailboxFull, type Outcome, ProtocolError } from "../ActorError.ts"
import * as Codec from "./codec.ts"
import { Line } from "./line.ts"
import type { Link, LinkEnd } from "./link.ts"
import { Outbox } from "./outbox.ts"
import * as Wire from "./wire.ts"

const slotBits = 22
const slotMask = (1 << slotBits) - 1
const generationMask = (1 << (31 - slotBits)) - 1
const defaultWindow = 1024

type Resume = (effect: Effect.Effect<unknown, unknown>) => void

/** What a method of a client takes beside its payload. */
export interface CallOptions {
  readonly discard?: boolean | undefined
  readonly headers?: Headers.Input | undefined
  readonly asQueue?: boolean | undefined
  readonly streamBufferSize?: number | undefined
}

/** One actor, as its caller sees it. */
export class Target {
  readonly client: Client
  readonly id: number
  readonly name: string
  readonly address: string
  readonly methods: ReadonlyArray<Codec.Method>
  /** in the order of `methods`, what each is called on the wire; -1 where the actor does not serve it */
  wireMethods: ReadonlyArray<number> = []
  capacity = Infinity
  concurrency = 1
  suspends = true
  /** sent, and not known to have left the mailbox */
  queued = 0
  /** known to be running and to take a place of `concurrency` */
  running = 0
  /** the calls that found the mailbox full, in order */
  readonly waiting = new Line<Pending>()
  /** being closed: no call is made any more */
  closing = false
  /** how the actor ended */
  exit: Exit.Exit<void, ActorExited> | undefined
  /** told once of the answer to `Spawn` */
  onSpawned: ((status: number, value: unknown) => void) | undefined
  /** told once of the answer to `Close`, or of the end of the link */
  onClosed: ((cause: Wire.EncodedCause | undefined) => void) | undefined
  /** told of the answer to `Vote` */
  onVoted: ((vote: boolean | Wire.EncodedCause) => void) | undefined
  private readonly exitListeners = new Set<(exit: Exit.Exit<void, ActorExited>) => void>()

  constructor(client: Client, id: number, name: string, address: string, methods: ReadonlyArray<Codec.Method>) {
    this.client = client
    this.id = id
    this.name = name
    this.address = address
    this.methods = methods
  }

  /** how many calls are under way or wait to be sent */
  get load(): number {
    return this.queued + this.running + this.waiting.size
  }

  opened(info: Wire.MailboxInfo): void {
    this.wireMethods = this.methods.map((method) => info.methods.indexOf(method.tag))
    this.capacity = info.capacity < 0 ? Infinity : info.capacity
    this.concurrency = info.concurrency < 0 ? Infinity : info.concurrency
    this.suspends = info.suspends
  }

  exited(reason: ActorExited["reason"], outcome: Outcome, message: string): ActorExited {
    return new ActorExited({ actor: this.name, reason, outcome, message })
  }

  /** Why no call can be made, if none can. */
  refusal(): ActorExited | undefined {
    if (!this.closing) return undefined
    if (this.exit === undefined || Exit.isSuccess(this.exit)) {
      return this.exited("Stopped", "NotRun", `${this.address} has been stopped`)
    }
    const error = Cause.squash(this.exit.cause) as ActorExited
    return this.exited(error.reason, "NotRun", error.message)
  }

  /** Takes no more calls; those that were never sent settle now. */
  refuse(): void {
    this.closing = true
    if (this.waiting.size === 0) return
    const refusal = this.refusal()!
    for (const pending of this.waiting.drain()) pending.lose(refusal)
  }

  /** The actor is gone: tells the watchers. */
  end(exit: Exit.Exit<void, ActorExited>): void {
    if (this.exit !== undefined) return
    this.exit = exit
    this.refuse()
    for (const listener of this.exitListeners) listener(exit)
    this.exitListeners.clear()
  }

  get awaitExit(): Effect.Effect<Exit.Exit<void, ActorExited>> {
    return Effect.callback((resume) => {
      if (this.exit !== undefined) return resume(Effect.succeed(this.exit))
      const listener = (exit: Exit.Exit<void, ActorExited>): void => resume(Effect.succeed(exit))
      this.exitListeners.add(listener)
      return Effect.sync(() => {
        this.exitListeners.delete(listener)
      })
    })
  }

  hasRoom(): boolean {
    return !this.suspends || this.queued < this.capacity + Math.max(0, this.concurrency - this.running)
  }

  /** Sends calls that waited for room, as far as there is room. */
  advance(): void {
    while (this.waiting.size > 0 && this.hasRoom()) this.client.send(this.waiting.take()!)
  }
}

/** A call that has not settled. */
abstract class Pending {
  /** -1 until it has been sent */
  id = -1
  started = false
  forked = false
  uninterruptible = false
  onAcknowledged: (() => void) | undefined
  timer: ReturnType<typeof setTimeout> | undefined
  readonly target: Target
  readonly index: number
  readonly payload: unknown
  readonly extras: Wire.Extras | undefined
  readonly transfer: ReadonlyArray<unknown> | undefined

  constructor(
    target: Target,
    index: number,
    payload: unknown,
    extras: Wire.Extras | undefined,
    transfer: ReadonlyArray<unknown> | undefined
  ) {
    this.target = target
    this.index = index
    this.payload = payload
    this.extras = extras
    this.transfer = transfer
  }

  get method(): Codec.Method {
    return this.target.methods[this.index]!
  }

  /** the value of `Settled` */
  abstract succeed(value: unknown): void
  /** a failure, as an effect that fails with it */
  abstract fail(failure: Effect.Effect<never, unknown>): void

  lose(error: unknown): void {
    this.fail(Effect.fail(error))
  }

  accepted(): void {}

  chunk(_values: ReadonlyArray<unknown>): void {}

  protocolError(outcome: Outcome, what: string): ProtocolError {
    const { address, name } = this.target
    return new ProtocolError({ actor: name, method: this.method.tag, outcome, message: `${address}.${this.method.tag}: ${what}` })
  }

  decodeWith(codec: Codec.Codec, value: unknown, what: string): Effect.Effect<unknown, unknown> {
    const decoded = codec.decode(value)
    return Codec.isSuccess(decoded)
      ? decoded
      : Effect.catchCause(
        decoded,
        (cause) => Effect.fail(this.protocolError("Unknown", `${what} does not fit its schema: ${Codec.issueText(cause)}`))
      )
  }
}

class PendingCall extends Pending {
  resume: Resume = undefined as never

  succeed(value: unknown): void {
    this.resume(this.decodeWith(this.method.success, value, "the result"))
  }

  fail(failure: Effect.Effect<never, unknown>): void {
    this.resume(failure)
  }
}

class PendingTell extends PendingCall {
  override succeed(): void {
    this.resume(Exit.void)
  }

  override accepted(): void {
    this.resume(Exit.void)
  }
}

class PendingStream extends Pending {
  private readonly chunks: Array<ReadonlyArray<unknown>> = []
  private done: Effect.Effect<never, unknown> | undefined
  private waiter: Resume | undefined
  private consumed = 0

  succeed(): void {
    this.fail(Cause.done())
  }

  fail(failure: Effect.Effect<never, unknown>): void {
    this.done ??= failure
    this.wake()
  }

  override chunk(values: ReadonlyArray<unknown>): void {
    this.chunks.push(values)
    this.wake()
  }

  private wake(): void {
    const waiter = this.waiter
    if (waiter === undefined) return
    this.waiter = undefined
    waiter(this.take())
  }

  /** The next chunk, as soon as there is one; what has been taken is given back to the producer as credit. */
  take(): Effect.Effect<any, any> {
    const chunk = this.chunks.shift()
    if (chunk !== undefined) {
      this.consumed += chunk.length
      if (this.done === undefined && this.consumed * 2 >= (this.extras?.window ?? defaultWindow)) {
        this.target.client.outbox.push3(Wire.Credit, this.id, this.consumed)
        this.consumed = 0
      }
      return this.decodeChunk(chunk)
    }
    if (this.done !== undefined) return this.done
    return Effect.callback((resume) => {
      this.waiter = resume as Resume
      return Effect.sync(() => {
        this.waiter = undefined
      })
    })
  }

  private decodeChunk(chunk: ReadonlyArray<unknown>): Effect.Effect<any, any> {
    const decode = this.method.success.decode
    const out: Array<unknown> = new Array(chunk.length)
    for (let i = 0; i < chunk.length; i++) {
      const decoded = decode(chunk[i])
      if (!Codec.isSuccess(decoded)) {
        return Effect.forEach(chunk, (item) => this.decodeWith(this.method.success, item, "an item of the stream"))
      }
      out[i] = decoded.value
    }
    return Exit.succeed(out)
  }
}

/** What a client reports of the worker at the other end. */
export interface ClientEvents {
  readonly onReady: () => void
  readonly onBootFailed: (message: string) => void
  readonly onEnded: () => void
  /** an interruption was not acknowledged in time (C3) */
  readonly onUnresponsive: (target: Target) => void
}

/** The caller's half of one connection. */
export class Client {
  readonly outbox: Outbox
  readonly targets = new Map<number, Target>()
  private readonly link: Link
  private readonly events: ClientEvents
  private readonly interruptTimeout: number
  private readonly slots: Array<Pending | undefined> = []
  private readonly generations: Array<number> = []
  private readonly free: Array<number> = []
  private readonly infos = new Map<string, Wire.MailboxInfo>()
  private nextTarget = 1
  private lastWords: string | undefined

  constructor(link: Link, events: ClientEvents, interruptTimeout: number) {
    this.link = link
    this.events = events
    this.interruptTimeout = interruptTimeout
    this.outbox = new Outbox(link, (frame, error) => this.onUnsendable(frame, error))
  }

  /** the calls that have been sent and have not settled */
  get inFlight(): number {
    return this.slots.length - this.free.length
  }

  // ---- actors ----

  open(name: string, address: (id: number) => string, methods: ReadonlyArray<Codec.Method>): Target {
    const id = this.nextTarget++
    const target = new Target(this, id, name, address(id), methods)
    this.targets.set(id, target)
    return target
  }

  // ---- calls ----

  /** Calls a method; the returned effect settles exactly once (C1). */
  call(target: Target, index: number, payload: unknown, options?: CallOptions): any {
    const method = target.methods[index]!
    if (method.stream) return this.stream(target, index, payload, options)
    return Effect.callback<unknown, unknown>((resume) => {
      const encoded = method.payload.encode(payload)
      const extras = extrasOf(options, undefined)
      if (!Codec.isSuccess(encoded)) {
        return resume(
          Effect.flatMap(
            this.encodeSlowly(target, method, encoded),
            ([payload, transfer]) => this.start(target, index, payload, extras, transfer)
          )
        )
      }
      return this.begin(target, index, encoded.value, extras, undefined, resume)
    })
  }

  private start(
    target: Target,
    index: number,
    payload: unknown,
    extras: Wire.Extras | undefined,
    transfer: ReadonlyArray<unknown> | undefined
  ): Effect.Effect<unknown, unknown> {
    return Effect.callback((resume) => this.begin(target, index, payload, extras, transfer, resume))
  }

  private begin(
    target: Target,
    index: number,
    payload: unknown,
    extras: Wire.Extras | undefined,
    transfer: ReadonlyArray<unknown> | undefined,
    resume: Resume
  ): Effect.Effect<void> | undefined {
    const pending = extras?.discard === true
      ? new PendingTell(target, index, payload, extras, transfer)
      : new PendingCall(target, index, payload, extras, transfer)
    pending.resume = resume
    return this.submit(pending) ? Effect.suspend(() => this.cancel(pending)) : undefined
  }

  private encodeSlowly(
    target: Target,
    method: Codec.Method,
    encoded: Effect.Effect<unknown, unknown>
  ): Effect.Effect<readonly [payload: unknown, transfer: ReadonlyArray<unknown> | undefined]> {
    return Effect.suspend(() => {
      const collector = Transferable.makeCollectorUnsafe()
      return Effect.matchCauseEffect(Effect.provideService(encoded, Transferable.Collector, collector), {
        onSuccess: (payload) => {
          const transfer = collector.readUnsafe()
          return Effect.succeed([payload, transfer.length > 0 ? transfer : undefined] as const)
        },
        onFailure: (cause) =>
          Cause.hasInterrupts(cause) ? Effect.failCause(cause as Cause.Cause<never>) : Effect.die(
            new TypeError(`${target.name}.${method.tag}: the payload does not fit its schema: ${Codec.issueText(cause)}`)
          )
      })
    })
  }

  private stream(target: Target, index: number, payload: unknown, options?: CallOptions): any {
    const method = target.methods[index]!
    const channel = Channel.fromTransform((_, scope) =>
      Effect.suspend(() => {
        const refusal = target.refusal()
        if (refusal !== undefined) return Effect.fail(refusal)
        const extras = extrasOf(options, options?.streamBufferSize)
        return Effect.flatMap(
          this.encodeSlowly(target, method, method.payload.encode(payload)),
          ([payload, transfer]) => {
            const pending = new PendingStream(target, index, payload, extras, transfer)
            this.submit(pending)
            return Effect.as(
              Scope.addFinalizer(scope, Effect.suspend(() => this.cancel(pending))),
              Effect.suspend(() => pending.take())
            )
          }
        )
      })
    )
    const stream = Stream.fromChannel(channel as Channel.Channel<readonly [unknown, ...Array<unknown>], unknown>)
    return options?.asQueue === true ? Stream.toQueue(stream, { capacity: options.streamBufferSize ?? 16 }) : stream
  }

  // false when it has settled at once
  private submit(pending: Pending): boolean {
    const { target } = pending
    if (target.wireMethods[pending.index]! < 0) {
      pending.lose(pending.protocolError("NotRun", "the worker's version of this actor has no such method"))
      return false
    }
    const refusal = target.refusal()
    if (refusal !== undefined) {
      pending.lose(refusal)
      return false
    }
    if (target.waiting.size > 0 || !target.hasRoom()) {
      target.waiting.add(pending)
      return true
    }
    return this.send(pending)
  }

  /** Gives a call its id and pushes its frame. */
  send(pending: Pending): boolean {
    const { extras, method, payload, target, transfer } = pending
    let slot = this.free.pop()
    if (slot === undefined) {
      slot = this.slots.length
      if (slot > slotMask) {
        pending.lose(mailboxFull(pending, slotMask + 1))
        return false
      }
      this.generations.push(0)
    }
    this.slots[slot] = pending
    pending.id = (this.generations[slot]! << slotBits) | slot
    target.queued++
    const index = target.wireMethods[pending.index]!
    if (transfer !== undefined) {
      this.outbox.pushTransfer([Wire.CallWith, pending.id, target.id, index, payload, extras], transfer)
      return true
    }
    if (!method.payload.isolated) this.outbox.isolate(payload)
    if (extras === undefined) this.outbox.push5(Wire.Call, pending.id, target.id, index, payload)
    else this.outbox.push6(Wire.CallWith, pending.id, target.id, index, payload, extras)
    return true
  }

  /** Takes a call back: out of the line if it was never sent, else by an interrupt whose acknowledgement is waited for (C3). */
  private cancel(pending: Pending): Effect.Effect<void> {
    if (pending.id === -1) {
      pending.target.waiting.remove(pending)
      return Effect.void
    }
    if (this.slots[pending.id & slotMask] !== pending) return Effect.void
    return Effect.callback<void>((resume) => {
      pending.onAcknowledged = () => resume(Exit.void)
      this.outbox.push2(Wire.Interrupt, pending.id)
      if (this.interruptTimeout !== Infinity && !pending.uninterruptible) {
        pending.timer = setTimeout(() => this.events.onUnresponsive(pending.target), this.interruptTimeout)
      }
    })
  }

  // ---- answers ----

  private release(pending: Pending): void {
    const slot = pending.id & slotMask
    this.slots[slot] = undefined
    this.generations[slot] = (this.generations[slot]! + 1) & generationMask
    this.free.push(slot)
    const { target } = pending
    if (!pending.started) target.queued--
    else if (!pending.forked) target.running--
    if (pending.timer !== undefined) clearTimeout(pending.timer)
  }

  private find(id: number): Pending | undefined {
    const pending = this.slots[id & slotMask]
    return pending !== undefined && pending.id === id ? pending : undefined
  }

  private settled(id: number, value: unknown): void {
    const pending = this.find(id)
    if (pending === undefined) return
    this.release(pending)
    if (pending.onAcknowledged !== undefined) pending.onAcknowledged()
    else pending.succeed(value)
    if (pending.target.waiting.size > 0) pending.target.advance()
  }

  private failed(id: number, failure: number, value: unknown): void {
    const pending = this.find(id)
    if (pending === undefined) return
    this.release(pending)
    if (pending.onAcknowledged !== undefined) pending.onAcknowledged()
    else pending.fail(this.failureOf(pending, failure, value))
    if (pending.target.waiting.size > 0) pending.target.advance()
  }

  private failureOf(pending: Pending, failure: number, value: unknown): Effect.Effect<never, unknown> {
    const { method, target } = pending
    switch (failure) {
      case Wire.FailureError:
        return Effect.flatMap(pending.decodeWith(method.error, value, "the error"), Effect.fail)
      case Wire.FailureCause: {
        const causes = value as Wire.EncodedCause
        // the errors are decoded first, because a schema may be effectful
        return Effect.flatMap(
          Effect.forEach(causes, ([tag, error]) =>
            tag === "Fail" ? pending.decodeWith(method.error, error, "the error") : Exit.succeed(error)),
          (values) =>
            Effect.failCause(
              Codec.decodeCause(
                causes.map(([tag], i) => [tag, values[i]] as Wire.EncodedCause[number]),
                (error) => error,
                method.decodeDefect
              )
            )
        )
      }
      case Wire.FailureUndecodable:
        return Effect.fail(pending.protocolError("NotRun", `the actor cannot read the call: ${String(value)}`))
      case Wire.FailureUnencodable:
        return Effect.fail(pending.protocolError("Unknown", `the answer cannot be sent: ${String(value)}`))
      case Wire.FailureMailboxFull:
        return Effect.fail(mailboxFull(pending, value as number))
      case Wire.FailureStopped:
      case Wire.FailureRemoved:
        return Effect.fail(target.exited("Stopped", "NotRun", `${target.address} was stopped before ${method.tag} ran`))
      default:
        return Effect.fail(target.exited("Stopped", "Unknown", `${target.address} was stopped while ${method.tag} ran`))
    }
  }

  private started(id: number, flags: number): void {
    const pending = this.find(id)
    if (pending === undefined) return
    if ((flags & Wire.FlagUninterruptible) !== 0) {
      pending.uninterruptible = true
      if (pending.timer !== undefined) clearTimeout(pending.timer)
    }
    const { target } = pending
    const forked = (flags & Wire.FlagForked) !== 0
    if (!pending.started) {
      pending.started = true
      pending.forked = forked
      target.queued--
      if (!forked) target.running++
      pending.accepted()
    } else if (forked && !pending.forked) {
      // its handler has given its place away and answers later
      pending.forked = true
      target.running--
    }
    if (target.waiting.size > 0) target.advance()
  }

  /** Reads a batch from the actors' side. */
  onBatch(batch: Wire.Batch): void {
    for (let i = 0; i < batch.length;) {
      const op = batch[i] as number
      switch (op) {
        case Wire.Settled:
          this.settled(batch[i + 1] as number, batch[i + 2])
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
          this.find(batch[i + 1] as number)?.chunk(batch[i + 2] as ReadonlyArray<unknown>)
          break
        case Wire.Spawned:
          this.spawned(batch[i + 1] as number, batch[i + 2] as number, batch[i + 3])
          break
        case Wire.Closed:
          this.closed(batch[i + 1] as number, batch[i + 2] as Wire.EncodedCause | undefined)
          break
        case Wire.Voted: {
          const target = this.targets.get(batch[i + 1] as number)
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
        case Wire.Dying:
          this.lastWords = batch[i + 1] as string
          break
      }
      i += Wire.sizes[op]!
    }
  }

  private spawned(id: number, status: number, value: unknown): void {
    const target = this.targets.get(id)
    if (target === undefined) return
    if (status === Wire.SpawnOk) {
      // announced once for each kind of actor, remembered for the rest
      if (value !== undefined) this.infos.set(target.name, value as Wire.MailboxInfo)
      target.opened(this.infos.get(target.name)!)
    }
    const onSpawned = target.onSpawned
    target.onSpawned = undefined
    onSpawned?.(status, value)
  }

  private closed(id: number, cause: Wire.EncodedCause | undefined): void {
    const target = this.targets.get(id)
    if (target === undefined) return
    this.targets.delete(id)
    target.end(Exit.void)
    const onClosed = target.onClosed
    target.onClosed = undefined
    onClosed?.(cause)
  }

  /** Settles everything: the link has ended. */
  end(end: LinkEnd): void {
    const message = !this.lastWords ? end.message : `${end.message}: ${this.lastWords}`
    this.outbox.close()
    const begun = this.link.begun
    const begunIds = begun === undefined ? undefined : new Set(begun.subarray(1, 1 + begun[0]!))
    const lost: Array<[pending: Pending, outcome: Outcome]> = []
    for (const pending of this.slots) {
      if (pending === undefined) continue
      const proved = begunIds !== undefined
        ? !begunIds.has(pending.id)
        // everything begun was announced with the last words; without them only a busy actor proves anything
        : this.lastWords !== undefined || pending.target.running >= pending.target.concurrency
      lost.push([pending, !pending.started && proved ? "NotRun" : "Unknown"])
    }
    const targets = Array.from(this.targets.values())
    this.targets.clear()
    for (const target of targets) {
      const error = target.exited(end.reason, "NotRun", `${target.address} ended: ${message}`)
      target.end(end.reason === "Stopped" ? Exit.void : Exit.fail(error))
    }
    for (const [pending, outcome] of lost) {
      const { method, target } = pending
      this.release(pending)
      if (pending.onAcknowledged !== undefined) pending.onAcknowledged()
      else {
        const when = pending.started ? `while ${method.tag} ran` : `before ${method.tag} was answered`
        pending.lose(target.exited(end.reason, outcome, `${target.address} ended ${when}: ${message}`))
      }
    }
    for (const target of targets) {
      const { onClosed, onSpawned } = target
      target.onSpawned = target.onClosed = undefined
      target.onVoted?.(false)
      onSpawned?.(-1, message)
      onClosed?.(undefined)
    }
  }

  private onUnsendable(frame: Wire.Batch, error: unknown): void {
    switch (frame[0]) {
      case Wire.Call:
      case Wire.CallWith: {
        const pending = this.find(frame[1] as number)
        if (pending === undefined) return
        this.release(pending)
        pending.fail(
          Effect.die(new TypeError(`${pending.target.name}.${pending.method.tag}: the payload cannot be sent: ${String(error)}`))
        )
        pending.target.advance()
        return
      }
      case Wire.Spawn:
        return this.spawned(frame[1] as number, Wire.SpawnArgsInvalid, `they cannot be sent: ${String(error)}`)
      case Wire.Close:
        // an exit is encoded as plain data, so only its values can have been refused
        return this.outbox.push4(Wire.Close, frame[1], frame[2], [["Die", String(error)]])
      default:
        throw error
    }
  }
}

const mailboxFull = (pending: Pending, capacity: number): MailboxFull =>
  new MailboxFull({
    actor: pending.target.name,
    method: pending.method.tag,
    capacity,
    outcome: "NotRun",
    message: `${pending.target.address}.${pending.method.tag}: the mailbox is full (${capacity} calls)`
  })

const extrasOf = (options: CallOptions | undefined, window: number | undefined): Wire.Extras | undefined => {
  const span = Fiber.getCurrent()!.cache.span as Tracer.AnySpan | undefined
  if (span === undefined && options === undefined) return undefined
  return {
    trace: span === undefined ? undefined : [span.traceId, span.spanId, span.sampled],
    headers: options?.headers === undefined ? undefined : { ...Headers.fromInput(options.headers) },
    discard: options?.discard,
    window
  }
}
