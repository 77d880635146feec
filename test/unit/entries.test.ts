import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as path from "node:path"

const src = path.resolve(import.meta.dirname, "../../src")

// the files that a file loads, itself included: `import type` loads nothing
const loadedBy = (file: string, loaded = new Set<string>()): ReadonlySet<string> => {
  if (loaded.has(file)) return loaded
  loaded.add(file)
  for (
    const [, specifier] of fs.readFileSync(file, "utf8").matchAll(
      /^(?:import|export) (?!type)[^;]*? from "(\.[^"]+)"/gm
    )
  ) {
    loadedBy(path.resolve(path.dirname(file), specifier!), loaded)
  }
  return loaded
}

const roomsOf = (entry: string): ReadonlyArray<string> =>
  Array.from(loadedBy(path.join(src, entry)), (file) => path.relative(src, file))

describe("entries", () => {
  it("uactor loads neither Node nor the faults of uactor/testing", () => {
    const rooms = roomsOf("index.ts")
    assert.include(rooms, "internal/session/session.ts")
    assert.deepStrictEqual(rooms.filter((file) => /^(?:testing|node)\//.test(file)), [])
  })

  it("only uactor/ActorCluster and uactor/node/NodeActorCluster load the cluster of Effect", () => {
    for (const entry of ["index.ts", "node/index.ts", "node/entry.ts", "testing/index.ts"]) {
      assert.deepStrictEqual(roomsOf(entry).filter((file) => file.includes("luster")), [], entry)
    }
    assert.include(roomsOf("ActorCluster.ts"), "internal/cluster/runners.ts")
    assert.include(roomsOf("node/NodeActorCluster.ts"), "internal/cluster/connections.ts")
    assert.deepStrictEqual(roomsOf("ActorCluster.ts").filter((file) => file.startsWith("node/")), [])
  })

  it("uactor/testing loads the faults, and no Node", () => {
    const rooms = roomsOf("testing/index.ts")
    assert.include(rooms, "testing/faultyPlacement.ts")
    assert.deepStrictEqual(rooms.filter((file) => file.startsWith("node/")), [])
  })
})
