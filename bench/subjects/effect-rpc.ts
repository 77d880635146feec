/**
 * Effect's own RPC over worker threads, with the protocol that we serve.
 */
import * as NodeWorker from "@effect/platform-node/NodeWorker"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RpcClient from "effect/rpc/RpcClient"
import * as Stream from "effect/Stream"
import { Worker } from "node:worker_threads"
import { resident } from "../gauges.ts"
import { checkBounced, checkSum, expectedSum, purchase, refused, sumOf } from "../payloads.ts"
import { acquire, effects, type Subject, timed, worker } from "../subject.ts"
import { group } from "../workers/effect-rpc-group.ts"

const protocol = RpcClient.layerProtocolWorker({ size: 1, concurrency: 100_000 }).pipe(
  Layer.provide(NodeWorker.layer(() => new Worker(worker("effect-rpc"))))
)

const open = () => acquire(protocol, RpcClient.make(group, { disableTracing: true }))

const first = async () => {
  const { close, value: client } = await open()
  if (await Effect.runPromise(client.add({ n: 1 })) !== 2) throw new Error("the wrong answer")
  return close
}

export const subject: Subject = {
  call: async () => {
    const { close, value: client } = await open()
    return effects((n) => client.add({ n }), close)
  },

  schema: async () => {
    const { close, value: client } = await open()
    const buy = (i: number) =>
      client.buy(purchase(i)).pipe(
        Effect.map(sumOf),
        Effect.catchTag("Refused", ({ id }) => Effect.succeed(id === i ? refused : NaN))
      )
    return effects(buy, close, expectedSum)
  },

  transfer: async () => {
    const { close, value: client } = await open()
    let bytes = new Uint8Array(1024 * 1024)
    const bounce = Effect.suspend(() => {
      const sent = bytes
      const first = sent[0]!
      return Effect.map(client.bounce({ bytes: sent }), (back) => {
        bytes = checkBounced(sent, first, back)
      })
    })
    return { close, run: (n) => Effect.runPromise(Effect.replicateEffect(bounce, n, { discard: true })) }
  },

  stream: async () => {
    const { close, value: client } = await open()
    const sum = (count: number) => Stream.runFold(client.ints({ count }), () => 0, (sum, n) => sum + n)
    return { close, run: (n) => Effect.runPromise(Effect.map(sum(n), (sum) => checkSum(n, sum))) }
  },

  start: async () => {
    const opened: Array<() => Promise<unknown>> = []
    return {
      read: async () => {
        const ms = await timed(async () => opened.push(await first()))
        await opened.pop()!()
        return ms
      },
      close: async () => undefined
    }
  },

  resident: async (tools) => {
    const opened: Array<() => Promise<unknown>> = []
    return resident(tools, async () => opened.push(await first()), () => Promise.all(opened.map((close) => close())))
  }
}
