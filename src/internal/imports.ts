/**
 * What one end of a link holds of the other: the table of results in the making
 * and of objects to be called, by their numbers.
 */
import * as Exit from "effect/Exit"
import type { ActorExited } from "../ActorError.ts"
import * as Codec from "./codec.ts"
import * as Handles from "./handles.ts"
import { known } from "./heldDeferred.ts"
import { Holds } from "./holds.ts"
import { hold } from "./leases.ts"
import type { Neighbour } from "./neighbour.ts"
import type { Outbox } from "./outbox.ts"
import { type Passed, RemoteDeferred } from "./remoteDeferred.ts"
import { type ObjectKind, RemoteObject } from "./remoteObject.ts"
import { type Caller, Shortcut } from "./shortcut.ts"
import { Table } from "./table.ts"
import type { Target } from "./target.ts"
import * as Wire from "./wire.ts"

/** What the table needs of its end of the link. */
interface Services {
  /** makes the target of an object, which may not be served yet */
  readonly open: (
    id: number,
    name: string,
    address: string,
    methods: ReadonlyArray<Codec.Method>,
    awaited: boolean
  ) => Target
  /** lets go of the handles in a value */
  readonly discard: (value: unknown) => void
  /** tells whether it was not served yet */
  readonly close: (id: number) => "served" | "awaited"
  /** lets go of one that has not been opened */
  readonly refuse: (id: number) => void
  readonly served: (id: number) => void
  readonly onServed: (target: Target, listener: () => void) => void
  /** makes the calls of actors that are reached directly */
  readonly caller: Caller
}

type Completion = readonly [status: number, value: unknown]

/** What one end of a link holds of the other. */
export class Imports implements Handles.ImportTable {
  readonly outbox: Outbox
  /** the worker at the other end, where it can be connected with others */
  private readonly neighbour: Neighbour<Handles.Ends> | undefined
  /** the number of the channel, where the other end is another worker */
  private readonly channel: number | undefined
  private readonly services: Services
  private readonly results = new Table<RemoteDeferred>()
  /** the completions, if they have come, of results whose handles have not been taken in yet */
  private readonly expected = new Map<number, Completion | undefined>()
  /** the completions of results that are told here as well, and whose handles have not come yet */
  private readonly early = new Map<number, Completion>()
  /** the highest number of such a handle that has come; most come in the order of their numbers */
  private latest = 0
  /** the objects that are held, and the shares of those who were handed them */
  private readonly objects = new Table<RemoteObject | Target>()
  private nextShare = 1
  /** what is on its way back to its owner */
  private readonly returning = new Holds((id) => this.outbox.push2(Wire.Release, id))
  private ended: [reason: ActorExited["reason"], message: string] | undefined

  constructor(
    outbox: Outbox,
    services: Services,
    where: { readonly neighbour: Neighbour<Handles.Ends> | undefined; readonly channel: number | undefined }
  ) {
    this.outbox = outbox
    this.services = services
    this.neighbour = where.neighbour
    this.channel = where.channel
  }

  /** whether objects are handed over by a third party, so that what is said of one may come before its handle */
  get isDirect(): boolean {
    return this.channel !== undefined
  }

  /** whether a result that was promised is still in the making */
  get isPending(): boolean {
    return this.results.size > 0
  }

  get size(): number {
    return this.results.size + this.objects.size + this.expected.size + this.early.size + this.returning.size
  }

  add(content: Handles.WireContent, how: unknown, from: Handles.Importing): object {
    switch (content[0]) {
      case Handles.WireKnown:
        return known(content[1], content[2], how as Codec.ResultCodec, { owner: from.owner, importer: from })
      case Handles.WireDeferred:
        return hold(from.scope, (leases) => {
          const deferred = new RemoteDeferred(this, content[1], how as Codec.ResultCodec, from, leases)
          const completion = this.expected.get(content[1])
          this.expected.delete(content[1])
          if (completion !== undefined) deferred.complete(...completion, this)
          else if (this.ended !== undefined) deferred.lose(...this.ended, this)
          else this.results.set(content[1], deferred)
          return deferred
        })
      case Handles.WirePassed: {
        const [, id, channel, passed] = content
        const deferred = this.add([Handles.WireDeferred, id], how, from) as RemoteDeferred
        deferred.follow(from.ends.mesh?.importsOf(channel) as Imports | undefined, passed)
        return deferred
      }
      case Handles.WireObject: {
        const [, id, name, address, way] = content
        const object = this.take(id, name, address, how as ObjectKind, from, false)
        if (way !== undefined) {
          object.shorten(new Shortcut(object.target, () => this.outbox.push2(Wire.Seek, id)))
          this.found(id, way, from.ends)
        }
        return object.handle
      }
      case Handles.WireDirect: {
        const [, id, channel, name, address] = content
        const imports = from.ends.mesh?.importsOf(channel) as Imports | undefined
        return imports === undefined
          ? this.dead(how, from)
          : imports.take(id, name, address, how as ObjectKind, from, true).handle
      }
      case Handles.WireBack: {
        const [, shared, channel, name, address, held] = content
        const imports = from.ends.neighbour?.across(channel)?.ends.imports as Imports | undefined
        if (imports === undefined) return this.dead(how, from)
        const id = imports.recall(channel, shared, held)
        return imports.take(id, name, address, how as ObjectKind, from, true).handle
      }
      default:
        throw new TypeError(`unknown kind of handle: ${String(content[0])}`)
    }
  }

  private take(
    id: number,
    name: string,
    address: string,
    kind: ObjectKind,
    from: Handles.Importing,
    awaited: boolean
  ): RemoteObject {
    const target = this.services.open(id, name, address, kind.methods, awaited)
    return hold(from.scope, (leases) => {
      const object = new RemoteObject(this, id, kind, target, leases)
      if (!object.isOver) this.objects.set(id, object)
      return object
    })
  }

  /** There is a way to what stands behind an object that leads through nobody else, or none now. */
  found(id: number, way: Handles.Way | undefined, ends: Handles.Ends): void {
    const object = this.objects.get(id)
    const channel = typeof way === "object" ? ends.mesh?.importsOf(way[0]) as Imports | undefined : undefined
    if (object instanceof RemoteObject) object.shortcut?.found(way, channel?.services.caller)
    else if (typeof way === "object") channel?.services.refuse(way[1])
  }

  // what a worker holds of another one has been handed back: from now on it is held here
  private recall(channel: number, shared: number, from: number): number {
    const id = -(2 * this.nextShare++)
    this.outbox.push5(Wire.Recall, id, channel, shared, from)
    return id
  }

  /** Lets go of what was handed from worker to worker and is not taken in. */
  refuse(content: Handles.WireContent, ends: Handles.Ends): void {
    switch (content[0]) {
      case Handles.WirePassed:
        ;(ends.mesh?.importsOf(content[2]) as Imports | undefined)?.ignore(content[3])
        break
      case Handles.WireObject:
        this.found(content[1], content[4], ends)
        break
      case Handles.WireDirect:
        ;(ends.mesh?.importsOf(content[2]) as Imports | undefined)?.services.refuse(content[1])
        break
      case Handles.WireBack: {
        const [, shared, channel, , , from] = content
        const imports = ends.neighbour?.across(channel)?.ends.imports as Imports | undefined
        imports?.releaseId(imports.recall(channel, shared, from))
      }
    }
  }

  /** The same for one that is not sent after all. */
  withdraw(content: Handles.WireContent, ends: Handles.Ends): void {
    if (content[0] === Handles.WireBack) ends.mesh?.importsOf(content[2])?.releaseId(content[1])
    if (content[0] === Handles.WireObject && typeof content[4] === "object") {
      const [channel, id] = content[4]
      ends.neighbour?.across(channel)?.unpass(channel, id)
    }
    if (content[0] !== Handles.WireDirect) return
    const [, passed, channel] = content
    const imports = ends.neighbour?.across(channel)?.ends.imports as Imports | undefined
    imports?.releaseId(imports.recall(channel, passed, passed))
  }

  /**
   * Hands an object of one worker to another one, so that they need nobody between them; or what one worker holds of another to
   * the process that started both. Nothing where that cannot be done.
   */
  handDirectly(
    id: number,
    { methods }: ObjectKind,
    held: Target,
    to: Handles.Ends
  ): Handles.WireHandle | undefined {
    const { address, name } = held
    if (this.channel !== undefined && to.mesh !== undefined) {
      const shared = -(2 * this.nextShare++)
      this.services.onServed(held, () => this.outbox.push3(Wire.Share, shared, id))
      return Handles.wire([Handles.WireBack, shared, this.channel, name, address, id])
    }
    // what calls of it carry would be handed on by those two alone
    if (methods.some(Codec.carriesHandles)) return undefined
    if (this.neighbour === undefined || to.neighbour === undefined) return undefined
    const passed = this.neighbour.pass(id, to.neighbour)
    return passed && Handles.wire([Handles.WireDirect, passed[1], passed[0], name, address])
  }

  /** Has a result told directly to another worker; returns where, and how to have it told no more. */
  passResult(id: number, { error, success }: Codec.ResultCodec, to: Handles.Ends): Passed | undefined {
    const { neighbour } = this
    // what the result carries would be handed on by those two alone
    if (neighbour === undefined || to.neighbour === undefined || success.handles || error.handles) return undefined
    const passed = neighbour.pass(id, to.neighbour)
    return passed && [...passed, () => neighbour.unpass(...passed)]
  }

  /** Has an object served once more, for someone to whom it is handed on; returns its number and where calls go. */
  share(id: number, held: Target): readonly [id: number, target: Target] {
    const { address, methods, name } = held
    const shared = -(2 * this.nextShare++)
    const target = this.services.open(shared, name, address, methods, held.restarting)
    this.objects.set(shared, target)
    this.services.onServed(held, () => {
      this.outbox.push3(Wire.Share, shared, id)
      this.services.served(shared)
    })
    return [shared, target]
  }

  dead(how: unknown, from: Handles.Importing): object {
    const { kind, methods } = how as ObjectKind
    const { owner } = from
    const id = 0
    const target = this.services.open(id, owner.name, `a ${kind} of ${owner.address}`, methods, false)
    this.services.close(id)
    target.end(Exit.void)
    return new RemoteObject(this, id, how as ObjectKind, target, undefined).handle
  }

  /** A result whose handle is taken in later. */
  expect(id: number): void {
    if (this.expected.has(id) || this.results.get(id) !== undefined) return
    this.expected.set(id, this.isDirect ? this.arrived(id) : undefined)
  }

  complete(id: number, status: number, value: unknown): void {
    if (this.expected.has(id)) return void this.expected.set(id, [status, value])
    const deferred = this.results.delete(id)
    if (deferred !== undefined) deferred.complete(status, value, this)
    else if (this.isDirect && id > this.latest) this.early.set(id, [status, value])
    // it has been let go of meanwhile: what comes with it is not wanted either
    else this.services.discard(value)
  }

  /** A result is told here as well, unless it is told elsewhere before. */
  watch(id: number, deferred: RemoteDeferred): void {
    const completion = this.expected.get(id) ?? this.arrived(id)
    this.expected.delete(id)
    if (completion === undefined) this.results.set(id, deferred)
    else deferred.complete(...completion, this)
  }

  /** What is told here of a result is not wanted, or not any more. */
  ignore(id: number): void {
    this.arrived(id)
    this.expected.delete(id)
    this.results.delete(id)
  }

  // The handle of a result that is told here has come; those before it that have not are not waited for. One of them that comes yet,
  // because it took time to encode, is told by the one who stands between.
  private arrived(id: number): Completion | undefined {
    const completion = this.early.get(id)
    this.latest = Math.max(this.latest, id)
    for (const key of this.early.keys()) if (key <= id) this.early.delete(key)
    return completion
  }

  releaseId(id: number): void {
    if (id === 0) return
    if (id > 0) {
      this.results.delete(id)
      const completion = this.expected.get(id)
      this.expected.delete(id)
      // what came with it is not wanted either
      if (completion !== undefined) return this.services.discard(completion[1])
    } else {
      this.objects.delete(id)
      // one that is not served yet is released as soon as it is: someone may have been promised a share of it
      if (this.services.close(id) === "awaited") return
    }
    if (!this.returning.delays(id)) this.outbox.push2(Wire.Release, id)
  }

  sendBack(id: number): () => void {
    return this.returning.hold(id)
  }

  /** An object's owner has ended. */
  closed(id: number): void {
    const object = this.objects.delete(id)
    if (object instanceof RemoteObject) object.ended()
  }

  /** The link has ended: nothing that is pending will complete. */
  end(reason: ActorExited["reason"], message: string): void {
    const pending = this.results.values()
    const objects = this.objects.values()
    this.ended = [reason, message]
    this.results.clear()
    this.objects.clear()
    for (const deferred of pending) deferred.lose(reason, message, this)
    for (const object of objects) if (object instanceof RemoteObject) object.ended()
  }
}
