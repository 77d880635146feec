/**
 * An actor of a system, as its owner sees it: the transitions between the states of its life (childState.ts).
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { constVoid } from "effect/Function"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { type ActorExited, SpawnError } from "../../ActorError.ts"
import type { Definition } from "../actor/definition.ts"
import { Budget, type End as EndKind, type Plan, restartsAfter } from "../actor/restartPlan.ts"
import * as ScopeFinalizers from "../effect/scopeFinalizers.ts"
import * as Events from "../monitor/events.ts"
import type { ObservedActor, Restarts } from "../monitor/systems.ts"
import type { SystemSpans } from "../observe/systemSpans.ts"
import type { ActorProxy } from "../proxy/actorProxy.ts"
import type { ActorFacts, ActorHandle } from "../proxy/clientObject.ts"
import type { ActorOwner, End, Incarnation, SpawnAnswer } from "../proxy/proxyState.ts"
import * as Watching from "../proxy/watching.ts"
import { Deadlines } from "../runtime/deadlines.ts"
import { messageOf } from "../runtime/describe.ts"
import { performance } from "../runtime/globals.ts"
import { notify } from "../runtime/notify.ts"
import { ExitLatch } from "../runtime/waiters.ts"
import type { LinkEnd } from "../wire/link.ts"
import type { Log } from "../workers/log.ts"
import type { WorkerConnection } from "../workers/workerConnection.ts"
import { namesOf, type WorkerSet } from "../workers/workerSet.ts"
import {
  building,
  type Closing,
  type Drain,
  type GoneLatch,
  killing,
  type Restarting,
  running,
  type State,
  stateOf
} from "./childState.ts"
import type { Group, Member } from "./group.ts"
import type { Names } from "./names.ts"
import { type ArgsSnapshot, type Build, buildAgain, type EncodedArgs, requestBuild } from "./spawn.ts"
import * as Votes from "./votes.ts"

/** The parts of a system that its actors share. */
export interface ActorServices {
  readonly workers: WorkerSet
  readonly context: Context.Context<never>
  readonly log: Log
  /** the deadlines of the builds in progress */
  readonly builds: Deadlines
  /** the actors between two incarnations */
  readonly restarting: Set<ChildActor>
  /** the named actors */
  readonly names: Names
  /** `undefined`: the system makes no spans */
  readonly spans: SystemSpans | undefined
  /** actors are no longer restarted */
  readonly isClosed: boolean
}

/** An actor, its worker, and its life cycle. */
export class ChildActor implements ActorHandle, ActorOwner, Member, ObservedActor {
  readonly proxy: ActorProxy
  readonly definition: Definition
  /** the worker of the current incarnation */
  worker: WorkerConnection
  /** the wait for the answer to the spawn */
  build: Build | undefined
  /** the number of unfinished items for which the actor was chosen as a member of a pool */
  items = 0
  startedAt: number | undefined
  private readonly services: ActorServices
  private state: State = building
  /** the scope that is to close the actor */
  private scope: Scope.Scope | undefined
  /** the plan by which the actor is restarted, if it is supervised */
  private plan: Plan | undefined
  /** the remaining restarts, if the actor is supervised */
  private budget: Budget | undefined
  /** the group of which the actor is a member; the group's budget counts */
  private group: Group | undefined
  /** the snapshot of the arguments for restarts, if the actor is supervised */
  private argsSnapshot: ArgsSnapshot | undefined
  /** the cause of a crash that was reported before the answer to the spawn or to the restart was followed */
  private earlyCrash: Cause.Cause<unknown> | undefined
  /** the current incarnation has closed */
  private hasClosed = false
  /** called with the vote of the actor */
  onVote: ((vote: boolean | Cause.Cause<never>) => void) | undefined

  /** An actor that is to be built, and closes with the scope (L1). */
  constructor(services: ActorServices, definition: Definition, scope: Scope.Scope) {
    this.services = services
    this.definition = definition
    this.scope = scope
    this.worker = services.workers.acquire()
    this.proxy = this.worker.open(definition.name, definition.methods)
    this.proxy.owner = this
    ScopeFinalizers.add(scope, this, (exit) => {
      this.scope = undefined
      return this.close(exit, false)
    })
  }

  // ---- for callers ----

  proxyFor(): ActorProxy {
    return this.proxy
  }

  /** Whether the actor takes calls now. It takes none while its worker ends. */
  get isAlive(): boolean {
    return this.proxy.isAvailable && !this.worker.ending
  }

  /** Whether this incarnation or a later one takes calls. */
  get hasFuture(): boolean {
    return !this.proxy.closing && this.state !== killing
  }

  /** Whether the actor is restarted when its worker ends. */
  get isSupervised(): boolean {
    return this.plan !== undefined
  }

  /** Whether a spawn or a restart waits for the answer of the worker. A close ends the wait. */
  get awaitsBuild(): boolean {
    return this.build !== undefined && this.state._tag !== "Closing"
  }

  get handle(): ActorHandle {
    return this
  }

  get address(): string {
    return this.proxy.address
  }

  get id(): string {
    return this.proxy.actorId!
  }

  get facts(): ActorFacts {
    const { definition: { name }, proxy: { exit, incarnation, paused }, state } = this
    const now = exit !== undefined ? "Ended" : paused === "leaving" && state === running ? "Restarting" : stateOf(state)
    return { name, state: now, incarnation: incarnation.number }
  }

  get awaitExit(): Effect.Effect<Exit.Exit<void, ActorExited>> {
    return Watching.awaitExit(this.proxy)
  }

  get incarnations(): Stream.Stream<Incarnation> {
    return Watching.incarnations(this.proxy)
  }

  get ends(): Stream.Stream<End> {
    return Watching.ends(this.proxy)
  }

  // ---- building ----

  /** Has the actor built in its worker; `done` is called with the outcome. Returns the wait for the answer. */
  requestBuild(encoded: EncodedArgs, done: Build["done"]): Build {
    return requestBuild(this, this.services.builds, encoded, done)
  }

  /** Starts an actor without a build step. Returns `false` if the worker has not reported yet that there is none. */
  start(): boolean {
    return this.worker.client.actors.start(this.proxy)
  }

  /** The worker has answered the spawn. */
  answered(answer: SpawnAnswer): void {
    this.build?.answered(answer)
  }

  /**
   * The actor has been built for the first time. `plan`: the actor is restarted by this plan, from the snapshot of its arguments, as a
   * member of the group if there is one.
   */
  run(plan: Plan | undefined, snapshot: ArgsSnapshot | undefined, group: Group | undefined): void {
    if (this.state !== building) return snapshot?.release?.()
    this.state = running
    this.startedAt = performance.now()
    Events.ofActor(this, () => ({ _tag: "ActorSpawned", worker: this.worker.id }))
    this.plan = plan
    this.group = group
    this.budget = plan && (group?.budget ?? new Budget(plan))
    this.argsSnapshot = snapshot
    group?.add(this)
    // the actor has ended or crashed meanwhile
    if (this.proxy.exit !== undefined) this.ended()
    else if (this.earlyCrash !== undefined) this.crashed(this.earlyCrash)
  }

  /** The spawn has failed, or has been interrupted: closes the actor, and completes when it is gone (L1). */
  abandon(exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.detachScope()
      if (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)) {
        Events.ofActor(this, () => {
          const error = Cause.squash(exit.cause)
          const reason = error instanceof SpawnError
            ? error.reason
            : Cause.hasFails(exit.cause)
            ? "StartError"
            : "Defect"
          return { _tag: "SpawnFailed", reason, message: messageOf(error) }
        })
      }
      return this.close(exit, false)
    })
  }

  // ---- ends of incarnations ----

  /** The worker has ended: the actor is restarted, or has ended, too. */
  workerEnded(end: LinkEnd): void {
    const { proxy, state } = this
    this.voted(false)
    const previous = proxy.exited(end.reason, "Unknown", `${proxy.address} ended: ${end.message}`)
    const isRestarted = state === running && end.reason !== "Stopped" && this.restart(previous, "death")
    if (state._tag !== "Restarting" && !isRestarted) proxy.endWith(end)
    this.incarnationLost(end.message)
  }

  /** The actor has crashed by itself, and closes: it is restarted, or has ended. */
  crashed(cause: Cause.Cause<unknown>): void {
    const { proxy, services: { log }, state } = this
    this.voted(false)
    const message = `${proxy.address} crashed: ${messageOf(Cause.squash(cause))}`
    const previous = proxy.exited("Crashed", "Unknown", message)
    const report = (): void =>
      log(
        Effect.logError(`${proxy.address} crashed`, cause),
        { actor: namesOf([proxy]), reason: previous.reason },
        cause
      )
    // an incarnation that closes already
    if (state._tag === "Restarting" && proxy.paused === "leaving") return report()
    if (state !== running) {
      // the answer to the spawn or to the restart has arrived, and is followed in a moment
      if (state === building || state._tag === "Restarting") this.earlyCrash = cause
      if (state === building) proxy.leaveIncarnation(previous)
      return
    }
    this.earlyCrash = undefined
    report()
    if (!this.restart(previous, "crash")) proxy.end(Exit.fail(proxy.exited("Crashed", "NotRun", message)))
  }

  /** The actor has closed; `failure`: the failure of its finalizers. */
  closed(failure: Cause.Cause<never> | undefined): void {
    const { services: { workers }, state, worker } = this
    this.voted(false)
    this.hasClosed = true
    this.incarnationLost(`${this.address} was closed before it was built`)
    if (state._tag !== "Closing" || !state.isAsked) return
    state.isAsked = false
    state.failure = failure
    if (!workers.areDedicated) this.completeClose(state)
    else if (state.drains && !worker.ended) this.stopDrain(state)
  }

  // no answer of this incarnation follows
  private incarnationLost(why: string): void {
    const { state } = this
    this.build?.answered({ _tag: "Lost", why })
    if (state._tag === "Restarting") state.onClosed?.()
  }

  /** The proxy has ended: an actor that ends before its scope removes its finalizer from the scope. */
  ended(): void {
    if (this.state === building) return
    if (this.startedAt !== undefined) {
      Events.ofActor(this, () => {
        const { message, reason } = this.proxy.ended ?? { message: `${this.address} was stopped`, reason: "Stopped" }
        return { _tag: "ActorEnded", reason, message }
      })
    }
    this.group?.remove(this)
    this.argsSnapshot?.release?.()
    if (this.detachScope() && this.state._tag !== "Closing" && this.state._tag !== "Gone") this.closeNow(Exit.void)
  }

  // the scope no longer closes the actor; `false` if the scope has started to close it
  private detachScope(): boolean {
    const { scope } = this
    if (scope === undefined) return false
    this.scope = undefined
    ScopeFinalizers.remove(scope, this)
    return true
  }

  // ---- restarts ----

  // Starts a restart, if the policy has one left after this end (F3, F4); `undefined`: a restart has failed. `previous`: the end of the last
  // incarnation that was built.
  private restart(previous: ActorExited, end: EndKind | undefined): boolean {
    const { budget, group, plan, proxy, services: { context, isClosed, log }, state } = this
    if (isClosed || budget === undefined || end !== undefined && !restartsAfter(plan!.restart, end)) return false
    const isCoordinated = group?.isCoordinated === true
    const delay = isCoordinated
      ? group.restart(this, previous) ? 0 : undefined
      : budget.next(performance.now(), end !== undefined)
    if (delay === undefined) {
      const message = `${proxy.address} is given up after ${budget.text}`
      log(Effect.logWarning(message), {}, Cause.fail(proxy.exited(previous.reason, "NotRun", message)))
      Events.ofActor(this, () => ({ _tag: "ActorGivenUp", message }))
      if (end !== undefined) group?.giveUp(proxy.exited(previous.reason, "NotRun", previous.message))
      return false
    }
    const next = state._tag === "Restarting" ? state : this.beginRestart(previous, end === "stop", delay)
    const leaves = end === "crash" || end === "stop"
    if (leaves) proxy.leaveIncarnation(previous)
    else proxy.pause("restarting")
    // the group does the rest
    if (isCoordinated) return true
    const fiber = next.fiber = Effect.runForkWith(context)(
      (leaves ? this.leaveWorker(next) : Effect.void).pipe(
        Effect.andThen(Effect.sleep(delay)),
        Effect.andThen(Effect.suspend(() => this.buildNext(next))),
        Effect.map((why) => {
          if (why === undefined || this.state !== next || this.restart(previous, undefined)) return
          this.giveUp(why)
        })
      )
    )
    fiber.addObserver((exit) => {
      if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return
      log(Effect.logError(`${proxy.address} is given up: its restart died`, exit.cause), {}, exit.cause)
      const why = messageOf(Cause.squash(exit.cause))
      this.endFailed(next, previous.reason, `${previous.message}; its restart died: ${why}`)
    })
    return true
  }

  private beginRestart(previous: ActorExited, drains: boolean, delayMillis = 0): Restarting {
    this.services.restarting.add(this)
    this.proxy.incarnationEnded(previous)
    const { message, reason } = previous
    Events.ofActor(this, () => {
      const attempt = this.restarts?.used ?? 0
      return { _tag: "ActorRestarting", worker: this.worker.id, attempt, delayMillis, reason, message }
    })
    return this.state = {
      _tag: "Restarting",
      previous,
      drains,
      fiber: undefined,
      onClosed: undefined,
      close: undefined,
      span: this.services.spans?.beginRoot("uactor.restart", {
        ...this.attributes,
        "uactor.actor.incarnation": this.proxy.incarnation.number + 1,
        "uactor.exit.reason": reason
      })
    }
  }

  /** the attributes of the spans of this actor */
  get attributes(): Readonly<Record<string, unknown>> {
    const { definition: { name }, id, worker } = this
    return { "uactor.actor.name": name, "uactor.actor.id": id, "uactor.worker.id": worker.id }
  }

  // waits until an incarnation has closed, and ends its worker if that belongs to the actor alone
  private leaveWorker(state: Restarting): Effect.Effect<void> {
    const { proxy, services: { workers }, worker } = this
    return Effect.flatMap(this.awaitClosed(state, !state.drains), () => {
      proxy.pause("restarting")
      return workers.areDedicated && !worker.ended ? workers.end(worker) : Effect.void
    })
  }

  // waits until an incarnation has closed; `isBounded`: kills its worker if that takes too long
  private awaitClosed(state: Restarting, isBounded = true): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const { proxy, services: { workers }, worker } = this
      if (this.hasClosed || worker.ended) return resume(Effect.void)
      const deadline = isBounded ? workers.killUnlessClosed(worker, proxy) : undefined
      const stop = (): void => {
        state.onClosed = undefined
        workers.endings.delete(deadline)
      }
      state.onClosed = () => {
        stop()
        notify(resume, Effect.void)
      }
      return Effect.sync(stop)
    })
  }

  // builds the next incarnation; returns why that has failed, if it has
  private buildNext(state: Restarting): Effect.Effect<string | undefined> {
    const { proxy, services: { log, workers } } = this
    const { previous } = state
    return Effect.gen({ self: this }, function*() {
      const worker = this.worker = workers.acquire()
      this.hasClosed = false
      worker.adopt(proxy)
      const exit = yield* Effect.exit(buildAgain(this, this.services.builds, this.argsSnapshot!))
      // a close interrupts this fiber, which may have been resumed already
      if (this.state !== state) return undefined
      if (Exit.isSuccess(exit)) {
        state.span?.attribute("uactor.worker.id", worker.id)
        this.endRestart(state, Exit.void)
        // a close that waits for this incarnation is still in the state while the watchers are notified
        if (state.close === undefined) this.state = running
        if (this.earlyCrash === undefined) proxy.reopened(previous)
        else if (state.close === undefined) this.crashed(this.earlyCrash)
        this.proceed(state)
        Events.ofActor(
          this,
          () => ({ _tag: "ActorRestarted", worker: worker.id, incarnation: proxy.incarnation.number })
        )
        return undefined
      }
      const why = messageOf(Cause.squash(exit.cause))
      this.services.spans?.event(state.span, "uactor.restart.failed", { message: why })
      // the end of a worker has been reported already
      if (!worker.ended) log(Effect.logWarning(`${proxy.address} could not be built again: ${why}`))
      if (workers.areDedicated) {
        worker.remove(proxy)
        yield* workers.end(worker)
      } else yield* this.closeIncarnation(state)
      return why
    })
  }

  // closes an incarnation that could not be built on a shared worker
  private closeIncarnation(state: Restarting): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { proxy, worker } = this
      if (!worker.ended) worker.client.actors.close(proxy, "now", Exit.void, this.definition)
      return this.awaitClosed(state)
    })
  }

  // ---- restarts by the group ----

  leave(why: string): Effect.Effect<void> {
    return this.leaveIncarnation("with its group", why)
  }

  private leaveIncarnation(by: string, why: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { definition, plan, proxy, state, worker } = this
      if (state._tag === "Restarting") return this.step(state, this.leaveWorker(state))
      if (state !== running) return Effect.void
      // an actor that is never restarted ends with those with which it would have been restarted
      if (plan === undefined) return Effect.ignore(this.stop(false, `its group restarts: ${why}`), { log: "Warn" })
      const previous = proxy.exited("Restarted", "Unknown", `${proxy.address} is restarted ${by}: ${why}`)
      const next = this.beginRestart(previous, false)
      proxy.leaveIncarnation(previous)
      worker.client.actors.close(proxy, "restart", Exit.interrupt(), definition)
      return this.step(next, this.leaveWorker(next))
    })
  }

  get rebuild(): Effect.Effect<string | undefined> {
    return Effect.suspend(() => {
      const { state } = this
      return state._tag === "Restarting" ? this.step(state, this.buildNext(state)) : Effect.undefined
    })
  }

  // ---- for observers ----

  get restarts(): Restarts | undefined {
    return this.budget?.usage(performance.now())
  }

  get restartNow(): Effect.Effect<string | undefined> {
    return Effect.suspend(() => {
      const { plan, proxy, services: { isClosed }, state } = this
      if (plan === undefined) return Effect.succeed(`${proxy.address} is not supervised: its arguments are not kept`)
      if (state !== running || isClosed) return Effect.succeed(`${proxy.address} does not run`)
      const restart = Effect.gen({ self: this }, function*() {
        yield* this.leaveIncarnation("by an observer", "the program has asked for it")
        const why = yield* this.rebuild
        if (why !== undefined) this.giveUp(why)
        return why
      })
      // the restart goes on if the observer is interrupted
      return Fiber.join(Effect.runForkWith(this.services.context)(restart))
    })
  }

  cancelBuild(why: string): void {
    this.build?.answered({ _tag: "Lost", why })
  }

  // runs a step of a restart in a fiber, which a close of the actor interrupts; returns why the step has died, if it has
  private step<A>(state: Restarting, effect: Effect.Effect<A>): Effect.Effect<A | string | undefined> {
    return Effect.suspend(() => {
      if (this.state !== state || this.proxy.exit !== undefined) return Effect.undefined
      const fiber = state.fiber = Effect.runForkWith(this.services.context)(effect)
      return Effect.map(Fiber.await(fiber), (exit) => {
        if (Exit.isSuccess(exit)) return exit.value
        return Cause.hasInterruptsOnly(exit.cause) ? undefined : messageOf(Cause.squash(exit.cause))
      })
    })
  }

  /** No other incarnation follows: the last restart has failed. */
  giveUp(why: string): void {
    const { group, state } = this
    if (state._tag !== "Restarting") return
    const { message, reason } = state.previous
    group?.giveUp(this.proxy.exited(reason, "NotRun", `${message}; the last restart failed: ${why}`))
    this.endFailed(state, reason, `${message}; the last restart failed: ${why}`)
  }

  // no other incarnation follows
  private endFailed(state: Restarting, reason: ActorExited["reason"], message: string): void {
    if (this.state !== state) return
    const { proxy } = this
    const exit = Exit.fail(proxy.exited(reason, "NotRun", message))
    this.endRestart(state, exit)
    proxy.end(exit)
    this.proceed(state)
  }

  // `exit`: how the restart has ended
  private endRestart(state: Restarting, exit: Exit.Exit<void, ActorExited>): void {
    const { restarting, spans } = this.services
    restarting.delete(this)
    state.fiber = undefined
    spans?.end(state.span, exit)
  }

  /** The system has closed: an actor between two incarnations has ended. */
  systemClosed(): void {
    const { state } = this
    if (state._tag !== "Restarting") return
    state.fiber?.interruptUnsafe()
    this.endRestart(state, Exit.interrupt())
    this.proxy.end(Exit.void)
    this.proceed(state)
  }

  // ---- closing ----

  stop(drain: Drain, because?: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (!this.proxy.closing) this.proxy.stoppedBecause = because
      return this.close(Exit.void, drain)
    })
  }

  /** The actor of the same system with a name, for this actor. */
  named(definition: string, name: string): Effect.Effect<ActorHandle> {
    return this.services.names.find(definition, name)
  }

  /**
   * Stops the actor, which has asked for that itself: after its accepted calls, or at once while it is being built. Its policy may restart it
   * afterwards if it has been built. Only the log reports a finalizer that fails.
   */
  stopByItself(): void {
    const { definition, proxy, services: { context }, worker } = this
    const { address } = proxy
    // this incarnation closes already
    if (proxy.paused === "leaving") return
    if (
      this.state === running && this.restart(proxy.exited("Stopped", "Unknown", `${address} stopped itself`), "stop")
    ) {
      return worker.client.actors.close(proxy, "drain", Exit.void, definition)
    }
    const { state } = this
    const stop = this.stop(state === running)
    Effect.runForkWith(context)(
      Effect.catchCause(stop, (cause) => Effect.logWarning(`${address} failed to close`, cause))
    )
    if (state === building) this.build?.answered({ _tag: "Lost", why: `${address} stopped itself before it was built` })
  }

  /**
   * Ends the actor, and its worker if the worker belongs to the actor alone; completes when both are gone (L4). A close joins the
   * close that is in progress; a close without drain ends the drain.
   */
  close(exit: Exit.Exit<unknown, unknown>, drain: Drain): Effect.Effect<void> {
    return Effect.suspend(() => (drain === false ? this.closeNow(exit) : this.closeDrained(exit, drain)).await)
  }

  private closeNow(exit: Exit.Exit<unknown, unknown>): GoneLatch {
    const { state } = this
    switch (state._tag) {
      case "Gone":
        break
      case "Closing":
        if (state.drains) this.stopDrain(state)
        break
      case "Restarting":
        if (state.close === undefined) return this.beginClose(exit, false)
        this.proceed(state, false)
        return this.closeNow(exit)
      default:
        return this.beginClose(exit, false)
    }
    return state.gone
  }

  private closeDrained(exit: Exit.Exit<unknown, unknown>, drain: true | number): GoneLatch {
    const { proxy, state } = this
    switch (state._tag) {
      case "Closing":
      case "Gone":
        return state.gone
      case "Restarting": {
        if (state.close !== undefined) return state.close.gone
        if (!proxy.closeToNew()) return this.beginClose(exit, drain)
        const deadlines = new Deadlines(typeof drain === "number" ? drain : Infinity)
        const deadline = deadlines.start(() => this.proceed(state, false))
        state.close = { exit, drain, since: performance.now(), deadlines, deadline, gone: new ExitLatch() }
        return state.close.gone
      }
      default:
        return this.beginClose(exit, drain)
    }
  }

  // resumes a close that waits for the next incarnation: the incarnation has been built, or none follows, or the drain is over
  private proceed(state: Restarting, drain?: false): void {
    const { close } = state
    if (close === undefined) return
    state.close = undefined
    close.deadlines.delete(close.deadline)
    const left = typeof close.drain === "number" ? close.drain - (performance.now() - close.since) : close.drain
    this.beginClose(close.exit, drain ?? left, close.gone)
  }

  private beginClose(exit: Exit.Exit<unknown, unknown>, drain: Drain, gone: GoneLatch = new ExitLatch()): GoneLatch {
    const { proxy, services: { spans, workers }, state: before } = this
    const closing: Closing = {
      _tag: "Closing",
      exit,
      isKill: before === killing,
      gone,
      drains: drain !== false,
      isAsked: false,
      deadlines: typeof drain === "number" ? new Deadlines(drain) : workers.endings,
      deadline: undefined,
      failure: undefined,
      stopListening: constVoid,
      span: spans?.begin("uactor.close", this.attributes)
    }
    this.state = closing
    if (before._tag === "Restarting") {
      before.fiber?.interruptUnsafe()
      this.endRestart(before, Exit.interrupt())
    }
    const { worker } = this
    if (workers.areDedicated) worker.ending = true
    proxy.close()
    closing.stopListening = worker.whenEnded(() => this.completeClose(closing))
    if (worker.ended) return gone
    // an actor that has ended by itself, or whose restart has failed, has been removed from its worker already
    if (!worker.has(proxy)) {
      if (workers.areDedicated) this.stopDrain(closing)
      else this.completeClose(closing)
      return gone
    }
    closing.isAsked = true
    if (drain === false) this.stopDrain(closing)
    else {
      worker.client.actors.close(proxy, "drain", exit, this.definition)
      if (typeof drain === "number") closing.deadline = closing.deadlines.start(() => this.stopDrain(closing))
    }
    return gone
  }

  // closes the actor now, if the worker still has it, and ends the worker if the worker belongs to the actor alone
  private stopDrain(state: Closing): void {
    const { proxy, services: { workers }, worker } = this
    state.drains = false
    state.deadlines.delete(state.deadline)
    if (worker.has(proxy)) worker.client.actors.close(proxy, state.isKill ? "kill" : "now", state.exit, this.definition)
    if (workers.areDedicated) worker.client.endWorker()
    state.deadlines = workers.endings
    state.deadline = workers.killUnlessClosed(worker, proxy)
  }

  private completeClose(state: Closing): void {
    if (this.state !== state) return
    state.stopListening()
    state.deadlines.delete(state.deadline)
    this.state = { _tag: "Gone", gone: state.gone }
    this.proxy.end(Exit.void)
    const exit = state.failure === undefined ? Exit.void : Exit.failCause(state.failure)
    this.services.spans?.end(state.span, exit)
    state.gone.complete(exit)
  }

  /** Ends the actor without asking it: kills its worker, or, on a shared worker, closes the actor at once. */
  get kill(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { proxy, services: { workers }, state, worker } = this
      const message = `${proxy.address} was killed`
      if (state._tag === "Restarting") {
        state.fiber?.interruptUnsafe()
        this.endFailed(state, "Killed", message)
      }
      if (worker.ended) return Effect.void
      if (!workers.areDedicated) {
        this.detachScope()
        if (this.state === building || this.state === running) this.state = killing
        proxy.end(Exit.fail(proxy.exited("Killed", "NotRun", message)))
        return this.close(Exit.interrupt(), false)
      }
      if (this.state === building || this.state === running) this.state = killing
      return Effect.callback((resume) => {
        const stopListening = worker.whenEnded(() => resume(Effect.void))
        worker.kill({ reason: "Killed", message })
        return Effect.sync(stopListening)
      })
    })
  }

  // ---- votes ----

  /** Asks the actor's `onExit` how its scope is to end (L5). */
  vote(exit: Exit.Exit<unknown, unknown>): Effect.Effect<boolean> {
    return Votes.ask(this, this.services, exit)
  }

  /** The actor has voted, or can no longer vote. */
  voted(vote: boolean | Cause.Cause<never>): void {
    if (this.onVote !== undefined) notify(this.onVote, vote)
  }
}
