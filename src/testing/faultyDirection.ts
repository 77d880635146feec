/**
 * One direction of a faulty link. It loses, duplicates, delays and reorders messages at random. Each message takes the same number of
 * random numbers, so that its faults depend only on the seed, the worker, the direction and the number of the message.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { clearTimeout, performance, setTimeout } from "../internal/runtime/globals.ts"
import type { Batch } from "../internal/wire/frames.ts"
import type { Link } from "../internal/wire/link.ts"
import type { DirectionPlan, Fault, PlannedFault } from "./faultPlan.ts"

type Message = readonly [batch: Batch, transfer: ReadonlyArray<unknown> | undefined]

/** A message that is not delivered at once. */
interface Item {
  readonly message: Message
  /** the earliest time of its delivery, by `performance.now` */
  readonly due: number
  /** executes the fault that is planned after the message */
  readonly planned: (() => void) | undefined
}

/** The callbacks of a direction. */
export interface DirectionEvents {
  /** copies a message that is not delivered at once; throws, like a link, if the message cannot be sent */
  readonly copy: (batch: Batch, transfer: ReadonlyArray<unknown> | undefined) => Message
  readonly deliver: Link["send"]
  readonly onPlanned: (kind: PlannedFault, message: number) => void
  readonly onFault: (kind: Fault["kind"], message: number) => void
}

/** One direction of a faulty link. */
export class FaultyDirection {
  /** the number of messages so far */
  private offered = 0
  /** delayed messages, in order */
  private queue: Array<Item> = []
  /** a message that the next message overtakes */
  private held: Item | undefined
  private timer: ReturnType<typeof setTimeout> | undefined
  private stopped = false
  private onDrained: (() => void) | undefined
  private readonly plan: DirectionPlan
  private readonly random: () => number
  private readonly events: DirectionEvents

  constructor(plan: DirectionPlan, seed: string, events: DirectionEvents) {
    const random = Effect.runSync(Random.withSeed(Effect.service(Random.Random), seed))
    this.plan = plan
    this.random = () => random.nextDoubleUnsafe()
    this.events = events
  }

  /** Executes the fault that is planned before the first message. */
  begin(): void {
    this.plannedAfter(0)?.()
  }

  readonly offer: Link["send"] = (batch, transfer) => {
    if (this.stopped || this.offered >= this.plan.last) return
    const message = ++this.offered
    const { plan } = this
    const drop = this.random() < plan.drop
    const duplicate = this.random() < plan.duplicate
    const reorder = this.random() < plan.reorder
    const delay = this.random() < plan.delay
    const delayFor = this.random() * plan.delayFor
    const planned = this.plannedAfter(message)
    if (drop) {
      this.events.onFault("drop", message)
      planned?.()
      return
    }
    const isHeld = reorder && this.held === undefined && planned === undefined
    // a transferred object cannot be sent twice
    const times = duplicate && !isHeld && transfer === undefined ? 2 : 1
    if (isHeld) this.events.onFault("reorder", message)
    if (times === 2) this.events.onFault("duplicate", message)
    if (delay) this.events.onFault("delay", message)
    if (!delay && !isHeld && this.queue.length === 0) {
      try {
        for (let i = 0; i < times; i++) this.events.deliver(batch, transfer)
      } finally {
        this.release()
        planned?.()
      }
      return
    }
    let copy: Message
    try {
      copy = this.events.copy(batch, transfer)
    } catch (error) {
      planned?.()
      throw error
    }
    const item: Item = { message: copy, due: performance.now() + (delay ? delayFor : 0), planned }
    if (isHeld) {
      this.held = item
      return
    }
    if (times === 2) this.queue.push({ ...item, planned: undefined })
    this.queue.push(item)
    this.release()
    if (this.timer === undefined) this.pump()
  }

  /** Calls back when all messages have been delivered. */
  drain(onDrained: () => void): void {
    this.onDrained = onDrained
    // no message will overtake the held message
    this.release()
    if (this.queue.length === 0) onDrained()
  }

  /** Drops all messages, and delivers none from now on. */
  stop(): void {
    this.stopped = true
    clearTimeout(this.timer)
    this.queue = []
    this.held = undefined
    this.onDrained = undefined
  }

  private plannedAfter(message: number): (() => void) | undefined {
    const kind = this.plan.planned.get(message)
    if (kind === undefined) return undefined
    return () => {
      this.events.onFault(kind, message)
      this.events.onPlanned(kind, message)
    }
  }

  // another message has overtaken the held message
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
      const { message, planned } = this.queue.shift()!
      try {
        this.events.deliver(...message)
      } catch {
        // `send` has returned already, so the message is lost: the next message reveals that
      }
      planned?.()
    }
    this.onDrained?.()
  }
}
