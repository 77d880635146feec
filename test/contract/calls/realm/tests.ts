/** Tests that run in a context of their own, as the vm pools of Vitest and all tests of Jest do. */
import { Cause, Effect, Exit, Result } from "effect"
import assert from "node:assert"
import * as vm from "node:vm"
import { test } from "vitest"
import { ActorSystem } from "../../../../src/ActorSystem.ts"
import * as NodeActorSystem from "../../../../src/node/NodeActorSystem.ts"
import behaviours, { Mirror } from "./actor.ts"

const module = new URL("./actor.ts", import.meta.url)
const systems = {
  memory: ActorSystem.layer(behaviours),
  threads: NodeActorSystem.layerThreads({ module }),
  processes: NodeActorSystem.layerProcesses({ module })
}

const code = `({
  at: new Date(5),
  bytes: new Uint8Array([1, 2]),
  counts: new Map([["a", new Date(6)]]),
  tags: new Set([7]),
  text: /x/g,
  any: { list: [new Date(8), new Map(), new TypeError("y")], n: 1 }
})`

for (const [name, system] of Object.entries(systems)) {
  for (const realm of ["own", "other"]) {
    test(`values of the ${realm} realm go there and back (${name})`, async () => {
      assert.notStrictEqual(Object.getPrototypeOf(structuredClone({})), Object.prototype)
      // eslint-disable-next-line no-eval
      const value = realm === "own" ? (0, eval)(code) : vm.runInNewContext(code)
      const back = await Effect.flatMap(Mirror.spawn(), (mirror) => mirror.show(value)).pipe(
        Effect.scoped,
        Effect.provide(system),
        Effect.runPromise
      )
      const { any, at, bytes, counts, tags, text } = back
      for (
        const [value, Class] of [
          [at, Date],
          [bytes, Uint8Array],
          [counts, Map],
          [counts.get("a"), Date],
          [tags, Set],
          [text, RegExp],
          [any, Object],
          [any.list, Array],
          [any.list[0], Date],
          [any.list[1], Map],
          [any.list[2], TypeError]
        ] as const
      ) assert.strictEqual(Object.getPrototypeOf(value), Class.prototype)
      assert.deepStrictEqual([+at, ...bytes, Number(counts.get("a")), ...tags, text.source, +any.list[0], any.n], [
        5,
        1,
        2,
        6,
        7,
        "x",
        8,
        1
      ])
    })
  }

  test(`a defect keeps its name, its message and its cause (${name})`, async () => {
    const exit = await Effect.flatMap(Mirror.spawn(), (mirror) => mirror.die()).pipe(
      Effect.scoped,
      Effect.provide(system),
      Effect.runPromiseExit
    )
    assert(Exit.isFailure(exit))
    const defect = Cause.findDefect(exit.cause)
    assert(Result.isSuccess(defect) && defect.success instanceof RangeError)
    assert.strictEqual(defect.success.message, "out of range")
  })
}
