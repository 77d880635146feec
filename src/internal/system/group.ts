/**
 * A group of actors that are restarted together: the strategy, the common budget, and the order of a restart. A member is restarted as the
 * next incarnation behind its reference (childActor.ts).
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { ActorExited } from "../../ActorError.ts"
import { Budget, type Plan } from "../actor/restartPlan.ts"
import { performance } from "../runtime/globals.ts"
import { ExitLatch } from "../runtime/waiters.ts"

/** Which members restart with a member that has ended: none, all, or those that were started after it. */
export type Strategy = "one-for-one" | "one-for-all" | "rest-for-one"

/** An actor of a group, as its group sees it. */
export interface Member {
  readonly address: string
  /** Closes the incarnation, because a group restarts it; completes when it has left. `why`: for its callers. */
  readonly leave: (why: string) => Effect.Effect<void>
  /** Builds the next incarnation of an actor that has left. Returns why that has failed, if it has. */
  readonly rebuild: Effect.Effect<string | undefined>
  /** Fails a build of the next incarnation that is in progress. */
  readonly cancelBuild: (why: string) => void
  /** No restart is left for an actor that has left. */
  readonly giveUp: (why: string) => void
  readonly stop: (drain: false, because?: string) => Effect.Effect<void>
}

/** The group whose members the actors become that are spawned in a context, if any. */
export const Current: Context.Reference<Group | undefined> = Context.Reference<Group | undefined>(
  "uactor/Supervision/Group",
  { defaultValue: () => undefined }
)

/** A group of actors. */
export class Group {
  readonly plan: Plan
  readonly budget: Budget
  private readonly strategy: Strategy
  private readonly context: Context.Context<never>
  /** in the order of their starts */
  private members: ReadonlyArray<Member> = []
  /** the members to restart, which are not built yet */
  private readonly affected = new Set<Member>()
  /** the member whose end the restart is due to, and how it ended */
  private why = ""
  private delay = 0
  /** a member has ended since the restart in progress began */
  private isStale = false
  private building: Member | undefined
  private fiber: Fiber.Fiber<void> | undefined
  /** why the group takes no more members */
  over: string | undefined
  private readonly ended = new ExitLatch<void, ActorExited>()

  constructor(strategy: Strategy, plan: Plan, context: Context.Context<never>) {
    this.strategy = strategy
    this.plan = plan
    this.budget = new Budget(plan)
    this.context = context
  }

  /** Whether members restart with other members. */
  get isCoordinated(): boolean {
    return this.strategy !== "one-for-one"
  }

  /** Completes when the group has ended: with a failure if its restarts are used up, with a success if its scope has closed. */
  get awaitExit(): Effect.Effect<Exit.Exit<void, ActorExited>> {
    return Effect.exit(this.ended.await)
  }

  /** Adds an actor that has been built for the first time. */
  add(member: Member): void {
    this.members = [...this.members, member]
    // the group has ended while the actor was built
    if (this.over !== undefined) Effect.runForkWith(this.context)(stopped(member, this.over))
  }

  /** Removes a member that has ended for good. */
  remove(member: Member): void {
    this.members = this.members.filter((other) => other !== member)
    this.affected.delete(member)
  }

  /** A member has ended, and is to be restarted, by this group. Returns `false` if no restart is left. `end`: how it has ended. */
  restart(member: Member, end: ActorExited): boolean {
    // the member restarts anyway: several members may die with one worker
    if (this.affected.has(member) && this.building !== member) return true
    const delay = this.budget.next(performance.now(), true)
    if (delay === undefined) return false
    this.begin(member, end.message, delay)
    return true
  }

  private begin(member: Member, why: string, delay: number): void {
    const { building, members, strategy } = this
    for (const other of strategy === "one-for-all" ? members : members.slice(members.indexOf(member))) {
      this.affected.add(other)
    }
    this.why = why
    this.delay = delay
    this.isStale = true
    building?.cancelBuild(`its group restarts: ${why}`)
    this.fiber ??= Effect.runForkWith(this.context)(this.run)
  }

  // The affected members leave in reverse order, and are built again in order. When another member ends meanwhile, all of that begins again.
  private readonly run: Effect.Effect<void> = Effect.gen({ self: this }, function*() {
    // the member that has ended is not paused yet
    yield* Effect.yieldNow
    while (this.affected.size > 0 && this.over === undefined) {
      this.isStale = false
      const affected = this.members.filter((member) => this.affected.has(member))
      for (const member of affected.toReversed()) yield* member.leave(this.why)
      yield* Effect.sleep(this.delay)
      for (const member of affected) {
        if (this.isStale || this.over !== undefined) break
        this.building = member
        const failure = yield* member.rebuild
        this.building = undefined
        if (this.isStale) break
        if (failure === undefined) {
          this.affected.delete(member)
          continue
        }
        const delay = this.budget.next(performance.now(), false)
        if (delay !== undefined) this.begin(member, `${member.address} could not be built again: ${failure}`, delay)
        else member.giveUp(failure)
        break
      }
    }
    this.fiber = undefined
  })

  /** No restart is left: all members are stopped, in reverse order. `end`: the last end of a member. */
  giveUp(end: ActorExited): void {
    if (this.over !== undefined) return
    this.over = `its group has ended after ${this.budget.text}: ${end.message}`
    Effect.runForkWith(this.context)(
      Effect.logWarning(`a group of actors has ended after ${this.budget.text}: ${end.message}`).pipe(
        // the member that has ended leaves the group first
        Effect.andThen(Effect.yieldNow),
        Effect.andThen(this.stopAll(Exit.fail(end)))
      )
    )
  }

  /** The scope of the group has closed. */
  get close(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.over !== undefined) return Effect.asVoid(this.awaitExit)
      this.over = "its group has been closed"
      return this.stopAll(Exit.void)
    })
  }

  private stopAll(exit: Exit.Exit<void, ActorExited>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      const { fiber, members } = this
      if (fiber !== undefined) fiber.interruptUnsafe()
      for (const member of members.toReversed()) yield* stopped(member, Exit.isFailure(exit) ? this.over : undefined)
      this.ended.complete(exit)
    })
  }
}

// only the log reports a finalizer that fails
const stopped = (member: Member, because: string | undefined): Effect.Effect<void> =>
  Effect.catchCause(
    member.stop(false, because),
    (cause) => Effect.logWarning(`${member.address} failed to close`, cause)
  )
