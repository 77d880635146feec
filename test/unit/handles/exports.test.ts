/**
 * What one end of a link has handed out, by itself: an answer that comes when the link has ended, of an actor that lives on, takes three
 * workers, one of which dies in the middle of a call that cannot be interrupted.
 */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Schema } from "effect"
import * as Codec from "../../../src/internal/codec/codec.ts"
import { Exports, LocalDeferred } from "../../../src/internal/handles/exports.ts"
import type * as Handles from "../../../src/internal/handles/handle.ts"
import { Outbox } from "../../../src/internal/wire/outbox.ts"

const unused = (): never => {
  throw new Error("not for results")
}

describe("Exports", () => {
  it.effect("H5: a result exported after the end of the link is not held", () =>
    Effect.gen(function*() {
      const link = { send: () => undefined, flushAt: 16 }
      const outbox = new Outbox(link, unused)
      const exports = new Exports(outbox, { serve: unused, close: unused, forward: unused })
      const to: Handles.Exporting = {
        ends: { exports, imports: undefined as never, introducer: undefined, channels: undefined },
        owner: undefined
      }
      const codec: Codec.ResultCodec = { success: Codec.compile(Schema.Int), error: Codec.compile(Schema.Never) }
      const making = yield* Deferred.make<number>()
      const fiber = yield* Effect.forkChild(Deferred.await(making), { startImmediately: true })
      const answer = (call: number): void => {
        exports.answer(call, new LocalDeferred(fiber), codec, to)
        outbox.flush()
      }
      answer(1)
      assert.strictEqual(exports.size, 1)
      outbox.close()
      exports.endAll()
      assert.strictEqual(exports.size, 0)
      answer(2)
      assert.strictEqual(exports.size, 0)
    }))
})
