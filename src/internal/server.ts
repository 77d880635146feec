/**
 * The actors' side of a connection: builds actors, runs the handler of each
 * call as a fiber in the actor's context, and answers.
 *
 * A handler that finishes at once is answered in the same turn and costs no
 * more than its fiber; only one that suspends is entered into the tables below,
 * and is announced as started when the turn ends. That announcement, and the
 * note of what was begun since the last one, is what lets the caller's side
 * prove that a call never ran (C1).
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Headers from "effect/http/Headers"
import * as Rpc from "effect/rpc/Rpc"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import * as Transferable from "effect/workers/Transferable"
import * as Behaviour from "./behaviour.ts"
import * as Codec from "./codec.ts"
import * as Interruption from "./interruption.ts"
import { begunCapacity, type Link } from "./link.ts"
import { Mailbox } from "./mailbox.ts"
import { Inbox, Outbox } from "./outbox.ts"
import { StreamWriter } from "./streamWriter.ts"
import * as Wire from "./wire.ts"

// how many waiting calls are announced together where begun calls cannot be noted in shared memory
const announceAhead = 64

/** One actor. */
class LocalActor {
  readonly id: number
  readonly behaviour: Behaviour.Behaviour
  readonly methods: ReadonlyArray<Codec.Method>
  readonly mailbox: Mailbox<ServerCall>
  readonly scope = Scope.makeUnsafe()
  readonly context: Context.Context<never>
  readonly calls = new Set<ServerCall>()
  readonly client: Rpc.ServerClient
  /** whether a method is known to answer out of line; learned from its first answer */
  readonly forks: Array<boolean | undefined> = []
  handlers: ReadonlyArray<Behaviour.Handler> = []
  state: "Building" | "Running" | "Draining" | "Closing" = "Building"
  building: Fiber.Fiber<unknown, unknown> | undefined
  /** the flush before which an announced call of this actor settled */
  settledAt = -1
  draining = false
  onIdle: (() => void) | undefined

  constructor(id: number, behaviour: Behaviour.Behaviour, context: Context.Context<never>) {
    this.id = id
    this.behaviour = behaviour
    this.methods = behaviour.definition.methods
    this.mailbox = new Mailbox(behaviour.mailboxCapacity, behaviour.concurrency)
    this.context = Context.add(context, Scope.Scope, this.scope)
    this.client = new Rpc.ServerClient(id)
  }
}

/** A call that waits or that has suspended. */
class ServerCall {
  readonly id: number
  readonly actor: LocalActor
  readonly index: number
  readonly wire: unknown
  readonly extras: Wire.Extras | undefined
  /** built ahead of its turn, to see whether it asks to run out of line */
  run: Prepared | undefined
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  writer: StreamWriter | undefined
  forked = false
  uninterruptible = false
  announced = false
  /** the caller has taken it back */
  interrupted = false

  constructor(id: number, actor: LocalActor, index: number, wire: unknown, extras: Wire.Extras | undefined) {
    this.id = id
    this.actor = actor
    this.index = index
    this.wire = wire
    this.extras = extras
  }

  get method(): Codec.Method {
    return this.actor.methods[this.index]!
  }

  get discard(): boolean {
    return this.extras?.discard === true
  }

  get flags(): number {
    return (this.forked ? Wire.FlagForked : 0) | (this.uninterruptible ? Wire.FlagUninterruptible : 0)
  }
}

/** What a handler answered. */
interface Prepared {
  readonly effect: Effect.Effect<unknown, unknown>
  readonly fork: boolean
  readonly uninterruptible: boolean
}

const plain = { fork: false, uninterruptible: false }

/** The answer of a call whose payload could not be decoded. */
class Undecodable {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** Serves the actors of one link. */
export class Server {
  readonly outbox: Outbox
  private readonly behaviours: Context.Context<never>
  private readonly begun: Int32Array | undefined
  private readonly noteCalls: boolean
  private readonly inbox = new Inbox()
  private readonly actors = new Map<number, LocalActor>()
  private readonly calls = new Map<number, ServerCall>()
  private readonly announcedInfos = new Set<string>()
  private readonly scheduler: Scheduler.Scheduler
  private unannounced: Array<ServerCall> = []
  private writers: Array<StreamWriter> = []
  /** the calls whose handlers are being entered, the innermost last */
  private readonly entering: Array<number> = []
  private ending: (() => void) | undefined

  constructor(link: Link, behaviours: Context.Context<never>) {
    this.behaviours = behaviours
    this.begun = link.begun
    this.noteCalls = link.interrupts !== undefined
    this.outbox = new Outbox(
      link,
      (frame, error) => this.onUnsendable(frame, error),
      { before: () => this.announce(), after: () => this.announced() }
    )
    // one dispatcher for all handler fibers, so that what they answer in one turn leaves as one message
    const scheduler = new Scheduler.MixedScheduler()
    const dispatcher = scheduler.makeDispatcher()
    this.scheduler = {
      executionMode: scheduler.executionMode,
      shouldYield: (fiber) => scheduler.shouldYield(fiber),
      makeDispatcher: () => dispatcher
    }
  }

  /** whether a handler is suspended or a call waits */
  get isBusy(): boolean {
    return this.calls.size > 0
  }

  /** Reads a batch from the callers' side; everything it leads to at once is answered in one batch. */
  onBatch(batch: Wire.Batch): void {
    const order = this.inbox.check(batch)
    if (order === "repeated") return
    if (order === "early") {
      this.outbox.push2(Wire.Broken, "a message to it was lost")
      return
    }
    this.outbox.cork()
    try {
      for (let i = 1; i < batch.length;) {
        const op = batch[i] as number
        switch (op) {
          case Wire.Call:
            this.call(batch[i + 1] as number, batch[i + 2] as number, batch[i + 3] as number, batch[i + 4], undefined)
            break
          case Wire.CallWith:
            this.call(
              batch[i + 1] as number,
              batch[i + 2] as number,
              batch[i + 3] as number,
              batch[i + 4],
              batch[i + 5] as Wire.Extras | undefined
            )
            break
          case Wire.Interrupt:
            this.interrupt(batch[i + 1] as number)
            break
          case Wire.Credit:
            this.calls.get(batch[i + 1] as number)?.writer?.credit(batch[i + 2] as number)
            break
          case Wire.Spawn:
            this.spawn(batch[i + 1] as number, batch[i + 2] as string, batch[i + 3])
            break
          case Wire.Close:
            this.close(
              batch[i + 1] as number,
              batch[i + 2] as boolean,
              Codec.decodeExit(batch[i + 3] as Wire.EncodedExit)
            )
            break
          case Wire.Vote:
            this.vote(batch[i + 1] as number, Codec.decodeExit(batch[i + 2] as Wire.EncodedExit))
            break
          case Wire.Ping:
            this.outbox.push1(Wire.Pong)
            break
          case Wire.End:
            this.end()
            break
        }
        i += Wire.sizes[op]!
      }
    } finally {
      this.outbox.uncork()
    }
  }

  // ---- life cycle ----

  private spawn(id: number, name: string, wire: unknown): void {
    const behaviour = Behaviour.find(this.behaviours, name)
    if (behaviour === undefined) {
      this.outbox.push4(Wire.Spawned, id, Wire.SpawnNotServed, Behaviour.names(this.behaviours))
      return
    }
    const actor = new LocalActor(id, behaviour, Context.add(behaviour.context, Scheduler.Scheduler, this.scheduler))
    this.actors.set(id, actor)
    const { args, error, methods } = behaviour.definition
    const build = Effect.flatMap(
      Effect.catchCause(args.decode(wire), (cause) => Effect.die(new Undecodable(Codec.issueText(cause)))),
      behaviour.build
    )
    const fiber = actor.building = Effect.runForkWith(actor.context)(build)
    fiber.addObserver((exit) => {
      actor.building = undefined
      if (actor.state !== "Building") {
        // closed meanwhile: `close` waits for this
        actor.onIdle?.()
      } else if (Exit.isSuccess(exit)) {
        actor.handlers = methods.map((method) => exit.value[method.tag]!)
        actor.state = "Running"
        this.outbox.push4(Wire.Spawned, id, Wire.SpawnOk, this.info(behaviour))
      } else {
        actor.state = "Closing"
        this.releaseScope(actor, exit, (cause) => {
          this.actors.delete(id)
          const all = cause === undefined ? exit.cause : Cause.combine(exit.cause, cause)
          const failure = all.reasons.length === 1 ? all.reasons[0]! : undefined
          const defect = failure?._tag === "Die" ? failure.defect : undefined
          if (defect instanceof Undecodable) {
            this.outbox.push4(Wire.Spawned, id, Wire.SpawnArgsInvalid, defect.text)
          } else if (failure?._tag === "Fail") {
            this.encodeThen(
              error,
              failure.error,
              actor.context,
              (value) => this.outbox.push4(Wire.Spawned, id, Wire.SpawnFailed, value),
              (text) =>
                this.outbox.push4(Wire.Spawned, id, Wire.SpawnDied, [[
                  "Die",
                  unencodable(`the start error of ${name}`, text)
                ]])
            )
          } else {
            this.outbox.push4(
              Wire.Spawned,
              id,
              Wire.SpawnDied,
              Codec.encodeCause(all, Codec.encodeDefect, Codec.encodeDefect)
            )
          }
          this.ending?.()
        })
      }
    })
  }

  private info(behaviour: Behaviour.Behaviour): Wire.MailboxInfo | undefined {
    const { methods, name } = behaviour.definition
    if (this.announcedInfos.has(name)) return undefined
    this.announcedInfos.add(name)
    return {
      methods: methods.map((method) => method.tag),
      capacity: behaviour.mailboxCapacity === Infinity ? -1 : behaviour.mailboxCapacity,
      concurrency: behaviour.concurrency === Infinity ? -1 : behaviour.concurrency,
      suspends: behaviour.suspends,
      supervision: behaviour.supervision
    }
  }

  // L4: take no more calls; finish or interrupt what runs; run finalizers
  private close(id: number, drain: boolean, exit: Exit.Exit<void, unknown>): void {
    const actor = this.actors.get(id)
    if (actor === undefined) return this.outbox.push3(Wire.Closed, id, undefined)
    if (actor.state === "Closing") return
    if (drain && actor.state === "Running" && !(actor.mailbox.isIdle && actor.calls.size === 0)) {
      actor.state = "Draining"
      actor.onIdle = () => {
        if (actor.mailbox.isIdle && actor.calls.size === 0) this.shut(actor, exit)
      }
      return
    }
    this.shut(actor, exit)
  }

  private shut(actor: LocalActor, exit: Exit.Exit<void, unknown>): void {
    actor.state = "Closing"
    const finish = (): void => {
      if (actor.calls.size > 0 || actor.building !== undefined) return
      actor.onIdle = undefined
      this.releaseScope(actor, exit, (cause) => {
        this.actors.delete(actor.id)
        this.outbox.push3(
          Wire.Closed,
          actor.id,
          cause === undefined ? undefined : Codec.encodeCause(cause, Codec.encodeDefect, Codec.encodeDefect)
        )
        this.ending?.()
      })
    }
    actor.onIdle = finish
    for (const call of actor.mailbox.line.drain()) {
      this.forget(call)
      this.outbox.push4(Wire.Failed, call.id, Wire.FailureStopped, undefined)
    }
    actor.building?.interruptUnsafe()
    for (const call of Array.from(actor.calls)) call.fiber?.interruptUnsafe()
    if (actor.onIdle === finish) finish()
  }

  private releaseScope(
    actor: LocalActor,
    exit: Exit.Exit<unknown, unknown>,
    done: (cause: Cause.Cause<never> | undefined) => void
  ): void {
    Effect.runForkWith(actor.context)(Scope.close(actor.scope, exit)).addObserver((closed) =>
      done(Exit.isSuccess(closed) ? undefined : closed.cause)
    )
  }

  private vote(id: number, exit: Exit.Exit<void, unknown>): void {
    const actor = this.actors.get(id)
    const onExit = actor?.behaviour.onExit
    if (actor === undefined || onExit === undefined) return this.outbox.push3(Wire.Voted, id, false)
    Effect.runForkWith(actor.context)(Effect.suspend(() => onExit(exit))).addObserver((vote) =>
      this.outbox.push3(
        Wire.Voted,
        id,
        Exit.isSuccess(vote) ? vote.value : Codec.encodeCause(vote.cause, Codec.encodeDefect, Codec.encodeDefect)
      )
    )
  }

  /** Ends every actor that is left, and calls back once they are gone. */
  end(onEnded: () => void = () => {
    this.outbox.push1(Wire.Ended)
    this.outbox.flush()
  }): void {
    this.ending = () => {
      if (this.actors.size > 0) return
      this.ending = undefined
      this.onEnd(onEnded)
    }
    for (const actor of Array.from(this.actors.values())) {
      if (actor.state !== "Closing") this.shut(actor, Exit.interrupt())
    }
    this.ending?.()
  }

  /** replaced by the worker entry, which releases its layer before it answers */
  onEnd: (answer: () => void) => void = (answer) => answer()

  /** The last words of a dying worker: everything that has begun is announced, so that the rest is known not to have. */
  die(message: string): void {
    for (const id of this.entering) this.outbox.push3(Wire.Started, id, 0)
    this.outbox.flush()
    this.outbox.push2(Wire.Dying, message)
    this.outbox.flush()
  }

  // ---- calls ----

  private call(id: number, target: number, index: number, wire: unknown, extras: Wire.Extras | undefined): void {
    const actor = this.actors.get(target)
    if (actor === undefined || actor.state !== "Running") {
      return this.outbox.push4(Wire.Failed, id, Wire.FailureStopped, undefined)
    }
    const { mailbox } = actor
    if (mailbox.isOpen) {
      // a stream is entered into the tables at once, because it takes credit
      const call = actor.methods[index]!.stream ? new ServerCall(id, actor, index, wire, extras) : undefined
      this.begin(actor, id, index, wire, extras, call)
      return
    }
    const call = new ServerCall(id, actor, index, wire, extras)
    if (actor.forks[index] !== false) {
      const run = call.run = this.prepare(actor, id, index, wire, extras, call)
      actor.forks[index] = run.fork
      if (run.fork) return this.begin(actor, id, index, wire, extras, call)
    }
    if (mailbox.isFull && !actor.behaviour.suspends) {
      return this.outbox.push4(Wire.Failed, id, Wire.FailureMailboxFull, mailbox.capacity)
    }
    this.calls.set(id, call)
    mailbox.line.add(call)
    if (call.discard) this.outbox.push2(Wire.Accepted, id)
  }

  private interrupt(id: number): void {
    const call = this.calls.get(id)
    // its answer is already on the way
    if (call === undefined) return
    if (call.fiber === undefined) {
      call.actor.mailbox.line.remove(call)
      this.forget(call)
      this.outbox.push4(Wire.Failed, id, Wire.FailureRemoved, undefined)
      return call.actor.onIdle?.()
    }
    call.interrupted = true
    if (call.uninterruptible) this.outbox.push3(Wire.Started, id, call.flags)
    else call.fiber.interruptUnsafe()
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
    const decoded = method.payload.decode(wire)
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
        const writer = call!.writer = new StreamWriter(
          this.outbox,
          id,
          method,
          call!.discard,
          extras?.window,
          (writer) => {
            this.writers.push(writer)
          }
        )
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
      effect = Effect.withSpan(effect, `${actor.behaviour.definition.name}.${method.tag}`, {
        captureStackTrace: false,
        kind: "server",
        parent: Tracer.externalSpan({ traceId: trace[0], spanId: trace[1], sampled: trace[2] })
      })
    }
    return { effect, fork: wrapped.fork, uninterruptible: wrapped.uninterruptible }
  }

  private begin(
    actor: LocalActor,
    id: number,
    index: number,
    wire: unknown,
    extras: Wire.Extras | undefined,
    queued: ServerCall | undefined
  ): void {
    const run = queued?.run ?? this.prepare(actor, id, index, wire, extras, queued)
    actor.forks[index] ??= run.fork
    let call = queued
    if (this.begun !== undefined) this.note(this.begun, id)
    else if (run.fork) {
      call ??= new ServerCall(id, actor, index, wire, extras)
      call.forked = true
      this.announceNow(call, run)
    } else if (actor.settledAt === this.outbox.flushes && !(call?.announced ?? false)) {
      call ??= new ServerCall(id, actor, index, wire, extras)
      this.announceNow(call, run)
    }
    if (!run.fork) actor.mailbox.running++
    const scope = Scope.makeUnsafe()
    this.entering.push(id)
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
    actor.calls.add(call)
    if (!call.announced) this.unannounced.push(call)
    fiber.addObserver((exit) => {
      if (scope !== undefined && scope.state._tag !== "Empty") {
        const closing = Effect.runForkWith(actor.context)(Effect.andThen(Scope.close(scope, exit), exit), {
          uninterruptible: true
        })
        return this.follow(call, closing, undefined)
      }
      this.finish(actor, call.id, call.index, call.extras, call, call.forked, exit)
      if (!actor.draining) this.advance(actor)
    })
  }

  // starts what waited for its turn
  private advance(actor: LocalActor): void {
    const { mailbox } = actor
    if (mailbox.line.size > 0) {
      actor.draining = true
      for (let call = mailbox.take(); call !== undefined; call = mailbox.take()) {
        this.begin(actor, call.id, call.index, call.wire, call.extras, call)
      }
      actor.draining = false
    }
    actor.onIdle?.()
  }

  private forget(call: ServerCall): void {
    this.calls.delete(call.id)
    call.actor.calls.delete(call)
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
    if (call !== undefined) {
      this.forget(call)
      if (call.announced) actor.settledAt = this.outbox.flushes
    }
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
      if (method.stream || extras?.discard === true) {
        call?.writer?.flush()
        return this.outbox.push3(Wire.Settled, id, undefined)
      }
      const encoded = method.success.encode(value)
      if (Codec.isSuccess(encoded)) {
        if (!method.success.isolated) this.outbox.isolate(encoded.value)
        return this.outbox.push3(Wire.Settled, id, encoded.value)
      }
      return this.encodeThen(
        method.success,
        value,
        actor.context,
        (value, transfer) =>
          transfer === undefined
            ? this.outbox.push3(Wire.Settled, id, value)
            : this.outbox.pushTransfer([Wire.Settled, id, value], transfer),
        (text) => this.outbox.push4(Wire.Failed, id, Wire.FailureUnencodable, text)
      )
    }
    this.fail(actor, id, method, extras, call, exit.cause)
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
    if (defect instanceof Undecodable) {
      return this.outbox.push4(Wire.Failed, id, Wire.FailureUndecodable, defect.text)
    }
    if (call?.writer?.unencodable !== undefined) {
      return this.outbox.push4(Wire.Failed, id, Wire.FailureUnencodable, call.writer.unencodable)
    }
    if (actor.state === "Closing" && Cause.hasInterruptsOnly(cause)) {
      return this.outbox.push4(Wire.Failed, id, Wire.FailureStoppedRunning, undefined)
    }
    if (extras?.discard === true) {
      // nobody waits for the answer, so the log is the only one to tell
      Effect.runForkWith(actor.context)(
        Effect.logWarning(`${actor.behaviour.definition.name}.${method.tag} (discarded call) failed`, cause)
      )
    }
    const fail = (text: string): void => this.outbox.push4(Wire.Failed, id, Wire.FailureUnencodable, text)
    if (only?._tag === "Fail") {
      return this.encodeThen(
        method.error,
        only.error,
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
    this.runThen(encodeAll, actor.context, (values) => {
      let at = 0
      const encoded = Codec.encodeCause(cause, () => (values as ReadonlyArray<unknown>)[at++], method.encodeDefect)
      this.outbox.isolate(encoded)
      this.outbox.push4(Wire.Failed, id, Wire.FailureCause, encoded)
    }, fail)
  }

  private encodeThen(
    codec: Codec.Codec,
    value: unknown,
    context: Context.Context<never>,
    done: (value: unknown, transfer: ReadonlyArray<unknown> | undefined) => void,
    failed: (text: string) => void
  ): void {
    const encoded = codec.encode(value)
    if (Codec.isSuccess(encoded)) return done(encoded.value, undefined)
    this.runThen(encoded, context, done, failed)
  }

  private runThen<E>(
    effect: Effect.Effect<unknown, E>,
    context: Context.Context<never>,
    done: (value: unknown, transfer: ReadonlyArray<unknown> | undefined) => void,
    failed: (text: string) => void
  ): void {
    const collector = Transferable.makeCollectorUnsafe()
    Effect.runForkWith(Context.add(context, Transferable.Collector, collector))(effect).addObserver((exit) => {
      if (Exit.isFailure(exit)) return failed(Codec.issueText(exit.cause))
      const transfer = collector.readUnsafe()
      done(exit.value, transfer.length > 0 ? transfer : undefined)
    })
  }

  // ---- what has begun ----

  private note(begun: Int32Array, id: number): void {
    if (begun[0] === begunCapacity) this.outbox.flush()
    const count = begun[0]!
    begun[count + 1] = id
    begun[0] = count + 1
  }

  // C1: where nothing is shared, a start that the callers' side could not infer is announced before it happens
  private announceNow(call: ServerCall, run: Prepared): void {
    call.announced = true
    call.uninterruptible = run.uninterruptible
    this.outbox.push3(Wire.Started, call.id, call.flags)
    for (const next of call.actor.mailbox.line.peek(call.forked ? 0 : announceAhead)) {
      if (next.announced) continue
      next.announced = true
      this.outbox.push3(Wire.Started, next.id, 0)
    }
    this.outbox.flush()
  }

  // runs before every flush: chunks that were staged, and calls that have begun and not settled
  private announce(): void {
    if (this.writers.length > 0) {
      const writers = this.writers
      this.writers = []
      for (const writer of writers) writer.flush()
    }
    if (this.unannounced.length > 0) {
      const unannounced = this.unannounced
      this.unannounced = []
      for (const call of unannounced) {
        if (call.announced || !this.calls.has(call.id)) continue
        call.announced = true
        this.outbox.push3(Wire.Started, call.id, call.flags)
      }
    }
  }

  // what has begun is known at the other end now, but for the handlers that are being entered
  private announced(): void {
    if (this.begun === undefined) return
    const { entering } = this
    for (let i = 0; i < entering.length; i++) this.begun[i + 1] = entering[i]!
    this.begun[0] = entering.length
  }

  private onUnsendable(frame: Wire.Batch, error: unknown): void {
    const text = error instanceof Error ? error.message : String(error)
    switch (frame[0]) {
      case Wire.Settled:
      case Wire.Failed:
        return this.outbox.push4(Wire.Failed, frame[1], Wire.FailureUnencodable, text)
      case Wire.Chunk: {
        const call = this.calls.get(frame[1] as number)
        return call?.writer?.refuse(text)
      }
      case Wire.Spawned:
        return this.outbox.push4(Wire.Spawned, frame[1], Wire.SpawnDied, [[
          "Die",
          unencodable("the start error", text)
        ]])
      default:
        throw error
    }
  }
}

const unencodable = (what: string, text: string): unknown =>
  Codec.encodeDefect(new TypeError(`${what} cannot be sent: ${text}`))
