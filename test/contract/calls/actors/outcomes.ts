/** Actors whose answers cannot be sent, which pass tells on, and which close what leads to their caller. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Transferable from "effect/workers/Transferable"
import * as fs from "node:fs"
import { parentPort } from "node:worker_threads"
import * as Actor from "../../../../src/Actor.ts"
import { ActorSystem } from "../../../../src/ActorSystem.ts"

const args = Schema.Struct({ journal: Schema.String })
const line = { line: Schema.String }

/** Every method notes its line in the journal first. */
export class Payer extends Actor.Service<Payer>()("Payer", {
  args,
  protocol: [
    Rpc.make("pay", { payload: line }),
    /** answers with something that cannot be cloned */
    Rpc.make("payOddly", { payload: line, success: Schema.Any }),
    /** answers with bytes that it has given away before, where they can be given away */
    Rpc.make("payTwice", { payload: line, success: Transferable.Uint8Array }),
    /** blocks its worker until that is killed; in memory, kills it itself */
    Rpc.make("block", { payload: line }),
    /** the same, and is not interrupted: what is known of it is sent before it begins */
    Rpc.make("blockFirmly", { payload: line }),
    /** closes the public channel of its worker */
    Rpc.make("hangUp", { payload: line }),
    /** ends its worker */
    Rpc.make("exit", { payload: line })
  ]
}) {}

/** What `block` does in memory. */
export const inMemory: { kill: (() => void) | undefined } = { kill: undefined }

const note = (journal: string, line: string): void => fs.appendFileSync(journal, `${line}\n`)

const payer = ({ journal }: typeof args.Type) => {
  const noting = (handle: () => unknown) => ({ line }: { readonly line: string }): Effect.Effect<any> =>
    Effect.sync(() => {
      note(journal, line)
      return handle()
    })
  const block = noting(() => {
    if (inMemory.kill !== undefined) return inMemory.kill()
    for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000)
  })
  return Effect.succeed(Payer.handlers({
    pay: noting(() => undefined),
    payOddly: noting(() => () => "not cloneable"),
    payTwice: noting(() => {
      const bytes = new Uint8Array(8)
      structuredClone(bytes, { transfer: [bytes.buffer] })
      return bytes
    }),
    block,
    blockFirmly: (payload) => Rpc.uninterruptible(block(payload)),
    hangUp: noting(() => {
      if (parentPort !== null) parentPort.close()
      else process.disconnect()
    }),
    exit: noting(() => process.exit(7))
  }))
}

/** Has a payer of its own, in memory, and hands it out; what it is told is passed on. */
export class Middleman extends Actor.Service<Middleman>()("Middleman", {
  args,
  protocol: [Rpc.make("payer", { success: Payer.ref }), Rpc.make("ping", { success: Schema.String })]
}) {}

const PayerLive = Payer.toLayer(payer)

const MiddlemanLive = Middleman.toLayer((args) =>
  Effect.gen(function*() {
    const system = yield* Layer.build(ActorSystem.layer(PayerLive))
    const own = yield* Effect.orDie(Effect.provideContext(Payer.spawn(args), system))
    return Middleman.handlers({ payer: () => Effect.succeed(own), ping: () => Effect.succeed("pong") })
  })
)

export default Layer.mergeAll(PayerLive, MiddlemanLive)
