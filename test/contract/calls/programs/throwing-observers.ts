/**
 * Has observers of fibers throw, wherever such a fiber waits together with others, in a program that goes on after what nobody catches;
 * prints how many of the others have come to an end, and how often an exception was uncaught. Its argument is the placement.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { ActorRef, ActorSystem } from "../../../../src/index.ts"
import { NodeActorSystem } from "../../../../src/node/index.ts"
import * as Journal from "../../support/journal.ts"
import behaviours, { Mortal } from "../actors/reactions.ts"

let uncaught = 0
process.on("uncaughtException", () => {
  uncaught++
})

const module = new URL("../actors/reactions.ts", import.meta.url)
const systems: Record<string, Layer.Layer<ActorSystem>> = {
  memory: ActorSystem.layer(behaviours),
  threads: NodeActorSystem.layerThreads({ module }),
  processes: NodeActorSystem.layerProcesses({ module })
}

const waiting = 20

/** The number of observers that throw. */
let throwing = 0

/** Starts many fibers that run the same, every other one of which has an observer that throws; gives those that were started. */
const started = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.forEach(
    Array.from({ length: waiting }),
    (_, i) =>
      Effect.map(Effect.forkDetach(effect, { startImmediately: true }), (fiber) => {
        if (i % 2 === 0) {
          throwing++
          fiber.addObserver(() => {
            throw new Error("thrown by an observer")
          })
        }
        return fiber
      })
  )

/** How many of them end. Nobody else can observe a fiber whose first observer throws. */
const ended = (fibers: ReadonlyArray<Fiber.Fiber<unknown, unknown>>): Effect.Effect<number> => {
  const deadline = performance.now() + 100_000
  const count = (): number => fibers.filter((fiber) => fiber.pollUnsafe() !== undefined).length
  const wait: Effect.Effect<number> = Effect.suspend(() =>
    count() === fibers.length || performance.now() > deadline
      ? Effect.succeed(count())
      : Effect.flatMap(Effect.sleep(5), () => wait)
  )
  return wait
}

const program = Effect.gen(function*() {
  const { note, path: journal } = yield* Journal.make
  yield* note("go")
  const answering = yield* Mortal.spawn({ journal })
  const answers = yield* ended(yield* started(answering.ping()))
  const queue = yield* answering.queue()
  const taking = yield* started(queue.take)
  yield* answering.ping()
  const interrupts = yield* ended(
    yield* Effect.forEach(taking, (fiber) => Effect.as(Effect.sync(() => fiber.interruptUnsafe()), fiber))
  )

  const killed = yield* Mortal.spawn({ journal })
  const calls = yield* started(killed.hang())
  const watchers = yield* started(ActorRef.awaitExit(killed))
  yield* ActorRef.kill(killed)
  const deaths = yield* ended([...calls, ...watchers])

  const stopped = yield* Mortal.spawn({ journal })
  const stops = yield* ended(yield* started(ActorRef.stop(stopped)))
  return { answers, interrupts, deaths, stops, later: yield* answering.ping() }
})

const result = await Effect.runPromise(
  Effect.scoped(program).pipe(Effect.provide(systems[process.argv[2]!]!), Effect.provide(Logger.layer([])))
)
await Effect.runPromise(Journal.until("all exceptions are uncaught", () => uncaught >= throwing))
// an exception that arrives twice would arrive in the next turn
await new Promise((resolve) => setImmediate(resolve))
console.log(JSON.stringify({ ...result, uncaught }))
