/**
 * A program that serves its page until its input ends. The first argument is JSON: its options. It prints the address of the page when its
 * actors are there.
 */
import { Effect, Layer, Logger, Redacted, Schedule } from "effect"
import * as ActorMetrics from "../../../src/ActorMetrics.ts"
import * as ActorSystem from "../../../src/ActorSystem.ts"
import * as NodeActorSystem from "../../../src/node/NodeActorSystem.ts"
import * as NodeObserver from "../../../src/node/NodeObserver.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { Manager } from "../../contract/observe/actors/manager.ts"
import { Walker } from "../../contract/observe/actors/walker.ts"
import shop, { Orders, Price, Stock } from "../actors/shop.ts"
import type { ShopOptions } from "../support/program.ts"

const options: ShopOptions = JSON.parse(process.argv[2] ?? "{}")

const supervised = Supervision.supervised(Supervision.make({ maxRestarts: 5, window: "1 minute" }))

/** Orders without an end, twelve at a time, and reservations without an order. */
const sell = Effect.gen(function*() {
  const stock = yield* supervised(Stock.spawn())
  const price = yield* supervised(Price.spawn())
  const orders = yield* supervised(Orders.spawn({ price, stock }))
  let item = 0
  const one = Effect.suspend(() => Effect.ignore(orders.checkout({ item: item++ })))
  const looks = Effect.suspend(() => Effect.ignore(price.of({ item: item % 60 })))
  const reserve = Effect.suspend(() => Effect.ignore(stock.reserve({ item: item++ })))
  for (let i = 0; i < 12; i++) yield* Effect.forkScoped(Effect.forever(one))
  for (let i = 0; i < 6; i++) yield* Effect.forkScoped(Effect.forever(Effect.andThen(reserve, Effect.sleep(50))))
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(looks, Effect.sleep(2))))
})

/** Two actors that wait for each other. */
const deadlock = Effect.gen(function*() {
  const walkers = [yield* Walker.spawn(), yield* Walker.spawn()] as const
  for (const walker of walkers) yield* walker.meet({ peers: walkers })
  yield* Effect.forkScoped(Effect.ignore(walkers[0].walk({ path: [1, 0] })))
})

const block = Effect.gen(function*() {
  const stock = yield* supervised(Stock.spawn())
  yield* Effect.forkScoped(Effect.ignore(stock.spin({ millis: 600_000 })))
})

/** An actor with systems of its own. */
const employ = Effect.gen(function*() {
  const manager = yield* supervised(Manager.spawn())
  for (const on of ["threads", "memory"] as const) {
    yield* Effect.forkScoped(Effect.ignore(manager.employ({ on, count: 1 })))
  }
  yield* Effect.repeat(manager.staff(), { until: ({ length }) => length === 2, schedule: Schedule.spaced(20) })
})

const crowd = (count: number) =>
  Effect.forEach(Array.from({ length: count }), () => Price.spawn(), { concurrency: 100 })

const threads = (module: string, workers: number) =>
  NodeActorSystem.layerThreads({ module: new URL(module, import.meta.url), workers, shutdownTimeout: "200 millis" })

const program = Effect.gen(function*() {
  const use = <E>(effect: Effect.Effect<unknown, E, any>, layer: Layer.Layer<any, any>) =>
    Effect.flatMap(Layer.build(layer), (context) => Effect.provideContext(effect, context))
  if (options.sells === true) yield* use(sell, threads("../actors/shop.ts", 3))
  if (options.blocked === true) yield* use(block, threads("../actors/shop.ts", 1))
  if (options.deadlocked === true) yield* use(deadlock, threads("../../contract/observe/actors/walker.ts", 2))
  if (options.nested === true) yield* use(employ, threads("../../contract/observe/actors/manager.ts", 1))
  if (options.crowd !== undefined) yield* use(crowd(options.crowd), ActorSystem.ActorSystem.layer(shop))
  const { page } = yield* NodeObserver.HttpAddress
  console.log(`ready ${Redacted.value(page)}`)
  yield* Effect.callback<void>((resume) => {
    process.stdin.once("end", () => resume(Effect.void)).resume()
  })
})

await program.pipe(
  Effect.scoped,
  Effect.provide(Layer.merge(
    NodeObserver.layerHttp({ actions: options.actions, port: options.port, token: options.token }),
    options.sells === true ? ActorMetrics.layer({ durations: true }) : Layer.empty
  )),
  Effect.provide(Logger.layer([])),
  Effect.runPromise
)
