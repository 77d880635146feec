import { assert, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { Actor, ActorError, ActorRef, ActorSystem, HandleError, HandleReleased, MailboxFull } from "../../src/index.ts"

const full = new MailboxFull({ actor: "A", method: "get", capacity: 1, outcome: "NotRun", message: "full" })
const released = new HandleReleased({ actor: "A", message: "released" })

it("C1: ActorError and HandleError are guards and schemas of their errors", () => {
  assert.deepStrictEqual([full, released, new Error("full"), undefined].map((u) => ActorError.is(u)), [
    true,
    false,
    false,
    false
  ])
  assert.deepStrictEqual([full, released, { _tag: "MailboxFull" }, null].map((u) => HandleError.is(u)), [
    true,
    true,
    false,
    false
  ])
  assert.deepStrictEqual<ReadonlyArray<string>>(ActorError.tags, [
    "ActorExited",
    "MailboxFull",
    "CallTimedOut",
    "ProtocolError"
  ])
  assert.deepStrictEqual<ReadonlyArray<string>>(HandleError.tags, [...ActorError.tags, "HandleReleased"])
  const decoded = Schema.decodeUnknownSync(ActorError)(Schema.encodeSync(ActorError)(full))
  assert.instanceOf(decoded, MailboxFull)
  assert.strictEqual(decoded.message, "full")
})

it.effect("C1: ActorError.tags catches every ActorError, and no other error", () =>
  Effect.gen(function*() {
    const caught = (error: ActorError | HandleReleased) =>
      Effect.fail(error).pipe(
        Effect.catchTag(ActorError.tags, ({ outcome }) => Effect.succeed(outcome)),
        Effect.catch((other) => Effect.succeed(other))
      )
    assert.strictEqual(yield* caught(full), "NotRun")
    assert.strictEqual(yield* caught(released), released)
  }))

class Prices extends Actor.Service<Prices>()("Prices", {
  protocol: { of: Actor.method({ payload: { item: Schema.String }, success: Schema.Int }) }
}) {}

const Shop = HttpApi.make("Shop").add(
  HttpApiGroup.make("prices").add(
    HttpApiEndpoint.get("of", "/prices/:item", {
      params: { item: Schema.String },
      success: Schema.Int,
      error: ActorError.pipe(HttpApiSchema.status(503))
    })
  )
)

it.live("C1: an HTTP endpoint declares ActorError with a status", () =>
  Effect.gen(function*() {
    const shop = HttpApiBuilder.group(
      Shop,
      "prices",
      Effect.fn(function*(handlers) {
        const prices = yield* Prices.spawn()
        yield* ActorRef.stop(prices)
        return handlers.handle("of", ({ params }) => prices.of(params))
      })
    ).pipe(Layer.provide(ActorSystem.layer(Prices.toLayer({ of: () => Effect.succeed(1) }))))
    const app = HttpApiBuilder.layer(Shop).pipe(Layer.provide(shop), Layer.provide(HttpServer.layerServices))
    const { dispose, handler } = HttpRouter.toWebHandler(app, { disableLogger: true })
    const response = yield* Effect.promise(() => handler(new Request("http://localhost/prices/apple")))
    const body = yield* Effect.promise(() => response.json())
    assert.strictEqual(response.status, 503)
    assert.deepInclude(body, { _tag: "ActorExited", actor: "Prices", method: "of", outcome: "NotRun" })
    yield* Effect.promise(dispose)
  }))
