/**
 * The actor of the cases of clusters and its peer, an entity of Effect Cluster, with the runner process of both: `node cluster.ts KIND PORT
 * DATABASE`.
 */
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as ClusterSchema from "effect/cluster/ClusterSchema"
import * as Entity from "effect/cluster/Entity"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import { createServer } from "node:net"
import * as os from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import * as Actor from "../../src/Actor.ts"
import * as ActorCluster from "../../src/ActorCluster.ts"
import { ActorSystem } from "../../src/index.ts"
import * as NodeActorCluster from "../../src/node/NodeActorCluster.ts"

/** How a cluster is programmed: with this library, or with the entities of Effect. */
export type Kind = "actor" | "entity"

const rpcs = [
  Rpc.make("add", { payload: { n: Schema.Int }, success: Schema.Int }),
  Rpc.make("store", { payload: { n: Schema.Int }, success: Schema.Int }).annotate(ClusterSchema.Persisted, true)
] as const

const next = ({ n }: { readonly n: number }): Effect.Effect<number> => Effect.succeed(n + 1)

/** The actor. */
export class Sum extends Actor.Service<Sum>()("Sum", { args: Schema.String, protocol: rpcs }) {}

/** The entity. */
export const SumEntity = Entity.make("SumEntity", rpcs)

/** The hosts of the actor. */
export const actors = ActorCluster.layer(Sum).pipe(
  Layer.provide(ActorSystem.layer(Sum.toLayer(() => Effect.succeed(Sum.handlers({ add: next, store: next })))))
)

/** The hosts of the entity. */
export const entities = SumEntity.toLayer({
  add: ({ payload }) => next(payload),
  store: ({ payload }) => next(payload)
}, {
  concurrency: "unbounded"
})

/** The configuration of both. */
export const config = {
  shardsPerGroup: 60,
  refreshAssignmentsInterval: 300,
  shardLockRefreshInterval: 2_000,
  shardLockExpiration: 8_000,
  simulateRemoteSerialization: false
}

/** Hides the warnings of a cluster that starts. */
export const quiet = Layer.succeed(References.MinimumLogLevel, "Error")

const host = "127.0.0.1"

const freePort = Effect.callback<number>((resume) => {
  const server = createServer().listen(0, host, () => {
    const { port } = server.address() as { readonly port: number }
    server.close(() => resume(Effect.succeed(port)))
  })
})

/** A database in a new file, and a runner process on it. */
export const runnerProcess = (kind: Kind) =>
  Effect.gen(function*() {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "uactor-bench-"))),
      (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true }))
    )
    const filename = path.join(folder, "cluster.db")
    const args = [fileURLToPath(import.meta.url), kind, String(yield* freePort), filename]
    yield* Effect.acquireRelease(
      Effect.sync(() => spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] })),
      (child) =>
        Effect.callback<void>((resume) => {
          child.once("exit", () => resume(Effect.void))
          child.kill("SIGKILL")
        })
    )
    return NodeActorCluster.layerSqlite({ filename })
  })

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [kind, port, filename] = process.argv.slice(2) as [Kind, string, string]
  const address = { host, port: Number(port) }
  const runner = kind === "actor"
    ? Layer.provide(actors, NodeActorCluster.layer({ address, config }))
    : Layer.provide(
      entities,
      NodeClusterSocket.layer({
        storage: "sql",
        shardingConfig: { ...config, runnerAddress: Option.some(RunnerAddress.make(host, address.port)) }
      })
    )
  NodeRuntime.runMain(Layer.launch(
    runner.pipe(Layer.provide(NodeActorCluster.layerSqlite({ filename })), Layer.provide(quiet))
  ))
}
