/**
 * The turns of a worker. What a message leads to at once is answered with one message, also by fibers that have let others run in
 * between; and when handlers have run for long one after the other, what they have answered is sent, and the event loop gets its
 * turn: timers run, and the message is read that takes back a call which waits, asks whether the worker lives, or calls another actor.
 */
import * as Delivery from "./delivery.ts"
import { nowhere } from "./link.ts"
import type { Outbox } from "./outbox.ts"

// how long handlers may run one after the other, in milliseconds; a message costs one or two hundredths of it
const patience = 0.5

// how long they may run before the event loop has had its turn, whatever messages they come with: short calls that come without a pause
// are answered best where they are read
const endurance = 2

// in an immediate that another one has made, because messages are read between the two
const afterPoll = (run: () => void): void => void setImmediate(() => setImmediate(run))

/** Runs what has come, and notices when that takes long. */
export class Turns {
  private readonly outbox: Outbox
  /** is looked at while something rests, because a message that need not wake anybody is cheaper for its sender and here */
  lookout = nowhere
  /** whether a turn has begun */
  isOpen = false
  /** whether handlers have run for long in this turn: what could begin in it waits until there has been a rest */
  isTired = false
  private deadline = 0
  /** how long handlers have run since messages were last read, as far as is known, in milliseconds; and until when that is counted */
  private spent = 0
  private counted = 0
  private isWatching = false
  private isResting = false
  /** whether this turn was begun by an immediate */
  private isRested = false
  /** runs the fibers that have yielded in this turn */
  private ready: (() => void) | undefined

  constructor(outbox: Outbox) {
    this.outbox = outbox
  }

  /** Runs one turn. */
  run(work: () => void): void {
    this.outbox.cork()
    this.isOpen = true
    this.counted = Delivery.turn(performance.now())
    this.deadline = this.counted + patience
    // a port hands over a thousand messages before the event loop has its turn, and each may come while one before it is handled
    this.isTired = this.isSpent
    try {
      work()
      while (this.ready !== undefined && !this.isTired) {
        this.takeReady()!()
        this.pace()
      }
    } finally {
      this.isOpen = this.isTired = false
      const left = this.takeReady()
      if (left !== undefined) this.soon(left)
      this.outbox.uncork()
    }
  }

  /** Runs fibers that have yielded: in this turn, or else in the next one; returns how to take that back. */
  soon(run: () => void): () => void {
    if (this.isOpen) {
      this.ready = run
      return () => this.takeReady()
    }
    const next = setImmediate(() => this.run(run))
    return () => clearImmediate(next)
  }

  private takeReady(): (() => void) | undefined {
    const ready = this.ready
    this.ready = undefined
    return ready
  }

  /** To be called after each handler. */
  pace(): void {
    if (!this.isOpen) return
    const now = performance.now()
    this.spent += now - this.counted
    this.counted = now
    if (this.spent > endurance / 2 && !this.isWatching) {
      this.isWatching = true
      afterPoll(() => this.refresh())
    }
    if (now < this.deadline) return
    this.deadline = now + patience
    this.isTired = true
    this.outbox.flush()
  }

  /** whether what comes now waits until the event loop has had its turn */
  get isSpent(): boolean {
    return this.spent > endurance
  }

  private refresh(): void {
    this.isWatching = false
    this.spent = 0
  }

  /** Goes on in a turn of its own when the event loop has had its turn. */
  rest(goOn: () => void): void {
    if (this.isResting) return
    this.isResting = true
    this.lookout.listen()
    const wake = (): void => {
      this.lookout.take()
      this.refresh()
      this.isResting = false
      this.isRested = true
      try {
        this.run(goOn)
      } finally {
        this.isRested = false
        if (!this.isResting) this.lookout.sleep()
      }
    }
    if (this.isRested) setImmediate(wake)
    else afterPoll(wake)
  }
}
