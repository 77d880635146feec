import { assert } from "@effect/vitest"
import { Effect, Exit, Fiber, Stream } from "effect"
import { ProtocolError } from "../../src/ActorError.ts"
import { assertTypeError, errorOf, forked, upTo } from "./asserts.ts"
import behaviours, { Clerk, Counter, OtherClerk, unreadable } from "./fixtures/protocol.ts"
import { onOneWorker } from "./oneWorker.ts"

const fixture = { module: new URL("./fixtures/protocol.ts", import.meta.url), behaviours }

/** Asserts that one side could not read what the other sent, and returns the message. */
const assertUnread = (
  exit: Exit.Exit<unknown, unknown>,
  method: string,
  outcome: "NotRun" | "Unknown",
  ...parts: ReadonlyArray<string>
): void => {
  const error = errorOf(exit)
  assert.instanceOf(error, ProtocolError)
  assert.deepStrictEqual([error.actor, error.method, error.outcome], ["Clerk", method, outcome], error.message)
  for (const part of [`.${method}`, ...parts]) assert.include(error.message, part)
}

/** Makes a hundred calls at once, and returns the one that is wrong and the others. */
const amongOthers = <A, E>(call: (n: number) => Effect.Effect<A, E>) =>
  Effect.map(
    Effect.forEach(upTo(100), (n) => Effect.exit(call(n)), { concurrency: "unbounded" }),
    (exits) => ({ wrong: exits[49]!, others: exits.filter((_, i) => i !== 49) })
  )

const others = upTo(100).filter((n) => n !== 50)

onOneWorker(fixture, Clerk.layer(), (it) => {
  // ---- the caller's side: what does not fit never leaves ----

  it.effect("C6: a payload that does not fit its schema is a defect naming the field, and nothing is sent", () =>
    Effect.gen(function*() {
      const clerk = yield* Clerk.spawn()
      assertTypeError(yield* Effect.exit(clerk.double({ n: 1.5 })), "Clerk.double", `["n"]`)
      assertTypeError(yield* Effect.exit(clerk.double({} as never)), "Clerk.double", `["n"]`)
      assertTypeError(yield* Effect.exit(clerk.double(undefined as never)), "Clerk.double")
      const order = { items: [{ name: "a" }, { name: 2 as never }] }
      assertTypeError(yield* Effect.exit(clerk.nested({ order })), "Clerk.nested", `["order"]["items"][1]["name"]`)
      assert.strictEqual(yield* clerk.calls(), 0)
    }))

  it.effect("C6: a payload that does not fit is no matter to the calls beside it", () =>
    Effect.gen(function*() {
      const clerk = yield* Clerk.spawn()
      const { others: rest, wrong } = yield* amongOthers((n) => clerk.double({ n: n === 50 ? 1.5 : n }))
      assertTypeError(wrong, "Clerk.double", `["n"]`)
      assert.deepStrictEqual(rest, others.map((n) => Exit.succeed(n * 2)))
    }))

  for (const [what, value] of [["cloned", () => 1], ["read", unreadable()]] as const) {
    it.effect(`C6: a payload that cannot be ${what} is a defect of its call, and no matter to those beside it`, () =>
      Effect.gen(function*() {
        const clerk = yield* Clerk.spawn()
        const { others: rest, wrong } = yield* amongOthers((n) => clerk.any({ value: n === 50 ? value : n }))
        assertTypeError(wrong, "Clerk.any", "cannot be sent")
        assert.deepStrictEqual(rest, others.map((n) => Exit.succeed<unknown>(n)))
        assert.strictEqual(yield* clerk.calls(), 99)
      }))

    it.effect(`C6: payloads that cannot be ${what} take no room from those that follow`, () =>
      Effect.gen(function*() {
        const counter = yield* Counter.spawn()
        const exits = yield* Effect.forEach(upTo(50), () => Effect.exit(counter.any({ value })), {
          concurrency: "unbounded"
        })
        for (const exit of exits) assertTypeError(exit, "Counter.any", "cannot be sent")
        const answers = yield* Effect.forEach(upTo(50), (n) => counter.any({ value: n }), { concurrency: "unbounded" })
        assert.deepStrictEqual(answers, [...upTo(50)])
      }))

    it.effect(`C3: interrupting a call whose payload cannot be ${what} completes`, () =>
      Effect.gen(function*() {
        const clerk = yield* Clerk.spawn()
        const call = yield* forked(clerk.any({ value }))
        yield* Fiber.interrupt(call)
        assert(Exit.isFailure(yield* Fiber.await(call)))
        assert.strictEqual(yield* clerk.calls(), 0)
      }))
  }

  it.effect("C6: a payload whose schema throws when it encodes is a defect of its call alone", () =>
    Effect.gen(function*() {
      const clerk = yield* Clerk.spawn()
      const { others: rest, wrong } = yield* amongOthers((n) =>
        clerk.thrower({ text: n === 50 ? "throws when encoded" : `${n}` })
      )
      assert(Exit.isFailure(wrong) && Exit.hasDies(wrong))
      assert.deepStrictEqual(rest, others.map((n) => Exit.succeed(`${n}`)))
      assert.strictEqual(yield* clerk.calls(), 99)
    }))

  // ---- the actor cannot read the call ----

  it.effect("C6: a payload that the actor cannot decode is a ProtocolError, NotRun, of its call alone", () =>
    Effect.gen(function*() {
      const clerk = yield* OtherClerk.spawn()
      const { others: rest, wrong } = yield* amongOthers((n) => clerk.double({ n: n === 50 ? "fifty" : n }))
      assertUnread(wrong, "double", "NotRun", `["n"]`)
      assert.deepStrictEqual(rest, others.map((n) => Exit.succeed(n * 2)))
      assert.strictEqual(yield* clerk.calls(), 99)
    }))

  it.effect("C6: a tell that the actor cannot decode does no harm", () =>
    Effect.gen(function*() {
      const clerk = yield* OtherClerk.spawn()
      const exit = yield* Effect.exit(clerk.double({ n: "fifty" }, { discard: true }))
      if (Exit.isFailure(exit)) assertUnread(exit, "double", "NotRun")
      assert.strictEqual(yield* clerk.calls(), 0)
    }))

  it.effect("C6: a payload whose schema throws when the actor decodes it is a ProtocolError, NotRun, of its call alone", () =>
    Effect.gen(function*() {
      const clerk = yield* Clerk.spawn()
      const { others: rest, wrong } = yield* amongOthers((n) =>
        clerk.thrower({ text: n === 50 ? "throws when decoded" : `${n}` })
      )
      assertUnread(wrong, "thrower", "NotRun", "decoding threw")
      assert.deepStrictEqual(rest, others.map((n) => Exit.succeed(`${n}`)))
      assert.strictEqual(yield* clerk.calls(), 99)
    }))

  it.effect("C6: a method that the actor's version does not have is a ProtocolError, NotRun, of its call alone", () =>
    Effect.gen(function*() {
      const clerk = yield* OtherClerk.spawn()
      const [added, stream, four] = yield* Effect.all([
        Effect.exit(clerk.added()),
        Effect.exit(Stream.runDrain(clerk.addedStream())),
        clerk.double({ n: 2 })
      ], { concurrency: "unbounded" })
      assertUnread(added, "added", "NotRun", "no such method")
      assertUnread(stream, "addedStream", "NotRun", "no such method")
      assert.strictEqual(four, 4)
    }))

  // ---- the answer cannot be sent ----

  for (const method of ["misfit", "uncloneable", "unreadable"] as const) {
    it.effect(`C6: a result that cannot be sent is a ProtocolError of its call alone (${method})`, () =>
      Effect.gen(function*() {
        const clerk = yield* Clerk.spawn()
        const call = (n: number): Effect.Effect<unknown, unknown> => clerk[method]({ n })
        const { others: rest, wrong } = yield* amongOthers(call)
        assertUnread(wrong, method, "Unknown")
        assert.deepStrictEqual(rest, others.map((n) => Exit.succeed<unknown>(method === "misfit" ? { n } : n)))
        assert.strictEqual(yield* clerk.calls(), 100)
      }))
  }

  for (const wrong of ["misfit", "uncloneable", "unreadable"] as const) {
    it.effect(`C6: an error that cannot be sent is a ProtocolError of its call alone (${wrong})`, () =>
      Effect.gen(function*() {
        const clerk = yield* Clerk.spawn()
        const [rejected, both, four] = yield* Effect.all([
          Effect.exit(clerk.reject({ wrong })),
          Effect.exit(clerk.rejectAndDie({ wrong })),
          clerk.double({ n: 2 })
        ], { concurrency: "unbounded" })
        assertUnread(rejected, "reject", "Unknown")
        assertUnread(both, "rejectAndDie", "Unknown")
        assert.strictEqual(four, 4)
      }))
  }

  it.effect("C6: a result whose schema throws when the actor encodes it is a ProtocolError of its call alone", () =>
    Effect.gen(function*() {
      const clerk = yield* Clerk.spawn()
      const { others: rest, wrong } = yield* amongOthers((n) =>
        clerk.throwers({ text: n === 50 ? "throws when encoded" : `${n}` })
      )
      assertUnread(wrong, "throwers", "Unknown", "encoding threw")
      assert.deepStrictEqual(rest, others.map((n) => Exit.succeed(`${n}`)))
    }))

  // ---- the caller cannot read the answer ----

  it.effect("C6: a result that the caller cannot decode is a ProtocolError, Unknown, of its call alone", () =>
    Effect.gen(function*() {
      const clerk = yield* OtherClerk.spawn()
      const [text, four] = yield* Effect.all([Effect.exit(clerk.text()), clerk.double({ n: 2 })], {
        concurrency: "unbounded"
      })
      assertUnread(text, "text", "Unknown")
      assert.strictEqual(four, 4)
    }))

  it.effect("C6: an error that the caller cannot decode is a ProtocolError, Unknown, of its call alone", () =>
    Effect.gen(function*() {
      const clerk = yield* OtherClerk.spawn()
      const [refused, four] = yield* Effect.all([Effect.exit(clerk.refuse()), clerk.double({ n: 2 })], {
        concurrency: "unbounded"
      })
      assertUnread(refused, "refuse", "Unknown", `["code"]`)
      assert.strictEqual(four, 4)
    }))

  it.effect("C6: items that the caller cannot decode end their stream alone, and its producer", () =>
    Effect.gen(function*() {
      const clerk = yield* OtherClerk.spawn()
      const exit = yield* Effect.exit(Stream.runDrain(clerk.counts({ upTo: 100_000 })))
      assertUnread(exit, "counts", "Unknown")
      assert.strictEqual(yield* clerk.double({ n: 2 }), 4)
    }))

  it.effect("C6: a result whose schema throws when the caller decodes it is a ProtocolError of its call alone", () =>
    Effect.gen(function*() {
      const clerk = yield* Clerk.spawn()
      const { others: rest, wrong } = yield* amongOthers((n) =>
        clerk.throwers({ text: n === 50 ? "throws when decoded" : `${n}` })
      )
      assertUnread(wrong, "throwers", "Unknown", "decoding threw")
      assert.deepStrictEqual(rest, others.map((n) => Exit.succeed(`${n}`)))
    }))

  it.effect("C6: the actor goes on after everything that could not be read or sent", () =>
    Effect.gen(function*() {
      const clerk = yield* Clerk.spawn()
      const value = () => 1
      const exits = yield* Effect.forEach(upTo(100), (n) =>
        Effect.all([
          Effect.exit(clerk.any({ value })),
          Effect.exit(clerk.uncloneable({ n: 50 })),
          Effect.exit(clerk.misfit({ n: 50 })),
          Effect.exit(clerk.reject({ wrong: "uncloneable" })),
          Effect.exit(clerk.double({ n }))
        ], { concurrency: "unbounded" }), { concurrency: "unbounded" })
      for (const [i, [payload, uncloneable, misfit, rejected, doubled]] of exits.entries()) {
        assertTypeError(payload, "Clerk.any")
        assertUnread(uncloneable, "uncloneable", "Unknown")
        assertUnread(misfit, "misfit", "Unknown")
        assertUnread(rejected, "reject", "Unknown")
        assert.deepStrictEqual(doubled, Exit.succeed((i + 1) * 2))
      }
    }))
})
