/**
 * The part of uactor that needs Node: systems on worker threads and in child processes, and worker scripts.
 *
 * @module uactor/node
 * @since 0.1.0
 */
export * as NodeActorSystem from "./NodeActorSystem.ts"
export * as NodeActorWorker from "./NodeActorWorker.ts"
