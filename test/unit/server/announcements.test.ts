import { assert, describe, it } from "@effect/vitest"
import * as StartedCalls from "../../../src/internal/actor/startedCalls.ts"
import { IntMap } from "../../../src/internal/collections/intMap.ts"
import { Announcements } from "../../../src/internal/server/announcements.ts"
import type { IncomingCall } from "../../../src/internal/server/incomingCall.ts"
import type { Batch } from "../../../src/internal/wire/frames.ts"
import * as Frames from "../../../src/internal/wire/frames.ts"
import { Outbox } from "../../../src/internal/wire/outbox.ts"
import { upTo } from "../../contract/support/asserts.ts"

describe("the notes of started calls", () => {
  // a real worker cannot be killed between two flushes of one loop, so this link stands in for it
  it("C1: contain the calls whose announcements do not fit into the batch that a flush sends", () => {
    const notes = new Int32Array(StartedCalls.length)
    const announced = new Set<unknown>()
    const missing: Array<number> = []
    const calls = new IntMap<IncomingCall>()
    const read = (): void => {
      const noted = StartedCalls.ids(notes)
      missing.push(...upTo(100).filter((id) => !announced.has(id) && !noted.includes(id)))
    }
    const send = (batch: Batch): void => {
      read()
      for (let i = 1; i < batch.length; i += Frames.sizes[Frames.Started]!) announced.add(batch[i + 1])
    }
    const outbox = new Outbox({ send, flushAt: 16 }, () => assert.fail("each frame can be sent"))
    const announcements = new Announcements(outbox, calls, { startedCalls: notes })
    for (const id of upTo(100)) {
      const call = { id, announced: false, flags: 0 } as IncomingCall
      calls.set(id, call)
      announcements.enter(id)
      announcements.suspended(call)
      announcements.leave()
    }
    outbox.flush()
    read()
    assert.deepStrictEqual(missing, [])
    assert.strictEqual(announced.size, 100)
    assert(StartedCalls.isEmpty(notes))
  })
})
