/** An actor that is given, and gives, what must not be sent, and whose handlers return what they must not. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import * as Transferable from "effect/workers/Transferable"
import { createSecretKey } from "node:crypto"
import { markAsUncloneable, MessageChannel } from "node:worker_threads"
import * as Actor from "../../../../src/Actor.ts"
import * as Handle from "../../../../src/Handle.ts"

/** What is no effect, and has no text. */
export const textless = {
  "an object without a prototype": () => Object.create(null) as object,
  "a revoked proxy": () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return proxy
  },
  "an error whose text throws": () =>
    Object.defineProperty(new Error("x"), "message", {
      get: () => {
        throw new Error("no text")
      }
    }),
  "a name that is a symbol": () => Object.assign(new Error("x"), { name: Symbol("name") })
}

/** What must not be sent in a field `value`, each with what the error says of it. */
export const refused: Readonly<Record<string, readonly [make: () => unknown, text: string]>> = {
  URL: [() => ({ link: new URL("https://example.org") }), "value.link is a URL; send its `href`"],
  "a class that extends URL": [() => [new (class Link extends URL {})("https://example.org")], "value[0] is a Link"],
  Headers: [() => new Headers(), "value is a Headers; send its entries"],
  Blob: [() => new Map([["file", new Blob(["a"])]]), "value.get(\"file\") is a Blob; send its bytes"],
  DOMException: [() => new DOMException("x", "AbortError"), "value is a DOMException; send its name and message"],
  KeyObject: [() => ({ key: createSecretKey(Buffer.alloc(8)) }), "value.key is a SecretKeyObject"],
  MessagePort: [() => ({ port: new MessageChannel().port1 }), "value.port is a MessagePort"],
  "a class marked as not cloneable": [() => {
    class Marked {
      readonly n = 1
    }
    const marked = new Marked()
    markAsUncloneable(marked)
    return { marked }
  }, "value.marked is a Marked"],
  Proxy: [() => ({ a: [new Proxy({ n: 1 }, {})] }), "value.a[0] is a Proxy"],
  "a Proxy of an array": [() => new Proxy([1], {}), "value is a Proxy"],
  arguments: [function() {
    return arguments
  }, "value is an arguments object"],
  function: [() => ({ a: { b: [() => 1] } }), "value.a.b[0] is a function"],
  symbol: [() => new Set([Symbol("s")]), "value.item is a symbol"],
  Promise: [() => ({ later: Promise.resolve(1) }), "value.later is a Promise; wait for it first"],
  WeakMap: [() => new WeakMap(), "value is a WeakMap"],
  "a getter that throws": [() => ({
    get secret() {
      throw new Error("not for you")
    }
  }), "value.secret cannot be read: Error: not for you"],
  "a function beside the items of an array": [
    () => Object.assign([1], { beside: () => 1 }),
    "value.beside is a function"
  ],
  "a cause": [() => new Error("x", { cause: { url: new URL("https://example.org") } }), "value.cause.url is a URL"]
}

const grow: Readonly<Record<string, (value: unknown) => unknown>> = {
  objects: (value) => ({ value }),
  arrays: (value) => [value],
  "arrays with holes": (value) => {
    const list: Array<unknown> = []
    list[3] = value
    return list
  },
  "named properties of arrays": (value) => Object.assign([], { value }),
  maps: (value) => new Map([[1, value]]),
  "keys of maps": (value) => new Map([[value, 1]]),
  sets: (value) => new Set([value]),
  causes: (value) => new Error("x", { cause: value }),
  instances: (value) => Object.assign(new Point(), { value })
}

/** What may be nested 1000 levels deep. */
export const levels = Object.keys(grow)

class Point {
  readonly x = 1
}

/** Something of those that is nested so deeply. */
export const nested = (kind: string, depth: number): unknown => {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = grow[kind]!(value)
  return value
}

type Textless = keyof typeof textless
const Textless = Schema.Literals(Object.keys(textless) as [Textless, ...Array<Textless>])

const Marks = Schema.Record(Schema.Symbol, Schema.Int)

export class Carrier extends Actor.Service<Carrier>()("Carrier", {
  protocol: [
    Rpc.make("ping", { success: Schema.String }),
    Rpc.make("echo", { payload: { value: Schema.Any }, success: Schema.Any }),
    Rpc.make("give", { payload: { kind: Schema.String }, success: Schema.Struct({ value: Schema.Any }) }),
    /** gives a list of so many functions */
    Rpc.make("functions", { payload: { count: Schema.Int }, success: Schema.Struct({ value: Schema.Any }) }),
    Rpc.make("nest", { payload: { kind: Schema.String, depth: Schema.Int }, success: Schema.Any }),
    /** of bytes, how many there are, and how many their buffer has */
    Rpc.make("sizes", { payload: { views: Schema.Any }, success: Schema.Array(Schema.Array(Schema.Int)) }),
    Rpc.make("move", { payload: { bytes: Transferable.Uint8Array }, success: Transferable.Uint8Array }),
    Rpc.make("usePort", { payload: { port: Transferable.MessagePort } }),
    Rpc.make("marks", { payload: { marks: Marks }, success: Marks }),
    Rpc.make("file", { payload: { file: Schema.File }, success: Schema.File }),
    Rpc.make("return", { payload: { what: Textless } }),
    Rpc.make("stream", { payload: { what: Textless }, success: Schema.Int, stream: true }),
    Rpc.make("inside", { payload: { what: Textless } }),
    Rpc.make("delete", { payload: { all: Schema.Boolean }, success: Schema.String }),
    Rpc.make("delete,all", { success: Schema.String }),
    Rpc.make("[\"delete\",\"all\"]", { success: Schema.String })
  ]
}) {}

const returnWhat = ({ what }: { readonly what: Textless }): Effect.Effect<void> => textless[what]() as never

export const CarrierLive = Carrier.toLayer({
  ping: () => Effect.succeed("pong"),
  echo: ({ value }) => Effect.succeed(value),
  give: ({ kind }) => Effect.sync(() => ({ value: refused[kind]![0]() })),
  functions: ({ count }) => Effect.succeed({ value: Array.from({ length: count }, () => () => undefined) }),
  nest: ({ depth, kind }) => Effect.sync(() => nested(kind, depth)),
  sizes: ({ views }) =>
    Effect.sync(() =>
      (views as ReadonlyArray<ArrayBufferView>).map((view) => [view.byteLength, view.buffer.byteLength])
    ),
  move: ({ bytes }) => Effect.sync(() => Buffer.from(bytes)),
  usePort: ({ port }) => Effect.sync(() => port.postMessage("hello")),
  marks: ({ marks }) => Effect.succeed({ ...marks, [Symbol.for("back")]: 2 }),
  file: ({ file }) => Effect.succeed(file),
  return: returnWhat,
  stream: (payload): Stream.Stream<number> => returnWhat(payload) as never,
  inside: (payload) => Effect.andThen(Effect.void, Effect.suspend(() => returnWhat(payload))),
  delete: ({ all }) => Effect.succeed(`delete(${all})`),
  "delete,all": () => Effect.succeed("delete,all()"),
  "[\"delete\",\"all\"]": () => Effect.succeed("[\"delete\",\"all\"]()")
})

/** Returns what is not an effect as a handle. */
export class Forker extends Actor.Service<Forker>()("Forker", {
  protocol: [
    Rpc.make("ping", { success: Schema.String }),
    Rpc.make("fork", { payload: { what: Textless }, success: Handle.Deferred({ success: Schema.Int }) })
  ]
}) {}

const ForkerLive = Forker.toLayer({
  ping: () => Effect.succeed("pong"),
  fork: (payload) => Handle.fork(returnWhat(payload) as never as Effect.Effect<number>)
})

/** Its builder, and its vote, do not return what they must. */
export class Builder extends Actor.Service<Builder>()("Builder", {
  args: Schema.Literals(["nothing", "textless", "vote"]),
  protocol: [Rpc.make("ping")]
}) {}

const handlers = Builder.handlers({ ping: () => Effect.void })

const BuilderLive = Builder.toLayer(
  (how): Effect.Effect<typeof handlers> =>
    how === "vote"
      ? Effect.succeed(handlers)
      : how === "nothing"
      ? Effect.succeed(undefined as never)
      : textless["a revoked proxy"]() as never,
  { onExit: (): Effect.Effect<boolean> => textless["a revoked proxy"]() as never }
)

export default Layer.mergeAll(CarrierLive, ForkerLive, BuilderLive)
