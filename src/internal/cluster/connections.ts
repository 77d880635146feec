/**
 * The connections between runners: notes which calls have left on a connection, and refuses messages that would end the connection.
 */
import * as Runners from "effect/cluster/Runners"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RpcClient from "effect/rpc/RpcClient"
import type * as RpcMessage from "effect/rpc/RpcMessage"
import * as RpcServer from "effect/rpc/RpcServer"
import { type Attempt, CurrentAttempt } from "./delivery.ts"

/** The maximum size of a message on a connection, in bytes: the limit of Effect's parser. */
export const maxFrameSize: number = 2 ** 24

// an upper bound of what a frame adds to its content
const frameOverhead = 2 ** 16

/** The defect of a message that is too large for a connection. */
export class OversizedMessage extends Error {
  override readonly name = "OversizedMessage"
}

const sizeOf = (content: unknown): number =>
  content instanceof Uint8Array
    ? content.byteLength
    : Array.isArray(content)
    ? content.reduce<number>((sum, each) => sum + sizeOf(each), 0)
    : 0

const contentOf = (message: RpcMessage.FromClientEncoded | RpcMessage.FromServerEncoded): unknown => {
  switch (message._tag) {
    case "Request":
      return message.payload
    case "Chunk":
      return message.values
    case "Exit":
      return message.exit
    default:
      return undefined
  }
}

// the connection, and all other calls on it, would end with the message
const refusal = (
  message: RpcMessage.FromClientEncoded | RpcMessage.FromServerEncoded
): Effect.Effect<never> | undefined => {
  const size = sizeOf(contentOf(message))
  return size <= maxFrameSize - frameOverhead ? undefined : Effect.die(
    new OversizedMessage(`a message of ${size} bytes is larger than the limit between runners, ${maxFrameSize} bytes`)
  )
}

/** Notes the delivery of calls, and refuses calls that are too large. */
export const layerClientProtocol: Layer.Layer<Runners.RpcClientProtocol, never, Runners.RpcClientProtocol> = Layer
  .effect(
    Runners.RpcClientProtocol,
    Effect.map(Runners.RpcClientProtocol, (transport) => ({
      ...transport,
      make: (address) => {
        let isConnected = false
        /** the calls that the socket sends when it opens */
        const waiting = new Set<Attempt>()
        const hooks = RpcClient.ConnectionHooks.of({
          onConnect: Effect.sync(() => {
            isConnected = true
            for (const attempt of waiting) attempt.delivered = true
          }),
          onDisconnect: Effect.sync(() => {
            isConnected = false
          })
        })
        const noteDelivery = (send: Effect.Effect<void, any>): Effect.Effect<void, any> =>
          Effect.withFiber((fiber) => {
            const attempt = fiber.getRef(CurrentAttempt)
            if (attempt === undefined) return send
            if (isConnected) {
              attempt.delivered = true
              return send
            }
            waiting.add(attempt)
            return Effect.ensuring(
              Effect.tap(send, () => Effect.sync(() => void (attempt.delivered = true))),
              Effect.sync(() => waiting.delete(attempt))
            )
          })
        return Effect.map(
          Effect.provideService(transport.make(address), RpcClient.ConnectionHooks, hooks),
          (protocol) =>
            RpcClient.Protocol.of({
              ...protocol,
              send: (clientId, message, transferables) => {
                const send = protocol.send(clientId, message, transferables)
                return message._tag === "Request" ? refusal(message) ?? noteDelivery(send) : send
              }
            })
        )
      }
    }))
  )

/** Refuses answers that are too large: the call of the answer fails. */
export const layerServerProtocol: Layer.Layer<RpcServer.Protocol, never, RpcServer.Protocol> = Layer.effect(
  RpcServer.Protocol,
  Effect.map(RpcServer.Protocol, (protocol) =>
    RpcServer.Protocol.of({
      ...protocol,
      send: (clientId, message, transferables) => refusal(message) ?? protocol.send(clientId, message, transferables)
    }))
)
