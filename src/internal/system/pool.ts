/**
 * Many actors behind one client: which member a call goes to.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import type * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { SpawnError } from "../../ActorError.ts"
import type { Definition } from "../behaviour.ts"
import * as Ref from "../ref.ts"
import { Current, type Policy } from "../supervision.ts"
import type { HostedActor } from "./hostedActor.ts"
import { Members, type Size } from "./members.ts"
import type { System } from "./system.ts"

/**
 * How calls are spread over the members of a pool.
 *
 * - `round-robin`: one after the other, in the order in which the calls are made; best where a call costs little
 * - `least-busy`: the member with the fewest calls under way or waiting; best for work that takes its time, because then no member
 *   has many more of them than another
 * - `random`
 * - `hash`: calls with the same key go to the same member, for as long as it lives; it is given the method and its payload
 */
export type Strategy =
  | "round-robin"
  | "least-busy"
  | "random"
  | { readonly hash: (method: string, payload: unknown) => string }

/** What every pool takes. A call is bound to its member when it is made, however long the calls before it take. */
interface CommonOptions {
  /**
   * how many actors, at least 1; or between how many, as its calls need: one is started when a call finds all of them busy, and one
   * of those beyond `min` that has had no call, and nothing it has handed out is held here, for `idleTimeToLive` is ended; one that
   * has ended for good, killed or without restarts left, makes room for another (P7)
   */
  readonly size: Size
  /** `round-robin` by default */
  readonly strategy?: Strategy | undefined
}

/** The options of a pool: with `args`, the arguments of every actor, where its actors take any. */
export type PoolOptions<Args extends Schema.Top> = Args extends Schema.Void ? CommonOptions & { readonly args?: never }
  : CommonOptions & { readonly args: Args["Type"] }

/** The same, its types erased. */
interface AnyOptions extends CommonOptions {
  readonly args?: unknown
}

/** A pool, its types erased. */
export interface Pool {
  /** the same array for as long as the pool lives */
  readonly members: ReadonlyArray<HostedActor>
  readonly resize: (size: Size) => Effect.Effect<void, unknown>
  /** the member that the next call goes to; with no method, it is not known what that will be */
  readonly next: (method?: string, payload?: unknown) => HostedActor
  readonly client: object
}

// FNV-1a, 32 bits
const hashOf = (text: string): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

// P6: nothing goes to a member that is gone while another is there
const aliveFrom = (members: ReadonlyArray<HostedActor>, start: number): HostedActor => {
  for (let i = 0; i < members.length; i++) {
    const member = members[(start + i) % members.length]!
    if (member.isAlive) return member
  }
  // none is there: one that comes back, if any does
  for (let i = 0; i < members.length; i++) {
    const member = members[(start + i) % members.length]!
    if (member.hasFuture) return member
  }
  return members[start]!
}

const names = ["round-robin", "least-busy", "random"] as const

// in plain JavaScript it may be anything
const isStrategy = (strategy: Strategy): boolean =>
  typeof strategy === "object" ? typeof strategy?.hash === "function" : names.includes(strategy)

const router = (members: ReadonlyArray<HostedActor>, strategy: Strategy): Pool["next"] => {
  let at = 0
  const nextInTurn = (): HostedActor => {
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
        // ties go round, so that a burst of calls made before any is sent is spread as well
        let best = aliveFrom(members, at)
        for (let i = 1; i < members.length; i++) {
          const member = members[(at + i) % members.length]!
          if (member.isAlive && member.target.load < best.target.load) best = member
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

// P6: a dead member is replaced, unless a policy says otherwise
const replacement: Policy = {
  schedule: Schedule.exponential("100 millis"),
  maxRestarts: 5,
  window: "1 minute"
}

/** Starts the members, in parallel; releases those that have started if one fails (P1). */
export const make = (
  system: System,
  definition: Definition,
  options: AnyOptions
): Effect.Effect<Pool, unknown, Scope.Scope> =>
  // a scope of its own, so that a pool that fails or is interrupted half-way leaves nothing behind at once, and whose members close
  // together: none takes a call or the time of the others while one does not close
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const { strategy = "round-robin" } = options
      if (!isStrategy(strategy)) {
        const expected = [...names.map((name) => `"${name}"`), "{ hash }"].join(", ")
        const message = `the strategy of a pool of ${definition.name} must be one of ${expected}, not ${
          JSON.stringify(strategy)
        }`
        return yield* Effect.fail(new SpawnError({ actor: definition.name, reason: "OptionsInvalid", message }))
      }
      const scope = yield* Scope.fork(yield* Effect.scope, "parallel")
      // those that are added later are supervised as the first ones are
      const supervised = Effect.provideService(
        system.spawn(definition, options.args, replacement),
        Current,
        yield* Current
      )
      // P6: calls fail when no member can be brought back; one that ends hands over what has not run
      const hasHeir = (): boolean => scope.state._tag !== "Closed" && members.list.some(({ hasFuture }) => hasFuture)
      const spawn = Effect.map(supervised, (actor) => {
        actor.target.hasHeir = hasHeir
        return actor
      })
      const members = new Members(definition.name, spawn, scope, yield* Effect.context())
      const starting = restore(members.resize(options.size))
      yield* Effect.onError(starting, (cause) => Scope.close(scope, Exit.failCause(cause)))
      const route = router(members.list, strategy)
      const next: Pool["next"] = (method, payload) => {
        const member = route(method, payload)
        members.used(member)
        return member
      }
      const client = Ref.makeRouted(definition.methods, next)
      return { members: members.list, resize: (size) => members.resize(size), next, client }
    })
  )
