/**
 * Finds actors and workers by their ids, asks and ends them: those of the systems of this thread, and, through the worker that has made their
 * system, all others.
 */
import * as Effect from "effect/Effect"
import { Deadlines } from "../runtime/deadlines.ts"
import type { Probe, ProbeError, StackFrame } from "./probe.ts"
import * as Readings from "./readings.ts"
import * as Rows from "./rows.ts"
import { type ObservedActor, type ObservedWorker, systems } from "./systems.ts"

/** Fails with a reason. */
const refuse = (reason: Rows.Refusal["reason"], message: string): Effect.Effect<never, Rows.Refusal> =>
  Effect.fail({ reason, message })

/** The living actor of a system of this thread with an id. */
export const actorOf = (id: string): ObservedActor | undefined => {
  for (const { observedActors } of systems) {
    for (const actor of observedActors) if (actor.id === id) return actor
  }
  return undefined
}

// ---- the actors and workers of the systems that workers have made ----

// how long a worker may not answer while it works on something, in milliseconds
const patience = new Deadlines(1_000)

/** The workers of this thread that may have made the system of an actor or a worker: their ids begin its id. */
export const parentsOf = (id: string): ReadonlyArray<ObservedWorker> =>
  Array.from(systems).flatMap(({ observedWorkers, placement: { kind } }) =>
    kind === "memory"
      ? []
      : Array.from(observedWorkers).filter((worker) =>
        worker.isReady && !worker.ending && id.startsWith(`${worker.id}/`)
      )
  )

// ends when the worker does not answer
const silence = (worker: ObservedWorker, limit: Deadlines): Effect.Effect<"silent"> =>
  Effect.flatMap(
    Readings.isAnswering(worker, limit),
    (isAnswering) =>
      isAnswering
        ? Effect.andThen(Effect.sleep(patience.timeout), silence(worker, limit))
        : Effect.succeed("silent")
  )

// asks a worker of this thread about an actor or a worker of its systems
const askParent = (
  worker: ObservedWorker,
  id: string,
  question: Rows.Question
): Effect.Effect<Rows.Answer, Rows.Refusal> =>
  Effect.flatMap(
    Effect.raceFirst(
      Readings.ask(worker, question),
      silence(worker, question[0] === "actor" ? Readings.answers : patience)
    ),
    (answer) =>
      answer === "silent"
        ? refuse(
          "NoAnswer",
          `${id}: ${worker.id}, which has made its system, does not answer; the stack of ${worker.id} names the function that blocks it` +
            (question[0] in actions ? "; the action may still take place" : "")
        )
        : answer === undefined
        ? refuse("WorkerEnded", `${id}: ${worker.id}, which has made its system, has ended`)
        : answer[0] === "refused"
        ? Effect.fail(answer[1])
        : Effect.succeed(answer)
  )

// asks the workers that may have made the system; `what` is asked about
const askParents = <Kind extends Rows.Answer[0]>(
  what: "actor" | "worker",
  id: string,
  question: Rows.Question,
  kind: Kind
): Effect.Effect<Extract<Rows.Answer, readonly [Kind, ...ReadonlyArray<unknown>]>, Rows.Refusal> =>
  Effect.gen(function*() {
    for (const worker of parentsOf(id)) {
      const answer = yield* Effect.catchIf(
        askParent(worker, id, question),
        ({ reason }) => reason === "NotFound",
        () => Effect.undefined
      )
      if (answer === undefined) continue
      if (answer[0] !== kind) return yield* refuse("Failed", `${worker.id} has answered another question`)
      return answer as Extract<Rows.Answer, readonly [Kind, ...ReadonlyArray<unknown>]>
    }
    return yield* refuse("NotFound", `no living ${what} has the id ${id}`)
  })

// ---- questions to a worker ----

// the worker of a system of this thread with an id
const probeOf = (id: string): Effect.Effect<readonly [Probe, ObservedWorker] | undefined, Rows.Refusal> =>
  Effect.suspend(() => {
    for (const { observedWorkers } of systems) {
      for (const worker of observedWorkers) {
        if (worker.id !== id) continue
        const { probe } = worker.handle
        if (probe !== undefined) return Effect.succeed([probe, worker] as const)
        return refuse(
          "Unsupported",
          `${id} cannot be inspected: its actors run in memory, in the thread that has spawned them`
        )
      }
    }
    return Effect.undefined
  })

/** Makes the refusal of a probe that has failed. */
export const refusalOf = (worker: string) => ({ message, reason }: ProbeError): Rows.Refusal => ({
  reason,
  message: `${worker}: ${message}`
})

/** The worker of a system of this thread with an id, for what cannot be asked through another worker. */
export const findProbe = (id: string): Effect.Effect<Probe, Rows.Refusal> =>
  Effect.flatMap(probeOf(id), (found) => {
    if (found !== undefined) return Effect.succeed(found[0])
    const [parent] = parentsOf(id)
    return parent === undefined ? refuse("NotFound", `no living worker has the id ${id}`) : refuse(
      "Unsupported",
      `${id} belongs to a system that ${parent.id} has made: only an Observer in ${parent.id} can take a snapshot of its heap`
    )
  })

const inspect = <A>(
  id: string,
  use: (probe: Probe, worker: ObservedWorker) => Effect.Effect<A, ProbeError>,
  askParents: Effect.Effect<A, Rows.Refusal>
): Effect.Effect<A, Rows.Refusal> =>
  Effect.flatMap(
    probeOf(id),
    (found) => found === undefined ? askParents : Effect.mapError(use(...found), refusalOf(id))
  )

/** The stack of a worker. */
export const stack = (worker: string): Effect.Effect<ReadonlyArray<StackFrame>, Rows.Refusal> =>
  inspect(
    worker,
    ({ blockedStack, busyStack }, worker) =>
      Effect.flatMap(Readings.isAnswering(worker), (isAnswering) => isAnswering ? busyStack : blockedStack),
    Effect.map(askParents("worker", worker, ["stack", worker], "stack"), ([, frames]) => frames)
  )

/** Profiles a worker for some milliseconds. */
export const cpuProfile = (worker: string, millis: number): Effect.Effect<unknown, Rows.Refusal> =>
  inspect(
    worker,
    (probe) => probe.cpuProfile(millis),
    Effect.map(askParents("worker", worker, ["cpuProfile", worker, millis], "cpuProfile"), ([, profile]) => profile)
  )

// ---- actors ----

/** Reads an actor. */
export const readActor = (
  id: string,
  limit: Deadlines = Readings.answers
): Effect.Effect<Rows.ActorRow, Rows.Refusal> =>
  Effect.suspend(() => {
    const actor = actorOf(id)
    return actor === undefined
      ? Effect.map(askParents("actor", id, ["actor", id], "actor"), ([, row]) => row)
      : Rows.readActor(actor, limit)
  })

/** What each action does to an actor of this thread. */
export const actions: Readonly<Record<Rows.Action, (actor: ObservedActor) => Effect.Effect<void, Rows.Refusal>>> = {
  stop: (actor) => actor.stop(false),
  drain: (actor) => actor.stop(true),
  kill: ({ kill }) => kill,
  restart: ({ restartNow }) =>
    Effect.flatMap(restartNow, (why) => why === undefined ? Effect.void : refuse("NotRestarted", why))
}

/** Ends an actor, or its incarnation. */
export const act = (action: Rows.Action, id: string): Effect.Effect<void, Rows.Refusal> =>
  Effect.suspend(() => {
    const actor = actorOf(id)
    return actor === undefined
      ? Effect.asVoid(askParents("actor", id, [action, id], "done"))
      : actions[action](actor)
  })
