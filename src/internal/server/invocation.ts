/**
 * Entering the handler of a call: decodes the payload, calls the handler's function, and sets the effect that the call runs.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as Rpc from "effect/rpc/Rpc"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import * as ActorId from "../actor/actorId.ts"
import * as Codec from "../codec/codec.ts"
import * as Methods from "../codec/methods.ts"
import { isFailure, isSuccess } from "../effect/completed.ts"
import * as Handles from "../handles/handle.ts"
import * as Marshal from "../handles/marshal.ts"
import * as CallerLog from "../observe/callerLog.ts"
import * as ClientSpan from "../observe/clientSpan.ts"
import * as Propagated from "../observe/propagated.ts"
import { textOf } from "../runtime/describe.ts"
import type { EventLoopBudget } from "../runtime/eventLoopBudget.ts"
import * as Frames from "../wire/frames.ts"
import type { Outbox } from "../wire/outbox.ts"
import { Decoded, type IncomingCall, Undecodable } from "./incomingCall.ts"
import type { ReplyWriter } from "./replies.ts"
import { StreamProducer } from "./streamProducer.ts"

type AnyEffect = Effect.Effect<any, any>

const notAnEffect = ({ actor, method }: IncomingCall, answer: unknown): TypeError =>
  new TypeError(
    `${actor.name}.${method.tag}: its handler must return ${
      method.stream ? "a stream or an effect that makes a queue" : "an effect"
    }, not ${textOf(answer)}`
  )

// makes a handler's effect a part of the trace of its caller
const traced = (
  { actor, discard, method }: IncomingCall,
  trace: Frames.Extras["trace"],
  effect: AnyEffect
): AnyEffect => {
  const parent = trace && Tracer.externalSpan({ traceId: trace[0], spanId: trace[1], sampled: trace[2] })
  const { isTraced, name } = actor
  // a relay is no part of the trace
  if (actor.isRelay || (method.tracing ?? actor.tracing) === "off") {
    return parent === undefined ? effect : Effect.withParentSpan(effect, parent, { captureStackTrace: false })
  }
  const options: Tracer.SpanOptionsNoTrace = {
    kind: discard ? "consumer" : "server",
    ...(parent === undefined ? { root: true } : { parent }),
    ...(parent !== undefined && discard ? { links: [{ span: parent, attributes: {} }] } : {}),
    ...(isTraced
      ? { attributes: ClientSpan.attributesOf(name, method.tag, ActorId.ofServed(actor)) }
      : {})
  }
  return Effect.useSpan(`${name}.${method.tag}`, options, (span) =>
    Effect.onExit(
      Effect.withParentSpan(effect, span, { captureStackTrace: false }),
      (exit) => Effect.sync(() => ClientSpan.describe(span, exit))
    ))
}

/** Reports to the caller of a relayed call when the handler begins. */
class RelayedBegin implements ClientSpan.CallFollower {
  private readonly outbox: Outbox
  private readonly id: number

  constructor(outbox: Outbox, id: number) {
    this.outbox = outbox
    this.id = id
  }

  queued(): void {}

  begun(time: number): void {
    this.outbox.push(Frames.Begun, this.id, time)
  }
}

/** Enters handlers. */
export class Invocation {
  private readonly outbox: Outbox
  private readonly budget: EventLoopBudget
  private readonly ends: Handles.Ends
  private readonly replies: ReplyWriter
  private readonly onStaged: (producer: StreamProducer) => void
  private readonly onHold: (call: IncomingCall) => () => void

  /**
   * `onStaged`: called when items of a stream wait for the end of the turn; `onHold`: called when a relay takes time to forward a call,
   * returns how to continue
   */
  constructor(
    outbox: Outbox,
    budget: EventLoopBudget,
    ends: Handles.Ends,
    replies: ReplyWriter,
    onStaged: (producer: StreamProducer) => void,
    onHold: (call: IncomingCall) => () => void
  ) {
    this.outbox = outbox
    this.budget = budget
    this.ends = ends
    this.replies = replies
    this.onStaged = onStaged
    this.onHold = onHold
  }

  /**
   * Decodes the payload, enters the handler, and sets the effect of the call. Returns `false` if decoding takes an effect: then the
   * call's effect decodes the payload, and succeeds with a {@link Decoded}.
   */
  prepare(call: IncomingCall): boolean {
    const { payload } = call.method
    const decoded = call.decoded ?? (payload.handles
      ? Marshal.decode(this.importing(call), payload, call.wire)
      : payload.decode(call.wire))
    call.wire = undefined
    if (isSuccess(decoded)) {
      this.enter(call, decoded.value)
      return true
    }
    const isUndecodable = isFailure(decoded)
    call.effect = isUndecodable
      ? Effect.die(new Undecodable(Codec.issueText(decoded.cause)))
      : Effect.map(Effect.exit(decoded), (exit) => new Decoded(exit))
    return isUndecodable
  }

  // the handles that an actor receives live until the actor ends or releases them; those that a relay forwards, as long as the call
  private importing({ actor, lent, taken }: IncomingCall): Handles.Importing {
    const receiver = actor.id < 0 ? actor.owner : actor
    const scope = actor.isRelay ? lent : receiver?.scope
    return { ends: this.ends, owner: Handles.caller, receiver, context: actor.context, scope, lent, taken }
  }

  private enter(call: IncomingCall, payload: unknown): void {
    const { actor, extras, index, method } = call
    const options = {
      client: actor.client,
      requestId: call.id,
      headers: extras?.headers === undefined ? Headers.empty : Headers.fromRecordUnsafe(extras.headers),
      payload,
      rpc: method.rpc
    }
    if (actor.id < 0 && Methods.carriesHandles(method)) Object.assign(options, { taken: call.taken ?? [] })
    if (actor.isRelay) {
      const hold = () => this.onHold(call)
      const follower = extras?.reportsBegin === true ? new RelayedBegin(this.outbox, call.id) : undefined
      Object.assign(options, { discard: extras?.discard, streamBufferSize: extras?.window, hold, follower })
    }
    try {
      let answer = actor.handlers[index]!(payload, options)
      let fork = false
      let uninterruptible = false
      if (Rpc.isWrapper(answer)) {
        ;({ fork, uninterruptible } = answer)
        answer = answer.value
      }
      let effect = answer as AnyEffect
      if (!Effect.isEffect(answer) && !(method.stream && Stream.isStream(answer))) throw notAnEffect(call, answer)
      if (method.stream) effect = this.stream(call, answer as Parameters<StreamProducer["run"]>[0])
      for (const service of method.rpc.middlewares) {
        const middleware = Context.getUnsafe(actor.context, service) as unknown as (
          effect: AnyEffect,
          options: unknown
        ) => AnyEffect
        effect = middleware(effect, options)
      }
      const trace = extras?.trace
      if (trace !== undefined || actor.isTraced) {
        effect = traced(call, trace, effect)
        if (extras?.reportsBegin === true && !actor.isRelay) effect = this.reporting(call, effect)
      }
      const log = extras?.log
      if (log !== undefined) effect = CallerLog.within(effect, log)
      const values = extras?.values
      call.effect = values === undefined ? effect : Propagated.within(effect, values)
      call.forked = fork
      call.uninterruptible = uninterruptible
      actor.recordFork(index, fork)
    } catch (defect) {
      call.effect = Effect.die(defect)
    }
  }

  // reports to the caller when the handler begins
  private reporting({ id }: IncomingCall, effect: AnyEffect): AnyEffect {
    return Effect.withFiber((fiber) => {
      // the clock of spans
      const micros = fiber.getRef(Clock.Clock).currentTimeNanosUnsafe() / 1_000n
      this.outbox.push(Frames.Begun, id, Number(micros) / 1_000)
      return effect
    })
  }

  private stream(call: IncomingCall, answer: Parameters<StreamProducer["run"]>[0]): AnyEffect {
    const { success } = call.method
    call.producer = new StreamProducer({
      outbox: this.outbox,
      budget: this.budget,
      id: call.id,
      codec: success,
      exporting: success.handles ? this.replies.exporting(call.actor) : undefined,
      discard: call.discard,
      window: call.extras?.window,
      onStaged: this.onStaged
    })
    return call.producer.run(answer)
  }
}
