/** An actor whose handlers do nothing, so that what is left is what a call costs. */
import * as Effect from "effect/Effect"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { performance } from "node:perf_hooks"
import * as Actor from "../../../src/Actor.ts"
import * as Handle from "../../../src/Handle.ts"

export class Cheap extends Actor.Service<Cheap>()("Cheap", {
  protocol: [
    Rpc.make("echo", { payload: { n: Schema.Int }, success: Schema.Int }),
    /** knows its result only when it runs */
    Rpc.make("runningEcho", { payload: { n: Schema.Int }, success: Schema.Int }),
    /** lets other fibers run before it answers */
    Rpc.make("yieldingEcho", { payload: { n: Schema.Int }, success: Schema.Int }),
    Rpc.make("count", { payload: { n: Schema.Int }, success: Schema.Int, stream: true }),
    /** blocks its thread for so many milliseconds */
    Rpc.make("compute", { payload: { ms: Schema.Number } }),
    Rpc.make("later", { payload: { n: Schema.Int }, success: Handle.Deferred({ success: Schema.Int }) }),
    /** how long the event loop has been active and idle, in milliseconds */
    Rpc.make("eventLoop", { success: Schema.Struct({ active: Schema.Number, idle: Schema.Number }) })
  ]
}) {}

export const eventLoop = (): { readonly active: number; readonly idle: number } => {
  const { active, idle } = performance.eventLoopUtilization()
  return { active, idle }
}

export default Cheap.toLayer({
  echo: ({ n }) => Effect.succeed(n),
  runningEcho: ({ n }) => Effect.sync(() => n),
  yieldingEcho: ({ n }) => Effect.as(Effect.yieldNow, n),
  count: ({ n }) => Stream.range(1, n),
  compute: ({ ms }) =>
    Effect.sync(() => {
      for (const start = performance.now(); performance.now() - start < ms;);
    }),
  later: ({ n }) => Handle.fork(Effect.succeed(n)),
  eventLoop: () => Effect.sync(eventLoop)
})
