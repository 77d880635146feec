/** An actor with an object, and an actor that keeps the object and the reference. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as Actor from "../../../../src/Actor.ts"
import { ActorExited } from "../../../../src/ActorError.ts"
import * as ActorRef from "../../../../src/ActorRef.ts"
import * as Handle from "../../../../src/Handle.ts"
import { Exports } from "../../../../src/internal/handles/exports.ts"
import { RouteTable } from "../../../../src/internal/handoff/routeTable.ts"
import { Imports } from "../../../../src/internal/remote/imports.ts"
import { watch } from "../../fixtures/watched.ts"

const tables = new Set<Exports | Imports | RouteTable>()

/** The number of handles that this thread exports or imports. */
export const held = (): number => Array.from(tables, ({ size }) => size).reduce((sum, size) => sum + size, 0)

watch<Exports>(tables as Set<Exports>, Exports.prototype, "addObject", "share")
watch<Imports>(tables as Set<Imports>, Imports.prototype, "add", "expect", "share")
watch<RouteTable>(tables as Set<RouteTable>, RouteTable.prototype, "accept", "release", "exported")

const gate = Latch.makeUnsafe()

/** A number that is decoded when the gate of this thread is open. */
const Gated = Schema.Int.pipe(Schema.decodeTo(Schema.Int, {
  decode: SchemaGetter.transformEffect((n: number) => Effect.as(gate.await, n)),
  encode: SchemaGetter.passthrough()
}))

const Greeter = Handle.object({ greet: Actor.method({ success: Schema.String }) })

export class Owner extends Actor.Service<Owner>()("Owner", {
  protocol: {
    greeter: Actor.method({ success: Greeter }),
    crash: Actor.method({})
  }
}) {}

const reasonOf = (error: unknown): string => error instanceof ActorExited ? `${error.reason} ${error.outcome}` : "none"

export class Holder extends Actor.Service<Holder>()("Holder", {
  protocol: {
    keep: Actor.method({ payload: { greeter: Greeter, owner: Owner.ref } }),
    keepLater: Actor.method({ payload: { greeter: Greeter, owner: Owner.ref, gated: Gated } }),
    openGate: Actor.method({}),
    /** the reasons for which a call of each kept handle fails */
    reasons: Actor.method({ success: Schema.Array(Schema.String) }),
    /** the reason of the exit of the kept owner */
    exit: Actor.method({ success: Schema.String }),
    greeter: Actor.method({ success: Greeter }),
    owner: Actor.method({ success: Owner.ref }),
    held: Actor.method({ success: Schema.Int })
  }
}) {}

const OwnerLive = Owner.toLayer(() =>
  Effect.gen(function*() {
    const greeter = yield* Greeter.of({ greet: () => Effect.succeed("hello") })
    return Owner.handlers({
      greeter: () => Effect.succeed(greeter),
      crash: () => Actor.crash(Cause.die(new Error("it was asked to")))
    })
  })
)

const HolderLive = Holder.toLayer(() => {
  // in memory, all tests share the gate
  gate.closeUnsafe()
  let kept: { readonly greeter: typeof Greeter.Type; readonly owner: typeof Owner.ref.Type } | undefined
  const keep = (next: NonNullable<typeof kept>) =>
    Effect.sync(() => {
      kept = next
    })
  const flipped = (call: Effect.Effect<unknown, unknown>) =>
    Effect.match(call, { onSuccess: () => "success", onFailure: reasonOf })
  return Effect.succeed(Holder.handlers({
    keep,
    keepLater: keep,
    openGate: () => Effect.asVoid(gate.open),
    reasons: () => Effect.all([flipped(kept!.greeter.greet()), flipped(Effect.scoped(kept!.owner.greeter()))]),
    exit: () => flipped(Effect.flatten(ActorRef.awaitExit(kept!.owner))),
    greeter: () => Effect.sync(() => kept!.greeter),
    owner: () => Effect.sync(() => kept!.owner),
    held: () => Effect.sync(held)
  }))
}, { concurrency: 2 })

export default Layer.mergeAll(OwnerLive, HolderLive)
