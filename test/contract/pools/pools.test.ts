import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Logger } from "effect"
import { SpawnError } from "../../../src/ActorError.ts"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import * as ActorTest from "../../../src/testing/ActorTest.ts"
import behaviours, { Desk, NotFound, Together, TooMany } from "../fixtures/desk.ts"
import { assertExited } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/desk.ts", import.meta.url), behaviours }

describe("pools", () => {
  onEveryPlacement(fixture, (placement) => {
    it.live("P1: the members start in parallel", () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const args = { journal: journal.path, together: 3, firstFails: false }
        const pool = yield* ActorPool.make(Together, { size: 3, args })
        assert.strictEqual((yield* pool.broadcast((member) => member.here())).length, 3)
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P1: when one member fails, the started members are released", () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const args = { journal: journal.path, together: 3, firstFails: true }
        const error = yield* Effect.scoped(Effect.flip(ActorPool.make(Together, { size: 3, args })))
        assert.instanceOf(error, TooMany)
        const lines = yield* journal.lines
        assert.strictEqual(lines.filter((line) => line.startsWith("built ")).length, 3)
        assert.strictEqual(lines.filter((line) => line.startsWith("released ")).length, 3)
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P1: the members are in the order in which they were started, whichever is ready first", () => {
      const faults = ActorTest.faults({ workers: [0], fromWorker: { delay: 1, delayFor: "1 second" } })
      return Effect.gen(function*() {
        const { members } = yield* ActorPool.make(Desk, { size: 3 })
        const workers = (yield* members).map((member) => Number(/\d+$/.exec(ActorRef.address(member))![0]))
        assert.deepStrictEqual(workers, [workers[0]!, workers[0]! + 1, workers[0]! + 2])
      }).pipe(Effect.scoped, Effect.provide(Layer.provide(faults, placement.layer())))
    })

    it.live("P1, P6: a pool whose members have ended before all are ready contains these members, and fails its calls with the cause", () => {
      // "ready" and "spawned" are the first two messages of a worker
      const faults = ActorTest.faults({ fromWorker: { cutAfter: 2 } })
      return Effect.gen(function*() {
        const pool = yield* Supervision.supervised(
          ActorPool.make(Desk, { size: 2 }),
          Supervision.make({ maxRestarts: 0 })
        )
        const members = yield* pool.members
        assert.lengthOf(members, 2)
        for (const member of members) assertExited(yield* ActorRef.awaitExit(member), "Disconnected", "NotRun")
        assertExited(yield* Effect.exit(pool.client.echo({ n: 1 })), "GivenUp", "NotRun")
      }).pipe(
        Effect.scoped,
        Effect.provide(Layer.provide(faults, placement.layer())),
        // the reports of crashes are not for the screen
        Effect.provide(Logger.layer([]))
      )
    })

    it.live("P2: calls go to the members in turn, and are as typed and interruptible as on an actor", () =>
      Effect.gen(function*() {
        const { client, members } = yield* ActorPool.make(Desk, { size: 2, strategy: "round-robin" })
        yield* Effect.forEach(["a", "b", "c"], (line) => client.log({ line }), { concurrency: "unbounded" })
        const lines = yield* Effect.forEach(yield* members, (member) => member.lines())
        assert.deepStrictEqual(lines, [["a", "c"], ["b"]])
        assert.instanceOf(yield* Effect.flip(client.find({ id: "a" })), NotFound)
        const waiting = yield* Effect.forkChild(client.wait({ name: "x" }), { startImmediately: true })
        yield* Fiber.interrupt(waiting)
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P2: other strategies choose by load, by key, or by chance", () =>
      Effect.gen(function*() {
        const least = yield* ActorPool.make(Desk, { size: 2, strategy: "least-busy" })
        const [first, second] = yield* least.members
        const busy = yield* Effect.forkChild(first!.wait({ name: "busy" }), { startImmediately: true })
        yield* Effect.repeat(first!.linesNow(), { until: (lines) => lines.includes("begun busy") })
        for (const line of ["a", "b", "c"]) yield* least.client.log({ line })
        assert.deepStrictEqual(yield* second!.lines(), ["a", "b", "c"])
        yield* Fiber.interrupt(busy)
        const hashed = yield* ActorPool.make(Desk, {
          size: 2,
          strategy: { hash: (_, payload) => (payload as { readonly line: string }).line }
        })
        for (const line of ["x", "x", "x"]) yield* hashed.client.log({ line })
        const lengths = yield* hashed.broadcast((member) => Effect.map(member.lines(), (lines) => lines.length))
        assert.deepStrictEqual(lengths.toSorted(), [0, 3])
        const random = yield* ActorPool.make(Desk, { size: 2, strategy: "random" })
        assert.strictEqual(yield* random.client.echo({ n: 4 }), 4)
      }).pipe(Effect.scoped, Effect.provide(placement.layer({ workers: 2 }))))

    it.live("P3: broadcast answers in the order of the members, broadcastExit with the exit of each member, submit with a fiber", () =>
      Effect.gen(function*() {
        const pool = yield* ActorPool.make(Desk, { size: 2 })
        const addresses = (yield* pool.members).map(ActorRef.address)
        assert.deepStrictEqual(
          yield* pool.broadcast((member) => Effect.as(member.echo({ n: 1 }), ActorRef.address(member))),
          addresses
        )
        const exits = yield* pool.broadcastExit((member) =>
          ActorRef.address(member) === addresses[0]
            ? Effect.asVoid(member.find({ id: "a" }))
            : member.log({ line: "a" })
        )
        assert.deepStrictEqual(exits.map(Exit.isSuccess), [false, true])
        const fiber = yield* pool.submit((member) => member.echo({ n: 3 }))
        assert.strictEqual(yield* Fiber.join(fiber), 3)
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P8: an invalid size is rejected with the name of the option", () =>
      Effect.forEach([0, -1, 1.5, Number.NaN], (size) =>
        Effect.gen(function*() {
          const error = yield* Effect.flip(ActorPool.make(Desk, { size }))
          assert.instanceOf(error, SpawnError)
          assert.strictEqual(error.reason, "OptionsInvalid")
          assert.include(error.message, "size")
        })).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P2: a pool backs the service", () =>
      Effect.gen(function*() {
        const desk = yield* Desk
        assert.strictEqual(yield* desk.echo({ n: 8 }), 8)
      }).pipe(Effect.provide(Desk.layerPool({ size: 2 })), Effect.provide(placement.layer({ workers: 2 }))))
  })
})
