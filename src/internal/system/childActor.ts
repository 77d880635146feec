/**
 * An actor of a system, as its owner sees it: the events of its life, each of which leads from one state to another (childState.ts).
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { type ActorExited, SpawnError } from "../../ActorError.ts"
import type { Definition } from "../actor/definition.ts"
import { Budget, type Plan } from "../actor/restartPlan.ts"
import type { IntrusiveSet, Slotted } from "../collections/intrusiveSet.ts"
import * as ScopeFinalizers from "../effect/scopeFinalizers.ts"
import * as Events from "../monitor/events.ts"
import type { ObservedActor, Restarts } from "../monitor/systems.ts"
import type { SystemSpans } from "../observe/systemSpans.ts"
import type { ActorProxy } from "../proxy/actorProxy.ts"
import type { ActorFacts, ActorHandle } from "../proxy/clientObject.ts"
import type { ActorOwner, ActorState, End, Incarnation, SpawnAnswer } from "../proxy/proxyState.ts"
import * as Watching from "../proxy/watching.ts"
import type { Deadlines } from "../runtime/deadlines.ts"
import { messageOf } from "../runtime/describe.ts"
import { performance } from "../runtime/globals.ts"
import { notify } from "../runtime/notify.ts"
import type { LinkEnd } from "../wire/link.ts"
import type { Log } from "../workers/log.ts"
import type { WorkerConnection } from "../workers/workerConnection.ts"
import { namesOf, type WorkerSet } from "../workers/workerSet.ts"
import { closeDrained, closeNow, completeClose, proceed, stopDrain } from "./childClose.ts"
import { buildNext, endFailed, leaveIncarnation, restart, step } from "./childRestart.ts"
import { building, type Drain, killing, type Restarting, running, type State, stateOf } from "./childState.ts"
import type { Group, Member } from "./group.ts"
import type { Names } from "./names.ts"
import { type ArgsSnapshot, type Build, type EncodedArgs, requestBuild } from "./spawn.ts"
import * as Votes from "./votes.ts"

/** The parts of a system that its actors share. */
export interface ActorServices {
  readonly workers: WorkerSet
  readonly context: Context.Context<never>
  readonly log: Log
  /** the deadlines of the builds in progress */
  readonly builds: Deadlines
  /** the actors that have not ended */
  readonly living: IntrusiveSet<ChildActor>
  /** the actors between two incarnations */
  readonly restarting: Set<ChildActor>
  /** the named actors */
  readonly names: Names
  /** `undefined`: the system makes no spans */
  readonly spans: SystemSpans | undefined
  /** actors are no longer restarted */
  readonly isClosed: boolean
  /** the time; for actors of one turn the same */
  readonly now: number
}

/** An actor, its worker, and its life cycle. */
export class ChildActor implements ActorHandle, ActorOwner, Member, ObservedActor, Slotted {
  readonly proxy: ActorProxy
  readonly definition: Definition
  /** the worker of the current incarnation */
  worker: WorkerConnection
  /** the wait for the answer to the spawn */
  build: Build | undefined
  /** the number of unfinished items for which the actor was chosen as a member of a pool */
  items = 0
  /** the index among the living actors */
  slot = -1
  readonly requestedAt: number
  startedAt: number | undefined
  readonly services: ActorServices
  readonly spawnedBy: string | undefined
  state: State = building
  /** the scope that is to close the actor */
  private scope: Scope.Scope | undefined
  /** the plan by which the actor is restarted, if it is supervised */
  plan: Plan | undefined
  /** the remaining restarts, if the actor is supervised */
  budget: Budget | undefined
  /** the group of which the actor is a member; the group's budget counts */
  group: Group | undefined
  /** the snapshot of the arguments for restarts, if the actor is supervised */
  argsSnapshot: ArgsSnapshot | undefined
  /** the cause of a crash that was reported before the answer to the spawn or to the restart was followed */
  earlyCrash: Cause.Cause<unknown> | undefined
  /** the current incarnation has closed */
  hasClosed = false
  /** called with the vote of the actor */
  onVote: ((vote: boolean | Cause.Cause<never>) => void) | undefined

  /** An actor that is to be built, and closes with the scope (L1). `spawnedBy`: the id of the actor that spawns it. */
  constructor(
    services: ActorServices,
    definition: Definition,
    scope: Scope.Scope,
    spawnedBy: string | undefined
  ) {
    this.services = services
    this.spawnedBy = spawnedBy
    this.requestedAt = services.now
    this.definition = definition
    this.scope = scope
    this.worker = services.workers.acquire()
    this.proxy = this.worker.open(definition.name, definition.methods)
    this.proxy.owner = this
    services.living.add(this)
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

  get name(): string {
    return this.definition.name
  }

  get facts(): ActorFacts {
    const { name, proxy: { life }, status } = this
    return { name, state: status, incarnation: life }
  }

  get status(): ActorState {
    const { proxy: { exit, paused }, state } = this
    return exit !== undefined ? "Ended" : paused === "leaving" && state === running ? "Restarting" : stateOf(state)
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
    this.startedAt = this.services.now
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
    const isRestarted = state === running && end.reason !== "Stopped" && restart(this, previous, "death")
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
    if (!restart(this, previous, "crash")) proxy.end(Exit.fail(proxy.exited("Crashed", "NotRun", message)))
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
    if (!workers.areDedicated) completeClose(this, state)
    else if (state.drains && !worker.ended) stopDrain(this, state)
  }

  // no answer of this incarnation follows
  private incarnationLost(why: string): void {
    const { state } = this
    this.build?.answered({ _tag: "Lost", why })
    if (state._tag === "Restarting") state.onClosed?.()
  }

  /** The proxy has ended: an actor that ends before its scope removes its finalizer from the scope. */
  ended(): void {
    this.services.living.delete(this)
    if (this.state === building) return
    if (this.startedAt !== undefined) {
      Events.ofActor(this, () => {
        const { message, reason } = this.proxy.ended ?? { message: `${this.address} was stopped`, reason: "Stopped" }
        return { _tag: "ActorEnded", reason, message }
      })
    }
    this.group?.remove(this)
    this.argsSnapshot?.release?.()
    if (this.detachScope() && this.state._tag !== "Closing" && this.state._tag !== "Gone") closeNow(this, Exit.void)
  }

  // the scope no longer closes the actor; `false` if the scope has started to close it
  private detachScope(): boolean {
    const { scope } = this
    if (scope === undefined) return false
    this.scope = undefined
    ScopeFinalizers.remove(scope, this)
    return true
  }

  // ---- restarts (childRestart.ts) ----

  /** The attributes of the spans of this actor. */
  get attributes(): Readonly<Record<string, unknown>> {
    const { definition: { name }, id, worker } = this
    return { "uactor.actor.name": name, "uactor.actor.id": id, "uactor.worker.id": worker.id }
  }

  leave(why: string): Effect.Effect<void> {
    return leaveIncarnation(this, "with its group", why)
  }

  get rebuild(): Effect.Effect<string | undefined> {
    return Effect.suspend(() => {
      const { state } = this
      return state._tag === "Restarting" ? step(this, state, buildNext(this, state)) : Effect.undefined
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
      const restarting = Effect.gen({ self: this }, function*() {
        yield* leaveIncarnation(this, "by an observer", "the program has asked for it")
        const why = yield* this.rebuild
        if (why !== undefined) this.giveUp(why)
        return why
      })
      // the restart goes on if the observer is interrupted
      return Fiber.join(Effect.runForkWith(this.services.context)(restarting))
    })
  }

  cancelBuild(why: string): void {
    this.build?.answered({ _tag: "Lost", why })
  }

  /** No other incarnation follows: the last restart has failed. */
  giveUp(why: string): void {
    const { group, state } = this
    if (state._tag !== "Restarting") return
    const { message, reason } = state.previous
    group?.giveUp(this.proxy.exited(reason, "NotRun", `${message}; the last restart failed: ${why}`))
    endFailed(this, state, reason, `${message}; the last restart failed: ${why}`)
  }

  /** The restart is over; `exit`: how it has ended. */
  endRestart(state: Restarting, exit: Exit.Exit<void, ActorExited>): void {
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
    proceed(this, state)
  }

  // ---- closing (childClose.ts) ----

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
      this.state === running && restart(this, proxy.exited("Stopped", "Unknown", `${address} stopped itself`), "stop")
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
    return Effect.suspend(() => (drain === false ? closeNow(this, exit) : closeDrained(this, exit, drain)).await)
  }

  /** Ends the actor without asking it: kills its worker, or, on a shared worker, closes the actor at once. */
  get kill(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { proxy, services: { workers }, state, worker } = this
      const message = `${proxy.address} was killed`
      if (state._tag === "Restarting") {
        state.fiber?.interruptUnsafe()
        endFailed(this, state, "Killed", message)
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
