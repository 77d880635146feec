/** Links whose peer is not trusted: what the validation lets through, the engine survives; what it refuses, the engine never reads. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import type { ActorSystem } from "../../src/ActorSystem.ts"
import * as Frames from "../../src/internal/wire/frames.ts"
import * as Validate from "../../src/internal/wire/validate.ts"
import crashesBehaviours, { Fragile } from "../contract/fixtures/crashes.ts"
import storeBehaviours, { Store } from "../contract/fixtures/handle-kinds.ts"
import stageBehaviours, { Stage } from "../contract/fixtures/stage.ts"
import springBehaviours, { Spring } from "../contract/fixtures/streams.ts"
import { exitedOf, forked } from "../contract/support/asserts.ts"
import * as Journal from "../contract/support/journal.ts"
import { type Filter, untrusted } from "../contract/support/links.ts"
import { onEveryPlacement, type Placement } from "../contract/support/placements.ts"

const crashes = { module: new URL("../contract/fixtures/crashes.ts", import.meta.url), behaviours: crashesBehaviours }
const stage = { module: new URL("../contract/fixtures/stage.ts", import.meta.url), behaviours: stageBehaviours }
const stores = { module: new URL("../contract/fixtures/handle-kinds.ts", import.meta.url), behaviours: storeBehaviours }
const springs = { module: new URL("../contract/fixtures/streams.ts", import.meta.url), behaviours: springBehaviours }

// the crashes of workers are expected
const quiet = Logger.layer([])

const run = <A, E>(
  placement: Placement,
  filter: Filter,
  program: Effect.Effect<A, E, ActorSystem>,
  onError?: (end: () => void) => void
): Effect.Effect<Exit.Exit<A, E>> =>
  Effect.exit(Effect.provide(
    program,
    Layer.merge(
      untrusted(
        placement.layer({ spawnTimeout: "5 seconds", shutdownTimeout: "200 millis", interruptTimeout: "2 seconds" }),
        filter,
        onError
      ),
      quiet
    )
  ))

/** Calls, failures and interruptions. */
const useStage = Effect.scoped(Effect.gen(function*() {
  const stage = yield* Stage.spawn()
  const held = yield* Effect.forEach(["a", "b"], (job) => forked(stage.hold({ job })))
  yield* stage.awaitLine({ line: "a began" })
  yield* Fiber.interrupt(held[1]!)
  yield* stage.release({ job: "a" })
  assert.strictEqual(yield* Fiber.join(held[0]!), "a")
  return yield* Effect.forEach([1, 2, 3], (n) => stage.echo({ n }), { concurrency: "unbounded" })
}))

/** Handles of several kinds, and a result that is pending. */
const useStore = Effect.scoped(Effect.gen(function*() {
  const store = yield* Store.spawn()
  const counter = yield* store.counter({ key: "c" })
  const map = yield* store.numbers({ key: "m" })
  const work = yield* store.work({ key: "w" })
  yield* map.set(1, 2)
  yield* work.interrupt
  yield* Effect.exit(work.await)
  return [yield* counter.get, yield* map.get(1)]
}))

/** Streams of numbers, by themselves and many at a time. */
const useSpring = Effect.scoped(Effect.gen(function*() {
  const spring = yield* Spring.spawn()
  const numbers = yield* Stream.runCollect(spring.numbers({ n: 200 }))
  yield* Stream.runDrain(Stream.take(spring.flow({ n: 2_000 }), 50))
  return [numbers.length, yield* spring.echo({ n: 1 })]
}))

// all that a peer may send in place of a slot
const values: ReadonlyArray<unknown> = [
  undefined,
  null,
  -1,
  0,
  1,
  1.5,
  2 ** 40,
  NaN,
  true,
  "x",
  [],
  {},
  [["Die", 1]],
  new Uint8Array(3)
]

/** A source of random numbers, of opcodes, and of slots of any kind. */
const randomly = (seed: string) => {
  const random = Effect.runSync(Random.withSeed(Effect.service(Random.Random), seed))
  const opcodes = Object.keys(Frames.layouts).map(Number)
  const int = (n: number): number => Math.floor(random.nextDoubleUnsafe() * n)
  const opcode = (): number => opcodes[int(opcodes.length)]!
  return { any: (): unknown => int(3) === 0 ? opcode() : values[int(values.length)], int, opcode, random }
}

/** Changes one slot of some messages, or inserts, repeats or removes some slots. */
const mutate = (seed: string, probability: number): NonNullable<Filter["fromWorker"]> => {
  const { any, int, opcode, random } = randomly(seed)
  return (batch) => {
    if (random.nextDoubleUnsafe() > probability) return batch
    const at = 1 + int(batch.length - 1)
    switch (int(6)) {
      case 0:
        return batch.toSpliced(at, 1)
      case 1:
        return batch.toSpliced(at, 0, any())
      case 2:
        return batch.toSpliced(at, 0, ...batch.slice(at, at + 1 + int(4)))
      case 3:
        return [batch[0], opcode(), any(), any(), any()].concat(batch.slice(1))
      default:
        return batch.with(at, any())
    }
  }
}

const isTyped = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isSuccess(exit) || exit.cause.reasons.every((reason) => reason._tag !== "Die" || reason.defect instanceof Error)

const suite = <A, E>(
  name: string,
  fixture: Parameters<typeof onEveryPlacement>[0],
  program: Effect.Effect<A, E, ActorSystem>,
  expected: A
) =>
  describe(name, () =>
    onEveryPlacement(fixture, (placement) => {
      it.live("F6: all messages of a program pass the validation", () =>
        Effect.gen(function*() {
          assert.deepStrictEqual(yield* run(placement, {}, program), Exit.succeed(expected))
        }))

      // an exception that reaches the engine fails the test as uncaught
      it.live("F6: changed messages settle as results or errors", () =>
        Effect.gen(function*() {
          const count = placement.isMemory ? 40 : 5
          let refused = 0
          for (let i = 0; i < count; i++) {
            const filter = mutate(`${name}/${i}`, 0.3)
            const exit = yield* run(
              placement,
              i % 4 === 0 ? { toWorker: filter } : { fromWorker: filter },
              // a change may make the program wait for a message that never comes; on a busy machine a process takes seconds to start
              Effect.timeout(program, placement.isMemory ? "1 second" : "10 seconds")
            )
            assert(isTyped(exit), String(exit))
            if (/Disconnected|field|opcode|sends no/.test(String(exit))) refused++
          }
          assert.isAbove(refused, 0)
        }), 120_000)
    }))

suite("calls", stage, useStage, [1, 2, 3])
suite("handles", stores, useStore, [0, Option.some(2)])
suite("streams", springs, useSpring, [200, 1])

onEveryPlacement(stage, (placement) => {
  it.live("F6: a field of a wrong type ends the actors as Disconnected, and the error names the frame and the field", () => {
    const fromWorker = (batch: Frames.Batch) => {
      const i = batch.indexOf(Frames.Settled, 1)
      return i < 0 ? batch : batch.with(i + 1, "one")
    }
    return Effect.gen(function*() {
      const exit = yield* run(
        placement,
        { fromWorker },
        Effect.scoped(Effect.flatMap(Stage.spawn(), (stage) => stage.echo({ n: 77 })))
      )
      const error = exitedOf(exit)
      assert.deepStrictEqual([error.reason, error.outcome], ["Disconnected", "Unknown"])
      assert.include(error.message, "the field callId of Settled has a wrong type")
    })
  })
})

/** The numbers in the calls of a message of `note`. */
const numbersIn = (batch: Frames.Batch): ReadonlyArray<number> =>
  framesIn(batch).flatMap(([op, , , , n]) => op === Frames.Call || op === Frames.CallWith ? [n as number] : [])

const framesIn = (batch: Frames.Batch): ReadonlyArray<Frames.Batch> => {
  const frames: Array<Frames.Batch> = []
  for (let i = 1; i < batch.length; i += frames.at(-1)!.length) {
    frames.push(batch.slice(i, i + Frames.sizes[batch[i] as number]!))
  }
  return frames
}

const isRefused = (batch: Frames.Batch): boolean => {
  let isRefused = false
  Validate.reader("host", () => undefined, () => isRefused = true)(batch)
  return isRefused
}

/** Inserts garbage between the frames of a message, ahead of them or behind them: slots that the validation refuses. */
const garble = (seed: string): (batch: Frames.Batch) => Frames.Batch => {
  const { any, int, opcode } = randomly(seed)
  return (batch) => {
    const frames = framesIn(batch)
    for (;;) {
      const garbage = [opcode(), ...Array.from({ length: int(6) }, any)]
      const garbled = [batch[0], ...frames.toSpliced(int(frames.length + 1), 0, garbage).flat()]
      if (isRefused(garbled)) return garbled
    }
  }
}

onEveryPlacement(crashes, (placement) => {
  const rounds = 5

  // In each round one message carries several calls, which note their numbers in a journal. The filter changes the message of the round
  // `garbledRound`.
  const noteInRounds = (garbledRound: number, filter: (batch: Frames.Batch) => Frames.Batch) =>
    Effect.scoped(Effect.gen(function*() {
      const journal = yield* Journal.make
      let delivered: ReadonlyArray<number> = []
      let refused: ReadonlyArray<number> = []
      let round = 0
      const toWorker = (batch: Frames.Batch): Frames.Batch => {
        const numbers = numbersIn(batch)
        if (numbers.length === 0 || round < garbledRound) {
          delivered = [...delivered, ...numbers]
          return batch
        }
        refused = numbers
        return filter(batch)
      }
      const exit = yield* run(
        placement,
        { toWorker },
        Effect.scoped(Effect.gen(function*() {
          const fragile = yield* Fragile.spawn({ journal: journal.path })
          for (; round < rounds; round++) {
            const numbers = Array.from({ length: 5 }, (_, i) => 10 * round + i)
            // a tell may be accepted and not have run when the link ends
            const discard = round === garbledRound && round % 2 === 1
            yield* Effect.forEach(numbers, (n) => fragile.note({ n }, { discard }), { concurrency: "unbounded" })
          }
        })),
        // a worker that has received a part of the message has time to run it
        (end) =>
          placement.isMemory ? void setImmediate(() => setImmediate(() => setImmediate(end))) : void setTimeout(end, 20)
      )
      return { delivered, exit, lines: (yield* journal.lines).map(Number), refused }
    }))

  it.live("F6: the calls of messages without an error run", () =>
    Effect.gen(function*() {
      const { delivered, exit, lines } = yield* noteInRounds(rounds, (batch) => batch)
      assert.deepStrictEqual(exit, Exit.void)
      assert.strictEqual(lines.length, 5 * rounds)
      assert.deepStrictEqual(lines, delivered)
    }))

  it.live("F6: nothing of a message with an error runs, not even the calls before the error", () =>
    Effect.gen(function*() {
      const { delivered, exit, lines, refused } = yield* noteInRounds(2, (batch) => [...batch, Frames.Interrupt, {}])
      const error = exitedOf(exit)
      assert.strictEqual(error.reason, "Disconnected")
      assert.include(error.message, "the field callId of Interrupt has a wrong type")
      assert.deepStrictEqual(refused, [20, 21, 22, 23, 24])
      assert.deepStrictEqual(lines, delivered)
    }))

  it.live(
    "F6: nothing of a message with garbage runs, wherever the garbage is, and the actor ends as Disconnected",
    () =>
      Effect.gen(function*() {
        const count = placement.isMemory ? 60 : 5
        for (let i = 0; i < count; i++) {
          const garbledRound = i % rounds
          const { delivered, exit, lines, refused } = yield* noteInRounds(garbledRound, garble(`garbage/${i}`))
          assert.strictEqual(exitedOf(exit).reason, "Disconnected")
          assert.strictEqual(refused.length, 5)
          assert.strictEqual(delivered.length, 5 * garbledRound)
          assert.deepStrictEqual(lines, delivered)
        }
      }),
    120_000
  )
})
