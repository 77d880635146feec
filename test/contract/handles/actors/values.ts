/** Actors that pass handles and references on to each other: one that owns things, and one that keeps what it is given. */
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
    /** what has such queues in it, the same each time; the queue has room for 2 */
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
    /** another one, whose items take time to decode, the same each time */
    Rpc.make("slow", { success: Handle.Queue(SlowInt) }),
    /** a queue that has that queue in it */
    Rpc.make("shelf", { success: Handle.Queue(Items) }),
    /** `count` handles of that queue, one by one */
    Rpc.make("stream", { payload: { count: Schema.Int }, success: Items, stream: true }),
    /** a result that has the queue in it, there once it is asked for with `add` */
    Rpc.make("promised", { success: Handle.Deferred({ success: Schema.Struct({ items: Items }) }) }),
    /** a semaphore of one permit, the same each time */
    Rpc.make("permit", { success: Handle.Semaphore }),
    /** cannot be interrupted until its log is asked for, and hands out the queue then */
    Rpc.make("lateItems", { success: Items }),
    /** offers to a queue that it is given, and tells whether that is its own */
    Rpc.make("offerTo", { payload: { items: Items, n: Schema.Int }, success: Schema.Boolean }),
    /** the same, in one line with others */
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

/** Everything that can travel, in one value. */
const Box = Schema.Struct({
  label: Schema.String,
  all: Schema.Array(Items),
  either: Schema.Union([Schema.Int, Items]),
  maybe: Schema.Option(Source.ref)
})

/** What an actor does with a reference that it was given. */
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
    /** what the handler gets in its own scope */
    Rpc.make("passItems", { success: Items }),
    /** the same, but a finalizer dies before it is answered */
    Rpc.make("passItemsAndDie", { success: Items }),
    /** a result that is there, and is what the handler got in its own scope */
    Rpc.make("itemsOfSource", { success: Handle.Deferred({ success: Items }) }),
    Rpc.make("box", { success: Box }),
    Rpc.make("sources", { payload: { count: Schema.Int }, success: Source.ref, stream: true }),
    Rpc.make("take", { success: Schema.Int }),
    Rpc.make("offer", { payload: { n: Schema.Int } }),
    Rpc.make("release"),
    /** how the use of the reference ends, in words */
    Rpc.make("use", { payload: { use: Use }, success: Schema.String }),
    /** uses a queue and lets go of it, and does not keep it */
    Rpc.make("once", { payload: { items: Items, n: Schema.Int } }),
    /** takes a permit, and keeps it */
    Rpc.make("takePermit", { payload: { permit: Handle.Semaphore } }),
    /** what it is given cannot always be sent, and stands before or behind a handle */
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
  // from an actor, with handles of its own in the payload of a call that goes through others
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

/** An actor that takes one call at a time, and refuses the rest. */
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

/** An actor that spawns actors in its own scope, on workers of its own, and hands out references to them. */
export class Boss extends Actor.Service<Boss>()("Boss", {
  protocol: [
    Rpc.make("spawn", { success: Source.ref }),
    /** gives the actor that it spawned something from elsewhere */
    Rpc.make("pass", { payload: { items: Items, n: Schema.Int } }),
    /** another actor that it spawns, which refuses what it has no room for */
    Rpc.make("narrow", { success: Narrow.ref }),
    /** keeps its worker busy for so many milliseconds */
    Rpc.make("work", { payload: { millis: Schema.Int } }),
    /** whether it is the one that it spawned */
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
