/**
 * Large byte arrays that are sent without a copy. A pool lends buffers of memory that threads share. The sender writes the bytes into a
 * buffer once, and the receivers read the same memory. The pool bounds the memory in use: `take` waits until all holders of another buffer
 * have released it.
 *
 * Processes share no memory. Between them, the same program copies the bytes.
 *
 * @module
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"
import type * as Scope from "effect/Scope"
import type { HandleReleased } from "./ActorError.ts"
import type { AnyHandle } from "./handle/AnyHandle.ts"
import * as Codec from "./internal/codec/codec.ts"
import * as Handles from "./internal/handles/handle.ts"
import * as Marshal from "./internal/handles/marshal.ts"
import * as WireHandles from "./internal/handles/wireHandle.ts"
import * as SharedMemory from "./internal/remote/sharedMemory.ts"

/**
 * A buffer of a pool. A buffer has these holders:
 *
 * - the scope in which it was taken from the pool, until that scope closes;
 * - a handler that receives it with a call, until the call has settled;
 * - the scope of a call that receives it in a result, until that scope closes.
 *
 * A holder may release the buffer earlier with `Handle.release`. The memory returns to the pool when all holders have released the buffer
 * or have died.
 *
 * Write the bytes before sending the buffer. Other holders see later writes on threads, but not in other processes.
 *
 * @category models
 * @since 0.1.0
 */
export interface SharedBuffer extends AnyHandle {
  /** The number of bytes. */
  readonly length: number
  /** The bytes, a view of the memory of the buffer. Do not use the view after the release; copy bytes to keep with `slice`. */
  readonly bytes: Effect.Effect<Uint8Array, HandleReleased>
}

/**
 * A pool cannot lend a buffer. `reason` is one of:
 *
 * - `TooLarge`: the length exceeds the `size` of the pool
 * - `PoolClosed`: the scope of the pool has closed
 *
 * @category errors
 * @since 0.1.0
 */
export class SharedBufferError extends Schema.TaggedError<SharedBufferError>()("SharedBufferError", {
  /** The kind of the failure. */
  reason: Schema.Literals(["TooLarge", "PoolClosed"]),
  /** The error as text. */
  message: Schema.String
}) {}

/**
 * A pool of buffers. If all buffers are in use, `take` and `copy` wait for one, in the order of the requests.
 *
 * @category models
 * @since 0.1.0
 */
export interface Pool {
  /** The maximum number of bytes of a buffer. */
  readonly size: number
  /** The number of buffers. */
  readonly count: number
  /**
   * Takes a buffer to write into, of `length` bytes; `size` by default. Its bytes are not zeroed. Dies with a `RangeError` if `length` is
   * not an integer of at least 0.
   */
  readonly take: (length?: number) => Effect.Effect<SharedBuffer, SharedBufferError, Scope.Scope>
  /** Takes a buffer and copies the given bytes into it. */
  readonly copy: (bytes: Uint8Array) => Effect.Effect<SharedBuffer, SharedBufferError, Scope.Scope>
}

interface WireBuffer {
  readonly handle: WireHandles.WireHandle
  readonly bytes: Uint8Array
}

const isWireBuffer = (u: unknown): u is WireBuffer =>
  typeof u === "object" && u !== null && "handle" in u && WireHandles.isWire(u.handle) && "bytes" in u &&
  u.bytes instanceof Uint8Array

const link = Schema.link<SharedBuffer>()(
  Schema.declare(isWireBuffer),
  SchemaTransformation.transformEffect<SharedBuffer, WireBuffer>({
    decode: ({ bytes, handle }) => {
      const from = Marshal.currentImporter()
      const scope = from.lent ?? from.scope
      return Effect.succeed(Marshal.receive(handle, SharedMemory.received(bytes), { ...from, scope }) as SharedBuffer)
    },
    encode: (buffer, options) => {
      const bytes = SharedMemory.viewOf(buffer)
      return bytes === undefined
        ? Effect.fail(
          new SchemaIssue.InvalidValue({ message: "the shared buffer has been released" }, buffer, options)
        )
        : Effect.succeed({
          handle: Marshal.addExport(Handles.toWire(buffer, undefined, Marshal.currentTransaction())),
          bytes
        })
    }
  })
)

/**
 * The schema for buffers in payloads, results and arguments of actors.
 *
 * @category schemas
 * @since 0.1.0
 */
export const schema: Schema.declare<SharedBuffer> = Schema.declare(
  (u: unknown): u is SharedBuffer => Handles.isHandle(u, SharedMemory.kind),
  { expected: "a shared buffer", [Codec.handleAnnotation]: true, toCodecJson: () => link }
)

const checkCount = (option: string, value: number): void => {
  if (Number.isSafeInteger(value) && value >= 1) return
  throw new RangeError(`SharedBuffer.makePool: ${option} must be an integer of at least 1, not ${value}`)
}

/**
 * Makes a pool of `count` buffers of at most `size` bytes each. The pool lives until the scope closes. It allocates the memory of a buffer
 * on first use, so that at most `count * size` bytes are in use. It drops all memory when the scope closes. Dies with a `RangeError` if
 * `size` or `count` is not an integer of at least 1.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem, SharedBuffer } from "uactor"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert"
 *
 * class Sums extends Actor.Service<Sums>()("Sums", {
 *   protocol: { sum: Actor.method({ payload: { data: SharedBuffer.schema }, success: Schema.Int }) }
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
        return new SharedMemory.BufferPool(size, count)
      }),
      (memory) => Effect.sync(() => memory.close())
    ),
    (memory) => {
      const take = (length = size): Effect.Effect<SharedBuffer, SharedBufferError, Scope.Scope> =>
        Effect.suspend(() => {
          if (!Number.isSafeInteger(length) || length < 0) {
            return Effect.die(
              new RangeError(`SharedBuffer: the length must be an integer of at least 0, not ${length}`)
            )
          }
          if (length > size) {
            const message =
              `${length} bytes do not fit: the pool was made with a size of ${size} (SharedBuffer.makePool)`
            return Effect.fail(new SharedBufferError({ reason: "TooLarge", message }))
          }
          return Effect.flatMap(memory.take(length), (buffer) =>
            buffer === undefined
              ? Effect.fail(
                new SharedBufferError({ reason: "PoolClosed", message: "the scope of the pool has closed" })
              )
              : Effect.succeed(buffer))
        })
      const copy: Pool["copy"] = (bytes) =>
        Effect.tap(
          take(bytes.length),
          (buffer) => Effect.map(Effect.orDie(buffer.bytes), (shared) => SharedMemory.write(shared, bytes))
        )
      return { size, count, take, copy }
    }
  )
