/**
 * Runs a body with actors, and lets the actors vote on its failure when it ends (L5). A vote `true` corresponds to `True` as the result
 * of `__exit__` in uActor: the failure is absorbed.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { actorOf } from "../proxy/clientObject.ts"
import type { ActorServices, ChildActor } from "./childActor.ts"

/** The actor of a reference that a spawn of this system has returned. */
export const voterOf = (ref: object): ChildActor => actorOf(ref) as ChildActor

/**
 * Asks an actor for its vote. An actor that has ended does not vote. An actor that does not answer within `shutdownTimeout` absorbs
 * nothing.
 */
export const ask = (
  actor: ChildActor,
  { log, workers: { endings } }: Pick<ActorServices, "log" | "workers">,
  exit: Exit.Exit<unknown, unknown>
): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const { proxy, worker } = actor
    if (!proxy.isAvailable) return resume(Effect.succeed(false))
    const stop = (): void => {
      endings.delete(deadline)
      actor.onVote = undefined
    }
    const deadline = endings.start(() => {
      log(Effect.logWarning(`${proxy.address} did not vote within ${endings.timeout} ms: it absorbs nothing`))
      stop()
      resume(Effect.succeed(false))
    })
    actor.onVote = (vote) => {
      stop()
      resume(typeof vote === "boolean" ? Effect.succeed(vote) : Effect.failCause(vote))
    }
    worker.client.actors.vote(proxy, exit, actor.definition)
    return Effect.sync(stop)
  })

/** Acquires, runs `body`, asks all actors for their votes, and releases. `Option.none`: the failure of `body` was absorbed. */
export const run = <X, A, E1, E2, R1, R2>(
  acquire: Effect.Effect<X, E1, R1>,
  actorsOf: (x: X) => ReadonlyArray<ChildActor>,
  body: (x: X) => Effect.Effect<A, E2, R2>
): Effect.Effect<Option.Option<A>, E1 | E2, Exclude<R1 | R2, Scope.Scope>> =>
  Effect.uninterruptibleMask((restore) => {
    const scope = Scope.makeUnsafe()
    let actors: ReadonlyArray<ChildActor> = []
    const main = Effect.flatMap(acquire, (x) => {
      actors = actorsOf(x)
      return body(x)
    })
    return Effect.flatMap(Effect.exit(restore(main)), (exit) =>
      Effect.flatMap(
        Effect.exit(
          Effect.forEach(actors, (actor) => actor.vote(exit), { concurrency: "unbounded" })
        ),
        (votes) =>
          Effect.flatMap(Effect.exit(Scope.close(scope, exit)), (closed) => {
            const exits: ReadonlyArray<Exit.Exit<unknown, E1 | E2>> = [exit, votes, closed]
            const causes = exits.flatMap((exit) => Exit.isFailure(exit) ? [exit.cause] : [])
            const absorbed = Exit.isFailure(exit) && !Cause.hasInterrupts(exit.cause) &&
              Exit.isSuccess(votes) && votes.value.includes(true) && Exit.isSuccess(closed)
            if (absorbed) return Effect.succeed(Option.none<A>())
            return causes.length === 0 ? Effect.map(exit, Option.some) : Effect.failCause(causes.reduce(Cause.combine))
          })
      )).pipe(Scope.provide(scope))
  })
