/**
 * The ring between two threads: what is sent arrives once, as it is and in order, whichever way it goes, and nobody sleeps on it.
 */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Batch } from "../src/internal/wire.ts"
import { makeRing, type Posted, Receiver, Sender } from "../src/node/internal/ringLink.ts"

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
  it("carries numbers and text as they are, and what the other end looks out for does not go on the port", () => {
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

  it("posts for one who does not look out, and what is not plain, too long, or handed over", () => {
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

  it("refuses what cannot be cloned, and nothing has been sent", () => {
    const { arrived, deliver, receiver, sender } = make()
    receiver.listen()
    assert.throws(() => sender.send([1, () => 1], undefined))
    sender.send([2], undefined)
    receiver.take()
    deliver()
    assert.deepStrictEqual(arrived, [[2]])
  })

  it("who falls asleep reads what was written just before", () => {
    const { arrived, port, receiver, sender } = make()
    receiver.listen()
    sender.send([1], undefined)
    receiver.sleep()
    assert.deepStrictEqual(arrived, [[1]])
    sender.send([2], undefined)
    assert.deepStrictEqual(port, [[2]])
  })

  it("wakes one who has fallen asleep while it wrote", () => {
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

  it("posts when it is full, and goes on when there is room", () => {
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

  it("what somebody throws who is told of an answer stops nobody from looking out for the next ones", () => {
    const script = fileURLToPath(new URL("./conformance/fixtures/throwing-observer.ts", import.meta.url))
    const printed = execFileSync(process.execPath, [script], { encoding: "utf8", timeout: 25_000 })
    assert.deepStrictEqual(JSON.parse(printed), { answered: 2000, uncaught: 20 })
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
    { arbitrary: { runs: 30 } }
  )
})
