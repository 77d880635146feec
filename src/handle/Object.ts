/**
 * Handles of objects with methods of your own. A value inside an actor or the program serves a protocol.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Queue from "effect/Queue"
import * as Rpc from "effect/rpc/Rpc"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { HandleError } from "../ActorError.ts"
import * as Methods from "../internal/codec/methods.ts"
import * as Protocol from "../internal/codec/protocol.ts"
import * as HandleSchema from "../internal/remote/handleSchema.ts"
import { isDeferred } from "../internal/server/replies.ts"
import type { AnyHandle } from "./AnyHandle.ts"

/**
 * A handle of an object. Each method of its protocol returns an `Effect` or a `Stream`.
 *
 * @category models
 * @since 0.1.0
 */
export type ObjectHandle<Methods extends Protocol.Any> = Protocol.Client<Methods, HandleError> & AnyHandle

/**
 * The schema for the handles of one protocol, with the constructor of such handles.
 *
 * @category models
 * @since 0.1.0
 */
export interface ObjectSchema<Methods extends Protocol.Any> extends Schema.declare<ObjectHandle<Methods>> {
  /**
   * Makes a handle of an object in this actor or program. `handlers` is an object of handlers, or a function that returns one. The
   * function runs once for each holder, with the scope of the holder. The scope closes when the holder releases the handle or dies. The
   * creator counts as a holder from its first use of the handle, permanently: its scope stays open. The calls of the creator send no message, and have no
   * timeout by `Actor.CallTimeout` and `Actor.RunTimeout` of a method; those of the other holders have it.
   */
  readonly of: <const Handlers extends Protocol.Handlers<Methods>>(
    handlers: (Handlers & Protocol.Handlers<Methods>) | Protocol.HandlersFunction<Scope.Scope, Handlers>
  ) => Effect.Effect<ObjectHandle<Methods>, never, RpcGroup.HandlersServices<Protocol.Rpcs<Methods>, Handlers>>
}

type Handlers = Readonly<Record<string, (payload: unknown, options: unknown) => object>>

// Handlers for calls by the creator, without a message. As for a remote call, an effect may return a `Deferred` of the result, and a
// streaming handler may return a queue. A wrapper such as `Rpc.fork` has no effect.
const localHandlers = (
  methods: ReadonlyArray<Methods.Method>,
  context: Context.Context<never>
) =>
(open: () => Handlers): Handlers => {
  let handlers: Handlers | undefined
  return Object.fromEntries(
    methods.map(({ stream, tag }) => {
      const answer = (payload: unknown, options: unknown): object => {
        const answer = (handlers ??= open())[tag]!(payload, options)
        return Rpc.isWrapper(answer) ? answer.value as object : answer
      }
      const effect = (payload: unknown, options: unknown) =>
        Effect.suspend(() =>
          Effect.flatMap(
            answer(payload, options) as Effect.Effect<unknown, unknown>,
            (value) => isDeferred(value) ? Deferred.await(value) : Effect.succeed(value)
          )
        ).pipe(Effect.scoped, Effect.provideContext(context))
      const run = (payload: unknown, options: unknown) =>
        Stream.suspend(() => {
          const items = answer(payload, options)
          return Effect.isEffect(items)
            ? Stream.unwrap(Effect.map(items, (queue) => Stream.fromQueue(queue as Queue.Dequeue<unknown, Cause.Done>)))
            : items as Stream.Stream<unknown, unknown>
        }).pipe(Stream.scoped, Stream.provideContext(context))
      return [tag, stream ? run : effect]
    })
  )
}

// a generator of ids: the kinds of all objects of the program differ
let count = 0

/**
 * A schema for handles of objects with the methods of `protocol`: a record of methods or an `RpcGroup`. `of` makes a handle from the
 * handlers of the methods. `name` is the name of the object in messages and traces, and distinguishes it from the other objects of a
 * `Schema.Union`; "Object" by default. In uActor: `_proxies_`.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem, Handle } from "uactor"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert"
 *
 * const Cursor = Handle.object({ next: Actor.method({ success: Schema.Int }) }, { name: "Cursor" })
 *
 * class Table extends Actor.Service<Table>()("Table", { protocol: { open: Actor.method({ success: Cursor }) } }) {}
 * const TableLive = Table.toLayer({
 *   open: () =>
 *     Effect.suspend(() => {
 *       let row = 0
 *       return Cursor.of({ next: () => Effect.sync(() => ++row) })
 *     })
 * })
 *
 * const program = Effect.gen(function*() {
 *   const table = yield* Table.spawn()
 *   const cursor = yield* table.open()
 *   yield* cursor.next()
 *   return yield* cursor.next()
 * }).pipe(Effect.scoped, Effect.provide(ActorSystem.layer(TableLive)))
 *
 * assert.strictEqual(await Effect.runPromise(program), 2)
 * ```
 *
 * @category schemas
 * @since 0.1.0
 */
export const object: {
  <Rpcs extends Rpc.Any>(
    protocol: RpcGroup.RpcGroup<Rpcs>,
    options?: { readonly name?: string | undefined }
  ): ObjectSchema<Rpcs>
  // the last one: the compiler shows its error if neither fits
  <const Methods extends Protocol.MethodRecord>(
    protocol: Methods & Protocol.Checked<Methods>,
    options?: { readonly name?: string | undefined }
  ): ObjectSchema<Methods>
} = (
  input: Protocol.MethodRecord | RpcGroup.RpcGroup<Rpc.Any>,
  options?: { readonly name?: string | undefined }
): ObjectSchema<any> => {
  const protocol = Protocol.groupOf(`Handle.object("${options?.name ?? "Object"}")`, input)
  const methods = Methods.methods(protocol)
  // a schema accepts only the handles that its own `of` has made
  const kind = `${options?.name ?? "Object"}.${++count}`
  const handleKind: HandleSchema.HandleKind<Handlers, object & AnyHandle> = {
    kind,
    name: options?.name ?? "Object",
    shape: (client) => client as unknown as AnyHandle
  }
  const of = (handlers: Handlers | ((holder: Scope.Scope) => Handlers)) =>
    Effect.contextWith((context: Context.Context<never>) =>
      Effect.sync(() =>
        HandleSchema.make(
          handleKind,
          typeof handlers === "function" ? handlers : () => handlers,
          context,
          localHandlers(methods, context)
        )
      )
    )
  return Object.assign(HandleSchema.schema(handleKind, protocol), { of }) as unknown as ObjectSchema<any>
}

/**
 * The former name of {@link object}.
 *
 * @deprecated Use `Handle.object`. The next minor version removes this name.
 * @category schemas
 * @since 0.1.0
 */
export const make =
  ((protocol: never, options?: { readonly name?: string | undefined }) => object(protocol, options)) as typeof object
