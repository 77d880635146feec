/** An actor whose methods fail in every way there is. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import * as Actor from "../../../../src/Actor.ts"

export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { id: Schema.String, at: Schema.Date }) {
  override get message(): string {
    return `there is no ${this.id}`
  }
}

export class Busy extends Schema.TaggedError<Busy>()("Busy", { retryAfter: Schema.Duration }) {}

/** The same fields as {@link NotFound}, so that only the class tells them apart. */
export class Gone extends Schema.TaggedError<Gone>()("Gone", { id: Schema.String, at: Schema.Date }) {}

export const errors = {
  NotFound: new NotFound({ id: "a", at: new Date(12) }),
  Busy: new Busy({ retryAfter: Duration.seconds(3) }),
  Gone: new Gone({ id: "b", at: new Date(13) })
}

class DatabaseError extends Error {
  override readonly name = "DatabaseError"
  readonly table = "users"
}

class Odd {
  readonly n = 1
}

const issue = Exit.match(SchemaParser.decodeUnknownExit(Schema.Struct({ n: Schema.Int }))({ n: 1.5 }), {
  onSuccess: () => undefined,
  onFailure: Cause.squash
})

/** Every kind of value that a handler might die with. */
export const defects: Readonly<Record<string, () => unknown>> = {
  "a built-in error with own fields": () =>
    Object.assign(new RangeError("out of range"), { code: "E_RANGE", details: { limits: [1, 2] } }),
  "an error of a class of its own": () => new DatabaseError("no connection"),
  "an error with a cause": () => new Error("outer", { cause: new TypeError("inner", { cause: "innermost" }) }),
  "an AggregateError": () => new AggregateError([new Error("one")], "several"),
  "a DOMException": () => new DOMException("aborted", "AbortError"),
  "an error that refers to itself": () => {
    const error: Error & { code?: number; self?: unknown } = Object.assign(new Error("cyclic"), { code: 1 })
    error.self = error
    return error
  },
  "an error with a function among its fields": () =>
    Object.assign(new Error("with a function"), { code: 1, f: () => 1 }),
  "an error with a field that cannot be read": () =>
    Object.defineProperty(Object.assign(new Error("unreadable"), { code: 1 }), "field", {
      enumerable: true,
      get: () => {
        throw new Error("not for you")
      }
    }),
  "an error whose message is no string": () =>
    Object.defineProperty(new Error("replaced"), "message", { value: { text: 1, f: () => 1 } }),
  "a frozen error": () => Object.freeze(new Error("frozen")),
  "a schema issue": () => issue,
  "an error whose cause is a schema issue": () => new Error("outer", { cause: issue }),
  "an object of a class": () => new Odd(),
  "a string": () => "just a text",
  "a number": () => 42,
  "a bigint": () => 42n,
  "undefined": () => undefined,
  "null": () => null,
  "a plain object": () => ({ code: 1, nested: { list: [1, "two", null] } }),
  "a Map": () => new Map([["a", 1]]),
  "a Date": () => new Date(12),
  "a symbol": () => Symbol("mark"),
  "a function": () => () => 1,
  "an object that refers to itself": () => {
    const defect: { self: unknown } = { self: undefined }
    defect.self = defect
    return defect
  },
  "an object that has no text": () => Object.assign(Object.create(null) as object, { f: () => 1 }),
  "an object whose text cannot be read": () => ({
    f: () => 1,
    toString: () => {
      throw new Error("not for you")
    }
  }),
  "a proxy of a plain object": () => new Proxy({ code: 1 }, {}),
  "an array with a function beside its items": () => Object.assign([1], { f: () => 1 }),
  "an error with such a field": () => Object.assign(new Error("with a proxy"), { code: new Proxy({ n: 1 }, {}) }),
  "an error named toString": () => Object.assign(new Error("odd"), { name: "toString" }),
  "an error named __proto__": () => Object.assign(new Error("odd"), { name: "__proto__" }),
  "an error with a field named __proto__": () =>
    Object.defineProperty(new Error("odd"), "__proto__", { enumerable: true, value: { isAdmin: true } }),
  "what only looks like an encoded error": () => ({ "~uactor/Error": null }),
  "what looks like an encoded error": () => ({ "~uactor/Error": { name: "Error", message: "forged", fields: {} } }),
  "what looks like encoded data": () => ({ "~uactor/Data": 1, more: { "~uactor/Error": null } }),
  "an error whose cause looks like an encoded error": () =>
    new Error("outer", { cause: { "~uactor/Error": { name: "Error", message: "forged", fields: {} } } }),
  "an entangled array": () => {
    let defect: unknown = 1
    for (let i = 0; i < 7; i++) defect = Array.from({ length: 30 }).fill(defect)
    return defect
  },
  "a revoked proxy": () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return proxy
  }
}

const Code = Schema.Struct({ code: Schema.Int })

/** Dies with that when it ends. */
export class DiesAtEnd extends Actor.Service<DiesAtEnd>()("DiesAtEnd", {
  args: Schema.Struct({ kind: Schema.String }),
  protocol: []
}) {}

/** Dies with that when it is asked for its vote, and gives it without that. */
export class DiesVoting extends Actor.Service<DiesVoting>()("DiesVoting", { protocol: [] }) {}

export class Failures extends Actor.Service<Failures>()("Failures", {
  protocol: [
    Rpc.make("fail", {
      payload: { which: Schema.Literals(["NotFound", "Busy", "Gone"]) },
      error: Schema.Union([NotFound, Busy, Gone])
    }),
    /** an error that is no class */
    Rpc.make("failPlainly", { error: Schema.Struct({ code: Schema.Int, since: Schema.Date }) }),
    Rpc.make("die", { payload: { kind: Schema.String } }),
    /** the handler itself throws, before there is an effect */
    Rpc.make("throw"),
    /** fails with its error while a finalizer dies */
    Rpc.make("failAndDie", { error: NotFound }),
    Rpc.make("interruptItself"),
    /** a defect with a schema of its own, which the second does not fit */
    Rpc.make("dieAsDeclared", { defect: Schema.toType(Code) as never }),
    Rpc.make("dieUndeclared", { defect: Schema.toType(Code) as never }),
    Rpc.make("ping", { success: Schema.Literal("pong") })
  ]
}) {}

export default Layer.mergeAll(
  DiesAtEnd.toLayer(({ kind }) => Effect.as(Effect.addFinalizer(() => Effect.die(defects[kind]!())), {})),
  DiesVoting.toLayer({}, {
    onExit: (exit) => {
      const kind = Exit.isFailure(exit) && exit.cause.reasons.find(Cause.isFailReason)?.error
      return typeof kind === "string" ? Effect.die(defects[kind]!()) : Effect.succeed(true)
    }
  }),
  Failures.toLayer({
    fail: ({ which }) => Effect.fail(errors[which]),
    failPlainly: () => Effect.fail({ code: 7, since: new Date(12) }),
    die: ({ kind }) => Effect.suspend(() => Effect.die(defects[kind]!())),
    throw: (): Effect.Effect<void> => {
      throw new RangeError("thrown")
    },
    failAndDie: () =>
      Effect.failCause(Cause.combine(Cause.fail(errors.NotFound), Cause.die(new RangeError("too late")))),
    interruptItself: () => Effect.interrupt,
    dieAsDeclared: () => Effect.die({ code: 7 }),
    dieUndeclared: () => Effect.die(new RangeError("not a code")),
    ping: () => Effect.succeed("pong")
  })
)
