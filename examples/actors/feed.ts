// An actor with background work: it reads prices until the connection is lost, and starts again with its next incarnation.
import { Effect, Ref, Schema, Stream } from "effect"
import { Actor } from "uactor"

export class Feed extends Actor.Service<Feed>()("Feed", {
  protocol: { price: Actor.method({ success: Schema.Int }) }
}) {}

export default Feed.toLayer(() =>
  Effect.gen(function*() {
    const { address, incarnation } = yield* Actor.self(Feed)
    const price = yield* Ref.make(0)
    yield* Effect.log(`incarnation ${incarnation} of ${address}`)
    const prices = Stream.range(incarnation * 100, incarnation * 100 + 5)
    const connection = Stream.concat(prices, incarnation < 3 ? Stream.die(new Error("connection lost")) : Stream.never)
    yield* Actor.forkSupervised(Stream.runForEach(connection, (next) => Ref.set(price, next)))
    return { price: () => Ref.get(price) }
  })
)
