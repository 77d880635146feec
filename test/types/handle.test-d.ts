/**
 * What an editor shows of results that stay in the actor.
 */
import { type Deferred, Effect, type Exit, type Layer, type Option, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { describe, expectTypeOf, test } from "vitest"
import { Actor, type ActorError, type ActorExited, Handle, type HandleReleased } from "../../src/index.ts"
import { Database, Overflow, Refused } from "./fixtures.ts"

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
