/**
 * An actor that uses what its worker shares with the program: the worker's public channel, its arguments, its descriptors. Run by
 * itself, this file is a program that calls such an actor on the placement that its first argument names.
 */
import * as Effect from "effect/Effect"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import { once } from "node:events"
import * as fs from "node:fs"
import { parseArgs } from "node:util"
import { isMainThread, parentPort } from "node:worker_threads"
import * as Actor from "../../../../src/Actor.ts"
import * as NodeActorSystem from "../../../../src/node/NodeActorSystem.ts"

const { positionals: [placement] } = parseArgs({ allowPositionals: isMainThread && import.meta.main })

export class Talker extends Actor.Service<Talker>()("Talker", {
  protocol: [
    Rpc.make("ping", { success: Schema.String }),
    /** sends this to the program as code does that knows nothing of this library, and is answered in a later turn */
    Rpc.make("say", { payload: { what: Schema.Any } }),
    /** closes the public channel */
    Rpc.make("close"),
    /** the arguments of the program, as code in the worker sees them */
    Rpc.make("args", { success: Schema.Array(Schema.String) }),
    /** replaces the globals that test runners replace, and keeps them so */
    Rpc.make("replaceGlobals"),
    /** its process */
    Rpc.make("pid", { success: Schema.Int }),
    /** notes "listening", and returns when its process gets this signal */
    Rpc.make("signal", { payload: { name: Schema.Literals(["SIGTERM", "SIGHUP", "SIGINT"]), journal: Schema.String } }),
    /** closes whatever pipes this process has, behind those that every program has, and never gives the event loop back */
    Rpc.make("shut"),
    /** writes bytes to whatever pipes this process has, behind those that every program has */
    Rpc.make("scribble")
  ]
}) {}

export default Talker.toLayer({
  ping: () => Effect.succeed("pong"),
  say: ({ what }) => Effect.sync(() => void (isMainThread ? process.send!(what) : parentPort!.postMessage(what))),
  // ends when the channel has closed
  close: () =>
    Effect.promise(async () => {
      if (isMainThread) return process.disconnect()
      const closed = once(parentPort!, "close")
      parentPort!.close()
      await closed
    }),
  args: () => Effect.sync(() => process.argv.slice(2)),
  replaceGlobals: () =>
    Effect.sync(() => {
      const nothing = () => undefined
      for (const name of ["setTimeout", "clearTimeout", "queueMicrotask", "structuredClone"]) {
        Object.assign(globalThis, { [name]: nothing })
      }
      Object.defineProperty(globalThis, "performance", { value: { now: () => 0 } })
      Object.assign(process, { exit: nothing })
      Object.defineProperty(globalThis, "process", { value: { env: {}, on: nothing } })
    }),
  pid: () => Effect.sync(() => process.pid),
  signal: ({ journal, name }) =>
    Effect.callback<void>((resume) => {
      process.once(name, () => resume(Effect.void))
      fs.appendFileSync(journal, "listening\n")
    }),
  shut: () =>
    Effect.sync(() => {
      forEachPipe(fs.closeSync)
      for (;;) { /* a loop that never yields */ }
    }),
  scribble: () => Effect.sync(() => forEachPipe((fd) => fs.writeSync(fd, "not a message\n")))
})

const forEachPipe = (use: (fd: number) => void): void => {
  for (let fd = 3; fd < 64; fd++) {
    try {
      if (fs.fstatSync(fd).isSocket()) use(fd)
    } catch {
      // there is none, or it is one of Node's own that takes no bytes
    }
  }
}

if (import.meta.main && placement !== undefined) {
  const options = { module: import.meta.url, spawnTimeout: "1 hour" } as const
  await Effect.flatMap(Talker.spawn(), (talker) => Effect.flatMap(talker.ping(), Effect.log)).pipe(
    Effect.scoped,
    Effect.provide(
      placement === "threads" ? NodeActorSystem.layerThreads(options) : NodeActorSystem.layerProcesses(options)
    ),
    Effect.runPromise
  )
}
