/**
 * The imported handles that a scope holds, and releases when it closes (H5). A scope has one finalizer, however many handles it
 * receives.
 */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { HandleReleased } from "../../ActorError.ts"
import { IntrusiveSet, type Slotted } from "../collections/intrusiveSet.ts"
import type { Owner } from "./handle.ts"

/** An imported handle, held until its scope closes or until it is released explicitly. */
export interface Lease extends Slotted {
  /** the target has ended, so that nothing remains to be released */
  readonly isOver?: boolean
  readonly release: () => void
}

/** The leases of one scope. */
export type Leases = IntrusiveSet<Lease>

const leased = new WeakMap<Scope.Scope, Leases>()

const leasesOf = (scope: Scope.Scope): Leases => {
  let leases = leased.get(scope)
  if (leases === undefined) {
    const made: Leases = leases = new IntrusiveSet()
    leased.set(scope, made)
    Effect.runSync(Scope.addFinalizer(scope, Effect.sync(() => made.drain().forEach((lease) => lease.release()))))
  }
  return leases
}

/** Makes a lease that lasts as long as a scope; without a scope, until it is released explicitly. */
export const hold = <L extends Lease>(
  scope: Scope.Scope | undefined,
  make: (leases: Leases | undefined) => L
): L => {
  const leases = scope === undefined ? undefined : leasesOf(scope)
  const lease = make(leases)
  if (lease.isOver !== true) leases?.add(lease)
  if (scope?.state._tag === "Closed") lease.release()
  return lease
}

/** The error of a released handle. */
export const released = ({ address, name }: Pick<Owner, "address" | "name">): HandleReleased =>
  new HandleReleased({ actor: name, message: `a handle of ${address} has been released` })
