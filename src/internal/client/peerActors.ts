/**
 * The actors that this side has spawned on the peer: the commands to them, and the answers to their owners.
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Causes from "../codec/causes.ts"
import * as Defects from "../codec/defects.ts"
import * as Exits from "../codec/exits.ts"
import type * as Methods from "../codec/methods.ts"
import type * as Handles from "../handles/handle.ts"
import { type ActorKind, kindOf } from "../proxy/actorKind.ts"
import type { ActorProxy } from "../proxy/actorProxy.ts"
import * as Frames from "../wire/frames.ts"
import type { Outbox } from "../wire/outbox.ts"
import type { ProxyTable } from "./proxyTable.ts"
import { answerOf } from "./spawnAnswer.ts"

const causeOf = (cause: Frames.EncodedCause): Cause.Cause<never> =>
  Causes.decodeCause(cause, Defects.decodeDefect, Defects.decodeDefect) as Cause.Cause<never>

/** The actors of one connection. */
export class PeerActors {
  private readonly outbox: Outbox
  private readonly proxies: ProxyTable
  private readonly imports: Handles.LinkImports
  private readonly onBroken: (message: string) => void
  /** the descriptions of the definitions, by name: the worker sends each with the first actor that it has built */
  private readonly infos = new Map<string, Frames.MailboxInfo>()
  private readonly kinds = new Map<ReadonlyArray<Methods.Method>, ActorKind>()

  /** `onBroken`: an answer lacks a description that the worker has to send. */
  constructor(
    outbox: Outbox,
    proxies: ProxyTable,
    imports: Handles.LinkImports,
    onBroken: (message: string) => void
  ) {
    this.outbox = outbox
    this.proxies = proxies
    this.imports = imports
    this.onBroken = onBroken
  }

  /** The kind of the actors with these methods, once one of them has been built. */
  kindOf(methods: ReadonlyArray<Methods.Method>): ActorKind | undefined {
    return this.kinds.get(methods)
  }

  // ---- commands ----

  /**
   * Has an actor built from encoded arguments; the answer goes to the owner of the actor. `isFresh`: the codec makes fresh
   * arguments; `handleFlag`: the flag of the transaction that encoded the arguments; `builds`: the number of builds in progress.
   */
  spawn(
    proxy: ActorProxy,
    args: unknown,
    isFresh: boolean,
    transfer: ReadonlyArray<unknown> | undefined,
    handleFlag: number,
    builds: number
  ): void {
    const { outbox } = this
    outbox.expect(builds)
    const op = Frames.carrying(Frames.Spawn, handleFlag)
    const number = proxy.identity as number
    if (transfer !== undefined) outbox.pushTransfer([op, proxy.id, proxy.name, args, number], transfer)
    else outbox.push(op, proxy.id, proxy.name, isFresh ? args : outbox.isolate(args), number)
  }

  /** Starts an actor without a build step; there is no answer. Returns `false` if the worker has not reported yet that there is none. */
  start(proxy: ActorProxy): boolean {
    const kind = this.kindOf(proxy.methods)
    if (kind === undefined || !kind.ready || this.proxies.hasEnded) return false
    proxy.built(kind)
    this.outbox.pushBulk(Frames.Start, proxy.id, proxy.name, proxy.identity as number)
    return true
  }

  /** Closes an actor: at once, after its accepted calls, as killed or for a restart; its owner is notified afterwards. */
  close(
    proxy: ActorProxy,
    how: "now" | "drain" | "kill" | "restart",
    exit: Exit.Exit<unknown, unknown>,
    errors: Exits.DefinedErrors
  ): void {
    const drain = how === "kill" ? Frames.killed : how === "restart" ? Frames.restarted : how === "drain"
    this.outbox.push(Frames.Close, proxy.id, drain, Exits.encodeExit(exit, errors))
  }

  /** Asks an actor for its vote; the vote goes to its owner. */
  vote(proxy: ActorProxy, exit: Exit.Exit<unknown, unknown>, errors: Exits.DefinedErrors): void {
    this.outbox.push(Frames.Vote, proxy.id, Exits.encodeExit(exit, errors))
  }

  // ---- answers ----

  /** The worker has answered a spawn. */
  spawned(id: number, status: Frames.SpawnStatus, value: unknown): void {
    // the peer sends the `MailboxInfo` of a definition once, even in an answer that arrives too late for its actor
    if (status === Frames.SpawnOk && value !== undefined) {
      const info = value as Frames.MailboxInfo
      this.infos.set(info.actor, info)
    }
    const proxy = this.proxies.actors.get(id)
    if (proxy === undefined) return
    if (status === Frames.SpawnOk) {
      const kind = this.builtKind(proxy)
      if (kind === undefined) return this.onBroken(`the worker has not described ${proxy.name}`)
      proxy.built(kind)
    }
    proxy.owner?.answered(answerOf(status, value))
  }

  // the kind of an actor that has been built; `undefined` if the worker has not described its definition
  private builtKind({ methods, name }: ActorProxy): ActorKind | undefined {
    const known = this.kinds.get(methods)
    const info = this.infos.get(name)
    if (known !== undefined || info === undefined) return known
    const kind = kindOf(methods, info)
    this.kinds.set(methods, kind)
    return kind
  }

  /** An actor or an object has closed; the cause is the failure of its finalizers. */
  closed(id: number, cause: Frames.EncodedCause | undefined): void {
    const leaving = id > 0 ? this.proxies.actors.get(id) : undefined
    // calls sent before a crash was known are refused after the actor has closed
    if (leaving?.paused === "leaving") leaving.whenSettled(() => this.removed(id, cause))
    else this.removed(id, cause)
  }

  private removed(id: number, cause: Frames.EncodedCause | undefined): void {
    const proxy = this.proxies.closed(id)
    if (proxy?.paused === "leaving") proxy.carry([])
    // while an actor restarts, `Closed` concerns only an incarnation that was not built
    else if (proxy?.paused !== "restarting") proxy?.end(Exit.void)
    if (id < 0) this.imports.closed(id)
    proxy?.owner?.closed(cause && causeOf(cause))
  }

  /** An actor has crashed by itself. */
  crashed(id: number, cause: Frames.EncodedCause | undefined): void {
    this.proxies.actors.get(id)?.owner?.crashed(cause === undefined ? Cause.empty : causeOf(cause))
  }

  /** An actor has voted. */
  voted(id: number, vote: boolean | Frames.EncodedCause): void {
    this.proxies.actors.get(id)?.owner?.voted(typeof vote === "boolean" ? vote : causeOf(vote))
  }
}
