/**
 * Handles of a user's own objects: any protocol, served from a value inside an
 * actor or the program.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Queue from "effect/Queue"
import * as Rpc from "effect/rpc/Rpc"
import type * as RpcClient from "effect/rpc/RpcClient"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { HandleError } from "../ActorError.ts"
import * as Codec from "../internal/codec.ts"
import * as Objects from "../internal/objects.ts"
import type { AnyHandle } from "./AnyHandle.ts"

/**
 * A handle of an object with a protocol of its own: each method returns an `Effect` or a `Stream`.
 *
 * @category models
 * @since 0.1.0
 */
export type ObjectHandle<Rpcs extends Rpc.Any> = RpcClient.RpcClient<Rpcs, HandleError> & AnyHandle

/**
 * The schema for handles of a protocol, and how one is made.
 *
 * @category models
 * @since 0.1.0
 */
export interface ObjectSchema<Rpcs extends Rpc.Any> extends Schema.declare<ObjectHandle<Rpcs>> {
  /**
   * Makes a handle of an object here. A function is asked for handlers once for each holder, with the holder's scope, which
   * closes when the holder has let go or has died. Where the handle was made it is asked when it is first used there, and
   * that scope stays open.
   */
  readonly of: <const Handlers extends RpcGroup.HandlersFrom<Rpcs>>(
    handlers: Handlers | ((holder: Scope.Scope) => Handlers)
  ) => Effect.Effect<ObjectHandle<Rpcs>, never, RpcGroup.HandlersServices<Rpcs, Handlers>>
}

type Handlers = Readonly<Record<string, (payload: unknown, options: unknown) => object>>

// a handler that is called directly answers as one that is called from elsewhere: an effect that may lead to a Deferred, or a
// stream that may come as a queue; how it asks to be run means nothing here
const directly = (
  methods: ReadonlyArray<Codec.Method>,
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
            (value) => Deferred.isDeferred(value) ? Deferred.await(value) : Effect.succeed(value)
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

let count = 0

/**
 * A schema for handles of your own: the methods of `protocol`, served from a value inside an actor (uActor: `_proxies_`). `name` is
 * what it is called in messages and traces, and tells it from other objects where a `Schema.Union` allows several; "Object" by default.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem, Handle } from "uactor"
 * import { Effect, Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import assert from "node:assert"
 *
 * const Cursor = Handle.make(RpcGroup.make(Rpc.make("next", { success: Schema.Int })), { name: "Cursor" })
 *
 * class Table extends Actor.Service<Table>()("Table", { protocol: [Rpc.make("open", { success: Cursor })] }) {}
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
export const make = <Rpcs extends Rpc.Any>(
  protocol: RpcGroup.RpcGroup<Rpcs>,
  options?: { readonly name?: string | undefined }
): ObjectSchema<Rpcs> => {
  const methods = Codec.methods(protocol)
  // only a handle that was made for this schema fits it
  const kind = `${options?.name ?? "Object"}.${++count}`
  const how: Objects.Kind<Handlers, ObjectHandle<Rpcs>> = {
    kind,
    name: options?.name ?? "Object",
    shape: (client) => client as unknown as ObjectHandle<Rpcs>
  }
  const of = (handlers: Handlers | ((holder: Scope.Scope) => Handlers)) =>
    Effect.contextWith((context: Context.Context<never>) =>
      Effect.sync(() =>
        Objects.make(
          how,
          typeof handlers === "function" ? handlers : () => handlers,
          context,
          directly(methods, context)
        )
      )
    )
  return Object.assign(Objects.schema(how, protocol), { of }) as unknown as ObjectSchema<Rpcs>
}
