/**
 * Protocols as users write them: a record of methods without tags, or a list of `Rpc`s. Both become an `RpcGroup`.
 */
import type * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import type * as Queue from "effect/Queue"
import type * as Rpc from "effect/rpc/Rpc"
import type * as RpcClient from "effect/rpc/RpcClient"
import * as RpcGroup from "effect/rpc/RpcGroup"
import type * as RpcSchema from "effect/rpc/RpcSchema"
import type * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"

/** A method without a name: an `Rpc` with the empty tag. */
export type Method = Rpc.Any & { readonly _tag: "" }

/** Methods by their names. */
export type MethodRecord = Readonly<Record<string, Method>>

/** A protocol as a type: the union of its `Rpc`s, or the record of its methods. */
export type Any = Rpc.Any | MethodRecord

/** The methods of a protocol, as a user writes them. */
export type Input = ReadonlyArray<Rpc.Any> | MethodRecord

/** The protocol of an input. A record stays a record: an editor then finds the definition of a method from its call. */
export type FromInput<I extends Input> = I extends ReadonlyArray<infer R extends Rpc.Any> ? R
  : I extends MethodRecord ? I
  : never

/** The method of a record as an `Rpc`. */
type Named<M, Name> = M extends Rpc.Rpc<
  "",
  infer Payload extends Schema.Top,
  infer Success extends Schema.Top,
  infer Error extends Schema.Top,
  infer Middleware,
  infer Requires
> ? Rpc.Rpc<Name & string, Payload, Success, Error, Middleware, Requires>
  : never

/** The union of the `Rpc`s of a protocol. */
export type Rpcs<P extends Any> = [P] extends [Rpc.Any] ? P : { readonly [K in keyof P]: Named<P[K], K> }[keyof P]

/** The client of a protocol. A mapped type over the record keeps the declarations of its properties. */
export type Client<P extends Any, E> = [P] extends [Rpc.Any] ? RpcClient.RpcClient<P, E>
  : { readonly [K in keyof P]: RpcClient.RpcClient.From<Named<P[K], K>, E>[K & string] }

/** A call of a protocol: the name of the method, and the payload, which is unknown if the protocol is. */
export type Call<P extends Any> = 0 extends 1 & P ? [method: string, payload: unknown]
  : Rpcs<P> extends infer R ? R extends Rpc.Any ? [method: R["_tag"], payload: Rpc.PayloadConstructor<R>] : never
  : never

/** The result of a streaming handler: a stream of the items, or an effect that returns a queue of the items. */
type StreamOrQueue<A, E> = Rpc.WrapperOr<
  Stream.Stream<A, E, any> | Effect.Effect<Queue.Dequeue<A, E | Cause.Done>, E, any>
>

/** The handler of a method. */
type Handler<R extends Rpc.Any> = Rpc.SuccessSchema<R> extends RpcSchema.Stream<infer A, infer E>
  ? (...args: Parameters<Rpc.ToHandlerFn<R>>) => StreamOrQueue<A["Type"], E["Type"] | Rpc.Error<R>>
  : Rpc.ToHandlerFn<R>

/** The handlers of a protocol. */
export type Handlers<P extends Any> = [P] extends [Rpc.Any] ? { readonly [R in P as R["_tag"]]: Handler<R> }
  : { readonly [K in keyof P]: Handler<Named<P[K], K>> }

/**
 * A function in place of an object of handlers. It declares the members that every function has: otherwise, in the union of the two, the
 * type of `Function.prototype.call` is a second type of a handler named `call`, and the compiler infers no payload for it.
 */
export interface HandlersFunction<in Arg, out Result> {
  (arg: Arg): Result
  readonly call: object
  readonly apply: object
  readonly bind: object
}

/** No class of an actor has this type: the compiler shows the name of the handler that is not a method of the protocol. */
interface HandlerWithoutMethod<Name> {
  readonly "~uactor/HandlerWithoutMethod": Name
}

/** No class of an actor has this type: the compiler shows the error that the definition does not declare as its start error. */
interface StartErrorIsNotDeclared<E> {
  readonly "~uactor/StartErrorIsNotDeclared": E
}

/** The `this` of a function that takes handlers: an error if a handler is not a method of the protocol. */
export type CheckedHandlers<P extends Any, H> = [H] extends [never] ? unknown
  : [Exclude<keyof H, keyof Handlers<P>>] extends [never] ? unknown
  : HandlerWithoutMethod<Exclude<keyof H, keyof Handlers<P>>>

/** The `this` of a function that takes a behaviour: an error if the behaviour fails with an error that is not declared. */
export type CheckedBuild<P extends Any, H, E, Declared> = [E] extends [Declared] ? CheckedHandlers<P, H>
  : StartErrorIsNotDeclared<Exclude<E, Declared>>

// `then` makes a promise of a client. `JSON.stringify` and template literals call `toJSON`, `toString` and `valueOf`. The other names
// are inherited by every object of handlers, or set its prototype.
const reserved = [
  "then",
  "toJSON",
  "toString",
  "toLocaleString",
  "valueOf",
  "constructor",
  "hasOwnProperty",
  "isPrototypeOf",
  "propertyIsEnumerable",
  "__proto__",
  "__defineGetter__",
  "__defineSetter__",
  "__lookupGetter__",
  "__lookupSetter__"
] as const

/** A name that a method cannot have, because JavaScript gives it a meaning. Names with `~` belong to Effect and to this library. */
type ReservedName = typeof reserved[number] | `~${string}` | ""

/** The type of a method with a reserved name. No method has this type: the compiler shows the name. */
interface MethodNameIsReserved<Name> {
  readonly "~uactor/MethodNameIsReserved": Name
}

type ReservedTag<R> = R extends { readonly _tag: infer Tag extends ReservedName } ? Tag : never

/** A constraint on an input: an error for each method with a reserved name. */
export type Checked<I extends Input> = I extends ReadonlyArray<infer R>
  ? [ReservedTag<R>] extends [never] ? unknown : MethodNameIsReserved<ReservedTag<R>>
  : { readonly [K in keyof I]: K extends ReservedName | symbol ? MethodNameIsReserved<K> : unknown }

const checkNames = (what: string, names: Iterable<PropertyKey>): void => {
  for (const name of names) {
    if (typeof name === "string" && name !== "" && !name.startsWith("~") && !reserved.some((each) => each === name)) {
      continue
    }
    throw new TypeError(`${what}: a method cannot have the name ${String(name) || "\"\""}, which is reserved`)
  }
}

const isList = (input: Input): input is ReadonlyArray<Rpc.Any> => Array.isArray(input)

const isGroup = (input: Input | RpcGroup.RpcGroup<Rpc.Any>): input is RpcGroup.RpcGroup<Rpc.Any> =>
  typeof input === "function"

/** The group of the methods. Throws a `TypeError` if a name is reserved or occurs twice. */
export const groupOf = (what: string, input: Input | RpcGroup.RpcGroup<Rpc.Any>): RpcGroup.RpcGroup<Rpc.Any> => {
  if (isGroup(input)) {
    checkNames(what, input.requests.keys())
    return input
  }
  if (!isList(input)) {
    const names = Reflect.ownKeys(input)
    checkNames(what, names)
    return RpcGroup.make(
      ...(names as Array<string>).map((name): Rpc.Any => (input[name] as Rpc.Rpc<"">).prefix(name))
    )
  }
  const tags = input.map((rpc) => rpc._tag)
  checkNames(what, tags)
  const twice = tags.find((tag, i) => tags.indexOf(tag) !== i)
  if (twice !== undefined) throw new TypeError(`${what}: the protocol defines the method ${twice} twice`)
  return RpcGroup.make(...input)
}
