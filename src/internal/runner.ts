/**
 * Running the calls of a worker's actors: starts handlers as fibers, in the order
 * that each mailbox says, and answers.
 *
 * A handler that finishes at once is answered in the same turn and costs no more
 * than its fiber; only one that suspends is entered into the tables below, and is
 * announced as started when the turn ends. That announcement, and the note of what
 * was begun since the last one, is what lets the caller's side prove that a call
 * never ran (C1).
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Headers from "effect/http/Headers"
import * as Rpc from "effect/rpc/Rpc"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import * as Transferable from "effect/workers/Transferable"
import { ActorExited, isRelayable } from "../ActorError.ts"
import * as Codec from "./codec.ts"
import * as Handles from "./handles.ts"
import * as Interruption from "./interruption.ts"
import { begunCapacity, type Link } from "./link.ts"
import { type LocalActor, type Prepared, ServerCall, Undecodable } from "./localActor.ts"
import type { Outbox } from "./outbox.ts"
import { StreamWriter } from "./streamWriter.ts"
import { Table } from "./table.ts"
import { Turns } from "./turns.ts"
import * as Wire from "./wire.ts"

/** A result that has been encoded, or the problem with that. */
class Sealed {
  readonly value: unknown
  readonly transfer: ReadonlyArray<unknown> | undefined
  readonly problem: string | undefined

  constructor(value: unknown, transfer: ReadonlyArray<unknown> | undefined, problem: string | undefined) {
    this.value = value
    this.transfer = transfer
    this.problem = problem
  }
}

const someone = "its caller"

/** Whom the failures of handles speak of that an actor got from those who call it. */
export const caller: Handles.Owner = {
  name: someone,
  address: someone,
  exited: (reason, outcome, message) => new ActorExited({ actor: someone, reason, outcome, message })
}

const plain = { fork: false, uninterruptible: false, isAnswer: false }

/** Runs calls and answers them. */
export class Runner {
  readonly outbox: Outbox
  readonly turns: Turns
  private readonly ends: Handles.Ends
  private readonly begun: Int32Array | undefined
  private readonly noteCalls: boolean
  private readonly calls = new Table<ServerCall>()
  private unannounced: Array<ServerCall> = []
  private writers: Array<StreamWriter> = []
  private reading = false
  /** actors in which a call may have become free to begin while a batch is read */
  private readonly freed = new Set<LocalActor>()
  /** actors in which a call waits for a rest, with those whose answers say whether they run out of line */
  private readonly resting = new Map<LocalActor, Array<ServerCall>>()
  /** the calls whose handlers are being entered, the innermost last */
  private readonly entering: Array<number> = []

  constructor(outbox: Outbox, ends: Handles.Ends, notes: Pick<Link, "begun" | "interrupts"> | undefined) {
    this.outbox = outbox
    this.turns = new Turns(outbox)
    this.ends = ends
    this.begun = notes?.begun
    this.noteCalls = notes?.interrupts !== undefined
  }

  /**
   * Reads a batch: all of it is read before a call begins that has waited, so that a call which the same batch takes back never runs
   * (C3).
   */
  read(batch: () => void): void {
    this.turns.run(() => {
      this.reading = true
      try {
        batch()
      } finally {
        this.reading = false
        for (const actor of this.freed) this.advance(actor)
        this.freed.clear()
      }
    })
  }

  // what waits in the actor goes on after a rest
  private rest(actor: LocalActor, unasked: Array<ServerCall>): void {
    this.resting.set(actor, unasked)
    this.turns.rest(this.goOn)
  }

  private readonly goOn = (): void => {
    for (const [actor, unasked] of this.resting) {
      if (this.turns.isTired) return this.rest(actor, unasked)
      this.resting.delete(actor)
      this.advance(actor, unasked)
    }
  }

  /** whether a handler is suspended or a call waits */
  get isBusy(): boolean {
    return this.calls.size > 0
  }

  /** A call has arrived. */
  call(
    id: number,
    actor: LocalActor | undefined,
    index: number,
    wire: unknown,
    extras: Wire.Extras | undefined
  ): void {
    if (actor === undefined || actor.state !== "Running") return this.refuse(id, wire)
    const { mailbox } = actor
    if (index >= actor.methods.length) {
      Handles.releaseAll(this.ends, wire)
      return this.outbox.push4(Wire.Failed, id, Wire.FailureUndecodable, "there is no such method")
    }
    // calls of objects do not wait for that: their holder may let go behind them
    const isTired = this.turns.isTired && actor.id >= 0
    if (mailbox.isOpen && !isTired) {
      // a stream is entered into the tables at once, because it takes credit; what is lent to a call is noted with it
      const { payload, stream } = actor.methods[index]!
      const call = stream || payload.handles ? new ServerCall(id, actor, index, wire, extras) : undefined
      this.begin(actor, id, index, wire, extras, call)
      return this.turns.pace()
    }
    const call = new ServerCall(id, actor, index, wire, extras)
    const waits = !mailbox.isFull && (isTired || mailbox.hasNext && actor.forks[index] === undefined)
    if (actor.forks[index] !== false && !waits && this.peek(call).fork) {
      return this.begin(actor, id, index, wire, extras, call)
    }
    if (mailbox.isFull && !actor.behaviour.suspends) {
      if (call.method.payload.handles) Handles.releaseAll(this.ends, wire)
      return this.outbox.push4(Wire.Failed, id, Wire.FailureMailboxFull, mailbox.capacity)
    }
    this.calls.set(id, call)
    mailbox.line.add(call)
    if (call.method.payload.handles && call.run === undefined) Handles.expect(this.ends, wire)
    if (call.discard) this.outbox.push2(Wire.Accepted, id)
    if (!waits) return
    const unasked = this.resting.get(actor) ?? []
    if (actor.forks[index] !== false) unasked.push(call)
    this.rest(actor, unasked)
  }

  /** A call that comes too late does not run. */
  refuse(id: number, wire: unknown): void {
    Handles.releaseAll(this.ends, wire)
    this.outbox.push4(Wire.Failed, id, Wire.FailureStopped, undefined)
  }

  /** The reader of a stream has consumed so many items. */
  credit(id: number, items: number): void {
    this.calls.get(id)?.writer?.credit(items)
  }

  /** The caller has taken a call back. */
  interrupt(id: number): void {
    const call = this.calls.get(id)
    // its answer is already on the way
    if (call === undefined) return
    if (call.fiber === undefined) {
      call.actor.mailbox.line.remove(call)
      this.forget(call)
      // one that has been asked how it wants to run has read its payload
      if (call.run !== undefined) call.giveBack()
      else if (call.method.payload.handles) Handles.releaseAll(this.ends, call.wire)
      this.outbox.push4(Wire.Failed, id, Wire.FailureRemoved, undefined)
      return call.actor.onIdle?.()
    }
    call.interrupted = true
    if (call.uninterruptible) this.outbox.push3(Wire.Started, id, call.flags)
    else call.fiber.interruptUnsafe()
  }

  private peek(call: ServerCall): Prepared {
    const { actor, extras, id, index, wire } = call
    this.enter(id)
    const run = call.run = this.prepare(actor, id, index, wire, extras, call)
    this.leave(id)
    if (run.isAnswer && actor.forks[index] !== run.fork) actor.learn(index, run.fork)
    return run
  }

  private prepare(
    actor: LocalActor,
    id: number,
    index: number,
    wire: unknown,
    extras: Wire.Extras | undefined,
    call: ServerCall | undefined
  ): Prepared {
    const method = actor.methods[index]!
    const decoded = method.payload.handles
      ? Handles.decode(this.importing(actor, call?.lent), method.payload, wire)
      : method.payload.decode(wire)
    if (!Codec.isSuccess(decoded)) {
      if (Codec.isFailure(decoded)) {
        return { effect: Effect.die(new Undecodable(Codec.issueText(decoded.cause))), ...plain }
      }
      // an effectful schema: the payload is only known once the fiber runs
      const effect = Effect.flatMap(
        Effect.catchCause(decoded, (cause) => Effect.die(new Undecodable(Codec.issueText(cause)))),
        (payload) => this.answer(actor, id, index, payload, extras, call).effect
      )
      return { effect, ...plain }
    }
    return this.answer(actor, id, index, decoded.value, extras, call)
  }

  // what an actor is given lives as long as the actor, unless it lets go before; what is only passed on, as long as the call
  private importing(actor: LocalActor, lent: Scope.Scope | undefined): Handles.Importing {
    const receiver = actor.id < 0 ? actor.owner : actor
    return { ends: this.ends, owner: caller, receiver, scope: actor.isRelay ? lent : receiver?.scope, lent }
  }

  private exporting(actor: LocalActor): Handles.Exporting {
    return { ends: this.ends, owner: actor.id < 0 ? actor.owner : actor }
  }

  private answer(
    actor: LocalActor,
    id: number,
    index: number,
    payload: unknown,
    extras: Wire.Extras | undefined,
    call: ServerCall | undefined
  ): Prepared {
    const method = actor.methods[index]!
    const { rpc } = method
    const options = {
      client: actor.client,
      requestId: id,
      headers: extras?.headers === undefined ? Headers.empty : Headers.fromRecordUnsafe(extras.headers),
      payload,
      rpc
    }
    if (actor.isRelay) Object.assign(options, { discard: extras?.discard, streamBufferSize: extras?.window })
    let answer: object
    let effect: Effect.Effect<any, any>
    let wrapped: { readonly fork: boolean; readonly uninterruptible: boolean } = plain
    try {
      answer = actor.handlers[index]!(payload, options)
      if (Rpc.isWrapper(answer)) {
        wrapped = answer
        answer = answer.value
      }
      effect = answer as Effect.Effect<any, any>
      if (method.stream) {
        const exporting = this.exporting(actor)
        const writer = call!.writer = new StreamWriter({
          outbox: this.outbox,
          id,
          codec: method.success,
          encode: method.success.handles
            ? (item) => Handles.encode(exporting, method.success, item)
            : method.success.encode,
          discard: call!.discard,
          window: extras?.window,
          onStaged: (writer) => this.writers.push(writer)
        })
        effect = writer.run(answer as Parameters<StreamWriter["run"]>[0])
      }
      for (const service of rpc.middlewares) {
        const middleware = Context.getUnsafe(actor.context, service) as unknown as (
          effect: Effect.Effect<any, any>,
          options: unknown
        ) => Effect.Effect<any, any>
        effect = middleware(effect, options)
      }
    } catch (defect) {
      return { effect: Effect.die(defect), ...plain }
    }
    const trace = extras?.trace
    if (trace !== undefined) {
      const parent = Tracer.externalSpan({ traceId: trace[0], spanId: trace[1], sampled: trace[2] })
      // who only passes a call on is no part of the trace
      effect = actor.isRelay
        ? Effect.withParentSpan(effect, parent)
        : Effect.withSpan(effect, `${actor.behaviour.definition.name}.${method.tag}`, {
          captureStackTrace: false,
          kind: "server",
          parent
        })
    }
    return { effect, fork: wrapped.fork, uninterruptible: wrapped.uninterruptible, isAnswer: true }
  }

  private begin(
    actor: LocalActor,
    id: number,
    index: number,
    wire: unknown,
    extras: Wire.Extras | undefined,
    queued: ServerCall | undefined
  ): void {
    let call = queued
    this.enter(id)
    const scope = Scope.makeUnsafe()
    const run = call?.run ?? this.prepare(actor, id, index, wire, extras, call)
    if (run.isAnswer && actor.forks[index] === undefined) actor.learn(index, run.fork)
    if (!run.fork) actor.mailbox.running++
    let context = Context.add(actor.context, Scope.Scope, scope)
    if (this.noteCalls) context = Context.add(context, Interruption.CurrentCall, id)
    const fiber = Effect.runForkWith(context)(
      run.effect,
      run.uninterruptible ? { uninterruptible: true } : undefined
    )
    this.entering.pop()
    const exit = fiber.pollUnsafe()
    if (exit !== undefined && scope.state._tag === "Empty" && call === undefined) {
      this.finish(actor, id, index, extras, undefined, run.fork, exit)
      return
    }
    call ??= new ServerCall(id, actor, index, wire, extras)
    call.run = run
    call.forked = run.fork
    call.uninterruptible = run.uninterruptible
    this.follow(call, fiber, scope)
  }

  // waits for the handler, then for what it acquired, then answers
  private follow(call: ServerCall, fiber: Fiber.Fiber<unknown, unknown>, scope: Scope.Closeable | undefined): void {
    const { actor } = call
    call.fiber = fiber
    this.calls.set(call.id, call)
    actor.enter(call)
    // a tell that is passed on has been accepted once it is accepted there
    if (!call.announced && !(actor.isRelay && call.discard)) this.unannounced.push(call)
    fiber.addObserver((exit) => {
      if (scope !== undefined && scope.state._tag !== "Empty") {
        const closing = Effect.runForkWith(actor.context)(
          Effect.flatMap(this.seal(call, exit), (sealed) => Effect.andThen(Scope.close(scope, exit), sealed)),
          { uninterruptible: true }
        )
        return this.follow(call, closing, undefined)
      }
      this.finish(actor, call.id, call.index, call.extras, call, call.forked, exit)
      this.turns.pace()
      if (this.reading) this.freed.add(actor)
      else if (!actor.draining) this.advance(actor)
    })
  }

  // a handle that the handler received and passes on is handed out before what it received is let go
  private seal(call: ServerCall, exit: Exit.Exit<unknown, unknown>): Effect.Effect<Exit.Exit<unknown, unknown>> {
    const { actor, method } = call
    if (!method.success.handles || method.stream || call.discard || Exit.isFailure(exit)) return Effect.succeed(exit)
    if (Deferred.isDeferred(exit.value)) return Effect.succeed(exit)
    return Effect.callback((resume) =>
      this.whenEncoded(
        Handles.encode(this.exporting(actor), method.success, exit.value),
        actor.context,
        (value, transfer) => resume(Effect.succeed(Exit.succeed(new Sealed(value, transfer, undefined)))),
        (text) => resume(Effect.succeed(Exit.succeed(new Sealed(undefined, undefined, text))))
      )
    )
  }

  // starts what waited for its turn, and then those of `unasked` that run out of line
  private advance(actor: LocalActor, unasked: ReadonlyArray<ServerCall> = []): void {
    const { mailbox } = actor
    if (mailbox.line.size > 0) {
      if (this.resting.has(actor)) return
      if (!this.turns.isOpen) return this.turns.run(() => this.advance(actor))
      actor.draining = true
      for (let call = this.take(actor); call !== undefined; call = this.take(actor)) {
        this.begin(actor, call.id, call.index, call.wire, call.extras, call)
        this.turns.pace()
      }
      const left = this.ask(unasked)
      actor.draining = false
      if (mailbox.hasNext || left.length > 0) this.rest(actor, left)
    }
    actor.onIdle?.()
  }

  // starts those that wait and run out of line; returns those for which there was no time
  private ask(calls: ReadonlyArray<ServerCall>): Array<ServerCall> {
    return calls.filter((call) => {
      if (call.fiber !== undefined || this.calls.get(call.id) !== call) return false
      if (this.turns.isTired) return true
      if (!this.peek(call).fork) return false
      call.actor.mailbox.line.remove(call)
      this.begin(call.actor, call.id, call.index, call.wire, call.extras, call)
      this.turns.pace()
      return false
    })
  }

  private take(actor: LocalActor): ServerCall | undefined {
    return this.turns.isTired ? undefined : actor.mailbox.take()
  }

  /** Takes a call out of the tables. */
  forget(call: ServerCall): void {
    this.calls.delete(call.id)
    call.actor.calls?.delete(call.id)
  }

  private finish(
    actor: LocalActor,
    id: number,
    index: number,
    extras: Wire.Extras | undefined,
    call: ServerCall | undefined,
    forked: boolean,
    exit: Exit.Exit<unknown, unknown>
  ): void {
    if (call !== undefined) this.forget(call)
    if (!forked) actor.mailbox.running--
    const method = actor.methods[index]!
    if (exit._tag === "Success") {
      const { value } = exit
      if (Deferred.isDeferred(value)) {
        // its place is free for the next call; the answer follows when the Deferred completes
        const waiting = call ?? new ServerCall(id, actor, index, undefined, extras)
        waiting.forked = true
        if (waiting.announced) this.outbox.push3(Wire.Started, id, waiting.flags)
        return this.follow(waiting, Effect.runForkWith(actor.context)(Deferred.await(value)), undefined)
      }
      return this.succeed(actor, id, method, extras, call, value)
    }
    this.fail(actor, id, method, extras, call, exit.cause)
    call?.giveBack()
  }

  private succeed(
    actor: LocalActor,
    id: number,
    method: Codec.Method,
    extras: Wire.Extras | undefined,
    call: ServerCall | undefined,
    value: unknown
  ): void {
    if (method.stream || extras?.discard === true) {
      call?.writer?.flush()
      return this.settle(id, method, call, undefined, undefined)
    }
    if (value instanceof Sealed) {
      if (value.problem !== undefined) return this.unsent(id, call, value.problem)
      if (value.transfer === undefined) this.outbox.isolate(value.value)
      return this.settle(id, method, call, value.value, value.transfer)
    }
    const { success } = method
    const encoded = success.handles
      ? Handles.encode(this.exporting(actor), success, value)
      : success.encode(value)
    if (!Codec.isSuccess(encoded)) {
      return this.whenEncoded(
        encoded,
        actor.context,
        (value, transfer) => this.settle(id, method, call, value, transfer),
        (text) => this.unsent(id, call, text)
      )
    }
    if (!success.isolated) this.outbox.isolate(encoded.value)
    this.settle(id, method, call, encoded.value, undefined)
  }

  // what was lent to a call is given back behind its answer, in which it may be
  private settle(
    id: number,
    method: Codec.Method,
    call: ServerCall | undefined,
    value: unknown,
    transfer: ReadonlyArray<unknown> | undefined
  ): void {
    const content = method.success.handles ? Handles.contentOf(value) : undefined
    if (content?.[0] === Handles.WireDeferred) this.ends.exports.promise(id, content[1])
    else if (content?.[0] === Handles.WireKnown) this.outbox.push4(Wire.Known, id, content[1], content[2])
    else if (transfer === undefined) this.outbox.push3(Wire.Settled, id, value)
    else this.outbox.pushTransfer([Wire.Settled, id, value], transfer)
    call?.giveBack()
  }

  private unsent(id: number, call: ServerCall | undefined, why: string): void {
    this.outbox.push4(Wire.Failed, id, Wire.FailureUnencodable, why)
    call?.giveBack()
  }

  private fail(
    actor: LocalActor,
    id: number,
    method: Codec.Method,
    extras: Wire.Extras | undefined,
    call: ServerCall | undefined,
    cause: Cause.Cause<unknown>
  ): void {
    call?.writer?.flush()
    if (call?.interrupted === true) return this.outbox.push4(Wire.Failed, id, Wire.FailureRemoved, undefined)
    const only = cause.reasons.length === 1 ? cause.reasons[0] : undefined
    const defect = only?._tag === "Die" ? only.defect : undefined
    if (Undecodable.is(defect)) {
      return this.outbox.push4(Wire.Failed, id, Wire.FailureUndecodable, defect.text)
    }
    if (call?.writer?.unencodable !== undefined) {
      return this.outbox.push4(Wire.Failed, id, Wire.FailureUnencodable, call.writer.unencodable)
    }
    if (extras?.discard === true) {
      // it was accepted, and nobody waits for its end: the log is the only one to tell
      if (!Cause.hasInterruptsOnly(cause)) {
        Effect.runForkWith(actor.context)(
          Effect.logWarning(`${actor.behaviour.definition.name}.${method.tag} (discarded call) failed`, cause)
        )
      }
      return this.outbox.push3(Wire.Settled, id, undefined)
    }
    if (actor.state === "Closing" && Cause.hasInterruptsOnly(cause)) {
      return this.outbox.push4(Wire.Failed, id, Wire.FailureStoppedRunning, undefined)
    }
    const fail = (text: string): void => this.outbox.push4(Wire.Failed, id, Wire.FailureUnencodable, text)
    if (actor.isRelay && only?._tag === "Fail" && isRelayable(only.error)) {
      return this.whenEncoded(
        Codec.relayed.encode(only.error),
        actor.context,
        (value) => this.outbox.push4(Wire.Failed, id, Wire.FailureRelayed, value),
        fail
      )
    }
    if (only?._tag === "Fail") {
      return this.whenEncoded(
        method.error.encode(only.error),
        actor.context,
        (value) => {
          if (!method.error.isolated) this.outbox.isolate(value)
          this.outbox.push4(Wire.Failed, id, Wire.FailureError, value)
        },
        fail
      )
    }
    const errors = cause.reasons.filter(Cause.isFailReason)
    const encodeAll = Effect.forEach(errors, (reason) => method.error.encode(reason.error))
    this.whenEncoded(encodeAll, actor.context, (values) => {
      let at = 0
      const encoded = Codec.encodeCause(cause, () => (values as ReadonlyArray<unknown>)[at++], method.encodeDefect)
      this.outbox.isolate(encoded)
      this.outbox.push4(Wire.Failed, id, Wire.FailureCause, encoded)
    }, fail)
  }

  /** Runs a coder to its end, at once if it can; collects what is to be transferred. */
  whenEncoded<E>(
    encoded: Effect.Effect<unknown, E>,
    context: Context.Context<never>,
    done: (value: unknown, transfer: ReadonlyArray<unknown> | undefined) => void,
    failed: (text: string) => void
  ): void {
    if (Codec.isSuccess(encoded)) return done(encoded.value, undefined)
    const collector = Transferable.makeCollectorUnsafe()
    Effect.runForkWith(Context.add(context, Transferable.Collector, collector))(encoded).addObserver((exit) => {
      if (Exit.isFailure(exit)) return failed(Codec.issueText(exit.cause))
      const transfer = collector.readUnsafe()
      done(exit.value, transfer.length > 0 ? transfer : undefined)
    })
  }

  // ---- what has begun ----

  private enter(id: number): void {
    this.entering.push(id)
    const { begun } = this
    if (begun === undefined) return
    if (begun[0] === begunCapacity) this.outbox.flush()
    const count = begun[0]!
    begun[count + 1] = id
    begun[0] = count + 1
  }

  // for a call that was only asked, and has not begun
  private leave(id: number): void {
    this.entering.pop()
    const { begun } = this
    if (begun !== undefined && begun[begun[0]!] === id) begun[0]!--
  }

  /** Runs before every flush: chunks that were staged, and calls that have begun and not settled. */
  announce(): void {
    if (this.writers.length > 0) {
      const writers = this.writers
      this.writers = []
      for (const writer of writers) writer.flush()
    }
    if (this.unannounced.length > 0) {
      const unannounced = this.unannounced
      this.unannounced = []
      for (const call of unannounced) {
        if (call.announced || this.calls.get(call.id) === undefined) continue
        call.announced = true
        this.outbox.push3(Wire.Started, call.id, call.flags)
      }
    }
  }

  /** What has begun is known at the other end now, but for the handlers that are being entered. */
  announced(): void {
    if (this.begun === undefined) return
    const { entering } = this
    for (let i = 0; i < entering.length; i++) this.begun[i + 1] = entering[i]!
    this.begun[0] = entering.length
  }

  /** The last words of a dying worker: everything that has begun is announced, so that the rest is known not to have. */
  die(message: string): void {
    for (const id of this.entering) this.outbox.push3(Wire.Started, id, 0)
    this.outbox.flush()
    this.outbox.push2(Wire.Dying, message)
    this.outbox.flush()
  }

  /** A frame of an answer could not be sent. */
  onUnsendable(frame: Wire.Batch, error: unknown): void {
    const text = error instanceof Error ? error.message : String(error)
    switch (frame[0]) {
      case Wire.Settled:
      case Wire.Failed:
      case Wire.Known:
        Handles.takeBack(this.ends, frame[0] === Wire.Known ? frame[3] : frame[2])
        return this.outbox.push4(Wire.Failed, frame[1], Wire.FailureUnencodable, text)
      case Wire.Complete:
        Handles.takeBack(this.ends, frame[3])
        return this.outbox.push4(Wire.Complete, frame[1], Wire.CompleteUnencodable, text)
      case Wire.Chunk: {
        // ahead of anything that was pushed behind the chunk, the end of its stream above all
        const [, id, items] = frame as [op: number, id: number, items: ReadonlyArray<unknown>]
        if (items.length > 1) {
          // those before the one that cannot be sent arrive
          const refused = items.findIndex((item) => !this.outbox.sendNow([Wire.Chunk, id, [item]]))
          return Handles.takeBack(this.ends, refused === -1 ? [] : items.slice(refused + 1))
        }
        Handles.takeBack(this.ends, items)
        this.outbox.sendNow([Wire.Failed, id, Wire.FailureUnencodable, text])
        return this.calls.get(id)?.writer?.refuse(text)
      }
      case Wire.Spawned:
        return this.outbox.push4(Wire.Spawned, frame[1], Wire.SpawnDied, unencodable("the start error", text))
      default:
        throw error
    }
  }
}

/** An encoded cause that says what could not be sent. */
export const unencodable = (what: string, text: string): Wire.EncodedCause => [
  ["Die", Codec.encodeDefect(new TypeError(`${what} cannot be sent: ${text}`))]
]
