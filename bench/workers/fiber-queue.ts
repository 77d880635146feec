/**
 * The reference of the cases with many actors on one thread: a hand-written Effect actor, a fiber that lives as long as the actor and takes
 * from a Queue. All work runs inside this thread, on one order from outside.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import { parentPort } from "node:worker_threads"
import { heapUsed } from "./heap.ts"

/** An order to this thread. */
export type Order =
  | { readonly spawn: number }
  | { readonly ask: number; readonly width: number }
  | { readonly stop: true }
  | { readonly heap: true }

interface Message {
  readonly n: number
  readonly reply: Deferred.Deferred<number>
}

const spawn = Effect.fnUntraced(function*() {
  const queue = yield* Queue.unbounded<Message>()
  yield* Queue.take(queue).pipe(
    Effect.flatMap(({ n, reply }) => Deferred.succeed(reply, n + 1)),
    Effect.forever,
    Effect.forkScoped({ startImmediately: true })
  )
  return queue
})

const ask = Effect.fnUntraced(function*(queue: Queue.Enqueue<Message>, n: number) {
  const reply = yield* Deferred.make<number>()
  yield* Queue.offer(queue, { n, reply })
  return yield* Deferred.await(reply)
})

let scope = Scope.makeUnsafe()
let actors: ReadonlyArray<Queue.Enqueue<Message>> = []

const obey = Effect.fnUntraced(function*(order: Order) {
  if ("heap" in order) return heapUsed()
  if ("spawn" in order) {
    actors = yield* Effect.forEach(Array.from({ length: order.spawn }), spawn).pipe(Scope.provide(scope))
    return actors.length
  }
  if ("stop" in order) {
    yield* Scope.close(scope, Exit.void)
    scope = Scope.makeUnsafe()
    actors = []
    return 0
  }
  const answers = yield* Effect.forEach(
    Array.from({ length: order.ask }, (_, i) => i),
    (i) => ask(actors[i % actors.length]!, i),
    { concurrency: order.width }
  )
  return answers.reduce((sum, n) => sum + n, 0)
})

parentPort!.on("message", (order: Order) => {
  Effect.runCallback(obey(order), {
    onExit: (exit) => parentPort!.postMessage(Exit.isSuccess(exit) ? exit.value : String(exit.cause))
  })
})
