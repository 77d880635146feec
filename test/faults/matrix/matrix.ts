/**
 * The matrix as data: everything that can be asked of an actor, by everything that can go wrong, and what the caller may then be
 * told. What is not in a set here is a defect.
 */
import type { FaultOptions } from "../../../src/testing/ActorTest.ts"
import type { Placement } from "../../contract/support/placements.ts"
import type { Harm } from "./victim.ts"

const operations = ["call", "tell", "stream", "spawn", "close", "pool call", "broadcast"] as const
type Operation = typeof operations[number]

/**
 * How an operation ended for its caller: `answered`; `defect` of the handler; a typed error, by its tag, and what it says of the
 * work.
 */
export type Ending =
  | "answered"
  | "defect"
  | "ProtocolError Unknown"
  | `ActorExited ${Reason} ${"NotRun" | "Unknown"}`
  | "SpawnError WorkerFailed"

type Reason = "Crashed" | "Killed" | "OutOfMemory" | "Unresponsive" | "Disconnected"

/** Something that goes wrong. */
export interface Harmful {
  readonly name: string
  /** what the handler, the constructor or the finalizer does */
  readonly harm: Harm
  /** what is done to its process, once it has begun */
  readonly signal?: NodeJS.Signals
  /** what is done to its worker's link */
  readonly faults?: FaultOptions
  /** how the actor ends; `undefined`: it lives on */
  readonly reason: Reason | undefined
  /** it strikes from outside, and the operation may be over by then, or not have begun */
  readonly isAsynchronous: boolean
  readonly endings: ReadonlyArray<Ending>
  /** of a call that waits behind the one that comes to harm */
  readonly behind: ReadonlyArray<Ending>
}

// short, for it is waited for; a machine that is slow may make it come too early, which changes nothing
const heartbeat = "300 millis"

const survivable = (name: string, harm: Harm, ending: Ending): Harmful => ({
  name,
  harm,
  reason: undefined,
  isAsynchronous: false,
  endings: [ending],
  behind: ["answered"]
})

/** A worker that comes to harm by what its handler does; `isProved`: it is known that what waits has not begun. */
const deadly = (
  name: string,
  harm: Harm,
  reason: Reason,
  isProved: boolean,
  more: Pick<Harmful, "signal" | "faults"> = {}
): Harmful => ({
  name,
  harm,
  ...more,
  reason,
  isAsynchronous: false,
  endings: [`ActorExited ${reason} Unknown`],
  behind: [`ActorExited ${reason} ${isProved ? "NotRun" : "Unknown"}`]
})

const outside = (name: string, reason: Reason, faults: FaultOptions): Harmful => {
  const endings: ReadonlyArray<Ending> = [
    "answered",
    "SpawnError WorkerFailed",
    `ActorExited ${reason} NotRun`,
    `ActorExited ${reason} Unknown`
  ]
  return { name, harm: "none", faults, reason, isAsynchronous: true, endings, behind: endings }
}

// the first message to a worker is "spawn", and the operation is the second, unless it is the spawn
const stepOf = (operation: Operation): number => operation === "spawn" ? 1 : 2

// "ready", "spawned", and a few for the operation itself: six messages from the worker at most, or one more where the answer of a slow
// handler leaves by itself, so the link is cut after each; a heartbeat adds none in time
const cuts = [0, 1, 2, 3, 4, 5, 6]

/** Everything that can go wrong with an operation there. */
const harmfuls = (operation: Operation, placement: Placement["name"]): ReadonlyArray<Harmful> => {
  const isThread = placement === "threads"
  const step = stepOf(operation)
  // there is no heartbeat before a worker has said that it is ready, so a spawn is frozen behind that
  const freeze: FaultOptions = operation === "spawn"
    ? { fromWorker: { freezeAfter: 1 } }
    : { toWorker: { freezeAfter: step } }
  return [
    survivable("throw", "throw", "defect"),
    survivable("die", "die", "defect"),
    deadly("exit", "exit", "Crashed", true),
    isThread
      ? outside("SIGKILL", "Killed", { toWorker: { killAfter: step } })
      : deadly("SIGKILL", "hang", "Killed", false, { signal: "SIGKILL" }),
    isThread
      ? outside("SIGSTOP", "Unresponsive", { ...freeze, heartbeat })
      : deadly("SIGSTOP", "hang", "Unresponsive", false, { signal: "SIGSTOP", faults: { heartbeat } }),
    deadly("blocked loop", "block", "Unresponsive", true, { faults: { heartbeat } }),
    deadly("out of memory", "outOfMemory", "OutOfMemory", isThread),
    // building and closing have no reply, and a finalizer has no typed error
    ...operation === "spawn" || operation === "close"
      ? []
      : [survivable("undecodable reply", "unreadable", "ProtocolError Unknown")],
    ...operation === "close"
      ? []
      : [
        survivable("undecodable error", "unreadableError", operation === "spawn" ? "defect" : "ProtocolError Unknown")
      ],
    ...cuts.map((k) => outside(`cut after ${k} to the worker`, "Disconnected", { toWorker: { cutAfter: k } })),
    ...cuts.map((k) => outside(`cut after ${k} from the worker`, "Disconnected", { fromWorker: { cutAfter: k } }))
  ]
}

/** What the caller may be told. */
const endingsOf = (operation: Operation, harmful: Harmful): ReadonlyArray<Ending> => {
  const { endings, isAsynchronous, reason } = harmful
  switch (operation) {
    // it has been accepted, or its actor was gone before
    case "tell":
      return ["answered", ...reason === undefined ? [] : endings]
    // what ends the worker closes the actor as well
    case "close":
      return reason === undefined ? endings : ["answered"]
    case "spawn":
      return reason === undefined ? endings : isAsynchronous ? endings : ["SpawnError WorkerFailed"]
    default:
      return endings
  }
}

/** One test: an operation, what goes wrong with it, and what its caller may be told. */
export interface Cell {
  readonly placement: Placement["name"]
  readonly operation: Operation
  readonly harmful: Harmful
  readonly endings: ReadonlyArray<Ending>
}

/** The cells of a placement. */
export const cells = (placement: Placement["name"]): ReadonlyArray<Cell> =>
  operations.flatMap((operation) =>
    harmfuls(operation, placement).map((harmful) => ({
      placement,
      operation,
      harmful,
      endings: endingsOf(operation, harmful)
    }))
  )
