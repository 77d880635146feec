/**
 * Maps and lists that stay in the actor, with the operations of Python's `dict` and `list`. Streams of their content are sent in chunks.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { HandleError } from "../ActorError.ts"
import * as ItemHandles from "../internal/handles/itemHandles.ts"
import * as HandleSchema from "../internal/remote/handleSchema.ts"
import type { AnyHandle } from "./AnyHandle.ts"

/**
 * A handle of a map. In uActor: the proxy of `dict`.
 *
 * @category models
 * @since 0.1.0
 */
export interface MapHandle<in out K, in out V> extends AnyHandle {
  /** The value of a key; `Option.none` if the map does not contain the key. */
  readonly get: (key: K) => Effect.Effect<Option.Option<V>, HandleError>
  /** Whether the map contains a key. */
  readonly has: (key: K) => Effect.Effect<boolean, HandleError>
  /** Sets the value of a key. */
  readonly set: (key: K, value: V) => Effect.Effect<void, HandleError>
  /** Sets the values of several keys with one call. */
  readonly setAll: (entries: Iterable<readonly [K, V]>) => Effect.Effect<void, HandleError>
  /** The value of a key. Sets the given value first if the map does not contain the key. In Python: `setdefault`. */
  readonly getOrSet: (key: K, value: V) => Effect.Effect<V, HandleError>
  /** Removes a key and returns its value; `Option.none` if the map does not contain the key. In Python: `pop`. */
  readonly remove: (key: K) => Effect.Effect<Option.Option<V>, HandleError>
  /** Removes all keys. */
  readonly clear: Effect.Effect<void, HandleError>
  /** The number of keys. */
  readonly size: Effect.Effect<number, HandleError>
  /** The entries at the start of the stream, in insertion order. */
  readonly entries: Stream.Stream<readonly [K, V], HandleError>
  /** The keys at the start of the stream, in insertion order. */
  readonly keys: Stream.Stream<K, HandleError>
  /** The values at the start of the stream, in insertion order. */
  readonly values: Stream.Stream<V, HandleError>
}

interface MapMethods<K, V> {
  readonly get: (payload: { readonly key: K }) => Effect.Effect<ReadonlyArray<V>, HandleError>
  readonly has: (payload: { readonly key: K }) => Effect.Effect<boolean, HandleError>
  readonly set: (payload: { readonly entries: ReadonlyArray<readonly [K, V]> }) => Effect.Effect<void, HandleError>
  readonly getOrSet: (payload: { readonly key: K; readonly value: V }) => Effect.Effect<V, HandleError>
  readonly remove: (payload: { readonly key: K }) => Effect.Effect<ReadonlyArray<V>, HandleError>
  readonly clear: () => Effect.Effect<void, HandleError>
  readonly size: () => Effect.Effect<number, HandleError>
  readonly entries: () => Stream.Stream<readonly [K, V], HandleError>
  readonly keys: () => Stream.Stream<K, HandleError>
}

// an array, because a value may be `undefined`
const toOption = <V>(values: ReadonlyArray<V>): Option.Option<V> =>
  values.length === 0 ? Option.none() : Option.some(values[0]!)

const mapKind = <K, V>(): HandleSchema.HandleKind<MapMethods<K, V>, MapHandle<K, V>> => ({
  kind: "Map",
  shape: (client) => {
    const entries = Stream.suspend(() => client.entries())
    return {
      get: (key) => Effect.map(client.get({ key }), toOption),
      has: (key) => client.has({ key }),
      set: (key, value) => client.set({ entries: [[key, value]] }),
      setAll: (entries) => client.set({ entries: Array.from(entries) }),
      getOrSet: (key, value) => client.getOrSet({ key, value }),
      remove: (key) => Effect.map(client.remove({ key }), toOption),
      clear: Effect.suspend(() => client.clear()),
      size: Effect.suspend(() => client.size()),
      entries,
      keys: Stream.suspend(() => client.keys()),
      values: Stream.map(entries, ([, value]) => value)
    } as MapHandle<K, V>
  }
})

/**
 * A schema for handles of maps. Keys are compared like the keys of a JavaScript `Map`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Map = <K extends Schema.Top, V extends Schema.Top>(
  key: K,
  value: V
): Schema.declare<MapHandle<K["Type"], V["Type"]>> =>
  HandleSchema.schema(
    mapKind<K["Type"], V["Type"]>(),
    RpcGroup.make(
      Rpc.make("get", { payload: { key }, success: Schema.Array(value) }),
      Rpc.make("has", { payload: { key }, success: Schema.Boolean }),
      Rpc.make("set", { payload: { entries: Schema.Array(Schema.Tuple([key, value])) } }),
      Rpc.make("getOrSet", { payload: { key, value }, success: value }),
      Rpc.make("remove", { payload: { key }, success: Schema.Array(value) }),
      Rpc.make("clear"),
      Rpc.make("size", { success: Schema.Int }),
      Rpc.make("entries", { success: Schema.Tuple([key, value]), stream: true }),
      Rpc.make("keys", { success: key, stream: true })
    )
  )

/**
 * Exports a `Map` as a handle. The owner may also use the map directly.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromMap = <K, V>(map: globalThis.Map<K, V>): MapHandle<K, V> => {
  const methods = ItemHandles.serve<MapMethods<K, V>>(map, (drop) => ({
    get: ({ key }) => Effect.sync(() => map.has(key) ? [map.get(key)!] : []),
    has: ({ key }) => Effect.sync(() => map.has(key)),
    set: ({ entries }) =>
      Effect.sync(() => {
        for (const [key, value] of entries) {
          drop(map.get(key))
          map.set(key, value)
        }
      }),
    getOrSet: ({ key, value }) =>
      Effect.sync(() => {
        if (map.has(key)) drop(value)
        else map.set(key, value)
        return map.get(key)!
      }),
    remove: ({ key }) =>
      Effect.sync(() => {
        const values = map.has(key) ? [map.get(key)!] : []
        map.delete(key)
        drop(values)
        return values
      }),
    clear: () =>
      Effect.sync(() => {
        drop(map)
        map.clear()
      }),
    size: () => Effect.sync(() => map.size),
    entries: () => Stream.suspend(() => Stream.fromIterable(Array.from(map))),
    keys: () => Stream.suspend(() => Stream.fromIterable(Array.from(map.keys())))
  }))
  return HandleSchema.make(mapKind<K, V>(), () => methods)
}

/**
 * A handle of a list. An index below 0 counts from the end of the list. In uActor: the proxies of `list` and `Array`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ListHandle<in out A> extends AnyHandle {
  /** The item at an index; `Option.none` if the list has no such index. */
  readonly get: (index: number) => Effect.Effect<Option.Option<A>, HandleError>
  /** Replaces the item at an index. Returns `false` if the list has no such index. */
  readonly set: (index: number, item: A) => Effect.Effect<boolean, HandleError>
  /** Adds an item at the end. */
  readonly append: (item: A) => Effect.Effect<void, HandleError>
  /** Adds items at the end with one call. */
  readonly appendAll: (items: Iterable<A>) => Effect.Effect<void, HandleError>
  /** Inserts an item before the item at an index. */
  readonly insert: (index: number, item: A) => Effect.Effect<void, HandleError>
  /** Removes the item at an index and returns it; `Option.none` if the list has no such index. */
  readonly remove: (index: number) => Effect.Effect<Option.Option<A>, HandleError>
  /** Removes the last item and returns it; `Option.none` if the list is empty. */
  readonly pop: Effect.Effect<Option.Option<A>, HandleError>
  /** The items from `start` up to and not including `end`, like `Array.prototype.slice`. */
  readonly slice: (start?: number, end?: number) => Effect.Effect<Array<A>, HandleError>
  /** Reverses the list in place. */
  readonly reverse: Effect.Effect<void, HandleError>
  /** Removes all items. */
  readonly clear: Effect.Effect<void, HandleError>
  /** The number of items. */
  readonly size: Effect.Effect<number, HandleError>
  /** The items at the start of the stream. */
  readonly values: Stream.Stream<A, HandleError>
}

interface ListMethods<A> {
  readonly slice: (
    payload: { readonly start?: number | undefined; readonly end?: number | undefined }
  ) => Effect.Effect<ReadonlyArray<A>, HandleError>
  readonly get: (payload: { readonly index: number }) => Effect.Effect<ReadonlyArray<A>, HandleError>
  readonly set: (payload: { readonly index: number; readonly item: A }) => Effect.Effect<boolean, HandleError>
  readonly insert: (
    payload: { readonly index: number; readonly items: ReadonlyArray<A> }
  ) => Effect.Effect<void, HandleError>
  readonly remove: (payload: { readonly index: number }) => Effect.Effect<ReadonlyArray<A>, HandleError>
  readonly reverseItems: () => Effect.Effect<void, HandleError>
  readonly clear: () => Effect.Effect<void, HandleError>
  readonly size: () => Effect.Effect<number, HandleError>
  readonly values: () => Stream.Stream<A, HandleError>
}

const listKind = <A>(): HandleSchema.HandleKind<ListMethods<A>, ListHandle<A>> => ({
  kind: "List",
  shape: (client) => {
    const remove = (index: number): Effect.Effect<Option.Option<A>, HandleError> =>
      Effect.map(client.remove({ index }), toOption)
    const appendAll = (items: Iterable<A>): Effect.Effect<void, HandleError> =>
      client.insert({ index: Number.MAX_SAFE_INTEGER, items: Array.from(items) })
    return {
      get: (index) => Effect.map(client.get({ index }), toOption),
      set: (index, item) => client.set({ index, item }),
      append: (item) => appendAll([item]),
      appendAll,
      insert: (index, item) => client.insert({ index, items: [item] }),
      remove,
      pop: Effect.suspend(() => remove(-1)),
      slice: (start, end) => Effect.map(client.slice({ start, end }), (items) => Array.from(items)),
      reverse: Effect.suspend(() => client.reverseItems()),
      clear: Effect.suspend(() => client.clear()),
      size: Effect.suspend(() => client.size()),
      values: Stream.suspend(() => client.values())
    } as ListHandle<A>
  }
})

/**
 * A schema for handles of lists.
 *
 * @category schemas
 * @since 0.1.0
 */
export const List = <A extends Schema.Top>(item: A): Schema.declare<ListHandle<A["Type"]>> => {
  const items = Schema.Array(item)
  const index = Schema.Int
  const bound = Schema.optional(Schema.UndefinedOr(Schema.Int))
  return HandleSchema.schema(
    listKind<A["Type"]>(),
    RpcGroup.make(
      Rpc.make("get", { payload: { index }, success: items }),
      Rpc.make("set", { payload: { index, item }, success: Schema.Boolean }),
      Rpc.make("insert", { payload: { index, items } }),
      Rpc.make("remove", { payload: { index }, success: items }),
      Rpc.make("slice", { payload: { start: bound, end: bound }, success: items }),
      Rpc.make("reverseItems"),
      Rpc.make("clear"),
      Rpc.make("size", { success: Schema.Int }),
      Rpc.make("values", { success: item, stream: true })
    )
  )
}

/**
 * Exports an array as a handle. The owner may also use the array directly.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromList = <A>(list: Array<A>): ListHandle<A> => {
  const at = (index: number): number => index < 0 ? index + list.length : index
  const exists = (index: number): boolean => index >= 0 && index < list.length
  const methods = ItemHandles.serve<ListMethods<A>>(list, (drop) => ({
    get: ({ index }) => Effect.sync(() => exists(at(index)) ? [list[at(index)]!] : []),
    set: ({ index, item }) =>
      Effect.sync(() => {
        const isReplaced = exists(at(index))
        drop(isReplaced ? list[at(index)] : item)
        if (isReplaced) list[at(index)] = item
        return isReplaced
      }),
    insert: ({ index, items }) =>
      Effect.sync(() => {
        // not as arguments of one `push`: their number is limited
        const rest = list.splice(index)
        for (const item of items) list.push(item)
        for (const item of rest) list.push(item)
      }),
    remove: ({ index }) =>
      Effect.sync(() => {
        const items = exists(at(index)) ? list.splice(at(index), 1) : []
        drop(items)
        return items
      }),
    slice: ({ end, start }) => Effect.sync(() => list.slice(start, end)),
    reverseItems: () =>
      Effect.sync(() => {
        list.toReversed().forEach((item, i) => {
          list[i] = item
        })
      }),
    clear: () =>
      Effect.sync(() => {
        drop(list)
        list.length = 0
      }),
    size: () => Effect.sync(() => list.length),
    values: () => Stream.suspend(() => Stream.fromIterable(list.slice()))
  }))
  return HandleSchema.make(listKind<A>(), () => methods)
}
