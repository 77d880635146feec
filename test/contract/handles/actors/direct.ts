/** An actor that exports handles, and an actor that keeps and uses them. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import * as Actor from "../../../../src/Actor.ts"
import * as Handle from "../../../../src/Handle.ts"
import { Exports } from "../../../../src/internal/handles/exports.ts"
import { RouteTable } from "../../../../src/internal/handoff/routeTable.ts"
import { Imports } from "../../../../src/internal/remote/imports.ts"
import { watch } from "../../fixtures/watched.ts"
import * as Journal from "../../support/journal.ts"

const tables = new Set<Exports | Imports | RouteTable>()

/** The number of handles that this thread exports or imports. */
export const held = (): number => Array.from(tables, ({ size }) => size).reduce((sum, size) => sum + size, 0)

watch<Exports>(tables as Set<Exports>, Exports.prototype, "addResult", "answer", "provide")
watch<Imports>(tables as Set<Imports>, Imports.prototype, "add", "expect", "complete")
watch<RouteTable>(tables as Set<RouteTable>, RouteTable.prototype, "accept", "release", "exported")

const note = (journal: string, line: string): void => fs.appendFileSync(journal, `${line}\n`)

const Later = Handle.Deferred({ success: Schema.Int })
const Items = Handle.Queue(Schema.Int)
/** notes in a journal when a holder has released the handle */
export const Watched = Handle.object(RpcGroup.make(Rpc.make("hello", { success: Schema.String })), { name: "Watched" })

export class Owner extends Actor.Service<Owner>()("Owner", {
  args: Schema.Struct({ journal: Schema.String }),
  protocol: [
    Rpc.make("items", { success: Items }),
    Rpc.make("permit", { success: Handle.Semaphore }),
    Rpc.make("watched", { success: Watched }),
    /** one result, which `finish` completes */
    Rpc.make("later", { success: Later }),
    /** the same result three times */
    Rpc.make("laters", { success: Later, stream: true }),
    Rpc.make("finish", { payload: { n: Schema.Int } }),
    /** a result that never completes; notes its interruption in the journal */
    Rpc.make("endless", { success: Later }),
    Rpc.make("supply", { payload: { n: Schema.Int } }),
    Rpc.make("held", { success: Schema.Int })
  ]
}) {}

export class Holder extends Actor.Service<Holder>()("Holder", {
  args: Schema.Struct({ journal: Schema.String }),
  protocol: [
    Rpc.make("keep", { payload: { items: Items } }),
    Rpc.make("giveBack", { success: Items }),
    /** takes `n` items, one by one, and notes their sum */
    Rpc.make("sum", { payload: { n: Schema.Int } }),
    /** waits for an item, and notes the item or the failure */
    Rpc.make("wait"),
    /**
     * takes an item. When the call is interrupted and the journal has the line "supplied", interrupts the take, and keeps its thread
     * busy for a while as soon as it has another item
     */
    Rpc.make("leave"),
    Rpc.make("result", { payload: { later: Later }, success: Schema.Int }),
    /** notes "awaiting", then the result or the failure, and releases the handle */
    Rpc.make("noteResult", { payload: { later: Later } }),
    Rpc.make("interrupt", { payload: { later: Later } }),
    Rpc.make("hold", { payload: { permit: Handle.Semaphore } }),
    Rpc.make("greet", { payload: { watched: Watched }, success: Schema.String }),
    /** releases a result */
    Rpc.make("drop", { payload: { later: Later } }),
    Rpc.make("held", { success: Schema.Int }),
    Rpc.make("letGo")
  ]
}) {}

const OwnerLive = Owner.toLayer(({ journal }) =>
  Effect.gen(function*() {
    const queue = yield* Queue.unbounded<number>()
    const items = Handle.fromQueue(queue)
    const permit = Handle.fromSemaphore(yield* Semaphore.make(1))
    const watched = yield* Watched.of((holder) => {
      Effect.runSync(Scope.addFinalizer(holder, Effect.sync(() => note(journal, "let go"))))
      return { hello: () => Effect.succeed("hello") }
    })
    const later = yield* Deferred.make<number>()
    return Owner.handlers({
      later: () => Effect.succeed(Handle.fromDeferred(later)),
      laters: () => Stream.map(Stream.range(1, 3), () => Handle.fromDeferred(later)),
      held: () => Effect.sync(held),
      finish: ({ n }) => Effect.asVoid(Deferred.succeed(later, n)),
      endless: () =>
        Handle.fork(Effect.onInterrupt(Effect.never, () => Effect.sync(() => note(journal, "interrupted")))),
      items: () => Effect.succeed(items),
      permit: () => Effect.succeed(permit),
      watched: () => Effect.succeed(watched),
      supply: ({ n }) => Effect.asVoid(Queue.offerAll(queue, Array.from({ length: n }, (_, i) => i + 1)))
    })
  })
)

const HolderLive = Holder.toLayer(({ journal }) => {
  let kept: typeof Items.Type | undefined
  let greeted: typeof Watched.Type | undefined
  return Effect.succeed(Holder.handlers({
    keep: ({ items }) =>
      Effect.sync(() => {
        kept = items
      }),
    giveBack: () => Effect.sync(() => kept!),
    sum: ({ n }) =>
      Effect.gen(function*() {
        let sum = 0
        for (let i = 0; i < n; i++) sum += yield* kept!.take
        note(journal, `sum ${sum}`)
      }).pipe(Effect.orDie),
    wait: () =>
      Effect.suspend(() => {
        note(journal, "waiting")
        return Effect.match(kept!.take, {
          onSuccess: (item) => note(journal, `got ${item}`),
          onFailure: (error) => note(journal, `failed with ${"reason" in error ? error.reason : error._tag}`)
        })
      }),
    leave: () =>
      Effect.gen(function*() {
        // until the direct route is open, calls wait in this thread, and the thread is busy before they have left
        yield* Effect.orDie(kept!.size)
        const taking = yield* Effect.forkDetach(kept!.take, { startImmediately: true })
        const stay = (item: number) =>
          Effect.sync(() => {
            note(journal, `got ${item}`)
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
          })
        yield* Effect.forkDetach(Effect.flatMap(kept!.take, stay), { startImmediately: true })
        // in one turn, so that it interrupts the take before it reads the message
        const giveUp = Effect.sync(() => {
          note(journal, "leaving")
          Journal.block({ path: journal }, "supplied")
          taking.interruptUnsafe()
        })
        note(journal, "taking")
        return yield* Effect.onInterrupt(Effect.never, () => Effect.andThen(giveUp, Fiber.await(taking)))
      }),
    result: ({ later }) => Effect.orDie(later.await),
    noteResult: ({ later }) =>
      Effect.suspend(() => {
        note(journal, "awaiting")
        const noted = Effect.match(later.await, {
          onSuccess: (n) => note(journal, `result ${n}`),
          onFailure: (error) =>
            note(journal, `failed with ${"reason" in error ? error.reason : error._tag} of ${error.actor}`)
        })
        return Effect.ensuring(noted, Handle.release(later))
      }),
    interrupt: ({ later }) => later.interrupt,
    drop: ({ later }) => Handle.release(later),
    held: () => Effect.sync(held),
    hold: ({ permit }) => Effect.orDie(Effect.asVoid(permit.take(1))),
    greet: ({ watched }) => {
      greeted = watched
      return Effect.orDie(watched.hello())
    },
    letGo: () => Handle.release(greeted!)
  }))
})

export default Layer.mergeAll(OwnerLive, HolderLive)
