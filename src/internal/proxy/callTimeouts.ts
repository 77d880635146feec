/**
 * The timeouts of calls and of their runs: of a method, of the actors of a spawn, or of a behaviour. A method that has a timeout of its own
 * ignores the others; the timeout of a spawn takes precedence over that of the behaviour.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Rpc from "effect/rpc/Rpc"
import { timeout } from "../actor/durations.ts"
import * as Methods from "../codec/methods.ts"
import { Deadline, Deadlines } from "../runtime/deadlines.ts"
import type { OutgoingCall } from "./outgoingCall.ts"

/** The deadlines of the calls of each method, by index. `undefined`: no method has a timeout. */
export type CallTimeouts = ReadonlyArray<Deadlines | undefined> | undefined

/** The timeouts of the runs of each method in milliseconds, by index. `undefined`: no method has one. */
export type RunTimeouts = ReadonlyArray<number | undefined> | undefined

const annotations = { CallTimeout: Methods.CallTimeout, RunTimeout: Methods.RunTimeout }

const annotated = (actor: string, rpc: Rpc.AnyWithProps, name: keyof typeof annotations): number | undefined =>
  of(`${actor}.${rpc._tag}: ${name}`, Context.get(rpc.annotations, annotations[name]))

/** A timeout in milliseconds, if it is given. Throws a `RangeError` with the name of the option if it is not a duration longer than 0. */
export const of = (option: string, input: Duration.Input | undefined): number | undefined =>
  input === undefined ? undefined : timeout(option, input, true)

/** Checks the timeouts of a method. Throws a `RangeError` that names the timeout if it is not a duration longer than 0. */
export const check = (actor: string, rpc: Rpc.AnyWithProps): void => {
  annotated(actor, rpc, "CallTimeout")
  annotated(actor, rpc, "RunTimeout")
}

/** The timeouts of the runs of methods, with a timeout for the unary methods without a timeout of their own. */
export const ofRuns = (
  actor: string,
  methods: ReadonlyArray<Methods.Method>,
  others: number | undefined
): RunTimeouts => {
  // a stream may be endless
  const times = methods.map(({ rpc, stream }) => annotated(actor, rpc, "RunTimeout") ?? (stream ? undefined : others))
    .map((time) => time === Infinity ? undefined : time)
  return times.every((time) => time === undefined) ? undefined : times
}

/** The deadlines of calls, with a timeout in milliseconds for the methods without a timeout of their own. */
export const make = (
  actor: string,
  methods: ReadonlyArray<Methods.Method>,
  others: number | undefined
): CallTimeouts => {
  const all = new Map<number, Deadlines>()
  const deadlines = methods.map(({ rpc, stream }) => {
    // a stream may be endless
    const time = stream ? undefined : annotated(actor, rpc, "CallTimeout") ?? others
    if (time === undefined || time === Infinity) return undefined
    const known = all.get(time) ?? new Deadlines(time)
    all.set(time, known)
    return known
  })
  return all.size === 0 ? undefined : deadlines
}

/** The deadline of one call. */
export class CallDeadline extends Deadline {
  private readonly deadlines: Deadlines
  private readonly call: OutgoingCall

  constructor(deadlines: Deadlines, call: OutgoingCall) {
    super()
    this.deadlines = deadlines
    this.call = call
    deadlines.add(this)
  }

  missed(): void {
    this.stop()
    this.call.expire(this.deadlines.timeout, "call")
  }

  /** The call has settled for its caller. */
  stop(): void {
    this.deadlines.delete(this)
  }
}
