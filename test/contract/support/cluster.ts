/** The configuration of runner processes under test, and what the tests of clusters share. */
import { Deferred, Effect, Fiber } from "effect"
import type { ShardingConfig } from "effect/cluster/ShardingConfig"

/** intervals for processes that a busy machine may delay by seconds */
export const processConfig: Partial<ShardingConfig["Service"]> = {
  shardsPerGroup: 30,
  refreshAssignmentsInterval: 300,
  entityMessagePollInterval: 500,
  runnerHealthCheckInterval: 1_000,
  shardLockRefreshInterval: 2_000,
  shardLockExpiration: 8_000,
  entityTerminationTimeout: 20_000,
  sendRetryInterval: 50
}

/** Repeats a call for each id. Returns an effect that ends the repetition and succeeds with the number of calls of each id. */
export const underLoad = <E, R>(ids: ReadonlyArray<string>, call: (id: string) => Effect.Effect<unknown, E, R>) =>
  Effect.gen(function*() {
    const stopped = yield* Deferred.make<void>()
    const load = yield* Effect.forkChild(Effect.forEach(ids, (id) =>
      Effect.gen(function*() {
        let calls = 0
        while (!(yield* Deferred.isDone(stopped))) {
          yield* call(id)
          calls++
        }
        return calls
      }), { concurrency: "unbounded" }))
    return Effect.andThen(Deferred.succeed(stopped, undefined), Fiber.join(load))
  })
