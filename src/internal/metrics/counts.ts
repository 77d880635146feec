/**
 * The number of calls of each kind of actor in this process, by method and outcome. A call that settles increments one integer; a
 * reader adds the integers up.
 */
import type * as Exit from "effect/Exit"

/** The outcomes of a call, in the order of their codes. */
export const outcomes = ["ok", "error", "defect", "interrupted", "not_run", "unknown", "rejected"] as const

export const ok = 0
/** the handler failed with an error of its method */
export const error = 1
export const defect = 2
/** the caller was interrupted, or the handler has interrupted itself */
export const interrupted = 3
/** the call failed with an error of the engine, and has not run */
export const notRun = 4
/** the call failed with an error of the engine, and may have run */
export const unknown = 5
/** the mailbox was full */
export const rejected = 6

/** The code of an outcome. */
export type Outcome =
  | typeof ok
  | typeof error
  | typeof defect
  | typeof interrupted
  | typeof notRun
  | typeof unknown
  | typeof rejected

/** The number of outcomes. */
const size = outcomes.length

/** Calls, by method and outcome. */
export class CallCounts {
  readonly kind: Kind
  private readonly values: Array<number>

  constructor(kind: Kind) {
    this.kind = kind
    this.values = new Array<number>(kind.methods.length * size).fill(0)
  }

  /** A call of the method with this index has settled. */
  count(method: number, outcome: Outcome): void {
    this.values[method * size + outcome]!++
  }

  /** The number of calls of a method that had an outcome. */
  get(method: number, outcome: number): number {
    return this.values[method * size + outcome]!
  }

  /** Adds the calls of an actor that has ended. */
  add({ values }: CallCounts): void {
    for (let i = 0; i < values.length; i++) this.values[i]! += values[i]!
  }
}

/** The actors of one definition. */
export class Kind {
  readonly name: string
  readonly methods: ReadonlyArray<{ readonly tag: string }>
  /** the calls of all actors that are not counted apart, or have ended */
  readonly counts: CallCounts
  /** the calls of the actors that are counted apart */
  readonly apart = new Set<CallCounts>()

  constructor(name: string, methods: Kind["methods"]) {
    this.name = name
    this.methods = methods
    this.counts = new CallCounts(this)
  }
}

const byMethods = new WeakMap<object, Kind>()

/** All kinds that have been called. */
export const kinds = new Set<Kind>()

const listeners = new Set<(kind: Kind) => void>()

/** Calls back with each kind that is called for the first time. Returns the function that detaches the listener. */
export const onKind = (listener: (kind: Kind) => void): () => void => {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

/** The kind of an actor with these methods. */
export const kindOf = (name: string, methods: Kind["methods"], isActor: boolean): Kind => {
  let kind = byMethods.get(methods)
  if (kind === undefined) {
    byMethods.set(methods, kind = new Kind(name, methods))
    if (isActor) {
      kinds.add(kind)
      for (const listener of listeners) listener(kind)
    }
  }
  return kind
}

/** The outcome of a handler that has ended. */
export const outcomeOf = (exit: Exit.Exit<unknown, unknown>): Outcome => {
  if (exit._tag === "Success") return ok
  const tags = new Set(exit.cause.reasons.map(({ _tag }) => _tag))
  return tags.has("Fail") ? error : tags.has("Die") ? defect : interrupted
}

/** The counts for the calls of an actor. The calls of objects behind other handles are counted, and not listed. */
export const of = (name: string, methods: Kind["methods"], isActor: boolean): CallCounts =>
  kindOf(name, methods, isActor).counts

/** An actor whose calls may be counted apart. */
export interface Counted {
  readonly name: string
  readonly methods: Kind["methods"]
  readonly isActor: boolean
  counts: CallCounts | undefined
}

/** Counts the calls of an actor apart from now on, until it ends. */
export const separate = (actor: Counted): CallCounts => {
  const kind = kindOf(actor.name, actor.methods, actor.isActor)
  if (actor.counts !== undefined && actor.counts !== kind.counts) return actor.counts
  const counts = actor.counts = new CallCounts(kind)
  kind.apart.add(counts)
  return counts
}

/** The actor has ended: its calls are added to those of its kind. */
export const ended = (actor: Counted): void => {
  const { counts } = actor
  if (counts === undefined || !counts.kind.apart.delete(counts)) return
  counts.kind.counts.add(counts)
  actor.counts = counts.kind.counts
}
