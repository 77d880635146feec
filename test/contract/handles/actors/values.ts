/** Actors that forward handles and references: an owner, and a keeper of the handles that it receives. */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as Actor from "../../../../src/Actor.ts"
import * as ActorRef from "../../../../src/ActorRef.ts"
import * as Handle from "../../../../src/Handle.ts"
import * as NodeActorSystem from "../../../../src/node/NodeActorSystem.ts"

export class Refused extends Schema.TaggedError<Refused>()("Refused", { code: Schema.Int, since: Schema.Date }) {}

export const Items = Handle.Queue(Schema.Int)

/** A number that takes some turns to decode. */
const SlowInt = Schema.Int.pipe(
  Schema.decodeTo(
    Schema.Int,
    SchemaTransformation.transformEffect<number, number>({
      decode: (n) => Effect.as(Effect.replicateEffect(Effect.yieldNow, 5, { discard: true }), n),
      encode: Effect.succeed
    })
  )
)

export class Source extends Actor.Service<Source>()("Source", {
  protocol: [
    Rpc.make("add", { payload: { n: Schema.Int }, success: Schema.Int }),
    Rpc.make("refuse", { success: Schema.Void, error: Refused }),
    Rpc.make("count", { payload: { upTo: Schema.Int }, success: Schema.Date, stream: true }),
    Rpc.make("hang"),
    /** once a call hangs */
    Rpc.make("awaitHang"),
    Rpc.make("log", { success: Schema.Array(Schema.String) }),
    Rpc.make("crash"),
    /** the same queue each time */
    Rpc.make("items", { success: Items }),
    /** containers of such queues, the same each time; the queue has a capacity of 2 */
    Rpc.make("containers", {
      success: Schema.Struct({
        queue: Handle.Queue(Items),
        map: Handle.Map(Schema.String, Items),
        list: Handle.List(Items),
        ref: Handle.Ref(Schema.Union([Schema.Int, Items]))
      })
    }),
    /** takes a queue from the queue and removes "a" from the map there, and uses both */
    Rpc.make("useContained"),
    /** another queue, whose items are decoded asynchronously, the same each time */
    Rpc.make("slow", { success: Handle.Queue(SlowInt) }),
    /** a queue that contains that queue */
    Rpc.make("shelf", { success: Handle.Queue(Items) }),
    /** `count` handles of that queue, one by one */
    Rpc.make("stream", { payload: { count: Schema.Int }, success: Items, stream: true }),
    /** a result that contains the queue, completed by `add` */
    Rpc.make("promised", { success: Handle.Deferred({ success: Schema.Struct({ items: Items }) }) }),
    /** a semaphore of one permit, the same each time */
    Rpc.make("permit", { success: Handle.Semaphore }),
    /** cannot be interrupted until `log` is called, and then returns the queue */
    Rpc.make("lateItems", { success: Items }),
    /** offers to the given queue, and returns whether the queue is its own */
    Rpc.make("offerTo", { payload: { items: Items, n: Schema.Int }, success: Schema.Boolean }),
    /** the same, in the order of the calls */
    Rpc.make("offerToAll", { payload: { all: Schema.Array(Items), n: Schema.Int } })
  ]
}) {}

const SourceLive = Source.toLayer(
  () =>
    Effect.gen(function*() {
      let sum = 0
      const hangs = yield* Deferred.make<void>()
      const log: Array<string> = []
      const note = (line: string): Effect.Effect<void> => Effect.sync(() => void log.push(line))
      const items = yield* Handle.makeQueue<number>()
      const shelved = yield* Queue.bounded<typeof Items.Type, Cause.Done>(2)
      const named = new Map<string, typeof Items.Type>()
      const listed: Array<typeof Items.Type> = []
      const current = yield* SubscriptionRef.make<number | typeof Items.Type>(0)
      const slow = yield* Handle.makeQueue<number>()
      const permit = yield* Handle.makeSemaphore(1)
      const added = yield* Handle.makeLatch()
      return Source.handlers({
        add: ({ n }) => Effect.as(Effect.orDie(added.open), sum += n),
        refuse: () => Effect.fail(new Refused({ code: 5, since: new Date(0) })),
        count: ({ upTo }) => Stream.ensuring(Stream.map(Stream.range(1, upTo), (n) => new Date(n)), note("counted")),
        hang: () =>
          Effect.onInterrupt(
            Effect.andThen(note("hangs"), Effect.andThen(Deferred.succeed(hangs, undefined), Effect.never)),
            () => note("interrupted")
          ),
        awaitHang: () => Deferred.await(hangs),
        log: () => Effect.sync(() => log.slice()),
        crash: () => Effect.sync(() => process.exit(7)),
        items: () => Effect.succeed(items),
        containers: () =>
          Effect.sync(() => ({
            queue: Handle.fromQueue(shelved),
            map: Handle.fromMap(named),
            list: Handle.fromList(listed),
            ref: Handle.fromRef(current)
          })),
        useContained: () =>
          Effect.orDie(Effect.gen(function*() {
            const taken = yield* Handle.fromQueue(shelved).take
            yield* taken.offer(1)
            const mapped = Option.getOrThrow(yield* Handle.fromMap(named).remove("a"))
            yield* mapped.offer(2)
            yield* taken.offer(3)
          })),
        slow: () => Effect.succeed(slow),
        shelf: () =>
          Effect.tap(Handle.makeQueue<typeof Items.Type>(), (shelf) => shelf.offer(items)).pipe(Effect.orDie),
        stream: ({ count }) => Stream.take(Stream.forever(Stream.succeed(items)), count),
        lateItems: () => Rpc.uninterruptible(Effect.andThen(note("late"), Effect.as(Effect.sleep(50), items))),
        promised: () => Handle.fork(Effect.as(Effect.orDie(added.await), { items })),
        permit: () => Effect.succeed(permit),
        offerTo: ({ items: to, n }) => Effect.as(Effect.orDie(to.offer(n)), to === items),
        offerToAll: ({ all, n }) => Effect.orDie(Effect.forEach(all, (to) => to.offer(n), { discard: true }))
      })
    }),
  { concurrency: "unbounded" }
)

/** A value with handles and references of several kinds. */
const Box = Schema.Struct({
  label: Schema.String,
  all: Schema.Array(Items),
  either: Schema.Union([Schema.Int, Items]),
  maybe: Schema.Option(Source.ref)
})

/** The uses of a reference. */
const Use = Schema.Literals([
  "add",
  "tell",
  "refuse",
  "count",
  "leave",
  "hang",
  "crash",
  "address",
  "awaitExit",
  "incarnations",
  "stop",
  "kill",
  "offerToAll"
])

export class Keeper extends Actor.Service<Keeper>()("Keeper", {
  args: Schema.Struct({ items: Schema.optional(Items), source: Schema.optional(Source.ref) }),
  protocol: [
    Rpc.make("pid", { success: Schema.Int }),
    Rpc.make("keep", { payload: { items: Items } }),
    Rpc.make("keepSource", { payload: { source: Source.ref } }),
    Rpc.make("keepBox", { payload: Box }),
    Rpc.make("items", { success: Items }),
    Rpc.make("source", { success: Source.ref }),
    /** a handle that the handler receives in the scope of the call */
    Rpc.make("passItems", { success: Items }),
    /** the same, and a finalizer dies before the answer */
    Rpc.make("passItemsAndDie", { success: Items }),
    /** a completed result, which is a handle that the handler received in the scope of the call */
    Rpc.make("itemsOfSource", { success: Handle.Deferred({ success: Items }) }),
    Rpc.make("box", { success: Box }),
    Rpc.make("sources", { payload: { count: Schema.Int }, success: Source.ref, stream: true }),
    Rpc.make("take", { success: Schema.Int }),
    Rpc.make("offer", { payload: { n: Schema.Int } }),
    Rpc.make("release"),
    /** the outcome of the use of the reference, as text */
    Rpc.make("use", { payload: { use: Use }, success: Schema.String }),
    /** uses a queue, and releases it */
    Rpc.make("once", { payload: { items: Items, n: Schema.Int } }),
    /** takes a permit, and keeps it */
    Rpc.make("takePermit", { payload: { permit: Handle.Semaphore } }),
    /** the given value cannot always be sent, and precedes or follows a handle */
    Rpc.make("mixed", {
      payload: {
        of: Schema.Union([
          Schema.Struct({ items: Items, n: Schema.Int }),
          Schema.Struct({ items: Items, text: Schema.String })
        ]),
        anything: Schema.Unknown
      },
      success: Schema.String
    }),
    Rpc.make("crash")
  ]
}) {}

const describe = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return `success ${String(exit.value)}`
  return exit.cause.reasons.map((reason) => {
    if (reason._tag === "Interrupt") return "interrupted"
    if (reason._tag === "Die") return `died of ${String(reason.defect)}`
    const error = reason.error as {
      readonly _tag: string
      readonly actor?: string
      readonly reason?: string
      readonly outcome?: string
      readonly since?: Date
    }
    return [error._tag, error.actor, error.reason, error.outcome, error.since?.getTime()]
      .filter((part) => part !== undefined).join(" ")
  }).join()
}

const uses: {
  readonly [Name in typeof Use.Type]: (source: typeof Source.ref.Type) => Effect.Effect<unknown, unknown>
} = {
  add: (source) => source.add({ n: 1 }),
  tell: (source) => source.add({ n: 1 }, { discard: true }),
  refuse: (source) => source.refuse(),
  count: (source) => Effect.map(Stream.runCollect(source.count({ upTo: 3 })), (all) => all.map((at) => at.getTime())),
  leave: (source) => Effect.map(Stream.runCollect(Stream.take(source.count({ upTo: 5_000 }), 2)), (all) => all.length),
  hang: (source) =>
    Effect.gen(function*() {
      const hanging = yield* Effect.forkChild(source.hang(), { startImmediately: true })
      yield* source.awaitHang()
      yield* Fiber.interrupt(hanging)
      return yield* source.log()
    }),
  crash: (source) => source.crash(),
  address: (source) => Effect.sync(() => ActorRef.address(source)),
  awaitExit: (source) => Effect.map(ActorRef.awaitExit(source), describe),
  incarnations: (source) =>
    Effect.map(
      Stream.runCollect(ActorRef.incarnations(source)),
      (all) => all.map(({ number, previous }) => `${number} ${previous?.reason ?? "new"}`)
    ),
  stop: (source) => ActorRef.stop(source),
  kill: (source) => ActorRef.kill(source),
  // from an actor, with its own handles in the payload of a relayed call
  offerToAll: (source) =>
    Effect.gen(function*() {
      const own = yield* Handle.makeQueue<number>()
      for (let n = 1; n <= 20; n++) yield* source.offerToAll({ all: [own, own], n })
      return yield* own.takeAll
    })
}

const KeeperLive = Keeper.toLayer(({ items, source }) =>
  Effect.sync(() => {
    let kept: typeof Box.Type = {
      label: "empty",
      all: items === undefined ? [] : [items],
      either: 0,
      maybe: Option.fromUndefinedOr(source)
    }
    const held: Array<Handle.SemaphoreHandle> = []
    const first = Effect.sync(() => kept.all[0]!)
    const ofSource = Effect.sync(() => Option.getOrThrow(kept.maybe))
    return Keeper.handlers({
      pid: () => Effect.sync(() => process.pid),
      keep: ({ items }) => Effect.sync(() => void (kept = { ...kept, all: [items] })),
      keepSource: ({ source }) => Effect.sync(() => void (kept = { ...kept, maybe: Option.some(source) })),
      keepBox: (box) => Effect.sync(() => void (kept = box)),
      items: () => first,
      source: () => ofSource,
      passItems: () => Effect.orDie(Effect.flatMap(ofSource, (source) => source.items())),
      passItemsAndDie: () =>
        Effect.andThen(
          Effect.addFinalizer(() => Effect.die(new RangeError("out of luck"))),
          Effect.orDie(Effect.flatMap(ofSource, (source) => source.items()))
        ),
      itemsOfSource: () =>
        Effect.orDie(Effect.flatMap(
          Effect.flatMap(ofSource, (source) => source.items()),
          (items) => Handle.fork(Effect.succeed(items))
        )),
      box: () => Effect.sync(() => kept),
      sources: ({ count }) => Stream.take(Stream.forever(Stream.fromEffect(ofSource)), count),
      take: () => Effect.orDie(Effect.flatMap(first, (items) => items.take)),
      offer: ({ n }) => Effect.orDie(Effect.asVoid(Effect.flatMap(first, (items) => items.offer(n)))),
      release: () => Effect.flatMap(first, Handle.release),
      use: ({ use }) => Effect.map(Effect.exit(Effect.flatMap(ofSource, uses[use])), describe),
      once: ({ items, n }) => Effect.ensuring(Effect.orDie(Effect.asVoid(items.offer(n))), Handle.release(items)),
      mixed: ({ of }) => Effect.as(Handle.release(of.items), "n" in of ? "number" : "text"),
      takePermit: ({ permit }) => {
        held.push(permit)
        return Effect.orDie(Effect.asVoid(permit.take(1)))
      },
      crash: () => Effect.sync(() => process.exit(7))
    })
  })
)

/** An actor that takes one call at a time, and refuses further calls. */
export class Narrow extends Actor.Service<Narrow>()("Narrow", { protocol: [Rpc.make("wait")] }) {}

const NarrowLive = Narrow.toLayer({ wait: () => Effect.never }, { mailboxCapacity: 1, onFull: "fail" })

/** Calls a narrow actor until it refuses. */
export class Pusher extends Actor.Service<Pusher>()("Pusher", {
  protocol: [Rpc.make("push", { payload: { narrow: Narrow.ref }, success: Schema.String })]
}) {}

const PusherLive = Pusher.toLayer({
  push: ({ narrow }) =>
    Effect.gen(function*() {
      const fibers = yield* Effect.forEach(
        [1, 2, 3],
        () => Effect.forkChild(Effect.flip(narrow.wait()), { startImmediately: true })
      )
      const error = yield* Effect.raceAll(fibers.map(Fiber.join))
      return describe(Exit.fail(error))
    }).pipe(Effect.catchCause((cause) => Effect.succeed(Cause.pretty(cause))))
})

/** An actor that spawns actors in its own scope, on its own workers, and returns references to them. */
export class Boss extends Actor.Service<Boss>()("Boss", {
  protocol: [
    Rpc.make("spawn", { success: Source.ref }),
    /** sends a handle of another actor to the spawned actor */
    Rpc.make("pass", { payload: { items: Items, n: Schema.Int } }),
    /** another spawned actor, which refuses calls when its mailbox is full */
    Rpc.make("narrow", { success: Narrow.ref }),
    /** keeps its worker busy for `millis` milliseconds */
    Rpc.make("work", { payload: { millis: Schema.Int } }),
    /** whether the reference is the spawned actor */
    Rpc.make("knows", { payload: { source: Source.ref }, success: Schema.Boolean })
  ]
}) {}

const leaf = Layer.mergeAll(SourceLive, KeeperLive, NarrowLive, PusherLive)

const BossLive = Boss.toLayer(() =>
  Effect.gen(function*() {
    const child = yield* Effect.orDie(Source.spawn())
    const scope = yield* Effect.scope
    return Boss.handlers({
      spawn: () => Effect.succeed(child),
      narrow: () => Effect.orDie(Scope.provide(Narrow.spawn(), scope)),
      work: ({ millis }) =>
        Effect.sync(() => {
          for (const end = performance.now() + millis; performance.now() < end;);
        }),
      knows: ({ source }) => Effect.succeed(source === child),
      pass: ({ items, n }) => Effect.orDie(Effect.asVoid(child.offerTo({ items, n })))
    })
  })
).pipe(
  Layer.provide(NodeActorSystem.layerThreads({ module: new URL(import.meta.url) }))
)

export default Layer.mergeAll(leaf, BossLive)
