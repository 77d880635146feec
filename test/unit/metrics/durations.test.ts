import { assert, it } from "@effect/vitest"
import { Buckets, union } from "../../../src/internal/metrics/buckets.ts"
import * as Counts from "../../../src/internal/metrics/counts.ts"
import { ActorDurations, arrived } from "../../../src/internal/metrics/durations.ts"

/** The durations at most as long as each of these bounds, in microseconds. */
const upTo = (buckets: Buckets | undefined, ...micros: ReadonlyArray<number>) =>
  micros.map((bound) => buckets!.state.buckets.find(([upper]) => upper === bound / 1e6)![1])

it("a duration that repeats is counted as often as it was added, at each reading", () => {
  const buckets = new Buckets()
  for (const micros of [0, 0, 1, 2, 3, 3, 3, 4, 5, 3]) buckets.add(micros)
  assert.deepStrictEqual(upTo(buckets, 1, 2, 4, 8), [3, 4, 9, 10])
  buckets.add(3)
  const { count, max, min, sum } = union([buckets, buckets]).state
  assert.deepStrictEqual({ count, max, min, sum }, { count: 22, max: 5e-6, min: 0, sum: 54 / 1e6 })
  buckets.add(2 ** 27)
  buckets.add(2 ** 27 + 1)
  assert.deepStrictEqual(upTo(buckets, 2 ** 26, 2 ** 27), [11, 12])
  assert.strictEqual(buckets.state.count, 13)
  assert.strictEqual(new Buckets().state.count, 0)
})

it("a call that lasts for hours is measured as long as it lasts", () => {
  const durations = new ActorDurations(new Counts.Kind("Night", [{ tag: "watch" }]), undefined)
  const hour = 3_600_000
  const call = { index: 0, time: 0, epoch: 0 }
  arrived(call, 0.5)
  durations.begun(call, hour)
  durations.answered(call, Counts.ok, 3.5 * hour)
  assert.strictEqual(call.time, 0)
  assert.strictEqual(durations.wait!.state.sum, 3600 - 0.0005)
  assert.strictEqual(durations.server!.state.sum, 2.5 * 3600)
})
