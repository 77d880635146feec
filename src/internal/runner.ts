/**
 * Running the calls of a worker's actors: starts handlers as fibers, in the order
 * that each mailbox says, and sees to it that they are answered.
 *
 * A handler that finishes at once is answered in the same turn and costs no more
 * than its fiber, and not even that if it returns its result as it is, or starts
 * what makes it; only one that suspends is entered into the tables below, and is
 * announced as started when the turn ends. That announcement, and the note of what
 * was begun since the last one, is what lets the caller's side prove that a call
 * never ran (C1).
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Headers from "effect/http/Headers"
import * as Rpc from "effect/rpc/Rpc"
import * as Scope from "effect/Scope"
import { Answers, isDecoded, isDeferred, isFirm } from "./answers.ts"
import * as Codec from "./codec.ts"
import { Forking } from "./forking.ts"
import * as Handles from "./handles.ts"
import * as Interruption from "./interruption.ts"
import { begunCapacity, type Notes } from "./link.ts"
import {
  caller,
  Decoded,
  type LocalActor,
  plain,
  type Prepared,
  ServerCall,
  traced,
  Undecodable
} from "./localActor.ts"
import type { Outbox } from "./outbox.ts"
import { StreamWriter } from "./streamWriter.ts"
import { Table } from "./table.ts"
import { Turns } from "./turns.ts"
import * as Wire from "./wire.ts"

/** Runs calls. */
export class Runner {
  readonly outbox: Outbox
  readonly turns: Turns
  readonly answers: Answers
  private readonly ends: Handles.Ends
  private readonly begun: Int32Array | undefined
  readonly interrupts: Int32Array | undefined
  private readonly calls = new Table<ServerCall>()
  private unannounced: Array<ServerCall> = []
  private writers: Array<StreamWriter> = []
  private reading = false
  /** actors in which a call may have become free to begin while a batch is read */
  private readonly freed = new Set<LocalActor>()
  /** actors in which a call waits for a rest, with those whose answers say whether they run out of line */
  private readonly resting = new Map<LocalActor, Array<ServerCall>>()
  /** in which a call has begun last */
  private last: LocalActor | undefined
  /** the calls that have been interrupted in this turn, or asked again, and go on */
  private interrupting: Array<ServerCall> = []
  private onLeft: (() => void) | undefined
  /** the calls whose handlers are being entered, the innermost last */
  private readonly entering: Array<number> = []

  constructor(outbox: Outbox, ends: Handles.Ends, notes: Notes | undefined) {
    this.outbox = outbox
    this.turns = new Turns(outbox)
    this.answers = new Answers(outbox, ends, (id) => this.calls.get(id))
    this.ends = ends
    this.begun = notes?.begun
    this.interrupts = notes?.interrupts
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
        if (this.freed.size > 0) {
          for (const actor of this.freed) this.advance(actor)
          this.freed.clear()
        }
      }
    })
  }

  // what waits in the actor goes on after a rest
  private rest(actor: LocalActor, unasked: Array<ServerCall>): void {
    this.resting.set(actor, unasked)
    this.turns.rest(this.goOn)
  }

  private readonly goOn = (): void => {
    // who has run last, which took long, is the last, and what the others have answered does not wait for it
    const { last, resting } = this
    const waiting = last && resting.get(last)
    if (waiting !== undefined && resting.delete(last!)) resting.set(last!, waiting)
    for (const [actor, unasked] of resting) {
      if (this.turns.isTired) return this.rest(actor, unasked)
      resting.delete(actor)
      if (actor === last) this.outbox.flush()
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
    const { isTired } = this.turns
    if (mailbox.isOpen && !isTired) {
      // a stream is entered into the tables at once, because it takes credit; what is lent to a call is noted with it
      const { payload, stream } = actor.methods[index]!
      const call = stream || payload.handles ? new ServerCall(this, id, actor, index, wire, extras) : undefined
      this.begin(actor, id, index, wire, extras, call)
      return this.turns.pace()
    }
    const call = new ServerCall(this, id, actor, index, wire, extras)
    const waits = !mailbox.isFull && (isTired || mailbox.hasNext && actor.forks[index] === undefined)
    if (actor.forks[index] !== false && !waits && this.peek(call).fork) {
      return this.begin(actor, id, index, wire, extras, call)
    }
    if (mailbox.isFull && !actor.behaviour.suspends) {
      this.discard(call)
      return this.outbox.push4(Wire.Failed, id, Wire.FailureMailboxFull, mailbox.capacity)
    }
    this.calls.set(id, call)
    if (call.method.payload.handles && call.run === undefined) Handles.expect(this.ends, wire)
    if (mailbox.add(call)) this.accept(call)
    if (!waits) return
    const unasked = this.resting.get(actor) ?? []
    if (actor.forks[index] !== false) unasked.push(call)
    this.rest(actor, unasked)
  }

  /** Begins what waits for a rest now: the holder of this object has made those calls, and lets go behind them. */
  hurry(object: LocalActor): void {
    if (!this.resting.delete(object)) return
    for (let call = object.mailbox.take(); call !== undefined; call = object.mailbox.take()) call.runner.start(call)
  }

  /** Begins a call that has waited. */
  start(call: ServerCall): void {
    this.begin(call.actor, call.id, call.index, call.wire, call.extras, call)
  }

  /** A call is in the mailbox. A tell that is passed on has been accepted once it is accepted there. */
  accept(call: ServerCall): void {
    if (call.discard && !call.actor.isRelay) this.outbox.push2(Wire.Accepted, call.id)
  }

  // those that came when there was no room in the mailbox, as far as there is now
  private admit({ mailbox }: LocalActor): void {
    for (let call = mailbox.admit(); call !== undefined; call = mailbox.admit()) call.runner.accept(call)
  }

  /**
   * Nobody is at the other end any more: takes back what is under way in actors that others own, and calls back when that and all
   * else that was called has ended, but for what cannot be interrupted.
   */
  abandon(onLeft: () => void): void {
    this.onLeft = onLeft
    const calls = this.calls.values().filter((call) => call.actor.id > 0)
    // what waits first: it must not begin when what runs has ended
    for (const call of calls) if (call.fiber === undefined) this.interrupt(call.id)
    for (const call of calls) this.interrupt(call.id)
    this.checkLeft()
  }

  private checkLeft(): void {
    const { onLeft } = this
    if (onLeft === undefined || this.calls.values().some((call) => !call.uninterruptible)) return
    this.onLeft = undefined
    onLeft()
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
      call.actor.mailbox.remove(call)
      this.dismiss(call, Wire.FailureRemoved)
      this.admit(call.actor)
      return call.actor.onIdle?.()
    }
    const isAskedAgain = call.interrupted
    call.interrupted = true
    if (call.uninterruptible) return this.outbox.push3(Wire.Started, id, call.flags)
    if (!isAskedAgain) {
      call.before = Interruption.countTakenBack()
      call.fiber.interruptUnsafe()
      if (this.calls.get(id) !== call) return
    }
    this.interrupting.push(call)
    this.outbox.schedule()
  }

  /** A call that has waited will never run. */
  dismiss(call: ServerCall, failure: number): void {
    this.forget(call)
    this.discard(call)
    this.outbox.push4(Wire.Failed, call.id, failure, undefined)
  }

  // what came with a call that never runs; one that has been asked how it wants to run has read its payload
  private discard(call: ServerCall): void {
    if (call.run !== undefined) call.drop()
    else if (call.method.payload.handles) Handles.releaseAll(this.ends, call.wire)
  }

  private peek(call: ServerCall): Prepared {
    const { actor, extras, id, index, wire } = call
    this.enter(id)
    const run = call.run = this.prepare(actor, id, index, wire, extras, call)
    this.leave(id)
    if (!run.isAnswer && !Exit.isExit(run.effect)) return this.decode(call, run.effect)
    if (run.isAnswer && actor.forks[index] !== run.fork) actor.learn(index, run.fork)
    return run
  }

  // while it waits, where that takes an effect: its handler can be asked behind that
  private decode(call: ServerCall, effect: Effect.Effect<unknown, unknown>): Prepared {
    const { actor, id } = call
    const decoding = call.decoding = Effect.runForkWith(actor.context)(effect)
    const exit = decoding.pollUnsafe()
    const ask = (exit: Exit.Exit<unknown, unknown>): Prepared => {
      call.decoded = Exit.isSuccess(exit) ? (exit.value as Decoded).exit : exit
      return this.peek(call)
    }
    if (exit !== undefined) return ask(exit)
    decoding.addObserver((exit) => {
      if (call.fiber !== undefined || this.calls.get(id) !== call || !ask(exit).fork) return
      actor.mailbox.remove(call)
      this.start(call)
      this.ended(actor)
    })
    return call.run = { effect: Effect.onInterrupt(Fiber.join(decoding), () => Fiber.interrupt(decoding)), ...plain }
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
    const decoded = call?.decoded ?? (method.payload.handles
      ? Handles.decode(this.importing(actor, call), method.payload, wire)
      : method.payload.decode(wire))
    if (!Codec.isSuccess(decoded)) {
      if (Codec.isFailure(decoded)) {
        return { effect: Effect.die(new Undecodable(Codec.issueText(decoded.cause))), ...plain }
      }
      // an effectful schema: how the call wants to run is only known when its payload is
      return { effect: Effect.map(Effect.exit(decoded), (exit) => new Decoded(exit)), ...plain }
    }
    return this.answer(actor, id, index, decoded.value, extras, call)
  }

  // what an actor is given lives as long as the actor, unless it lets go before; what is only passed on, as long as the call
  private importing(actor: LocalActor, call: ServerCall | undefined): Handles.Importing {
    const receiver = actor.id < 0 ? actor.owner : actor
    const lent = call?.lent
    const scope = actor.isRelay ? lent : receiver?.scope
    return { ends: this.ends, owner: caller, receiver, context: actor.context, scope, lent, taken: call?.taken }
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
    if (actor.id < 0 && Codec.carriesHandles(method)) Object.assign(options, { taken: call?.taken ?? [] })
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
        const writer = call!.writer = new StreamWriter({
          outbox: this.outbox,
          turns: this.turns,
          id,
          codec: method.success,
          exporting: method.success.handles ? this.answers.exporting(actor) : undefined,
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
    if (trace !== undefined) effect = traced(actor, method, trace, effect)
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
    this.last = actor
    this.enter(id)
    const run = call?.run ?? this.prepare(actor, id, index, wire, extras, call)
    if (run.isAnswer && actor.forks[index] === undefined) actor.learn(index, run.fork)
    if (!run.fork) actor.mailbox.running++
    const { effect } = run
    if (effect instanceof Forking || Exit.isExit(effect) && effect._tag === "Success") {
      const exit = effect instanceof Forking ? Exit.succeed(effect.start(actor.context)) : effect
      this.entering.pop()
      this.finish(actor, id, index, extras, call, run.fork, exit)
      if (call !== undefined) this.ended(actor)
      return
    }
    const scope = Scope.makeUnsafe()
    let context = Context.add(actor.context, Scope.Scope, scope)
    if (this.interrupts !== undefined) context = Interruption.within(context, id, this.interrupts)
    if (run.uninterruptible) {
      call ??= new ServerCall(this, id, actor, index, wire, extras)
      call.forked = run.fork
      call.uninterruptible = call.announced = true
      // its caller learns that it is to be waited for before it may compute for long
      this.outbox.push3(Wire.Started, id, call.flags)
      this.outbox.flush()
    }
    // what cannot be sent of a stream is noticed as soon as it runs
    if (call?.writer !== undefined) this.calls.set(id, call)
    const fiber = Effect.runForkWith(context)(
      effect,
      run.uninterruptible ? { uninterruptible: true } : undefined
    )
    this.entering.pop()
    const exit = fiber.pollUnsafe()
    if (exit === undefined || scope.state._tag !== "Empty") {
      call ??= new ServerCall(this, id, actor, index, wire, extras)
      call.forked = run.fork
      call.uninterruptible = run.uninterruptible
      if (run.fork && call.announced) this.outbox.push3(Wire.Started, id, call.flags)
      return this.follow(call, fiber, scope)
    }
    Scope.closeUnsafe(scope, exit)
    this.finish(actor, id, index, extras, call, run.fork, exit)
    if (call !== undefined) this.ended(actor)
  }

  // waits for the handler, then for what it acquired, then answers
  private follow(call: ServerCall, fiber: Fiber.Fiber<unknown, unknown>, scope: Scope.Closeable | undefined): void {
    const { actor } = call
    call.fiber = fiber
    this.calls.set(call.id, call)
    actor.enter(call)
    // a tell that is passed on has been accepted once it is accepted there
    if (!call.announced && !(actor.isRelay && call.discard)) this.unannounced.push(call)
    if (call.writer?.unencodable !== undefined) fiber.interruptUnsafe()
    fiber.addObserver((exit) => {
      if (scope !== undefined && scope.state._tag !== "Empty") {
        const closing = Effect.runForkWith(actor.context)(
          Effect.flatMap(Effect.exit(this.answers.seal(call, exit)), (sealed) =>
            Effect.andThen(
              Effect.onError(Scope.close(scope, exit), () => Effect.sync(() => this.answers.unseal(sealed))),
              sealed
            )),
          { uninterruptible: true }
        )
        return this.follow(call, closing, undefined)
      }
      if (scope !== undefined) Scope.closeUnsafe(scope, exit)
      this.finish(actor, call.id, call.index, call.extras, call, call.forked, exit)
      this.ended(actor)
    })
  }

  // a call that was in the tables has ended: the next one may begin
  private ended(actor: LocalActor): void {
    this.turns.pace()
    if (this.reading) this.freed.add(actor)
    else if (!actor.draining) this.advance(actor)
  }

  // starts those of `unasked` that are known to run out of line, then what waited for its turn, and then the others that do
  private advance(actor: LocalActor, unasked: ReadonlyArray<ServerCall> = []): void {
    const { mailbox } = actor
    if (mailbox.size > 0) {
      if (this.resting.has(actor)) return
      if (!this.turns.isOpen) return this.turns.run(() => this.advance(actor))
      actor.draining = true
      const others = this.ask(unasked, true)
      if (others.length < unasked.length) this.outbox.flush()
      for (let call = this.take(actor); call !== undefined; call = this.take(actor)) {
        call.runner.start(call)
        this.turns.pace()
      }
      const left = this.ask(others)
      this.admit(actor)
      actor.draining = false
      if (mailbox.hasNext || left.length > 0) this.rest(actor, left)
    }
    actor.onIdle?.()
  }

  // starts those that wait and run out of line; returns those for which there was no time, and those of which it is not known yet
  private ask(calls: ReadonlyArray<ServerCall>, known = false): Array<ServerCall> {
    return calls.filter((call) => {
      if (call.fiber !== undefined || this.calls.get(call.id) !== call) return false
      if (this.turns.isTired || known && call.actor.forks[call.index] !== true) return true
      if (!this.peek(call).fork) return false
      call.actor.mailbox.remove(call)
      this.start(call)
      this.turns.pace()
      return false
    })
  }

  private take(actor: LocalActor): ServerCall | undefined {
    if (this.turns.isTired) return undefined
    this.admit(actor)
    return actor.mailbox.take()
  }

  /** Takes a call out of the tables. */
  forget(call: ServerCall): void {
    this.calls.delete(call.id)
    call.actor.leave(call)
    if (this.onLeft !== undefined) this.checkLeft()
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
    if (exit._tag === "Success" && isDecoded(exit.value)) {
      // it begins in the place that it had
      const decoded = call ?? new ServerCall(this, id, actor, index, undefined, extras)
      decoded.decoded = exit.value.exit
      decoded.run = undefined
      return this.start(decoded)
    }
    if (exit._tag === "Success" && isDeferred(exit.value)) {
      // its place is free for the next call; the answer follows when the Deferred completes
      const waiting = call ?? new ServerCall(this, id, actor, index, undefined, extras)
      waiting.forked = true
      if (waiting.announced) this.outbox.push3(Wire.Started, id, waiting.flags)
      return this.follow(waiting, Effect.runForkWith(actor.context)(Deferred.await(exit.value)), undefined)
    }
    const encoding = exit._tag === "Success"
      ? this.answers.succeed(actor, id, method, extras, call, exit.value)
      : this.answers.fail(actor, id, method, extras, call, exit.cause)
    if (encoding === undefined) {
      if (exit._tag === "Failure") call?.giveBack()
      return
    }
    // it runs, and has its place, for as long as its answer is being encoded
    if (!forked) actor.mailbox.running++
    const running = call ?? new ServerCall(this, id, actor, index, undefined, extras)
    running.forked = forked
    const fiber = Effect.runForkWith(actor.context)(encoding, { uninterruptible: isFirm(running) })
    const encoded = fiber.pollUnsafe()
    if (encoded === undefined) return this.follow(running, fiber, undefined)
    this.finish(actor, id, index, extras, call, forked, encoded)
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

  /** Runs before every flush: chunks that were staged, calls that have begun and not settled, and those that wait to be interrupted. */
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
    if (this.interrupting.length > 0) {
      const interrupting = this.interrupting
      this.interrupting = []
      for (const call of interrupting) {
        call.after ??= Interruption.countTakenBack()
        if (this.calls.get(call.id) === undefined || !Interruption.isAwaited(call.before, call.after)) continue
        this.outbox.push3(Wire.Started, call.id, call.flags | Wire.FlagWaits)
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
}
