/**
 * Routing: the member of a pool to which a call goes (P2, P6).
 */
import type * as Protocol from "../codec/protocol.ts"
import type { ChildActor } from "../system/childActor.ts"

/**
 * The strategy by which a pool selects the member for a call.
 *
 * - `first-free`: calls wait in one queue, and each goes to the first member that is free: that has fewer calls than its `concurrency`. A
 *   long call delays no call that another member can run. Best for calls of different length, and the default.
 * - `round-robin`: the members take turns, in the order of the calls. Best for many calls of a few microseconds.
 * - `least-busy`: the member with the fewest running and waiting calls. Best for long calls: no member gets many more of
 *   them than another.
 * - `random`: a random member.
 * - `hash`: calls with the same key go to the same member while it lives. The function returns the key of a method and its payload. A
 *   comparison of the method narrows the type of the payload.
 */
export type Strategy<Methods extends Protocol.Any = any> =
  | "first-free"
  | "round-robin"
  | "least-busy"
  | "random"
  | { readonly hash: (...call: Protocol.Call<Methods>) => string }

/** Returns the member for a call. */
export type Route = (method?: string, payload?: unknown) => ChildActor

// FNV-1a, 32 bits
const hashOf = (text: string): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

// P6: no call goes to a member that has ended while another member is alive
const aliveFrom = (members: ReadonlyArray<ChildActor>, start: number): ChildActor => {
  for (let i = 0; i < members.length; i++) {
    const member = members[(start + i) % members.length]!
    if (member.isAlive) return member
  }
  // no member is alive: a member that restarts, if any
  for (let i = 0; i < members.length; i++) {
    const member = members[(start + i) % members.length]!
    if (member.hasFuture) return member
  }
  return members[start % members.length]!
}

/** The strategies without options. */
export const names = ["first-free", "round-robin", "least-busy", "random"] as const

/** Whether a value is a strategy. Plain JavaScript may pass any value. */
export const isStrategy = (strategy: Strategy): boolean =>
  typeof strategy === "object" ? typeof strategy?.hash === "function" : names.includes(strategy)

/** A strategy that selects the member of a call when the call is made. */
export type Immediate = Exclude<Strategy, "first-free">

/** Chooses the member for each call. Without a method, the call is not known yet. */
export const router = (members: ReadonlyArray<ChildActor>, strategy: Immediate): Route => {
  let at = 0
  const nextInTurn = (): ChildActor => {
    const start = at
    at = (at + 1) % members.length
    return aliveFrom(members, start)
  }
  switch (strategy) {
    case "round-robin":
      return nextInTurn
    case "random":
      return () => aliveFrom(members, Math.floor(Math.random() * members.length))
    case "least-busy":
      return () => {
        // ties are resolved in turn, so that a burst of calls made before any is sent is distributed as well
        let best = aliveFrom(members, at)
        for (let i = 1; i < members.length; i++) {
          const member = members[(at + i) % members.length]!
          if (member.isAlive && member.proxy.load < best.proxy.load) best = member
        }
        at = (at + 1) % members.length
        return best
      }
    default:
      return (method, payload) =>
        method === undefined
          ? nextInTurn()
          : aliveFrom(members, hashOf(strategy.hash(method, payload)) % members.length)
  }
}
