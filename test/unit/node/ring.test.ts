/**
 * The ring between two threads: what is sent arrives once, as it is and in order, whichever way it goes, and nobody sleeps on it.
 */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Batch } from "../../../src/internal/wire/frames.ts"
import { makeRing, type Posted, Receiver, Sender } from "../../../src/node/transport/ring.ts"

/** Both halves in one thread, and the port between them, whose messages wait until they are delivered. */
const make = () => {
  const ring = makeRing()
  const port: Array<Posted> = []
  const arrived: Array<Batch> = []
  const sender = new Sender(ring, { postMessage: (message) => void port.push(structuredClone(message)) })
  const receiver = new Receiver(ring, (batch) => void arrived.push(batch))
  return {
    arrived,
    port,
    receiver,
    sender,
    deliver: () => port.splice(0).forEach((message) => receiver.posted(message))
  }
}

const Plain = Schema.Union([
  Schema.Int,
  Schema.Number,
  Schema.String,
  Schema.Literals([-0, 2 ** 31, 2 ** 53, true, false, "", "x".repeat(63)]),
  Schema.Undefined,
  Schema.Null
])
const Other = Schema.Union([Schema.Struct({ n: Schema.Int }), Schema.Array(Schema.Int), Schema.BigInt])
const Step = Schema.Union([
  Schema.Struct({ send: Schema.Array(Plain), again: Schema.Literals([1, 1, 1, 30]) }),
  Schema.Struct({ send: Schema.Array(Other), again: Schema.Literals([1]) }),
  Schema.Literals(["take", "listen", "listen", "sleep", "deliver one", "deliver"])
])

describe("the ring", () => {
  it("carries numbers and text unchanged, and posts nothing while the reader polls", () => {
    const { arrived, port, receiver, sender } = make()
    const batch = [0, -1, 1.5, -0, NaN, 2 ** 31, "text \ud800 \u0000 ü", undefined, null, true, false]
    receiver.listen()
    sender.send(batch.slice(), undefined)
    assert.deepStrictEqual(port, [])
    assert.isTrue(receiver.take())
    assert.isFalse(receiver.take())
    assert.deepStrictEqual(arrived, [batch])
    assert(Object.is(arrived[0]![3], -0))
  })

  it("posts for a reader that does not poll, and posts batches that are not plain, too long or with transfers", () => {
    const { arrived, deliver, port, receiver, sender } = make()
    sender.send([1], undefined)
    receiver.listen()
    sender.send([2, { n: 1 }], undefined)
    sender.send([3, "x".repeat(65)], undefined)
    sender.send(Array.from({ length: 600 }, (_, i) => i), undefined)
    sender.send([5], [])
    assert.strictEqual(port.length, 5)
    assert.isFalse(receiver.take())
    deliver()
    assert.deepStrictEqual(arrived.map(([first]) => first), [1, 2, 3, 0, 5])
  })

  it("rejects a value that cannot be cloned, and sends nothing", () => {
    const { arrived, deliver, receiver, sender } = make()
    receiver.listen()
    assert.throws(() => sender.send([1, () => 1], undefined))
    sender.send([2], undefined)
    receiver.take()
    deliver()
    assert.deepStrictEqual(arrived, [[2]])
  })

  it("a reader that starts to sleep reads the batches written just before", () => {
    const { arrived, port, receiver, sender } = make()
    receiver.listen()
    sender.send([1], undefined)
    receiver.sleep()
    assert.deepStrictEqual(arrived, [[1]])
    sender.send([2], undefined)
    assert.deepStrictEqual(port, [[2]])
  })

  it("wakes a reader that has started to sleep during the write", () => {
    const ring = makeRing()
    const port: Array<Posted> = []
    const arrived: Array<Batch> = []
    const receiver = new Receiver(ring, (batch) => void arrived.push(batch))
    const sender = new Sender(ring, { postMessage: (message) => void port.push(message) })
    receiver.listen()
    const batch: Batch = [1]
    // falls asleep when the first value is read, behind the question whether it hears
    Object.defineProperty(batch, 0, { get: () => (receiver.sleep(), 1) })
    sender.send(batch, undefined)
    assert.deepStrictEqual(arrived, [])
    assert.deepStrictEqual(port, [null])
    receiver.posted(port[0]!)
    assert.deepStrictEqual(arrived, [[1]])
  })

  it("posts when the ring is full, and writes to the ring again when it has room", () => {
    const { arrived, deliver, port, receiver, sender } = make()
    receiver.listen()
    const sent: Array<Batch> = []
    const send = (): void => {
      const batch = [sent.length, ...Array.from({ length: 100 }, (_, i) => i)]
      sent.push(batch.slice())
      sender.send(batch, undefined)
    }
    while (port.length === 0) send()
    assert.isAbove(sent.length, 10)
    send()
    deliver()
    for (let i = 0; i < 5; i++) send()
    assert.deepStrictEqual(port, [])
    receiver.take()
    assert.deepStrictEqual(arrived, sent)
  })

  it.prop(
    "keeps the order of everything, many times round, however both ends take turns",
    [Schema.Array(Step).check(Schema.isMinLength(100))],
    ([steps]) => {
      const { arrived, deliver, port, receiver, sender } = make()
      const sent: Array<Batch> = []
      for (const step of steps) {
        if (step === "take") receiver.take()
        else if (step === "listen") receiver.listen()
        else if (step === "sleep") receiver.sleep()
        else if (step === "deliver") deliver()
        else if (step === "deliver one") port.splice(0, 1).forEach((message) => receiver.posted(message))
        else {
          for (let i = 0; i < step.again; i++) {
            const batch: Batch = [sent.length, ...step.send]
            sent.push(batch.slice())
            sender.send(batch, undefined)
          }
        }
      }
      deliver()
      receiver.take()
      assert.deepStrictEqual(arrived, sent)
    },
    { arbitrary: { runs: process.env["TESTS"] === "all" ? 100 : 10 } }
  )
})
