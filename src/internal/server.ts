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
import * as Behaviour from "./behaviour.ts"
import * as Codec from "./codec.ts"
import type { Link } from "./link.ts"
import { LocalActor, Undecodable } from "./localActor.ts"
import { Inbox } from "./outbox.ts"
import { Runner, unencodable } from "./runner.ts"
import * as Wire from "./wire.ts"

/** Serves the actors of one link. */
export class Server {
  readonly runner: Runner
  private readonly behaviours: Context.Context<never>
  private readonly inbox = new Inbox()
  private readonly actors = new Map<number, LocalActor>()
  private readonly announcedInfos = new Set<string>()
  private readonly scheduler: Scheduler.Scheduler
  private ending: (() => void) | undefined

  constructor(link: Link, behaviours: Context.Context<never>) {
    this.behaviours = behaviours
    this.runner = new Runner(link)
    // one dispatcher for all handler fibers, so that what they answer in one turn leaves as one message
    const scheduler = new Scheduler.MixedScheduler()
    const dispatcher = scheduler.makeDispatcher()
    this.scheduler = {
      executionMode: scheduler.executionMode,
      shouldYield: (fiber) => scheduler.shouldYield(fiber),
      makeDispatcher: () => dispatcher
    }
  }

  /** Reads a batch from the callers' side; everything it leads to at once is answered in one batch. */
  onBatch(batch: Wire.Batch): void {
    const { outbox } = this.runner
    const order = this.inbox.check(batch)
    if (order === "repeated") return
    if (order === "early") {
      outbox.push2(Wire.Broken, "a message to it was lost")
      return
    }
    this.runner.read(() => {
      for (let i = 1; i < batch.length;) {
        const op = batch[i] as number
        switch (op) {
          case Wire.Call:
            this.runner.call(
              batch[i + 1] as number,
              this.actors.get(batch[i + 2] as number),
              batch[i + 3] as number,
              batch[i + 4],
              undefined
            )
            break
          case Wire.CallWith:
            this.runner.call(
              batch[i + 1] as number,
              this.actors.get(batch[i + 2] as number),
              batch[i + 3] as number,
              batch[i + 4],
              batch[i + 5] as Wire.Extras | undefined
            )
            break
          case Wire.Interrupt:
            this.runner.interrupt(batch[i + 1] as number)
            break
          case Wire.Credit:
            this.runner.credit(batch[i + 1] as number, batch[i + 2] as number)
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
          case Wire.Cancel:
            this.runner.exports.interrupt(batch[i + 1] as number)
            break
          case Wire.Release:
            this.runner.exports.release(batch[i + 1] as number)
            break
          case Wire.Ping:
            outbox.push1(Wire.Pong)
            break
          case Wire.End:
            this.end()
            break
        }
        i += Wire.sizes[op]!
      }
    })
  }

  // ---- life cycle ----

  private spawn(id: number, name: string, wire: unknown): void {
    const behaviour = Behaviour.find(this.behaviours, name)
    if (behaviour === undefined) {
      this.runner.outbox.push4(Wire.Spawned, id, Wire.SpawnNotServed, Behaviour.names(this.behaviours))
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
        this.runner.outbox.push4(Wire.Spawned, id, Wire.SpawnOk, this.info(behaviour))
      } else {
        actor.state = "Closing"
        this.releaseScope(actor, exit, (cause) => {
          this.actors.delete(id)
          const all = cause === undefined ? exit.cause : Cause.combine(exit.cause, cause)
          const failure = all.reasons.length === 1 ? all.reasons[0]! : undefined
          const defect = failure?._tag === "Die" ? failure.defect : undefined
          if (Undecodable.is(defect)) {
            this.runner.outbox.push4(Wire.Spawned, id, Wire.SpawnArgsInvalid, defect.text)
          } else if (failure?._tag === "Fail") {
            this.runner.whenEncoded(
              error.encode(failure.error),
              actor.context,
              (value) => this.runner.outbox.push4(Wire.Spawned, id, Wire.SpawnFailed, value),
              (text) =>
                this.runner.outbox.push4(
                  Wire.Spawned,
                  id,
                  Wire.SpawnDied,
                  unencodable(`the start error of ${name}`, text)
                )
            )
          } else {
            this.runner.whenEncoded(
              Effect.forEach(all.reasons.filter(Cause.isFailReason), (reason) => error.encode(reason.error)),
              actor.context,
              (values) => {
                const errors = Array.from(values as ReadonlyArray<unknown>)
                const encoded = Codec.encodeCause(all, () => errors.shift(), Codec.encodeDefect)
                this.runner.outbox.push4(Wire.Spawned, id, Wire.SpawnDied, encoded)
              },
              (text) =>
                this.runner.outbox.push4(
                  Wire.Spawned,
                  id,
                  Wire.SpawnDied,
                  unencodable(`the start error of ${name}`, text)
                )
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
    if (actor === undefined) return this.runner.outbox.push3(Wire.Closed, id, undefined)
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
      this.runner.exports.end(actor)
      this.releaseScope(actor, exit, (cause) => {
        this.actors.delete(actor.id)
        this.runner.outbox.push3(
          Wire.Closed,
          actor.id,
          cause === undefined ? undefined : Codec.encodeCause(cause, Codec.encodeDefect, Codec.encodeDefect)
        )
        this.ending?.()
      })
    }
    actor.onIdle = finish
    for (const call of actor.mailbox.line.drain()) {
      this.runner.forget(call)
      this.runner.outbox.push4(Wire.Failed, call.id, Wire.FailureStopped, undefined)
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
    if (actor === undefined || onExit === undefined) return this.runner.outbox.push3(Wire.Voted, id, false)
    Effect.runForkWith(actor.context)(Effect.suspend(() => onExit(exit))).addObserver((vote) =>
      this.runner.outbox.push3(
        Wire.Voted,
        id,
        Exit.isSuccess(vote) ? vote.value : Codec.encodeCause(vote.cause, Codec.encodeDefect, Codec.encodeDefect)
      )
    )
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
    for (const actor of Array.from(this.actors.values())) {
      if (actor.state !== "Closing") this.shut(actor, Exit.interrupt())
    }
    this.ending?.()
  }

  /** replaced by the worker entry, which releases its layer before it answers */
  onEnd: (answer: () => void) => void = (answer) => answer()
}
