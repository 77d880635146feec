/**
 * The systems that the code of a worker has made, for the observers of its host: the worker reads them, and acts on their actors.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Readings from "../monitor/readings.ts"
import * as Rows from "../monitor/rows.ts"
import { systems } from "../monitor/systems.ts"
import * as Targets from "../monitor/targets.ts"
import { Deadlines } from "../runtime/deadlines.ts"
import { messageOf } from "../runtime/describe.ts"
import { interrupt } from "../runtime/notify.ts"
import type { Reading } from "../waits/calls.ts"

/** The maximum number of observers whose last readings are kept. */
const maxObservers = 16

/** The systems of this worker. */
export class NestedSystems {
  private readonly worker: string
  private readonly services: Context.Context<never>
  // a worker answers its host in time, although its own workers may not answer it
  private readonly deadlines: Deadlines
  private readonly pasts = new Map<string, Rows.Past>()
  private readonly fibers = new Map<number, Fiber.Fiber<unknown, unknown>>()
  private logged = ""

  /** `worker`: the id of this worker; `services`: where it logs to */
  constructor(worker: string, services: Context.Context<never>) {
    this.worker = worker
    this.services = services
    this.deadlines = new Deadlines(Math.max(10, 100 - 50 * worker.split("/").length))
  }

  /** Adds the readings of the systems, and of their workers, to that of this worker. */
  extend(own: Reading, answer: (reading: Reading) => void): void {
    if (systems.size === 0) return answer(own)
    this.run(
      "read",
      Effect.map(Readings.readThreads(this.worker, this.deadlines), (nested) => ({ ...own, nested })),
      (message): Reading => ({ ...own, nested: [[this.worker, message]] })
    ).addObserver((exit) => {
      if (Exit.isSuccess(exit)) answer(exit.value)
    })
  }

  /** Answers a question about the systems, or cancels it. */
  readonly observe = (inspection: number, question: Rows.Question, answer: (answer: Rows.Answer) => void): void => {
    if (question[0] === "cancel") {
      const fiber = this.fibers.get(inspection)
      if (fiber !== undefined) interrupt(fiber)
      return
    }
    if (question[0] === "rows" && systems.size === 0) return answer(["rows", undefined])
    const fiber = this.run(
      question[0] in Targets.actions ? "acted on" : "read",
      Effect.catch(this.answerOf(question), (refusal) => Effect.succeed<Rows.Answer>(["refused", refusal])),
      (message): Rows.Answer => ["refused", { reason: "Failed", message }]
    )
    this.fibers.set(inspection, fiber)
    fiber.addObserver((exit) => {
      this.fibers.delete(inspection)
      // nobody waits for the answer to a question that is cancelled
      if (Exit.isSuccess(exit)) answer(exit.value)
    })
  }

  // runs a reading or an action; a defect in it is logged, and its text becomes the answer
  private run<A>(
    verb: "read" | "acted on",
    reading: Effect.Effect<A>,
    onDefect: (message: string) => A
  ): Fiber.Fiber<A> {
    return Effect.runForkWith(this.services)(
      Effect.catchCauseIf(reading, Cause.hasDies, (cause) => {
        const text = `the systems that ${this.worker} has made could not be ${verb}: ${messageOf(Cause.squash(cause))}`
        // an observer may read every second
        const isNew = this.logged !== text
        this.logged = text
        return Effect.as(isNew ? Effect.logError(text, cause) : Effect.void, onDefect(text))
      })
    )
  }

  private pastOf(observer: string): Rows.Past {
    const past = this.pasts.get(observer) ?? new Rows.Past(observer)
    // the observer that has not asked for the longest time is the first
    this.pasts.delete(observer)
    this.pasts.set(observer, past)
    if (this.pasts.size > maxObservers) this.pasts.delete(this.pasts.keys().next().value!)
    return past
  }

  private answerOf(question: Exclude<Rows.Question, readonly ["cancel"]>): Effect.Effect<Rows.Answer, Rows.Refusal> {
    const { deadlines, worker: thread } = this
    switch (question[0]) {
      case "rows": {
        const [, observer, selection] = question
        return Effect.map(Rows.list(selection, this.pastOf(observer), { thread, deadlines }), (rows) => ["rows", rows])
      }
      case "actor":
        return Effect.map(Targets.readActor(question[1], deadlines), (row) => ["actor", row])
      case "stack":
        return Effect.map(Targets.stack(question[1]), (frames) => ["stack", frames])
      case "cpuProfile":
        return Effect.map(Targets.cpuProfile(question[1], question[2]), (profile) => ["cpuProfile", profile])
      default:
        return Effect.as(Targets.act(question[0], question[1]), ["done"])
    }
  }
}
