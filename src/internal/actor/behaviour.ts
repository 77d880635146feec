/**
 * The options of a behaviour, and the layer that provides a behaviour to a worker.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Definitions from "./definition.ts"
import { timeout } from "./durations.ts"
import * as RestartPlan from "./restartPlan.ts"

/** The options of a behaviour. */
export interface BehaviourOptions {
  /**
   * The maximum number of calls that run at the same time. 1 by default: the actor runs one call at a time, in order.
   *
   * A handler that returns `Rpc.fork` is exempt from the limit. `Rpc.fork` is a property of the method: after the first handler that does
   * not return it, the limit applies to all later calls of the method. Do not return `Rpc.fork` conditionally.
   */
  readonly concurrency?: number | "unbounded" | undefined
  /**
   * The maximum number of calls that wait in the mailbox. 4096 by default.
   *
   * A caller does not wait for the end of a tell. Therefore the number of unfinished tells of one caller is limited, too: to
   * `mailboxCapacity` plus a bounded `concurrency`, and to at least 4096. `onFull` applies to a tell beyond this limit.
   */
  readonly mailboxCapacity?: number | "unbounded" | undefined
  /**
   * How streams count towards `concurrency`. Every stream begins in its turn. With `"concurrent"`, the default, the next call may start as
   * soon as the stream has begun, and the stream runs beside all later calls until it ends. With `"in-order"`, a stream is a running call
   * until it ends: with a `concurrency` of 1, no other call runs meanwhile.
   */
  readonly streams?: "concurrent" | "in-order" | undefined
  /** What a call does when the mailbox is full: it waits (`"suspend"`, the default), or it fails with `MailboxFull` (`"fail"`). */
  readonly onFull?: "suspend" | "fail" | undefined
  /**
   * The timeout of the calls of the actor, a duration longer than 0. By default a call has no timeout. `Actor.CallTimeout` of a method or
   * of the spawn takes precedence.
   */
  readonly callTimeout?: Duration.Input | undefined
  /**
   * The timeout of the run of a call, without its wait: a duration longer than 0. By default a run has no timeout. `Actor.RunTimeout` of a
   * method or of the spawn takes precedence. A stream has the timeout of its method only.
   */
  readonly runTimeout?: Duration.Input | undefined
  /**
   * The policy by which the actor is restarted when its worker dies. By default the actor is not restarted. A policy of
   * `Supervision.supervised` or `Supervision.layer` around `spawn` takes precedence.
   */
  readonly supervision?: RestartPlan.Policy | undefined
  /**
   * Runs when the body of `Actor.use` or `ActorPool.use` has ended, with the exit of the body. `true` absorbs a failure of the body. In
   * uActor: the return value of `__exit__`.
   */
  readonly onExit?: ((exit: Exit.Exit<unknown, unknown>) => Effect.Effect<boolean>) | undefined
}

type Handlers = Readonly<Record<string, Definitions.Handler>>

/** A behaviour as users write it, its types erased: its handlers, or the function that builds them. */
export type Build = Handlers | ((args: unknown) => Effect.Effect<Handlers, unknown>)

const limit = (name: string, option: string, value: number | "unbounded" | undefined, defaultValue: number): number => {
  if (value === undefined) return defaultValue
  if (value === "unbounded") return Infinity
  if (Number.isInteger(value) && value >= 1) return value
  throw new RangeError(`${name}.toLayer: ${option} must be an integer of at least 1 or "unbounded", not ${value}`)
}

const timeoutOf = (
  name: string,
  option: "callTimeout" | "runTimeout",
  options: BehaviourOptions | undefined
): number | undefined => {
  const input = options?.[option]
  if (input === undefined) return undefined
  const time = timeout(`${name}.toLayer: ${option}`, input, true)
  return time === Infinity ? undefined : time
}

const areStreamsInOrder = (name: string, streams: BehaviourOptions["streams"]): boolean => {
  if (streams === undefined || streams === "concurrent") return false
  if (streams === "in-order") return true
  throw new RangeError(`${name}.toLayer: streams must be "concurrent" or "in-order", not ${String(streams)}`)
}

/** The layer that provides a behaviour to a worker. Throws a `RangeError` that names the option if an option is out of range. */
export const layer = (
  definition: Definitions.Definition,
  build: Build,
  options: BehaviourOptions | undefined
): Layer.Layer<never> => {
  const { name } = definition
  const behaviour = {
    definition,
    handlers: typeof build === "function" ? undefined : build,
    build: typeof build === "function" ? build : () => Effect.succeed(build),
    concurrency: limit(name, "concurrency", options?.concurrency, 1),
    mailboxCapacity: limit(name, "mailboxCapacity", options?.mailboxCapacity, 4096),
    suspends: options?.onFull !== "fail",
    streamsInOrder: areStreamsInOrder(name, options?.streams),
    callTimeout: timeoutOf(name, "callTimeout", options),
    runTimeout: timeoutOf(name, "runTimeout", options),
    onExit: options?.onExit
  }
  const policy = options?.supervision
  return Layer.effectContext(
    Effect.contextWith((context: Context.Context<never>) =>
      Effect.map(
        policy === undefined ? Effect.undefined : RestartPlan.plan(policy),
        (supervision) =>
          Context.makeUnsafe(
            new Map([[Definitions.keyOf(name), { ...behaviour, context, supervision } satisfies Definitions.Behaviour]])
          )
      )
    )
  )
}
