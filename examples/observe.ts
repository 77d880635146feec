// A small busy system to look at with the command `uactor`: calls queue up before one slow actor. In a terminal it runs until Ctrl-C.
import { Console, Effect, Layer } from "effect"
import { NodeActorSystem } from "uactor/node"
import * as NodeObserver from "uactor/node/NodeObserver"
import { Oven, Waiter } from "./actors/kitchen.ts"

const program = Effect.gen(function*() {
  yield* Console.log(`look at this program from another terminal: npx uactor top ${process.pid}`)
  const oven = yield* Oven.spawn()
  const waiters = yield* Effect.all([Waiter.spawn({ oven }), Waiter.spawn({ oven }), Waiter.spawn({ oven })])
  // two tables for each waiter order again and again
  const tables = waiters.flatMap((waiter, i) => [waiter.order({ table: 2 * i }), waiter.order({ table: 2 * i + 1 })])
  const rounds = process.stdout.isTTY ? Infinity : 1
  yield* Effect.forEach(tables, (order) => Effect.repeat(order, { times: rounds - 1 }), { concurrency: "unbounded" })
  yield* Console.log(`served ${rounds * tables.length} pizzas`)
}).pipe(Effect.scoped)

const system = NodeActorSystem.layerThreads({ module: new URL("./actors/kitchen.ts", import.meta.url) })
const observer = NodeObserver.layerSocket({ actions: ["profile", "kill"] })

await program.pipe(Effect.provide(Layer.merge(system, observer)), Effect.runPromise)
