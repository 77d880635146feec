import { assert, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Stream } from "effect"
import * as ActorCluster from "../../../src/ActorCluster.ts"
import { ActorSystem } from "../../../src/ActorSystem.ts"
import * as ActorClusterTest from "../../../src/node/ActorClusterTest.ts"
import { Account, AccountLive, Refused, Reminder } from "../fixtures/clusterDurable.ts"
import { upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"

const names = ["one", "two", "three"]

const hosts = ({ path }: Journal.Journal) => (number: number) =>
  ActorCluster.layer(Account, { args: (id) => ({ id: `${id}@${names[number - 1]}`, journal: path }) }).pipe(
    Layer.provide(ActorSystem.layer(AccountLive))
  )

const count = (journal: Journal.Journal, line: string) =>
  Effect.map(journal.lines, (lines) => lines.filter((each) => each === line).length)

it.live("K3: a persisted call runs once for its key, and later calls return its stored result", () =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const cluster = yield* ActorClusterTest.make({ runners: 1, hosts: hosts(journal) })
    yield* Effect.gen(function*() {
      const account = yield* ActorCluster.client(Account)
      const pay = account("a").pay({ tx: "t1", waits: true })
      // a tell starts it, and any number of calls await it
      yield* account("a").pay({ tx: "t1", waits: true }, { discard: true })
      yield* journal.awaitLine("t1 runs")
      const waiting = yield* Effect.forkChild(Effect.all([pay, pay], { concurrency: "unbounded" }))
      yield* journal.note("go")
      assert.deepStrictEqual(yield* Fiber.join(waiting), ["t1@a@one", "t1@a@one"])
      assert.strictEqual(yield* pay, "t1@a@one")
      assert.strictEqual(yield* count(journal, "t1 runs"), 1)
      assert.strictEqual(yield* account("b").pay({ tx: "t1", waits: false }), "t1@b@one")
      for (let i = 0; i < 2; i++) {
        assert.instanceOf(yield* Effect.flip(account("a").refuse({ tx: "t2" })), Refused)
      }
      yield* ActorCluster.forget(account("a"))
      assert.strictEqual(yield* pay, "t1@a@one")
      assert.strictEqual(yield* count(journal, "t1 runs"), 3)
    }).pipe(Effect.provide(cluster.client))
  }).pipe(Effect.scoped))

it.live("K3: an interrupted caller stops waiting, and the persisted call runs", () =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const cluster = yield* ActorClusterTest.make({ runners: 1, hosts: hosts(journal) })
    yield* Effect.gen(function*() {
      const account = yield* ActorCluster.ref(Account, "a")
      const call = yield* Effect.forkChild(account.pay({ tx: "t1", waits: true }))
      yield* journal.awaitLine("t1 runs")
      yield* Fiber.interrupt(call)
      yield* journal.note("go")
      assert.strictEqual(yield* account.pay({ tx: "t1", waits: true }), "t1@a@one")
      assert.strictEqual(yield* count(journal, "t1 runs"), 1)
    }).pipe(Effect.provide(cluster.client))
  }).pipe(Effect.scoped))

it.live("K3: a persisted call survives the loss of its connection, and the end of its runner", () =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const cluster = yield* ActorClusterTest.make({ runners: 1, hosts: hosts(journal) })
    const [one] = cluster.runners
    yield* Effect.gen(function*() {
      const account = yield* ActorCluster.ref(Account, "a")
      const call = yield* Effect.forkChild(account.pay({ tx: "t1", waits: true }))
      yield* journal.awaitLine("t1 runs")
      yield* one!.cut
      yield* one!.restore
      yield* journal.note("go")
      assert.strictEqual(yield* Fiber.join(call), "t1@a@one")
      assert.strictEqual(yield* count(journal, "t1 runs"), 1)
      yield* one!.stop
      const later = yield* Effect.forkChild(account.pay({ tx: "t2", waits: false }))
      yield* cluster.add
      assert.strictEqual(yield* Fiber.join(later), "t2@a@two")
      // the result of the first is in the storage
      assert.strictEqual(yield* account.pay({ tx: "t1", waits: true }), "t1@a@one")
    }).pipe(Effect.provide(cluster.client))
  }).pipe(Effect.scoped))

it.live("K4: a persisted call settles while the cluster has no runner, and runs when it has one", () =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const cluster = yield* ActorClusterTest.make({ runners: 1, hosts: hosts(journal) })
    yield* Effect.gen(function*() {
      const account = yield* ActorCluster.ref(Account, "a", { deliveryTimeout: "1 second" })
      assert.strictEqual(yield* account.pay({ tx: "t1", waits: false }), "t1@a@one")
      yield* cluster.runners[0]!.stop
      const pay = account.pay({ tx: "t2", waits: false })
      const [call, items] = yield* Effect.all([
        Effect.flip(pay),
        Effect.flip(Stream.runDrain(account.items({ tx: "t3" })))
      ], {
        concurrency: 2
      })
      for (const error of [call, items]) {
        assert(error._tag === "ActorExited" && error.reason === "Disconnected" && error.outcome === "Unknown")
        assert.include(error.message, "the cluster has had no runner for 1000 ms")
      }
      // a tell needs no runner
      yield* account.pay({ tx: "t4", waits: false }, { discard: true })
      assert.deepStrictEqual(yield* journal.lines, ["t1 runs", "t1 has run"])
      yield* cluster.add
      yield* journal.awaitLine("t2 has run")
      yield* journal.awaitLine("t4 has run")
      assert.strictEqual(yield* pay, "t2@a@two")
      assert.strictEqual(yield* count(journal, "t2 runs"), 1)
    }).pipe(Effect.provide(cluster.client))
  }).pipe(Effect.scoped))

it.live("K4: a persisted call that runs for longer than deliveryTimeout is answered", () =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const cluster = yield* ActorClusterTest.make({ runners: 1, hosts: hosts(journal) })
    yield* Effect.gen(function*() {
      const account = yield* ActorCluster.ref(Account, "a", { deliveryTimeout: "300 millis" })
      const call = yield* Effect.forkChild(account.pay({ tx: "t1", waits: true }))
      yield* journal.awaitLine("t1 runs")
      // a call that no runner can take has had its time meanwhile
      const [one] = cluster.runners
      yield* one!.cut
      yield* Effect.flip(account.who())
      yield* one!.restore
      yield* journal.note("go")
      assert.strictEqual(yield* Fiber.join(call), "t1@a@one")
    }).pipe(Effect.provide(cluster.client))
  }).pipe(Effect.scoped))

it.live("K6: persisted calls that wait at a runner that stops are answered by the next runner", () =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const cluster = yield* ActorClusterTest.make({ runners: 2, hosts: hosts(journal) })
    const [one] = cluster.runners
    yield* Effect.gen(function*() {
      const account = yield* ActorCluster.client(Account)
      yield* Effect.forEach(upTo(8), (n) => account(String(n)).who())
      const calls = yield* Effect.forkChild(Effect.forEach(
        upTo(64),
        (n) => account(String(n % 8)).pay({ tx: `t${n}`, waits: false }),
        { concurrency: "unbounded" }
      ))
      yield* one!.stop
      const results = yield* Fiber.join(calls)
      assert.deepStrictEqual(results.map((text) => text.split("@")[0]), upTo(64).map((n) => `t${n}`))
    }).pipe(Effect.provide(cluster.client))
  }).pipe(Effect.scoped))

it.live("K3: a payload with DeliverAt is delivered once, and not before its time", () =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const cluster = yield* ActorClusterTest.make({ runners: 1, hosts: hosts(journal) })
    yield* Effect.gen(function*() {
      const account = yield* ActorCluster.ref(Account, "a")
      const at = (yield* Clock.currentTimeMillis) + 1_000
      const reminder = new Reminder({ key: "r1", at })
      yield* account.remind(reminder, { discard: true })
      yield* account.remind(reminder, { discard: true })
      assert.strictEqual(yield* count(journal, "r1 fires"), 0)
      yield* journal.awaitLine("r1 fires")
      assert.isAtLeast(yield* Clock.currentTimeMillis, at)
      yield* account.remind(reminder)
      assert.strictEqual(yield* count(journal, "r1 fires"), 1)
    }).pipe(Effect.provide(cluster.client))
  }).pipe(Effect.scoped))

it.live("K7: the value of clusterRef names an actor in any payload, on any runner", () =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const cluster = yield* ActorClusterTest.make({ runners: 1, hosts: hosts(journal) })
    yield* Effect.gen(function*() {
      const account = yield* ActorCluster.client(Account)
      const to = yield* account("a").introduce({ to: Account.clusterRef.make({ id: "b" }) })
      assert.deepStrictEqual(to, { actor: "Account", id: "b" })
      assert.strictEqual(yield* account(to).who(), "b@one")
      assert.throws(
        () => account({ actor: "Bank" as "Account", id: "b" }),
        TypeError,
        "a reference to Bank is not a reference to Account"
      )
    }).pipe(Effect.provide(cluster.client))
  }).pipe(Effect.scoped))
