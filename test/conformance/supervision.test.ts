import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Logger, Schedule, Scope, Stream } from "effect"
import { ActorExited, MailboxFull } from "../../src/ActorError.ts"
import * as ActorRef from "../../src/ActorRef.ts"
import * as Supervision from "../../src/Supervision.ts"
import { assertExited, assertInterrupted, errorOf, exitedOf, forked, logOf, upTo } from "./asserts.ts"
import behaviours, { Lazarus, Phoenix, Strict } from "./fixtures/supervision.ts"
import * as Journal from "./journal.ts"
import { onEveryPlacement } from "./placements.ts"

const fixture = { module: new URL("./fixtures/supervision.ts", import.meta.url), behaviours }

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

const soon = Supervision.make({ schedule: Schedule.spaced(1) })
const once = Supervision.make({ schedule: Schedule.spaced(1), maxRestarts: 1 })
// so late that no test sees it
const late = Supervision.make({ schedule: Schedule.spaced("1 hour") })

type Builds = (typeof Phoenix.args.Type)["builds"]

/** A phoenix, supervised, and its journal. */
const rising = (policy: Supervision.Policy, builds: Builds = ["starts"]) =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const phoenix = yield* Supervision.supervised(
      Phoenix.spawn({ journal: journal.path, name: "a", builds }),
      policy
    )
    return { phoenix, journal }
  })

/** What the builds after the first have noted, without their numbers. */
const notedBy = (build: number, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.filter((line) => line.startsWith(`${build}: `)).map((line) => line.slice(`${build}: `.length))

onEveryPlacement(fixture, (placement) => {
  // ---- a new incarnation ----

  for (const way of ["exit", "throw"] as const) {
    it.live(`F3: when its worker ends by ${way}, an actor is built again from the same arguments, with fresh state`, () =>
      Effect.gen(function*() {
        const { phoenix } = yield* rising(soon)
        assert.deepStrictEqual(yield* phoenix.who(), { name: "a", build: 1, calls: 1 })
        assert.deepStrictEqual(yield* phoenix.who(), { name: "a", build: 1, calls: 2 })
        const address = ActorRef.address(phoenix)
        assertExited(yield* Effect.exit(phoenix[way]()), "Crashed", "Unknown")
        assert.deepStrictEqual(yield* phoenix.who(), { name: "a", build: 2, calls: 1 })
        assert.notStrictEqual(ActorRef.address(phoenix), address)
      }).pipe(Effect.provide(placement.layer()), quiet))
  }

  it.live("F3: without a policy, an actor whose worker ends has ended", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const phoenix = yield* Phoenix.spawn({ journal: journal.path, name: "a", builds: ["starts"] })
      yield* Effect.exit(phoenix.exit())
      assertExited(yield* ActorRef.awaitExit(phoenix), "Crashed", "NotRun")
      assertExited(yield* Effect.exit(phoenix.who()), "Crashed", "NotRun")
      assert.deepStrictEqual(yield* journal.lines, ["a built 1"])
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F3: a policy given as a layer supervises the actors of the layers under it", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const layer = Layer.provide(
        Phoenix.layer({ journal: journal.path, name: "a", builds: ["starts"] }),
        Supervision.layer(soon)
      )
      const program = Effect.gen(function*() {
        const phoenix = yield* Phoenix
        yield* Effect.exit(phoenix.exit())
        assert.strictEqual((yield* phoenix.who()).build, 2)
      })
      yield* Effect.provide(program, layer, { local: true })
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F3: the behaviour's own policy holds where the spawner gives none", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const args = { journal: journal.path, name: "a", builds: ["starts"] } as const
      const lazarus = yield* Lazarus.spawn(args)
      yield* Effect.exit(lazarus.exit())
      assert.strictEqual((yield* lazarus.who()).build, 2)
      yield* Effect.exit(lazarus.exit())
      assertExited(yield* ActorRef.awaitExit(lazarus), "Crashed", "NotRun")
      // the spawner's goes before it
      const never = Supervision.make({ maxRestarts: 0 })
      const other = yield* Supervision.supervised(Lazarus.spawn({ ...args, name: "b" }), never)
      yield* Effect.exit(other.exit())
      assertExited(yield* ActorRef.awaitExit(other), "Crashed", "NotRun")
      assert.notInclude(yield* journal.lines, "b built 2")
    }).pipe(Effect.provide(placement.layer()), quiet))

  // ---- calls ----

  it.live("F3: calls that never ran go to the next incarnation in their order, before new ones; what ran fails", () =>
    Effect.gen(function*() {
      const { journal, phoenix } = yield* rising(soon, ["starts", "waits"])
      const hanging = yield* forked(phoenix.hang())
      const behind = yield* Effect.forEach(upTo(100), (n) => forked(phoenix.note({ n })))
      yield* journal.awaitLine("1: hanging")
      assertExited(yield* Effect.exit(phoenix.exit()), "Crashed", "Unknown")
      assertExited(yield* Fiber.await(hanging), "Crashed", "Unknown")
      const after = yield* Effect.forEach(upTo(50), (n) => forked(phoenix.note({ n: 100 + n })))
      for (const call of [...behind, ...after]) assert.isUndefined(call.pollUnsafe())
      yield* journal.note("go")
      assert.deepStrictEqual(yield* Effect.forEach([...behind, ...after], Fiber.join), upTo(150))
      const lines = yield* journal.lines
      assert.deepStrictEqual(notedBy(1, lines), ["hanging"])
      assert.deepStrictEqual(notedBy(2, lines), upTo(150).map(String))
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F3: a tell that was not accepted goes to the next incarnation", () =>
    Effect.gen(function*() {
      const { journal, phoenix } = yield* rising(soon, ["starts", "waits"])
      yield* Effect.exit(phoenix.exit())
      const tell = yield* forked(phoenix.note({ n: 1 }, { discard: true }))
      assert.isUndefined(tell.pollUnsafe())
      yield* journal.note("go")
      yield* Fiber.join(tell)
      yield* journal.awaitLine("2: 1")
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F3: a call that may have run is run again if its method is idempotent", () =>
    Effect.gen(function*() {
      const { journal, phoenix } = yield* rising(soon)
      const call = yield* forked(phoenix.hangOnce())
      yield* journal.awaitLine("1: hanging")
      yield* Effect.exit(phoenix.exit())
      assert.strictEqual(yield* Fiber.join(call), 2)
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F3: an idempotent call that ends its worker every time fails as Unknown when the budget is used up", () =>
    Effect.gen(function*() {
      const { journal, phoenix } = yield* rising(Supervision.make({ schedule: Schedule.spaced(1), maxRestarts: 2 }))
      assertExited(yield* Effect.exit(phoenix.alwaysCrash()), "Crashed", "Unknown")
      assertExited(yield* ActorRef.awaitExit(phoenix), "Crashed", "NotRun")
      assert.deepStrictEqual((yield* journal.lines).filter((line) => line.endsWith("crashing")), [
        "1: crashing",
        "2: crashing",
        "3: crashing"
      ])
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F3: streams under way fail, one that never began is carried over", () =>
    Effect.gen(function*() {
      const { journal, phoenix } = yield* rising(soon, ["starts", "waits"])
      const seen: Array<number> = []
      const underWay = yield* forked(
        Stream.runForEach(phoenix.ticks({ upTo: 3 }), (n) => Effect.sync(() => seen.push(n)))
      )
      yield* Journal.until("the stream has been read so far", () => seen.length === 3)
      const queued = yield* forked(Stream.runCollect(Stream.take(phoenix.ticks({ upTo: 2 }), 2)))
      yield* Effect.exit(phoenix.exit())
      assertExited(yield* Fiber.await(underWay), "Crashed", "Unknown")
      const waiting = yield* forked(Stream.runCollect(Stream.take(phoenix.ticks({ upTo: 2 }), 1)))
      yield* journal.note("go")
      assert.deepStrictEqual(yield* Fiber.join(queued), [1, 2])
      assert.deepStrictEqual(yield* Fiber.join(waiting), [1])
      assert.deepStrictEqual(seen, [1, 2, 3])
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F3: an idempotent stream begins again, but not for a reader who has seen items of it", () =>
    Effect.gen(function*() {
      const { journal, phoenix } = yield* rising(soon)
      const fresh = yield* forked(Stream.runCollect(phoenix.ticksAgain({ upTo: 0 })))
      yield* journal.awaitLine("1: hanging")
      yield* Effect.exit(phoenix.exit())
      assert.deepStrictEqual(yield* Fiber.join(fresh), [200])
      const other = yield* rising(soon)
      const seen: Array<number> = []
      const read = yield* forked(
        Stream.runForEach(other.phoenix.ticksAgain({ upTo: 3 }), (n) => Effect.sync(() => seen.push(n)))
      )
      yield* Journal.until("the stream has been read so far", () => seen.length === 3)
      yield* other.journal.awaitLine("1: hanging")
      yield* Effect.exit(other.phoenix.exit())
      assertExited(yield* Fiber.await(read), "Crashed", "Unknown")
      assert.deepStrictEqual(seen, [1, 2, 3])
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F3: interrupting a caller whose call waits for the restart takes the call away", () =>
    Effect.gen(function*() {
      const { journal, phoenix } = yield* rising(soon, ["starts", "waits"])
      const hanging = yield* forked(phoenix.hang())
      const carried = yield* Effect.forEach([1, 2], (n) => forked(phoenix.note({ n })))
      yield* journal.awaitLine("1: hanging")
      yield* Effect.exit(phoenix.exit())
      yield* Fiber.await(hanging)
      const waiting = yield* Effect.forEach([3, 4], (n) => forked(phoenix.note({ n })))
      for (const call of [carried[0]!, waiting[0]!]) {
        yield* Fiber.interrupt(call)
        assertInterrupted(yield* Fiber.await(call))
      }
      yield* journal.note("go")
      assert.deepStrictEqual(yield* Effect.forEach([carried[1]!, waiting[1]!], Fiber.join), [2, 4])
      assert.deepStrictEqual(notedBy(2, yield* journal.lines), ["2", "4"])
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F3: calls wait for the restart in the bounded mailbox: with onFull fail there is room for so many", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const strict = yield* Strict.spawn({ journal: journal.path, name: "a", builds: ["starts", "waits"] })
      yield* Effect.exit(strict.exit())
      const waiting = yield* Effect.forEach([1, 2], (n) => forked(strict.note({ n })))
      const error = errorOf(yield* Effect.exit(strict.note({ n: 3 })))
      assert.instanceOf(error, MailboxFull)
      assert.deepStrictEqual([error.capacity, error.method, error.outcome], [2, "note", "NotRun"])
      yield* journal.note("go")
      assert.deepStrictEqual(yield* Effect.forEach(waiting, Fiber.join), [1, 2])
    }).pipe(Effect.provide(placement.layer()), quiet))

  // ---- the budget ----

  it.live("F3: when the budget is used up, watchers and all callers get the cause of the last crash", () =>
    Effect.gen(function*() {
      const { journal, phoenix } = yield* rising(once)
      const watcher = yield* forked(ActorRef.awaitExit(phoenix))
      yield* Effect.exit(phoenix.exit())
      const hanging = yield* forked(phoenix.hang())
      const behind = yield* Effect.forEach(upTo(20), (n) => forked(phoenix.note({ n })))
      yield* journal.awaitLine("2: hanging")
      yield* Effect.exit(phoenix.throw())
      const exit = yield* Fiber.join(watcher)
      assertExited(exit, "Crashed", "NotRun")
      assertExited(yield* Fiber.await(hanging), "Crashed", "Unknown")
      for (const call of behind) assertExited(yield* Fiber.await(call), "Crashed", "NotRun")
      const later = yield* Effect.exit(phoenix.note({ n: 21 }))
      assertExited(later, "Crashed", "NotRun")
      for (const each of [exit, later, yield* Fiber.await(hanging), yield* Fiber.await(behind[0]!)]) {
        assert.include(exitedOf(each).message, "RangeError: thrown by nobody's handler")
      }
      assert.deepStrictEqual(yield* ActorRef.awaitExit(phoenix), exit)
      assert.deepStrictEqual(yield* Stream.runCollect(Stream.map(ActorRef.incarnations(phoenix), (i) => i.number)), [2])
    }).pipe(Effect.provide(placement.layer()), quiet))

  for (
    const { builds, says } of [
      { builds: "fails", says: "NoBuild" },
      { builds: "dies", says: "build 3 died" },
      { builds: "exits", says: "exited with code 9" }
    ] as const
  ) {
    it.live(`F4: an actor whose every new build ${builds} uses up its budget, and says why in the end`, () =>
      Effect.gen(function*() {
        const policy = Supervision.make({ schedule: Schedule.spaced(1), maxRestarts: 2 })
        const { journal, phoenix } = yield* rising(policy, ["starts", builds])
        const address = ActorRef.address(phoenix)
        const hanging = yield* forked(phoenix.hang())
        const carried = yield* forked(phoenix.note({ n: 1 }))
        yield* journal.awaitLine("1: hanging")
        yield* Effect.exit(phoenix.throw())
        assertExited(yield* Fiber.await(hanging), "Crashed", "Unknown")
        const exit = yield* ActorRef.awaitExit(phoenix)
        assertExited(exit, "Crashed", "NotRun")
        assertExited(yield* Fiber.await(carried), "Crashed", "NotRun")
        for (const each of [exit, yield* Fiber.await(carried), yield* Effect.exit(phoenix.note({ n: 2 }))]) {
          const { message } = exitedOf(each)
          assert.include(message, address)
          assert.include(message, "RangeError: thrown by nobody's handler")
          assert.include(message, says)
        }
        assert.deepStrictEqual(
          (yield* journal.lines).filter((line) => line.includes("built")),
          ["a built 1", "a built 2", "a built 3"]
        )
      }).pipe(Effect.provide(placement.layer()), quiet))
  }

  it.live("F4: restarts that fail use up the budget, however far apart they are", () =>
    Effect.gen(function*() {
      const policy = Supervision.make({ schedule: Schedule.spaced(1), maxRestarts: 2, window: "1 nanos" })
      const { journal, phoenix } = yield* rising(policy, [
        "starts",
        "starts",
        "starts",
        "starts",
        "fails",
        "fails",
        "starts"
      ])
      for (const build of [2, 3, 4]) {
        yield* Effect.exit(phoenix.exit())
        assert.strictEqual((yield* phoenix.who()).build, build)
      }
      yield* Effect.exit(phoenix.exit())
      assertExited(yield* Effect.exit(phoenix.who()), "Crashed", "NotRun")
      assert.notInclude(yield* journal.lines, "a built 7")
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F3: an actor whose schedule has ended is not restarted any more, however long ago its restarts were", () =>
    Effect.gen(function*() {
      const policy = Supervision.make({ schedule: Schedule.recurs(2), window: "1 nanos" })
      const { phoenix } = yield* rising(policy)
      for (const build of [2, 3]) {
        yield* Effect.exit(phoenix.exit())
        assert.strictEqual((yield* phoenix.who()).build, build)
      }
      yield* Effect.exit(phoenix.exit())
      assertExited(yield* ActorRef.awaitExit(phoenix), "Crashed", "NotRun")
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F4: a build that fails is tried again within the budget, and calls wait for it", () =>
    Effect.gen(function*() {
      const { phoenix } = yield* rising(soon, ["starts", "fails", "exits", "dies", "starts"])
      yield* Effect.exit(phoenix.exit())
      assert.strictEqual((yield* phoenix.who()).build, 5)
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F4: a first build that fails is the failure of spawn, and is not tried again", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const exit = yield* Effect.exit(
        Supervision.supervised(Phoenix.spawn({ journal: journal.path, name: "a", builds: ["fails", "starts"] }), soon)
      )
      assert.deepInclude(errorOf(exit), { _tag: "NoBuild", build: 1 })
      assert.deepStrictEqual(yield* journal.lines, ["a built 1"])
    }).pipe(Effect.provide(placement.layer()), quiet))

  // ---- watchers ----

  it.live("F5: incarnations tells the present one and each that follows, and ends with the actor", () =>
    Effect.gen(function*() {
      const { phoenix } = yield* rising(soon)
      const first = ActorRef.address(phoenix)
      const lives = yield* forked(Stream.runCollect(ActorRef.incarnations(phoenix)))
      yield* Effect.exit(phoenix.exit())
      yield* phoenix.who()
      const second = ActorRef.address(phoenix)
      yield* Effect.exit(phoenix.throw())
      yield* phoenix.who()
      const third = ActorRef.address(phoenix)
      const late = yield* forked(Stream.runCollect(ActorRef.incarnations(phoenix)))
      yield* ActorRef.stop(phoenix)
      const all = yield* Fiber.join(lives)
      assert.deepStrictEqual(all.map(({ address, number }) => [number, address]), [[1, first], [2, second], [3, third]])
      assert.isUndefined(all[0]!.previous)
      assert.instanceOf(all[1]!.previous, ActorExited)
      assert.include(all[1]!.previous.message, first)
      assert.include(all[1]!.previous.message, "exited with code 7")
      assert.include(all[2]!.previous!.message, second)
      assert.include(all[2]!.previous!.message, "thrown by nobody's handler")
      assert.deepStrictEqual(yield* Fiber.join(late), [all[2]!])
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F5: awaitExit does not complete with a restart, and completes once with a stop", () =>
    Effect.gen(function*() {
      const { phoenix } = yield* rising(soon)
      const watcher = yield* forked(ActorRef.awaitExit(phoenix))
      yield* Effect.exit(phoenix.exit())
      yield* phoenix.who()
      assert.isUndefined(watcher.pollUnsafe())
      yield* ActorRef.stop(phoenix)
      assert.deepStrictEqual(yield* Fiber.join(watcher), Exit.void)
    }).pipe(Effect.provide(placement.layer()), quiet))

  // ---- ends during a restart ----

  for (const phase of ["delay", "build"] as const) {
    /** A phoenix that is being restarted, a call that waits for it, and who watches it. */
    const restarting = Effect.gen(function*() {
      const { journal, phoenix } = phase === "delay"
        ? yield* rising(late)
        : yield* rising(soon, ["starts", "waits"])
      const watcher = yield* forked(ActorRef.awaitExit(phoenix))
      yield* Effect.exit(phoenix.exit())
      const waiting = yield* forked(phoenix.note({ n: 1 }))
      if (phase === "build") yield* journal.awaitLine("a built 2")
      assert.isUndefined(waiting.pollUnsafe())
      return { phoenix, waiting, watcher, journal }
    })

    it.live(`F3: ActorRef.stop during the ${phase} of a restart ends the actor, and what waits`, () =>
      Effect.gen(function*() {
        const { phoenix, waiting, watcher } = yield* restarting
        yield* ActorRef.stop(phoenix)
        assertExited(yield* Fiber.await(waiting), "Stopped", "NotRun")
        assert.deepStrictEqual(yield* Fiber.join(watcher), Exit.void)
        assertExited(yield* Effect.exit(phoenix.note({ n: 2 })), "Stopped", "NotRun")
      }).pipe(Effect.provide(placement.layer()), quiet))

    it.live(`F3: ActorRef.kill during the ${phase} of a restart ends the actor, and what waits`, () =>
      Effect.gen(function*() {
        const { phoenix, waiting, watcher } = yield* restarting
        yield* ActorRef.kill(phoenix)
        assertExited(yield* Fiber.await(waiting), "Killed", "NotRun")
        assertExited(yield* Fiber.join(watcher), "Killed", "NotRun")
        assertExited(yield* Effect.exit(phoenix.note({ n: 2 })), "Killed", "NotRun")
      }).pipe(Effect.provide(placement.layer()), quiet))

    it.live(`F3: closing the scope during the ${phase} of a restart ends the actor, and what waits`, () =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const { waiting, watcher } = yield* Scope.provide(restarting, scope)
        yield* Scope.close(scope, Exit.void)
        assertExited(yield* Fiber.await(waiting), "Stopped", "NotRun")
        assert.deepStrictEqual(yield* Fiber.join(watcher), Exit.void)
      }).pipe(Effect.provide(placement.layer()), quiet))

    it.live(`F3: closing the system during the ${phase} of a restart ends the actor, and what waits`, () =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const system = yield* Layer.buildWithScope(placement.layer(), scope)
        const { waiting, watcher } = yield* Effect.provide(restarting, system)
        yield* Scope.close(scope, Exit.void)
        assertExited(yield* Fiber.await(waiting), "Stopped", "NotRun")
        assert.deepStrictEqual(yield* Fiber.join(watcher), Exit.void)
      }).pipe(quiet))
  }

  // ---- shared workers ----

  it.live("F3: all actors of a shared worker are restarted, each by its own policy, and share a worker again", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const spawn = (name: string) => Phoenix.spawn({ journal: journal.path, name, builds: ["starts"] })
      const [a, b] = yield* Supervision.supervised(Effect.all([spawn("a"), spawn("b")]), soon)
      const c = yield* spawn("c")
      const workerOf = (ref: ActorRef.AnyActorRef) => ActorRef.address(ref).split("@")[1]
      const first = workerOf(a)
      assert.deepStrictEqual([b, c].map(workerOf), [first, first])
      yield* Effect.exit(a.exit())
      assert.deepStrictEqual(yield* a.who(), { name: "a", build: 2, calls: 1 })
      assert.deepStrictEqual(yield* b.who(), { name: "b", build: 2, calls: 1 })
      assertExited(yield* ActorRef.awaitExit(c), "Crashed", "NotRun")
      assert.notStrictEqual(workerOf(a), first)
      assert.strictEqual(workerOf(a), workerOf(b))
    }).pipe(Effect.provide(placement.layer({ workers: 1 })), quiet))

  it.live("F4: in a shared worker, a build that fails leaves the other actors alone, and can be stopped at once", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const spawn = (name: string, builds: Builds) => Phoenix.spawn({ journal: journal.path, name, builds })
      const a = yield* Supervision.supervised(spawn("a", ["starts"]), soon)
      const policy = Supervision.make({ schedule: Schedule.exponential(1, 1e9) })
      const b = yield* Supervision.supervised(spawn("b", ["starts", "fails"]), policy)
      yield* Effect.exit(a.exit())
      yield* journal.awaitLine("b built 2")
      assert.strictEqual((yield* a.who()).build, 2)
      const waiting = yield* forked(b.note({ n: 1 }))
      const worker = ActorRef.address(a)
      yield* ActorRef.stop(b)
      assertExited(yield* Fiber.await(waiting), "Stopped", "NotRun")
      assert.strictEqual((yield* a.who()).build, 2)
      assert.strictEqual(ActorRef.address(a), worker)
      assert.notInclude(yield* journal.lines, "b built 3")
    }).pipe(Effect.provide(placement.layer({ workers: 1, shutdownTimeout: "1 hour" })), quiet))

  // ---- the log ----

  it.live("F6: each crash is logged once, with the actor, its incarnation, the reason and the remote stack", () => {
    const { layer, lines } = logOf("Error")
    return Effect.gen(function*() {
      const { phoenix } = yield* rising(soon)
      const addresses: Array<string> = []
      for (const _ of upTo(2)) {
        yield* phoenix.who()
        addresses.push(ActorRef.address(phoenix))
        yield* Effect.exit(phoenix.throw())
      }
      yield* phoenix.who()
      assert.lengthOf(lines, 2)
      for (const [i, { annotations, message }] of lines.entries()) {
        assert.deepInclude(annotations, { actor: `${addresses[i]} (incarnation ${i + 1})`, reason: "Crashed" })
        assert.include(message, "RangeError: thrown by nobody's handler")
        assert.match(message, /at .*fixtures\/supervision\.ts:\d+/)
      }
      yield* ActorRef.stop(phoenix)
      assert.lengthOf(lines, 2)
    }).pipe(Effect.provide(placement.layer()), Effect.provide(layer))
  })

  it.live("F6: a worker's crash is logged once for all its actors, and one that ends while it builds is logged too", () => {
    const { layer, lines } = logOf("Error")
    return Effect.gen(function*() {
      const journal = yield* Journal.make
      const spawn = (name: string, builds: Builds) => Phoenix.spawn({ journal: journal.path, name, builds })
      const actors = yield* Supervision.supervised(
        Effect.all([spawn("a", ["starts", "exits", "starts"]), spawn("b", ["starts"])]),
        soon
      )
      const addresses = actors.map(ActorRef.address)
      yield* Effect.exit(actors[0].exit())
      yield* Effect.forEach(actors, (actor) => actor.who())
      assert.deepInclude(lines[0]!.annotations, {
        actor: addresses.map((address) => `${address} (incarnation 1)`).join(", "),
        reason: "Crashed"
      })
      assert.include(lines[0]!.message, "exited with code 7")
      assert.lengthOf(lines, 2)
      assert.include(lines[1]!.message, "exited with code 9")
      assert.include((lines[1]!.annotations as { readonly actor: string }).actor, "(incarnation 2)")
    }).pipe(Effect.provide(placement.layer({ workers: 1 })), Effect.provide(layer))
  })

  it.live("F6: what is stopped, killed or closed is no crash, and is not logged", () => {
    const { layer, lines } = logOf("Error")
    return Effect.gen(function*() {
      const stopped = yield* rising(soon)
      yield* ActorRef.stop(stopped.phoenix)
      const killed = yield* rising(soon)
      yield* ActorRef.kill(killed.phoenix)
      yield* Effect.scoped(rising(soon))
      assert.deepStrictEqual(lines, [])
    }).pipe(Effect.provide(placement.layer()), Effect.provide(layer))
  })
}, { except: ["memory"], reason: "it would be this process that ends" })

onEveryPlacement(fixture, (placement) => {
  it.live("F3: a call that has handed over a transferable cannot be sent again, and fails", () =>
    Effect.gen(function*() {
      const { journal, phoenix } = yield* rising(soon)
      assert.strictEqual(yield* phoenix.sum({ bytes: new Uint8Array([1, 2]) }), 3)
      const hanging = yield* forked(phoenix.hang())
      const carried = yield* forked(phoenix.note({ n: 1 }))
      const moved = yield* forked(phoenix.sum({ bytes: new Uint8Array([3, 4]) }))
      yield* journal.awaitLine("1: hanging")
      yield* Effect.exit(phoenix.exit())
      yield* Fiber.await(hanging)
      assertExited(yield* Fiber.await(moved), "Crashed", "NotRun")
      assert.strictEqual(yield* Fiber.join(carried), 1)
    }).pipe(Effect.provide(placement.layer()), quiet))
}, { except: ["memory", "processes"], reason: "only between threads is anything moved" })

for (const window of [0, -1, NaN, "-Infinity", "nonsense"]) {
  it(`F3: a window of ${window} is refused by name`, () => {
    const make = () => Supervision.make({ window: window as 0 })
    assert.throws(make, RangeError, `Supervision.make: window must be longer than 0, not ${window}`)
  })
}
