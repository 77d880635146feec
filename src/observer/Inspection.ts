/** What the inspector of V8 says of a worker: its stack, and its profile. */
import * as Schema from "effect/Schema"

/**
 * One frame of a JavaScript stack.
 *
 * @category models
 * @since 0.2.0
 */
export class Frame extends Schema.Class<Frame>("uactor/Observer/Frame")({
  /** The name of the function; empty for an anonymous function. */
  functionName: Schema.String,
  /** The URL of the script; empty for code without a script. */
  url: Schema.String,
  /** The line, from 1. In the stack of a worker that is not blocked: the line on which the function begins, except of the innermost. */
  line: Schema.Int,
  /** The column, from 1. */
  column: Schema.Int
}) {}

/**
 * A profile in the format of `.cpuprofile` files: its JSON opens in the developer tools of Chromium and in VS Code.
 *
 * @category models
 * @since 0.2.0
 */
export interface CpuProfile {
  /** The functions, as a tree: `children` are ids of other nodes. */
  readonly nodes: ReadonlyArray<{
    /** The id of the node. */
    readonly id: number
    /** The function. */
    readonly callFrame: {
      /** The name of the function; empty for an anonymous function. */
      readonly functionName: string
      /** The id of the script in V8. */
      readonly scriptId: string
      /** The URL of the script; empty for code without a script. */
      readonly url: string
      /** From 0. */
      readonly lineNumber: number
      /** From 0. */
      readonly columnNumber: number
    }
    /** The number of samples in the function itself. */
    readonly hitCount?: number
    /** The ids of the functions that this one calls. */
    readonly children?: ReadonlyArray<number>
  }>
  /** In microseconds. */
  readonly startTime: number
  /** In microseconds. */
  readonly endTime: number
  /** The ids of the nodes of the samples. */
  readonly samples?: ReadonlyArray<number>
  /** The times between the samples, in microseconds. */
  readonly timeDeltas?: ReadonlyArray<number>
}
