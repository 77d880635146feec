import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Logger, Schedule, Scope } from "effect"
import * as Actor from "../../../src/Actor.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { assertTypeError, errorOf, forked } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Clerk, Till } from "./actors/names.ts"

const fixture = { module: new URL("./actors/names.ts", import.meta.url), behaviours }

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

onEveryPlacement(fixture, (placement) => {
  it.live("L2: an actor is found by its name, and each class has names of its own", () =>
    Effect.gen(function*() {
      const main = yield* Till.spawn({ builds: "starts" }, { name: "main" })
      const other = yield* Till.spawn({ builds: "starts" }, { name: "other" })
      const clerk = yield* Clerk.spawn({ name: "main" })
      assert.strictEqual(ActorRef.id(yield* Till.named("main")), ActorRef.id(main))
      assert.strictEqual(ActorRef.id(yield* Till.named("other")), ActorRef.id(other))
      assert.strictEqual(ActorRef.id(yield* Clerk.named("main")), ActorRef.id(clerk))
    }).pipe(Effect.provide(placement.layer())))

  it.live("L2: named waits until an actor with the name has been built", () =>
    Effect.gen(function*() {
      const finding = yield* forked(Till.named("main"))
      const journal = yield* Journal.make
      const spawning = yield* forked(Till.spawn({ builds: "waits", journal: journal.path }, { name: "main" }))
      yield* journal.awaitLine("building")
      assert.isUndefined(finding.pollUnsafe())
      yield* journal.note("go")
      const till = yield* Fiber.join(spawning)
      assert.strictEqual(ActorRef.id(yield* Fiber.join(finding)), ActorRef.id(till))
    }).pipe(Effect.provide(placement.layer())))

  it.live("L2: a name is unique, and a spawn with a taken name fails with the actor that has it", () =>
    Effect.gen(function*() {
      const till = yield* Till.spawn({ builds: "starts" }, { name: "main" })
      const error = errorOf(yield* Effect.exit(Till.spawn({ builds: "starts" }, { name: "main" })))
      assert.deepInclude(error, { _tag: "SpawnError", actor: "Till", reason: "NameTaken" })
      assert.strictEqual((error as Error).message, `Till: the name "main" is taken by ${ActorRef.address(till)}`)
      assert.strictEqual(yield* till.sell(), 1)
      const empty = errorOf(yield* Effect.exit(Till.spawn({ builds: "starts" }, { name: "" })))
      assert.deepInclude(empty, { reason: "OptionsInvalid", message: "Till: the name must not be empty" })
    }).pipe(Effect.provide(placement.layer())))

  it.live("L2: a name is free again when its actor has ended or has not been built", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      yield* Till.spawn({ builds: "starts" }, { name: "main" }).pipe(Scope.provide(scope))
      yield* Scope.close(scope, Exit.void)
      const finding = yield* forked(Till.named("main"))
      assert.deepInclude(errorOf(yield* Effect.exit(Till.spawn({ builds: "fails" }, { name: "main" }))), {
        _tag: "NoTill"
      })
      assert.isUndefined(finding.pollUnsafe())
      const second = yield* Till.spawn({ builds: "starts" }, { name: "main" })
      assert.strictEqual(ActorRef.id(yield* Fiber.join(finding)), ActorRef.id(second))
      yield* ActorRef.stop(second)
      const third = yield* Till.spawn({ builds: "starts" }, { name: "main" })
      assert.strictEqual(ActorRef.id(yield* Till.named("main")), ActorRef.id(third))
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("L2: an actor keeps its name when it restarts", () =>
    Effect.gen(function*() {
      const policy = Supervision.make({ schedule: Schedule.spaced(1) })
      const till = yield* Till.spawn({ builds: "starts" }, { name: "main" }).pipe(Supervision.supervised(policy))
      assert.strictEqual(yield* till.sell(), 1)
      yield* Effect.exit(till.crash())
      const found = yield* Till.named("main")
      assert.strictEqual(yield* found.sell(), 1)
      const error = errorOf(yield* Effect.exit(Till.spawn({ builds: "starts" }, { name: "main" })))
      assert.deepInclude(error, { reason: "NameTaken" })
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("L2: an actor finds another one by its name, and waits for it", () =>
    Effect.gen(function*() {
      const clerk = yield* Clerk.spawn()
      const serving = yield* forked(clerk.serve({ till: "main" }))
      const interrupted = yield* forked(clerk.serve({ till: "none" }))
      yield* Fiber.interrupt(interrupted)
      assert.isUndefined(serving.pollUnsafe())
      const till = yield* Till.spawn({ builds: "starts" }, { name: "main" })
      assert.strictEqual(yield* Fiber.join(serving), 1)
      assert.strictEqual(yield* clerk.serve({ till: "main" }), 2)
      assert.strictEqual(yield* till.sell(), 3)
    }).pipe(Effect.provide(placement.layer())))

  it.live("L2: two systems of a program have names of their own", () =>
    Effect.gen(function*() {
      const [first, second] = yield* Effect.all([Layer.build(placement.layer()), Layer.build(placement.layer())])
      const spawn = Till.spawn({ builds: "starts" }, { name: "main" })
      yield* Effect.all([Effect.provide(spawn, first), Effect.provide(spawn, second)])
    }))
})

it.live("L2: Actor.named outside of an actor dies", () =>
  Effect.gen(function*() {
    assertTypeError(yield* Effect.exit(Actor.named(Till, "main")), "Actor.named(Till)", "does not run in an actor")
  }))
