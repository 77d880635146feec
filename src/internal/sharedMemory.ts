/**
 * Memory that is lent to those it is sent to. A pool lends a chunk to one use at a
 * time; the use is over, and the chunk free again, when the sender and every
 * receiver have let go. Receivers hold it as they hold any object (`exports.ts`),
 * so what counts them is what counts the holders of handles: who dies lets go.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { HandleReleased } from "../ActorError.ts"
import type { Exports, Served } from "./exports.ts"
import type * as Handles from "./handles.ts"
import { hold, type Holding, type Leases } from "./leases.ts"
import { Line } from "./line.ts"
import { attach } from "./objects.ts"
import type { RemoteObject } from "./remoteObject.ts"

export const kind = "SharedBuffer"

/** The bytes behind a handle; `undefined` once it has been released. */
type View = () => Uint8Array | undefined

const views = new WeakMap<object, View>()

/** The handle that users see. */
export interface Lent {
  readonly [Handles.HandleTypeId]: object
  readonly length: number
  readonly bytes: Effect.Effect<Uint8Array, HandleReleased>
}

const makeBuffer = (carrier: Handles.Carrier, name: string, length: number, view: View): Lent => {
  const bytes = Effect.suspend(() => {
    const bytes = view()
    return bytes === undefined
      ? Effect.fail(new HandleReleased({ actor: name, message: `a SharedBuffer of ${length} bytes has been released` }))
      : Effect.succeed(bytes)
  })
  const buffer = attach({ length, bytes }, carrier) as Lent
  views.set(buffer, view)
  return buffer
}

/** The bytes behind a handle, on its way out; `undefined` once it has been released. */
export const viewOf = (buffer: Lent): Uint8Array | undefined => views.get(buffer)?.()

// Node's
interface NodeBuffer {
  readonly from: (memory: ArrayBufferLike, offset: number, length: number) => Uint8Array & {
    readonly fill: (bytes: Uint8Array) => unknown
  }
}
const NodeBuffer = (globalThis as { readonly Buffer?: NodeBuffer }).Buffer

/**
 * Copies bytes into shared memory. `set` goes word by word there, five times slower than Node's `fill`, which copies memory as
 * it does elsewhere.
 */
export const write = (into: Uint8Array, bytes: Uint8Array): void => {
  if (NodeBuffer === undefined || bytes.length === 0) into.set(bytes)
  else NodeBuffer.from(into.buffer, into.byteOffset, into.length).fill(bytes)
}

/** What a schema knows of one that comes with these bytes. */
export const received = (bytes: Uint8Array): unknown => ({
  kind,
  methods: [],
  shape: (object: RemoteObject): Lent =>
    makeBuffer(object, object.target.name, bytes.length, () => object.isHeld ? bytes : undefined)
})

/** One use of a chunk. */
class Use {
  private readonly pool: Pool
  private readonly memory: SharedArrayBuffer
  readonly length: number
  private holders = 0

  constructor(pool: Pool, memory: SharedArrayBuffer, length: number) {
    this.pool = pool
    this.memory = memory
    this.length = length
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.memory, 0, this.length)
  }

  hold(): void {
    this.holders++
  }

  letGo(): void {
    if (--this.holders === 0) this.pool.give(this.memory)
  }
}

/** What one scope of this process holds of a use. */
class Lease implements Handles.Carrier, Holding {
  readonly kind = kind
  readonly handle: Lent
  place = -1
  private readonly leases: Leases | undefined
  private use: Use | undefined

  constructor(use: Use, leases: Leases | undefined) {
    this.use = use
    this.leases = leases
    use.hold()
    this.handle = makeBuffer(this, kind, use.length, () => this.use?.bytes)
  }

  static of(use: Use, scope: Scope.Scope | undefined): Lease {
    return hold(scope, (leases) => new Lease(use, leases))
  }

  release(): void {
    const { use } = this
    this.use = undefined
    this.leases?.delete(this)
    use?.letGo()
  }

  export(to: Handles.Exporting): Handles.WireHandle {
    const use = this.use!
    const served: Served = {
      reclaim: ({ scope }) => Lease.of(use, scope).handle,
      again: () => served,
      kind,
      methods: [],
      context: Context.empty(),
      open: (holder) => {
        use.hold()
        Effect.runSync(Scope.addFinalizer(holder, Effect.sync(() => use.letGo())))
        return {}
      },
      // it belongs to the pool, which may outlive the actor that hands it out
      isRelay: true
    }
    return (to.ends.exports as Exports).addObject(served, to.owner)
  }
}

interface Waiter {
  readonly grant: (memory: SharedArrayBuffer | undefined) => void
}

/** Chunks of one size, made when they are first needed. */
export class Pool {
  private readonly size: number
  private readonly count: number
  private readonly free: Array<SharedArrayBuffer> = []
  private readonly waiting = new Line<Waiter>()
  private made = 0
  private isClosed = false

  constructor(size: number, count: number) {
    this.size = size
    this.count = count
  }

  private next(): SharedArrayBuffer | undefined {
    const memory = this.free.pop()
    if (memory !== undefined || this.made === this.count) return memory
    const made = new SharedArrayBuffer(this.size)
    this.made++
    return made
  }

  /** Waits for a chunk; nothing comes once the pool is closed. */
  take(length: number): Effect.Effect<Lent | undefined, never, Scope.Scope> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.scope, (scope) =>
        Effect.suspend(() => {
          let granted: SharedArrayBuffer | undefined
          const wait = Effect.callback<SharedArrayBuffer | undefined>((resume) => {
            if (this.isClosed) return resume(Effect.undefined)
            granted = this.next()
            if (granted !== undefined) return resume(Effect.succeed(granted))
            const waiter: Waiter = {
              grant: (memory) => {
                granted = memory
                resume(Effect.succeed(memory))
              }
            }
            this.waiting.add(waiter)
            return Effect.sync(() => void this.waiting.remove(waiter))
          })
          return Effect.onExit(restore(wait), (exit) =>
            Effect.sync(() => {
              // one that was granted to who is interrupted at that moment goes to the next
              if (Exit.isFailure(exit) && granted !== undefined) this.give(granted)
            })).pipe(
              Effect.map((memory) => memory && Lease.of(new Use(this, memory, length), scope).handle)
            )
        }))
    )
  }

  give(memory: SharedArrayBuffer): void {
    const waiter = this.waiting.take()
    if (waiter !== undefined) waiter.grant(memory)
    else if (!this.isClosed) this.free.push(memory)
  }

  /** Lets go of the memory, what is lent as soon as it is given back; who waits for some is told. */
  close(): void {
    this.isClosed = true
    this.free.length = 0
    for (const { grant } of this.waiting.drain()) grant(undefined)
  }
}
