/**
 * The queue of a pool whose strategy is `first-free` (P2). The calls of all callers wait in it, and each goes to the first member that is
 * free. A member is free while it has fewer calls and items than the `concurrency` of its behaviour.
 *
 * To its callers the queue is the proxy of one actor. A call to a free member passes straight to the proxy of the member. A waiting call
 * belongs to no member, has not been sent, and therefore has not run.
 */
import * as Effect from "effect/Effect"
import type { MailboxFull } from "../../ActorError.ts"
import { Fifo } from "../collections/fifo.ts"
import * as Events from "../monitor/events.ts"
import * as Mailboxes from "../monitor/mailboxes.ts"
import { ActorProxy } from "../proxy/actorProxy.ts"
import * as CallErrors from "../proxy/callErrors.ts"
import { type OutgoingCall, type PoolQueue, TellCall } from "../proxy/outgoingCall.ts"
import { notify } from "../runtime/notify.ts"
import type { ChildActor } from "../system/childActor.ts"
import type { Take } from "./items.ts"
import type { Members } from "./members.ts"

/** The limits of a queue. */
export interface QueueOptions {
  /** the number of calls that may wait */
  readonly capacity: number
  /** whether the callers of further calls wait; otherwise these calls fail */
  readonly suspends: boolean
}

/** How an item of `map` or `submit` waits for a member. */
export interface ItemOptions {
  readonly priority: number
  /** whether the item waits in a full queue: always, or as a call does */
  readonly whenFull: "waits" | "as a call"
  /** what the item does while the pool has no member: it waits for another one, or starts on the last one, where its calls fail */
  readonly whenNone: "waits" | "starts"
  /** the item runs on its member beside calls and other items, or alone in the worker of its member */
  readonly place: "shared" | "alone"
}

/** An item that waits for a member. */
interface WaitingItem extends ItemOptions {
  readonly isReplay: false
  /** the item starts on this member */
  readonly start: (member: ChildActor) => void
}

/** A call or an item that waits. */
type Waiting = OutgoingCall | WaitingItem

const isItem = (waiting: Waiting): waiting is WaitingItem => "start" in waiting

// the order of the queue: by priority, then by arrival
const isBehind = (other: Waiting, added: Waiting): boolean => other.priority < added.priority

// a call that had a member before is ahead of the calls that never had one
const isBehindReplay = (other: Waiting, added: Waiting): boolean =>
  other.priority < added.priority || other.priority === added.priority && !other.isReplay

const isBehindFirst = (other: Waiting, added: Waiting): boolean => other.priority <= added.priority

// Calls that run out of line do not count. An item counts, also between two of its calls, and a call of it does not count twice.
const usedBy = ({ items, proxy }: ChildActor): number => Math.max(items, proxy.load - proxy.forked)

/** The queue of a pool. */
export class Queue extends ActorProxy implements PoolQueue {
  private readonly members: Members
  private readonly options: QueueOptions
  private readonly entries = new Fifo<Waiting>()
  /** the items that run alone, or wait until their workers are idle, each with the members that get no calls meanwhile */
  private readonly alone = new Map<WaitingItem, ReadonlyArray<ChildActor>>()

  /** `members`: not empty */
  constructor(members: Members, options: QueueOptions) {
    const { proxy } = members.list[0]!
    super(proxy.connection, 0, proxy.name, `a pool of ${proxy.name}`, proxy.methods)
    this.members = members
    this.options = options
    this.pool = members
  }

  override get isActor(): boolean {
    return true
  }

  override get mailbox(): string {
    return "the queue"
  }

  override get callTimeouts(): ActorProxy["callTimeouts"] {
    return this.members.list[0]?.proxy.callTimeouts
  }

  override get isOver(): boolean {
    return !this.members.hasFuture
  }

  // ---- calls ----

  /** Sends a call to a free member, or queues the call. Returns `false` if the call has settled immediately. */
  override accept(call: OutgoingCall): boolean {
    call.queue = this
    const member = this.entries.size === 0 ? this.freeMember() : undefined
    return member === undefined ? this.wait(call) : this.send(call, member)
  }

  /** Like `accept`. A tell is accepted when it is queued, if there is room. */
  override tell(tell: TellCall): boolean {
    return this.accept(tell)
  }

  override removeWaiting(call: OutgoingCall): boolean {
    return this.entries.remove(call)
  }

  /** No call is refused before it is known that no member is free. */
  override refusal(): undefined {
    return undefined
  }

  takeBack(call: OutgoingCall): boolean {
    const { proxy } = call
    if (proxy === this || proxy.isAvailable || call.mayHaveRun || !call.isReplayable || !this.members.hasFuture) {
      return false
    }
    call.returnTo(this)
    this.entries.insert(call, isBehindReplay)
    this.advance()
    return true
  }

  get waitingCalls(): ReadonlyArray<readonly [call: OutgoingCall, ahead: number]> {
    return this.entries.peek(Infinity).flatMap((waiting, ahead) => isItem(waiting) ? [] : [[waiting, ahead] as const])
  }

  private send(call: OutgoingCall, member: ChildActor): boolean {
    const { proxy } = member
    this.members.used(member)
    call.proxy = proxy
    call.connection = proxy.connection
    return call instanceof TellCall ? proxy.tell(call) : proxy.accept(call)
  }

  private wait(call: OutgoingCall): boolean {
    const { capacity, suspends } = this.options
    const isFull = this.entries.size >= capacity
    const refusal = this.members.refusal
    if (refusal !== undefined) {
      call.refused(refusal)
      return false
    }
    if (isFull) this.reportFull()
    if (isFull && !suspends) call.lose(CallErrors.mailboxFull(call, capacity))
    else {
      this.add(call)
      // the sender continues, and may change the payload: what cannot be copied waits with its sender
      if (!isFull && call instanceof TellCall && call.isReplayable) call.accepted()
      return true
    }
    return false
  }

  override reportFull(): void {
    if (!Mailboxes.isFullDue(this)) return
    Events.ofPool(this.name, { _tag: "QueueFull", size: this.entries.size, capacity: this.options.capacity })
  }

  private add(waiting: Waiting): void {
    this.entries.insert(waiting, isBehind)
    this.members.needed()
  }

  // ---- items ----

  /** Takes a member for an item, and waits for one. */
  take(options: ItemOptions): Take<MailboxFull> {
    return (taken) =>
      Effect.callback((resume) => {
        const waiting: WaitingItem = {
          ...options,
          isReplay: false,
          start: (member) => {
            this.members.used(member)
            taken(member, () => {
              this.alone.delete(waiting)
              this.advance()
            })
            notify(resume, Effect.void)
          }
        }
        const { entries, options: { capacity, suspends } } = this
        if (entries.size === 0 && options.place === "shared") {
          const free = this.freeMember()
          if (free !== undefined) return waiting.start(free)
        }
        if (this.startsDead(waiting)) return waiting.start(this.members.last)
        if (options.whenFull === "as a call" && !suspends && entries.size >= capacity) {
          this.reportFull()
          return resume(Effect.fail(CallErrors.queueFull(this, capacity)))
        }
        this.add(waiting)
        if (options.place === "alone") this.advance()
        return Effect.sync(() => {
          entries.remove(waiting)
          if (this.alone.delete(waiting)) this.advance()
        })
      })
  }

  // whether an item starts on a member that has ended: the calls that it makes there fail, each with its own error
  private startsDead({ whenNone }: WaitingItem): boolean {
    const { hasFuture, heals, refusal } = this.members
    return !hasFuture && refusal !== undefined && (whenNone === "starts" || !heals)
  }

  // keeps the worker of a member free for an item; `false` if no worker is left
  private reserve(item: WaitingItem): boolean {
    const { list } = this.members
    const open = list.filter((member) => member.isAlive && !this.isReserved(member))
    if (open.length === 0) return false
    const { worker } = open.reduce((least, member) => usedBy(member) < usedBy(least) ? member : least)
    this.alone.set(item, list.filter((member) => member.worker === worker))
    return true
  }

  private isReserved(member: ChildActor): boolean {
    if (this.alone.size === 0) return false
    for (const members of this.alone.values()) if (members.includes(member)) return true
    return false
  }

  // starts the items whose workers are idle now, and queues those again whose workers have died meanwhile
  private advanceAlone(): void {
    for (const [item, members] of this.alone) {
      if (members.some(({ items }) => items > 0)) continue
      const member = members.find(({ isAlive }) => isAlive)
      if (member === undefined) {
        this.alone.delete(item)
        this.entries.insert(item, isBehindFirst)
      } else if (members.every((each) => usedBy(each) === 0)) item.start(member)
    }
  }

  // ---- members ----

  // the free member with the fewest calls and items, and the first of several
  private freeMember(): ChildActor | undefined {
    let free: ChildActor | undefined
    let least = Infinity
    for (const member of this.members.list) {
      const used = usedBy(member)
      if (used >= least || used >= member.proxy.kind.concurrency || !member.isAlive || this.isReserved(member)) continue
      if (used === 0) return member
      free = member
      least = used
    }
    return free
  }

  /** Starts what waits, as far as members are free. */
  override advance(): void {
    const { entries } = this
    if (this.alone.size > 0) this.advanceAlone()
    for (let next = entries.first; next !== undefined; next = entries.first) {
      if (isItem(next) && next.place === "alone") {
        if (!this.reserve(next)) break
        entries.take()
        this.advanceAlone()
        continue
      }
      const member = this.freeMember()
      if (member === undefined) break
      entries.take()
      if (isItem(next)) next.start(member)
      else this.send(next, member)
    }
    if (entries.size > 0 && !this.members.hasFuture) this.refuseEntries()
  }

  private refuseEntries(): void {
    const { entries, members } = this
    const { refusal } = members
    if (refusal === undefined) return
    for (const waiting of entries.drain()) {
      if (!isItem(waiting)) waiting.refused(refusal)
      else if (this.startsDead(waiting)) waiting.start(members.last)
      else entries.add(waiting)
    }
  }
}
