/** A shop: orders look up prices and reserve goods, of which one is slow. */
import { Effect, Layer, Schema } from "effect"
import * as Actor from "../../../src/Actor.ts"

export class Price extends Actor.Service<Price>()("Price", {
  protocol: {
    of: Actor.method({ payload: { item: Schema.Int }, success: Schema.Finite, error: Schema.Literal("unknown") })
  }
}) {}

export class Stock extends Actor.Service<Stock>()("Stock", {
  protocol: {
    reserve: Actor.method({ payload: { item: Schema.Int }, success: Schema.Int }),
    hang: Actor.method({}),
    spin: Actor.method({ payload: { millis: Schema.Finite } })
  }
}) {}

export class Orders extends Actor.Service<Orders>()("Orders", {
  args: Schema.Struct({ price: Price.ref, stock: Stock.ref }),
  protocol: { checkout: Actor.method({ payload: { item: Schema.Int }, success: Schema.Finite }) }
}) {}

const PriceLive = Price.toLayer({
  of: ({ item }) => item % 50 === 49 ? Effect.fail("unknown" as const) : Effect.as(Effect.yieldNow, item * 1.5)
})

/** Computes without a pause. */
const busyLoop = (millis: number): number => {
  const end = performance.now() + millis
  let value = 1
  while (performance.now() < end) value += Math.sqrt(value) / 1_000_000
  return value
}

const StockLive = Stock.toLayer({
  reserve: ({ item }) => Effect.as(Effect.sleep(10 + item % 30), item),
  hang: () => Effect.never,
  spin: ({ millis }) => Effect.sync(() => void busyLoop(millis))
}, { mailboxCapacity: 40 })

const OrdersLive = Orders.toLayer(({ price, stock }) =>
  Effect.succeed({
    checkout: ({ item }) =>
      Effect.orDie(Effect.andThen(
        stock.reserve({ item }),
        Effect.catch(price.of({ item }), () => Effect.succeed(0))
      ))
  }), { concurrency: 12 })

export default Actor.module(Layer.mergeAll(PriceLive, StockLive, OrdersLive))
