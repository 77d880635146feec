/** An actor that ends its worker, and an actor that sends it more tells than may be unfinished. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import { setTimeout } from "node:timers/promises"
import * as Actor from "../../../../src/Actor.ts"

const journal = Schema.String

export class Sink extends Actor.Service<Sink>()("Sink", {
  protocol: [
    /** ends its worker when the journal exists */
    Rpc.make("exit", { payload: { journal } }),
    Rpc.make("echo", { success: Schema.Int })
  ]
}) {}

const SinkLive = Sink.toLayer({
  exit: ({ journal }) =>
    Effect.promise(async () => {
      while (!fs.existsSync(journal)) await setTimeout(1)
      process.exit(3)
    }),
  echo: () => Effect.succeed(1)
})

export class Source extends Actor.Service<Source>()("Source", {
  protocol: [
    /** sends `exit`, then `n` tells, and begins the journal; returns the number of accepted tells */
    Rpc.make("send", { payload: { sink: Sink.ref, journal, n: Schema.Int }, success: Schema.Int })
  ]
}) {}

const SourceLive = Source.toLayer({
  send: ({ journal, n, sink }) =>
    Effect.gen(function*() {
      // a direct route is requested after some calls
      for (let i = 0; i < 10; i++) yield* sink.echo()
      yield* sink.exit({ journal }, { discard: true })
      const tells = yield* Effect.forEach(
        Array.from({ length: n }),
        () => Effect.forkChild(sink.echo(undefined, { discard: true }), { startImmediately: true })
      )
      fs.appendFileSync(journal, "sent\n")
      const exits = yield* Effect.forEach(tells, Fiber.await)
      return exits.filter(({ _tag }) => _tag === "Success").length
    }).pipe(Effect.orDie)
})

export default Layer.merge(SinkLive, SourceLive)
