/**
 * Runs a body with actors and lets them vote on its failure when it ends (L5):
 * what uActor's `__exit__` says by returning true.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { actorOf } from "../ref.ts"
import type { HostedActor } from "./hostedActor.ts"

/** The actor of a reference that was made by spawning it here. */
export const voterOf = (ref: object): HostedActor => actorOf(ref) as HostedActor

/** Acquires, runs `body`, asks every actor, releases; `Option.none` if the failure of `body` was absorbed. */
export const run = <X, A, E1, E2, R1, R2>(
  acquire: Effect.Effect<X, E1, R1>,
  actorsOf: (x: X) => ReadonlyArray<HostedActor>,
  body: (x: X) => Effect.Effect<A, E2, R2>
): Effect.Effect<Option.Option<A>, E1 | E2, Exclude<R1 | R2, Scope.Scope>> =>
  Effect.uninterruptibleMask((restore) => {
    const scope = Scope.makeUnsafe()
    let actors: ReadonlyArray<HostedActor> = []
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
