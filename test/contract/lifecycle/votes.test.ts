import { assert, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Option, Result, Schedule } from "effect"
import * as fs from "node:fs"
import { setImmediate } from "node:timers/promises"
import * as Actor from "../../../src/Actor.ts"
import { ActorExited, SpawnError } from "../../../src/ActorError.ts"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import behaviours, { BodyFailed, Refused, Resource, Starter, Voter } from "../fixtures/lifecycle.ts"
import { forked } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/lifecycle.ts", import.meta.url), behaviours }

/** The votes that were cast, as the actors noted them. */
const asked = (lines: ReadonlyArray<string>): number => lines.filter((line) => line.startsWith("asked about")).length

onEveryPlacement(fixture, (placement) => {
  it.live("L5: a failure that the actor votes to absorb is Option.none", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const result = yield* Actor.use(Voter, [], () => new BodyFailed({ vote: "absorb", journal: journal.path }))
      assert.deepStrictEqual(result, Option.none())
      const lines = yield* journal.lines
      assert.lengthOf(lines, 1)
      assert.match(lines[0]!, /^asked about Fail of BodyFailed/)
    }).pipe(Effect.provide(placement.layer())))

  it.live("L5: a failure that the actor does not absorb passes through unchanged", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const failure = new BodyFailed({ vote: "pass", journal: journal.path })
      const exit = yield* Effect.exit(Actor.use(Voter, [], () => failure))
      assert(Exit.isFailure(exit))
      assert.lengthOf(exit.cause.reasons, 1)
      assert.strictEqual(Option.getOrThrow(Cause.findErrorOption(exit.cause)), failure)
      assert.strictEqual(asked(yield* journal.lines), 1)
    }).pipe(Effect.provide(placement.layer())))

  it.live("L5: a success is Option.some, whatever the vote", () =>
    Effect.gen(function*() {
      const result = yield* Actor.use(Voter, [], (voter) => voter.echo({ n: 7 }))
      assert.deepStrictEqual(result, Option.some(7))
    }).pipe(Effect.provide(placement.layer())))

  it.live("L5: a defect of the body can be absorbed as well", () =>
    Effect.gen(function*() {
      const result = yield* Actor.use(Voter, [], () => Effect.die(new RangeError("bug")))
      assert.deepStrictEqual(result, Option.none())
    }).pipe(Effect.provide(placement.layer())))

  it.live("L5: a failure that has interrupted concurrent fibers is absorbed", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const failure = new BodyFailed({ vote: "absorb", journal: journal.path })
      const result = yield* Actor.use(
        Voter,
        [],
        () => Effect.all([Effect.never, Effect.never, failure], { concurrency: "unbounded" })
      )
      assert.deepStrictEqual(result, Option.none())
    }).pipe(Effect.provide(placement.layer())))

  it.live("L5: an interruption is never absorbed", () =>
    Effect.gen(function*() {
      const running = yield* Effect.forkChild(
        Actor.use(Voter, [], (voter) => Effect.andThen(voter.echo({ n: 1 }), Effect.never)),
        { startImmediately: true }
      )
      yield* Fiber.interrupt(running)
      const exit = yield* Fiber.await(running)
      assert(Exit.isFailure(exit))
      assert.isTrue(Cause.hasInterruptsOnly(exit.cause))
    }).pipe(Effect.provide(placement.layer())))

  it.live("L5: a vote that dies absorbs nothing, and is a defect beside the failure", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const failure = new BodyFailed({ vote: "die", journal: journal.path })
      const exit = yield* Effect.exit(Actor.use(Voter, [], () => failure))
      assert(Exit.isFailure(exit))
      assert.strictEqual(Result.getOrThrow(Cause.findFail(exit.cause)).error, failure)
      const defect = Result.getOrThrow(Cause.findDefect(exit.cause))
      assert.instanceOf(defect, RangeError)
      assert.strictEqual(defect.message, "no vote")
    }).pipe(Effect.provide(placement.layer())))

  it.live(
    "L5: a vote that hangs is interrupted after shutdownTimeout, and absorbs nothing",
    () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const failure = new BodyFailed({ vote: "hang", journal: journal.path })
        const exit = yield* Effect.exit(Actor.use(Voter, [], () => failure))
        assert.deepStrictEqual(exit, Exit.fail(failure))
        assert.strictEqual(asked(yield* journal.lines), 1)
      }).pipe(Effect.provide(placement.layer({ shutdownTimeout: "2 seconds" }))),
    10_000
  )

  it.live("L5: an answer that is not a boolean absorbs nothing", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const failure = new BodyFailed({ vote: "no boolean", journal: journal.path })
      const exit = yield* Effect.exit(Actor.use(Voter, [], () => failure))
      assert.deepStrictEqual(exit, Exit.fail(failure))
    }).pipe(Effect.provide(placement.layer())))

  for (const workers of ["dedicated", 1] as const) {
    it.live(`L5: an actor that is stopped during its vote does not vote (workers: ${workers})`, () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const failure = new BodyFailed({ vote: "hang", journal: journal.path })
        let voter: ActorRef.AnyActorRef | undefined
        const using = yield* forked(Actor.use(Voter, [], (ref) => {
          voter = ref
          return failure
        }))
        yield* Journal.until("the actor was asked", () => fs.existsSync(journal.path))
        yield* ActorRef.stop(voter!)
        assert.deepStrictEqual(yield* Fiber.await(using), Exit.fail(failure))
      }).pipe(Effect.provide(placement.layer({ workers, shutdownTimeout: Infinity }))))
  }

  it.live("L5: an actor without onExit absorbs nothing", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const failure = new Refused({ code: 1, since: new Date(0) })
      const exit = yield* Effect.exit(Actor.use(Resource, [{ journal: journal.path }], () => failure))
      assert.deepStrictEqual(exit, Exit.fail(failure))
    }).pipe(Effect.provide(placement.layer())))

  it.live("L5: the actor is released after the vote, with the exit of the body", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const failure = new Refused({ code: 1, since: new Date(0) })
      yield* Effect.exit(
        Actor.use(Resource, [{ journal: journal.path }], (resource) =>
          Effect.andThen(resource.note({ line: "used" }), failure))
      )
      assert.deepStrictEqual((yield* journal.lines).slice(2), [
        "used",
        `released second on Fail of Refused "refused with 1" with code 1`,
        `released first on Fail of Refused "refused with 1" with code 1`
      ])
    }).pipe(Effect.provide(placement.layer())))

  it.live("L5: an actor that cannot start fails with its own error, without a vote", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const error = yield* Effect.flip(
        Actor.use(Starter, [{ journal: journal.path, way: "fails" }], () => Effect.die("not reached"))
      )
      assert.instanceOf(error, Refused)
      assert.strictEqual(error.code, 7)
    }).pipe(Effect.provide(placement.layer())))

  it.live("L5: an ended actor does not vote", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const failure = new BodyFailed({ vote: "absorb", journal: journal.path })
      const exit = yield* Effect.exit(
        Actor.use(Voter, [], (voter) => Effect.andThen(ActorRef.stop(voter), failure))
      )
      assert.deepStrictEqual(exit, Exit.fail(failure))
      assert.strictEqual(asked(yield* journal.lines), 0)
    }).pipe(Effect.provide(placement.layer())))

  it.live("L5: every member of a pool votes, and one vote is enough", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const result = yield* ActorPool.use(
        Voter,
        { size: 3 },
        () => new BodyFailed({ vote: "one absorbs", journal: journal.path })
      )
      assert.deepStrictEqual(result, Option.none())
      assert.strictEqual(asked(yield* journal.lines), 3)
    }).pipe(Effect.provide(placement.layer())))

  it.live("L5: a failure that no member of a pool absorbs passes through unchanged", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const failure = new BodyFailed({ vote: "pass", journal: journal.path })
      const exit = yield* Effect.exit(ActorPool.use(Voter, { size: 2 }, () => failure))
      assert.deepStrictEqual(exit, Exit.fail(failure))
      assert.strictEqual(asked(yield* journal.lines), 2)
    }).pipe(Effect.provide(placement.layer())))

  it.live("L5: a success of a pool's body is Option.some", () =>
    Effect.gen(function*() {
      const result = yield* ActorPool.use(
        Voter,
        { size: 2 },
        ({ client }) => Effect.forEach([1, 2, 3], (n) => client.echo({ n }), { concurrency: "unbounded" })
      )
      assert.deepStrictEqual(result, Option.some([1, 2, 3]))
    }).pipe(Effect.provide(placement.layer())))

  it.live("L5: a pool without members absorbs nothing", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(ActorPool.use(Voter, { size: 0 }, () => Effect.die("not reached")))
      assert.instanceOf(error, SpawnError)
    }).pipe(Effect.provide(placement.layer())))
})

onEveryPlacement(fixture, (placement) => {
  it.live("L5: a crashed member does not prevent the votes of the other members", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const result = yield* ActorPool.use(Voter, { size: 2 }, ({ client, members }) =>
        Effect.gen(function*() {
          const [first] = yield* members
          const error = yield* Effect.flip(first!.exit())
          assert.instanceOf(error, ActorExited)
          assert.strictEqual(yield* client.echo({ n: 1 }), 1)
          return yield* new BodyFailed({ vote: "absorb", journal: journal.path })
        }))
      assert.deepStrictEqual(result, Option.none())
      assert.strictEqual(asked(yield* journal.lines), 1)
    }).pipe(Effect.provide(placement.layer())))

  it.live(
    "L5: an actor whose worker is blocked is not waited for longer than shutdownTimeout",
    () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const failure = new BodyFailed({ vote: "absorb", journal: journal.path })
        const exit = yield* Effect.exit(
          Actor.use(Voter, [], (voter) =>
            Effect.gen(function*() {
              yield* Effect.forkChild(Effect.exit(voter.block({ journal: journal.path })), { startImmediately: true })
              yield* journal.awaitLine("blocking")
              return yield* failure
            }))
        )
        assert.deepStrictEqual(exit, Exit.fail(failure))
      }).pipe(Effect.provide(placement.layer({ shutdownTimeout: "100 millis" }))),
    10_000
  )

  it.live("L5: an actor between two incarnations does not vote, and delays nothing", () =>
    Effect.gen(function*() {
      const failure = new BodyFailed({ vote: "absorb", journal: "none" })
      const exit = yield* Effect.exit(
        Actor.use(Voter, [], (voter) =>
          Effect.gen(function*() {
            yield* Effect.exit(voter.exit())
            // past the turn in which the end of the worker is told to everyone
            yield* Effect.promise(() => setImmediate())
            return yield* failure
          })).pipe(Supervision.supervised(Supervision.make({ schedule: Schedule.spaced("1 hour") })))
      )
      assert.deepStrictEqual(exit, Exit.fail(failure))
    }).pipe(Effect.provide(placement.layer())))
}, { except: ["memory"], reason: "in memory an actor cannot crash" })
