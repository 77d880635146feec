/** Assertions about pending results, and counts of the tables of the links of this process. */
import { assert, vi } from "@effect/vitest"
import { Cause, Effect, Exit } from "effect"
import { ActorExited, HandleReleased } from "../../../src/ActorError.ts"
import type * as Handle from "../../../src/Handle.ts"
import { Exports } from "../../../src/internal/handles/exports.ts"
import * as Handles from "../../../src/internal/handles/handle.ts"
import { Imports } from "../../../src/internal/remote/imports.ts"
import * as Frames from "../../../src/internal/wire/frames.ts"
import { Outbox } from "../../../src/internal/wire/outbox.ts"
import { left } from "../support/asserts.ts"
import { Broken } from "./actors/workshop.ts"

export type Result = Handle.DeferredHandle<number, Broken>

export const assertBroken = (error: unknown): void => {
  assert.instanceOf(error, Broken)
  assert.strictEqual(error.code, 7)
  assert.deepStrictEqual(error.since, new Date(0))
  assert.strictEqual(error.message, "broken with 7")
}

export const assertDied = (exit: Exit.Exit<unknown, unknown>, name: string, message: string): void => {
  assert(Exit.isFailure(exit))
  const defects = exit.cause.reasons.filter(Cause.isDieReason).map((reason) => reason.defect)
  assert.lengthOf(defects, 1)
  assert.instanceOf(defects[0], Error)
  assert.strictEqual(defects[0].name, name)
  assert.include(defects[0].message, message)
}

export const assertReleased = (error: unknown): void => {
  assert.instanceOf(error, HandleReleased)
  assert.strictEqual(error.actor, "Workshop")
}

export const assertExited = (error: unknown, reason: ActorExited["reason"]): void => {
  assert.instanceOf(error, ActorExited)
  assert.strictEqual(error.actor, "Workshop")
  assert.deepStrictEqual([error.reason, error.outcome], [reason, "Unknown"])
}

/** Waits until a result has completed, without awaiting it. */
export const done = (result: Result): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const stop = (result as unknown as Record<typeof Handles.HandleTypeId, Handles.ResultSource>)[Handles.HandleTypeId]
      .subscribe(
        () => resume(Effect.void)
      )
    return Effect.sync(stop)
  })

/** Counts, until the scope closes, the frames that this process sends to actors and the entries in the tables of its links. */
export const watch = Effect.acquireRelease(
  Effect.sync(() => ({
    imports: vi.spyOn(Imports.prototype, "add"),
    exports: [vi.spyOn(Exports.prototype, "addResult"), vi.spyOn(Exports.prototype, "answer")],
    pushed: (["push", "pushDeferred", "pushBulk"] as const).map((name) => vi.spyOn(Outbox.prototype, name as "push"))
  })),
  ({ exports, imports, pushed }) =>
    Effect.sync(() => {
      for (const spy of [imports, ...exports, ...pushed]) spy.mockRestore()
    })
).pipe(Effect.map(({ exports, imports, pushed }) => {
  const sizes = (...spies: ReadonlyArray<{ readonly mock: { readonly contexts: ReadonlyArray<unknown> } }>) =>
    Array.from(
      new Set(spies.flatMap((spy) => spy.mock.contexts as ReadonlyArray<{ readonly size: number }>)),
      ({ size }) => size
    )
  const opcodes = () => pushed.flatMap((spy) => spy.mock.calls.map(([op]) => op))
  const sum = (sizes: ReadonlyArray<number>) => sizes.reduce((sum, size) => sum + size, 0)
  return {
    imports,
    /** the number of handles of actors that this process holds */
    pending: () => sum(sizes(imports)),
    /** the same number, plus the exports of the actors of this process */
    held: () => sum(sizes(imports, ...exports)),
    released: () => opcodes().filter((op) => op === Frames.Release).length,
    /** the number of frames sent to actors */
    sent: () => opcodes().filter((op) => !Frames.isAnswer(op % Frames.CarriesHandles)).length
  }
}))

/** Lets the calls that were made leave this thread, and then blocks the thread for a while. */
export const sentAndBlocked = Effect.andThen(
  left,
  Effect.sync(() => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20))
)
