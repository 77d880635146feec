/** Actors that hold handles in numbered slots, hand them on and use them, and one that is referred to. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import { setImmediate } from "node:timers/promises"
import * as Actor from "../../src/Actor.ts"
import * as Handle from "../../src/Handle.ts"
import { Exports } from "../../src/internal/handles/exports.ts"
import { RouteTable } from "../../src/internal/handoff/routeTable.ts"
import { Imports } from "../../src/internal/remote/imports.ts"
import { watch } from "../contract/fixtures/watched.ts"

const tables = new Set<Exports | Imports | RouteTable>()
watch<Exports>(tables as Set<Exports>, Exports.prototype, "addResult", "addObject", "answer", "provide")
watch<Imports>(tables as Set<Imports>, Imports.prototype, "add", "expect", "complete")
watch<RouteTable>(tables as Set<RouteTable>, RouteTable.prototype, "accept", "release", "exported")

/** How many handles this thread has handed out or holds. */
export const held = (): number => Array.from(tables, ({ size }) => size).reduce((sum, size) => sum + size, 0)

const Box = Handle.object(RpcGroup.make(Rpc.make("read", { success: Schema.Int })), { name: "Box" })
const Later = Handle.Deferred({ success: Schema.Int })
const Cell = Handle.Ref(Schema.Int)
const Items = Handle.Queue(Schema.Int)

/** An actor that is referred to. */
export class Bell extends Actor.Service<Bell>()("Bell", {
  args: Schema.Struct({ id: Schema.Int }),
  protocol: [Rpc.make("ring", { success: Schema.Int })]
}) {}

const Thing = Schema.Union([Box, Later, Cell, Items, Handle.Semaphore, Bell.ref])
export type Thing = typeof Thing.Type

/** Takes things for the actor it belongs to: calls of it lead through the program, because they carry handles. */
const Desk = Handle.object(
  RpcGroup.make(Rpc.make("take", { payload: { slot: Schema.Int, thing: Thing } })),
  { name: "Desk" }
)

/** The kinds of things that are made in an actor or in the program. */
export const kinds = ["box", "later", "cell", "items", "permit"] as const
export type Kind = (typeof kinds)[number] | "bell"
const Kind = Schema.Literals([...kinds, "bell"])

/** What is to be used: a result that is not there yet is only looked at. */
const Use = Schema.Struct({ slot: Schema.Int, kind: Kind, id: Schema.Int, isFinished: Schema.Boolean })

export class Walker extends Actor.Service<Walker>()("Walker", {
  protocol: [
    Rpc.make("make", { payload: { slot: Schema.Int, kind: Kind, id: Schema.Int } }),
    /** completes a result that was made here */
    Rpc.make("finish", { payload: { id: Schema.Int } }),
    /** hands out what is in a slot; `leaves`: and lets go of it */
    Rpc.make("give", { payload: { slot: Schema.Int, leaves: Schema.Boolean }, success: Thing }),
    Rpc.make("take", { payload: { slot: Schema.Int, thing: Thing } }),
    /** the id of the thing, or why it cannot be used */
    Rpc.make("use", { payload: Use, success: Schema.Union([Schema.Int, Schema.String]) }),
    Rpc.make("release", { payload: { slot: Schema.Int } }),
    Rpc.make("desk", { success: Desk }),
    Rpc.make("meet", { payload: { desks: Schema.Array(Desk) } }),
    /** puts what is in a slot into one of another actor */
    Rpc.make("pass", { payload: { slot: Schema.Int, to: Schema.Int, toSlot: Schema.Int } }),
    /** ends its worker */
    Rpc.make("crash"),
    Rpc.make("busy", { payload: { millis: Schema.Int } }),
    Rpc.make("held", { success: Schema.Int })
  ]
}) {}

/** Keeps this thread busy. */
export const block = (millis: number): void => {
  const end = performance.now() + millis
  while (performance.now() < end);
}

/** What one holder has. */
export interface Holder {
  readonly make: (slot: number, kind: Kind, id: number) => Effect.Effect<void>
  readonly finish: (id: number) => Effect.Effect<void>
  readonly use: (use: typeof Use.Type) => Effect.Effect<number | string>
  readonly slots: Map<number, Thing>
}

const used = (
  { id, isFinished, kind }: typeof Use.Type,
  thing: any
): Effect.Effect<number, { readonly _tag: string }> => {
  switch (kind) {
    case "box":
      return thing.read()
    case "later":
      return isFinished ? thing.await : Effect.map(thing.isDone, (isDone) => isDone ? -1 : id)
    case "cell":
      return thing.get
    case "items":
      return Effect.andThen(thing.offer(id), thing.take as Effect.Effect<number>)
    case "permit":
      return thing.withPermit(Effect.succeed(id))
    case "bell":
      return thing.ring()
  }
}

/** Makes a holder. */
export const makeHolder = (): Holder => {
  const slots = new Map<number, Thing>()
  const results = new Map<number, Deferred.Deferred<number>>()
  const made = (kind: Kind, id: number): Effect.Effect<Thing> => {
    switch (kind) {
      case "box":
        return Box.of({ read: () => Effect.succeed(id) })
      case "cell":
        return Handle.makeRef(id)
      case "items":
        return Handle.makeQueue<number>()
      case "permit":
        return Effect.map(Semaphore.make(1), Handle.fromSemaphore)
      default:
        return Effect.map(Deferred.make<number>(), (result) => {
          results.set(id, result)
          return Handle.fromDeferred(result)
        })
    }
  }
  return {
    slots,
    make: (slot, kind, id) => Effect.map(made(kind, id), (thing) => void slots.set(slot, thing)),
    finish: (id) => Effect.suspend(() => Effect.asVoid(Deferred.succeed(results.get(id)!, id))),
    use: (use) =>
      Effect.suspend(() => used(use, slots.get(use.slot))).pipe(
        Effect.catchCause((cause) => Effect.succeed(String(cause)))
      )
  }
}

const WalkerLive = Walker.toLayer(() => {
  const { finish, make, slots, use } = makeHolder()
  let desks: ReadonlyArray<typeof Desk.Type> = []
  const release = (slot: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      const thing = slots.get(slot)!
      slots.delete(slot)
      return Handle.release(thing)
    })
  return Effect.map(
    Desk.of({ take: ({ slot, thing }) => Effect.sync(() => void slots.set(slot, thing)) }),
    (desk) =>
      Walker.handlers({
        make: ({ id, kind, slot }) => make(slot, kind, id),
        finish: ({ id }) => finish(id),
        give: ({ leaves, slot }) =>
          Effect.sync(() => {
            const thing = slots.get(slot)!
            // when the answer has left
            if (leaves) void setImmediate().then(() => Effect.runSync(release(slot)))
            return thing
          }),
        take: ({ slot, thing }) => Effect.sync(() => void slots.set(slot, thing)),
        use,
        release: ({ slot }) => release(slot),
        desk: () => Effect.succeed(desk),
        meet: (payload) =>
          Effect.suspend(() => {
            const before = desks
            desks = payload.desks
            return Effect.forEach(before, Handle.release, { discard: true })
          }),
        // a handler may be entered before its turn, its effect is not
        pass: ({ slot, to, toSlot }) =>
          Effect.orDie(Effect.suspend(() => desks[to]!.take({ slot: toSlot, thing: slots.get(slot)! }))),
        crash: () => Effect.sync(() => process.exit(1)),
        busy: ({ millis }) => Effect.sync(() => block(millis)),
        held: () => Effect.sync(held)
      })
  )
})

const BellLive = Bell.toLayer(({ id }) => Effect.succeed(Bell.handlers({ ring: () => Effect.succeed(id) })))

export default Layer.merge(WalkerLive, BellLive)
