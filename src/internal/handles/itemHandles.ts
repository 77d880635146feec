/**
 * The handles in the items of a container. A handle that arrives through a handle of the container belongs to the container. The
 * container releases the handle when its item leaves in the same way: the item is taken, removed, replaced or refused. The handles in
 * the items that the owner itself adds or takes belong to the owner.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Handles from "./handle.ts"

/** Reports values that leave the container, or that the container refuses. */
export type Drop = (values: unknown) => void

// below this length, `left` is not searched while a reader is active
const minSearchLength = 64

/** A call through a handle of the container. `taken`: the handles in its payload, if the payload or the answer may contain handles. */
interface Call {
  readonly taken?: ReadonlyArray<object> | undefined
}

type Methods = Readonly<Record<string, (payload: never) => object>>

/** A handle that has left, and the number of the call that brought it. */
type Left = readonly [handle: object, broughtBy: number]

/** A reader of the container: whether a handle brought by the given call may be in a value that was read and is not encoded yet. */
type Reader = (broughtBy: number) => boolean

/** The handles that one container owns. */
class ItemHandles {
  private readonly brought = new WeakMap<object, number>()
  /** the number of calls that have brought handles */
  private calls = 0
  /** for a container whose streams continue with later values: the number of values by which such a stream may lag */
  private readonly maxLag: number | undefined
  /** the handles that have left the container, but may be in a value that was read */
  private left: Array<Left> = []
  /** the length of `left` from which on the handles that are no longer needed are searched and released */
  private searchLength = minSearchLength
  private readonly readers = new Set<Reader>()

  constructor(maxLag: number | undefined) {
    this.maxLag = maxLag
  }

  readonly drop: Drop = (values) => {
    if (this.calls === 0) return
    Handles.forEachHandle(values, (handle) => {
      const call = this.brought.get(handle)
      if (call === undefined) return
      this.brought.delete(handle)
      this.left.push([handle, call])
    })
  }

  private releaseLeft(): void {
    const readers = Array.from(this.readers)
    if (readers.length > 0 && this.left.length < this.searchLength) return
    const { left } = this
    this.left = left.filter(([, call]) => readers.some((needs) => needs(call)))
    this.searchLength = this.left.length + Math.max(minSearchLength, this.left.length >> 2)
    const needed = new Set(this.left)
    for (const one of left) if (!needed.has(one)) Handles.releaseHandle(one[0])
  }

  // a single read covers the current content of the container; a continuing read also covers later content
  private reader(continues: boolean): Reader {
    const { maxLag, calls } = this
    return continues && maxLag !== undefined
      ? (call) => call > this.calls - maxLag
      : (call) => call <= calls
  }

  // `answer` calls `read` when it has read a value, which is encoded next
  private answering<A, E, R>(
    continues: boolean,
    answer: (read: () => void) => Effect.Effect<A, E, R>
  ): Effect.Effect<A, E, R | Scope.Scope> {
    return Effect.suspend(() => {
      let reader: Reader | undefined
      const finish = Effect.sync(() => {
        if (reader !== undefined) this.readers.delete(reader)
        this.releaseLeft()
      })
      return Effect.andThen(
        Effect.addFinalizer(() => finish),
        answer(() => void this.readers.add(reader = this.reader(continues)))
      )
    })
  }

  answer(method: Methods[string], payload: unknown, { taken }: Call): object {
    if (taken !== undefined && taken.length > 0) {
      this.calls++
      for (const handle of taken) this.brought.set(handle, this.calls)
    }
    const answer = method(payload as never)
    if (Stream.isStream(answer)) {
      return Stream.unwrap(this.answering(true, (read) =>
        Effect.sync(() => {
          read()
          return answer
        })))
    }
    if (this.calls === 0 && taken === undefined) return answer
    // a call that waits for an item has not read a value yet
    return this.answering(
      false,
      (read) => Effect.tap(answer as Effect.Effect<unknown, unknown>, () => Effect.sync(read))
    )
  }
}

// by container: several handles of one container share the entry
const all = new WeakMap<object, ItemHandles>()

/**
 * The methods of a container. A call by the owner itself drops nothing. `maxLag`: the streams of the container deliver later values, and
 * lag by at most this number of values; without `maxLag`, a stream delivers the content of the container at its start.
 */
export const serve = <M extends object>(container: object, make: (drop: Drop) => M, maxLag?: number): M => {
  const handles = all.get(container) ?? new ItemHandles(maxLag)
  all.set(container, handles)
  const own = make(() => undefined) as Methods
  const others = make(handles.drop) as Methods
  return Object.fromEntries(
    Object.keys(own).map((tag) => [
      tag,
      (payload: unknown, call?: Call) =>
        call === undefined ? own[tag]!(payload as never) : handles.answer(others[tag]!, payload, call)
    ])
  ) as M
}
