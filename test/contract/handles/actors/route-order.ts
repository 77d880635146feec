/**
 * An actor and an object that check the order of their calls, and an actor that calls both through handles, on routes that change while
 * calls are under way.
 */
import { Effect, Layer, Schema, SchemaGetter, Semaphore } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { setImmediate } from "node:timers/promises"
import * as Actor from "../../../../src/Actor.ts"
import * as Handle from "../../../../src/Handle.ts"
import * as Random from "../../../random.ts"

const n = Schema.Int

/** the calls that may take any route, and those that carry a handle and go through the program */
const numbered = [
  Rpc.make("plain", { payload: { n } }),
  /** suspends in its handler */
  Rpc.make("slow", { payload: { n } }),
  Rpc.make("carrying", { payload: { n, permits: Handle.Semaphore } }),
  Rpc.make("returning", { payload: { n }, success: Handle.Deferred({ success: Schema.Int }) }),
  /** computes for 0.1 ms */
  Rpc.make("busy", { payload: { n } })
] as const

/** a number that takes a turn of the event loop to be decoded, at the actor and at a relay */
const SlowlyDecoded = Schema.Int.pipe(Schema.decodeTo(Schema.Int, {
  decode: SchemaGetter.transformEffect((n: number) => Effect.promise(() => setImmediate(n))),
  encode: SchemaGetter.transform((n: number) => n)
}))

/** Whether {@link SlowlyForwarded} takes a turn of the event loop to be encoded in this process. */
export const relay = { isSlow: false }

/** a number that a slow relay takes time to encode */
const SlowlyForwarded = Schema.Int.pipe(Schema.decodeTo(Schema.Int, {
  decode: SchemaGetter.transform((n: number) => n),
  encode: SchemaGetter.transformEffect((n: number) =>
    relay.isSlow ? Effect.promise(() => setImmediate(n)) : Effect.succeed(n)
  )
}))

/** the calls of the actor alone: an object has no mailbox, so its calls start in the order in which they have been decoded */
const decoded = [
  Rpc.make("decoded", { payload: { n: SlowlyDecoded } }),
  Rpc.make("forwarded", { payload: { n: SlowlyForwarded } }),
  Rpc.make("decodedWithHandle", { payload: { n: SlowlyDecoded, permits: Handle.Semaphore } })
] as const

const Journal = Handle.object(RpcGroup.make(...numbered), { name: "Journal" })

/** What the callee has seen: how many calls, and which call came too early. */
const Seen = Schema.Struct({ calls: Schema.Int, early: Schema.UndefinedOr(Schema.String) })

export class Callee extends Actor.Service<Callee>()("Callee", {
  protocol: [...numbered, ...decoded, Rpc.make("journal", { success: Journal }), Rpc.make("seen", { success: Seen })]
}) {}

/** Handlers that check the numbers of their calls. */
const makeChecked = () => {
  let calls = 0
  let early: string | undefined
  const check = (method: string, n: number) => {
    calls++
    if (n !== calls) early ??= `${method} ${n} is call ${calls}`
  }
  return {
    seen: () => ({ calls, early }),
    handlers: {
      plain: ({ n }: { readonly n: number }) => Effect.sync(() => check("plain", n)),
      slow: ({ n }: { readonly n: number }) => {
        check("slow", n)
        return Effect.promise(() => setImmediate())
      },
      carrying: ({ n, permits }: { readonly n: number; readonly permits: Handle.SemaphoreHandle }) =>
        Effect.andThen(Effect.sync(() => check("carrying", n)), Handle.release(permits)),
      returning: ({ n }: { readonly n: number }) => {
        check("returning", n)
        return Handle.fork(Effect.succeed(n))
      },
      busy: ({ n }: { readonly n: number }) =>
        Effect.sync(() => {
          check("busy", n)
          for (const end = performance.now() + 0.1; performance.now() < end;);
        })
    }
  }
}

const CalleeLive = Callee.toLayer(() =>
  Effect.gen(function*() {
    const actor = makeChecked()
    const object = makeChecked()
    const journal = yield* Journal.of(object.handlers)
    return Callee.handlers({
      ...actor.handlers,
      slow: ({ n }) => Effect.suspend(() => actor.handlers.slow({ n })),
      returning: ({ n }) => Effect.suspend(() => actor.handlers.returning({ n })),
      decoded: actor.handlers.plain,
      forwarded: actor.handlers.plain,
      decodedWithHandle: actor.handlers.carrying,
      journal: () => Effect.succeed(journal),
      seen: () =>
        Effect.sync(() => {
          const [ofActor, ofObject] = [actor.seen(), object.seen()]
          return { calls: ofActor.calls + ofObject.calls, early: ofActor.early ?? ofObject.early }
        })
    })
  })
)

export class Caller extends Actor.Service<Caller>()("Caller", {
  args: Schema.Struct({ callee: Callee.ref, journal: Journal }),
  protocol: [
    /** makes so many tells of the object, and releases its handle when they have been accepted */
    Rpc.make("tellAndRelease", { payload: { tells: Schema.Int } }),
    /** makes so many numbered calls of the actor or of the object, by the seed, up to 64 of them under way at a time */
    Rpc.make("call", {
      payload: { target: Schema.Literals(["actor", "object"]), calls: Schema.Int, seed: Schema.Int }
    })
  ]
}) {}

const CallerLive = Caller.toLayer(({ callee, journal }) =>
  Effect.gen(function*() {
    const permits = yield* Handle.makeSemaphore(1)
    return Caller.handlers({
      tellAndRelease: ({ tells }) =>
        Effect.forEach(
          Array.from({ length: tells }, (_, i) => i + 1),
          (n) => journal.busy({ n }, { discard: true }),
          { concurrency: "unbounded", discard: true }
        ).pipe(Effect.andThen(Handle.release(journal)), Effect.orDie),
      call: ({ calls, seed, target }) =>
        Effect.scoped(Effect.gen(function*() {
          const random = Random.makeBelow(seed)
          const underWay = Semaphore.makeUnsafe(64)
          const to = target === "actor" ? callee : journal
          for (let n = 1; n <= calls;) {
            // runs of calls that take the same route, short and long, and pauses in which all calls settle
            const kind = random(target === "actor" ? 9 : 6)
            const last = Math.min(calls, n + random(random(4) === 0 ? 200 : 6))
            for (; n <= last; n++) {
              const call = kind === 0
                ? to.carrying({ n, permits })
                : kind === 1
                ? Effect.scoped(Effect.flatMap(to.returning({ n }), ({ await: result }) => result))
                : kind === 2
                ? to.slow({ n })
                : kind === 3
                ? to.plain({ n }, { discard: true })
                : kind === 6
                ? callee.decoded({ n })
                : kind === 7
                ? callee.decodedWithHandle({ n, permits })
                : kind === 8
                ? callee.forwarded({ n })
                : to.plain({ n })
              yield* underWay.take(1)
              yield* Effect.forkScoped(Effect.ensuring(Effect.orDie(call), underWay.release(1)), {
                startImmediately: true
              })
            }
            if (random(16) === 0) yield* Effect.andThen(underWay.take(64), underWay.release(64))
          }
          yield* underWay.take(64)
        }))
    })
  })
)

export default Layer.merge(CalleeLive, CallerLive)
