/**
 * References to objects that stay in the actor. A method with one of these schemas in its result or payload exports a handle instead of
 * a copy. The holder uses the handle like the object: a pending result, a value, a queue, a hub, a semaphore, a lock, a latch, a
 * barrier, a map, a list, a stream, or an object with methods of your own.
 *
 * A handle may be passed to other actors and still reaches its owner. A handle lives as long as the scope that received it, or until
 * {@link release}.
 *
 * @module
 * @since 0.1.0
 */
export { type AnyHandle, release } from "./handle/AnyHandle.ts"
export { Barrier, type BarrierHandle, makeBarrier } from "./handle/Barrier.ts"
export { fromList, fromMap, List, type ListHandle, Map, type MapHandle } from "./handle/Collections.ts"
export { Deferred, type DeferredHandle, fork, fromDeferred, toFiber } from "./handle/Deferred.ts"
export { fromLatch, Latch, type LatchHandle, makeLatch } from "./handle/Latch.ts"
export { Lock, type LockHandle, makeLock } from "./handle/Lock.ts"
export { make, object, type ObjectHandle, type ObjectSchema } from "./handle/Object.ts"
export { fromPubSub, makePubSub, PubSub, type PubSubHandle } from "./handle/PubSub.ts"
export { fromQueue, makeQueue, Queue, type QueueHandle } from "./handle/Queue.ts"
export { fromRef, makeRef, Ref, type RefHandle } from "./handle/Ref.ts"
export { fromSemaphore, makeSemaphore, Semaphore, type SemaphoreHandle } from "./handle/Semaphore.ts"
export { fromStream, Stream, type StreamHandle } from "./handle/Stream.ts"
