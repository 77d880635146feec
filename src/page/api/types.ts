/** What the server answers: the JSON of the classes of `uactor/Observer`. */
import type { ProgramInfo } from "../../node/observer/protocol.ts"
import type * as Events from "../../observer/Event.ts"
import type * as Explanations from "../../observer/Explanation.ts"
import type * as Inspections from "../../observer/Inspection.ts"
import type { SnapshotOptions } from "../../observer/Snapshot.ts"

export type Program = typeof ProgramInfo.Encoded
export type Action = Program["actions"][number]
export type Event = typeof Events.Event.Encoded
export type Cycle = typeof Explanations.Cycle.Encoded
export type Explanation = typeof Explanations.Explanation.Encoded
export type ExplanationStep = typeof Explanations.ExplanationStep.Encoded
export type Frame = typeof Inspections.Frame.Encoded
export type { CpuProfile } from "../../observer/Inspection.ts"
export type { ActorInfo, MethodInfo, Snapshot, WorkerInfo } from "./decode.ts"

/** Which actors a snapshot lists. */
export interface SnapshotQuery {
  readonly sort: NonNullable<SnapshotOptions["sort"]>
  readonly limit: number
  readonly name?: string | undefined
  readonly worker?: string | undefined
  readonly pool?: string | undefined
  readonly calls?: number | undefined
}
