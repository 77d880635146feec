/**
 * The object of a pool that its user holds: the client, the members, and the operations on all members. Its types are erased; the interface
 * `ActorPool` types them.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Definition } from "../actor/definition.ts"
import * as ClientObject from "../proxy/clientObject.ts"
import { printing } from "../runtime/printing.ts"
import type { ChildActor } from "../system/childActor.ts"
import type { System } from "../system/system.ts"
import * as Mapping from "./mapping.ts"
import * as Pools from "./pool.ts"

/** The function of a run on one member. */
type Run = (actor: object) => Effect.Effect<unknown, unknown, unknown>

/** A pool and its members. */
interface PoolObject {
  readonly pool: { readonly client: object }
  readonly members: ReadonlyArray<ChildActor>
}

/** Starts a pool that lives until the scope closes. */
export const make = (
  system: System,
  definition: Definition,
  options: Parameters<typeof Pools.make>[2]
): Effect.Effect<PoolObject, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const inner = yield* Pools.make(system, definition, options)
    const { awaitExit, client, members, resize, run, runOn } = inner
    const refs = new WeakMap<ChildActor, object>()
    const refOf = (member: ChildActor): object => {
      let ref = refs.get(member)
      if (ref === undefined) refs.set(member, ref = ClientObject.make(member.proxy.methods, member))
      return ref
    }
    const onAll = (f: Run) =>
      Effect.suspend(() =>
        Effect.forEach(members.slice(), (member) => runOn(member, () => f(refOf(member))), { concurrency: "unbounded" })
      )
    const submit = (f: Run, options?: { readonly priority?: number | undefined }) =>
      Effect.suspend((): Effect.Effect<unknown, never, unknown> => {
        Mapping.checkPriority(inner, "submit", options?.priority)
        const item = run((member) => f(refOf(member)), {
          priority: options?.priority ?? 0,
          whenFull: "as a call",
          whenNone: "starts",
          place: "shared"
        })
        if (scope.state._tag !== "Closed") return Effect.forkIn(item, scope, { startImmediately: true })
        // L6: the use of a closed pool is an error, not an interruption
        const { proxy } = members[0]!
        return Effect.forkDetach(
          Effect.fail(proxy.exited("Stopped", "NotRun", `the pool of ${proxy.name} has been closed`))
        )
      })
    const mapping = (method: Mapping.Method) =>
    (
      input: Iterable<unknown> | Stream.Stream<unknown, unknown, unknown>,
      f: (actor: object, element: unknown) => Effect.Effect<unknown, unknown, unknown>,
      options: Mapping.MapOptions = {}
    ) => Mapping.map(inner, method, input, (member, element) => f(refOf(member), element), options)
    const pool = {
      client,
      members: Effect.sync(() => members.map(refOf)),
      broadcast: onAll,
      broadcastExit: (f: Run) => onAll((member) => Effect.exit(Effect.suspend(() => f(member)))),
      submit,
      map: mapping("map"),
      mapUnordered: mapping("mapUnordered"),
      mapExit: mapping("mapExit"),
      resize,
      awaitExit
    }
    Object.defineProperties(
      pool,
      printing(
        () => ({ _id: "ActorPool", name: definition.name, members: members.map(({ id }) => id) }),
        () => `ActorPool(${definition.name})`
      )
    )
    return { pool, members }
  })
