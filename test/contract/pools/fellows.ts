/** A pool whose members note who they are. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as Journal from "../support/journal.ts"
import { Fellow } from "./actors/pools.ts"

/** A pool of fellows, round-robin unless there are options; who its members are in their order, and the journal they share. */
export const fellows = (
  size: number,
  options: Pick<Parameters<typeof Fellow.layerPool>[0], "strategy" | "priority" | "queueCapacity" | "onFull"> = {
    strategy: "round-robin"
  }
) =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const pool = yield* ActorPool.make(Fellow, { size, args: { journal: journal.path }, ...options })
    const members = yield* pool.members
    const names = yield* Effect.forEach(members, (member) => member.who())
    assert.lengthOf(new Set(names), size)
    return { pool, client: pool.client, members, names, journal }
  })
