/**
 * The caller's side of a connection: sends calls, and settles each call exactly once (C1).
 *
 * When the link ends, the known state of each call (sent, started, announced) decides its outcome, or whether the call is carried over
 * to the actor's next incarnation.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { HandleReleased } from "../../ActorError.ts"
import * as Interruption from "../actor/interruption.ts"
import type { Tracing } from "../codec/methods.ts"
import * as PackedNumbers from "../codec/packedNumbers.ts"
import type * as Handles from "../handles/handle.ts"
import * as Marshal from "../handles/marshal.ts"
import * as WireHandles from "../handles/wireHandle.ts"
import type { ServedFacts } from "../metrics/actorFacts.ts"
import * as Counts from "../metrics/counts.ts"
import type { Answer, Question } from "../monitor/rows.ts"
import * as ClientSpan from "../observe/clientSpan.ts"
import { type ActorProxy, became } from "../proxy/actorProxy.ts"
import * as CallErrors from "../proxy/callErrors.ts"
import type { Connection, OutgoingCall } from "../proxy/outgoingCall.ts"
import { textOf } from "../runtime/describe.ts"
import { notify } from "../runtime/notify.ts"
import type { Reading } from "../waits/calls.ts"
import * as Frames from "../wire/frames.ts"
import type { Handlers } from "../wire/inbox.ts"
import type { LinkEnd, Notes } from "../wire/link.ts"
import type { Outbox } from "../wire/outbox.ts"
import { CallTable, maxCalls } from "./callTable.ts"
import { Evidence } from "./evidence.ts"
import * as HandlePayload from "./handlePayload.ts"
import { Interrupts } from "./interrupts.ts"
import { PeerActors } from "./peerActors.ts"
import { ProxyTable } from "./proxyTable.ts"
import { RunLimits } from "./runLimits.ts"

// an actor may have room for another call
const advance = (proxy: ActorProxy): void => {
  if (proxy.waiting.size > 0) proxy.advance()
  proxy.pool?.advance()
}

/** The events of the peer that a client reports. */
export interface ClientEvents {
  readonly onReady: () => void
  readonly onBootFailed: (message: string) => void
  readonly onEnded: () => void
  readonly onPong: () => void
  /** the code of the worker has logged entries; `dropped` further entries are missing */
  readonly onLogs: (records: ReadonlyArray<Frames.LogRecord>, dropped: number) => void
  /** the worker has measured its heap, in bytes */
  readonly onHeap: (heapUsed: number) => void
  /** messages were lost, in either direction */
  readonly onBroken: (message: string) => void
  /** spans of the worker have ended */
  readonly onSpans: (records: ReadonlyArray<Frames.SpanRecord>) => void
  /** metrics of the worker have changed */
  readonly onMetrics: (records: ReadonlyArray<Frames.MetricRecord>) => void
  /** the worker has answered the question of an observer */
  readonly onInspected: (inspection: number, reading: Reading) => void
  /** the worker has answered the question of an observer about actors */
  readonly onActorsRead: (inspection: number, facts: ReadonlyArray<ServedFacts | undefined>) => void
  /** the worker has answered the question of an observer about the systems that it has made */
  readonly onObserved: (inspection: number, answer: Answer) => void
  /** an accepted tell did not run, or may not have run to completion */
  readonly onTellLost: Connection["onTellLost"]
  /** the handler of an accepted tell has failed */
  readonly onTellFailed: Connection["onTellFailed"]
  /** an interruption was not acknowledged in time (C3) */
  readonly onUnresponsive: (proxy: Pick<ActorProxy, "address">) => void
}

/** The direct routes of a channel between two workers, as its client sees them. */
export interface Routes {
  /** The peer serves a route, or does not. */
  exported(id: number, isServed: boolean): void
  /** The peer has read the calls of a route that were sent ahead of `Disembargo`. */
  disembargoed(id: number): void
  /** The peer has completed a pending result. */
  complete(id: number, status: Frames.CompletionCode, value: unknown): void
  /** The peer no longer serves a route. */
  closed(id: number): void
  /** The actor of a proxy has refused a call, which ends the route. Returns whether the call takes the other route. */
  refused(proxy: ActorProxy): boolean
  /** The channel has ended: pauses the proxies with a route, and returns them. Their calls wait for the other route. */
  pause(): ReadonlyArray<ActorProxy>
  /** Ends all routes, after the calls of their proxies have been carried over. */
  end(): void
}

/** The caller's half of one connection. */
export class Client implements Connection {
  readonly outbox: Outbox
  readonly ends: Handles.LinkEnds
  /** the actors and the objects of the peer */
  readonly proxies: ProxyTable
  /** the actors that this side has spawned on the peer */
  readonly actors: PeerActors
  /** the routes of a channel; `undefined` for the link between a host and its worker */
  private readonly routes: Routes | undefined
  /** the shared memory in which the calls of this side are noted, if the link has any */
  private readonly notes: Notes | undefined
  /** on a channel, the shared memory for the number of calls in progress, which the peer reads when this worker has died */
  private readonly tally: Int32Array | undefined
  private readonly events: ClientEvents
  private readonly interrupts: Interrupts
  private readonly calls = new CallTable()
  /** made by the first call whose run has a timeout */
  private runLimits: RunLimits | undefined
  /** the evidence for the outcomes of the calls at the end of the link */
  readonly evidence: Evidence
  private sent = 0
  /** the id of the worker, its placement, and which spans the system makes, if this end has started the worker */
  worker: string | undefined
  placement: string | undefined
  tracing: Tracing | undefined
  /** the end of the link, after which no frame is sent */
  private ended: LinkEnd | undefined

  constructor(
    outbox: Outbox,
    ends: Handles.LinkEnds,
    notes: Notes | undefined,
    routes: Routes | undefined,
    events: ClientEvents,
    interruptTimeout: number
  ) {
    this.outbox = outbox
    this.ends = ends
    this.notes = notes
    this.evidence = new Evidence(notes)
    this.routes = routes
    this.tally = routes === undefined ? undefined : notes?.interrupts
    this.proxies = new ProxyTable(this)
    this.actors = new PeerActors(outbox, this.proxies, ends.imports, events.onBroken)
    this.events = events
    this.interrupts = new Interrupts(outbox, notes, interruptTimeout, events.onUnresponsive)
  }

  get onTellLost(): Connection["onTellLost"] {
    return this.events.onTellLost
  }

  get onTellFailed(): Connection["onTellFailed"] {
    return this.events.onTellFailed
  }

  private get imports(): Handles.LinkImports {
    return this.ends.imports
  }

  // ---- the worker ----

  /** Asks the worker to end; `onEnded` is called when it has closed all of its actors. */
  endWorker(): void {
    this.outbox.push(Frames.End)
  }

  /** Pings the worker; `onPong` is called with the answer. */
  ping(): void {
    this.outbox.push(Frames.Ping)
  }

  /** Asks the worker for the used size of its heap; `onHeap` is called with the answer. */
  measureHeap(): void {
    this.outbox.push(Frames.MeasureHeap)
  }

  /** Asks the worker for its calls in progress; `onInspected` is called with the answer. */
  inspect(inspection: number): void {
    this.outbox.push(Frames.Inspect, inspection, "calls")
  }

  /** Asks the worker about the systems that it has made; `onObserved` is called with the answer. */
  observe(inspection: number, question: Question): void {
    this.outbox.push(Frames.Observe, inspection, question)
  }

  /** Asks the worker about actors; `onActorsRead` is called with the answer. */
  readActors(inspection: number, targets: ReadonlyArray<number>): void {
    this.outbox.push(Frames.ReadActors, inspection, targets)
  }

  /** The calls that have not settled, for observers. A call that waits for room in a mailbox is one of them. */
  get openCalls(): ReadonlyArray<OutgoingCall> {
    return [...this.calls.values(), ...this.proxies.waitingCalls]
  }

  /** A thread of the worker reports the start of a call that blocks the worker's own thread. */
  startedByNote(id: number): void {
    this.started(id, Frames.FlagUnaccepted)
  }

  // ---- calls ----

  /** the calls that have been sent and have not settled */
  get inFlight(): number {
    return this.calls.size
  }

  /** Cancels the calls of an actor of another link, which takes no more calls here. */
  cancelCalls(proxy: ActorProxy, why: () => HandleReleased): void {
    for (const call of this.callsOf(proxy)) this.interrupts.interrupt(call, () => call.lose(why()))
  }

  /** The handle of an object is released: cancels the calls of the object whose results would have to be compensated. */
  cancelCompensable(proxy: ActorProxy, why: () => HandleReleased): void {
    for (const call of this.callsOf(proxy)) {
      // without a timeout: no caller waits for the acknowledgement, and the worker may be busy
      if (call.method.undo !== undefined) this.interrupts.cancel(call, why)
    }
  }

  // the sent calls of the proxy, except for interrupted calls and accepted tells, which are never interrupted
  private callsOf(proxy: ActorProxy): ReadonlyArray<OutgoingCall> {
    if (proxy.load === 0) return []
    return this.calls.values().filter((call) =>
      call.proxy === proxy && call.onAcknowledged === undefined && !call.isAccepted
    )
  }

  /** Assigns an id to a call and pushes its frame. */
  send(call: OutgoingCall): boolean {
    if (this.ended !== undefined) return this.sendLate(call, this.ended)
    if (call.method.payload.handles) return this.sendHandles(call)
    return this.sendEncoded(call, call.payload, call.transfer)
  }

  // a call after the end of the link waits for the next incarnation of its actor, or is refused if there is none
  private sendLate(call: OutgoingCall, { message, reason }: LinkEnd): boolean {
    const { proxy } = call
    if (proxy.isPaused) {
      proxy.waiting.add(call)
      return true
    }
    call.refused(proxy.refusal() ?? proxy.exited(reason, "NotRun", `${proxy.address} ended: ${message}`))
    return false
  }

  // handles are exported on this link, and therefore anew for each incarnation
  private sendHandles(call: OutgoingCall): boolean {
    const transaction = new Marshal.EncodeTransaction({ ends: this.ends, owner: call.sender })
    const encoded = HandlePayload.encode(transaction, call)
    if (Exit.isFailure(encoded)) {
      call.count(Counts.defect)
      call.fail(Effect.failCause(encoded.cause))
      return false
    }
    const [value, transfer] = encoded.value
    const isSent = this.sendEncoded(call, transaction.packed(value), transfer, transaction.flag)
    if (isSent) transaction.commit()
    else transaction.rollback()
    return isSent
  }

  private sendEncoded(
    call: OutgoingCall,
    payload: unknown,
    transfer: ReadonlyArray<unknown> | undefined,
    handleFlag = 0
  ): boolean {
    const { extras, method, proxy } = call
    const { runTimeouts, wireMethods } = proxy.kind
    const index = wireMethods[call.index]!
    if (index < 0) {
      call.lose(CallErrors.protocolError(call, "NotRun", "the worker's version of this actor has no such method"))
      return false
    }
    if (!this.calls.add(call)) {
      call.lose(CallErrors.mailboxFull(call, maxCalls))
      return false
    }
    call.connection = this
    call.sequence = this.sent++
    proxy.queued++
    const runTimeout = runTimeouts?.[call.index]
    if (runTimeout !== undefined) {
      this.runLimits ??= new RunLimits(this.notes, (id) => this.calls.find(id))
      this.runLimits.sent(call, runTimeout)
    }
    this.outbox.expect(this.inFlight)
    if (this.tally !== undefined) Interruption.noteInFlight(this.tally, this.inFlight)
    if (extras?.trace !== undefined) ClientSpan.followerOf(call.context)?.queued(proxy, this)
    if (transfer !== undefined) {
      this.outbox.pushTransfer(
        [Frames.carrying(Frames.CallWith, handleFlag), call.id, proxy.id, index, payload, extras],
        transfer
      )
      return true
    }
    if (!method.payload.isFresh) payload = this.outbox.isolate(payload)
    if (extras === undefined) {
      this.outbox.push(Frames.carrying(Frames.Call, handleFlag), call.id, proxy.id, index, payload)
    } else this.outbox.push(Frames.carrying(Frames.CallWith, handleFlag), call.id, proxy.id, index, payload, extras)
    return true
  }

  /** Interrupts a call that has been sent; completes with the acknowledgement (C3). */
  interrupt(call: OutgoingCall): Effect.Effect<void> {
    if (this.calls.find(call.id) !== call) return Effect.void
    if (call.onAcknowledged === undefined) call.count(Counts.interrupted)
    return Effect.callback<void>((resume) => {
      const done = (): void => notify(resume, Exit.void)
      this.interrupts.interrupt(call, done, done)
    })
  }

  /** Interrupts a call that has been sent, and calls back (C3). */
  cancel(call: OutgoingCall, onAcknowledged: () => void, onOverdue: () => void): void {
    this.interrupts.interrupt(call, onAcknowledged, onOverdue)
  }

  // ---- answers ----

  private release(call: OutgoingCall): void {
    this.calls.delete(call)
    if (this.tally !== undefined) Interruption.noteInFlight(this.tally, this.inFlight)
    const { proxy } = call
    if (!call.started) proxy.queued--
    else if (call.forked) proxy.forked--
    else proxy.running--
    if (call.onAcknowledged !== undefined) this.interrupts.settled(call)
    this.runLimits?.settled(call)
  }

  // `status`: the call succeeds with a result that has completed already
  private settled(id: number, value: unknown, status?: Frames.CompletionCode): void {
    const call = this.calls.find(id)
    if (call === undefined) return
    this.release(call)
    if (call.onAcknowledged !== undefined) {
      // the answer has crossed the interruption
      call.everStarted = true
      call.compensate(status === undefined ? value : WireHandles.known(status, value), call.onAcknowledged)
    } else {
      call.count(Counts.ok)
      if (status === undefined) call.succeed(value)
      else call.known(status, value)
    }
    advance(call.proxy)
  }

  private chunk(id: number, values: ReadonlyArray<unknown>): void {
    const call = this.calls.find(id)
    if (call !== undefined) return call.chunk(values)
    for (const value of values) Marshal.releaseAll(this.ends, value)
  }

  private failed(id: number, failure: Frames.FailureCode, value: unknown): void {
    const call = this.calls.find(id)
    if (call === undefined) return
    const { proxy } = call
    this.release(call)
    if (failure === Frames.FailureMailboxFull) proxy.reportFull()
    if (call.onAcknowledged !== undefined) {
      // the failure and the interruption crossed on the link
      Marshal.releaseAll(this.ends, value)
      if (!Frames.provesNotRun(failure)) call.everStarted = true
      call.onAcknowledged()
    } else if (failure === Frames.FailureStopped && call.isReplayable && this.routes?.refused(call.proxy) === true) {
      // resends the call on the other route, where the exit of the actor is known
      call.reset("NotRun")
      call.proxy.connection.send(call)
    } else if (failure !== Frames.FailureStopped || call.queue?.takeBack(call) !== true) {
      if (proxy.paused === "leaving" && this.carries(call, failure, value)) proxy.hold(call)
      else {
        const outcome = CallErrors.outcomeOfFailure(call, failure, value)
        if (outcome !== undefined) call.count(outcome)
        call.fail(CallErrors.failureOf(call, failure, value))
      }
    }
    advance(call.proxy)
    proxy.checkSettled()
  }

  // whether a call of a leaving incarnation goes to the next incarnation (F3), for which the call is reset
  private carries(call: OutgoingCall, failure: Frames.FailureCode, value: unknown): boolean {
    if (!call.isReplayable) return false
    if (failure === Frames.FailureStopped) call.reset("NotRun")
    else if (
      failure === Frames.FailureStoppedRunning &&
      (value === Frames.crashed && call.mayRunTwice || value === Frames.restarted && call.method.idempotent)
    ) {
      call.everStarted = true
      call.reset("Unknown")
    } else return false
    return true
  }

  // a call has left the mailbox
  private started(id: number, flags: number): void {
    const call = this.calls.find(id)
    if (call === undefined) return
    if ((flags & Frames.FlagUninterruptible) !== 0) this.interrupts.detach(call)
    const { proxy } = call
    const forked = (flags & Frames.FlagForked) !== 0
    const waits = (flags & Frames.FlagWaits) !== 0
    const isNew = !call.started
    if (isNew) {
      this.runLimits?.started(call, flags)
      call.started = true
      call.forked = forked
      proxy.queued--
      if (forked) proxy.forked++
      else proxy.running++
    } else if (forked && !call.forked) {
      // the handler no longer counts towards `concurrency`, and answers later
      call.forked = true
      proxy.running--
      proxy.forked++
    }
    if ((flags & Frames.FlagUnaccepted) === 0) call.accepted()
    this.interrupts.started(call, isNew, waits)
    advance(proxy)
  }

  /** A message from the peer was lost. */
  onGap(): void {
    const { evidence } = this
    if (evidence.hasGap) return
    evidence.hasGap = true
    this.events.onBroken("a message from it was lost")
  }

  /** The handlers of answers. */
  readonly handlers: Handlers<Frames.Answer> = {
    [Frames.Settled]: (id, result) => this.settled(id, result),
    [Frames.DeferredPending]: (id, handle) => this.settled(id, WireHandles.pending(handle)),
    [Frames.DeferredDone]: (id, completion, value) => this.settled(id, value, completion),
    [Frames.Failed]: (id, failure, detail) => this.failed(id, failure, detail),
    [Frames.Started]: (id, flags) => this.started(id, flags),
    [Frames.Accepted]: (id) => this.calls.find(id)?.accepted(),
    [Frames.Chunk]: (id, items) => this.chunk(id, PackedNumbers.unpack(items)),
    [Frames.Begun]: (id, time) => {
      const call = this.calls.find(id)
      if (call !== undefined) ClientSpan.followerOf(call.context)?.begun(time)
    },

    [Frames.Spawned]: (id, status, detail) => this.actors.spawned(id, status, detail),
    [Frames.Closed]: (id, cause) => (this.routes ?? this.actors).closed(id, cause),
    [Frames.Crashed]: (id, cause) => this.actors.crashed(id, cause),
    [Frames.Voted]: (id, vote) => this.actors.voted(id, vote),

    [Frames.Complete]: (id, completion, value) => (this.routes ?? this.imports).complete(id, completion, value),
    [Frames.Exported]: (id, isServed) => this.routes?.exported(id, isServed),
    [Frames.Route]: (id, route) => this.imports.routeResolved(id, route),
    [Frames.Exited]: (id, exit) => this.imports.exited(id, exit),

    [Frames.Disembargoed]: (id) => this.routes?.disembargoed(id),
    [Frames.Left]: (channel) => this.ends.introducer?.left(channel),

    [Frames.Ready]: () => this.events.onReady(),
    [Frames.BootFailed]: (message) => this.events.onBootFailed(message),
    [Frames.Pong]: () => this.events.onPong(),
    [Frames.Heap]: (heapUsed) => this.events.onHeap(heapUsed),
    [Frames.Ended]: () => this.events.onEnded(),
    [Frames.LastWords]: (message) => {
      this.evidence.lastWords = message
    },
    [Frames.Gap]: (message) => this.events.onBroken(message),
    [Frames.Logs]: (records, dropped) => this.events.onLogs(records, dropped),
    [Frames.Spans]: (records) => this.events.onSpans(records),
    [Frames.Metrics]: (records) => this.events.onMetrics(records),
    [Frames.Inspected]: (inspection, reading) => this.events.onInspected(inspection, reading),
    [Frames.ActorsRead]: (inspection, facts) => this.events.onActorsRead(inspection, facts),
    [Frames.Observed]: (inspection, answer) => this.events.onObserved(inspection, answer)
  }

  /** Settles all calls after the end of the link, inside `atomically`. `received`: the number of received batches. */
  end(end: LinkEnd, received: number): void {
    const { message } = end
    this.ended = end
    this.outbox.close()
    const lost = this.evidence.outcomes(this.calls.values(), received)
    const living = [...this.proxies.end(end), ...this.routes?.pause() ?? []]
    // F3: calls that never ran, or may run twice, go on with the actor in their order
    const carried = new Map(living.map((proxy) => [proxy, [] as Array<OutgoingCall>]))
    for (const [call, outcome] of lost) {
      const { proxy } = call
      this.release(call)
      if (call.onAcknowledged !== undefined) {
        if (outcome === "Unknown") call.mayHaveRun = true
        call.onAcknowledged()
        continue
      }
      if (outcome === "NotRun" && call.queue?.takeBack(call) === true) continue
      const next = carried.get(proxy)
      if (next !== undefined && call.isReplayable && (outcome === "NotRun" || call.mayRunTwice)) {
        call.reset(outcome)
        next.push(call)
        continue
      }
      const when = call.started ? "while it ran" : "before it was answered"
      call.lose(CallErrors.exited(call, end.reason, outcome, `${proxy.address} ${became(end)} ${when}: ${message}`))
    }
    for (const [proxy, calls] of carried) proxy.carry(calls)
    this.imports.end(end.reason, message)
    this.routes?.end()
  }

  /** A frame of a caller could not be sent. */
  onUnsendable(frame: Frames.Frame, error: unknown): void {
    switch (frame[0]) {
      case Frames.Call:
      case Frames.CallWith: {
        const call = this.calls.find(frame[1])
        if (call === undefined) return
        this.release(call)
        call.count(Counts.defect)
        call.fail(
          Effect.die(
            new TypeError(
              `${call.proxy.name}.${call.method.tag}: the payload cannot be sent: ${textOf(error)}`
            )
          )
        )
        advance(call.proxy)
        return
      }
      case Frames.Spawn:
        return this.actors.spawned(frame[1], Frames.SpawnArgsInvalid, `they cannot be sent: ${textOf(error)}`)
      case Frames.Close:
        // an exit is encoded as plain data, so only the values in it can have been refused
        return this.outbox.push(Frames.Close, frame[1], frame[2], [["Die", textOf(error)]])
      default:
        throw error
    }
  }
}
