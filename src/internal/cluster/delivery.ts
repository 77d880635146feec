/**
 * What the transport of a cluster knows of a call: whether the call may be at a runner, whether it may be sent twice, and how long it may
 * look for a runner.
 */
import type { RunnerStorage } from "effect/cluster/RunnerStorage"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Rpc from "effect/rpc/Rpc"

/** A call, as the transport knows it. */
export class Attempt {
  /** the call may be at a runner */
  delivered = false
  /** a runner may have begun the call before it lost the call */
  mayHaveRun = false
  /** the time in which a runner must take the call, in milliseconds */
  readonly limit: number
  private readonly deadline: number

  constructor(limit: number, now: number) {
    this.limit = limit
    this.deadline = now + limit
  }

  /** Notes that the call is at no runner, and has not run there. Dies if the call has no time left. */
  readonly takeBack: Effect.Effect<void> = Effect.clockWith((clock) => {
    this.delivered = false
    return clock.currentTimeMillisUnsafe() < this.deadline ? Effect.void : Effect.die(new Undelivered(this))
  })

  /** Notes that the call is at no runner, and may have run where it was. Dies if the call has no time left. */
  readonly giveBack: Effect.Effect<void> = Effect.suspend(() => {
    if (this.delivered) this.mayHaveRun = true
    return this.takeBack
  })

  /** Dies at the deadline if the call is at no runner then; never completes otherwise. */
  readonly expiry: Effect.Effect<never> = Effect.suspend(() =>
    this.limit === Infinity ? Effect.never : Effect.andThen(
      Effect.sleep(Duration.millis(this.limit)),
      Effect.suspend(() => this.delivered ? Effect.never : Effect.die(new Undelivered(this)))
    )
  )
}

/** A new attempt that has `limit` milliseconds to find a runner. */
export const begin = (limit: number): Effect.Effect<Attempt> =>
  Effect.clockWith((clock) => Effect.sync(() => new Attempt(limit, clock.currentTimeMillisUnsafe())))

/** The defect of a call that no runner has taken in time. */
export class Undelivered {
  /** the time, in milliseconds */
  readonly limit: number
  /** whether a runner that the cluster has lost may have begun the call */
  readonly mayHaveRun: boolean

  constructor({ limit, mayHaveRun }: Attempt) {
    this.limit = limit
    this.mayHaveRun = mayHaveRun
  }
}

/** The defect of a call that the storage has, while the cluster has no runner. */
export class Waiting {
  /** the time for which the cluster has had no runner, in milliseconds */
  readonly limit: number

  constructor(limit: number) {
    this.limit = limit
  }
}

/** Watches whether the cluster has a runner, for the calls that the storage has. */
export class RunnerWatch {
  private readonly storage: RunnerStorage["Service"]
  /** the time for which a call waits while the cluster has no runner, in milliseconds */
  private readonly limit: number
  private readonly interval: number
  private isPresent = true
  private checked = -Infinity

  constructor(storage: RunnerStorage["Service"], limit: number) {
    this.storage = storage
    this.limit = limit
    this.interval = Math.max(Math.min(limit / 4, 5_000), 50)
  }

  /** Dies when the cluster has had no runner for the time; never completes otherwise. */
  readonly absence: Effect.Effect<never> = Effect.clockWith((clock) =>
    Effect.suspend(() => {
      let seen = clock.currentTimeMillisUnsafe()
      const step: Effect.Effect<void> = Effect.flatMap(
        Effect.andThen(Effect.sleep(Duration.millis(this.interval)), this.hasRunner),
        (isPresent) => {
          const now = clock.currentTimeMillisUnsafe()
          if (isPresent) seen = now
          return now - seen < this.limit ? Effect.void : Effect.die(new Waiting(this.limit))
        }
      )
      return Effect.forever(step)
    })
  )

  // the calls share one check
  private readonly hasRunner: Effect.Effect<boolean> = Effect.clockWith((clock) =>
    Effect.suspend(() => {
      const now = clock.currentTimeMillisUnsafe()
      if (now - this.checked < this.interval) return Effect.succeed(this.isPresent)
      this.checked = now
      return Effect.map(
        Effect.orElseSucceed(this.storage.getRunners, () => []),
        (runners) => this.isPresent = runners.some(([, isHealthy]) => isHealthy)
      )
    })
  )
}

/** The defect of a call that may have run on a runner that is lost, or that has stopped. */
export class Lost {
  readonly reason: "Disconnected" | "Stopped"
  readonly message: string

  constructor(reason: "Disconnected" | "Stopped", message: string) {
    this.reason = reason
    this.message = message
  }
}

/** The call that the current fiber makes, if its client notes its delivery. */
export const CurrentAttempt: Context.Reference<Attempt | undefined> = Context.Reference<Attempt | undefined>(
  "uactor/cluster/CurrentAttempt",
  { defaultValue: () => undefined }
)

/**
 * Annotates the methods of the entities of actors. `once`: a call that may be at a runner is never sent to another runner. `again`: a call
 * may run twice. The methods of other entities have no annotation: Effect sends their calls again.
 */
export const Delivery: Context.Reference<"once" | "again" | undefined> = Context.Reference<
  "once" | "again" | undefined
>(
  "uactor/cluster/Delivery",
  { defaultValue: () => undefined }
)

/** The annotation of a method. */
export const deliveryOf = ({ annotations }: Rpc.AnyWithProps): "once" | "again" | undefined =>
  Context.get(annotations, Delivery)

/** Present in a cluster whose transport observes {@link Delivery}. */
export class Guard extends Context.Service<Guard, true>()("uactor/cluster/Guard") {}
