/** What users do at once when they learn of something, and what their observers throw then. */
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Logger, Schedule, Stream } from "effect"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { assertExited, forked, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Mortal } from "./actors/reactions.ts"

const fixture = { module: new URL("./actors/reactions.ts", import.meta.url), behaviours }

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

type Ref = Effect.Success<ReturnType<typeof Mortal.spawn>>

onEveryPlacement(fixture, (placement) => {
  const end = (actor: Ref): Effect.Effect<unknown> =>
    placement.isMemory ? ActorRef.kill(actor) : Effect.exit(actor.exit())

  /** What `reaction` comes to, which begins at once when the end of an actor is known. */
  const inReactionTo = <A, E>(actor: Ref, reaction: Effect.Effect<A, E>) =>
    Effect.gen(function*() {
      const reacting = yield* forked(Effect.andThen(ActorRef.awaitExit(actor), Effect.exit(reaction)))
      yield* end(actor)
      return yield* Fiber.join(reacting)
    })

  const reason = placement.isMemory ? "Killed" : "Crashed"

  it.live("C1: a handle used immediately after the end of its actor fails", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const mortal = yield* Mortal.spawn({ journal: journal.path })
      const ref = yield* mortal.ref()
      assertExited(yield* inReactionTo(mortal, ref.get), reason, "NotRun")
      const again = yield* Mortal.spawn({ journal: journal.path })
      const other = yield* again.ref()
      assertExited(yield* inReactionTo(again, Effect.timeout(other.get, "100 seconds")), reason, "NotRun")
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live(
    "C1: a call made immediately after the end of a worker to its other actor fails",
    () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const [one, other] = yield* Effect.all([
          Mortal.spawn({ journal: journal.path }),
          Mortal.spawn({ journal: journal.path })
        ])
        assertExited(yield* inReactionTo(one, other.ping()), reason, "NotRun")
        assertExited(yield* inReactionTo(one, Stream.runDrain(other.numbers({ upTo: 3 }))), reason, "NotRun")
        assertExited(yield* inReactionTo(one, other.ping(undefined, { discard: true })), reason, "NotRun")
      }).pipe(Effect.provide(placement.layer({ workers: 1 })), quiet),
    { skip: placement.isMemory }
  )

  it.live(
    "C1: a call that fails with its worker, and is then made to another actor of that worker, fails again",
    () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const args = { journal: journal.path }
        const [one, other] = yield* Effect.all([Mortal.spawn(args), Mortal.spawn(args)])
        yield* forked(Effect.exit(one.hang()))
        // the mailbox has room for one
        const calls = yield* Effect.forEach(
          upTo(4),
          () => forked(Effect.exit(Effect.catch(one.ping(), () => other.ping())))
        )
        yield* end(other)
        for (const call of calls) assertExited(yield* Fiber.join(call), reason, "NotRun")
      }).pipe(Effect.provide(placement.layer({ workers: 1 })), quiet),
    { skip: placement.isMemory }
  )

  it.live(
    "F3: a supervised actor, called immediately after the end of its worker, answers in its next incarnation",
    () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const args = { journal: journal.path }
        const one = yield* Mortal.spawn(args)
        const restarting = Supervision.make({ schedule: Schedule.spaced(1) })
        const other = yield* Supervision.supervised(Mortal.spawn(args), restarting)
        const answer = yield* inReactionTo(one, other.ping())
        assert.deepStrictEqual(answer, yield* Effect.exit(Effect.succeed("pong")))
      }).pipe(Effect.provide(placement.layer({ workers: 1 })), quiet),
    { skip: placement.isMemory }
  )

  it.live("C3: interrupting a take during the decoding of its item completes, even if the owner has died", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const mortal = yield* Mortal.spawn({ journal: journal.path })
      const queue = yield* mortal.queue()
      const taking = yield* forked(queue.take)
      yield* journal.awaitLine("decoding")
      yield* end(mortal)
      yield* Fiber.interrupt(taking)
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("C1: an exception of an observer does not affect other waiting fibers", () =>
    Effect.gen(function*() {
      const script = fileURLToPath(new URL("./programs/throwing-observers.ts", import.meta.url))
      const { stdout } = yield* Effect.promise(() => promisify(execFile)(process.execPath, [script, placement.name]))
      const all = { answers: 20, interrupts: 20, deaths: 40, stops: 20, later: "pong", uncaught: 50 }
      assert.deepStrictEqual(JSON.parse(stdout), all)
    }), 90_000)
})
