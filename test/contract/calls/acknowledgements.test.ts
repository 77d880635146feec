import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Frames from "../../../src/internal/wire/frames.ts"
import behaviours, { Stage } from "../fixtures/stage.ts"
import { assertExited, forked } from "../support/asserts.ts"
import { untrusted } from "../support/links.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/stage.ts", import.meta.url), behaviours }

/** The indexes of the frames of a batch with this opcode. */
const framesOf = (batch: Frames.Batch, op: Frames.Opcode): Array<number> => {
  const found: Array<number> = []
  for (let i = 1; i < batch.length; i += Frames.sizes[batch[i] as number]!) if (batch[i] === op) found.push(i)
  return found
}

onEveryPlacement(fixture, (placement) => {
  it.live("C3: the acknowledgement of an interruption says whether the handler ran", () => {
    const failures: Array<unknown> = []
    const fromWorker = (batch: Frames.Batch) => {
      for (const i of framesOf(batch, Frames.Failed)) failures.push(batch[i + 2])
    }
    return Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const running = yield* forked(stage.hold({ job: "a" }))
      yield* stage.awaitLine({ line: "a began" })
      const waiting = yield* forked(stage.hold({ job: "b" }))
      yield* Fiber.interrupt(waiting)
      yield* Fiber.interrupt(running)
      assert.deepStrictEqual(failures, [Frames.FailureRemoved, Frames.FailureInterrupted])
    }).pipe(Effect.scoped, Effect.provide(untrusted(placement.layer(), { fromWorker })))
  })

  it.live("C3: a caller that has not interrupted its call reads the outcome from the acknowledgement", () => {
    let failure: Frames.FailureCode | undefined
    const fromWorker = (batch: Frames.Batch) => {
      const at = framesOf(batch, Frames.Settled)
      if (failure === undefined || at.length === 0) return undefined
      return batch.toSpliced(at[0]!, 3, Frames.Failed, batch[at[0]! + 1], failure, undefined)
    }
    return Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      assert.strictEqual(yield* stage.echo({ n: 1 }), 1)
      failure = Frames.FailureRemoved
      assertExited(yield* Effect.exit(stage.echo({ n: 2 })), "Stopped", "NotRun")
      failure = Frames.FailureInterrupted
      assertExited(yield* Effect.exit(stage.echo({ n: 3 })), "Stopped", "Unknown")
      failure = undefined
    }).pipe(Effect.scoped, Effect.provide(untrusted(placement.layer(), { fromWorker })))
  })
})
