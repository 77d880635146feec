/**
 * The common properties of all handles.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { AnyActorRef } from "../ActorRef.ts"
import * as Handles from "../internal/handles/handle.ts"

/**
 * A handle of any kind. It lives as long as the scope that received it, or until {@link release}. A handle in the payload of a call lives
 * as long as the actor that received the call.
 *
 * @category models
 * @since 0.1.0
 */
export interface AnyHandle {
  /** Marks a handle. */
  readonly [Handles.HandleTypeId]: object
  /** The kind of the handle, such as `Handle(Queue)`. */
  toString(): string
}

/**
 * Releases a handle, or a reference that was received as a value, before its scope closes. Its later uses fail with `HandleReleased`. The
 * permits and locks that it holds are released. When the last holder has released the handle, the owner releases the object behind it.
 * `release` does nothing at the owner itself.
 *
 * @category combinators
 * @since 0.1.0
 */
export const release = (handle: AnyHandle | AnyActorRef): Effect.Effect<void> =>
  Effect.sync(() => Handles.releaseHandle(handle))
