/**
 * Actors that run elsewhere, as scoped Effect services.
 *
 * @since 0.1.0
 */
export * as Actor from "./Actor.ts"
export { ActorExited, HandleReleased, MailboxFull, ProtocolError, SpawnError } from "./ActorError.ts"
export type { ActorError, HandleError, Outcome } from "./ActorError.ts"
export * as ActorPool from "./ActorPool.ts"
export * as ActorRef from "./ActorRef.ts"
export { ActorSystem } from "./ActorSystem.ts"
export * as ActorTest from "./ActorTest.ts"
export * as Handle from "./Handle.ts"
export * as SharedBuffer from "./SharedBuffer.ts"
export * as Supervision from "./Supervision.ts"
