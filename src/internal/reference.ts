/**
 * References to actors as values: whoever holds one reaches the actor through the
 * one who handed it on, who makes the same calls and passes the answers back; or,
 * where there is a way that leads through nobody else, on that (shortcut.ts).
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { ActorExited, HandleReleased, isRelayable } from "../ActorError.ts"
import type * as Behaviour from "./behaviour.ts"
import * as Call from "./call.ts"
import * as Codec from "./codec.ts"
import type { Exports, Served } from "./exports.ts"
import * as Handles from "./handles.ts"
import * as Objects from "./objects.ts"
import * as Ref from "./ref.ts"
import type { ObjectKind, RemoteObject } from "./remoteObject.ts"
import type { Incarnation, Target } from "./target.ts"

const Exited = Schema.UndefinedOr(ActorExited)

// what can be asked of an actor, behind the methods of its own
const control = Codec.methods(RpcGroup.make(
  Rpc.make("~uactor/awaitExit", { success: Exited }),
  Rpc.make("~uactor/incarnations", {
    success: Schema.Struct({ number: Schema.Int, address: Schema.String, previous: Exited }),
    stream: true
  }),
  Rpc.make("~uactor/stop", { payload: { drain: Schema.Union([Schema.Boolean, Schema.Number]) } }),
  Rpc.make("~uactor/kill")
))
const [awaitExit, incarnations, stop, kill] = control.keys()

const serve = (actor: Ref.Referent): ReturnType<Served["open"]> => ({
  ...Call.forward(actor.target),
  "~uactor/awaitExit": () =>
    Effect.map(
      actor.awaitExit,
      (exit) => Exit.isSuccess(exit) ? undefined : exit.cause.reasons.find(Cause.isFailReason)?.error
    ),
  "~uactor/incarnations": () => actor.incarnations,
  "~uactor/stop": (payload) => actor.stop((payload as { readonly drain: boolean | number }).drain),
  "~uactor/kill": () => actor.kill
})

/** An actor that is reached through a handle. */
class RemoteActor implements Ref.Referent {
  private readonly object: RemoteObject
  private readonly base: number

  constructor(object: RemoteObject, base: number) {
    this.object = object
    this.base = base
  }

  get target(): Target {
    return this.object.target
  }

  get address(): string {
    return this.target.address
  }

  targetFor(index: number): Target {
    return this.object.targetFor(index)
  }

  private ask(index: number, payload?: unknown): object {
    return Call.call(this.target, this.base + index, payload)
  }

  get awaitExit(): Effect.Effect<Exit.Exit<void, ActorExited>> {
    return Effect.suspend(() => {
      const { address, target } = this
      return Effect.match(this.ask(awaitExit!) as Effect.Effect<ActorExited | undefined, unknown>, {
        onSuccess: (error) => error === undefined ? Exit.void : Exit.fail(error),
        onFailure: (error) =>
          Exit.fail(
            error instanceof ActorExited
              ? error
              : target.exited("Disconnected", "Unknown", `nothing more will be known of ${address}: ${String(error)}`)
          )
      })
    })
  }

  get incarnations(): Stream.Stream<Incarnation> {
    return Stream.suspend(() =>
      Stream.catch(
        this.ask(incarnations!) as Stream.Stream<Incarnation, unknown>,
        (error) => error instanceof HandleReleased ? Stream.die(error) : Stream.empty
      )
    )
  }

  stop(drain: boolean | number): Effect.Effect<void> {
    return Effect.suspend(() => this.end(stop!, { drain }))
  }

  get kill(): Effect.Effect<void> {
    return Effect.suspend(() => this.end(kill!))
  }

  // an actor that is gone has ended
  private end(index: number, payload?: unknown): Effect.Effect<void> {
    return Effect.catch(
      this.ask(index, payload) as Effect.Effect<void, unknown>,
      (error) => error instanceof HandleReleased || !isRelayable(error) ? Effect.die(error) : Effect.void
    )
  }
}

// the way to an actor for who holds a reference at the other end of a link, where both are threads
const wayTo = (target: Target, holder: Handles.Ends): Handles.Way | undefined => {
  const { capacity, concurrency, connection, methods, suspends, wireMethods } = target
  const { neighbour } = connection.ends
  if (neighbour === undefined || holder.neighbour === undefined || target.closing) return undefined
  if (methods.every(Codec.carriesHandles)) return undefined
  // what waits here would be overtaken
  if (!target.isAvailable || target.waiting.size > 0) return 0
  const admitted = neighbour.admit(target.id, holder.neighbour)
  if (admitted === undefined) return 0
  const served: Array<string> = []
  methods.forEach(({ signature }, index) => {
    const at = wireMethods[index]!
    if (at >= 0) served[at] = signature
  })
  return [...admitted, { methods: served, capacity, concurrency, suspends, ready: false, supervision: undefined }]
}

/** A schema for references to the actors of a definition. */
export const schema = <A extends object>(definition: Behaviour.Definition): Schema.declare<A> => {
  const { name } = definition
  let all: ReadonlyArray<Codec.Method> | undefined
  const kind: ObjectKind = {
    kind: `reference to ${name}`,
    get methods() {
      return all ??= [...definition.methods, ...control]
    },
    shape: (object) => {
      const { methods } = definition
      return Objects.attach(Ref.make(methods, new RemoteActor(object, methods.length)), object)
    }
  }
  return Objects.schemaOf<A>({
    fresh: true,
    kind: kind.kind,
    expected: `a reference to ${name}`,
    is: (u) => Ref.ActorRefTypeId in u && Ref.actorOf(u).target.name === name,
    decode: (wire, from) => Handles.receive(wire, kind, from),
    encode: (ref, to) => {
      if (Handles.HandleTypeId in ref) return Handles.toWire(ref, kind, to)
      const actor = Ref.actorOf(ref)
      const served: Served = {
        reclaim: () => ref,
        again: () => served,
        kind: kind.kind,
        methods: kind.methods,
        context: Context.empty(),
        way: () => wayTo(actor.target, to.ends),
        open: () => serve(actor),
        isRelay: true,
        owner: actor.target
      }
      return (to.ends.exports as Exports).addObject(served, to.owner)
    }
  })
}
