/**
 * How full mailboxes are, for observers of events. While an observer reads events, the sizes of mailboxes are read at an interval, which
 * costs calls nothing.
 */
import { clearTimeout, setTimeout } from "../runtime/globals.ts"
import { areObserved, type Event } from "./events.ts"
import { type ObservedActor, systems } from "./systems.ts"

// the interval between two events of a full mailbox, in milliseconds
const fullInterval = 1_000

// the time of the last event of a mailbox or queue
const reported = new WeakMap<object, number>()

/** Whether an event of this full mailbox or queue is due. */
export const isFullDue = (mailbox: object): boolean => {
  if (!areObserved()) return false
  const now = Date.now()
  if (now - (reported.get(mailbox) ?? 0) < fullInterval) return false
  reported.set(mailbox, now)
  return true
}

// the interval between two readings of the mailboxes, in milliseconds
const interval = 100

// the parts of the capacity at which a mailbox is reported as high, and as low again
const high = 0.8
const low = 0.5

/** Watches the mailboxes of all actors. */
export class Mailboxes {
  private readonly report: (event: Event) => void
  private readonly full = new Set<ObservedActor>()
  private timer: ReturnType<typeof setTimeout> | undefined

  constructor(report: (event: Event) => void) {
    this.report = report
  }

  start(): void {
    this.timer = setTimeout(() => {
      this.read()
      this.start()
    }, interval)
  }

  stop(): void {
    clearTimeout(this.timer)
  }

  private read(): void {
    const known = new Set(this.full)
    for (const { observedActors } of systems) {
      for (const actor of observedActors) {
        known.delete(actor)
        const { proxy: { kind: { capacity }, queued, waiting } } = actor
        // a mailbox of no capacity is full with each call
        if (capacity === Infinity || capacity === 0) continue
        const size = queued + waiting.size
        const isHigh = this.full.has(actor)
        if (!isHigh && size >= high * capacity) this.change(actor, "MailboxHigh", size)
        else if (isHigh && size < low * capacity) this.change(actor, "MailboxLow", size)
      }
    }
    // these actors have ended
    for (const actor of known) this.full.delete(actor)
  }

  private change(actor: ObservedActor, _tag: "MailboxHigh" | "MailboxLow", size: number): void {
    if (_tag === "MailboxHigh") this.full.add(actor)
    else this.full.delete(actor)
    this.report({ _tag, at: Date.now(), actor: actor.id, size, capacity: actor.proxy.kind.capacity })
  }
}
