/**
 * Support for tests of programs with actors: workers and links that fail on purpose.
 *
 * @module uactor/testing
 * @since 0.1.0
 */
export * as ActorTest from "./ActorTest.ts"
