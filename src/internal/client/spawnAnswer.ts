/**
 * The answer to the spawn of an actor, as its owner gets it.
 */
import type { SpawnAnswer } from "../proxy/proxyState.ts"
import * as Frames from "../wire/frames.ts"

const built: SpawnAnswer = { _tag: "Built" }

/** The answer with one of the `Spawn…` codes. */
export const answerOf = (status: number, value: unknown): SpawnAnswer => {
  switch (status) {
    case Frames.SpawnOk:
      return built
    case Frames.SpawnFailed:
      return { _tag: "Failed", error: value }
    case Frames.SpawnDied:
      return { _tag: "Died", cause: value as Frames.EncodedCause }
    case Frames.SpawnNotServed:
      return { _tag: "NotServed", served: value as ReadonlyArray<string> }
    case Frames.SpawnArgsInvalid:
      return { _tag: "ArgsInvalid", why: String(value) }
    case Frames.SpawnLacksService:
      return { _tag: "LacksService", service: String(value) }
    default:
      return { _tag: "Lost", why: String(value) }
  }
}
