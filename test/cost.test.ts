/**
 * What calls cost, counted and not timed: messages and fibers. A change that makes a call cost more shows here, on any machine.
 */
import { assert, describe, it, vi } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { Worker } from "node:worker_threads"
import { ActorSystem } from "../src/ActorSystem.ts"
import * as Codec from "../src/internal/codec.ts"
import { Inbox } from "../src/internal/outbox.ts"
import { Target } from "../src/internal/target.ts"
import behaviours, { awake, Cheap } from "./conformance/fixtures/cost.ts"
import { onEveryPlacement, type Placement } from "./conformance/placements.ts"

const fixture = { module: new URL("./conformance/fixtures/cost.ts", import.meta.url), behaviours }

const calls = 1_000

/** The number of fibers that have been made in this process so far, this one included. */
const fibers = Effect.map(Effect.forkChild(Effect.void), (fiber) => fiber.id)

/** What an effect costs here: messages sent to threads, messages read, fibers made. */
const costOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => ({
      sent: vi.spyOn(Worker.prototype, "postMessage"),
      read: vi.spyOn(Inbox.prototype, "check"),
      waited: vi.spyOn(Target.prototype, "advance")
    })),
    ({ read, sent, waited }) =>
      Effect.gen(function*() {
        const before = yield* fibers
        yield* effect
        const after = yield* fibers
        return {
          fibers: after - before - 1,
          sent: sent.mock.calls.length,
          read: read.mock.calls.length,
          waited: waited.mock.calls.length
        }
      }),
    (spies) => Effect.sync(() => Object.values(spies).forEach((spy) => spy.mockRestore()))
  )

const numbers = Array.from({ length: calls }, (_, n) => n)
const atOnce = (cheap: Cheap["Service"]) =>
  Effect.forEach(numbers, (n) => cheap.echo({ n }), { concurrency: "unbounded", discard: true })
const oneByOne = (cheap: Cheap["Service"]) => Effect.forEach(numbers, (n) => cheap.echo({ n }), { discard: true })

/** An actor that has answered, so that what is made once has been made. */
const warm = Effect.gen(function*() {
  const cheap = yield* Cheap.spawn()
  yield* atOnce(cheap)
  return cheap
})

const perCall = (cost: number, most: number, what: string): void =>
  assert.isAtMost(cost, most * calls + 10, `${what} of ${calls} calls`)

onEveryPlacement(fixture, (placement: Placement) => {
  const layer = placement.layer()

  it.live(`${calls} calls at once share messages in both directions`, () =>
    Effect.gen(function*() {
      const cost = yield* costOf(atOnce(yield* warm))
      // sixteen to a message at first, so that the other side can begin, then more; an answer to each message is one message
      perCall(cost.sent, 1 / 32, "messages")
      // or more than one, where a machine is so slow that the answers of a message take half a millisecond
      perCall(cost.read, placement.isMemory ? 3 / 32 : 2 / 32, "answers")
      perCall(cost.waited, 0, "waits")
      // one for each caller
      perCall(cost.fibers, 1, "fibers")
    }).pipe(Effect.provide(layer)))

  it.live(`${calls} calls one by one need one message each way, and no fiber of their own`, () =>
    Effect.gen(function*() {
      const cost = yield* costOf(oneByOne(yield* warm))
      perCall(cost.sent, 1, "messages")
      perCall(cost.read, placement.isMemory ? 2 : 1, "answers")
      perCall(cost.fibers, 0, "fibers")
    }).pipe(Effect.provide(layer)))

  it.live("a handler that does not return its result as it is costs one fiber", () =>
    Effect.gen(function*() {
      const cheap = yield* warm
      const cost = yield* costOf(Effect.forEach(numbers, (n) => cheap.runningEcho({ n }), { discard: true }))
      perCall(cost.sent, 1, "messages")
      perCall(cost.fibers, placement.isMemory ? 1 : 0, "fibers")
    }).pipe(Effect.provide(layer)))

  it.live("a stream of 100,000 items comes in messages of a thousand", () =>
    Effect.gen(function*() {
      const cheap = yield* warm
      const cost = yield* costOf(Stream.runDrain(cheap.count({ n: 100_000 })))
      // a thousand to a message, and a word back for every two thousand
      assert.isAtMost(cost.read, placement.isMemory ? 200 : 110)
      assert.isAtMost(cost.sent, 60)
    }).pipe(Effect.provide(layer)))

  it.live("results that are known travel in the answer: a handle costs no message more than a call", () =>
    Effect.gen(function*() {
      const cheap = yield* warm
      const cost = yield* costOf(
        Effect.forEach(numbers, (n) => Effect.flatMap(cheap.later({ n }), (handle) => handle.await), { discard: true })
      )
      perCall(cost.sent, 1, "messages")
      perCall(cost.read, placement.isMemory ? 2 : 1, "answers")
      // that of what makes the result
      perCall(cost.fibers, placement.isMemory ? 1 : 0, "fibers")
    }).pipe(Effect.provide(layer)))
})

onEveryPlacement(fixture, (placement) => {
  for (const spin of [undefined, false] as const) {
    it.live(`an actor whose calls have come in quick succession sleeps afterwards, and so does its caller, spin: ${spin}`, () =>
      Effect.gen(function*() {
        const cheap = yield* Cheap.spawn()
        yield* oneByOne(cheap)
        const busy = { actor: yield* cheap.awake(), caller: awake() }
        yield* Effect.sleep("1 second")
        const rested = { actor: yield* cheap.awake(), caller: awake() }
        assert.isAbove(busy.actor, 0)
        assert.isBelow(rested.actor - busy.actor, 500)
        assert.isBelow(rested.caller - busy.caller, 500)
      }).pipe(Effect.provide(placement.layer(spin === undefined ? {} : { spin }))))
  }

  it.live(`${calls} actors of which nothing is to be built cost a few messages, and no answer`, () =>
    Effect.gen(function*() {
      yield* warm
      const spawn = Effect.forEach(numbers, () => Cheap.spawn(), { discard: true })
      const cost = yield* costOf(spawn)
      perCall(cost.sent, 1 / 64, "messages")
      perCall(cost.read, 0, "answers")
      perCall(cost.fibers, 0, "fibers")
    }).pipe(Effect.provide(placement.layer({ workers: 1 }))))

  it.live(`the answers of ${calls} handlers that yield share messages as well`, () =>
    Effect.gen(function*() {
      const cheap = yield* warm
      const cost = yield* costOf(
        Effect.forEach(numbers, (n) => cheap.yieldingEcho({ n }), { concurrency: "unbounded", discard: true })
      )
      perCall(cost.read, 1 / 4, "answers")
    }).pipe(Effect.provide(placement.layer())))
}, { except: ["memory"], reason: "no messages are looked for, and they are counted at both ends" })

onEveryPlacement(fixture, (placement) => {
  it.live("an actor that computes is not woken for what it is asked meanwhile, and is for what it is asked behind that", () =>
    Effect.gen(function*() {
      const cheap = yield* warm
      const computations = Array.from({ length: 100 }, () => ({ ms: 1 }))
      const cost = yield* costOf(
        Effect.forEach(computations, (each) => cheap.compute(each), { concurrency: 16, discard: true })
      )
      assert.isAtMost(cost.sent, 10)
      const after = yield* costOf(Effect.forEach(numbers.slice(0, 10), (n) => cheap.echo({ n })))
      // the first may still find it awake
      assert.isAtLeast(after.sent, 9)
    }).pipe(Effect.provide(placement.layer({ spin: false }))))
}, { except: ["memory", "processes"], reason: "there is no shared memory between the two" })

describe("memory", () => {
  it.live("an actor costs a few fibers when it is built and closed, and none in between", () =>
    Effect.gen(function*() {
      const before = yield* fibers
      yield* Effect.scoped(Effect.forEach(numbers, () => Cheap.spawn(), { discard: true }))
      const after = yield* fibers
      // building one and closing it, each for a moment
      assert.isAtMost(after - before, 4 * calls)
    }).pipe(Effect.provide(ActorSystem.layer(behaviours))))
})

describe("V8", () => {
  const script = fileURLToPath(new URL("./conformance/fixtures/young-fibers.ts", import.meta.url))

  // one in fifty or so decides otherwise, because of a collection at another moment: two of three count
  const youngAfterBurst = (way: "with" | "without"): unknown => {
    const run = () =>
      execFileSync(process.execPath, ["--allow-natives-syntax", "--expose-gc", script, way], { encoding: "utf8" })
    const [first, second] = [run(), run()]
    return JSON.parse(first === second ? first : run())
  }

  it("after a burst of waiting fibers V8 still takes fibers for short-lived, which it would not without a system", () => {
    assert.deepStrictEqual(youngAfterBurst("with"), { stack: true, observers: true })
    // or else `internal/system/lifetimes.ts` is of no use any more
    assert.deepStrictEqual(youngAfterBurst("without"), { stack: false, observers: false })
  })
})

describe("codecs", () => {
  it("numbers, strings and flat structs are sent as they are", () => {
    const codec = Codec.compile(Schema.Struct({ n: Schema.Int, text: Schema.String }))
    const value = { n: 1, text: "one" }
    const encoded = codec.encode(value)
    assert(Codec.isSuccess(encoded))
    assert.deepStrictEqual(encoded.value, value)
  })

  it("a schema is compiled once, whoever uses it", () => {
    const schema = Schema.Struct({ n: Schema.Int })
    assert.strictEqual(Codec.compile(schema), Codec.compile(schema))
  })
})
