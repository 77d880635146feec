// An actor as a layer: `Shop` uses the service `Counter` and does not know that an actor on a thread answers.
import { Console, Context, Effect, Layer } from "effect"
import { NodeActorSystem } from "uactor/node"
import { Counter } from "./actors/counter.ts"

class Shop
  extends Context.Service<Shop, { readonly sell: (items: number) => Effect.Effect<string> }>()("examples/Shop")
{
  static readonly layer = Layer.effect(
    Shop,
    Effect.map(Counter, (counter) => ({
      sell: (items) =>
        counter.increment({ by: items }).pipe(
          Effect.map((total) => `sold ${items}, ${total} in all`),
          Effect.catch((error) => Effect.succeed(`nothing sold: ${error._tag}`))
        )
    }))
  )
}

const program = Effect.gen(function*() {
  const shop = yield* Shop
  yield* Console.log(yield* shop.sell(3))
  yield* Console.log(yield* shop.sell(4))
  yield* Console.log(yield* shop.sell(5))
})

const ShopLive = Shop.layer.pipe(
  Layer.provide(Counter.layer({ start: 0, max: 10 })),
  Layer.provide(NodeActorSystem.layerThreads({ module: new URL("./actors/counter.ts", import.meta.url) }))
)

await program.pipe(Effect.provide(ShopLive), Effect.runPromise)
