/** What becomes of tells that were accepted: their senders do not wait any more. */
import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Schedule, Scope } from "effect"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import { ActorSystem } from "../../../src/ActorSystem.ts"
import * as Supervision from "../../../src/Supervision.ts"
import behaviours, { Clerk } from "../fixtures/tells.ts"
import { assertExited, forked, logOf, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement, type Placement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/tells.ts", import.meta.url), behaviours }
const soon = Supervision.make({ schedule: Schedule.spaced(1) })
const never = Supervision.make({ maxRestarts: 0 })
const tell = { discard: true } as const

/** A system whose warnings are read; its errors are not for the screen. */
const system = (placement: Placement) => {
  const log = logOf("Warn")
  return { lines: log.lines, layer: Layer.provideMerge(placement.layer(), log.layer) }
}

// a clerk that holds its place: what is told to it waits in its mailbox
const holding = (policy: Supervision.Policy) =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const clerk = yield* Supervision.supervised(Clerk.spawn({ journal: journal.path }), policy)
    yield* forked(Effect.exit(clerk.hold()))
    yield* journal.awaitLine("1: holding")
    return { clerk, journal }
  })

const notedBy = (build: number, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.filter((line) => line.startsWith(`${build}: `)).map((line) => line.slice(`${build}: `.length))

const lost = (tells: number, method: string) => ({ method, tells: String(tells) })

const annotations = (line: { readonly annotations: unknown }): object => {
  const { actor: _, ...others } = line.annotations as Record<string, unknown>
  return others
}

onEveryPlacement(fixture, (placement) => {
  it.live("F3: accepted tells go to the next incarnation with the values at their acceptance", () => {
    const { layer, lines } = system(placement)
    return Effect.gen(function*() {
      const { clerk, journal } = yield* holding(soon)
      const bytes = new Uint8Array(2)
      const value = { n: 0, list: [0] }
      for (const n of upTo(3)) {
        bytes.fill(n)
        value.n = value.list[0] = n
        yield* clerk.noteBytes({ value: bytes }, tell)
        yield* clerk.noteAny({ value }, tell)
        yield* clerk.note({ n }, tell)
      }
      bytes.fill(9)
      value.n = 9
      yield* Effect.exit(clerk.exit())
      assert.strictEqual(yield* clerk.build(), 2)
      assert.deepStrictEqual(
        notedBy(2, yield* journal.lines),
        upTo(3).flatMap((n) => [`${n},${n}`, JSON.stringify({ n, list: [n] }), String(n)])
      )
      assert.strictEqual(yield* ActorSystem.lostTells, 0)
      assert.deepStrictEqual(lines, [])
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.live("F3: an accepted tell whose payload has been moved is lost with its worker, with one warning", () => {
    const { layer, lines } = system(placement)
    return Effect.gen(function*() {
      const { clerk, journal } = yield* holding(soon)
      for (const n of upTo(3)) yield* clerk.noteMoved({ value: Uint8Array.of(n) }, tell)
      yield* clerk.note({ n: 4 }, tell)
      yield* Effect.exit(clerk.exit())
      assert.strictEqual(yield* clerk.build(), 2)
      assert.deepStrictEqual(notedBy(2, yield* journal.lines), ["4"])
      assert.strictEqual(yield* ActorSystem.lostTells, 3)
      assert.deepStrictEqual(lines.map(annotations), [lost(3, "noteMoved")])
      assert.match(
        lines[0]!.message,
        /^3 accepted tells are lost; the first: Clerk#\S+\.noteMoved has not run.* moved /s
      )
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.live("L4: a drain between two incarnations finishes the calls accepted by the first incarnation", () => {
    const { layer, lines } = system(placement)
    return Effect.gen(function*() {
      const { clerk, journal } = yield* holding(soon)
      yield* journal.note("wait 2")
      for (const n of upTo(3)) yield* clerk.note({ n }, tell)
      yield* Effect.exit(clerk.exit())
      yield* journal.awaitLine("built 2")
      const stopping = yield* forked(ActorRef.stop(clerk, { drain: true }))
      assertExited(yield* Effect.exit(clerk.note({ n: 4 })), "Stopped", "NotRun")
      assert.isUndefined(stopping.pollUnsafe())
      yield* journal.note("go")
      yield* Fiber.join(stopping)
      assert.deepStrictEqual(notedBy(2, yield* journal.lines), upTo(3).map(String))
      assert.deepStrictEqual(lines, [])
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.live("L4: a drain between two incarnations ends after its timeout, with a warning about unfinished calls", () => {
    const { layer, lines } = system(placement)
    return Effect.gen(function*() {
      const { clerk, journal } = yield* holding(soon)
      yield* journal.note("wait 2")
      for (const n of upTo(3)) yield* clerk.note({ n }, tell)
      yield* Effect.exit(clerk.exit())
      yield* journal.awaitLine("built 2")
      yield* ActorRef.stop(clerk, { drain: 20 })
      assert.strictEqual(yield* ActorSystem.lostTells, 3)
      assert.deepStrictEqual(lines.map(annotations), [lost(3, "note")])
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  for (const end of ["ActorRef.kill", "ActorRef.stop", "the scope"] as const) {
    it.live(`L4: ${end} ends a drain between two incarnations early`, () => {
      const { layer, lines } = system(placement)
      return Effect.gen(function*() {
        const scope = yield* Scope.fork(yield* Effect.scope)
        const { clerk, journal } = yield* Scope.provide(holding(soon), scope)
        yield* journal.note("wait 2")
        yield* clerk.note({ n: 1 }, tell)
        yield* Effect.exit(clerk.exit())
        yield* journal.awaitLine("built 2")
        const stopping = yield* forked(ActorRef.stop(clerk, { drain: true }))
        yield* end === "ActorRef.kill"
          ? ActorRef.kill(clerk)
          : end === "ActorRef.stop"
          ? ActorRef.stop(clerk)
          : Scope.close(scope, Exit.void)
        yield* Fiber.join(stopping)
        assert.strictEqual(yield* ActorSystem.lostTells, 1)
        yield* Journal.until("it is logged", () => lines.length > 0)
        assert.deepStrictEqual(lines.map(annotations), [lost(1, "note")])
      }).pipe(Effect.scoped, Effect.provide(layer))
    })
  }

  it.live("F4: the accepted tells of an actor that is not restarted again are lost, with one warning", () => {
    const { layer, lines } = system(placement)
    return Effect.gen(function*() {
      const { clerk } = yield* holding(never)
      for (const n of upTo(3)) yield* clerk.note({ n }, tell)
      yield* Effect.exit(clerk.exit())
      assertExited(yield* ActorRef.awaitExit(clerk), "Crashed", "NotRun")
      assert.strictEqual(yield* ActorSystem.lostTells, 3)
      const accepted = () => lines.filter(({ message }) => message.includes("accepted"))
      yield* Journal.until("it is logged", () => accepted().length > 0)
      const [line, ...others] = accepted()
      assert.deepStrictEqual(others, [])
      assert.deepStrictEqual(annotations(line!), lost(3, "note"))
      assert.match(line!.message, /Clerk#\S+\.note has not run.*exited with code 7/s)
    }).pipe(Effect.scoped, Effect.provide(layer))
  })
}, { except: ["memory"], reason: "in memory the process of the test would end" })

onEveryPlacement(fixture, (placement) => {
  it.live("P6: the accepted tells of a killed pool member go to another member unchanged", () => {
    const { layer, lines } = system(placement)
    return Effect.gen(function*() {
      const journal = yield* Journal.make
      // the tells wait in the mailboxes of their members
      const pool = yield* ActorPool.make(Clerk, { size: 2, strategy: "round-robin", args: { journal: journal.path } })
      const [first, second] = yield* pool.members
      yield* forked(Effect.exit(first!.hold()))
      yield* forked(Effect.exit(second!.hold()))
      const value = { n: 0 }
      for (const n of upTo(6)) {
        value.n = n
        yield* pool.client.noteAny({ value }, tell)
      }
      value.n = 9
      yield* ActorRef.kill(first!)
      yield* journal.note("go")
      yield* Effect.flatMap(second!.build(), () => second!.build())
      const noted = (yield* journal.lines).filter((line) => line.includes("{")).map((line) => line.slice(3)).toSorted()
      assert.deepStrictEqual(noted, upTo(6).map((n) => JSON.stringify({ n })))
      assert.strictEqual(yield* ActorSystem.lostTells, 0)
      assert.deepStrictEqual(lines.map(({ message }) => message), ["a pool of Clerk replaces a member in 1 s"])
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.live("C4: accepted tells that have not started when their actor is stopped are lost, with one warning", () => {
    const { layer, lines } = system(placement)
    return Effect.gen(function*() {
      const { clerk } = yield* holding(soon)
      for (const n of upTo(3)) yield* clerk.note({ n }, tell)
      yield* ActorRef.stop(clerk)
      assert.strictEqual(yield* ActorSystem.lostTells, 3)
      assert.deepStrictEqual(lines.map(annotations), [lost(3, "note")])
      assert.match(lines[0]!.message, /Clerk#\S+\.note has not run.*was stopped/s)
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.live("L4: a drain loses no tell", () => {
    const { layer, lines } = system(placement)
    return Effect.gen(function*() {
      const { clerk, journal } = yield* holding(soon)
      for (const n of upTo(3)) yield* clerk.note({ n }, tell)
      const stopping = yield* forked(ActorRef.stop(clerk, { drain: true }))
      yield* journal.note("go")
      yield* Fiber.join(stopping)
      assert.deepStrictEqual(notedBy(1, yield* journal.lines), ["holding", "1", "2", "3"])
      assert.deepStrictEqual(lines, [])
    }).pipe(Effect.scoped, Effect.provide(layer))
  })
})
