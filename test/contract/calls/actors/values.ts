/** An actor that is given, and gives, values which are hard to carry. */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as Stream from "effect/Stream"
import * as Transferable from "effect/workers/Transferable"
import * as Actor from "../../../../src/Actor.ts"
import * as Handle from "../../../../src/Handle.ts"

const nested = (levels: number, innermost: unknown): unknown => {
  let value = innermost
  for (let i = 0; i < levels; i++) value = { value }
  return value
}

/** What cannot be sent, and hardly be looked at. */
export const unsendable = {
  unreadable: () => ({
    get x() {
      throw new Error("not for you")
    }
  }),
  "a revoked proxy": () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return proxy
  },
  bottomless: () => nested(20_000, () => 1),
  "too deep": () => nested(1001, 1),
  "too deep to be read": () => nested(2000, 1),
  "a long list": () => {
    const first: { next?: object } = {}
    let last = first
    const all = Array.from({ length: 2000 }, () => last = last.next = {} as typeof first)
    return [first, all]
  },
  "errors too deep": () => {
    let error = new Error("innermost")
    for (let i = 0; i < 1500; i++) error = new Error("outer", { cause: error })
    return error
  }
}

/** What can be sent, however it is entangled. */
export const sendable = {
  deep: () => nested(999, 1),
  cyclic: () => {
    const node: { self?: unknown; value: unknown } = { value: nested(500, 1) }
    node.self = node
    return node
  },
  tangled: () => {
    let value: unknown = 1
    for (let i = 0; i < 12; i++) value = Array.from({ length: 10 }).fill(value)
    return value
  },
  sparse: () => {
    const list: Array<unknown> = []
    list[2 ** 32 - 2] = 1
    return list
  }
}

type Kind = keyof typeof unsendable
const Kind = Schema.Literals(Object.keys(unsendable) as [Kind, ...Array<Kind>])

interface Tree {
  readonly branches: ReadonlyArray<Tree>
}
const Tree = Schema.Struct({ branches: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree)) })

/** A tree of so many levels, each of an object and an array. */
export const grow = (levels: number): Tree => {
  let tree: Tree = { branches: [] }
  for (let i = 1; i < levels; i++) tree = { branches: [tree] }
  return tree
}

/** What {@link Scaled} needs. */
export class Factor extends Context.Service<Factor, number>()("Factor") {}

const scale = (by: (n: number, factor: number) => number) =>
  SchemaGetter.transformEffect((n: number) => Effect.map(Factor, (factor) => by(n, factor)))

const Scaled = Schema.Number.pipe(
  Schema.decodeTo(Schema.Number, { decode: scale((n, factor) => n / factor), encode: scale((n, factor) => n * factor) })
)

/** Its protocol refers to what stands below it. */
export class Early extends Actor.Service<Early>()("Early", {
  args: Schema.Struct({ n: Schema.suspend((): typeof Later => Later) }),
  protocol: [
    Rpc.make("add", { payload: { n: Schema.suspend((): typeof Later => Later) }, success: Schema.Int }),
    Rpc.make("ask", { payload: { values: Schema.suspend((): typeof Values.ref => Values.ref) }, success: Schema.Int })
  ]
}) {}

const EarlyLive = Early.toLayer((args) =>
  Effect.succeed(Early.handlers({
    add: ({ n }) => Effect.succeed(args.n.value + n.value),
    ask: ({ values }) => Effect.orDie(values.echo({ n: args.n.value }))
  }))
)

const Later = Schema.Struct({ value: Schema.Int })

export class Scales extends Actor.Service<Scales>()("Scales", {
  protocol: [
    Rpc.make("beside", { payload: { n: Scaled, ref: Handle.Ref(Schema.Number) }, success: Scaled }),
    Rpc.make("behind", { payload: { ref: Handle.Ref(Schema.Number) }, success: Handle.Deferred({ success: Scaled }) })
  ]
}) {}

const ScalesLive = Scales.toLayer({
  beside: ({ n }) => Effect.succeed(n),
  behind: ({ ref }) => Handle.fork(Effect.orDie(ref.get))
}).pipe(Layer.provide(Layer.succeed(Factor, 2)))

export class Values extends Actor.Service<Values>()("Values", {
  protocol: [
    Rpc.make("echo", { payload: { n: Schema.Int }, success: Schema.Int }),
    Rpc.make("any", { payload: Schema.Any, success: Schema.Any }),
    Rpc.make("field", { payload: { x: Schema.Any }, success: Schema.Any }),
    Rpc.make("withDefaults", {
      payload: {
        n: Schema.Int.pipe(Schema.withConstructorDefault(Effect.sync(() => 7))),
        at: Schema.DateFromString.pipe(Schema.withConstructorDefault(Effect.yieldNow.pipe(Effect.as(new Date(7)))))
      },
      success: Schema.Tuple([Schema.Int, Schema.Date])
    }),
    Rpc.make("alone", {
      payload: { n: Schema.Int.pipe(Schema.withConstructorDefault(Effect.sync(() => 7))) },
      success: Schema.Int
    }),
    /** one buffer in two views, there and back */
    Rpc.make("moveBoth", {
      payload: { one: Transferable.Uint8Array, other: Transferable.Uint8Array },
      success: Schema.Array(Transferable.Uint8Array)
    }),
    Rpc.make("swallow", { payload: { x: Schema.Any } }),
    Rpc.make("give", { payload: { kind: Kind }, success: Schema.Any }),
    Rpc.make("giveLater", { payload: { kind: Kind }, success: Schema.Any }),
    Rpc.make("fail", { payload: { kind: Kind }, error: Schema.Any }),
    Rpc.make("items", { payload: { kind: Kind }, success: Schema.Any, stream: true }),
    Rpc.make("grow", { payload: { levels: Schema.Int }, success: Tree }),
    Rpc.make("measure", { payload: { tree: Tree }, success: Schema.Int }),
    /** in a place where it is not noticed that it can be written and not be read */
    Rpc.make("giveUnreadable", { success: Schema.Any }),
    /** out of line, until `open` */
    Rpc.make("hold", { success: Schema.String }),
    Rpc.make("open")
  ]
}) {}

/** Returns a value behind a handle. */
export class Promises extends Actor.Service<Promises>()("Promises", {
  protocol: [Rpc.make("promise", { payload: { kind: Kind }, success: Handle.Deferred({ success: Schema.Any }) })]
}) {}

const Shared = Schema.Struct({ bytes: Schema.Uint8Array, any: Schema.Any })

/** Keeps what it was given when it was spawned. */
export class Keeps extends Actor.Service<Keeps>()("Keeps", {
  args: Shared,
  error: Schema.Any,
  protocol: [Rpc.make("change"), Rpc.make("kept", { success: Shared })]
}) {}

const startError = { of: "all" }

const KeepsLive = Keeps.toLayer((args) =>
  args.any === "fail" ? Effect.fail(startError) : Effect.succeed(Keeps.handlers({
    change: () =>
      Effect.sync(() => {
        args.bytes[0] = 7
        args.any.n = 7
      }),
    kept: () => Effect.succeed(args)
  }))
)

const make = (kind: Kind): Effect.Effect<unknown> => Effect.sync(() => unsendable[kind]())

const PromisesLive = Promises.toLayer({ promise: ({ kind }) => Handle.fork(make(kind)) })

const ValuesLive = Values.toLayer(() =>
  Effect.map(Deferred.make<string>(), (gate) => {
    return Values.handlers({
      echo: ({ n }) => Effect.succeed(n),
      any: (value) => Effect.succeed(value),
      field: ({ x }) => Effect.succeed(x),
      withDefaults: ({ at, n }) => Effect.succeed([n, at] as const),
      alone: ({ n }) => Effect.succeed(n),
      moveBoth: ({ one, other }) =>
        Effect.sync(() => {
          const both = new Uint8Array([...one, ...other])
          return [both.subarray(0, one.length), both.subarray(one.length)]
        }),
      swallow: () => Effect.void,
      give: ({ kind }) => make(kind),
      giveLater: ({ kind }) => Effect.andThen(Effect.yieldNow, make(kind)),
      fail: ({ kind }) => Effect.flatMap(make(kind), Effect.fail),
      items: ({ kind }) => Stream.fromArray([1, unsendable[kind](), 2]),
      grow: ({ levels }) => Effect.sync(() => grow(levels)),
      measure: ({ tree }) =>
        Effect.sync(() => {
          let levels = 1
          for (let [next] = tree.branches; next !== undefined; [next] = next.branches) levels++
          return levels
        }),
      giveUnreadable: () =>
        Effect.sync(() => {
          let reads = 0
          return {
            // shallow when it is looked at, and too deep when it is written
            get value() {
              return reads++ === 0 ? 1 : nested(3000, 1)
            }
          }
        }),
      hold: () => Rpc.fork(Deferred.await(gate)),
      open: () => Rpc.fork(Effect.asVoid(Deferred.succeed(gate, "held")))
    })
  })
)

export default Layer.mergeAll(ValuesLive, PromisesLive, KeepsLive, ScalesLive, EarlyLive)
