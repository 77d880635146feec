/**
 * The actors' side of a connection: builds actors, closes them, and hands their
 * calls to the {@link Runner}.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import { unencodable } from "./answers.ts"
import * as Behaviour from "./behaviour.ts"
import * as Codec from "./codec.ts"
import type { Exports, Served } from "./exports.ts"
import * as Handles from "./handles.ts"
import type { LinkEnd, Notes } from "./link.ts"
import { type Admission, caller, LocalActor, Undecodable } from "./localActor.ts"
import type { Outbox } from "./outbox.ts"
import { Places } from "./places.ts"
import { Runner } from "./runner.ts"
import { Table } from "./table.ts"
import * as Wire from "./wire.ts"

/** What the actors of one behaviour have in common. */
interface Kind {
  readonly services: Context.Context<never>
  /** where each actor has the same */
  readonly handlers: ReadonlyArray<Behaviour.Handler> | undefined
}

const isEmpty = (items: { readonly size: number } | undefined): boolean => items === undefined || items.size === 0

/** Serves the actors of one link, and the objects whose handles its other end holds. */
export class Server {
  readonly runner: Runner
  private readonly ends: Handles.Ends
  private readonly behaviours: Context.Context<never>
  private readonly actors = new Table<LocalActor>()
  /** the actors of another link that take calls on this one as well */
  private readonly admitted = new Table<Admission>()
  private readonly kinds = new Map<Behaviour.Behaviour, Kind>()
  private readonly announcedInfos = new Set<string>()
  private readonly scheduler: Scheduler.Scheduler
  private ending: (() => void) | undefined

  constructor(
    outbox: Outbox,
    ends: Handles.Ends,
    notes: Notes | undefined,
    behaviours: Context.Context<never>
  ) {
    this.ends = ends
    this.behaviours = behaviours
    this.runner = new Runner(outbox, ends, notes)
    // one dispatcher for all handler fibers, so that what they answer in one turn leaves as one message
    const scheduler = new Scheduler.MixedScheduler("async", (run) => this.runner.turns.soon(run))
    const dispatcher = scheduler.makeDispatcher()
    this.scheduler = {
      executionMode: scheduler.executionMode,
      shouldYield: (fiber) => scheduler.shouldYield(fiber),
      makeDispatcher: () => dispatcher
    }
  }

  private get exports(): Exports {
    return this.ends.exports as Exports
  }

  /** Reads one frame, a request, at its place in a batch. */
  onFrame(op: number, batch: Wire.Batch, i: number): void {
    switch (op) {
      case Wire.Call:
      case Wire.CallWith:
        return this.runner.call(
          batch[i + 1] as number,
          this.actors.get(batch[i + 2] as number) ?? this.admitted.get(batch[i + 2] as number)?.actor,
          batch[i + 3] as number,
          batch[i + 4],
          op === Wire.Call ? undefined : batch[i + 5] as Wire.Extras | undefined
        )
      case Wire.Interrupt:
        return this.runner.interrupt(batch[i + 1] as number)
      case Wire.Credit:
        return this.runner.credit(batch[i + 1] as number, batch[i + 2] as number)
      case Wire.Spawn:
        return this.spawn(batch[i + 1] as number, batch[i + 2] as string, batch[i + 3])
      case Wire.Start:
        return void this.start(batch[i + 1] as number, Behaviour.find(this.behaviours, batch[i + 2] as string)!)
      case Wire.Close:
        return this.close(
          batch[i + 1] as number,
          batch[i + 2] as boolean | typeof Wire.killed,
          Codec.decodeExit(batch[i + 3] as Wire.EncodedExit)
        )
      case Wire.Vote:
        return this.vote(batch[i + 1] as number, Codec.decodeExit(batch[i + 2] as Wire.EncodedExit))
      case Wire.Cancel:
        return this.exports.interrupt(batch[i + 1] as number)
      case Wire.Release:
        return this.letGo(batch[i + 1] as number)
      case Wire.Share:
        return this.exports.share(batch[i + 1] as number, batch[i + 2] as number)
      case Wire.Introduce:
        return this.ends.mesh?.introduce(batch[i + 1] as number, batch[i + 2], batch[i + 3] as number)
      case Wire.Admit:
        return this.ends.mesh?.admit(
          batch[i + 1] as number,
          batch[i + 2] as number,
          this.actors.get(batch[i + 3] as number)
        )
      case Wire.Seek:
        return this.exports.seek(batch[i + 1] as number)
      case Wire.Stuck:
        return this.ends.neighbour?.across(batch[i + 1] as number)?.stuck(batch[i + 2] as string)
      case Wire.Pass:
        return this.ends.mesh?.pass(batch[i + 1] as number, batch[i + 2] as number, batch[i + 3] as number)
      case Wire.Unpass:
        return this.ends.mesh?.unpass(batch[i + 1] as number, batch[i + 2] as number)
      case Wire.Recall:
        return this.ends.mesh?.recall(
          batch[i + 1] as number,
          batch[i + 2] as number,
          batch[i + 3] as number,
          batch[i + 4] as number
        )
      case Wire.Gone: {
        const [channel, reason, message] = batch.slice(i + 1) as [number, LinkEnd["reason"], string]
        return this.ends.mesh?.gone(channel, { reason, message }, () => this.runner.outbox.push2(Wire.Left, channel))
      }
      case Wire.Ping:
        return this.runner.outbox.push1(Wire.Pong)
      case Wire.End:
        return this.end()
    }
  }

  // ---- objects ----

  /** Serves an object to one holder of its handle, under a number of its own. */
  serve(id: number, object: Served, owner: LocalActor | undefined): void {
    const { isRelay, kind, methods } = object
    // its handlers log and trace as the actor, or the program, does that it belongs to
    const context = Context.merge(owner?.behaviour.context ?? this.behaviours, object.context)
    const session = new LocalActor(
      id,
      {
        definition: { name: object.owner?.name ?? kind, methods, args: Codec.none, error: Codec.none },
        build: () => Effect.die("an object is not built"),
        handlers: undefined,
        context,
        concurrency: Infinity,
        mailboxCapacity: Infinity,
        suspends: true,
        supervision: undefined,
        onExit: undefined
      },
      Context.add(context, Scheduler.Scheduler, this.scheduler),
      owner
    )
    const handlers = object.open(session.scope)
    session.handlers = methods.map((method) => handlers[method.tag]!)
    session.isRelay = isRelay
    session.state = "Running"
    this.actors.set(id, session)
    if (owner === undefined) return
    owner.own(session, this)
    // what is handed out by an actor that is ending ends at once
    if (owner.state === "Closing") this.stop(session)
  }

  hurry(object: LocalActor): void {
    this.runner.hurry(object)
  }

  stop(object: LocalActor): void {
    this.close(object.id, false, Exit.void)
  }

  /** The holder of an object has let go. */
  release(id: number): void {
    const session = this.actors.get(id)
    if (session === undefined) return
    this.hurry(session)
    session.isReleased = true
    this.stop(session)
  }

  // ---- actors of another link ----

  /** Has an actor take calls on this link too, until it ends or the other end lets go, and says so. */
  admit(id: number, actor: LocalActor | undefined): void {
    if (actor === undefined || actor.state !== "Running") return this.runner.outbox.push3(Wire.Closed, id, undefined)
    const end = (): void => {
      this.admitted.delete(id)
      this.runner.outbox.push3(Wire.Closed, id, undefined)
    }
    const admission: Admission = { actor, place: -1, end }
    this.admitted.set(id, admission)
    const admissions = actor.admissions ??= new Places()
    admissions.add(admission)
    this.runner.outbox.push2(Wire.Served, id)
  }

  // the other end has taken back already what is under way
  private leave(id: number): boolean {
    const admission = this.admitted.delete(id)
    admission?.actor.admissions?.delete(admission)
    return admission !== undefined
  }

  /** The other end has let go of what it has under a number. */
  letGo(id: number): void {
    if (!this.leave(id)) this.exports.release(id)
  }

  // ---- life cycle ----

  private spawn(id: number, name: string, wire: unknown): void {
    const behaviour = Behaviour.find(this.behaviours, name)
    if (behaviour === undefined) {
      this.runner.outbox.push4(Wire.Spawned, id, Wire.SpawnNotServed, Behaviour.names(this.behaviours))
      return
    }
    const { args, error, methods } = behaviour.definition
    if (behaviour.handlers !== undefined && !args.handles && Codec.isSuccess(args.decode(wire))) {
      return this.announce(this.start(id, behaviour))
    }
    const actor = this.open(id, behaviour)
    const build = Effect.flatMap(
      Effect.catchCause(
        args.handles ? Handles.decode(this.importing(actor), args, wire) : args.decode(wire),
        (cause) => Effect.die(new Undecodable(Codec.issueText(cause)))
      ),
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
        this.announce(actor)
      } else {
        actor.state = "Closing"
        this.releaseScope(actor, exit, (cause) => {
          this.actors.delete(id)
          const all = cause === undefined ? exit.cause : Cause.combine(exit.cause, cause)
          const failure = all.reasons.length === 1 ? all.reasons[0]! : undefined
          const defect = failure?._tag === "Die" ? failure.defect : undefined
          const spawned = (status: number, value: unknown): void => {
            this.runner.outbox.isolate(value)
            this.runner.outbox.push4(Wire.Spawned, id, status, value)
          }
          const failed = (text: string): void =>
            spawned(Wire.SpawnDied, unencodable(`the start error of ${name}`, text))
          if (Undecodable.is(defect)) {
            spawned(Wire.SpawnArgsInvalid, defect.text)
          } else if (failure?._tag === "Fail") {
            Codec.whenEncoded(
              error.encode(failure.error),
              actor.context,
              (value) => spawned(Wire.SpawnFailed, value),
              failed
            )
          } else {
            Codec.whenEncoded(
              Effect.forEach(all.reasons.filter(Cause.isFailReason), (reason) => error.encode(reason.error)),
              actor.context,
              (values) => {
                const errors = Array.from(values as ReadonlyArray<unknown>)
                spawned(Wire.SpawnDied, Codec.encodeCause(all, () => errors.shift(), Codec.encodeDefect))
              },
              failed
            )
          }
          this.ending?.()
        })
      }
    })
  }

  private open(id: number, behaviour: Behaviour.Behaviour): LocalActor {
    const actor = new LocalActor(id, behaviour, this.kindOf(behaviour).services)
    this.actors.set(id, actor)
    return actor
  }

  // nothing is to be built
  private start(id: number, behaviour: Behaviour.Behaviour): LocalActor {
    const actor = this.open(id, behaviour)
    actor.handlers = this.kindOf(behaviour).handlers!
    actor.state = "Running"
    return actor
  }

  // what the actors of a behaviour share
  private kindOf(behaviour: Behaviour.Behaviour): Kind {
    let kind = this.kinds.get(behaviour)
    if (kind === undefined) {
      const { definition: { methods }, handlers } = behaviour
      const services = Context.add(behaviour.context, Scheduler.Scheduler, this.scheduler)
      kind = {
        // flat, because each call adds to it, and a context to which much has been added is copied with each addition
        services: Context.makeUnsafe(new Map(services.mapUnsafe)),
        handlers: handlers === undefined ? undefined : methods.map((method) => handlers[method.tag]!)
      }
      this.kinds.set(behaviour, kind)
    }
    return kind
  }

  private announce(actor: LocalActor): void {
    this.runner.outbox.push4(Wire.Spawned, actor.id, Wire.SpawnOk, this.info(actor.behaviour))
  }

  private importing(actor: LocalActor): Handles.Importing {
    return { ends: this.ends, owner: caller, receiver: actor, context: actor.context, scope: actor.scope }
  }

  private info(behaviour: Behaviour.Behaviour): Wire.MailboxInfo | undefined {
    const { methods, name } = behaviour.definition
    if (this.announcedInfos.has(name)) return undefined
    this.announcedInfos.add(name)
    return {
      methods: methods.map((method) => method.signature),
      capacity: behaviour.mailboxCapacity === Infinity ? -1 : behaviour.mailboxCapacity,
      concurrency: behaviour.concurrency === Infinity ? -1 : behaviour.concurrency,
      suspends: behaviour.suspends,
      ready: behaviour.handlers !== undefined && behaviour.definition.args === Codec.none,
      supervision: behaviour.supervision
    }
  }

  // L4: take no more calls; finish or interrupt what runs; run finalizers
  private close(id: number, how: boolean | typeof Wire.killed, exit: Exit.Exit<void, unknown>): void {
    const actor = this.actors.get(id)
    if (actor === undefined) return this.runner.outbox.push3(Wire.Closed, id, undefined)
    const drain = how === true
    if (how === Wire.killed) actor.killed = how
    if (actor.state === "Closing") return
    // what its objects have accepted is finished as well, as far as it does not wait for something
    if (drain) actor.objects?.values().forEach((object) => object.host!.hurry(object))
    if (drain && actor.state === "Running" && !actor.isIdle) {
      actor.state = "Draining"
      actor.onIdle = () => {
        if (actor.isIdle) this.shut(actor, exit)
      }
      return
    }
    this.shut(actor, exit)
  }

  private shut(actor: LocalActor, exit: Exit.Exit<void, unknown>): void {
    actor.state = "Closing"
    const finish = (): void => {
      if (!isEmpty(actor.calls) || !isEmpty(actor.objects) || actor.building !== undefined) return
      actor.onIdle = undefined
      this.exports.end(actor)
      this.ends.mesh?.end(actor)
      actor.admissions?.drain().forEach((admission) => admission.end())
      this.releaseScope(actor, exit, (cause) => {
        this.actors.delete(actor.id)
        if (actor.id < 0) this.exports.closed(actor.id)
        // a holder that has let go knows
        if (!actor.isReleased) {
          this.runner.outbox.push3(
            Wire.Closed,
            actor.id,
            cause === undefined ? undefined : Codec.encodeCause(cause, Codec.encodeDefect, Codec.encodeDefect)
          )
        }
        actor.owner?.objects?.delete(actor)
        actor.owner?.onIdle?.()
        this.ending?.()
      })
    }
    actor.onIdle = finish
    for (const call of actor.mailbox.drain()) call.runner.dismiss(call, Wire.FailureStopped)
    actor.objects?.values().forEach((object) => object.host!.stop(object))
    actor.building?.interruptUnsafe()
    actor.calls?.values().forEach((call) => call.fiber?.interruptUnsafe())
    if (actor.onIdle === finish) finish()
  }

  private releaseScope(
    actor: LocalActor,
    exit: Exit.Exit<unknown, unknown>,
    done: (cause: Cause.Cause<never> | undefined) => void
  ): void {
    const closing = Scope.closeUnsafe(actor.scope, exit)
    if (closing === undefined) return done(undefined)
    Effect.runForkWith(actor.context)(closing).addObserver((closed) =>
      done(Exit.isSuccess(closed) ? undefined : closed.cause)
    )
  }

  private vote(id: number, exit: Exit.Exit<void, unknown>): void {
    const actor = this.actors.get(id)
    const onExit = actor?.behaviour.onExit
    if (actor === undefined || onExit === undefined) return this.runner.outbox.push3(Wire.Voted, id, false)
    Effect.runForkWith(actor.context)(Effect.suspend(() => onExit(exit))).addObserver((vote) =>
      this.runner.outbox.push3(
        Wire.Voted,
        id,
        // nothing but the types keeps an untyped behaviour from answering something else
        Exit.isSuccess(vote)
          ? (vote.value as unknown) === true
          : Codec.encodeCause(vote.cause, Codec.encodeDefect, Codec.encodeDefect)
      )
    )
  }

  /** Nobody is at the other end any more: nothing is served any more, and what is under way is taken back. */
  abandon(onLeft: () => void): void {
    for (const [id] of this.admitted.entries()) this.leave(id)
    this.end(() => undefined)
    this.runner.abandon(onLeft)
  }

  /** Ends every actor that is left, and calls back once they are gone. */
  end(onEnded: () => void = () => {
    this.runner.outbox.push1(Wire.Ended)
    this.runner.outbox.flush()
  }): void {
    this.ending = () => {
      if (this.actors.size > 0) return
      this.ending = undefined
      this.onEnd(onEnded)
    }
    for (const actor of this.actors.values()) {
      if (actor.state !== "Closing") this.shut(actor, Exit.interrupt())
    }
    this.ending?.()
  }

  /** replaced by the worker entry, which releases its layer before it answers */
  onEnd: (answer: () => void) => void = (answer) => answer()
}
