/**
 * The options of faulty links and workers, and their validation.
 */
import type * as Duration from "effect/Duration"
import { timeout } from "../internal/actor/durations.ts"
import type { SystemOptions } from "../internal/workers/options.ts"

/**
 * The faults of the messages in one direction of a link. A message is a batch of frames. Calls that are made together, in one turn of
 * the event loop, share a message, and so do their answers. A large batch is sent in several messages.
 *
 * Probabilities are numbers from 0 to 1, and 0 by default. They apply to each message independently, so one message may have several
 * faults.
 */
export interface Direction {
  /**
   * The probability that a message is lost. The next message, or the next heartbeat, reveals the loss, and the actors of the worker end with
   * the reason `Disconnected`.
   */
  readonly drop?: number | undefined
  /**
   * The probability that a message arrives twice. The receiver ignores the second copy. A message with a transferable is never duplicated.
   */
  readonly duplicate?: number | undefined
  /** The probability that the next message overtakes a message. The receiver detects the wrong order, with the same result as a loss. */
  readonly reorder?: number | undefined
  /** The probability that a message is delayed. Later messages, and the end of the worker, wait for it, so that their order stays. */
  readonly delay?: number | undefined
  /** The maximum delay of a message; 10 milliseconds by default. */
  readonly delayFor?: Duration.Input | undefined
  /** The number of messages in this direction after which the link is cut. The actors end with the reason `Disconnected`. Never by default. */
  readonly cutAfter?: number | undefined
  /** The number of messages in this direction after which the worker is killed. The actors end with the reason `Killed`. Never by default. */
  readonly killAfter?: number | undefined
  /**
   * The number of messages in this direction after which the link is frozen: no message arrives in either direction, as if `SIGSTOP` had
   * stopped the worker. A heartbeat ends the actors with the reason `Unresponsive`. Never by default.
   */
  readonly freezeAfter?: number | undefined
}

/** The options of `ActorTest.faults`: the faults, and the workers that have them. */
export interface Options {
  /** The seed of the random faults; 0 by default. The same seed causes the same faults of the same messages. */
  readonly seed?: number | string | undefined
  /** The numbers of the faulty workers, from 0, in the order of their start, restarts included. All workers by default. */
  readonly workers?: ReadonlyArray<number> | undefined
  /** The faults of messages to a worker, such as calls. */
  readonly toWorker?: Direction | undefined
  /** The faults of messages from a worker, such as answers. */
  readonly fromWorker?: Direction | undefined
  /**
   * The interval between the heartbeats of each worker. Without heartbeats, the loss of the last message would never be detected. By default
   * the interval of the system, or 1 second if the system has no heartbeats. A worker that a handler blocks for longer is killed.
   */
  readonly heartbeat?: Duration.Input | undefined
  /** Called for each fault when it happens. */
  readonly onFault?: ((fault: Fault) => void) | undefined
}

/**
 * A fault: its kind, and the message of the worker to which it happened. Workers are numbered from 0, in the order of their start.
 * Messages are numbered from 1 in each direction. A cut, kill or freeze before the first message has the message number 0.
 */
export interface Fault {
  /** The kind of the fault. */
  readonly kind: "drop" | "duplicate" | "reorder" | "delay" | "cut" | "kill" | "freeze"
  /** The number of the worker, from 0. */
  readonly worker: number
  /** The direction of the message. */
  readonly direction: "toWorker" | "fromWorker"
  /** The number of the message in this direction, from 1; 0 before the first message. */
  readonly message: number
}

/** A fault that happens after a number of messages. */
export type PlannedFault = "cut" | "kill" | "freeze"

/** The validated options of a direction; times in milliseconds. */
export interface DirectionPlan {
  readonly drop: number
  readonly duplicate: number
  readonly reorder: number
  readonly delay: number
  readonly delayFor: number
  /** by the number of the message after which the fault happens */
  readonly planned: ReadonlyMap<number, PlannedFault>
  /** the number of the last message that passes */
  readonly last: number
}

/** The validated options. */
export interface Plan {
  readonly seed: number | string
  readonly isFaulty: (worker: number) => boolean
  readonly toWorker: DirectionPlan
  readonly fromWorker: DirectionPlan
  readonly heartbeat: number | undefined
  readonly onFault: (fault: Fault) => void
}

const probability = (name: string, value: number | undefined): number => {
  if (value === undefined) return 0
  if (value >= 0 && value <= 1) return value
  throw new RangeError(`ActorTest.faults: ${name} must be a probability from 0 to 1, not ${value}`)
}

const count = (name: string, value: number): number => {
  if (Number.isInteger(value) && value >= 0) return value
  throw new RangeError(`ActorTest.faults: ${name} must be an integer of at least 0, not ${value}`)
}

const time = (name: string, value: Duration.Input): number => timeout(`ActorTest.faults: ${name}`, value, true)

const directionPlan = (name: Fault["direction"], options: Direction = {}): DirectionPlan => {
  const planned = new Map<number, PlannedFault>()
  const kinds = { cutAfter: "cut", killAfter: "kill", freezeAfter: "freeze" } as const
  for (const option of ["cutAfter", "killAfter", "freezeAfter"] as const) {
    const after = options[option]
    if (after === undefined) continue
    const other = planned.get(count(`${name}.${option}`, after))
    if (other !== undefined) {
      throw new RangeError(`ActorTest.faults: ${name}.${option} and ${other}After name the same message, ${after}`)
    }
    planned.set(after, kinds[option])
  }
  return {
    drop: probability(`${name}.drop`, options.drop),
    duplicate: probability(`${name}.duplicate`, options.duplicate),
    reorder: probability(`${name}.reorder`, options.reorder),
    delay: probability(`${name}.delay`, options.delay),
    delayFor: time(`${name}.delayFor`, options.delayFor ?? "10 millis"),
    planned,
    last: Math.min(Infinity, ...Array.from(planned).flatMap(([after, kind]) => kind === "kill" ? [] : [after]))
  }
}

/** Validates the options. Throws a `RangeError` that names the option if an option is out of range. */
export const plan = (options: Options): Plan => {
  const workers = options.workers?.map((worker) => count("workers", worker))
  return {
    seed: options.seed ?? 0,
    isFaulty: (worker) => workers === undefined || workers.includes(worker),
    toWorker: directionPlan("toWorker", options.toWorker),
    fromWorker: directionPlan("fromWorker", options.fromWorker),
    heartbeat: options.heartbeat === undefined ? undefined : time("heartbeat", options.heartbeat),
    onFault: options.onFault ?? (() => undefined)
  }
}

// in milliseconds; only a heartbeat reveals the loss of the last message
const defaultHeartbeat = 1_000

/** The options of a system, with the heartbeat of the plan or a default heartbeat. */
export const withHeartbeat = (options: SystemOptions, { heartbeat }: Plan): SystemOptions => ({
  ...options,
  heartbeat: heartbeat ?? (options.heartbeat === Infinity ? defaultHeartbeat : options.heartbeat)
})
