/**
 * Explains in words why a call has not been answered, or what an actor does: the handlers that it waits for, one step for each.
 */
import type { ObjectWait, Unread } from "./calls.ts"
import type { Calls, Cycle, Graph, Handler, Wait } from "./graph.ts"

/** An actor, as its system knows it. */
interface KnownActor {
  readonly id: string
  readonly status: string
  readonly worker: { readonly id: string }
  readonly proxy: {
    readonly running: number
    readonly forked: number
    readonly queued: number
    readonly waiting: { readonly size: number }
  }
}

/** One line of an explanation. */
interface Step {
  /** 0 for what was asked about; a step explains the step above it with a lower depth */
  readonly depth: number
  readonly actor: string
  readonly method: string
  readonly call: string | undefined
  readonly state: "AtCaller" | "InMailbox" | "Running" | "Interrupting" | "Idle" | "Blocked"
  readonly forMillis: number | undefined
  readonly ahead: number
  readonly closesCycle: boolean
  readonly text: string
}

/** Whether a cycle can never end by itself. */
type Certainty = "proved" | "possible"

/** Why a call or an actor waits. */
export interface Explained {
  /** `undefined`: no cycle has been found */
  readonly deadlock: Certainty | undefined
  readonly steps: ReadonlyArray<Step>
  readonly text: string
  /** the workers whose calls are missing */
  readonly unread: ReadonlyArray<Unread>
}

/** The maximum number of steps of an explanation. */
const maxSteps = 64

const timeOf = (millis: number): string => millis < 1_000 ? `${millis} ms` : `${(millis / 1_000).toFixed(1)} s`

const ordinals = ["first", "2nd", "3rd"]
const ordinal = (ahead: number): string => ordinals[ahead] ?? `${ahead + 1}th`

const callText = (method: string, actor: string): string => {
  const at = method.indexOf(".")
  return at < 0 || !actor.startsWith(`${method.slice(0, at)}-`) && !actor.includes(`/${method.slice(0, at)}-`)
    ? `${method} of ${actor}`
    : `${actor}${method.slice(at)}`
}

const nameOf = (actor: string): string => actor === "" ? "the program" : actor

/** The maximum number of actors that a step names. */
const maxNames = 8

const namesOf = (actors: ReadonlyArray<string>): string => {
  const names = actors.slice(0, maxNames).map(nameOf)
  const rest = actors.length - names.length
  return [...names, ...rest === 0 ? [] : [`${rest} others`]].join(" and ")
}

// for what a call waits at an object, and who may end that
const objectText = (graph: Graph, wait: ObjectWait, thread: string): string => {
  const { kind, permits, what } = wait
  const object = `the ${kind.toLowerCase()}`
  const actors = permits === undefined ? graph.actorsAt(wait, thread) : graph.actorsHolding(wait, thread)
  const verb = actors.length === 1 ? "holds" : "hold"
  if (permits !== undefined) return actors.length === 0 ? `for ${what}` : `for ${what} that ${namesOf(actors)} ${verb}`
  return `for ${what}; ${
    actors.length === 0 ? `no other actor holds ${object}` : `${namesOf(actors)} ${verb} ${object}`
  }`
}

const countOf = (count: number, name: string): string => `${count} ${name}${count === 1 ? "" : "s"}`

/** The id of a call at its caller; a call that has not been sent has its number in the thread. */
const waitId = ({ made: { key, serial }, thread }: Wait): string =>
  key === "" ? `waiting-${serial}${thread === "" ? "" : `@${thread}`}` : key

/** The id of a call, in its thread. */
const callId = ({ served: { key }, thread }: Handler): string => key.includes("?") ? `${key}@${thread}` : key

// the handler behind a relay: the relay forwards the call, and waits for it
const behindRelays = (graph: Graph, handler: Handler): Handler => {
  let at = handler
  for (let i = 0; i < maxSteps && at.served.kind === "Relay"; i++) {
    const [wait] = at.waits
    const next = wait && graph.servedOf(wait)
    if (next === undefined) return at
    at = next
  }
  return at
}

class Explainer {
  private readonly calls: Calls
  private readonly steps: Array<Step> = []
  private readonly path = new Set<Handler>()
  private readonly workerOf: (actor: string) => string | undefined
  private readonly proved: ReadonlySet<Handler>
  private deadlock: Certainty | undefined

  /** `proved`: the handlers in proved cycles */
  constructor(
    calls: Calls,
    workerOf: (actor: string) => string | undefined,
    proved: ReadonlySet<Handler>
  ) {
    this.calls = calls
    this.workerOf = workerOf
    this.proved = proved
  }

  get explained(): Explained {
    const { calls: { unread }, deadlock, steps } = this
    const lines = steps.map(({ depth, text }) => "  ".repeat(depth) + text)
    // a step says itself that its worker does not answer
    const failures = unread.flatMap(({ message, reason }) => reason === "Failed" ? [message] : [])
    return { deadlock, steps, text: [...lines, ...failures].join("\n"), unread }
  }

  private add(step: Omit<Step, "ahead" | "call" | "closesCycle" | "forMillis"> & Partial<Step>): void {
    if (this.steps.length >= maxSteps) return
    this.steps.push({ ahead: 0, call: undefined, closesCycle: false, forMillis: undefined, ...step })
  }

  // what a call waits for, as the end of a sentence, and the handlers that explain it
  private waitText(wait: Wait): readonly [text: string, handlers: ReadonlyArray<Handler>, step: Partial<Step>] {
    const { graph, silent } = this.calls
    const { made } = wait
    const sent = graph.servedOf(wait)
    const served = sent && behindRelays(graph, sent)
    // a relayed call may wait at the relay
    const [last] = served?.served.kind === "Relay" ? served.waits : []
    if (last !== undefined && graph.servedOf(last) === undefined) return this.waitText(last)
    if (served === undefined) {
      if (made.state === "Waiting") {
        return [`for room in the mailbox of ${made.target}`, graph.runningIn(made.target), { state: "AtCaller" }]
      }
      if (made.queue !== undefined) {
        const [, ahead] = made.queue
        const members = graph.membersOf(wait)
        const running = graph.next(wait)
        const text = `in the queue of the pool, ${ordinal(ahead)} in line ` +
          `(${countOf(members.length, "member")} ${members.length === 1 ? "runs" : "run"} ${
            countOf(running.length, "call")
          })`
        return [text, running, { state: "AtCaller", ahead }]
      }
      if (made.state === "Paused") return [`until ${made.target} takes calls`, [], { state: "AtCaller" }]
      const worker = this.workerOf(made.target)
      const isSilent = worker !== undefined && silent.has(worker)
      return isSilent
        ? [`for ${worker}, which does not answer: its stack names the function that blocks it`, [], {
          state: "Blocked"
        }]
        : ["for its answer", [], { state: "Running" }]
    }
    const { actor, ahead, kind, state } = served.served
    if (state === "Queued") {
      return [`in the mailbox of ${actor}, ${ordinal(ahead)} in line`, graph.runningIn(actor), {
        state: "InMailbox",
        ahead
      }]
    }
    return kind === "Object" && served.waits.length === 0 && served.served.at === undefined
      ? [`at ${made.target}`, [], { state: "Running" }]
      : ["", [served], { state: state === "Interrupting" ? "Interrupting" : "Running" }]
  }

  /** Explains a call from its caller's end. */
  call(wait: Wait): void {
    const { made } = wait
    const [text, handlers, step] = this.waitText(wait)
    const what = callText(made.method, made.target)
    const only = text === "" ? handlers[0] : undefined
    if (only !== undefined) return this.handler(only, 0)
    this.add({
      depth: 0,
      actor: made.target,
      method: made.method,
      call: waitId(wait),
      state: "Running",
      ...step,
      text: `${what} waits: ${text}`
    })
    for (const handler of handlers) this.handler(handler, 1)
  }

  /** Explains what a handler waits for. */
  handler(handler: Handler, depth: number): void {
    const { graph } = this.calls
    const { served: { actor, at, forMillis, isForked, kind, method, state, within } } = handler
    const concurrency = graph.places.get(actor)?.actor.concurrency
    const details = [
      ...isForked
        ? ["outside of its concurrency"]
        : kind === "Actor"
        ? [`concurrency ${concurrency ?? "unknown"}`]
        : [],
      ...within === "" ? [] : [`in ${within}`]
    ]
    const subject = kind === "Object"
      ? `${method} of a ${at?.kind.toLowerCase() ?? "handle"} of ${nameOf(actor)} waits for ${timeOf(forMillis)}`
      : `${actor} runs ${method} for ${timeOf(forMillis)} (${details.join(", ")})`
    const waits = handler.waits.slice(0, 8).map((wait) => [wait, this.waitText(wait)] as const)
    const targets = waits.map(([{ made, isCertain }, [text]]) =>
      `waits for ${callText(made.method, made.target)}${text === "" ? "" : `, ${text}`}${
        isCertain ? "" : ", among others"
      }`
    )
    const objects = graph.objectWaits(handler)
    for (const wait of objects) {
      targets.push(`${at === undefined ? "waits " : ""}${objectText(graph, wait, handler.thread)}`)
    }
    const what = state === "Interrupting"
      ? ": is being interrupted"
      : targets.length === 0
      ? kind === "Object" ? "" : ": makes no call"
      : `: ${targets.join("; ")}`
    this.path.add(handler)
    const next = new Set([
      ...waits.flatMap(([, [, handlers]]) => handlers),
      ...objects.flatMap((wait) => graph.handlersAt(wait, handler.thread))
    ])
    const closing = Array.from(next).find((other) => this.path.has(other))
    this.add({
      depth,
      actor,
      method,
      call: callId(handler),
      state: state === "Interrupting" ? "Interrupting" : "Running",
      forMillis,
      closesCycle: closing !== undefined,
      text: `${subject}${what}${closing === undefined ? "" : `   ← ${this.cycleText(closing)}`}`
    })
    if (this.steps.length < maxSteps) {
      for (const other of next) if (!this.path.has(other)) this.handler(other, depth + 1)
    }
    this.path.delete(handler)
  }

  private cycleText(first: Handler): string {
    const path = Array.from(this.path)
    const cycle = path.slice(path.indexOf(first))
    const isProved = cycle.every((handler) => this.proved.has(handler))
    if (isProved) this.deadlock = "proved"
    else this.deadlock ??= "possible"
    return `a cycle: ${cycleEnd(cycle.filter(({ served: { kind } }) => kind === "Actor").length, isProved)}`
  }

  /** Says why nothing is known of an actor. */
  hidden(actor: string, { message }: Unread): void {
    this.add({ depth: 0, actor, method: "", state: "Blocked", text: `${actor} is not read: ${message}` })
  }

  /** Explains what an actor does. */
  actor(actor: KnownActor): void {
    const { graph, silent } = this.calls
    const { id, proxy, status, worker } = actor
    if (silent.has(worker.id)) {
      return this.add({
        depth: 0,
        actor: id,
        method: "",
        state: "Blocked",
        text: `${id} is blocked: ${worker.id} does not answer, and its stack names the function that blocks it; ` +
          `${proxy.running + proxy.forked} calls were running, ${proxy.queued} queued, ${proxy.waiting.size} waiting`
      })
    }
    const running = graph.handlersOf(id)
    for (const handler of running) this.handler(handler, 0)
    if (running.length > 0) return
    const text = status === "Running" ? `${id} runs no call` : `${id} is ${status}`
    this.add({ depth: 0, actor: id, method: "", state: "Idle", text })
  }
}

/** An actor by its row, which another thread has read. */
export const knownOf = (
  { id, mailbox: { waiting, ...mailbox }, state, worker }: {
    readonly id: string
    readonly state: string
    readonly worker: string
    readonly mailbox: Omit<KnownActor["proxy"], "waiting"> & { readonly waiting: number }
  }
): KnownActor => ({ id, status: state, worker: { id: worker }, proxy: { ...mailbox, waiting: { size: waiting } } })

const numbers = ["", "", "these two", "these three"]

const cycleEnd = (calls: number, isProved: boolean): string =>
  isProved
    ? calls === 1 ? "the call cannot be answered" : `none of ${numbers[calls] ?? `these ${calls}`} can be answered` :
    "they may wait for each other for ever"

/** Explains the call with an id, or the actor with an id; `undefined`: there is none. `all`: the cycles. */
export const explain = (
  calls: Calls,
  id: string,
  actorOf: (id: string) => KnownActor | undefined,
  all: ReadonlyArray<Cycle>
): Explained | undefined => {
  const { graph } = calls
  const proved = new Set(all.flatMap(({ handlers, isProved }) => isProved ? handlers : []))
  const explainer = new Explainer(calls, (actor) => actorOf(actor)?.worker.id, proved)
  const actor = actorOf(id)
  const handler = graph.handlers.find((handler) => callId(handler) === id)
  if (actor !== undefined) explainer.actor(actor)
  else if (handler !== undefined) {
    const wait = handler.served.state === "Queued" ? graph.madeOf(handler) : undefined
    if (wait === undefined) explainer.handler(handler, 0)
    else explainer.call(wait)
  } else if (graph.handlersOf(id).length > 0) {
    // an actor that has ended meanwhile, or whose worker has answered late
    for (const handler of graph.handlersOf(id)) explainer.handler(handler, 0)
  } else {
    const wait = graph.made.find((wait) => waitId(wait) === id)
    const hidden = calls.unread.find(({ worker }) => worker !== "" && id.startsWith(`${worker}/`))
    if (wait !== undefined) explainer.call(wait)
    else if (hidden !== undefined) explainer.hidden(id, hidden)
    else return undefined
  }
  return explainer.explained
}

/** A call that an actor runs. */
export interface CycleCall {
  readonly call: string
  readonly actor: string
  readonly method: string
  readonly forMillis: number
  /** the id of the actor that has made the call; `undefined`: the program has made it, or the caller is not known */
  readonly caller: string | undefined
}

const cycleCall = (graph: Graph, handler: Handler): CycleCall => {
  const { served: { actor, forMillis, method } } = handler
  return { call: callId(handler), actor, method, forMillis, caller: graph.makerOf(handler) || undefined }
}

/** The calls that an actor runs, the oldest first. */
export const callsOf = (graph: Graph, actor: string): ReadonlyArray<CycleCall> =>
  graph.handlersOf(actor).map((handler) => cycleCall(graph, handler)).toSorted((a, b) => b.forMillis - a.forMillis)

/** The calls in the queue of a pool. */
export interface QueuedCalls {
  readonly pool: string
  readonly members: ReadonlyArray<string>
  readonly waiting: number
  /** the first calls, in order */
  readonly calls: ReadonlyArray<{ readonly call: string; readonly method: string; readonly ahead: number }>
}

/** The calls in the queues of all pools; `limit`: the maximum number of calls of each. */
export const queuesOf = (graph: Graph, limit: number): ReadonlyArray<QueuedCalls> =>
  graph.queues.map(([pool, members, calls]) => ({
    pool,
    members,
    waiting: calls.length,
    calls: calls.slice(0, limit).map((wait) => {
      const { method, queue } = wait.made
      return { call: waitId(wait), method, ahead: queue![1] }
    })
  }))

/** A cycle in words. */
export interface ExplainedCycle {
  readonly certainty: Certainty
  readonly calls: ReadonlyArray<CycleCall>
  readonly text: string
}

/** Describes a cycle of a graph, beginning with the smallest id, without the calls that only forward others. */
export const describe = (graph: Graph, { handlers, isProved }: Cycle): ExplainedCycle => {
  const shown = handlers.filter(({ served: { kind } }) => kind === "Actor")
  const first = shown.reduce(
    (at, handler, i) => callId(handler) < callId(shown[at]!) ? i : at,
    0
  )
  const calls = [...shown.slice(first), ...shown.slice(0, first)].map((handler) => cycleCall(graph, handler))
  const chain = [...calls, ...calls.slice(0, 1)].map(({ actor, method }) => callText(method, actor)).join(" → ")
  return {
    certainty: isProved ? "proved" : "possible",
    calls,
    text: `${chain}: a cycle, ${cycleEnd(calls.length, isProved)}`
  }
}
