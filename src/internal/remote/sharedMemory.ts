/**
 * Shared memory as handles. A pool lends a chunk to one use at a time. The use ends, and the chunk is free again, when the sender and
 * every receiver have released their handles. A receiver holds a chunk like any exported object (exports.ts), so its death releases the
 * chunk, too.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { HandleReleased } from "../../ActorError.ts"
import { Fifo } from "../collections/fifo.ts"
import type * as Handles from "../handles/handle.ts"
import { hold, type Lease, type Leases } from "../handles/scopeLeases.ts"
import type * as WireHandles from "../handles/wireHandle.ts"
import { SharedArrayBuffer } from "../runtime/globals.ts"
import { notify } from "../runtime/notify.ts"
import { attach } from "./handleSchema.ts"
import type { RemoteObject } from "./remoteObject.ts"

export const kind = "SharedBuffer"

/** Returns the bytes behind a handle; `undefined` if the handle has been released. */
type View = () => Uint8Array | undefined

const views = new WeakMap<object, View>()

/** The handle that users see. */
export interface LentBuffer {
  readonly [Handles.HandleTypeId]: object
  readonly length: number
  readonly bytes: Effect.Effect<Uint8Array, HandleReleased>
}

const makeBuffer = (target: Handles.HandleTarget, name: string, length: number, view: View): LentBuffer => {
  const bytes = Effect.suspend(() => {
    const bytes = view()
    return bytes === undefined
      ? Effect.fail(new HandleReleased({ actor: name, message: `a SharedBuffer of ${length} bytes has been released` }))
      : Effect.succeed(bytes)
  })
  const buffer = attach({ length, bytes }, target) as LentBuffer
  views.set(buffer, view)
  return buffer
}

/** The bytes behind a handle that is exported; `undefined` if the handle has been released. */
export const viewOf = (buffer: LentBuffer): Uint8Array | undefined => views.get(buffer)?.()

// Node's `Buffer`, where there is one
interface NodeBuffer {
  readonly from: (memory: ArrayBufferLike, offset: number, length: number) => Uint8Array & {
    readonly fill: (bytes: Uint8Array) => unknown
  }
}
const NodeBuffer = (globalThis as { readonly Buffer?: NodeBuffer }).Buffer

/**
 * Copies bytes into shared memory. In shared memory, `set` copies word by word, and is five times slower than Node's `fill`.
 */
export const write = (into: Uint8Array, bytes: Uint8Array): void => {
  if (NodeBuffer === undefined || bytes.length === 0) into.set(bytes)
  else NodeBuffer.from(into.buffer, into.byteOffset, into.length).fill(bytes)
}

/** The kind of a received buffer with these bytes. */
export const received = (bytes: Uint8Array): unknown => ({
  kind,
  methods: [],
  shape: (object: RemoteObject): LentBuffer =>
    makeBuffer(object, object.proxy.name, bytes.length, () => object.isHeld ? bytes : undefined)
})

/** One use of a chunk. */
class BufferUse {
  private readonly pool: BufferPool
  private readonly memory: ArrayBufferLike
  readonly length: number
  private holders = 0

  constructor(pool: BufferPool, memory: ArrayBufferLike, length: number) {
    this.pool = pool
    this.memory = memory
    this.length = length
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.memory, 0, this.length)
  }

  retain(): void {
    this.holders++
  }

  release(): void {
    if (--this.holders === 0) this.pool.free(this.memory)
  }
}

/** The lease of one scope of this process on a use. */
class BufferLease implements Handles.HandleTarget, Lease {
  readonly kind = kind
  readonly handle: LentBuffer
  slot = -1
  private readonly leases: Leases | undefined
  private use: BufferUse | undefined

  constructor(use: BufferUse, leases: Leases | undefined) {
    this.use = use
    this.leases = leases
    use.retain()
    this.handle = makeBuffer(this, kind, use.length, () => this.use?.bytes)
  }

  static of(use: BufferUse, scope: Scope.Scope | undefined): BufferLease {
    return hold(scope, (leases) => new BufferLease(use, leases))
  }

  release(): void {
    const { use } = this
    this.use = undefined
    this.leases?.delete(this)
    use?.release()
  }

  export(to: Handles.Exporting): WireHandles.WireHandle {
    const use = this.use!
    const served: Handles.ObjectSource = {
      reclaim: ({ scope }) => BufferLease.of(use, scope).handle,
      again: () => served,
      kind,
      methods: [],
      context: Context.empty(),
      open: (holder) => {
        use.retain()
        Effect.runSync(Scope.addFinalizer(holder, Effect.sync(() => use.release())))
        return {}
      },
      // the pool owns the memory, and may outlive the actor that exports the handle
      isRelay: true
    }
    return to.ends.exports.addObject(served, to)
  }
}

interface Waiter {
  readonly grant: (memory: ArrayBufferLike | undefined) => void
}

// in a page of a browser without shared memory, a message copies the bytes, as between processes
const Memory = SharedArrayBuffer ?? ArrayBuffer

/** A bounded number of chunks of one size, allocated on first use. */
export class BufferPool {
  private readonly size: number
  private readonly count: number
  private readonly chunks: Array<ArrayBufferLike> = []
  private readonly waiting = new Fifo<Waiter>()
  private made = 0
  private isClosed = false

  constructor(size: number, count: number) {
    this.size = size
    this.count = count
  }

  private next(): ArrayBufferLike | undefined {
    const memory = this.chunks.pop()
    if (memory !== undefined || this.made === this.count) return memory
    const made = new Memory(this.size)
    this.made++
    return made
  }

  /** Waits for a chunk; `undefined` if the pool is closed. */
  take(length: number): Effect.Effect<LentBuffer | undefined, never, Scope.Scope> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.scope, (scope) =>
        Effect.suspend(() => {
          let granted: ArrayBufferLike | undefined
          const wait = Effect.callback<ArrayBufferLike | undefined>((resume) => {
            if (this.isClosed) return resume(Effect.undefined)
            granted = this.next()
            if (granted !== undefined) return resume(Effect.succeed(granted))
            const waiter: Waiter = {
              grant: (memory) => {
                granted = memory
                notify(resume, Effect.succeed(memory))
              }
            }
            this.waiting.add(waiter)
            return Effect.sync(() => void this.waiting.remove(waiter))
          })
          return Effect.onExit(restore(wait), (exit) =>
            Effect.sync(() => {
              // a chunk that was granted to an interrupted fiber goes to the next one
              if (Exit.isFailure(exit) && granted !== undefined) this.free(granted)
            })).pipe(
              Effect.map((memory) => memory && BufferLease.of(new BufferUse(this, memory, length), scope).handle)
            )
        }))
    )
  }

  /** The use of a chunk has ended. */
  free(memory: ArrayBufferLike): void {
    const waiter = this.waiting.take()
    if (waiter !== undefined) waiter.grant(memory)
    else if (!this.isClosed) this.chunks.push(memory)
  }

  /** Closes the pool: drops the free chunks, each lent chunk when its use ends, and resumes the fibers that wait for a chunk. */
  close(): void {
    this.isClosed = true
    this.chunks.length = 0
    for (const { grant } of this.waiting.drain()) grant(undefined)
  }
}
