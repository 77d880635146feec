/** An actor whose builds block their worker where a journal says so. */
import * as Effect from "effect/Effect"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import * as Actor from "../../../../src/Actor.ts"

export class Bricklayer extends Actor.Service<Bricklayer>()("Bricklayer", {
  args: Schema.Struct({ journal: Schema.String }),
  protocol: [
    /** which build this is */
    Rpc.make("build", { success: Schema.Int }),
    Rpc.make("exit")
  ]
}) {}

const sleep = new Int32Array(new SharedArrayBuffer(4))

export default Bricklayer.toLayer(({ journal }) =>
  Effect.sync(() => {
    fs.appendFileSync(journal, "")
    const has = (line: string): boolean => fs.readFileSync(journal, "utf8").split("\n").includes(line)
    let build = 1
    while (has(`built ${build}`)) build++
    fs.appendFileSync(journal, `built ${build}\n`)
    while (has(`block ${build}`) && !has(`go ${build}`)) Atomics.wait(sleep, 0, 0, 5)
    return Bricklayer.handlers({
      build: () => Effect.succeed(build),
      exit: () => Rpc.fork(Effect.sync(() => process.exit(7)))
    })
  })
)
