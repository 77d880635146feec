/**
 * Making a call: encodes the payload, waits for room in the mailbox, sends, and
 * takes the call back when its caller is interrupted. How many calls may lie in
 * an actor's mailbox is counted at this end: a caller that finds it full waits in
 * line here, so nothing is buffered in the worker beyond the mailbox's capacity
 * (C7).
 */
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Headers from "effect/http/Headers"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Codec from "./codec.ts"
import { PendingCall, PendingStream, PendingTell, type Resume } from "./pending.ts"
import type { Pending, Target } from "./target.ts"
import type * as Wire from "./wire.ts"

/** What a method of a client takes beside its payload. */
export interface CallOptions {
  readonly discard?: boolean | undefined
  readonly headers?: Headers.Input | undefined
  readonly asQueue?: boolean | undefined
  readonly streamBufferSize?: number | undefined
}

/** Makes the same call to another actor. */
type Again = () => any

/** Calls a method; the returned effect, or stream, settles exactly once (C1). */
export const call = (
  target: Target,
  index: number,
  payload: unknown,
  options?: CallOptions,
  again?: Again
): object => {
  const method = target.methods[index]!
  if (method.stream) return stream(target, index, payload, options, again)
  return Effect.callback<unknown, unknown>((resume) => {
    const extras = extrasOf(options, undefined)
    const encoded = method.payload.handles ? Exit.succeed(payload) : method.payload.encode(payload)
    if (Codec.isSuccess(encoded)) return begin(target, index, encoded.value, extras, undefined, resume, again)
    return resume(callSlowly(target, index, encoded, extras, again))
  })
}

const callSlowly = (
  target: Target,
  index: number,
  encoded: Effect.Effect<unknown, unknown>,
  extras: Wire.Extras | undefined,
  again: Again | undefined
): Effect.Effect<unknown, unknown> =>
  Effect.flatMap(
    encodeSlowly(target, target.methods[index]!, encoded),
    ([payload, transfer]) => Effect.callback((resume) => begin(target, index, payload, extras, transfer, resume, again))
  )

const begin = (
  target: Target,
  index: number,
  payload: unknown,
  extras: Wire.Extras | undefined,
  transfer: ReadonlyArray<unknown> | undefined,
  resume: Resume,
  again: Again | undefined
): Effect.Effect<void> | undefined => {
  const pending = extras?.discard === true
    ? new PendingTell(target, index, payload, extras, transfer)
    : new PendingCall(target, index, payload, extras, transfer)
  pending.resume = resume
  pending.again = again
  prepare(pending)
  return submit(pending) ? pending : undefined
}

// the schema is effectful, names transferables, or has refused the payload
const encodeSlowly = (
  target: Target,
  method: Codec.Method,
  encoded: Effect.Effect<unknown, unknown>
): Effect.Effect<readonly [payload: unknown, transfer: ReadonlyArray<unknown> | undefined]> =>
  Effect.catchCause(
    Codec.collect(encoded),
    (cause) =>
      Cause.hasInterrupts(cause)
        ? Effect.failCause(cause as Cause.Cause<never>)
        : Effect.die(
          new TypeError(
            `${target.name}.${method.tag}: the payload does not fit its schema: ${Codec.issueText(cause)}`
          )
        )
  )

const stream = (
  target: Target,
  index: number,
  payload: unknown,
  options: CallOptions | undefined,
  again: Again | undefined
): object => {
  const method = target.methods[index]!
  const window = options?.streamBufferSize
  if (window !== undefined && window !== Infinity && !(Number.isInteger(window) && window >= 1)) {
    throw new RangeError(
      `${target.name}.${method.tag}: streamBufferSize must be an integer of at least 1, not ${window}`
    )
  }
  const channel = Channel.fromTransform((_, scope) =>
    Effect.suspend(() => {
      const extras = extrasOf(options, window ?? method.success.window)
      const encoding = method.payload.handles
        ? Effect.succeed([payload, undefined] as const)
        : encodeSlowly(target, method, method.payload.encode(payload))
      return Effect.flatMap(encoding, ([payload, transfer]) => {
        const pending = new PendingStream(target, index, payload, extras, transfer)
        prepare(pending)
        submit(pending)
        return Effect.as(
          Scope.addFinalizer(
            scope,
            Effect.suspend(() => {
              pending.leave()
              return pending
            })
          ),
          Effect.suspend(() => pending.take())
        )
      })
    })
  )
  const stream = Stream.fromChannel(channel as Channel.Channel<readonly [unknown, ...Array<unknown>], unknown>)
  if (options?.asQueue === true) return Stream.toQueue(stream, { capacity: options.streamBufferSize ?? 16 })
  return again === undefined ? stream : Stream.catchIf(stream, (error) => target.passesOn(error), again)
}

/** Handlers that make the same calls elsewhere. */
export const forward = (target: Target): Record<string, (payload: unknown, options: unknown) => object> =>
  Object.fromEntries(
    target.methods.map((method, index) => [
      method.tag,
      (payload, options) => call(target, index, payload, options as CallOptions)
    ])
  )

// false when it has settled at once
const submit = (pending: Pending): boolean => {
  const { target } = pending
  const refusal = target.refusal()
  if (refusal !== undefined) {
    pending.refused(refusal)
    return false
  }
  if (target.waiting.size === 0 && target.hasRoom()) return target.connection.send(pending)
  if (!target.suspends && target.waiting.size >= target.capacity) {
    pending.lose(pending.mailboxFull(target.capacity))
    return false
  }
  target.waiting.add(pending)
  return true
}

const prepare = (pending: Pending): void => {
  const { payload, success } = pending.method
  if (success.handles || payload.handles) pending.context = Fiber.getCurrent()!.context
}

const extrasOf = (options: CallOptions | undefined, window: number | undefined): Wire.Extras | undefined => {
  const span = Fiber.getCurrent()!.cache.span
  if (span === undefined && options === undefined && window === undefined) return undefined
  return {
    trace: span === undefined ? undefined : [span.traceId, span.spanId, span.sampled],
    headers: options?.headers === undefined ? undefined : { ...Headers.fromInput(options.headers) },
    discard: options?.discard,
    window
  }
}
