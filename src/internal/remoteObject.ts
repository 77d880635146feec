/**
 * An object elsewhere that can be called from here, and how it is served to those
 * to whom it is handed on (H4).
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { HandleReleased } from "../ActorError.ts"
import * as Call from "./call.ts"
import type * as Codec from "./codec.ts"
import type { Exports, Served } from "./exports.ts"
import * as Handles from "./handles.ts"
import { hold, type Holding, type Leases, released } from "./leases.ts"
import type { Shortcut } from "./shortcut.ts"
import { Target } from "./target.ts"

/** What a schema knows of a kind of object. */
export interface ObjectKind {
  readonly kind: string
  readonly methods: ReadonlyArray<Codec.Method>
  /** makes the handle that users see */
  readonly shape: (object: RemoteObject) => object
}

/** What came from where it did. */
interface Table extends Handles.ImportTable {
  /** has an object served once more, for someone to whom it is handed on; returns its number and where calls go */
  readonly share: (id: number, held: Target) => readonly [id: number, target: Target]
  /** hands an object to another worker, so that they need nobody between them; nothing where that cannot be done */
  readonly handDirectly: (id: number, how: ObjectKind, held: Target, to: Handles.Ends) => Handles.WireHandle | undefined
}

/** A target whose handle has been released. */
class ReleasedTarget extends Target {
  override refusal(): HandleReleased {
    return released(this)
  }
}

/** An object elsewhere. */
export class RemoteObject implements Handles.Carrier, Holding {
  readonly kind: string
  readonly id: number
  place = -1
  /** the handle that users see */
  readonly handle: object
  private readonly imports: Table
  private readonly how: ObjectKind
  private readonly served: Target
  private readonly leases: Leases | undefined
  private isReleased = false
  /** the way to the actor behind it that leads through nobody else */
  shortcut: Shortcut | undefined

  constructor(
    imports: Table,
    id: number,
    how: ObjectKind,
    target: Target,
    leases: Leases | undefined
  ) {
    this.imports = imports
    this.id = id
    this.how = how
    this.kind = how.kind
    this.served = target
    this.leases = leases
    this.handle = how.shape(this)
  }

  /** Where the holder's calls go. */
  get target(): Target {
    if (!this.isReleased) return this.served
    const { address, connection, id, methods, name } = this.served
    return new ReleasedTarget(connection, id, name, address, methods)
  }

  /** Where the calls of a method go. */
  targetFor(index: number): Target {
    return this.shortcut?.for(index) ?? this.target
  }

  /** There may be a way to the actor behind it that leads through nobody else. */
  shorten(shortcut: Shortcut): void {
    if (!this.isReleased) this.shortcut = shortcut
  }

  /** Its owner has ended. */
  get isOver(): boolean {
    return this.served.exit !== undefined
  }

  /** It was taken in from an owner who had it, and has not been released. */
  get isHeld(): boolean {
    return !this.isReleased && this.id !== 0
  }

  /** Its owner has ended: there is nothing to let go of. */
  ended(): void {
    this.leases?.delete(this)
  }

  release(): void {
    if (this.isReleased) return
    this.isReleased = true
    this.leases?.delete(this)
    const why = (): HandleReleased => released(this.served)
    this.served.release(why)
    this.served.connection.recall(this.served, why)
    this.shortcut?.release(why)
    this.shortcut = undefined
    this.imports.releaseId(this.id)
  }

  export(to: Handles.Exporting, _how: unknown): Handles.WireHandle {
    if (this.isReleased) throw released(this.served)
    // one that is on its way back here from another worker may not be known to its owner yet
    if (to.ends.imports === this.imports && !this.served.restarting) {
      Handles.whenSent(to, this.imports.sendBack(this.id))
      return Handles.wire([Handles.WireYours, this.id, undefined])
    }
    const direct = this.imports.handDirectly(this.id, this.how, this.served, to.ends)
    if (direct !== undefined) return direct
    return (to.ends.exports as Exports).addObject(new Relay(this.imports, this.id, this.how, this.served), to.owner)
  }
}

/** An object elsewhere, as it is served to one who was handed it here. */
class Relay implements Served {
  readonly kind: string
  readonly methods: ReadonlyArray<Codec.Method>
  readonly context = Context.empty()
  readonly isRelay = true
  readonly owner: Target
  private readonly imports: Table
  private readonly id: number
  private readonly how: ObjectKind

  /** `from` is a number under which the object is held, which may be let go afterwards */
  constructor(imports: Table, from: number, how: ObjectKind, held: Target) {
    this.imports = imports
    this.how = how
    this.kind = how.kind
    this.methods = how.methods
    ;[this.id, this.owner] = imports.share(from, held)
  }

  open(holder: Scope.Scope): ReturnType<Served["open"]> {
    Effect.runSync(Scope.addFinalizer(holder, Effect.sync(() => this.imports.releaseId(this.id))))
    return Call.forward(this.owner)
  }

  again(): Served {
    return new Relay(this.imports, this.id, this.how, this.owner)
  }

  reclaim(from: Handles.Importing): object {
    const [id, target] = this.imports.share(this.id, this.owner)
    return hold(from.scope, (leases) => new RemoteObject(this.imports, id, this.how, target, leases)).handle
  }
}
