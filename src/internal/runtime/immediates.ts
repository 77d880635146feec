/**
 * Functions that run in the next turn of the event loop, after the messages that have arrived: `setImmediate` of Node, Bun and Deno. A
 * browser has no such function. There, a message on a private channel starts the next turn. A timer would be late: browsers delay timers
 * that start each other by 4 milliseconds, and by a second in a page in the background.
 */
import { type Channel, type Immediates, MessageChannel, native } from "./globals.ts"
import { notify } from "./notify.ts"

/** A function that waits for its turn. */
interface Immediate {
  /** `undefined` after the function has run or has been cancelled */
  run: (() => void) | undefined
}

const call = (immediate: Immediate): void => {
  const { run } = immediate
  immediate.run = undefined
  run?.()
}

/** Immediates on a channel. */
export class ChannelImmediates implements Immediates {
  private readonly channel: Channel
  /** the immediates of the next turn */
  private next: Array<Immediate> = []

  constructor(channel: Channel) {
    this.channel = channel
    channel.port1.addEventListener("message", () => this.turn())
    channel.port1.start()
  }

  readonly setImmediate = (run: () => void): Immediate => {
    const immediate: Immediate = { run }
    if (this.next.push(immediate) === 1) this.channel.port2.postMessage(null)
    return immediate
  }

  readonly clearImmediate = (immediate: object | undefined): void => {
    if (immediate !== undefined) (immediate as Immediate).run = undefined
  }

  private turn(): void {
    const due = this.next
    // a function that one of these sets runs in the turn after this one
    this.next = []
    for (const immediate of due) notify(call, immediate)
  }
}

const isComplete = (immediates: Partial<Immediates>): immediates is Immediates =>
  immediates.setImmediate !== undefined && immediates.clearImmediate !== undefined

export const { clearImmediate, setImmediate }: Immediates = isComplete(native)
  ? native
  : new ChannelImmediates(new MessageChannel())
