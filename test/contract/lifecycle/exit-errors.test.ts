import { assert, it } from "@effect/vitest"
import { Cause, Effect, Exit, Option } from "effect"
import * as Actor from "../../../src/Actor.ts"
import { ActorExited, SpawnError } from "../../../src/ActorError.ts"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Amount, Foreign, Ledger, Locked, Overdrawn, Torn } from "./actors/exit-errors.ts"

const fixture = { module: new URL("./actors/exit-errors.ts", import.meta.url), behaviours }

const overdrawn = new Overdrawn({ by: new Amount({ cents: 5n }), at: new Date(0) })

onEveryPlacement(fixture, (placement) => {
  const failures: ReadonlyArray<[what: string, exit: Exit.Exit<never, unknown>, noted: string]> = [
    ["the error of a method", Exit.fail(overdrawn), "Fail of Overdrawn (true)"],
    ["the error of a streaming method", Exit.fail(new Torn({ line: 1 })), "Fail of Torn ()"],
    ["the start error", Exit.fail(new Locked({ owner: "me" })), "Fail of Locked ()"],
    [
      "an error of this library",
      Exit.fail(
        new SpawnError({ actor: "Other", reason: "Timeout", message: "too slow" })
      ),
      "Fail of SpawnError (too slow)"
    ],
    ["a declared error that is a defect", Exit.die(overdrawn), "Die of Overdrawn (true)"],
    ["an error of no definition", Exit.fail(new Foreign({ code: 5 })), "Fail of no known class ()"],
    [
      "several errors",
      Exit.failCause(Cause.combine(Cause.fail(overdrawn), Cause.fail(new Torn({ line: 1 })))),
      "Fail of Overdrawn (true), Fail of Torn ()"
    ]
  ]
  for (const [what, exit, noted] of failures) {
    it.live(`L3: a finalizer receives ${what} with its class if the class belongs to the definition or the library`, () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const ended = yield* Effect.exit(
          Effect.scoped(Effect.andThen(Ledger.spawn({ journal: journal.path }), exit))
        )
        assert.deepStrictEqual(ended, exit)
        assert.deepStrictEqual(yield* journal.lines, ["start: success", `finalizer: ${noted}`])
      }).pipe(Effect.provide(placement.layer())))
  }

  it.live("L3: a finalizer receives the error of a call of its own actor with its class", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const exit = yield* Ledger.spawn({ journal: journal.path }).pipe(
        Effect.flatMap((ledger) => ledger.withdraw()),
        Effect.scoped,
        Effect.exit
      )
      assert(Exit.isFailure(exit))
      assert.instanceOf(Option.getOrThrow(Cause.findErrorOption(exit.cause)), Overdrawn)
      assert.match((yield* journal.lines).at(-1)!, /^finalizer: Fail of Overdrawn \(true\)/)
    }).pipe(Effect.provide(placement.layer())))

  it.live("L5: a vote decides by the class of the error", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const args = { journal: journal.path }
      assert.deepStrictEqual(yield* Actor.use(Ledger, [args], (ledger) => ledger.withdraw()), Option.none())
      assert.deepStrictEqual(
        yield* ActorPool.use(Ledger, { size: 2, args }, () => Effect.fail(overdrawn)),
        Option.none()
      )
      const torn = new Torn({ line: 1 })
      const error = yield* Effect.flip(Actor.use(Ledger, [args], () => torn))
      assert.strictEqual(error, torn)
    }).pipe(Effect.provide(placement.layer())))

  it.live("F5: awaitExit and spawn give errors with their class", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const ledger = yield* Ledger.spawn({ journal: journal.path })
      yield* ActorRef.kill(ledger)
      const exit = yield* ActorRef.awaitExit(ledger)
      assert(Exit.isFailure(exit))
      assert.instanceOf(Option.getOrThrow(Cause.findErrorOption(exit.cause)), ActorExited)
      const locked = yield* Effect.flip(Ledger.spawn({ journal: journal.path, isLocked: true }))
      assert.instanceOf(locked, Locked)
    }).pipe(Effect.provide(placement.layer())))
})
