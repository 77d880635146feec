import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import * as vm from "node:vm"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Mirror } from "./realm/actor.ts"

const fixture = { module: new URL("./realm/actor.ts", import.meta.url), behaviours }

onEveryPlacement(fixture, (placement) => {
  it.live("C9: values of another realm are values", () =>
    Effect.gen(function*() {
      const mirror = yield* Mirror.spawn()
      const value = {
        at: new Date(5),
        bytes: new Uint8Array([1]),
        counts: new Map([["a", new Date(6)]]),
        tags: new Set([7]),
        text: /x/g,
        any: { list: [new Date(8), new TypeError("y")], n: 1 }
      }
      const other = vm.runInNewContext(
        `({ at: new Date(5), bytes: new Uint8Array([1]), counts: new Map([["a", new Date(6)]]), tags: new Set([7]), text: /x/g, any: {} })`
      ) as typeof value
      assert.notInstanceOf(other.at, Date)
      assert.deepStrictEqual(yield* mirror.show({ ...other, any: value.any }), value)
      // as it was, and with nothing of this realm in it
      assert.deepStrictEqual(yield* mirror.show(other), { ...value, any: {} })
      assert.notInstanceOf(other.at, Date)
    }).pipe(Effect.provide(placement.layer())))
})

it.live(
  "T1: a program that runs in a context of its own, as under Jest, sends and gets the values of that context",
  () =>
    Effect.promise(async () => {
      const root = fileURLToPath(new URL("./realm", import.meta.url))
      const vitest = fileURLToPath(new URL("../../../node_modules/vitest/vitest.mjs", import.meta.url))
      const child = spawn(process.execPath, [vitest, "run", "--root", root, "--no-color"], {
        stdio: ["ignore", "pipe", "pipe"],
        env: {
          ...process.env,
          VITEST: undefined,
          VITEST_POOL_ID: undefined,
          VITEST_WORKER_ID: undefined,
          TEST: undefined
        }
      })
      const output = Promise.all([text(child.stdout), text(child.stderr)])
      const [code] = await once(child, "close")
      const [stdout, stderr] = await output
      assert.strictEqual(code, 0, stdout + stderr)
      assert.include(stdout, "9 passed")
    }),
  300_000
)
