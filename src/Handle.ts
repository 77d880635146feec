/**
 * References to what stays in an actor. A method whose result, or payload, has one
 * of these schemas hands out a handle instead of a copy, and whoever holds it uses
 * it as it would use the thing itself: a result in the making, a value, a queue, a
 * hub, permits, gates, collections, streams, and objects of your own.
 *
 * A handle may be passed on, to other actors too, and still reaches its owner (H4). It
 * lives as long as the scope that received it, or until {@link release} (H5).
 *
 * @since 0.1.0
 */
export { type AnyHandle, release } from "./handle/AnyHandle.ts"
export { fromList, fromMap, List, type ListHandle, Map, type MapHandle } from "./handle/Collections.ts"
export { Deferred, type DeferredHandle, fork, fromDeferred, toFiber } from "./handle/Deferred.ts"
export {
  Barrier,
  type BarrierHandle,
  fromLatch,
  Latch,
  type LatchHandle,
  makeBarrier,
  makeLatch
} from "./handle/Latch.ts"
export { make, type ObjectHandle, type ObjectSchema } from "./handle/Protocol.ts"
export { fromPubSub, makePubSub, PubSub, type PubSubHandle } from "./handle/PubSub.ts"
export { fromQueue, makeQueue, Queue, type QueueHandle } from "./handle/Queue.ts"
export { fromRef, makeRef, Ref, type RefHandle } from "./handle/Ref.ts"
export {
  fromSemaphore,
  Lock,
  type LockHandle,
  makeLock,
  makeSemaphore,
  Semaphore,
  type SemaphoreHandle
} from "./handle/Semaphore.ts"
export { fromStream, Stream, type StreamHandle } from "./handle/Stream.ts"
