// A runner of the cluster: node runner.ts PORT DATABASE
import { NodeRuntime } from "@effect/platform-node"
import { Layer, References } from "effect"
import * as NodeActorCluster from "uactor/node/NodeActorCluster"
import { Accounts, config, Database } from "./account.ts"

const [port, filename] = process.argv.slice(2)

Layer.launch(Accounts.pipe(
  Layer.provide(NodeActorCluster.layer({ address: { host: "127.0.0.1", port: Number(port) }, config })),
  Layer.provide(Database(filename!)),
  Layer.provide(Layer.succeed(References.MinimumLogLevel, "Error"))
)).pipe(NodeRuntime.runMain)
