/** Actors whose tracer is their own, and tells what it has seen. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import * as Actor from "../../../../src/Actor.ts"
import * as Handle from "../../../../src/Handle.ts"

const Span = Schema.Struct({ name: Schema.String, id: Schema.String, parent: Schema.String, trace: Schema.String })
const spans: Array<typeof Span.Type> = []
const tracer = Tracer.make({
  span: (options) => {
    const span = new Tracer.NativeSpan(options)
    const parent = Option.match(options.parent, { onNone: () => "none", onSome: ({ spanId }) => spanId })
    spans.push({ name: options.name, id: span.spanId, parent, trace: span.traceId })
    return span
  }
})

// but for those of the calls that ask for them
const newSpans = (): ReadonlyArray<typeof Span.Type> => spans.splice(0).filter(({ name }) => !name.endsWith(".spans"))

export class Depot extends Actor.Service<Depot>()("Depot", {
  protocol: [
    Rpc.make("queue", { success: Handle.Queue(Schema.Int) }),
    Rpc.make("list", { success: Handle.List(Schema.Int) }),
    Rpc.make("echo", { payload: { n: Schema.Int }, success: Schema.Int }),
    /** all spans since the last time */
    Rpc.make("spans", { success: Schema.Array(Span) })
  ]
}) {}
const DepotLive = Depot.toLayer(() =>
  Effect.gen(function*() {
    const queue = yield* Handle.makeQueue<number>()
    const list = Handle.fromList([1, 2, 3])
    return Depot.handlers({
      queue: () => Effect.succeed(queue),
      list: () => Effect.succeed(list),
      echo: ({ n }) => Effect.succeed(n),
      spans: () => Effect.sync(newSpans)
    })
  })
)

export class Carrier extends Actor.Service<Carrier>()("Carrier", {
  protocol: [
    Rpc.make("take", { payload: { queue: Handle.Queue(Schema.Int) }, success: Schema.Int }),
    Rpc.make("sum", { payload: { list: Handle.List(Schema.Int) }, success: Schema.Int }),
    Rpc.make("echo", { payload: { depot: Depot.ref, n: Schema.Int }, success: Schema.Int }),
    Rpc.make("spans", { success: Schema.Array(Span) })
  ]
}) {}
const CarrierLive = Carrier.toLayer({
  take: ({ queue }) => Effect.orDie(queue.take),
  sum: ({ list }) => Effect.orDie(Stream.runFold(list.values, () => 0, (sum, n) => sum + n)),
  echo: ({ depot, n }) => Effect.orDie(depot.echo({ n })),
  spans: () => Effect.sync(newSpans)
})

export default Layer.provide(Layer.merge(DepotLive, CarrierLive), Layer.succeed(Tracer.Tracer, tracer))
