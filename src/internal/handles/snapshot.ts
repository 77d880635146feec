/**
 * Snapshots of values that may have to be sent again: copies with their own handles. A snapshot is made by exporting the value and
 * importing it here immediately, so the snapshot holds its handles like any other holder (H5).
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Sendable from "../clone/sendable.ts"
import { copy } from "../clone/structuredCopy.ts"
import * as Codec from "../codec/codec.ts"
import * as Handles from "./handle.ts"
import * as Marshal from "./marshal.ts"
import * as WireHandles from "./wireHandle.ts"

/** A link to itself: exported handles are imported from the same table. */
class LoopbackEnds implements Handles.Ends, Handles.ExportTable, Handles.ImportTable {
  readonly exports = this
  readonly imports = this
  readonly introducer = undefined
  readonly channels = undefined
  readonly size = 0
  private readonly scope: Scope.Scope
  private readonly exported: Array<Pick<Handles.ObjectSource | Handles.ResultSource, "reclaim">> = []

  constructor(scope: Scope.Scope) {
    this.scope = scope
  }

  /** Exports an object. The share taken for the export is released with the scope. */
  addObject(object: Handles.ObjectSource): WireHandles.WireHandle {
    if (object.isRelay) object.open(this.scope)
    return WireHandles.wire([WireHandles.WireObject, this.exported.push(object), "", ""])
  }

  /** Exports a result. */
  addResult(source: Handles.ResultSource): WireHandles.WireHandle {
    return WireHandles.pending(this.exported.push(source))
  }

  add(content: WireHandles.WireContent, _handleKind: unknown, from: Handles.Importing): object {
    return this.exported[content[1] - 1]!.reclaim(from)
  }

  // exports need no messages here; closing the scope releases all of them
  reclaim(): undefined {}
  importEnded(): never {
    throw new TypeError("the exports of a snapshot are never gone")
  }
  release(): void {}
  releaseId(): void {}
  expect(): void {}
  decline(): void {}
  revoke(): void {}
  pin(): () => void {
    return () => undefined
  }
}

/** Copies an encoded value without handles. Throws if the value cannot be sent. */
export const copyOf = (encoded: unknown): unknown => copy(Sendable.prepare(encoded, undefined, false))

/** A snapshot with handles, and the function that releases the handles. */
interface Snapshot {
  readonly value: unknown
  readonly release: () => void
}

/** Takes a snapshot of a value with handles. Fails if the value does not match its schema or contains a part that cannot be copied. */
export const take = (codec: Codec.Codec, value: unknown): Effect.Effect<Snapshot, unknown> =>
  Effect.contextWith((context: Context.Context<never>) => {
    const scope = Scope.makeUnsafe()
    const ends = new LoopbackEnds(scope)
    const transaction = new Marshal.EncodeTransaction({ ends, owner: undefined })
    const from: Handles.Importing = { ends, owner: Handles.caller, receiver: undefined, context, scope }
    return Effect.flatMap(
      Codec.collect(Marshal.encode(transaction, codec, value)),
      ([encoded]) => {
        const copied = copyOf(transaction.packed(encoded))
        return Marshal.decode(from, codec, transaction.flag === 0 ? copied : WireHandles.open(copied))
      }
    ).pipe(
      Effect.map((value): Snapshot => ({ value, release: () => void Effect.runFork(Scope.close(scope, Exit.void)) })),
      Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
    )
  })
