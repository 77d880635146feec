/**
 * The part of uactor that needs Node: systems on worker threads and child processes.
 *
 * @since 0.1.0
 */
export * as NodeActorSystem from "./NodeActorSystem.ts"
