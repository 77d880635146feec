import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Logger, Stream } from "effect"
import { SpawnError } from "../../../src/ActorError.ts"
import * as ActorPool from "../../../src/ActorPool.ts"
import { assertError, assertInterrupted, assertTypeError, defectOf, forked, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import { onOneWorker } from "../support/sharedWorkers.ts"
import behaviours, { Fellow, Leaver, NoStart, Starter, Tired } from "./actors/pools.ts"
import { fellows } from "./fellows.ts"

const fixture = { module: new URL("./actors/pools.ts", import.meta.url), behaviours }

onOneWorker(fixture, Fellow.layer({ journal: "none" }), (it) => {
  // ---- P1 ----

  it.effect("P1: the members of a pool start in parallel", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const args = { journal: journal.path, fellows: 4, one: "starts" } as const
      // each of them waits for all the others, so one after the other they would never have started
      const pool = yield* ActorPool.make(Starter, { size: 4, args })
      assert.lengthOf(yield* pool.members, 4)
      assert.deepStrictEqual((yield* journal.lines).filter((line) => line === "started").length, 4)
    }))

  it.effect("P1: a member that fails to start fails the pool with its typed error, and releases the others", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const args = { journal: journal.path, fellows: 4, one: "fails" } as const
      const error = yield* Effect.flip(Effect.scoped(ActorPool.make(Starter, { size: 4, args })))
      assert.instanceOf(error, NoStart)
      assert.strictEqual(error.journal, journal.path)
      const lines = yield* journal.lines
      assert.strictEqual(lines.filter((line) => line === "started").length, 3)
      assert.strictEqual(lines.filter((line) => line === "released").length, 4)
    }))

  it.effect("P1: a pool that fails to start has released its members before its scope closes", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const args = { journal: journal.path, fellows: 4, one: "fails" } as const
      yield* Effect.flip(ActorPool.make(Starter, { size: 4, args }))
      assert.strictEqual((yield* journal.lines).filter((line) => line === "released").length, 4)
    }))

  it.effect("P1: a member that dies while it starts is a defect of the pool, and releases the others", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const args = { journal: journal.path, fellows: 4, one: "dies" } as const
      const exit = yield* Effect.exit(Effect.scoped(ActorPool.make(Starter, { size: 4, args })))
      assertError(defectOf(exit), { name: "RangeError", message: "no start" })
      assert.strictEqual((yield* journal.lines).filter((line) => line === "released").length, 4)
    }))

  it.effect("P1: a pool that is interrupted while it starts releases its members", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      // the fifth never comes
      const args = { journal: journal.path, fellows: 5, one: "starts" } as const
      const starting = yield* forked(Effect.scoped(ActorPool.make(Starter, { size: 4, args })))
      yield* Effect.forEach(upTo(4), () => journal.awaitLine("starting"))
      yield* Fiber.interrupt(starting)
      assertInterrupted(yield* Fiber.await(starting))
      const lines = yield* journal.lines
      assert.strictEqual(
        lines.filter((line) => line === "released").length,
        lines.filter((line) => line === "starting").length
      )
    }))

  it.effect("L4: the members of a pool close together, and see the exit of its scope", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const args = { journal: journal.path, fellows: 3 }
      // each of them waits for all the others, so one after the other they would not close
      yield* Effect.flip(Effect.scoped(Effect.andThen(ActorPool.make(Leaver, { size: 3, args }), Effect.fail("over"))))
      assert.deepStrictEqual(
        (yield* journal.lines).slice(3),
        ["left on Failure", "left on Failure", "left on Failure"]
      )
    }))

  // ---- P2: routing ----

  it.effect("P2: calls go round: of five calls on four members the fifth goes to the first", () =>
    Effect.gen(function*() {
      const { client, names } = yield* fellows(4)
      const calls = yield* Effect.forEach(upTo(5), () => client.who())
      assert.deepStrictEqual(calls, [...names, names[0]!])
    }))

  it.effect("P2: concurrent calls go to the members in turn", () =>
    Effect.gen(function*() {
      const { client, names } = yield* fellows(3)
      const calls = yield* Effect.forEach(upTo(30), () => client.who(), { concurrency: "unbounded" })
      assert.deepStrictEqual(calls, upTo(10).flatMap(() => names))
    }))

  it.effect("P2: all methods of a pool share one turn", () =>
    Effect.gen(function*() {
      const { client, names } = yield* fellows(3)
      const calls = yield* Effect.all([client.who(), client.whoHas({ key: "a" }), client.who()])
      assert.deepStrictEqual(calls, names as never)
    }))

  it.effect("P2: a call effect that runs again goes to the next member", () =>
    Effect.gen(function*() {
      const { client, names } = yield* fellows(3)
      const call = client.who()
      assert.deepStrictEqual(yield* Effect.all([call, call, call, call]), [...names, names[0]!] as never)
      const seen: Array<string> = []
      yield* Effect.repeat(Effect.tap(call, (who) => Effect.sync(() => seen.push(who))), { times: 2 })
      assert.sameMembers(seen, [...names])
    }))

  it.effect("P2: a call effect that does not run takes no turn", () =>
    Effect.gen(function*() {
      const { client, names } = yield* fellows(2)
      void client.who()
      assert.strictEqual(yield* client.who(), names[0])
    }))

  it.effect("P2: each member runs its calls one by one, in the order in which they are made", () =>
    Effect.gen(function*() {
      const { client, members } = yield* fellows(2)
      yield* Effect.forEach(upTo(100), (n) => client.whoHas({ key: `${n}` }), { concurrency: "unbounded" })
      const logs = yield* Effect.forEach(members, (member) => member.log())
      assert.deepStrictEqual(logs, [
        ["who", ...upTo(50).map((n) => `${n * 2 - 1}`)],
        ["who", ...upTo(50).map((n) => `${n * 2}`)]
      ])
    }))

  it.effect("P2: a method of a pool is typed as on an actor: error, defect, payload, stream, tell", () =>
    Effect.gen(function*() {
      const { client, members, names } = yield* fellows(2)
      const tired = yield* Effect.flip(client.tire())
      assert.instanceOf(tired, Tired)
      assert.strictEqual(tired.who, names[0])
      assertError(defectOf(yield* Effect.exit(client.die())), { name: "RangeError", message: names[1] })
      assertTypeError(yield* Effect.exit(client.whoHas({ key: 1 as never })), "Fellow.whoHas", `["key"]`)
      assert.deepStrictEqual(yield* Stream.runCollect(client.numbers({ n: 3 })), [1, 2, 3])
      assert.isUndefined(yield* client.whoHas({ key: "told" }, { discard: true }))
      assert.include((yield* Effect.forEach(members, (member) => member.log())).flat(), "told")
    }))

  it.effect("P2: a call on a pool is interrupted as on an actor, and its finalizers have run when the interruption completes", () =>
    Effect.gen(function*() {
      const { client, members } = yield* fellows(2)
      const call = yield* forked(client.hold({ job: "a" }))
      yield* members[0]!.awaitLine({ line: "a began" })
      yield* Fiber.interrupt(call)
      assertInterrupted(yield* Fiber.await(call))
      assert.deepStrictEqual(yield* members[0]!.log(), ["who", "a began", "a interrupted"])
      assert.deepStrictEqual(yield* members[1]!.log(), ["who"])
    }))

  it.effect("P2: Effect.forEach over a pool's client runs on all members concurrently", () =>
    Effect.gen(function*() {
      const { client, names } = yield* fellows(4)
      // none returns before all four have come together
      const met = yield* Effect.forEach(upTo(4), () => client.meet({ place: "there", fellows: 4 }), {
        concurrency: 4
      })
      assert.sameMembers(met, [...names])
    }))

  it.effect("P2: least-busy selects a member with the fewest calls in progress", () =>
    Effect.gen(function*() {
      const { client, members, names } = yield* fellows(3, { strategy: "least-busy" })
      const held = yield* Effect.forEach([members[0]!, members[2]!], (member) => forked(member.hold({ job: "a" })))
      yield* Effect.forEach([members[0]!, members[2]!], (member) => member.awaitLine({ line: "a began" }))
      const calls = yield* Effect.forEach(upTo(6), () => client.who())
      assert.deepStrictEqual(calls, upTo(6).map(() => names[1]!))
      yield* Effect.forEach([members[0]!, members[2]!], (member) => member.release({ job: "a" }))
      yield* Effect.forEach(held, Fiber.join)
      // when all are idle again, all get their share
      const shares = yield* Effect.forEach(upTo(9), () => client.who(), { concurrency: "unbounded" })
      assert.sameMembers(Array.from(new Set(shares)), [...names])
    }))

  for (const way of ["concurrently", "by a Deferred"]) {
    it.effect(`P2: least-busy counts calls that are answered ${way}`, () =>
      Effect.gen(function*() {
        const { client, members, names } = yield* fellows(2, { strategy: "least-busy" })
        const member = members[0]!
        const under = upTo(9).map(() => way === "concurrently" ? member.awaitLine({ line: "none" }) : member.never())
        const held = yield* Effect.forEach(under, forked)
        // what is answered behind them says that they have begun
        yield* member.who()
        const calls = yield* Effect.forEach(upTo(6), () => client.who())
        assert.deepStrictEqual(calls, upTo(6).map(() => names[1]!))
        yield* Fiber.interruptAll(held)
        const shares = yield* Effect.forEach(upTo(4), () => client.who())
        assert.sameMembers(Array.from(new Set(shares)), [...names])
      }))
  }

  it.effect("P2: least-busy spreads concurrent calls evenly", () =>
    Effect.gen(function*() {
      const { client, members } = yield* fellows(3, { strategy: "least-busy" })
      const calls = yield* Effect.forEach(upTo(9), (n) => forked(client.hold({ job: `${n}` })))
      for (const member of members) {
        const began = yield* Effect.repeat(member.log(), { until: (log) => log.some((line) => line.endsWith("began")) })
        assert.lengthOf(began.filter((line) => line.endsWith("began")), 1)
      }
      yield* Fiber.interruptAll(calls)
    }))

  it.effect("P2: random selects any member", () =>
    Effect.gen(function*() {
      const { client, names } = yield* fellows(2, { strategy: "random" })
      const calls = yield* Effect.forEach(upTo(100), () => client.who(), { concurrency: "unbounded" })
      assert.sameMembers(Array.from(new Set(calls)), [...names])
    }))

  it.effect("P2: hash sends calls with one key to one member, and different keys to several", () =>
    Effect.gen(function*() {
      const keys: Array<[method: string, payload: unknown]> = []
      const strategy = {
        hash: (method: string, payload: unknown) => {
          keys.push([method, payload])
          return (payload as { readonly key: string }).key
        }
      }
      const { client, names } = yield* fellows(4, { strategy })
      const rounds = yield* Effect.forEach(
        upTo(3),
        () => Effect.forEach(upTo(50), (n) => client.whoHas({ key: `key ${n}` }), { concurrency: "unbounded" })
      )
      assert.deepStrictEqual(rounds[1], rounds[0])
      assert.deepStrictEqual(rounds[2], rounds[0])
      assert.sameMembers(Array.from(new Set(rounds[0])), [...names])
      assert.deepStrictEqual(keys[0], ["whoHas", { key: "key 1" }])
    }))

  it.effect("P2: a hash that throws is a defect of its call", () =>
    Effect.gen(function*() {
      const strategy = {
        hash: () => {
          throw new RangeError("no key")
        }
      }
      const { client } = yield* fellows(2, { strategy })
      const exit = yield* Effect.exit(Effect.suspend(() => client.who()))
      assertError(defectOf(exit), { name: "RangeError", message: "no key" })
      // the call is an effect, which fails when it is run and not when it is described
      assert.doesNotThrow(() => client.who())
    }))

  // ---- a pool as a service ----

  it.effect("P2: layerPool backs the service of an actor with a pool", () =>
    Effect.gen(function*() {
      const calls = Effect.gen(function*() {
        const fellow = yield* Fellow
        return yield* Effect.forEach(upTo(4), () => fellow.who())
      })
      const journal = yield* Journal.make
      const layer = Fellow.layerPool({ size: 2, strategy: "round-robin", args: { journal: journal.path } })
      const [a, b, c, d] = yield* Effect.provide(calls, layer, { local: true })
      assert.notStrictEqual(a, b)
      assert.deepStrictEqual([c, d], [a, b])
    }))

  // ---- P8 ----

  for (const size of [0, -1, 1.5, NaN, Infinity]) {
    it.effect(`P8: a pool of size ${size} is rejected when it is made`, () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const options = { size, args: { journal: journal.path } }
        const errors = [
          yield* Effect.flip(ActorPool.make(Fellow, options)),
          yield* Effect.flip(ActorPool.use(Fellow, options, () => Effect.void)),
          yield* Effect.flip(Effect.provide(Fellow, Fellow.layerPool(options), { local: true }))
        ]
        for (const error of errors) {
          assert.instanceOf(error, SpawnError)
          assert.deepStrictEqual([error.actor, error.reason], ["Fellow", "OptionsInvalid"])
          assert.include(error.message, "size")
          assert.include(error.message, String(size))
        }
      }))
  }
})

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

onEveryPlacement(fixture, (placement) => {
  it.live("P1: the members of a pool start in parallel, each in its own worker", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const args = { journal: journal.path, fellows: 3, one: "starts" } as const
      yield* Effect.scoped(ActorPool.make(Starter, { size: 3, args }))
      const lines = yield* journal.lines
      assert.deepStrictEqual(lines.slice(0, 3), ["starting", "starting", "starting"])
      assert.strictEqual(lines.filter((line) => line === "released").length, 3)
    }).pipe(Effect.provide(placement.layer())))
})

onEveryPlacement(fixture, (placement) => {
  it.live("P2: a call that is retried after its member has died goes to another", () =>
    Effect.gen(function*() {
      const { client, members, names } = yield* fellows(2)
      const call = yield* forked(Effect.retry(client.hold({ job: "a" }), { times: 1 }))
      yield* members[0]!.awaitLine({ line: "a began" })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(members[0]!.exit())))
      yield* members[1]!.awaitLine({ line: "a began" })
      yield* members[1]!.release({ job: "a" })
      assert.strictEqual(yield* Fiber.join(call), names[1])
    }).pipe(Effect.provide(placement.layer()), quiet))
}, { except: ["memory"], reason: "in memory the process of the test would end" })
