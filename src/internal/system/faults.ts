/**
 * A placement whose links lose, repeat, delay and reorder messages, break, and
 * freeze, by the dice of a seed.
 *
 * It stands between the host and the links of another placement and touches
 * nothing inside a message, its number least of all: what goes wrong here has to
 * be noticed by the same means as what goes wrong on a real link. Each direction
 * of each worker has dice of its own, which are thrown the same number of times
 * for every message, so the fate of a message depends on the seed, the worker,
 * the direction and its place in it, and on nothing else.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { Link, LinkEnd } from "../link.ts"
import { timeout } from "../times.ts"
import type { Batch } from "../wire.ts"
import type { SystemOptions } from "./options.ts"
import type { Placement } from "./placement.ts"

/**
 * What happens to the messages of one direction of a link. A message is all that one side had to say in one turn, so several
 * calls that are made together are one message, and so are their answers.
 *
 * The probabilities are from 0 to 1, and 0 by default. Each message is diced for on its own, so several things may happen to one.
 */
export interface Direction {
  /**
   * how likely a message is lost. The next one gives that away, and the worker's actors end as `Disconnected`; if none follows,
   * a `heartbeat` does.
   */
  readonly drop?: number | undefined
  /** how likely a message comes twice, which changes nothing. One that hands over a transferable never does. */
  readonly duplicate?: number | undefined
  /** how likely a message is passed by the next one, which gives itself away as too early: the same as a loss */
  readonly reorder?: number | undefined
  /** how likely a message is delayed. Those behind it wait, so their order stays, and an end waits for the answers before it. */
  readonly delay?: number | undefined
  /** how long a message is delayed at most; 10 milliseconds by default */
  readonly delayFor?: Duration.Input | undefined
  /** the link is cut when so many messages have passed in this direction: the worker's actors end as `Disconnected` */
  readonly cutAfter?: number | undefined
  /** the worker is killed when so many messages have passed in this direction: its actors end as `Killed` */
  readonly killAfter?: number | undefined
  /**
   * when so many messages have passed in this direction, nothing passes any more in either, as if the worker had been stopped by
   * SIGSTOP: a `heartbeat` ends its actors as `Unresponsive`
   */
  readonly freezeAfter?: number | undefined
}

/** What goes wrong, and where. */
export interface Options {
  /** what the dice are made of; 0 by default. The same seed does the same to the same messages. */
  readonly seed?: number | string | undefined
  /** which workers are faulty, by the order in which the system starts them, from 0; all by default, those of restarts too */
  readonly workers?: ReadonlyArray<number> | undefined
  /** what happens to calls and everything else that is sent to a worker */
  readonly toWorker?: Direction | undefined
  /** what happens to answers and everything else that a worker sends */
  readonly fromWorker?: Direction | undefined
  /**
   * how often each worker is asked whether it is there, without which a lost message that no other follows would never be noticed;
   * by default as often as the system itself does, or, if it does not, every second. A handler that blocks its worker for longer
   * is killed.
   */
  readonly heartbeat?: Duration.Input | undefined
  /** told of each thing that goes wrong, when it does */
  readonly onFault?: ((fault: Fault) => void) | undefined
}

/**
 * One thing that went wrong: what, and to which message of which worker. Workers count from 0, in the order in which they were
 * started, messages from 1; a step that comes before the first message is at 0.
 */
export interface Fault {
  readonly kind: "drop" | "duplicate" | "reorder" | "delay" | "cut" | "kill" | "freeze"
  readonly worker: number
  readonly direction: "toWorker" | "fromWorker"
  readonly message: number
}

/** A step after which a worker or its link comes to harm. */
type Step = "cut" | "kill" | "freeze"

/** A direction, checked; times in milliseconds. */
interface DirectionPlan {
  readonly drop: number
  readonly duplicate: number
  readonly reorder: number
  readonly delay: number
  readonly delayFor: number
  readonly steps: ReadonlyMap<number, Step>
  /** the message after which nothing passes any more */
  readonly last: number
}

/** The options, checked. */
export interface Plan {
  readonly seed: number | string
  readonly isFaulty: (worker: number) => boolean
  readonly toWorker: DirectionPlan
  readonly fromWorker: DirectionPlan
  readonly heartbeat: number | undefined
  readonly onFault: (fault: Fault) => void
}

// ---- options ----

const probability = (name: string, value: number | undefined): number => {
  if (value === undefined) return 0
  if (value >= 0 && value <= 1) return value
  throw new RangeError(`ActorTest.faults: ${name} must be a probability from 0 to 1, not ${value}`)
}

const count = (name: string, value: number): number => {
  if (Number.isInteger(value) && value >= 0) return value
  throw new RangeError(`ActorTest.faults: ${name} must be an integer of at least 0, not ${value}`)
}

const time = (name: string, value: Duration.Input): number => timeout(`ActorTest.faults: ${name}`, value, true)

const directionPlan = (name: Fault["direction"], options: Direction = {}): DirectionPlan => {
  const steps = new Map<number, Step>()
  const wanted = { cutAfter: "cut", killAfter: "kill", freezeAfter: "freeze" } as const
  for (const option of ["cutAfter", "killAfter", "freezeAfter"] as const) {
    const after = options[option]
    if (after === undefined) continue
    const other = steps.get(count(`${name}.${option}`, after))
    if (other !== undefined) {
      throw new RangeError(`ActorTest.faults: ${name}.${option} and ${other}After name the same message, ${after}`)
    }
    steps.set(after, wanted[option])
  }
  return {
    drop: probability(`${name}.drop`, options.drop),
    duplicate: probability(`${name}.duplicate`, options.duplicate),
    reorder: probability(`${name}.reorder`, options.reorder),
    delay: probability(`${name}.delay`, options.delay),
    delayFor: time(`${name}.delayFor`, options.delayFor ?? "10 millis"),
    steps,
    last: Math.min(Infinity, ...Array.from(steps).flatMap(([after, step]) => step === "kill" ? [] : [after]))
  }
}

/** Checks the options; throws a `RangeError` that names the one that is wrong. */
export const plan = (options: Options): Plan => {
  const workers = options.workers?.map((worker) => count("workers", worker))
  return {
    seed: options.seed ?? 0,
    isFaulty: (worker) => workers === undefined || workers.includes(worker),
    toWorker: directionPlan("toWorker", options.toWorker),
    fromWorker: directionPlan("fromWorker", options.fromWorker),
    heartbeat: options.heartbeat === undefined ? undefined : time("heartbeat", options.heartbeat),
    onFault: options.onFault ?? (() => undefined)
  }
}

// a message that is lost without one behind it is noticed by the next beat, so there has to be one
const defaultHeartbeat = 1_000

/** The options of a system, with a heartbeat. */
export const withHeartbeat = (options: SystemOptions, { heartbeat }: Plan): SystemOptions => ({
  ...options,
  heartbeat: heartbeat ?? (options.heartbeat === Infinity ? defaultHeartbeat : options.heartbeat)
})

// ---- one direction ----

type Message = readonly [batch: Batch, transfer: ReadonlyArray<unknown> | undefined]

/** A message that does not pass at once. */
interface Item {
  readonly message: Message
  /** when it may be delivered, by `performance.now` */
  readonly due: number
  readonly step: (() => void) | undefined
}

/** What a lane tells its worker. */
interface LaneEvents {
  /** takes what a message that does not pass at once is now, and throws if it cannot be carried, as a link does */
  readonly copy: (batch: Batch, transfer: ReadonlyArray<unknown> | undefined) => Message
  readonly deliver: Link["send"]
  readonly onStep: (step: Step, message: number) => void
  readonly onFault: (kind: Fault["kind"], message: number) => void
}

/** The messages of one direction of one link. */
class Lane {
  /** how many messages have been offered */
  private offered = 0
  /** messages were offered that did not pass, or have not yet */
  private lost = false
  /** delayed, in order */
  private queue: Array<Item> = []
  /** waits for the next message to pass it */
  private held: Item | undefined
  private timer: ReturnType<typeof setTimeout> | undefined
  private stopped = false
  private onDrained: (() => void) | undefined
  private readonly plan: DirectionPlan
  private readonly dice: () => number
  private readonly events: LaneEvents

  constructor(plan: DirectionPlan, seed: string, events: LaneEvents) {
    const random = Effect.runSync(Random.withSeed(Effect.service(Random.Random), seed))
    this.plan = plan
    this.dice = () => random.nextDoubleUnsafe()
    this.events = events
  }

  /** whether everything that was offered has been delivered */
  get isComplete(): boolean {
    return !this.lost && this.queue.length === 0 && this.held === undefined
  }

  /** Harms the worker if that is to happen before the first message. */
  begin(): void {
    this.stepAfter(0)?.()
  }

  readonly offer: Link["send"] = (batch, transfer) => {
    if (this.stopped || this.offered >= this.plan.last) {
      this.lost = true
      return
    }
    const message = ++this.offered
    const { plan } = this
    const drop = this.dice() < plan.drop
    const duplicate = this.dice() < plan.duplicate
    const reorder = this.dice() < plan.reorder
    const delay = this.dice() < plan.delay
    const delayFor = this.dice() * plan.delayFor
    const step = this.stepAfter(message)
    if (drop) {
      this.lost = true
      this.events.onFault("drop", message)
      step?.()
      return
    }
    const isHeld = reorder && this.held === undefined && step === undefined
    // what is handed over cannot be in two places
    const times = duplicate && !isHeld && transfer === undefined ? 2 : 1
    if (isHeld) this.events.onFault("reorder", message)
    if (times === 2) this.events.onFault("duplicate", message)
    if (delay) this.events.onFault("delay", message)
    if (!delay && !isHeld && this.queue.length === 0) {
      try {
        for (let i = 0; i < times; i++) this.events.deliver(batch, transfer)
      } finally {
        this.release()
        step?.()
      }
      return
    }
    let copy: Message
    try {
      copy = this.events.copy(batch, transfer)
    } catch (error) {
      step?.()
      throw error
    }
    const item: Item = { message: copy, due: performance.now() + (delay ? delayFor : 0), step }
    if (isHeld) {
      this.held = item
      return
    }
    if (times === 2) this.queue.push({ ...item, step: undefined })
    this.queue.push(item)
    this.release()
    if (this.timer === undefined) this.pump()
  }

  /** Calls back when everything that is under way has been delivered. */
  drain(onDrained: () => void): void {
    this.onDrained = onDrained
    // nothing will pass it any more
    this.release()
    if (this.queue.length === 0) onDrained()
  }

  /** Delivers nothing more. */
  stop(): void {
    if (!this.isComplete) this.lost = true
    this.stopped = true
    clearTimeout(this.timer)
    this.queue = []
    this.held = undefined
    this.onDrained = undefined
  }

  private stepAfter(message: number): (() => void) | undefined {
    const step = this.plan.steps.get(message)
    if (step === undefined) return undefined
    return () => {
      this.events.onFault(step, message)
      this.events.onStep(step, message)
    }
  }

  // another message has passed the one that was held
  private release(): void {
    const { held } = this
    if (held === undefined) return
    this.held = undefined
    this.queue.push(held)
    if (this.timer === undefined) this.pump()
  }

  private pump(): void {
    this.timer = undefined
    while (this.queue.length > 0) {
      const wait = this.queue[0]!.due - performance.now()
      if (wait > 0) {
        this.timer = setTimeout(() => this.pump(), Math.ceil(wait))
        return
      }
      const { message, step } = this.queue.shift()!
      try {
        this.events.deliver(...message)
      } catch {
        // its sender has been told that it was sent, so it is lost like any other: the next one gives that away
        this.lost = true
      }
      step?.()
    }
    this.onDrained?.()
  }
}

// ---- the placement ----

const reasons: Readonly<Record<Exclude<Step, "freeze">, LinkEnd["reason"]>> = { cut: "Disconnected", kill: "Killed" }

/** A placement that is as faulty as planned. */
export const placement = (sound: Placement, plan: Plan): Placement => {
  let started = 0
  return {
    kind: sound.kind,
    start: (events) => {
      const number = started++
      if (!plan.isFaulty(number)) return sound.start(events)
      // frozen or cut: nothing passes, in either direction
      let isSilent = false
      let end: LinkEnd | undefined
      let isOver = false
      const finish = (): void => {
        if (isOver) return
        isOver = true
        toWorker.stop()
        fromWorker.stop()
        events.onEnd(end!)
      }
      const laneOf = (
        direction: Fault["direction"],
        ends: Pick<LaneEvents, "copy" | "deliver">
      ): Lane =>
        new Lane(plan[direction], `${plan.seed}/${number}/${direction}`, {
          ...ends,
          onFault: (kind, message) => plan.onFault({ kind, worker: number, direction, message }),
          onStep: (step, message) => {
            if (step !== "kill") {
              isSilent = true
              toWorker.stop()
              fromWorker.stop()
            }
            if (step !== "freeze") {
              const way = direction === "toWorker" ? "to" : "from"
              const what = step === "cut" ? "the link was cut" : "the worker was killed"
              worker.kill({
                reason: reasons[step],
                message: `${what} after message ${message} ${way} it, by ActorTest.faults`
              })
            }
          }
        })
      const fromWorker = laneOf("fromWorker", {
        copy: (batch, transfer) => [batch, transfer],
        deliver: (batch) => events.onBatch(batch)
      })
      const toWorker = laneOf("toWorker", {
        copy: (batch, transfer) =>
          transfer === undefined
            ? [structuredClone(batch), undefined]
            : structuredClone([batch, transfer] as const, { transfer: transfer as Array<ArrayBuffer> }),
        deliver: (batch, transfer) => worker.link.send(batch, transfer)
      })
      const worker = sound.start({
        onBatch: (batch) => fromWorker.offer(batch),
        isAwaited: events.isAwaited,
        onBegun: events.onBegun,
        onEnd: (its) => {
          if (end !== undefined) return
          end = its
          // an end is seen after what was said before it, unless nothing is heard any more
          if (isSilent) finish()
          else fromWorker.drain(finish)
        }
      })
      queueMicrotask(() => {
        toWorker.begin()
        fromWorker.begin()
      })
      return {
        link: {
          ...worker.link,
          // a channel between two workers would pass by here
          makeChannel: undefined,
          send: toWorker.offer,
          // the notes are cleared when what they say has been sent, so they prove nothing once that may not have arrived
          get begun() {
            return fromWorker.isComplete ? worker.link.begun : undefined
          }
        },
        release: worker.release,
        kill: (why) => {
          if (end === undefined) worker.kill(why)
          else finish()
        }
      }
    }
  }
}
