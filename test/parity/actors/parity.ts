/** Actors that do what Python's uActor can do, as `docs/coming-from-uactor.md` shows it. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { threadId } from "node:worker_threads"
import * as Actor from "../../../src/Actor.ts"
import type { HandleError } from "../../../src/ActorError.ts"
import { ActorSystem } from "../../../src/ActorSystem.ts"
import * as Handle from "../../../src/Handle.ts"
import * as NodeActorSystem from "../../../src/node/NodeActorSystem.ts"

// ---- inheritance ----

export class Refused extends Schema.TaggedError<Refused>()("Refused", { by: Schema.String }) {}

export class Base extends Actor.Service<Base>()("Base", {
  protocol: [
    Rpc.make("hello", { success: Schema.String }),
    Rpc.make("name", { success: Schema.String }),
    Rpc.make("refuse", { error: Refused })
  ]
}) {}
const base = (name: Effect.Effect<string>) =>
  Base.handlers({
    hello: () => Effect.map(name, (name) => `hello from ${name}`),
    name: () => name,
    refuse: () => Effect.flatMap(name, (by) => Effect.fail(new Refused({ by })))
  })

export class Derived extends Actor.Service<Derived>()("Derived", {
  protocol: [...Base.protocol.requests.values(), Rpc.make("bye", { success: Schema.String })]
}) {}

// ---- what is decided at run time ----

export class Machine extends Actor.Service<Machine>()("Machine", {
  protocol: [
    Rpc.make("parts", {
      payload: { shared: Schema.Boolean },
      success: Schema.Union([Schema.Array(Schema.String), Handle.List(Schema.String)])
    }),
    Rpc.make("speed", {
      payload: { shared: Schema.Boolean },
      success: Schema.Union([Handle.Ref(Schema.Int), Schema.Int])
    }),
    /** the plain value, or that of the handle */
    Rpc.make("read", { payload: { speed: Schema.Union([Schema.Int, Handle.Ref(Schema.Int)]) }, success: Schema.Int })
  ]
}) {}
const MachineLive = Machine.toLayer(() =>
  Effect.map(Handle.makeRef(3), (speed) => {
    const parts = ["wheel"]
    return Machine.handlers({
      parts: ({ shared }) => Effect.sync(() => shared ? Handle.fromList(parts) : parts),
      speed: ({ shared }) => shared ? Effect.succeed(speed) : Effect.orDie(speed.get),
      read: ({ speed }) => typeof speed === "number" ? Effect.succeed(speed) : Effect.orDie(speed.get)
    })
  })
)

// ---- actors in actors ----

export class Child extends Actor.Service<Child>()("Child", {
  protocol: [
    Rpc.make("next", { success: Schema.Int }),
    Rpc.make("where", { success: Schema.Tuple([Schema.Int, Schema.Int]) })
  ]
}) {}
const ChildLive = Child.toLayer(() =>
  Effect.map(Ref.make(0), (n) =>
    Child.handlers({
      next: () => Ref.updateAndGet(n, (n) => n + 1),
      where: () => Effect.sync(() => [process.pid, threadId] as const)
    }))
)

const protocol = [
  Rpc.make("child", { success: Child.ref }),
  Rpc.make("where", { success: Schema.Tuple([Schema.Int, Schema.Int]) })
]
/** has a child as a fiber beside it */
export class Parent extends Actor.Service<Parent>()("Parent", { protocol }) {}
/** has a child on a thread of its own */
export class ParentOfThread extends Actor.Service<ParentOfThread>()("ParentOfThread", { protocol }) {}
const parent = Effect.map(Effect.orDie(Child.spawn()), (child) =>
  Parent.handlers({
    child: () => Effect.succeed(child),
    where: () => Effect.sync(() => [process.pid, threadId] as const)
  }))

// ---- JoinableQueue ----

export const Tasks = Schema.Struct({ items: Handle.Queue(Schema.String), unfinished: Handle.Ref(Schema.Int) })
export type Tasks = typeof Tasks.Type
export const makeTasks = Effect.all({ items: Handle.makeQueue<string>(), unfinished: Handle.makeRef(0) })
export const put = ({ items, unfinished }: Tasks, item: string) =>
  Effect.andThen(unfinished.update((n) => n + 1), items.offer(item))
const taskDone = ({ unfinished }: Tasks) => unfinished.update((n) => n - 1)
export const join = ({ unfinished }: Tasks) => Stream.runHead(Stream.filter(unfinished.changes, (n) => n === 0))

export class Worker extends Actor.Service<Worker>()("Worker", {
  args: Schema.Struct({ tasks: Tasks }),
  protocol: [
    Rpc.make("seen", { success: Schema.Array(Schema.String) }),
    /** begins to work */
    Rpc.make("work")
  ]
}) {}
const WorkerLive = Worker.toLayer(({ tasks }) =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const seen: Array<string> = []
    const work = (item: string) => Effect.andThen(Effect.sync(() => seen.push(item)), taskDone(tasks))
    return Worker.handlers({
      seen: () => Effect.succeed(seen),
      work: () => Effect.asVoid(Effect.forkIn(Stream.runForEach(tasks.items.stream, work), scope))
    })
  })
)

// ---- Condition ----

/** Waits until the value is such, and changes it before anyone else does. */
const changeWhen = <A>(
  value: Handle.RefHandle<A>,
  isSuch: (value: A) => boolean,
  change: (value: A) => A
): Effect.Effect<void, HandleError> =>
  Stream.runHead(Stream.filter(value.changes, isSuch)).pipe(
    Effect.andThen(value.modify((now) => isSuch(now) ? [true, change(now)] : [false, now])),
    Effect.flatMap((changed) => changed ? Effect.void : changeWhen(value, isSuch, change))
  )
export const withdraw = (balance: Handle.RefHandle<number>): Effect.Effect<void, HandleError> =>
  changeWhen(balance, (n) => n >= 10, (n) => n - 10)

export class Customer extends Actor.Service<Customer>()("Customer", {
  args: Schema.Struct({ balance: Handle.Ref(Schema.Int) }),
  protocol: [
    /** withdraws `times` times, all at once */
    Rpc.make("withdraw", { payload: { times: Schema.Int }, success: Schema.Int })
  ]
}) {}
const CustomerLive = Customer.toLayer(({ balance }) =>
  Effect.succeed(Customer.handlers({
    withdraw: Effect.fnUntraced(function*({ times }: { readonly times: number }) {
      const fibers = yield* Effect.replicateEffect(Effect.forkChild(Effect.orDie(withdraw(balance))), times)
      yield* Effect.forEach(fibers, Fiber.join)
      return times
    })
  }))
)

// ---- Pool ----

export const Pool = Handle.object(
  RpcGroup.make(
    Rpc.make("square", { payload: { n: Schema.Int }, success: Handle.Deferred({ success: Schema.Int }) }),
    Rpc.make("squares", { payload: { ns: Schema.Array(Schema.Int) }, success: Schema.Int, stream: true })
  ),
  { name: "Pool" }
)
export class Farm extends Actor.Service<Farm>()("Farm", { protocol: [Rpc.make("pool", { success: Pool })] }) {}
const FarmLive = Farm.toLayer({
  pool: Effect.fnUntraced(function*() {
    const four = yield* Semaphore.make(4)
    const square = (n: number) => four.withPermit(Effect.succeed(n * n))
    return yield* Pool.of({
      square: ({ n }) => Handle.fork(square(n)),
      squares: ({ ns }) => Stream.mapEffect(Stream.fromIterable(ns), square, { concurrency: 4 })
    })
  })
})

// ---- an object for each holder ----

export const Basket = Handle.object(
  RpcGroup.make(Rpc.make("add", { payload: { item: Schema.String }, success: Schema.Int })),
  { name: "Basket" }
)
export class Shop extends Actor.Service<Shop>()("Shop", {
  protocol: [
    Rpc.make("basket", { success: Basket }),
    /** how many baskets were opened, and what was in those that are gone */
    Rpc.make("state", { success: Schema.Struct({ opened: Schema.Int, left: Schema.Array(Schema.String) }) }),
    /** the shop's own basket */
    Rpc.make("add", { payload: { item: Schema.String }, success: Schema.Int })
  ]
}) {}
const ShopLive = Shop.toLayer(() =>
  Effect.gen(function*() {
    let opened = 0
    const left: Array<string> = []
    const basket = yield* Basket.of((holder) => {
      opened++
      const items: Array<string> = []
      Effect.runSync(Scope.addFinalizer(holder, Effect.sync(() => left.push(...items))))
      return { add: ({ item }) => Effect.sync(() => items.push(item)) }
    })
    return Shop.handlers({
      basket: () => Effect.succeed(basket),
      state: () => Effect.sync(() => ({ opened, left })),
      add: ({ item }) => Effect.orDie(basket.add({ item }))
    })
  })
)

export default Layer.mergeAll(
  Base.toLayer(base(Effect.succeed("base"))),
  Derived.toLayer({ ...base(Effect.succeed("derived")), bye: () => Effect.succeed("bye") }),
  MachineLive,
  Layer.provide(Parent.toLayer(() => parent), ActorSystem.layer(ChildLive)),
  Layer.provide(
    ParentOfThread.toLayer(() => parent),
    NodeActorSystem.layerThreads({ module: new URL("./parity-child.ts", import.meta.url) })
  ),
  WorkerLive,
  CustomerLive,
  FarmLive,
  ShopLive
)
export { ChildLive }
