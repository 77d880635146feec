import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Logger, Option, Result, Schedule, Stream } from "effect"
import { SpawnError } from "../../../src/ActorError.ts"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import behaviours, {
  Anything,
  Carried,
  Point,
  Refused,
  Resource,
  Starter,
  Unread,
  Unserved,
  Voter
} from "../fixtures/lifecycle.ts"
import { assertExited, forked, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { assertNothingAdded, holdings } from "../support/leaks.ts"
import { onEveryPlacement } from "../support/placements.ts"

const module = new URL("../fixtures/lifecycle.ts", import.meta.url)

const soon = Supervision.make({ schedule: Schedule.spaced(1) })

// the reports of killed workers are not for the screen
const quiet = Effect.provide(Logger.layer([]))

/** Runs an effect that fails, and makes sure that it leaves nothing behind although the surrounding scope stays open. */
const leavesNothing = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const before = holdings()
    const exit = yield* Effect.exit(effect)
    yield* Effect.promise(() => assertNothingAdded(before))
    return exit
  })

const errorOf = <A, E>(exit: Exit.Exit<A, E>): E => {
  assert(Exit.isFailure(exit))
  return Option.getOrThrow(Cause.findErrorOption(exit.cause))
}

const defectOf = (exit: Exit.Exit<unknown, unknown>): unknown => {
  assert(Exit.isFailure(exit))
  return Result.getOrThrow(Cause.findDefect(exit.cause))
}

const spawnErrorOf = <A, E>(exit: Exit.Exit<A, E>): SpawnError => {
  const error = errorOf(exit)
  assert.instanceOf(error, SpawnError)
  return error
}

onEveryPlacement({ module, behaviours }, (placement) => {
  const spawnTimeout = placement.isMemory ? 50 : 1500

  it.live("L2: the behaviour is built when spawn returns", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      yield* Resource.spawn({ journal: journal.path })
      assert.deepStrictEqual(yield* journal.lines, ["acquired first", "acquired second"])
    }).pipe(Effect.provide(placement.layer())))

  it.live("L2: threads killed during their start, at any stage, do not prevent other threads from starting", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const spawn = Resource.spawn({ journal: journal.path })
      for (const spawnTimeout of [30, 60, 90, 120, 180, 240]) {
        // threads wait for each other while they start, and processes do not
        const workers = upTo(placement.name === "threads" ? 6 : 2)
        const spawning = Effect.forEach(workers, () => Effect.exit(Effect.scoped(spawn)), { concurrency: "unbounded" })
        yield* Effect.provide(spawning, placement.layer({ spawnTimeout, shutdownTimeout: 1 }))
      }
      const there = Effect.flatMap(spawn, (actor) => actor.note({ line: "there" }))
      yield* Effect.provide(Effect.scoped(there), placement.layer())
      assert.include(yield* journal.lines, "there")
      // that they are killed is logged
    }).pipe(Effect.provide(Logger.layer([]))))

  it.live("L2: arguments reach the behaviour as values of their schema", () =>
    Effect.gen(function*() {
      const args = {
        at: new Date(86_400_000),
        point: new Point({ x: 1, y: -2 }),
        label: Option.some("here"),
        big: 2n ** 70n,
        counts: new Map([["a", 1]])
      }
      const actor = yield* Carried.spawn(args)
      assert.deepStrictEqual(yield* actor.args(), args)
      assert.isTrue(yield* actor.isPoint())
    }).pipe(Effect.provide(placement.layer())))

  it.live("L2: arguments that do not fit their schema never leave the caller", () =>
    Effect.gen(function*() {
      const exit = yield* leavesNothing(Resource.spawn({ journal: 7 as never }))
      const error = spawnErrorOf(exit)
      assert.strictEqual(error.reason, "ArgsInvalid")
      assert.strictEqual(error.actor, "Resource")
      assert.include(error.message, "journal")
    }).pipe(Effect.provide(placement.layer())))

  it.live("L2: arguments that the worker cannot decode are a SpawnError that names the field", () =>
    Effect.gen(function*() {
      const exit = yield* leavesNothing(Unread.spawn({ text: "secret" }))
      const error = spawnErrorOf(exit)
      assert.strictEqual(error.reason, "ArgsInvalid")
      assert.include(error.message, "text")
      assert.include(error.message, "nobody can read this")
    }).pipe(Effect.provide(placement.layer())))

  it.live("L2: arguments that cannot be carried are a SpawnError", () =>
    Effect.gen(function*() {
      const exit = yield* leavesNothing(Anything.spawn({ value: () => 1 }))
      assert.strictEqual(spawnErrorOf(exit).reason, "ArgsInvalid")
    }).pipe(Effect.provide(placement.layer())))

  it.live("L2: a spawn whose arguments cannot be carried does not affect a concurrent spawn", () =>
    Effect.gen(function*() {
      const [bad, good] = yield* Effect.all([
        Effect.exit(Anything.spawn({ value: () => 1 })),
        Anything.spawn({ value: "fine" })
      ], { concurrency: "unbounded" })
      assert.strictEqual(spawnErrorOf(bad).reason, "ArgsInvalid")
      assert.strictEqual(yield* good.value(), "fine")
    }).pipe(Effect.provide(placement.layer({ workers: 1 }))))

  it.live("L2: the typed failure of a behaviour is the typed failure of spawn", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const exit = yield* leavesNothing(Starter.spawn({ journal: journal.path, way: "fails" }))
      const error = errorOf(exit)
      assert.instanceOf(error, Refused)
      assert.deepStrictEqual(error, new Refused({ code: 7, since: new Date(0) }))
      assert.deepStrictEqual(yield* journal.lines, [
        "acquired what the start needs",
        `released what the start needs on Fail of Refused "refused with 7" with code 7`
      ])
    }).pipe(Effect.provide(placement.layer())))

  it.live("L2: the typed failure keeps its class if a finalizer also dies", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const exit = yield* leavesNothing(Starter.spawn({ journal: journal.path, way: "fails and cannot clean up" }))
      assert.instanceOf(errorOf(exit), Refused)
      const defect = defectOf(exit)
      assert.instanceOf(defect, RangeError)
      assert.strictEqual(defect.message, "no way back")
      assert.include((yield* journal.lines).at(-1), "released what the start needs on Fail of Refused")
    }).pipe(Effect.provide(placement.layer())))

  it.live.each(
    [["dies", "out of luck"], ["throws", "thrown away"]] as const
  )(
    "L2: a behaviour that %s is a defect of spawn with its name, message and remote stack",
    ([way, message]) =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const exit = yield* leavesNothing(Starter.spawn({ journal: journal.path, way }))
        assert(Exit.isFailure(exit))
        assert.isFalse(Cause.hasFails(exit.cause))
        const defect = defectOf(exit)
        assert.instanceOf(defect, RangeError)
        assert.strictEqual(defect.message, message)
        assert.include(defect.stack, "fixtures/lifecycle.ts")
        assert.include((yield* journal.lines).at(-1), `released what the start needs on Die of RangeError "${message}"`)
      }).pipe(Effect.provide(placement.layer()))
  )

  it.live("L2: a behaviour that is never built fails with Timeout after spawnTimeout, and is released", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const exit = yield* leavesNothing(Starter.spawn({ journal: journal.path, way: "hangs" }))
      const error = spawnErrorOf(exit)
      assert.strictEqual(error.reason, "Timeout")
      assert.include(error.message, `${spawnTimeout} ms`)
      const [first, ...rest] = yield* journal.lines
      // a machine so slow that the worker had not begun has nothing to release
      if (first !== undefined) assert.match(rest.join(), /^released what the start needs on/)
    }).pipe(Effect.provide(placement.layer({ spawnTimeout }))))

  it.live("L2: an actor that the module does not serve is NotServed, with the names of the served actors", () =>
    Effect.gen(function*() {
      const error = spawnErrorOf(yield* leavesNothing(Unserved.spawn()))
      assert.strictEqual(error.reason, "NotServed")
      assert.strictEqual(error.actor, "Unserved")
      assert.include(error.message, "Unserved")
      assert.include(error.message, "Resource")
      assert.include(error.message, "Voter")
    }).pipe(Effect.provide(placement.layer())))

  it.live("L2: a failed spawn does not affect the other actors of its worker", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const resource = yield* Resource.spawn({ journal: journal.path })
      const ways = ["fails", "fails and cannot clean up", "dies", "throws"] as const
      for (const way of ways) assert(Exit.isFailure(yield* Effect.exit(Starter.spawn({ journal: journal.path, way }))))
      assert(Exit.isFailure(yield* Effect.exit(Unserved.spawn())))
      yield* resource.note({ line: "still here" })
      assert.include(yield* journal.lines, "still here")
    }).pipe(Effect.provide(placement.layer({ workers: 1 }))))
})

onEveryPlacement({ module, behaviours }, (placement) => {
  it.live("L2: a behaviour that blocks its worker while it is built fails with Timeout, and its worker is killed", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const error = spawnErrorOf(yield* leavesNothing(Starter.spawn({ journal: journal.path, way: "blocks" })))
      assert.strictEqual(error.reason, "Timeout")
    }).pipe(Effect.provide(placement.layer({ spawnTimeout: "1.5 seconds", shutdownTimeout: "100 millis" }))))

  it.live("L2: a worker that ends while the behaviour is built is WorkerFailed", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const error = spawnErrorOf(yield* leavesNothing(Starter.spawn({ journal: journal.path, way: "exits" })))
      assert.strictEqual(error.reason, "WorkerFailed")
      assert.include(error.message, "exited with code 7")
    }).pipe(Effect.provide(placement.layer())))

  it.live("L2: a spawn without a build step does not wait for a worker that is busy with another actor of this kind", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const busy = yield* Voter.spawn()
      yield* forked(busy.block({ journal: journal.path }))
      yield* journal.awaitLine("blocking")
      const actors = yield* Effect.forEach(upTo(100), () => Voter.spawn())
      assert.strictEqual(new Set(actors.map(ActorRef.address)).size, 100)
    }).pipe(Effect.provide(placement.layer({ workers: 1, shutdownTimeout: "100 millis" }))))

  it.live("F3: an actor without a build step restarts if its worker is killed before the worker has read the start", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const busy = yield* Voter.spawn()
      const blocked = yield* forked(busy.block({ journal: journal.path }))
      yield* journal.awaitLine("blocking")
      const supervised = yield* Supervision.supervised(Voter.spawn(), soon)
      const pool = yield* Supervision.supervised(ActorPool.make(Voter, { size: 3 }), soon)
      const echo = yield* forked(supervised.echo({ n: 1 }))
      const echoes = yield* forked(pool.broadcast((member) => member.echo({ n: 2 })))
      // the handler does not react, so the worker is killed
      yield* Fiber.interrupt(blocked)
      assertExited(yield* ActorRef.awaitExit(busy), "Killed", "NotRun")
      assert.strictEqual(yield* Fiber.join(echo), 1)
      assert.deepStrictEqual(yield* Fiber.join(echoes), [2, 2, 2])
      for (const actor of [supervised, ...yield* pool.members]) {
        const [incarnation] = yield* ActorRef.incarnations(actor).pipe(Stream.take(1), Stream.runCollect)
        assert.strictEqual(incarnation?.number, 2)
      }
    }).pipe(Effect.provide(placement.layer({ workers: 1, interruptTimeout: "100 millis" })), quiet))

  it.live("L2: an actor spawned during the end of its worker ends with the worker", () =>
    Effect.gen(function*() {
      const first = yield* Voter.spawn()
      const end = yield* forked(first.exit())
      const second = yield* Voter.spawn()
      assertExited(yield* Effect.exit(second.echo({ n: 1 })), "Crashed", "NotRun")
      assertExited(yield* ActorRef.awaitExit(second), "Crashed", "NotRun")
      assertExited(yield* Fiber.await(end), "Crashed", "Unknown")
      assert.strictEqual(yield* (yield* Voter.spawn()).echo({ n: 2 }), 2)
    }).pipe(Effect.provide(placement.layer({ workers: 1 }))))
}, { except: ["memory"], reason: "in memory the actor shares its event loop, and its process, with the test" })

// ---- modules that cannot be loaded ----

const modules: ReadonlyArray<{ what: string; module: URL; says: ReadonlyArray<string> }> = [
  {
    what: "does not exist",
    module: new URL("./modules/missing.ts", import.meta.url),
    says: ["modules/missing.ts"]
  },
  {
    what: "throws on load",
    module: new URL("./modules/throws.ts", import.meta.url),
    says: ["RangeError: thrown on load", "modules/throws.ts"]
  },
  {
    what: "cannot be parsed",
    module: new URL("data:text/javascript,export default ("),
    says: ["SyntaxError"]
  },
  {
    what: "has no default export",
    module: new URL("./modules/no-default.ts", import.meta.url),
    says: ["modules/no-default.ts", "default export"]
  },
  {
    what: "has a default export that is not a layer",
    module: new URL("./modules/no-layer.ts", import.meta.url),
    says: ["modules/no-layer.ts", "is not a layer"]
  },
  {
    what: "exports a layer that fails",
    module: new URL("./modules/layer-fails.ts", import.meta.url),
    says: ["modules/layer-fails.ts", "no database today"]
  }
]

for (const { module, says, what } of modules) {
  describe(`a module that ${what}`, () => {
    onEveryPlacement({ module, behaviours: Layer.empty }, (placement) => {
      it.live(`L2: a module that ${what} is ModuleFailed, with the cause in its message`, () =>
        Effect.gen(function*() {
          const error = spawnErrorOf(yield* leavesNothing(Unserved.spawn()))
          assert.strictEqual(error.reason, "ModuleFailed")
          assert.strictEqual(error.actor, "Unserved")
          for (const text of says) assert.include(error.message, text)
        }).pipe(Effect.provide(placement.layer())))
    }, { except: ["memory"], reason: "a system in memory is given its layer, and loads no module" })
  })
}

describe("a module that ends its worker", () => {
  const module = new URL("./modules/exits.ts", import.meta.url)
  onEveryPlacement({ module, behaviours: Layer.empty }, (placement) => {
    it.live("L2: a worker that ends while its module loads is WorkerFailed", () =>
      Effect.gen(function*() {
        const error = spawnErrorOf(yield* leavesNothing(Unserved.spawn()))
        assert.strictEqual(error.reason, "WorkerFailed")
        assert.include(error.message, "exited with code 7")
      }).pipe(Effect.provide(placement.layer())))
  }, { except: ["memory"], reason: "a system in memory is given its layer, and loads no module" })
})

describe("a module that serves nothing", () => {
  const module = new URL("./modules/empty.ts", import.meta.url)
  onEveryPlacement({ module, behaviours: Layer.empty }, (placement) => {
    it.live("L2: every actor is NotServed if the module serves nothing", () =>
      Effect.gen(function*() {
        const error = spawnErrorOf(yield* leavesNothing(Unserved.spawn()))
        assert.strictEqual(error.reason, "NotServed")
      }).pipe(Effect.provide(placement.layer())))
  })
})
