/**
 * Makes calls: encodes the payload, waits for room in the mailbox, sends the call, and cancels it when its caller is interrupted. The
 * caller's side counts the calls in an actor's mailbox. A call to a full mailbox waits on this side, so the worker buffers no more
 * calls than the capacity of the mailbox (C7).
 */
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Headers from "effect/http/Headers"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Tracer from "effect/Tracer"
import * as Codec from "../codec/codec.ts"
import * as Methods from "../codec/methods.ts"
import { isSuccess } from "../effect/completed.ts"
import * as CallerLog from "../observe/callerLog.ts"
import * as ClientSpan from "../observe/clientSpan.ts"
import * as Propagated from "../observe/propagated.ts"
import type { Deadlines } from "../runtime/deadlines.ts"
import { type CallReport, channels, ReportedCall } from "../runtime/diagnosticsChannels.ts"
import type * as Frames from "../wire/frames.ts"
import type { ActorProxy } from "./actorProxy.ts"
import { CallDeadline } from "./callTimeouts.ts"
import { type OutgoingCall, type Resume, TellCall, UnaryCall } from "./outgoingCall.ts"
import { StreamCall } from "./streamCall.ts"

/** The options of a method of a client, beside the payload. */
export interface CallOptions {
  readonly discard?: boolean | undefined
  readonly headers?: Headers.Input | undefined
  readonly asQueue?: boolean | undefined
  readonly streamBufferSize?: number | undefined
  /** of a relay: holds back the calls that follow, until the returned function is called */
  readonly hold?: (() => () => void) | undefined
  /** of a relay: follows the call for its caller */
  readonly follower?: ClientSpan.CallFollower | undefined
}

/** Repeats a call on another actor; with an accepted `tell`, sends this tell. */
type Retry = (tell?: OutgoingCall) => any

/** Calls a method; the returned effect, or stream, settles exactly once (C1). `priority` orders the call in the queue of a pool. */
export const call = (
  proxy: ActorProxy,
  index: number,
  payload: unknown,
  options?: CallOptions,
  retry?: Retry,
  priority?: number
): object => {
  const method = proxy.methods[index]!
  if (method.stream) return stream(proxy, index, payload, options, retry, priority)
  return Effect.callback<unknown, unknown>((resume) => {
    const isTell = options?.discard === true
    const report = reportOf(proxy, method, options, isTell ? "tell" : "call")
    const isTraced = options?.hold === undefined && ClientSpan.isDue(Fiber.getCurrent()!, proxy, method)
    if (report === undefined && !isTraced) return begin(proxy, index, payload, options, retry, priority, resume)
    const call = (options: CallOptions | undefined) =>
      Effect.callback<unknown, unknown>((resume) => {
        const run = () => begin(proxy, index, payload, options, retry, priority, resume)
        return report === undefined ? run() : report.begin(run)
      })
    const followed = isTraced
      ? ClientSpan.around(proxy, method, isTell, (follower) => call({ ...options, follower }))
      : call(options)
    return resume(report === undefined ? followed : Effect.onExit(followed, (exit) => reportEnd(report, exit)))
  })
}

// the report of a call to the diagnostics channel, if it has subscribers; a relay is not the caller
const reportOf = (
  proxy: ActorProxy,
  { tag }: Methods.Method,
  options: CallOptions | undefined,
  kind: CallReport["kind"]
): ReportedCall | undefined =>
  channels.call === undefined || !channels.call.hasSubscribers || options?.hold !== undefined || !proxy.isActor ||
    tag.startsWith("~")
    ? undefined
    : new ReportedCall(channels.call, proxy, tag, kind)

const reportEnd = (report: ReportedCall, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> =>
  Effect.sync(() =>
    Exit.isSuccess(exit)
      ? report.end("ok", undefined)
      : report.end(ClientSpan.outcomeOf(exit.cause), { error: Cause.squash(exit.cause) })
  )

const begin = (
  proxy: ActorProxy,
  index: number,
  payload: unknown,
  options: CallOptions | undefined,
  retry: Retry | undefined,
  priority: number | undefined,
  resume: Resume
): Effect.Effect<void> | undefined | void => {
  const { payload: codec } = proxy.methods[index]!
  const extras = extrasOf(options, undefined)
  const encoded = codec.handles ? Exit.succeed(payload) : codec.encode(payload)
  const follower = options?.follower
  if (isSuccess(encoded)) {
    return start(proxy, index, encoded.value, extras, undefined, resume, retry, priority, follower)
  }
  return resume(callWhenEncoded(proxy, index, encoded, extras, retry, priority, options?.hold?.(), follower))
}

/** Sends an accepted tell to another actor of the same kind. */
export const resend = (proxy: ActorProxy, tell: OutgoingCall): Effect.Effect<void> => {
  const { extras, index, payload } = tell
  const next = new TellCall(proxy, index, payload, extras, undefined)
  next.replace(tell as TellCall)
  proxy.submit(next, true)
  return Effect.void
}

const callWhenEncoded = (
  proxy: ActorProxy,
  index: number,
  encoded: Effect.Effect<unknown, unknown>,
  extras: Frames.Extras | undefined,
  retry: Retry | undefined,
  priority: number | undefined,
  release: (() => void) | undefined,
  follower: ClientSpan.CallFollower | undefined
): Effect.Effect<unknown, unknown> =>
  ensuring(
    Effect.flatMap(
      collectPayload(proxy, proxy.methods[index]!, encoded),
      ([payload, transfer]) =>
        Effect.callback((resume) => {
          const canceller = start(proxy, index, payload, extras, transfer, resume, retry, priority, follower)
          release?.()
          return canceller
        })
    ),
    release
  )

const ensuring = <A, E, R>(effect: Effect.Effect<A, E, R>, release: (() => void) | undefined): Effect.Effect<A, E, R> =>
  release === undefined ? effect : Effect.ensuring(effect, Effect.sync(release))

const start = (
  proxy: ActorProxy,
  index: number,
  payload: unknown,
  extras: Frames.Extras | undefined,
  transfer: ReadonlyArray<unknown> | undefined,
  resume: Resume,
  retry: Retry | undefined,
  priority: number | undefined,
  follower: ClientSpan.CallFollower | undefined
): Effect.Effect<void> | undefined => {
  const isTell = extras?.discard === true
  const call = isTell
    ? new TellCall(proxy, index, payload, extras, transfer)
    : new UnaryCall(proxy, index, payload, extras, transfer)
  call.resume = resume
  call.retry = retry
  if (priority !== undefined) call.priority = priority
  prepare(call, follower)
  const deadlines = proxy.callTimeouts?.[index]
  if (deadlines !== undefined) return startTimed(call, deadlines, isTell)
  return proxy.submit(call, isTell) ? call : undefined
}

// starts a call that is cancelled if its caller still waits after the timeout
const startTimed = (call: UnaryCall, deadlines: Deadlines, isTell: boolean): Effect.Effect<void> | undefined => {
  const { resume } = call
  const deadline = new CallDeadline(deadlines, call)
  call.resume = (effect) => {
    deadline.stop()
    resume(effect)
  }
  if (!call.proxy.submit(call, isTell)) return undefined
  return Effect.suspend(() => {
    deadline.stop()
    return call
  })
}

// for a schema that is effectful, names transferables, or has refused the payload
const collectPayload = (
  proxy: ActorProxy,
  method: Methods.Method,
  encoded: Effect.Effect<unknown, unknown>
): Effect.Effect<readonly [payload: unknown, transfer: ReadonlyArray<unknown> | undefined]> =>
  Effect.catchCause(
    Codec.collect(encoded),
    (cause) =>
      Cause.hasInterrupts(cause)
        ? Effect.failCause(cause as Cause.Cause<never>)
        : Effect.die(
          new TypeError(
            `${proxy.name}.${method.tag}: the payload does not fit its schema: ${Codec.issueText(cause)}`
          )
        )
  )

/** Throws a `RangeError` if a stream cannot have room for this number of items. */
export const checkWindow = (actor: string, tag: string, window: number | undefined): void => {
  if (window === undefined || window === Infinity || (Number.isInteger(window) && window >= 1)) return
  throw new RangeError(`${actor}.${tag}: streamBufferSize must be an integer of at least 1, not ${window}`)
}

const stream = (
  proxy: ActorProxy,
  index: number,
  payload: unknown,
  options: CallOptions | undefined,
  retry: Retry | undefined,
  priority: number | undefined
): object => {
  const method = proxy.methods[index]!
  const window = options?.streamBufferSize
  checkWindow(proxy.name, method.tag, window)
  const channel = Channel.fromTransform((_, scope) =>
    followed(proxy, method, options, scope, (options, span, report) => {
      const extras = extrasOf(options, window ?? method.success.window, span)
      const encoded = method.payload.handles ? Exit.succeed(payload) : method.payload.encode(payload)
      const release = isSuccess(encoded) ? undefined : options?.hold?.()
      const encoding = method.payload.handles
        ? Effect.succeed([payload, undefined] as const)
        : collectPayload(proxy, method, encoded)
      const sending = Effect.flatMap(encoding, ([payload, transfer]) => {
        const call = new StreamCall(proxy, index, payload, extras, transfer)
        if (priority !== undefined) call.priority = priority
        prepare(call, options?.follower)
        if (report === undefined) proxy.submit(call, false)
        else report.begin(() => proxy.submit(call, false))
        return Effect.as(
          Scope.addFinalizer(
            scope,
            Effect.suspend(() => {
              call.releaseChunks()
              return call
            })
          ),
          Effect.suspend(() => call.take())
        )
      })
      return ensuring(sending, release)
    })
  )
  const stream = Stream.fromChannel(channel as Channel.Channel<readonly [unknown, ...Array<unknown>], unknown>)
  if (options?.asQueue === true) return Stream.toQueue(stream, { capacity: options.streamBufferSize ?? 16 })
  return retry === undefined ? stream : Stream.catchIf(stream, (error) => proxy.shouldReroute(error), () => retry())
}

// begins the span and the report of a stream, if it has them
const followed = <A, E>(
  proxy: ActorProxy,
  method: Methods.Method,
  options: CallOptions | undefined,
  scope: Scope.Scope,
  run: (
    options: CallOptions | undefined,
    span: Tracer.Span | undefined,
    report: ReportedCall | undefined
  ) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    const report = reportOf(proxy, method, options, "stream")
    const traced = options?.hold !== undefined || !ClientSpan.isDue(Fiber.getCurrent()!, proxy, method)
      ? run(options, undefined, report)
      : Effect.flatMap(
        ClientSpan.begin(proxy, method, scope),
        ({ follower, span }) => run({ ...options, follower }, span, report)
      )
    return report === undefined
      ? traced
      : Effect.andThen(Scope.addFinalizerExit(scope, (exit) => reportEnd(report, exit)), traced)
  })

/** Handlers of a relay: each forwards its call to an actor. */
export const forward = (proxy: ActorProxy): Record<string, (payload: unknown, options: unknown) => object> =>
  Object.fromEntries(
    proxy.methods.map((method, index) => [
      method.tag,
      (payload, options) => call(proxy, index, payload, options as CallOptions)
    ])
  )

const prepare = (call: OutgoingCall, follower: ClientSpan.CallFollower | undefined): void => {
  const fiber = call.caller = Fiber.getCurrent()!
  if (Methods.carriesHandles(call.method)) call.context = fiber.context
  if (follower !== undefined) call.context = ClientSpan.withFollower(call.context, follower)
}

const extrasOf = (
  options: CallOptions | undefined,
  window: number | undefined,
  own?: Tracer.Span
): Frames.Extras | undefined => {
  const fiber = Fiber.getCurrent()!
  const span = own ?? fiber.cache.span
  const log = CallerLog.of(fiber)
  const values = Propagated.isUsed ? Propagated.of(fiber.context) : undefined
  if (
    span === undefined && options === undefined && window === undefined && log === undefined && values === undefined
  ) {
    return undefined
  }
  const extras: Frames.Extras = {
    trace: span === undefined ? undefined : [span.traceId, span.spanId, span.sampled],
    headers: options?.headers === undefined ? undefined : { ...Headers.fromInput(options.headers) },
    discard: options?.discard,
    window,
    // a tell is over for its sender when it is accepted
    ...(options?.follower === undefined || options.discard === true ? {} : { reportsBegin: true })
  }
  if (log === undefined && values === undefined) return extras
  return { ...extras, ...(log === undefined ? {} : { log }), ...(values === undefined ? {} : { values }) }
}
