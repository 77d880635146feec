/**
 * A program of its own, which the tests start and end: it spawns an actor, tells where it lives, and then does what its first
 * argument says. Its second argument is the journal, its third the placement.
 */
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as ActorSystem from "../../../../src/ActorSystem.ts"
import * as NodeActorSystem from "../../../../src/node/NodeActorSystem.ts"
import behaviours, { Resource } from "../../fixtures/lifecycle.ts"

const [way, journal, placement] = process.argv.slice(2) as [string, string, string]

const module = new URL(way === "boots" ? "../modules/blocks.ts" : "../../fixtures/lifecycle.ts", import.meta.url)
// no timer of the library may be what ends this program, or keeps it
const options = { module, spawnTimeout: "1 hour", shutdownTimeout: "1 hour", interruptTimeout: "1 hour" } as const
const system = placement === "memory"
  ? ActorSystem.ActorSystem.layer(behaviours, options)
  : placement === "threads"
  ? NodeActorSystem.layerThreads(options)
  : NodeActorSystem.layerProcesses(options)

const program = Effect.gen(function*() {
  const resource = yield* Resource.spawn({ journal })
  const { pid } = yield* resource.where()
  console.log(pid)
  switch (way) {
    case "ends":
      return
    case "idles":
      return yield* Effect.never
    case "hangs":
      return yield* resource.hang()
    case "blocks":
      return yield* resource.block()
    case "exits":
      return process.exit(0)
    case "exhausts": {
      const taken: Array<number> = []
      try {
        for (;;) taken.push(fs.openSync("/dev/null", "r"))
      } catch {
        // there are no more
      }
      const exit = yield* Effect.exit(Resource.spawn({ journal }))
      taken.forEach((descriptor) => fs.closeSync(descriptor))
      console.log(exit._tag, (yield* resource.where()).pid === pid)
      const later = yield* Resource.spawn({ journal })
      console.log((yield* later.where()).pid > 0)
      return
    }
    case "throws":
      setImmediate(() => {
        throw new Error("the parent has a bug")
      })
      return yield* Effect.never
  }
})

await Effect.runPromise(Effect.scoped(program).pipe(Effect.provide(system)))
