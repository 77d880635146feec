/**
 * What an editor shows of buffers that are lent, and of their pools.
 */
import { Effect, type Layer, Schema, type Scope } from "effect"
import { Rpc } from "effect/rpc"
import { describe, expectTypeOf, test } from "vitest"
import { Actor, type ActorError, Handle, type HandleReleased, SharedBuffer } from "../../src/index.ts"

class Blur extends Actor.Service<Blur>()("Blur", {
  protocol: [
    Rpc.make("blur", {
      payload: { image: SharedBuffer.schema, radius: Schema.Int },
      success: SharedBuffer.schema,
      error: SharedBuffer.SharedBufferError
    })
  ]
}) {}

declare const blur: Blur["Service"]
declare const pool: SharedBuffer.Pool
declare const image: SharedBuffer.SharedBuffer

describe("a shared buffer", () => {
  test("C9: stands in payloads and results as itself", () => {
    expectTypeOf(blur.blur({ image, radius: 1 })).toEqualTypeOf<
      Effect.Effect<SharedBuffer.SharedBuffer, SharedBuffer.SharedBufferError | ActorError>
    >()
    // @ts-expect-error: bytes that are no buffer of a pool
    void blur.blur({ image: new Uint8Array(1), radius: 1 })
  })

  test("C9: is taken from a pool in a scope", () => {
    expectTypeOf(SharedBuffer.makePool({ size: 1, count: 1 })).toEqualTypeOf<
      Effect.Effect<SharedBuffer.Pool, never, Scope.Scope>
    >()
    const taken = expectTypeOf<Effect.Effect<SharedBuffer.SharedBuffer, SharedBuffer.SharedBufferError, Scope.Scope>>()
    taken.toEqualTypeOf(pool.take())
    taken.toEqualTypeOf(pool.take(1))
    taken.toEqualTypeOf(pool.copy(new Uint8Array(1)))
    // @ts-expect-error: a pool has a size and a count
    void SharedBuffer.makePool({ size: 1 })
  })

  test("H5: fails to be read once it has been released", () => {
    expectTypeOf(image.bytes).toEqualTypeOf<Effect.Effect<Uint8Array, HandleReleased>>()
    expectTypeOf(image.length).toEqualTypeOf<number>()
    expectTypeOf(Handle.release(image)).toEqualTypeOf<Effect.Effect<void>>()
  })

  test("C9: a handler that takes one from a pool needs no scope of its own", () => {
    const live = Blur.toLayer(() =>
      Effect.map(
        SharedBuffer.makePool({ size: 1, count: 1 }),
        (pool) => Blur.handlers({ blur: ({ image }) => Effect.flatMap(Effect.orDie(image.bytes), pool.copy) })
      )
    )
    expectTypeOf(live).toExtend<Layer.Layer<never>>()
  })
})
