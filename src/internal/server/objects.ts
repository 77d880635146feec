/**
 * The objects whose handles the peer holds, each served under an id of its own.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Scheduler from "effect/Scheduler"
import * as Codec from "../codec/codec.ts"
import type { IntMap } from "../collections/intMap.ts"
import type * as Handles from "../handles/handle.ts"
import { ActorCell, type CellServer } from "./actorCell.ts"
import type { Dispatcher } from "./dispatcher.ts"

/** Serves objects. */
export class ServedObjects {
  private readonly server: CellServer
  private readonly actors: IntMap<ActorCell>
  private readonly dispatcher: Dispatcher
  private readonly services: Context.Context<never>
  private readonly scheduler: Scheduler.Scheduler
  private readonly close: (id: number, isDrained: boolean) => void

  /** `services`: the services of objects that belong to no actor. `close`: closes an object; `isDrained`: after its calls in progress. */
  constructor(
    server: CellServer,
    actors: IntMap<ActorCell>,
    dispatcher: Dispatcher,
    services: Context.Context<never>,
    scheduler: Scheduler.Scheduler,
    close: (id: number, isDrained: boolean) => void
  ) {
    this.server = server
    this.actors = actors
    this.dispatcher = dispatcher
    this.services = services
    this.scheduler = scheduler
    this.close = close
  }

  /** Serves an object to one holder of its handle. */
  serve(id: number, object: Handles.ObjectSource, owner: ActorCell | undefined): void {
    const { isRelay, kind, methods } = object
    // the handlers log and trace as the actor, or the program, to which the object belongs
    const context = Context.merge(owner?.behaviour.context ?? this.services, object.context)
    const cell = new ActorCell(
      this.server,
      id,
      {
        definition: { name: object.owner?.name ?? kind, methods, args: Codec.voidCodec, error: Codec.voidCodec },
        build: () => Effect.die("an object is not built"),
        handlers: undefined,
        context,
        concurrency: Infinity,
        mailboxCapacity: Infinity,
        suspends: true,
        streamsInOrder: true,
        supervision: undefined,
        callTimeout: undefined,
        runTimeout: undefined,
        onExit: undefined
      },
      Context.add(context, Scheduler.Scheduler, this.scheduler),
      owner
    )
    const handlers = object.open(cell.scope)
    cell.handlers = methods.map((method) => handlers[method.tag]!)
    cell.isRelay = isRelay
    cell.served = isRelay ? object.owner : object.local
    this.actors.set(id, cell)
    if (owner === undefined) return
    owner.addObject(cell, this)
    // an actor that is closing exports objects that close immediately
    if (owner.isClosing) this.stop(cell)
  }

  drainQueued(object: ActorCell): void {
    this.dispatcher.drainQueued(object)
  }

  stop(object: ActorCell): void {
    this.close(object.id, false)
  }

  /** The holder has released an object. `isDrained`: the calls in progress end first. */
  release(id: number, isDrained: boolean): void {
    const cell = this.actors.get(id)
    if (cell === undefined) return
    // the holder made the waiting calls before it released the object
    this.dispatcher.drainQueued(cell, () => {
      cell.isReleased = true
      this.close(id, isDrained)
    })
  }
}
