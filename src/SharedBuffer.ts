/**
 * Large bytes that the sender keeps. A pool lends memory that threads share: the
 * bytes are written into it once, or made in it, and are not copied on their way.
 * How many bytes may be under way is bounded by the pool, whose next taker waits
 * until every receiver of an earlier buffer has let go.
 *
 * Between processes, which share no memory, the same program copies them.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"
import type * as Scope from "effect/Scope"
import type { HandleReleased } from "./ActorError.ts"
import type { AnyHandle } from "./handle/AnyHandle.ts"
import * as Codec from "./internal/codec.ts"
import * as Handles from "./internal/handles.ts"
import * as Memory from "./internal/sharedMemory.ts"

/**
 * Bytes in the memory of a pool. Whoever took them from the pool holds them until the scope in which that was done closes; a
 * handler that gets them with a call, until the call has been answered; whoever gets them in a result, until the scope of that call
 * closes; and each of them may let go earlier with `Handle.release`. The memory goes back to the pool when all have, or have died.
 *
 * The bytes are written before they are sent: what is written later, by anyone, is seen by the others on threads, and is not in
 * processes.
 *
 * @category models
 * @since 0.1.0
 */
export interface SharedBuffer extends AnyHandle {
  /** how many bytes */
  readonly length: number
  /** the bytes themselves, not to be used after the release: what is to be kept longer is copied with `slice` */
  readonly bytes: Effect.Effect<Uint8Array, HandleReleased>
}

/**
 * A buffer cannot be had from a pool.
 *
 * - `TooLarge`: more bytes than the pool's `size`
 * - `PoolClosed`: the scope of the pool has closed
 *
 * @category errors
 * @since 0.1.0
 */
export class SharedBufferError extends Schema.TaggedError<SharedBufferError>()("SharedBufferError", {
  reason: Schema.Literals(["TooLarge", "PoolClosed"]),
  message: Schema.String
}) {}

/**
 * Memory for so many buffers at once. Taking one waits while all are in use, first come, first served.
 *
 * @category models
 * @since 0.1.0
 */
export interface Pool {
  /** how many bytes a buffer can have */
  readonly size: number
  /** how many buffers there are */
  readonly count: number
  /** a buffer to be written in place, of `size` bytes unless told otherwise; its bytes are not zeroed */
  readonly take: (length?: number) => Effect.Effect<SharedBuffer, SharedBufferError, Scope.Scope>
  /** a buffer with a copy of these bytes */
  readonly copy: (bytes: Uint8Array) => Effect.Effect<SharedBuffer, SharedBufferError, Scope.Scope>
}

interface WireBuffer {
  readonly handle: Handles.WireHandle
  readonly bytes: Uint8Array
}

const isWireBuffer = (u: unknown): u is WireBuffer =>
  typeof u === "object" && u !== null && "handle" in u && Handles.isWire(u.handle) && "bytes" in u &&
  u.bytes instanceof Uint8Array

const link = Schema.link<SharedBuffer>()(
  Schema.declare(isWireBuffer),
  SchemaTransformation.transformEffect<SharedBuffer, WireBuffer>({
    decode: ({ bytes, handle }) => {
      const from = Handles.takingIn()
      const scope = from.lent ?? from.scope
      return Effect.succeed(Handles.receive(handle, Memory.received(bytes), { ...from, scope }) as SharedBuffer)
    },
    encode: (buffer, options) => {
      const bytes = Memory.viewOf(buffer)
      return bytes === undefined
        ? Effect.fail(
          new SchemaIssue.InvalidValue({ message: "the shared buffer has been released" }, buffer, options)
        )
        : Effect.succeed({ handle: Handles.handedOut(Handles.toWire(buffer, undefined, Handles.handingOut())), bytes })
    }
  })
)

/**
 * The schema with which buffers travel, in payloads, results and the arguments of actors.
 *
 * @category schemas
 * @since 0.1.0
 */
export const schema: Schema.declare<SharedBuffer> = Schema.declare(
  (u: unknown): u is SharedBuffer => Handles.isHandle(u, Memory.kind),
  { expected: "a shared buffer", [Codec.handleAnnotation]: true, toCodecJson: () => link }
)

const checkCount = (what: string, value: number): void => {
  if (Number.isSafeInteger(value) && value >= 1) return
  throw new RangeError(`SharedBuffer.makePool: ${what} must be an integer of at least 1, not ${value}`)
}

/**
 * Makes a pool of `count` buffers of up to `size` bytes each, which lives in the scope. The memory of a buffer is made when it is
 * first needed, so that at most `count * size` bytes are in use; all of it is dropped with the scope.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem, SharedBuffer } from "uactor"
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import assert from "node:assert"
 *
 * class Sums extends Actor.Service<Sums>()("Sums", {
 *   protocol: [Rpc.make("sum", { payload: { data: SharedBuffer.schema }, success: Schema.Int })]
 * }) {}
 * const SumsLive = Sums.toLayer({
 *   sum: ({ data }) => Effect.map(Effect.orDie(data.bytes), (bytes) => bytes.reduce((sum, byte) => sum + byte, 0))
 * })
 *
 * const program = Effect.gen(function*() {
 *   const sums = yield* Sums.spawn()
 *   const pool = yield* SharedBuffer.makePool({ size: 1024 * 1024, count: 4 })
 *   const data = yield* pool.copy(Uint8Array.of(1, 2, 3))
 *   return yield* sums.sum({ data })
 * }).pipe(Effect.scoped, Effect.provide(ActorSystem.layer(SumsLive)))
 *
 * assert.strictEqual(await Effect.runPromise(program), 6)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const makePool = (
  { count, size }: { readonly size: number; readonly count: number }
): Effect.Effect<Pool, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        checkCount("size", size)
        checkCount("count", count)
        return new Memory.Pool(size, count)
      }),
      (memory) => Effect.sync(() => memory.close())
    ),
    (memory) => {
      const take = (length = size): Effect.Effect<SharedBuffer, SharedBufferError, Scope.Scope> =>
        Effect.suspend(() => {
          if (!Number.isSafeInteger(length) || length < 0) {
            return Effect.die(new RangeError(`a SharedBuffer cannot have ${length} bytes`))
          }
          if (length > size) {
            const message =
              `${length} bytes do not fit: the pool was made with a size of ${size} (SharedBuffer.makePool)`
            return Effect.fail(new SharedBufferError({ reason: "TooLarge", message }))
          }
          return Effect.flatMap(memory.take(length), (buffer) =>
            buffer === undefined
              ? Effect.fail(
                new SharedBufferError({ reason: "PoolClosed", message: "the pool's scope has closed" })
              )
              : Effect.succeed(buffer))
        })
      const copy: Pool["copy"] = (bytes) =>
        Effect.tap(
          take(bytes.length),
          (buffer) => Effect.map(Effect.orDie(buffer.bytes), (shared) => Memory.write(shared, bytes))
        )
      return { size, count, take, copy }
    }
  )
