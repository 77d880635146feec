/**
 * The timeouts of calls: of a method, of the actors of a spawn, or of a behaviour. A method that has a timeout of its own ignores the
 * others; the timeout of a spawn takes precedence over that of the behaviour.
 */
import * as Context from "effect/Context"
import type * as Rpc from "effect/rpc/Rpc"
import { timeout } from "../actor/durations.ts"
import * as Methods from "../codec/methods.ts"
import { Deadline, Deadlines } from "../runtime/deadlines.ts"
import type { UnaryCall } from "./callKinds.ts"

/** The deadlines of the calls of each method, by index. `undefined`: no method has a timeout. */
export type CallTimeouts = ReadonlyArray<Deadlines | undefined> | undefined

/** The timeout of a method in milliseconds, if it has one. Throws a `RangeError` if that is not a duration longer than 0. */
export const ofMethod = (actor: string, { _tag, annotations }: Rpc.AnyWithProps): number | undefined => {
  const input = Context.get(annotations, Methods.CallTimeout)
  return input === undefined ? undefined : timeout(`${actor}.${_tag}: CallTimeout`, input, true)
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
    const time = stream ? undefined : ofMethod(actor, rpc) ?? others
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
  private readonly call: UnaryCall

  constructor(deadlines: Deadlines, call: UnaryCall) {
    super()
    this.deadlines = deadlines
    this.call = call
    deadlines.add(this)
  }

  missed(): void {
    this.stop()
    this.call.expire(this.deadlines.timeout)
  }

  /** The call has settled for its caller. */
  stop(): void {
    this.deadlines.delete(this)
  }
}
