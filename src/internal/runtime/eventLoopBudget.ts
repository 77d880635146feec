/**
 * How long the engine may keep the event loop of one program or worker.
 *
 * A turn is all that one message causes synchronously, and the fibers that yield in it. Its frames leave as one message. When a
 * sequence of handlers exceeds the budget, their replies are sent, and the waiting calls are deferred until the event loop has turned:
 * timers run, and messages are read that interrupt a waiting call, ask whether the worker lives, or call another actor.
 *
 * All sessions of a system in a thread, or of a worker, share one budget, because they share the event loop.
 */
import { performance } from "./globals.ts"
import { clearImmediate, setImmediate } from "./immediates.ts"

/** How long the handlers of a turn may run, in milliseconds. A message costs one or two percent of it. */
const turnBudgetMs = 0.5

/**
 * How long the handlers of several messages may run before the event loop turns, in milliseconds. Below this time it is cheapest to
 * answer short calls as they are read.
 */
const loopBudgetMs = 2

/** How long messages inside this thread may follow each other before the event loop turns, in milliseconds. */
const localBudgetMs = 0.5

// in an immediate that another one has made, because messages are read between the two
const afterPoll = (run: () => void): void => void setImmediate(() => setImmediate(run))

/** A source of messages that arrive only while it is polled. */
export interface Poller {
  /** messages may arrive from now on */
  readonly listen: () => void
  /** No further messages arrive; reads the messages that have arrived. */
  readonly sleep: () => void
  /** reads the messages that have arrived; returns whether it read any */
  readonly take: () => boolean
}

/** A source without messages. */
export const noPoller: Poller = {
  listen: () => undefined,
  sleep: () => undefined,
  take: () => false
}

/** Sends the frames of a turn. */
interface Sender {
  /** sends nothing until the matching `uncork`, which flushes */
  readonly cork: () => void
  readonly uncork: () => void
  readonly flush: () => void
}

/** A monotonic clock. */
interface Clock {
  /** in milliseconds */
  readonly now: () => number
}

/** Runs turns, and measures their time. */
export class EventLoopBudget {
  /** is polled while calls wait for the event loop, because a message that need not wake a thread is cheaper for both sides */
  poller = noPoller
  /** whether a turn runs */
  isOpen = false
  /** whether this turn has used its time: no further call starts in it */
  isOverBudget = false
  /** the sender whose message led to this turn */
  private sender: Sender | undefined
  private deadline = 0
  /** how long handlers have run since messages were last read, in milliseconds */
  private spent = 0
  /** the time of the last addition to `spent` */
  private counted = 0
  /** the time that `measure` has read for the next `pace`; 0: none */
  private measured = 0
  /** the time at which messages inside this thread last waited for the event loop */
  private waited = 0
  private isWatching = false
  /** the work that resumes after the event loop has turned, by its sender */
  private readonly deferred = new Map<() => void, Sender>()
  private isWakeScheduled = false
  /** whether this turn runs in `wake`, after messages have been read */
  private isAfterPoll = false
  /** runs the fibers that have yielded in this turn */
  private ready: Array<() => void> = []
  private readonly clock: Clock

  /** @param clock the clock of the thread; tests pass their own */
  constructor(clock: Clock = performance) {
    this.clock = clock
  }

  /** Runs a turn; inside a turn, a part of it that sends with another sender. */
  run(sender: Sender, work: () => void): void {
    sender.cork()
    try {
      if (this.isOpen) work()
      else this.turn(sender, work)
    } finally {
      sender.uncork()
    }
  }

  private turn(sender: Sender, work: () => void): void {
    this.isOpen = true
    this.sender = sender
    this.counted = this.clock.now()
    this.deadline = this.counted + turnBudgetMs
    // a port delivers up to a thousand messages before the event loop turns, each as a turn of its own
    this.isOverBudget = this.isSpent
    try {
      work()
      while (this.ready.length > 0 && !this.isOverBudget) {
        this.ready.shift()!()
        this.pace()
      }
    } finally {
      this.isOpen = this.isOverBudget = false
      this.measured = 0
      this.sender = undefined
      for (const left of this.ready.splice(0)) setImmediate(left)
    }
  }

  /** Runs fibers that have yielded, in this turn or in the next one. Returns a function that cancels the run. */
  soon(sender: Sender, fibers: () => void): () => void {
    const run = (): void => this.run(sender, fibers)
    if (!this.isOpen) {
      const next = setImmediate(run)
      return () => clearImmediate(next)
    }
    this.ready.push(run)
    return () => {
      this.ready = this.ready.filter((other) => other !== run)
    }
  }

  /** Measures the time of a handler that has just run. */
  pace(): void {
    if (!this.isOpen) return
    const now = this.measured > 0 ? this.measured : this.clock.now()
    this.measured = 0
    this.spent += now - this.counted
    this.counted = now
    if (this.spent > loopBudgetMs / 2 && !this.isWatching) {
      this.isWatching = true
      afterPoll(() => this.refresh())
    }
    if (now < this.deadline) return
    this.deadline = now + turnBudgetMs
    this.isOverBudget = true
    this.sender!.flush()
  }

  /** Whether calls that arrive now wait until the event loop has turned. */
  get isSpent(): boolean {
    return this.spent > loopBudgetMs
  }

  private refresh(): void {
    this.isWatching = false
    this.spent = 0
  }

  /** The time now, when a handler has run. The clock is read for the next `pace`, too. */
  measure(): number {
    return this.isOpen ? this.measured = this.clock.now() : this.clock.now()
  }

  /** The time now, around the begin of a handler. A turn has read the clock already. */
  get now(): number {
    return !this.isOpen ? this.clock.now() : this.measured > 0 ? this.measured : this.counted
  }

  /** Whether a message inside this thread waits until the event loop has turned. Reads no clock: each turn has read it. */
  get isLocalSpent(): boolean {
    return this.counted - this.waited > localBudgetMs
  }

  /** Records that messages inside this thread have waited for the event loop. */
  refreshLocal(): void {
    this.waited = this.counted = this.clock.now()
  }

  /** Runs `resume` in a turn of its own, after the event loop has turned. */
  deferToNextLoop(sender: Sender, resume: () => void): void {
    this.deferred.set(resume, sender)
    this.scheduleWake()
  }

  private scheduleWake(): void {
    if (this.isWakeScheduled) return
    this.isWakeScheduled = true
    this.poller.listen()
    if (this.isAfterPoll) setImmediate(this.wake)
    else afterPoll(this.wake)
  }

  private readonly wake = (): void => {
    const { deferred, poller } = this
    poller.take()
    this.refresh()
    this.isWakeScheduled = false
    this.isAfterPoll = true
    try {
      // round-robin: a dispatcher that is deferred again goes to the back
      let left = deferred.size
      for (const [resume, sender] of deferred) {
        if (left-- === 0 || this.isSpent) break
        deferred.delete(resume)
        this.run(sender, resume)
      }
    } finally {
      if (deferred.size > 0) this.scheduleWake()
      this.isAfterPoll = false
      if (!this.isWakeScheduled) poller.sleep()
    }
  }
}
