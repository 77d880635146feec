/**
 * Who can be called at the other end of a link, by number: the actors that were spawned there, the objects whose handles are held
 * here, and, where the link is a channel between two workers, actors that take calls on it as well. Their numbers on a channel were
 * told by others, so what is said of one of them may come before it is known here.
 */
import * as Exit from "effect/Exit"
import type { ActorExited } from "../ActorError.ts"
import type * as Codec from "./codec.ts"
import type { LinkEnd } from "./link.ts"
import { Table } from "./table.ts"
import { type Connection, kindOf, type Locate, Target } from "./target.ts"
import * as Wire from "./wire.ts"

/** How an actor, or what belongs to it, ends with its link. */
const exitOf = (target: Target, { message, reason }: LinkEnd): Exit.Exit<void, ActorExited> =>
  reason === "Stopped" ? Exit.void : Exit.fail(target.exited(reason, "NotRun", `${target.address} ended: ${message}`))

/** Those who can be called on one connection. */
export class Callees {
  /** the actors */
  readonly actors = new Table<Target>()
  private readonly objects = new Table<Target>()
  /** what was said of one before it was known here */
  private readonly early = new Map<number, "served" | "closed" | "unwanted">()
  private readonly whenServed = new Map<number, Array<() => void>>()
  private readonly connection: Connection
  private readonly isChannel: boolean
  private nextActor = 1
  private ended: LinkEnd | undefined

  constructor(connection: Connection, isChannel: boolean) {
    this.connection = connection
    this.isChannel = isChannel
  }

  private tableOf(id: number): Table<Target> {
    return id < 0 ? this.objects : this.actors
  }

  /** An actor that is to be spawned. */
  open(name: string, place: Locate, methods: ReadonlyArray<Codec.Method>): Target {
    const id = this.nextActor++
    const target = new Target(this.connection, id, name, place, methods)
    this.actors.set(id, target)
    return target
  }

  /** Takes over an actor whose worker has ended, for its next incarnation. */
  adopt(target: Target, place: Locate): void {
    const id = this.nextActor++
    target.rebind(this.connection, id, place)
    this.actors.set(id, target)
  }

  /** An actor of another link takes calls here from now on, as soon as it is said to. */
  enter(target: Target, id: number, info: Wire.MailboxInfo): void {
    target.rebind(this.connection, id, target.address)
    target.kind = kindOf(target.methods, info)
    const early = this.early.get(id)
    this.early.delete(id)
    if (this.ended !== undefined || early === "closed") return target.onCut!()
    this.actors.set(id, target)
    target.restarting = early === undefined
    target.advance()
  }

  /** It is not called here any more, if it still was. */
  leave(target: Target): void {
    const { id } = target
    if (this.actors.delete(id) === undefined) return
    if (target.restarting) this.early.set(id, "unwanted")
    else this.letGo(id)
  }

  /** An actor of another link has refused a call, because it ends: it is not called here any more; `false` if it is of this link. */
  cut(target: Target): boolean {
    if (target.onCut === undefined || !this.isChannel) return false
    const { id } = target
    if (this.actors.delete(id) !== undefined) {
      this.early.set(id, "unwanted")
      target.onCut()
    }
    return true
  }

  /** The object behind a handle. One that is not served yet (`awaited`) takes no call before it is. */
  attach(id: number, name: string, address: string, methods: ReadonlyArray<Codec.Method>, awaited: boolean): Target {
    const target = new Target(this.connection, id, name, address, methods)
    target.attached()
    const { ended } = this
    const early = this.early.get(id)
    this.early.delete(id)
    if (ended !== undefined) target.end(exitOf(target, ended))
    else if (early === "closed") target.end(Exit.void)
    else {
      target.restarting = awaited && early === undefined
      this.objects.set(id, target)
    }
    return target
  }

  /** One is served from now on. */
  served(id: number): void {
    const target = this.tableOf(id).get(id)
    const unwanted = this.early.get(id) === "unwanted" || !this.isChannel
    if (target === undefined && !unwanted) return void this.early.set(id, "served")
    if (target !== undefined) target.restarting = false
    const waiting = this.whenServed.get(id)
    this.whenServed.delete(id)
    waiting?.forEach((listener) => listener())
    if (target !== undefined) return target.advance()
    this.early.delete(id)
    this.letGo(id)
  }

  /** Calls back once an object is served; at once if it is. */
  onServed(target: Target, listener: () => void): void {
    if (!target.restarting) return listener()
    const waiting = this.whenServed.get(target.id)
    if (waiting === undefined) this.whenServed.set(target.id, [listener])
    else waiting.push(listener)
  }

  /** An object has been let go; one that is not served yet is released once it is. */
  detach(id: number): "served" | "awaited" {
    const isAwaited = this.objects.get(id)?.restarting === true
    this.objects.delete(id)
    if (!isAwaited) return "served"
    if (this.isChannel) this.early.set(id, "unwanted")
    return "awaited"
  }

  /** One is let go before it was known here. */
  refuse(id: number): void {
    if (this.early.delete(id)) this.letGo(id)
    else this.early.set(id, "unwanted")
  }

  private letGo(id: number): void {
    this.connection.outbox.push2(Wire.Release, id)
  }

  /** One is served no more; returns it. */
  closed(id: number): Target | undefined {
    this.whenServed.delete(id)
    const target = this.tableOf(id).delete(id)
    if (target !== undefined) return target
    if (this.early.get(id) === "unwanted") this.early.delete(id)
    else if (this.isChannel) this.early.set(id, "closed")
    return undefined
  }

  /**
   * The link has ended: returns all, and those of them that live on or are called elsewhere, for their calls; the others have
   * ended with it.
   */
  end(end: LinkEnd): readonly [all: ReadonlyArray<Target>, living: ReadonlyArray<Target>] {
    this.ended = end
    const all = [...this.actors.values(), ...this.objects.values()]
    this.actors.clear()
    this.objects.clear()
    const living: Array<Target> = []
    for (const target of all) {
      if (target.onCut !== undefined) living.push(target)
      else if (target.restarting && target.id > 0) continue
      else if (target.build === undefined && target.willRestart?.(end) === true) {
        target.restarting = true
        living.push(target)
      } else target.end(exitOf(target, end))
    }
    return [all, living]
  }
}
