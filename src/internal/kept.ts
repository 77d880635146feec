/**
 * The handles in the items of a container. One that comes in through a handle of the container is handed over to it, which lets go of it
 * when the item leaves in the same way: taken, removed, replaced or refused. What the owner itself puts in or takes out is the owner's.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Handles from "./handles.ts"

/** Tells of values that leave the container, or do not get into it. */
export type Drop = (values: unknown) => void

/** A call from elsewhere, with the handles in its payload, where that or its answer may have any. */
interface Call {
  readonly taken?: ReadonlyArray<object> | undefined
}

type Methods = Readonly<Record<string, (payload: never) => object>>

/** What one container keeps. */
class Kept {
  private readonly brought = new WeakSet<object>()
  private isUsed = false
  /** what has left, and may be in an answer that is not encoded yet */
  private left: Array<object> = []
  /** the answers that have been read and are not encoded yet, and the streams */
  private readers = 0

  readonly drop: Drop = (values) => {
    if (!this.isUsed) return
    Handles.forEachHandle(values, (handle) => {
      if (this.brought.delete(handle)) this.left.push(handle)
    })
  }

  // `read` is told when there is something to be encoded
  private answering<A, E, R>(
    answer: (read: () => void) => Effect.Effect<A, E, R>
  ): Effect.Effect<A, E, R | Scope.Scope> {
    return Effect.suspend(() => {
      let reading = 0
      const letGo = Effect.sync(() => {
        this.readers -= reading
        if (this.readers === 0) this.left.splice(0).forEach(Handles.letGo)
      })
      return Effect.andThen(
        Effect.addFinalizer(() => letGo),
        answer(() => void (this.readers += reading = 1))
      )
    })
  }

  answer(method: Methods[string], payload: unknown, { taken }: Call): object {
    taken?.forEach((handle) => {
      this.brought.add(handle)
      this.isUsed = true
    })
    const answer = method(payload as never)
    if (Stream.isStream(answer)) {
      return Stream.unwrap(this.answering((read) =>
        Effect.sync(() => {
          read()
          return answer
        })
      ))
    }
    if (!this.isUsed && taken === undefined) return answer
    // who waits for an item has not read anything
    return this.answering((read) => Effect.tap(answer as Effect.Effect<unknown, unknown>, () => Effect.sync(read)))
  }
}

// of a container of which several handles were made, all have the same
const all = new WeakMap<object, Kept>()

/** The methods of a container. Those that are called by the owner itself drop nothing. */
export const serve = <M extends object>(container: object, make: (drop: Drop) => M): M => {
  const kept = all.get(container) ?? new Kept()
  all.set(container, kept)
  const own = make(() => undefined) as Methods
  const others = make(kept.drop) as Methods
  return Object.fromEntries(
    Object.keys(own).map((tag) => [
      tag,
      (payload: unknown, call?: Call) =>
        call === undefined ? own[tag]!(payload as never) : kept.answer(others[tag]!, payload, call)
    ])
  ) as M
}
