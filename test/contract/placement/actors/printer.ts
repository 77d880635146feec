/**
 * A program with an actor that prints, in its calls and in its finalizer. Its arguments: the placement, a journal, and, with
 * "capture", that the program captures what goes to its stdout.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import * as Actor from "../../../../src/Actor.ts"
import * as NodeActorSystem from "../../../../src/node/NodeActorSystem.ts"

class Printer extends Actor.Service<Printer>()("Printer", {
  protocol: [Rpc.make("print", { payload: { lines: Schema.Int } }), Rpc.make("echo", { success: Schema.Int })]
}) {}

const filler = ".".repeat(60)

const print = (lines: number) =>
  Effect.sync(() => {
    for (let i = 1; i <= lines; i++) {
      console.log(`out ${i} ${filler}`)
      console.error(`err ${i} ${filler}`)
    }
  })

export default Printer.toLayer(() =>
  Effect.as(
    Effect.addFinalizer(() => Effect.andThen(print(300), Console.log("the last line"))),
    Printer.handlers({ print: ({ lines }) => print(lines), echo: () => Effect.succeed(1) })
  )
)

if (import.meta.main) {
  const [placement, journal, how] = process.argv.slice(2) as [string, string, string?]
  let captured = ""
  if (how === "capture") {
    // as test tools do it: nothing is called back
    process.stdout.write = (chunk: Uint8Array | string): boolean => {
      captured += String(chunk)
      return true
    }
  }
  const options = { module: import.meta.url, shutdownTimeout: "20 seconds" } as const
  const system = placement === "threads"
    ? NodeActorSystem.layerThreads(options)
    : NodeActorSystem.layerProcesses(options)
  const program = Effect.gen(function*() {
    const printer = yield* Printer.spawn()
    yield* printer.print({ lines: 3_000 })
    return yield* printer.echo()
  })
  const exit = await program.pipe(Effect.scoped, Effect.provide(system), Effect.runPromiseExit)
  fs.appendFileSync(journal, Exit.isSuccess(exit) ? `answered ${exit.value}\n` : `${String(exit.cause)}\n`)
  if (how === "capture") fs.appendFileSync(journal, `captured ${captured.split("\n").length - 1}\n`)
}
