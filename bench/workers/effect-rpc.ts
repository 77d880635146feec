/**
 * The same behaviour as `uactor.ts`, served by Effect's own worker RPC.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeWorkerRunner from "@effect/platform-node/NodeWorkerRunner"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RpcServer from "effect/rpc/RpcServer"
import * as Stream from "effect/Stream"
import { group } from "./effect-rpc-group.ts"
import { heapUsed } from "./heap.ts"
import { Refused } from "./protocol.ts"
import { accept, compute, isRefused, touch } from "./work.ts"

const handlers = group.toLayer({
  add: ({ n }) => Effect.succeed(n + 1),
  buy: (purchase) =>
    isRefused(purchase.id)
      ? Effect.fail(new Refused({ id: purchase.id, why: "sold out" }))
      : Effect.succeed(accept(purchase)),
  bounce: ({ bytes }) => Effect.succeed(touch(bytes)),
  ints: ({ count }) => Stream.range(1, count),
  work: ({ rounds }) => Effect.sync(() => compute(rounds)),
  heap: () => Effect.sync(heapUsed)
})

NodeRuntime.runMain(Layer.launch(
  RpcServer.layer(group, { disableTracing: true }).pipe(
    Layer.provide(handlers),
    Layer.provide(RpcServer.layerProtocolWorkerRunner),
    Layer.provide(NodeWorkerRunner.layer)
  )
))
