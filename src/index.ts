/**
 * Actors as scoped Effect services, in memory, on worker threads and in child processes.
 *
 * @module uactor
 * @since 0.1.0
 */
export * as Actor from "./Actor.ts"
export {
  ActorError,
  ActorExited,
  CallTimedOut,
  HandleError,
  HandleReleased,
  MailboxFull,
  ProtocolError,
  SpawnError
} from "./ActorError.ts"
export type { Outcome } from "./ActorError.ts"
export * as ActorPool from "./ActorPool.ts"
export * as ActorRef from "./ActorRef.ts"
export { ActorSystem } from "./ActorSystem.ts"
export * as Handle from "./Handle.ts"
export * as SharedBuffer from "./SharedBuffer.ts"
export * as Supervision from "./Supervision.ts"
export * as WorkerConfig from "./WorkerConfig.ts"
