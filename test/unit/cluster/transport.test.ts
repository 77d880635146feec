// What src/internal/cluster assumes of Effect's transport between runners. Effect's modules are unstable: a test that fails here shows
// which assumption a new version of Effect breaks.
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import { assert, it } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Fiber, Layer, Option, References, Schema } from "effect"
import * as ClusterError from "effect/cluster/ClusterError"
import * as ClusterSchema from "effect/cluster/ClusterSchema"
import * as Entity from "effect/cluster/Entity"
import * as Message from "effect/cluster/Message"
import * as Reply from "effect/cluster/Reply"
import * as Runner from "effect/cluster/Runner"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as RunnerHealth from "effect/cluster/RunnerHealth"
import * as Runners from "effect/cluster/Runners"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as Sharding from "effect/cluster/Sharding"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as Snowflake from "effect/cluster/Snowflake"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcClient from "effect/rpc/RpcClient"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as net from "node:net"
import * as MemoryStorage from "../../../src/internal/cluster/memoryStorage.ts"
import { freePort, host } from "../../../src/node/cluster/testNetwork.ts"

const Ping = Rpc.make("ping", { payload: { n: Schema.Int }, success: Schema.Int })
const Keep = Rpc.make("keep", { payload: { n: Schema.Int }, success: Schema.Int })
  .annotate(ClusterSchema.Persisted, true)
  .annotate(ClusterSchema.Uninterruptible, "client")

const Echo = Entity.make("Echo", [Ping, Keep])

const Mark: Context.Reference<string> = Context.Reference<string>("test/Mark", { defaultValue: () => "none" })

const address = RunnerAddress.make(host, 1)

type Send = Runners.Runners["Service"]["send"]

const answer = (message: Message.Outgoing<any>, value: number): Effect.Effect<void> =>
  message._tag === "OutgoingRequest"
    ? message.respond(
      new Reply.WithExit({
        requestId: message.envelope.requestId,
        id: Snowflake.Snowflake("1"),
        exit: Exit.succeed(value)
      })
    )
    : Effect.void

/** A client of a cluster with one runner, whose transport is `send`. */
const withTransport = <A, E>(
  send: (options: Parameters<Send>[0]) => Effect.Effect<void, Effect.Error<ReturnType<Send>>>,
  body: (client: Effect.Success<typeof Echo.client>) => Effect.Effect<A, E, Sharding.Sharding>
) =>
  Effect.gen(function*() {
    const storage = yield* RunnerStorage.RunnerStorage
    yield* storage.register(Runner.make({ address, groups: ["default"], weight: 1 }), true)
    const client = yield* Echo.client
    // when this call is answered, the client has the list of the runners
    yield* client("first").ping({ n: 0 })
    return yield* body(client)
  }).pipe(
    Effect.provide(Sharding.layer.pipe(
      Layer.provide(Layer.effect(
        Runners.Runners,
        Runners.make({
          codecFor: Schema.toCodecJson,
          ping: () => Effect.void,
          send: (options) =>
            options.message.envelope.address.entityId === "first"
              ? answer(options.message, 0)
              : send(options as never),
          notify: () => Effect.void,
          onRunnerUnavailable: () => Effect.void
        })
      )),
      Layer.provide(Snowflake.layerGenerator),
      Layer.provideMerge(MemoryStorage.layer),
      Layer.provide(RunnerHealth.layerNoop),
      Layer.provide(ShardingConfig.layer({
        runnerAddress: Option.none(),
        refreshAssignmentsInterval: 20,
        sendRetryInterval: 5,
        entityReplyPollInterval: 20
      }))
    )),
    Effect.provideService(References.MinimumLogLevel, "Error"),
    Effect.scoped
  )

it.live("Sharding sends a call again that fails with RunnerUnavailable or EntityNotAssignedToRunner", () => {
  let sends = 0
  return Effect.map(
    withTransport(
      ({ message }) =>
        Effect.suspend(
          (): Effect.Effect<void, ClusterError.RunnerUnavailable | ClusterError.EntityNotAssignedToRunner> => {
            sends++
            if (sends === 1) return Effect.fail(new ClusterError.RunnerUnavailable({ address }))
            return sends === 2
              ? Effect.fail(new ClusterError.EntityNotAssignedToRunner({ address: message.envelope.address }))
              : answer(message, 7)
          }
        ),
      (echo) => echo("a").ping({ n: 1 })
    ),
    (value) => assert.deepStrictEqual([value, sends], [7, 3])
  )
})

it.live("a defect of the transport is the defect of the call, and the call is not sent again", () => {
  let sends = 0
  const lost = { lost: true }
  return Effect.map(
    withTransport(
      () => Effect.suspend(() => (sends++, Effect.die(lost))),
      (echo) => Effect.exit(echo("a").ping({ n: 1 }))
    ),
    (exit) => {
      assert(Exit.isFailure(exit))
      assert.strictEqual(Cause.squash(exit.cause), lost)
      assert.strictEqual(sends, 1)
    }
  )
})

it.live("the message of a call has the context of its caller", () => {
  let mark: string | undefined
  return Effect.map(
    withTransport(
      ({ message }) =>
        Effect.suspend(() => {
          assert(message._tag === "OutgoingRequest")
          mark = Context.get(message.context, Mark)
          return answer(message, 1)
        }),
      (echo) => Effect.provideService(echo("a").ping({ n: 1 }), Mark, "caller")
    ),
    () => assert.strictEqual(mark, "caller")
  )
})

it.live("the message of a call has the annotations of its method", () => {
  let persisted: boolean | undefined
  return Effect.map(
    withTransport(
      ({ message }) =>
        Effect.suspend(() => {
          persisted = Context.get(message.rpc.annotations, ClusterSchema.Persisted)
          return answer(message, 1)
        }),
      (echo) => echo("a").keep({ n: 1 })
    ),
    () => assert.strictEqual(persisted, true)
  )
})

it.live("an interrupted caller of an uninterruptible persisted call sends no interruption", () => {
  const sent: Array<string> = []
  return Effect.map(
    withTransport(
      ({ message }) => Effect.suspend(() => (sent.push(message._tag), Effect.never)),
      (echo) =>
        Effect.gen(function*() {
          const call = yield* Effect.forkChild(echo("a").keep({ n: 1 }))
          while (sent.length === 0) yield* Effect.yieldNow
          yield* Fiber.interrupt(call)
        })
    ),
    () => assert.deepStrictEqual(sent, ["OutgoingRequest"])
  )
})

it.live("a request is encoded by Message.serializeRequest, and a reply decoded by Reply.Reply", () => {
  const codecFor = Schema.toCodecJson as RpcSerialization.CodecFor
  return withTransport(
    ({ message }) =>
      Effect.gen(function*() {
        if (message._tag !== "OutgoingRequest") return
        const request = yield* Effect.orDie(Message.serializeRequest(message, codecFor))
        assert.deepInclude(request, { _tag: "Request", tag: "ping", payload: { n: 1 } })
        const reply = yield* Effect.orDie(
          Schema.decodeUnknownEffect(Reply.Reply(message.rpc, codecFor))({
            _tag: "WithExit",
            requestId: String(message.envelope.requestId),
            id: "1",
            exit: { _tag: "Success", value: 7 }
          }).pipe(Effect.provideContext(message.context as Context.Context<any>))
        )
        yield* message.respond(reply)
      }),
    (echo) => Effect.map(echo("a").ping({ n: 1 }), (value) => assert.strictEqual(value, 7))
  )
})

const socketProtocol = Layer.provide(NodeClusterSocket.layerClientProtocol, RpcSerialization.layerSchemaBinary())

it.live("the hooks of a connection run at its start and at its end", () =>
  Effect.gen(function*() {
    const port = yield* freePort
    const events: Array<string> = []
    const sockets = new Set<net.Socket>()
    const server = net.createServer((socket) => {
      events.push("accepted")
      sockets.add(socket)
      socket.on("error", () => undefined)
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void server.listen(port, host, () => resume(Effect.void))),
      () => Effect.sync(() => server.close())
    )
    const transport = yield* Runners.RpcClientProtocol
    yield* Effect.provideService(
      transport.make(RunnerAddress.make(host, port)),
      RpcClient.ConnectionHooks,
      RpcClient.ConnectionHooks.of({
        onConnect: Effect.sync(() => void events.push("connected")),
        onDisconnect: Effect.sync(() => void events.push("disconnected"))
      })
    )
    while (!events.includes("connected") || sockets.size === 0) yield* Effect.sleep("5 millis")
    for (const socket of sockets) socket.destroy()
    while (!events.includes("disconnected")) yield* Effect.sleep("5 millis")
    assert.isBelow(events.indexOf("connected"), events.indexOf("disconnected"))
  }).pipe(Effect.provide(socketProtocol), Effect.provideService(References.MinimumLogLevel, "Error"), Effect.scoped))

it.live("a client of a runner has the methods that the transport calls", () =>
  Effect.gen(function*() {
    const transport = yield* Runners.RpcClientProtocol
    const protocol = yield* transport.make(address)
    assert.isFunction(protocol.codecFor)
    const client = yield* Effect.provideService(Runners.makeRpcClient, RpcClient.Protocol, protocol)
    for (const method of ["Ping", "Effect", "Stream", "Envelope", "Notify"] as const) assert.isFunction(client[method])
  }).pipe(Effect.provide(socketProtocol), Effect.provideService(References.MinimumLogLevel, "Error"), Effect.scoped))

it.live("a request passes the protocol as one message with the tag Request and bytes as its payload", () =>
  Effect.gen(function*() {
    const sent: Array<{ readonly _tag: string; readonly payload?: unknown }> = []
    const transport = yield* Runners.RpcClientProtocol
    const protocol = yield* transport.make(address)
    const client = yield* Effect.provideService(
      Runners.makeRpcClient,
      RpcClient.Protocol,
      RpcClient.Protocol.of({
        ...protocol,
        send: (_, message) => Effect.sync(() => void sent.push(message))
      })
    )
    const call = yield* Effect.forkChild(client.Ping())
    while (sent.length === 0) yield* Effect.yieldNow
    assert.strictEqual(sent[0]!._tag, "Request")
    assert.instanceOf(sent[0]!.payload, Uint8Array)
    yield* Fiber.interrupt(call)
  }).pipe(Effect.provide(socketProtocol), Effect.provideService(References.MinimumLogLevel, "Error"), Effect.scoped))
