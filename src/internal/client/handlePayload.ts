/**
 * Encodes payloads that export handles. Handles are exported on one link. Such a payload is therefore encoded when its call is sent, and
 * anew for each incarnation of the actor.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Codec from "../codec/codec.ts"
import { isSuccess } from "../effect/completed.ts"
import * as Marshal from "../handles/marshal.ts"
import type { OutgoingCall } from "../proxy/outgoingCall.ts"

type Encoded = readonly [payload: unknown, transfer: ReadonlyArray<unknown> | undefined]

/** Encodes the payload of a call in a transaction. Dies with a `TypeError` if the payload cannot be sent. */
export const encode = (transaction: Marshal.EncodeTransaction, call: OutgoingCall): Exit.Exit<Encoded> => {
  const { context, method, payload, proxy } = call
  const encoding = Marshal.encode(transaction, method.payload, payload)
  if (isSuccess(encoding)) return Exit.succeed([encoding.value, undefined])
  const encoded = Effect.runSyncExitWith(context)(Codec.collect(encoding))
  if (Exit.isSuccess(encoded)) return Exit.succeed(encoded.value)
  const error = Cause.squash(encoded.cause)
  const isSlow = Cause.isAsyncFiberError(error)
  if (isSlow) error.fiber.interruptUnsafe()
  const why = isSlow ? "a payload that contains handles must be encoded synchronously" : Codec.issueText(encoded.cause)
  return Exit.die(new TypeError(`${proxy.name}.${method.tag}: the payload does not fit its schema: ${why}`))
}
