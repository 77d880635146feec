/**
 * The transport between runners, after `Runners.makeRpc` of Effect, with two differences. A call that may be at a runner, and may not run
 * twice, is not sent to another runner: it fails. A runner that stops does not interrupt its callers: a persisted call reads its reply
 * from the storage, and any other call fails.
 */
import * as Cause from "effect/Cause"
import * as ClusterError from "effect/cluster/ClusterError"
import * as ClusterSchema from "effect/cluster/ClusterSchema"
import type * as Envelope from "effect/cluster/Envelope"
import * as Message from "effect/cluster/Message"
import type { MessageStorage } from "effect/cluster/MessageStorage"
import * as Reply from "effect/cluster/Reply"
import type { RunnerAddress } from "effect/cluster/RunnerAddress"
import * as Runners from "effect/cluster/Runners"
import type { ShardingConfig } from "effect/cluster/ShardingConfig"
import * as Snowflake from "effect/cluster/Snowflake"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as RcMap from "effect/RcMap"
import type * as Rpc from "effect/rpc/Rpc"
import * as RpcClient from "effect/rpc/RpcClient"
import { RpcClientError } from "effect/rpc/RpcClientError"
import * as RpcSchema from "effect/rpc/RpcSchema"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import { Attempt, CurrentAttempt, deliveryOf, Guard, Lost } from "./delivery.ts"

type Service = Runners.Runners["Service"]
type Refusal = ClusterError.EntityNotAssignedToRunner | ClusterError.MailboxFull | ClusterError.AlreadyProcessingMessage
type Unsent = Refusal | ClusterError.RunnerUnavailable

const rpcOf = (message: Message.Outgoing<any>): Rpc.AnyWithProps => message.rpc as Rpc.AnyWithProps

const isPersisted = ({ annotations }: Rpc.AnyWithProps): boolean => Context.get(annotations, ClusterSchema.Persisted)

const attemptOf = (message: Message.Outgoing<any>): Attempt | undefined =>
  message._tag === "OutgoingRequest" && deliveryOf(rpcOf(message)) !== undefined
    ? Context.get(message.context as Context.Context<never>, CurrentAttempt)
    : undefined

const lost = (address: RunnerAddress): Effect.Effect<never, ClusterError.RunnerUnavailable> =>
  Effect.fail(new ClusterError.RunnerUnavailable({ address }))

// the connection failed before the call or under it, reported by the client or by a write to the socket
const isConnectionFailure = (reason: Cause.Reason<unknown>): boolean =>
  Cause.isFailReason(reason)
    ? reason.error instanceof RpcClientError
    : Cause.isDieReason(reason) && Socket.isSocketError(reason.defect)

/** Settles a call to a runner that ends without a reply. */
const guarded = (
  address: RunnerAddress,
  message: Message.Outgoing<any>,
  call: Effect.Effect<void, Refusal | RpcClientError, Scope.Scope>,
  respondDefect: (defect: unknown) => Effect.Effect<void>
): Effect.Effect<void, Unsent> =>
  Effect.suspend(() => {
    const rpc = rpcOf(message)
    const attempt = attemptOf(message) ?? new Attempt(Infinity, 0)
    const end = (reason: Lost["reason"], why: string) => {
      if (deliveryOf(rpc) === "once" && message._tag === "OutgoingRequest" && attempt.delivered) {
        return Effect.die(new Lost(reason, `${why} ${address.host}:${address.port}`))
      }
      return Effect.andThen(attempt.giveBack, lost(address))
    }
    const settled = (cause: Cause.Cause<Refusal | RpcClientError>): Effect.Effect<void, Unsent> => {
      if (cause.reasons.some(isConnectionFailure)) return end("Disconnected", "the connection was lost to its runner")
      // the runner has refused the call
      if (cause.reasons.some(Cause.isFailReason)) {
        return Effect.andThen(attempt.takeBack, Effect.failCause(cause as Cause.Cause<Refusal>))
      }
      // The runner has interrupted the call, because it stops. Nothing of this runs if the caller is interrupted.
      if (Cause.hasInterruptsOnly(cause) && (deliveryOf(rpc) !== undefined || isPersisted(rpc))) {
        return end("Stopped", "it was interrupted with its runner")
      }
      if (isPersisted(rpc)) return lost(address)
      return Cause.hasInterruptsOnly(cause)
        ? Effect.failCause(cause as Cause.Cause<never>)
        : respondDefect(Cause.squash(cause))
    }
    return Effect.catchCause(Effect.scoped(Effect.provideService(call, CurrentAttempt, attempt)), settled)
  })

/** Effect's `Runners` over the connections of `Runners.RpcClientProtocol`, guarded. */
const make: Effect.Effect<
  Service,
  never,
  Runners.RpcClientProtocol | MessageStorage | Snowflake.Generator | ShardingConfig | Scope.Scope
> = Effect.gen(function*() {
  const transport = yield* Runners.RpcClientProtocol
  const snowflakes = yield* Snowflake.Generator
  const clients = yield* RcMap.make({
    lookup: (address: RunnerAddress) =>
      Effect.flatMap(transport.make(address), (protocol) =>
        Effect.map(
          Effect.provideService(Runners.makeRpcClient, RpcClient.Protocol, protocol),
          (client) => ({ client, codecFor: protocol.codecFor })
        )),
    idleTimeToLive: "3 minutes"
  })

  const respond = (message: Message.OutgoingRequest<any>, defect: unknown): Effect.Effect<void> =>
    message.respond(
      new Reply.WithExit({
        requestId: message.envelope.requestId,
        id: snowflakes.nextUnsafe(),
        exit: Exit.die(defect)
      })
    )

  const request = (
    address: RunnerAddress,
    message: Message.OutgoingRequest<any>
  ): Effect.Effect<void, Refusal | RpcClientError, Scope.Scope> =>
    Effect.flatMap(
      RcMap.get(clients, address),
      ({ client, codecFor }) =>
        Effect.matchEffect(Message.serializeRequest(message, codecFor), {
          onFailure: (error) => respond(message, error),
          onSuccess: (request): Effect.Effect<void, Refusal | RpcClientError, Scope.Scope> => {
            const rpc = rpcOf(message)
            const persisted = isPersisted(rpc)
            const decode = Schema.decodeEffect(Reply.Reply(message.rpc, codecFor))
            const answer = (reply: Reply.Encoded) =>
              Effect.flatMap(
                Effect.orDie(Effect.provideContext(decode(reply), message.context as Context.Context<any>)),
                message.respond
              )
            if (!RpcSchema.isStreamSchema(rpc.successSchema)) {
              return Effect.flatMap(client.Effect({ request, persisted }), answer)
            }
            return Effect.flatMap(client.Stream({ request, persisted }, { asQueue: true }), (replies) =>
              Effect.catchTag(
                Effect.forever(Effect.flatMap(Queue.take(replies), answer)),
                "Done",
                () => Effect.void
              ))
          }
        })
    )

  const envelope = (
    address: RunnerAddress,
    message: Message.OutgoingEnvelope
  ): Effect.Effect<void, Refusal | RpcClientError, Scope.Scope> =>
    Effect.flatMap(
      RcMap.get(clients, address),
      ({ client }) => client.Envelope({ envelope: message.envelope, persisted: isPersisted(message.rpc) })
    )

  const notification = (
    address: RunnerAddress,
    message: Message.Outgoing<any>
  ): Effect.Effect<void, Refusal | RpcClientError, Scope.Scope> =>
    Effect.flatMap(RcMap.get(clients, address), ({ client, codecFor }) => {
      const encoded: Effect.Effect<Envelope.Partial> = message._tag === "OutgoingRequest"
        ? Effect.orDie(Message.serializeRequest(message, codecFor))
        : Effect.succeed(message.envelope)
      return Effect.flatMap(
        encoded,
        (envelope) => client.Notify({ envelope, persisted: isPersisted(rpcOf(message)) })
      )
    })

  return yield* Runners.make({
    codecFor: transport.codecFor,
    ping: (address) =>
      Effect.scoped(Effect.catchCause(
        Effect.flatMap(RcMap.get(clients, address), ({ client }) => client.Ping()),
        () => Effect.andThen(RcMap.invalidate(clients, address), lost(address))
      )),
    send: ({ address, message }): Effect.Effect<void, Unsent> =>
      message._tag === "OutgoingRequest"
        ? guarded(address, message, request(address, message), (defect) => respond(message, defect))
        : guarded(address, message, envelope(address, message), Effect.die),
    notify: ({ address, message }): Effect.Effect<void, Unsent> => {
      if (Option.isNone(address)) return Effect.void
      const sent = guarded(address.value, message, notification(address.value, message), Effect.die)
      // the runner reads the message from the storage
      return isPersisted(rpcOf(message)) ? Effect.ignore(sent) : sent
    },
    onRunnerUnavailable: (address) => RcMap.invalidate(clients, address)
  })
})

/** Notes the delivery of calls to entities of the same runner, too. */
const noteLocal = (runners: Service): Service => ({
  ...runners,
  sendLocal: (options) => {
    const attempt = attemptOf(options.message as Message.Outgoing<any>)
    if (attempt === undefined) return runners.sendLocal(options)
    return Effect.suspend(() => {
      attempt.delivered = true
      return Effect.tapError(runners.sendLocal(options), () => attempt.takeBack)
    })
  }
})

const layerOf = <E, R>(runners: Effect.Effect<Service, E, R>) =>
  Layer.merge(
    Layer.effect(Runners.Runners, Effect.map(runners, noteLocal)).pipe(Layer.provide(Snowflake.layerGenerator)),
    Layer.succeed(Guard, true)
  )

/** The transport between the runners of a cluster. */
export const layer: Layer.Layer<
  Runners.Runners | Guard,
  never,
  Runners.RpcClientProtocol | MessageStorage | ShardingConfig
> = layerOf(make)

/** The transport of a cluster of one runner. */
export const layerLocal: Layer.Layer<Runners.Runners | Guard, never, MessageStorage | ShardingConfig> = layerOf(
  Runners.makeNoop
)
