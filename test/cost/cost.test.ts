/**
 * What calls cost, counted and not timed: messages and fibers. A change that makes a call cost more shows here, on any machine.
 */
import { assert, describe, it, vi } from "@effect/vitest"
import { Context, Effect, Schema, Stream } from "effect"
import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as v8 from "node:v8"
import * as vm from "node:vm"
import { MessagePort } from "node:worker_threads"
import { ActorSystem } from "../../src/ActorSystem.ts"
import * as Codec from "../../src/internal/codec/codec.ts"
import { isSuccess } from "../../src/internal/effect/completed.ts"
import { ActorProxy } from "../../src/internal/proxy/actorProxy.ts"
import { Inbox } from "../../src/internal/wire/inbox.ts"
import { until } from "../contract/support/journal.ts"
import { onEveryPlacement, type Placement } from "../contract/support/placements.ts"
import behaviours, { Cheap, eventLoop } from "./actors/cost.ts"

const fixture = { module: new URL("./actors/cost.ts", import.meta.url), behaviours }

const calls = 1_000

/** The number of fibers that have been made in this process so far, this one included. */
const fibers = Effect.map(Effect.forkChild(Effect.void), (fiber) => fiber.id)

/** What an effect costs here: messages sent to threads, messages read, fibers made. */
const costOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => ({
      sent: vi.spyOn(MessagePort.prototype, "postMessage"),
      read: vi.spyOn(Inbox.prototype, "check"),
      waited: vi.spyOn(ActorProxy.prototype, "advance")
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

  it.live(`${calls} concurrent calls share messages in both directions`, () =>
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

  it.live(`${calls} sequential calls need one message in each direction, and no fiber of their own`, () =>
    Effect.gen(function*() {
      const cost = yield* costOf(oneByOne(yield* warm))
      perCall(cost.sent, 1, "messages")
      perCall(cost.read, placement.isMemory ? 2 : 1, "answers")
      perCall(cost.fibers, 0, "fibers")
    }).pipe(Effect.provide(layer)))

  it.live("a handler that does not return a completed effect costs one fiber", () =>
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

  it.live("completed results travel in the answer: a handle costs no message more than a call", () =>
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
    it.live(`an actor sleeps after calls in quick succession, and so does its caller, spin: ${spin}`, () =>
      Effect.gen(function*() {
        const cheap = yield* Cheap.spawn()
        yield* oneByOne(cheap)
        const both = Effect.map(cheap.eventLoop(), (actor) => [actor, eventLoop()])
        // until both event loops are idle for most of a period; an event loop that polls is never idle
        for (let isAsleep = false; !isAsleep;) {
          const before = yield* both
          yield* Effect.sleep(20)
          const after = yield* both
          isAsleep = after.every(({ active, idle }, i) => idle - before[i]!.idle > active - before[i]!.active)
        }
      }).pipe(Effect.provide(placement.layer(spin === undefined ? {} : { spin }))))
  }

  it.live(`${calls} actors without a build step cost a few messages, and no answer`, () =>
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
}, { except: ["memory"], reason: "workers in memory do not poll, and the test counts the messages of both sides" })

onEveryPlacement(fixture, (placement) => {
  it.live("a computing actor gets no wake-up for calls made meanwhile, and a sleeping actor gets one for later calls", () =>
    Effect.gen(function*() {
      const cheap = yield* warm
      const computations = Array.from({ length: 100 }, () => ({ ms: 1 }))
      const round = costOf(
        Effect.forEach(computations, (each) => cheap.compute(each), { concurrency: 16, discard: true })
      )
      const rounds = yield* Effect.replicateEffect(round, 3)
      // the best of three: while the machine keeps the caller's thread from running, the actor can finish all calls and sleep
      assert.isAtMost(Math.min(...rounds.map(({ sent }) => sent)), 10)
      const after = yield* costOf(oneByOne(cheap))
      // a call that arrives before the actor sleeps needs no wake-up, such as the first one after a computation
      assert.isAtLeast(after.sent, 0.99 * calls)
    }).pipe(Effect.provide(placement.layer({ spin: false }))))
}, { except: ["memory", "processes"], reason: "only threads have shared memory with their caller" })

class Large extends Context.Service<Large, object>()("Large") {}

onEveryPlacement(fixture, (placement) => {
  it.live("the context of a caller is not retained after its call", () =>
    Effect.gen(function*() {
      v8.setFlagsFromString("--expose-gc")
      const gc = vm.runInNewContext("gc") as () => void
      const cheap = yield* Cheap.spawn()
      const large = yield* Effect.suspend(() => {
        const large = {}
        return Effect.as(Effect.provideService(cheap.echo({ n: 1 }), Large, large), new WeakRef(large))
      })
      yield* until("the context is gone", () => {
        gc()
        return large.deref() === undefined
      })
    }).pipe(Effect.provide(placement.layer())))
})

describe("memory", () => {
  it.live("building and closing an actor costs a few fibers, and a running actor costs none", () =>
    Effect.gen(function*() {
      const before = yield* fibers
      yield* Effect.scoped(Effect.forEach(numbers, () => Cheap.spawn(), { discard: true }))
      const after = yield* fibers
      // building one and closing it, each for a moment
      assert.isAtMost(after - before, 4 * calls)
    }).pipe(Effect.provide(ActorSystem.layer(behaviours))))
})

describe("V8", () => {
  const script = fileURLToPath(new URL("./programs/young-fibers.ts", import.meta.url))

  const youngAfterBurst = (way: "with" | "without"): string =>
    execFileSync(process.execPath, ["--allow-natives-syntax", "--expose-gc", script, way], { encoding: "utf8" }).trim()
  const young = JSON.stringify({ stack: true, observers: true })

  it("after a burst of waiting fibers V8 takes fibers for short-lived more often with a system than without", () => {
    // V8 decides by the moment at which it collects or compiles: with a system, nearly always on an idle machine, and three times of four
    // on a busy one
    let lead = 0
    for (let i = 0; i < 8 && lead < 2; i++) {
      lead += Number(youngAfterBurst("with") === young) - Number(youngAfterBurst("without") === young)
    }
    assert.isAbove(lead, 0)
  })
})

describe("codecs", () => {
  it("numbers, strings and flat structs are sent unchanged", () => {
    const codec = Codec.compile(Schema.Struct({ n: Schema.Int, text: Schema.String }))
    const value = { n: 1, text: "one" }
    const encoded = codec.encode(value)
    assert(isSuccess(encoded))
    assert.deepStrictEqual(encoded.value, value)
  })

  it("a schema is compiled once for all its users", () => {
    const schema = Schema.Struct({ n: Schema.Int })
    assert.strictEqual(Codec.compile(schema), Codec.compile(schema))
  })
})
