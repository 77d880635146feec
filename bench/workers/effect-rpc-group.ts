/**
 * The benchmark's protocol as an `RpcGroup`.
 */
import * as RpcGroup from "effect/rpc/RpcGroup"
import { rpcs } from "./protocol.ts"

export const group = RpcGroup.make(...rpcs)
