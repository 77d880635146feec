/** What Python's uActor can do, where no other test shows it: the programs of `docs/coming-from-uactor.md`. */
import { assert } from "@effect/vitest"
import { Effect, Exit, Fiber, Option, Scope, Stream } from "effect"
import { ActorExited, HandleReleased } from "../../src/ActorError.ts"
import * as ActorRef from "../../src/ActorRef.ts"
import * as Handle from "../../src/Handle.ts"
import { onOneWorker } from "../contract/support/sharedWorkers.ts"
import behaviours, {
  Base,
  Customer,
  Derived,
  Farm,
  join,
  Machine,
  makeTasks,
  Parent,
  ParentOfThread,
  put,
  Refused,
  Shop,
  withdraw,
  Worker
} from "./actors/parity.ts"

const fixture = { module: new URL("./actors/parity.ts", import.meta.url), behaviours }

onOneWorker(fixture, Base.layer(), (it) => {
  it.effect("H3: an actor may reuse and override the methods of another actor", () =>
    Effect.gen(function*() {
      const derived = yield* Derived.spawn()
      assert.strictEqual(yield* derived.hello(), "hello from derived")
      assert.strictEqual(yield* derived.name(), "derived")
      assert.strictEqual(yield* derived.bye(), "bye")
      const refused = yield* Effect.flip(derived.refuse())
      assert.instanceOf(refused, Refused)
      assert.strictEqual(refused.by, "derived")
      const base = yield* Base
      assert.strictEqual(yield* base.hello(), "hello from base")
      assert.notProperty(base, "bye")
    }))

  it.effect("H3: whether a result is a copy or a handle may be decided at run time", () =>
    Effect.gen(function*() {
      const machine = yield* Machine.spawn()
      const copy = yield* machine.parts({ shared: false })
      const parts = yield* machine.parts({ shared: true })
      assert.deepStrictEqual(copy, ["wheel"])
      assert("append" in parts)
      yield* parts.append("bolt")
      assert.deepStrictEqual(yield* machine.parts({ shared: false }), ["wheel", "bolt"])
      assert.deepStrictEqual(copy, ["wheel"])

      assert.strictEqual(yield* machine.speed({ shared: false }), 3)
      const speed = yield* machine.speed({ shared: true })
      assert(typeof speed === "object")
      yield* speed.set(5)
      assert.strictEqual(yield* machine.speed({ shared: false }), 5)
    }))

  it.effect("H3: whether a payload is a copy or a handle may be decided at run time", () =>
    Effect.gen(function*() {
      const machine = yield* Machine.spawn()
      const speed = yield* Handle.makeRef(7)
      assert.strictEqual(yield* machine.read({ speed }), 7)
      yield* speed.set(8)
      assert.strictEqual(yield* machine.read({ speed }), 8)
      assert.strictEqual(yield* machine.read({ speed: 1 }), 1)
    }))

  for (const [where, Nesting] of [["beside itself", Parent], ["on a thread", ParentOfThread]] as const) {
    it.effect(`L1: an actor may spawn an actor ${where}, return it, and close it with itself`, () =>
      Effect.gen(function*() {
        const parent = yield* Nesting.spawn()
        const child = yield* parent.child()
        const again = yield* parent.child()
        assert.strictEqual(yield* child.next(), 1)
        assert.strictEqual(yield* again.next(), 2)
        const [pid, thread] = yield* parent.where()
        const [childPid, childThread] = yield* child.where()
        assert.strictEqual(childPid, pid)
        assert.strictEqual(childThread === thread, where === "beside itself")

        const ended = yield* Effect.forkChild(ActorRef.awaitExit(child), { startImmediately: true })
        yield* ActorRef.stop(parent)
        yield* Fiber.await(ended)
        const error = yield* Effect.flip(child.next())
        assert.instanceOf(error, ActorExited)
        assert.strictEqual(error.reason, "Stopped")
      }))
  }

  it.effect("H3: a queue and a count are a JoinableQueue", () =>
    Effect.gen(function*() {
      const tasks = yield* makeTasks
      assert.deepStrictEqual(yield* join(tasks), Option.some(0))
      const workers = [yield* Worker.spawn({ tasks }), yield* Worker.spawn({ tasks })] as const
      const items = Array.from({ length: 40 }, (_, i) => `item ${i}`)
      yield* Effect.forEach(items, (item) => put(tasks, item))
      const joining = yield* Effect.forkChild(join(tasks), { startImmediately: true })
      // nobody works yet, so nothing can be done
      assert.strictEqual(yield* tasks.unfinished.get, 40)
      assert.isUndefined(joining.pollUnsafe())

      yield* Effect.forEach(workers, (worker) => worker.work())
      assert.deepStrictEqual(yield* Fiber.join(joining), Option.some(0))
      const seen = yield* Effect.forEach(workers, (worker) => worker.seen())
      assert.deepStrictEqual(seen.flat().toSorted(), items.toSorted())
    }))

  it.effect("H3: a value and its changes are a Condition", () =>
    Effect.gen(function*() {
      const balance = yield* Handle.makeRef(0)
      const customers = [yield* Customer.spawn({ balance }), yield* Customer.spawn({ balance })] as const
      const waiting = yield* Effect.forkChild(
        Effect.forEach(customers, (customer) => customer.withdraw({ times: 5 }), { concurrency: "unbounded" })
      )
      const mine = yield* Effect.forkChild(withdraw(balance))
      yield* Effect.replicateEffect(balance.update((n) => n + 5), 22)
      assert.deepStrictEqual(yield* Fiber.join(waiting), [5, 5])
      yield* Fiber.join(mine)
      assert.strictEqual(yield* balance.get, 0)
    }))

  it.effect("H3: an object whose methods name the work is a Pool", () =>
    Effect.gen(function*() {
      const farm = yield* Farm.spawn()
      const pool = yield* farm.pool()
      const results = yield* Effect.forEach([1, 2, 3, 4, 5], (n) => pool.square({ n }))
      assert.deepStrictEqual(yield* Effect.forEach(results, (result) => result.await), [1, 4, 9, 16, 25])
      assert.deepStrictEqual(yield* Stream.runCollect(pool.squares({ ns: [5, 4, 3] })), [25, 16, 9])
    }))

  it.effect("H3: an object is opened once for each holder, and for its maker when it uses it", () =>
    Effect.gen(function*() {
      const shop = yield* Shop.spawn()
      assert.deepStrictEqual(yield* shop.state(), { opened: 0, left: [] })
      const scope = yield* Scope.make()
      const one = yield* Scope.provide(shop.basket(), scope)
      const other = yield* Scope.provide(shop.basket(), scope)
      yield* one.add({ item: "tea" })
      assert.strictEqual(yield* one.add({ item: "milk" }), 2)
      assert.strictEqual(yield* other.add({ item: "salt" }), 1)
      assert.deepStrictEqual(yield* shop.state(), { opened: 2, left: [] })

      yield* Handle.release(other)
      assert.deepStrictEqual(yield* shop.state(), { opened: 2, left: ["salt"] })
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* shop.state(), { opened: 2, left: ["salt", "tea", "milk"] })
      assert.instanceOf(yield* Effect.flip(one.add({ item: "none" })), HandleReleased)

      assert.strictEqual(yield* shop.add({ item: "rice" }), 1)
      assert.strictEqual(yield* shop.add({ item: "oil" }), 2)
      assert.strictEqual((yield* shop.state()).opened, 3)
    }))
})
