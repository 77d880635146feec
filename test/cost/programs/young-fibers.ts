/**
 * Prints whether the arrays of a fiber are young after a burst of fibers that waited together; `with` has a system of actors made
 * before. To be run with V8's `%` functions and `gc`.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as vm from "node:vm"
import { ActorSystem } from "../../../src/ActorSystem.ts"

const isYoung = vm.runInThisContext("(object) => %InYoungGeneration(object)") as (object: object) => boolean

interface Internals {
  readonly _stack: object
  readonly _observers: object
}

const wait = () => {
  let go = (): void => undefined
  const fiber = Effect.runFork(Effect.callback<void>((resume) => {
    go = () => resume(Exit.void)
  }))
  fiber.addObserver(() => undefined)
  return { go, internals: fiber as unknown as Internals }
}

const program = Effect.gen(function*() {
  if (process.argv[2] === "with") yield* Layer.build(ActorSystem.layer(Layer.empty))
  const burst = Array.from({ length: 1000 }, wait)
  gc!()
  for (const { go } of burst) go()
  // until it is compiled for what V8 thinks of them
  for (let i = 0; i < 50_000; i++) wait().go()
  const { go, internals } = wait()
  console.log(JSON.stringify({ stack: isYoung(internals._stack), observers: isYoung(internals._observers) }))
  go()
})

await Effect.runPromise(Effect.scoped(program))
