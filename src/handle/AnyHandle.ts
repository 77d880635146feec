/**
 * What all handles have in common.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { AnyActorRef } from "../ActorRef.ts"
import * as Handles from "../internal/handles.ts"

/**
 * Any handle. It lives as long as the scope that received it (in a handler: the handles in a call's payload live as long as the
 * actor), or until {@link release}.
 *
 * @category models
 * @since 0.1.0
 */
export interface AnyHandle {
  readonly [Handles.HandleTypeId]: object
}

/**
 * Lets go of a handle, or of a reference that was received as a value, before its scope does: using it then fails with
 * `HandleReleased`. What it held, permits and locks, is given back; when the last holder has let go, the owner lets go of what
 * is behind it. At the owner itself it does nothing.
 *
 * @category combinators
 * @since 0.1.0
 */
export const release = (handle: AnyHandle | AnyActorRef): Effect.Effect<void> =>
  Effect.sync(() => Handles.letGo(handle))
