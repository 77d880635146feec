/** What is sent again at a restart, or to another member of a pool, is what was accepted: copied, and with its handles held. */
import { assert, it } from "@effect/vitest"
import { Effect, Exit, Logger, Schedule, Scope } from "effect"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import { ActorSystem } from "../../../src/ActorSystem.ts"
import * as SharedBuffer from "../../../src/SharedBuffer.ts"
import * as Supervision from "../../../src/Supervision.ts"
import behaviours, { Clerk, Smith } from "../fixtures/tells.ts"
import { forked, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/tells.ts", import.meta.url), behaviours }
const soon = Supervision.make({ schedule: Schedule.spaced(1) })
const tell = { discard: true } as const

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

const holding = Effect.gen(function*() {
  const journal = yield* Journal.make
  const clerk = yield* Supervision.supervised(Clerk.spawn({ journal: journal.path }), soon)
  yield* forked(Effect.exit(clerk.hold()))
  yield* journal.awaitLine("1: holding")
  return { clerk, journal }
})

const notedBy = (build: number, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.filter((line) => line.startsWith(`${build}: `)).map((line) => line.slice(`${build}: `.length))

// a scope of its own, and how it is closed
const inner = Effect.map(
  Effect.flatMap(Effect.scope, (scope) => Scope.fork(scope)),
  (scope) => ({ scope, close: Scope.close(scope, Exit.void) })
)

onEveryPlacement(fixture, (placement) => {
  it.live("F3: a restart builds an actor from a snapshot of its arguments at the spawn", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const value = { list: [1] }
      const clerk = yield* Supervision.supervised(Clerk.spawn({ journal: journal.path, parcel: { value } }), soon)
      value.list.push(2)
      for (const build of [1, 2, 3]) {
        assert.strictEqual(yield* clerk.build(), build)
        assert.strictEqual(yield* clerk.parcel(), `silence {"list":[1]}`)
        yield* Effect.exit(clerk.exit())
      }
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet))

  it.live("H5: a supervised actor holds the handles in its arguments for its restarts, until it has ended", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const smith = yield* Smith.spawn()
      const lent = yield* inner
      const bell = yield* Scope.provide(smith.bell(), lent.scope)
      const parcel = { bell, value: [1] }
      const clerk = yield* Supervision.supervised(Clerk.spawn({ journal: journal.path, parcel }), soon)
      yield* lent.close
      parcel.value.push(2)
      for (const build of [1, 2, 3]) {
        assert.strictEqual(yield* clerk.build(), build)
        assert.strictEqual(yield* clerk.parcel(), "ding [1]")
        if (build < 3) yield* Effect.exit(clerk.exit())
      }
      assert.isAbove(yield* smith.held(), 0)
      yield* ActorRef.stop(clerk)
      while ((yield* smith.held()) > 0) yield* Effect.sleep(1)
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet))

  it.live("F3: accepted tells with handles go to the next incarnation, even after their sender has released the handles", () =>
    Effect.gen(function*() {
      const { clerk, journal } = yield* holding
      const smith = yield* Smith.spawn()
      const value = { n: 0 }
      for (const n of upTo(3)) {
        value.n = n
        yield* Effect.scoped(Effect.flatMap(smith.bell(), (bell) => clerk.noteBell({ bell, value }, tell)))
      }
      yield* Effect.scoped(Effect.flatMap(smith.result(), (result) => clerk.noteResult({ result }, tell)))
      const pool = yield* SharedBuffer.makePool({ size: 2, count: 1 })
      yield* Effect.scoped(
        Effect.flatMap(pool.copy(Uint8Array.of(7, 8)), (buffer) => clerk.noteBuffer({ buffer }, tell))
      )
      value.n = 9
      yield* Effect.exit(clerk.exit())
      yield* smith.complete()
      assert.strictEqual(yield* clerk.build(), 2)
      assert.deepStrictEqual(
        notedBy(2, yield* journal.lines),
        [...upTo(3).map((n) => `ding ${JSON.stringify({ n })}`), "a result", "7,8"]
      )
      assert.strictEqual(yield* ActorSystem.lostTells, 0)
      // the only buffer is free again
      yield* Effect.scoped(pool.take())
      yield* ActorRef.stop(clerk)
      while ((yield* smith.held()) > 0) yield* Effect.sleep(1)
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet))

  it.live("H5: handles in lost accepted tells are released", () =>
    Effect.gen(function*() {
      const { clerk } = yield* holding
      const smith = yield* Smith.spawn()
      for (const n of upTo(3)) {
        yield* Effect.scoped(Effect.flatMap(smith.bell(), (bell) => clerk.noteBell({ bell, value: n }, tell)))
      }
      yield* ActorRef.stop(clerk)
      assert.strictEqual(yield* ActorSystem.lostTells, 3)
      while ((yield* smith.held()) > 0) yield* Effect.sleep(1)
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet))
}, { except: ["memory"], reason: "in memory the process of the test would end" })

onEveryPlacement(fixture, (placement) => {
  it.live("P6: accepted tells with handles go to another member, even after their sender has released the handles", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const smith = yield* Smith.spawn()
      const pool = yield* ActorPool.make(Clerk, { size: 2, args: { journal: journal.path } })
      const [first, second] = yield* pool.members
      for (const member of [first!, second!]) yield* forked(Effect.exit(member.hold()))
      for (const n of upTo(4)) {
        yield* Effect.scoped(Effect.flatMap(smith.bell(), (bell) => pool.client.noteBell({ bell, value: n }, tell)))
      }
      yield* ActorRef.kill(first!)
      yield* journal.note("go")
      while ((yield* journal.lines).filter((line) => line.includes(": ding")).length < 4) yield* Effect.sleep(1)
      const noted = (yield* journal.lines).filter((line) => line.includes(": ding")).map((line) => line.slice(3))
      assert.deepStrictEqual(noted.toSorted(), upTo(4).map((n) => `ding ${n}`))
      assert.strictEqual(yield* ActorSystem.lostTells, 0)
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet))
})
