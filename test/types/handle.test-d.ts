/**
 * What an editor shows of handles of every kind, and of references as values.
 */
import {
  type Cause,
  type Deferred,
  Effect,
  type Exit,
  type Fiber,
  type Layer,
  type Option,
  Schema,
  type Scope,
  Stream
} from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { describe, expectTypeOf, test } from "vitest"
import {
  Actor,
  type ActorError,
  type ActorExited,
  ActorRef,
  Handle,
  type HandleError,
  type HandleReleased
} from "../../src/index.ts"
import { Counter, Database, Overflow, Refused } from "./fixtures.ts"

class Slow extends Actor.Service<Slow>()("Slow", {
  protocol: [
    Rpc.make("square", {
      payload: { n: Schema.Int },
      success: Handle.Deferred({ success: Schema.Int, error: Overflow }),
      error: Refused
    }),
    Rpc.make("both", { success: Schema.Array(Handle.Deferred({ success: Schema.Date })) })
  ]
}) {}

declare const slow: Slow["Service"]
declare const handle: Handle.DeferredHandle<number, Overflow>

describe("a handle", () => {
  test("H1: is what the method gives at once; the error of the making is not that of the call", () => {
    expectTypeOf(slow.square({ n: 1 })).toEqualTypeOf<
      Effect.Effect<Handle.DeferredHandle<number, Overflow>, Refused | ActorError>
    >()
    expectTypeOf(slow.both()).toEqualTypeOf<
      Effect.Effect<ReadonlyArray<Handle.DeferredHandle<Date>>, ActorError>
    >()
  })

  test("H1: fails with the error of its making, or because its actor or itself is gone", () => {
    expectTypeOf(handle.await).toEqualTypeOf<Effect.Effect<number, Overflow | ActorExited | HandleReleased>>()
    expectTypeOf(handle.poll).toEqualTypeOf<
      Effect.Effect<Option.Option<Exit.Exit<number, Overflow | ActorExited | HandleReleased>>>
    >()
    expectTypeOf(handle.isDone).toEqualTypeOf<Effect.Effect<boolean, ActorExited | HandleReleased>>()
    expectTypeOf(handle.interrupt).toEqualTypeOf<Effect.Effect<void>>()
    expectTypeOf(Handle.release(handle)).toEqualTypeOf<Effect.Effect<void>>()
  })

  test("H3: is made from an effect or a Deferred of the same type", () => {
    expectTypeOf(Handle.fork(Effect.as(Database, 1))).toEqualTypeOf<
      Effect.Effect<Handle.DeferredHandle<number>, never, Database>
    >()
    expectTypeOf(Handle.fromDeferred<number, Overflow>).returns.toEqualTypeOf<
      Handle.DeferredHandle<number, Overflow>
    >()
    expectTypeOf(Handle.fromDeferred<number, Overflow>).parameter(0).toEqualTypeOf<
      Deferred.Deferred<number, Overflow>
    >()
  })

  test("H1: what is forked runs in a scope of its own", () => {
    expectTypeOf(Handle.fork(Effect.as(Effect.scope, 1))).toEqualTypeOf<Effect.Effect<Handle.DeferredHandle<number>>>()
  })

  test("H3: a handler hands out what the schema says", () => {
    const live = Slow.toLayer({
      square: ({ n }) => Handle.fork(n > 9 ? new Overflow({ max: 9 }) : Effect.succeed(n * n)),
      both: () => Effect.all([Handle.fork(Effect.succeed(new Date(0)))])
    })
    expectTypeOf(live).toEqualTypeOf<Layer.Layer<Actor.Behaviour<Slow>>>()
    const both = () => Effect.succeed([])
    // @ts-expect-error - the result itself is not a handle
    Slow.toLayer({ square: ({ n }) => Effect.succeed(n * n), both })
    // @ts-expect-error - the result behind the handle has the wrong type
    Slow.toLayer({ square: () => Handle.fork(Effect.succeed("1")), both })
    // @ts-expect-error - the making fails with another error
    Slow.toLayer({ square: () => Handle.fork(Effect.fail("no")), both })
  })
})

const Cursor = Handle.object(
  RpcGroup.make(
    Rpc.make("next", { payload: { by: Schema.Int }, success: Schema.Date, error: Refused }),
    Rpc.make("rest", { success: Schema.Int, error: Overflow, stream: true })
  ),
  { name: "Cursor" }
)

class Shelf extends Actor.Service<Shelf>()("Shelf", {
  protocol: [
    Rpc.make("ref", { success: Handle.Ref(Schema.Date) }),
    Rpc.make("queue", { success: Handle.Queue(Schema.Date) }),
    Rpc.make("hub", { success: Handle.PubSub(Schema.Date) }),
    Rpc.make("semaphore", { success: Handle.Semaphore }),
    Rpc.make("lock", { success: Handle.Lock }),
    Rpc.make("latch", { success: Handle.Latch }),
    Rpc.make("barrier", { success: Handle.Barrier }),
    Rpc.make("map", { success: Handle.Map(Schema.String, Schema.Date) }),
    Rpc.make("list", { success: Handle.List(Schema.Date) }),
    Rpc.make("stream", { success: Handle.Stream({ success: Schema.Date, error: Overflow }) }),
    Rpc.make("cursor", { success: Cursor }),
    Rpc.make("counter", { success: Counter.ref }),
    Rpc.make("keep", { payload: { queue: Handle.Queue(Schema.Date), counter: Counter.ref } })
  ]
}) {}

declare const shelf: Shelf["Service"]
declare const queue: Handle.QueueHandle<Date>
declare const counter: typeof Counter.ref.Type

type Got<K extends keyof Shelf["Service"]> = Shelf["Service"][K] extends () => Effect.Effect<infer A, ActorError> ? A
  : never

describe("each kind", () => {
  test("H3: a Ref has values of its schema, and can fail as a handle fails", () => {
    expectTypeOf(shelf.ref()).toEqualTypeOf<Effect.Effect<Handle.RefHandle<Date>, ActorError>>()
    const ref = {} as Handle.RefHandle<Date>
    expectTypeOf(ref.get).toEqualTypeOf<Effect.Effect<Date, HandleError>>()
    expectTypeOf(ref.modify((date) => [date.getTime(), date])).toEqualTypeOf<Effect.Effect<number, HandleError>>()
    expectTypeOf(ref.changes).toEqualTypeOf<Stream.Stream<Date, HandleError>>()
    // @ts-expect-error - what is encoded is not a value
    void ref.set("2026-01-01")
    // @ts-expect-error - an update gives a value of the same type
    void ref.update((date) => date.getTime())
  })

  test("H3: taking from a Queue may fail because it has ended", () => {
    expectTypeOf(shelf.queue()).toEqualTypeOf<Effect.Effect<Handle.QueueHandle<Date>, ActorError>>()
    expectTypeOf(queue.take).toEqualTypeOf<Effect.Effect<Date, Cause.Done | HandleError>>()
    expectTypeOf(queue.takeAll).toEqualTypeOf<Effect.Effect<Array<Date>, Cause.Done | HandleError>>()
    expectTypeOf(queue.poll).toEqualTypeOf<Effect.Effect<Option.Option<Date>, HandleError>>()
    expectTypeOf(queue.offer).returns.toEqualTypeOf<Effect.Effect<boolean, HandleError>>()
    expectTypeOf(queue.stream).toEqualTypeOf<Stream.Stream<Date, HandleError>>()
    // @ts-expect-error - an item of another type
    void queue.offer(1)
  })

  test("H3: a PubSub has messages of its schema", () => {
    expectTypeOf<Handle.PubSubHandle<Date>["subscribe"]>().toEqualTypeOf<Stream.Stream<Date, HandleError>>()
    expectTypeOf(shelf.hub()).toEqualTypeOf<Effect.Effect<Handle.PubSubHandle<Date>, ActorError>>()
    const hub = {} as Handle.PubSubHandle<Date>
    // @ts-expect-error - a message of another type
    void hub.publish("now")
  })

  test("H3: what runs inside permits and locks keeps its type, error and requirements", () => {
    const body = Effect.andThen(Effect.as(Database, 1 as const), Effect.fail("no" as const))
    const semaphore = {} as Handle.SemaphoreHandle
    expectTypeOf(semaphore.withPermit(body)).toEqualTypeOf<Effect.Effect<never, "no" | HandleError, Database>>()
    expectTypeOf(semaphore.withPermitsIfAvailable(2)(Effect.succeed(1))).toEqualTypeOf<
      Effect.Effect<Option.Option<number>, HandleError>
    >()
    expectTypeOf(semaphore.takeScoped(1)).toEqualTypeOf<Effect.Effect<void, HandleError, Scope.Scope>>()
    const lock = {} as Handle.LockHandle
    expectTypeOf(lock.withLock(body)).toEqualTypeOf<Effect.Effect<never, "no" | HandleError, Database>>()
    expectTypeOf(shelf.semaphore()).toEqualTypeOf<Effect.Effect<Handle.SemaphoreHandle, ActorError>>()
    expectTypeOf(shelf.lock()).toEqualTypeOf<Effect.Effect<Handle.LockHandle, ActorError>>()
  })

  test("H3: gates", () => {
    expectTypeOf<Handle.LatchHandle["await"]>().toEqualTypeOf<Effect.Effect<void, HandleError>>()
    expectTypeOf<Handle.BarrierHandle["await"]>().toEqualTypeOf<Effect.Effect<number, HandleError>>()
    expectTypeOf(shelf.latch()).toEqualTypeOf<Effect.Effect<Handle.LatchHandle, ActorError>>()
    expectTypeOf(shelf.barrier()).toEqualTypeOf<Effect.Effect<Handle.BarrierHandle, ActorError>>()
  })

  test("H3: collections have keys and items of their schemas", () => {
    const map = {} as Handle.MapHandle<string, Date>
    expectTypeOf(shelf.map()).toEqualTypeOf<Effect.Effect<Handle.MapHandle<string, Date>, ActorError>>()
    expectTypeOf(map.get("a")).toEqualTypeOf<Effect.Effect<Option.Option<Date>, HandleError>>()
    expectTypeOf(map.entries).toEqualTypeOf<Stream.Stream<readonly [string, Date], HandleError>>()
    // @ts-expect-error - a key of another type
    void map.get(1)
    // @ts-expect-error - a value of another type
    void map.set("a", 1)
    const list = {} as Handle.ListHandle<Date>
    expectTypeOf(shelf.list()).toEqualTypeOf<Effect.Effect<Handle.ListHandle<Date>, ActorError>>()
    expectTypeOf(list.slice(1)).toEqualTypeOf<Effect.Effect<Array<Date>, HandleError>>()
    // @ts-expect-error - an item of another type
    void list.append(1)
  })

  test("H3: a Stream fails with its own error, or as a handle fails", () => {
    expectTypeOf(shelf.stream()).toEqualTypeOf<Effect.Effect<Handle.StreamHandle<Date, Overflow>, ActorError>>()
    expectTypeOf<Handle.StreamHandle<Date, Overflow>["stream"]>().toEqualTypeOf<
      Stream.Stream<Date, Overflow | HandleError>
    >()
  })

  test("H3: an object has the methods of its protocol", () => {
    const cursor = {} as Got<"cursor">
    expectTypeOf(cursor.next({ by: 1 })).toEqualTypeOf<Effect.Effect<Date, Refused | HandleError>>()
    expectTypeOf(cursor.rest()).toEqualTypeOf<Stream.Stream<number, Overflow | HandleError>>()
    // @ts-expect-error - a payload of another type
    void cursor.next({ by: "1" })
    const rest = () => Stream.empty
    expectTypeOf(Cursor.of({ next: () => Effect.as(Database, new Date(0)), rest })).toEqualTypeOf<
      Effect.Effect<typeof cursor, never, Database>
    >()
    // @ts-expect-error - a handler is missing
    Cursor.of({ rest })
    // @ts-expect-error - a handler has a result of another type
    Cursor.of({ next: () => Effect.succeed("now"), rest })
    // @ts-expect-error - an object without the methods
    void ({ next: 1 } satisfies typeof cursor)
  })

  test("H3: Handle.toFiber is a fiber of the result", () => {
    expectTypeOf(Handle.toFiber(handle)).toEqualTypeOf<
      Effect.Effect<Fiber.Fiber<number, Overflow | ActorExited | HandleReleased>>
    >()
  })
})

describe("handles and references as values", () => {
  test("H3: `Handle.make`, the former name of `Handle.object`, makes the same schema", () => {
    expectTypeOf(Handle.make).toEqualTypeOf<typeof Handle.object>()
    const protocol = RpcGroup.make(Rpc.make("next", { success: Schema.Int }))
    expectTypeOf(Handle.object(protocol)).toEqualTypeOf<Handle.ObjectSchema<RpcGroup.Rpcs<typeof protocol>>>()
    expectTypeOf(Handle.make(protocol, { name: "Cursor" })).toEqualTypeOf(Handle.object(protocol))
  })

  test("H4: a payload takes handles and references of its own kind only", () => {
    expectTypeOf(shelf.keep({ queue, counter })).toEqualTypeOf<Effect.Effect<void, ActorError>>()
    const numbers = {} as Handle.QueueHandle<number>
    // @ts-expect-error - a queue of other items
    void shelf.keep({ queue: numbers, counter })
    // @ts-expect-error - a handle of another kind
    void shelf.keep({ queue: {} as Handle.RefHandle<Date>, counter })
    // @ts-expect-error - no handle at all
    void shelf.keep({ queue: [], counter })
    // @ts-expect-error - a reference to another actor
    void shelf.keep({ queue, counter: {} as Effect.Success<ReturnType<typeof Shelf.spawn>> })
  })

  test("H4: a reference that is received is one like any other", () => {
    const received = {} as Got<"counter">
    expectTypeOf(received.increment({ by: 1 })).toEqualTypeOf<Effect.Effect<number, Overflow | ActorError>>()
    expectTypeOf(ActorRef.address(received)).toEqualTypeOf<string>()
    expectTypeOf(Handle.release(received)).toEqualTypeOf<Effect.Effect<void>>()
    expectTypeOf(Effect.map(Counter.spawn({ start: 0 }), (spawned) => shelf.keep({ queue, counter: spawned })))
      .toExtend<Effect.Effect<unknown, unknown, unknown>>()
  })
})
