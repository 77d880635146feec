/**
 * What a scope holds of others, to be let go of when it closes (H5): one finalizer
 * for each scope, however many handles it receives.
 */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { HandleReleased } from "../ActorError.ts"
import type { Owner } from "./handles.ts"
import { type Placed, Places } from "./places.ts"

/** Something that is held until a scope closes, or by hand. */
export interface Holding extends Placed {
  /** there is nothing to let go of any more */
  readonly isOver?: boolean
  readonly release: () => void
}

/** What one scope holds. */
export type Leases = Places<Holding>

const leased = new WeakMap<Scope.Scope, Leases>()

const leasesOf = (scope: Scope.Scope): Leases => {
  let leases = leased.get(scope)
  if (leases === undefined) {
    const made: Leases = leases = new Places()
    leased.set(scope, made)
    Effect.runSync(Scope.addFinalizer(scope, Effect.sync(() => made.drain().forEach((holding) => holding.release()))))
  }
  return leases
}

/** Makes a holding that lives as long as a scope; without one, until it is let go by hand. */
export const hold = <H extends Holding>(
  scope: Scope.Scope | undefined,
  make: (leases: Leases | undefined) => H
): H => {
  const leases = scope === undefined ? undefined : leasesOf(scope)
  const holding = make(leases)
  if (holding.isOver !== true) leases?.add(holding)
  if (scope?.state._tag === "Closed") holding.release()
  return holding
}

/** Why a handle that has been let go cannot be used. */
export const released = ({ address, name }: Pick<Owner, "address" | "name">): HandleReleased =>
  new HandleReleased({ actor: name, message: `a handle of ${address} has been released` })
