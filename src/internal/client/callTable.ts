/**
 * The calls in progress on one connection, by id. The id of a call is its slot with the generation of the slot, so the id of a late or
 * repeated frame finds no call.
 */
import type { OutgoingCall } from "../proxy/outgoingCall.ts"

const slotBits = 22
const slotMask = (1 << slotBits) - 1
const generationMask = (1 << (31 - slotBits)) - 1

/** The maximum number of calls in progress on one connection. */
export const maxCalls = slotMask + 1

/** The calls in progress. */
export class CallTable {
  private readonly slots: Array<OutgoingCall | undefined> = []
  private readonly generations: Array<number> = []
  private readonly free: Array<number> = []

  /** The number of calls in progress. */
  get size(): number {
    return this.slots.length - this.free.length
  }

  /** Adds a call and assigns its id. Returns `false` if there is no free slot. */
  add(call: OutgoingCall): boolean {
    let slot = this.free.pop()
    if (slot === undefined) {
      slot = this.slots.length
      if (slot > slotMask) return false
      this.generations.push(0)
    }
    this.slots[slot] = call
    call.id = (this.generations[slot]! << slotBits) | slot
    return true
  }

  /** Removes a call. */
  delete(call: OutgoingCall): void {
    const slot = call.id & slotMask
    this.slots[slot] = undefined
    this.generations[slot] = (this.generations[slot]! + 1) & generationMask
    this.free.push(slot)
  }

  /** The call with an id. */
  find(id: number): OutgoingCall | undefined {
    const call = this.slots[id & slotMask]
    return call !== undefined && call.id === id ? call : undefined
  }

  /** The calls in progress, in no order. */
  values(): Array<OutgoingCall> {
    return this.slots.filter((call) => call !== undefined)
  }
}
