/**
 * Introduces the holder of a handle to the actor, the object or the pending result behind it: the worker of the owner also serves it on
 * a channel to the holder's worker.
 */
import type * as Codec from "../codec/codec.ts"
import * as Methods from "../codec/methods.ts"
import type * as Handles from "../handles/handle.ts"
import type * as WireHandles from "../handles/wireHandle.ts"
import type { ActorProxy } from "../proxy/actorProxy.ts"
import * as Frames from "../wire/frames.ts"

/**
 * Provides a direct route to the holder. If the holder has a route already, to `target` on `channel`, passes a marker there behind all
 * relayed calls. `undefined`: there is no route, now or later.
 */
export const provideRoute = (
  proxy: ActorProxy,
  holder: Handles.Introducer | undefined,
  channel: number,
  target: number,
  infoOf: () => Frames.MailboxInfo | undefined
): WireHandles.RouteInfo | undefined => {
  const { introducer } = proxy.connection.ends
  if (introducer === undefined || holder === undefined || proxy.closing) return undefined
  if (proxy.methods.every(Methods.carriesHandles)) return undefined
  // calls that wait here would be overtaken
  if (!proxy.isAvailable || proxy.waiting.size > 0) return Frames.RouteUnavailable
  if (channel > 0 && introducer.disembargo(channel, target)) return Frames.RouteMarked
  const provided = introducer.provide(proxy.id, false, holder)
  return provided === undefined ? Frames.RouteUnavailable : [...provided, infoOf(), proxy.owner?.isSupervised === true]
}

/** The same for a pending result of a worker. A result settles once and needs no order, so its route needs no marker. */
export const provideResult = (
  id: number,
  { error, success }: Codec.ResultCodec,
  introducer: Handles.Introducer | undefined,
  holder: Handles.Introducer | undefined
): WireHandles.RouteInfo | undefined => {
  // actors of one worker share its link to the host
  if (introducer === undefined || holder === undefined || introducer === holder) return undefined
  // the handles in the result would depend on the channel
  if (success.handles || error.handles) return undefined
  const provided = introducer.provide(id, true, holder)
  return provided && [...provided, undefined, false]
}
