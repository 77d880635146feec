import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Codes from "../../../src/internal/wire/codes.ts"
import * as Frames from "../../../src/internal/wire/frames.ts"
import * as Handles from "../../../src/internal/wire/handleContent.ts"
import * as Validate from "../../../src/internal/wire/validate.ts"
import { samples } from "./samples.ts"

type Sender = Parameters<typeof Validate.reader>[0]
type Limits = Parameters<typeof Validate.reader>[3]

/** The error in a batch; `undefined` if the batch is delivered. */
const errorIn = (sender: Sender, batch: unknown, limits?: Limits): string | undefined => {
  const delivered: Array<unknown> = []
  const errors: Array<string> = []
  const read = Validate.reader(sender, (batch) => delivered.push(batch), (error) => errors.push(error), limits)
  read(batch)
  assert.strictEqual(delivered.length + errors.length, 1)
  return errors[0]
}

const nameOf = (op: number): string =>
  Object.entries(Frames).find(([name, value]) => value === op && !(name in Codes))![0]

// only between workers of one process
const ofChannels: ReadonlySet<number> = new Set([
  Frames.Introduce,
  Frames.Provide,
  Frames.Unprovide,
  Frames.PeerDied,
  Frames.Severed,
  Frames.Unresponsive,
  Frames.Left
])

const senders = ["host", "worker"] as const
const frames: ReadonlyArray<Frames.Frame> = Object.values(samples)

const call = (payload: unknown) => [0, Frames.Call, 1, 2, 0, payload]

describe("the validation of batches", () => {
  it("delivers each frame from the end that sends it, but no frame of a channel between workers", () => {
    for (const frame of frames) {
      const accepted = senders.filter((sender) => errorIn(sender, [0, ...frame]) === undefined)
      assert.strictEqual(accepted.length === 0, ofChannels.has(frame[0]), `${frame[0]}`)
    }
    assert.include(errorIn("worker", [0, ...samples[Frames.Start]]), "a worker sends no Start")
    assert.include(errorIn("host", [0, ...samples[Frames.Ready]]), "a host sends no Ready")
    assert.include(errorIn("host", [0, ...samples[Frames.Introduce]]), "a host sends no Introduce")
  })

  it("names the opcode and the field that is wrong", () => {
    for (const frame of frames) {
      const sender = senders.find((sender) => errorIn(sender, [0, ...frame]) === undefined)
      if (sender === undefined) continue
      const fields: ReadonlyArray<string> = Frames.layouts[frame[0]].fields
      for (const [i, field] of fields.entries()) {
        const wrong: Array<unknown> = [0, ...frame]
        wrong[i + 2] = Symbol("wrong")
        const error = errorIn(sender, wrong)
        assert.include(error, `field ${field} of ${nameOf(frame[0])}`)
      }
      if (fields.length > 0) assert.include(errorIn(sender, [0, ...frame].slice(0, -1)), "ends before its last field")
    }
  })

  it("checks a detail by its preceding code", () => {
    const info = samples[Frames.Spawned][3]
    assert.isUndefined(errorIn("worker", [0, Frames.Spawned, 1, Frames.SpawnOk, info]))
    assert.isDefined(
      errorIn("worker", [0, Frames.Spawned, 1, Frames.SpawnOk, { ...(info as object), capacity: "much" }])
    )
    assert.isDefined(errorIn("worker", [0, Frames.Spawned, 1, Frames.SpawnNotServed, info]))
    assert.isDefined(errorIn("worker", [0, Frames.Failed, 1, Frames.FailureCause, [["Fail"]]]))
    assert.isDefined(errorIn("worker", [0, Frames.Failed, 1, Frames.FailureCause, new Array(1)]))
    assert.isDefined(errorIn("worker", [0, Frames.Failed, 1, 99, undefined]))
    assert.isDefined(errorIn("worker", [0, Frames.Complete, 1, Frames.CompleteUnencodable, 3]))
  })

  it("checks the handles of a value", () => {
    const carrying = (content: unknown) => [0, Frames.Settled + Frames.CarriesHandles, 1, { content }]
    assert.isUndefined(errorIn("worker", carrying([Handles.WireDeferred, 1])))
    assert.isUndefined(errorIn("worker", carrying([Handles.WireObject, -3, "Counter", "Counter#1"])))
    assert.isUndefined(errorIn("worker", carrying([Handles.WireKnown, Frames.CompleteSuccess, 1])))
    for (
      const content of [
        undefined,
        [],
        [Handles.WireDeferred, "1"],
        [Handles.WireObject, -3, 1, 2],
        [Handles.WireKnown, 9, 1],
        [Handles.WireKnown, Frames.CompleteSuccess, 1, true],
        [Handles.WireDeferred, 1, [1, 1, undefined]],
        [Handles.WireShare, 1],
        ["__proto__"]
      ]
    ) assert.include(errorIn("worker", carrying(content)), "field result of Settled", JSON.stringify(content))
    const handle = { content: [Handles.WireDeferred, 1] }
    assert.isUndefined(errorIn("worker", [0, Frames.Settled + Frames.CarriesHandles, 1, [{ handle }, [handle]]]))
    assert.isDefined(errorIn("worker", [0, Frames.Settled + Frames.CarriesHandles, 1, [{ handle }, handle]]))
    const own: { content: Array<unknown> } = { content: [Handles.WireKnown, Frames.CompleteSuccess] }
    own.content.push([{ own }, [own]], true)
    assert.isDefined(errorIn("worker", [0, Frames.Settled + Frames.CarriesHandles, 1, own]))
    assert.include(errorIn("worker", [0, Frames.Started + Frames.CarriesHandles, 1, 0]), "Started exports no handles")
  })

  it("limits the size of each part", () => {
    const text = "x".repeat(100)
    assert.include(
      errorIn("host", [0, ...samples[Frames.Ping], ...samples[Frames.Ping]], { batchLength: 2 }),
      "longer than 2"
    )
    assert.include(
      errorIn("host", [0, Frames.Spawn, 1, text, undefined, 1], { textLength: 99 }),
      "field definition of Spawn"
    )
    for (
      const payload of [
        text,
        { [text]: 1 },
        new Uint8Array(100),
        new Array(100),
        new Map([[text, 1]]),
        new Set([text]),
        new Error("e", { cause: text }),
        10n ** 200n,
        Array.from({ length: 100 }, (_, i) => i)
      ]
    ) {
      assert.isUndefined(errorIn("host", call(payload)))
      assert.include(errorIn("host", call(payload), { bytes: 100 }), "field payload of Call")
    }
    let deep: unknown = 1
    for (let i = 0; i < 10_000; i++) deep = [deep]
    assert.include(errorIn("host", call(deep)), "field payload of Call")
    const cycle: Array<unknown> = []
    cycle.push(cycle)
    assert.isUndefined(errorIn("host", call(cycle)))
  })

  it("delivers nothing after an error, and never throws", () => {
    const random = Effect.runSync(Random.withSeed(Effect.service(Random.Random), "garbage"))
    const int = (n: number): number => Math.floor(random.nextDoubleUnsafe() * n)
    const valueOf = (levels: number): unknown =>
      [
        () => int(200) - 20,
        () => random.nextDoubleUnsafe() * 1e20,
        () => NaN,
        () => ["", "killed", "Fail", "__proto__"][int(4)],
        () => undefined,
        () => null,
        () => int(2) === 0,
        () => new Uint8Array(int(9)),
        () => new Map([[1, 2]]),
        () => 5n,
        () => ({ content: valueOf(levels - 1), length: -1, byteLength: -1 }),
        () => levels > 0 ? Array.from({ length: int(4) }, () => valueOf(levels - 1)) : new Array(int(3))
      ][int(12)]!()
    const ops = frames.map(([op]) => op)
    let valid = 0
    for (let n = 0; n < 20_000; n++) {
      const batch: Array<unknown> = [int(3)]
      for (let k = int(4); k >= 0; k--) {
        const op = ops[int(ops.length)]! + (int(4) === 0 ? Frames.CarriesHandles : 0)
        batch.push(op)
        for (let size = Frames.sizes[op]! - 1 + (int(20) === 0 ? 1 : 0); size > 0; size--) batch.push(valueOf(3))
      }
      if (errorIn(senders[int(2)]!, int(50) === 0 ? valueOf(3) : batch) === undefined) valid++
    }
    assert.isAbove(valid, 100)

    const delivered: Array<unknown> = []
    const errors: Array<string> = []
    const read = Validate.reader("host", (batch) => delivered.push(batch), (error) => errors.push(error))
    read([0, Frames.Ping])
    read([1, Frames.Ping, Frames.Interrupt, -1])
    read([2, Frames.Ping])
    assert.deepStrictEqual(delivered, [[0, Frames.Ping]])
    assert.deepStrictEqual(errors, ["the field callId of Interrupt has a wrong type, or is too large"])
  })
})
