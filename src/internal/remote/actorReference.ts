/**
 * References to actors as values. The process that forwards a reference relays the calls of the holder to the actor, and the answers to
 * the holder. Between two threads, there is a direct route, too (routedProxy.ts).
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { ActorExited, HandleError, HandleReleased } from "../../ActorError.ts"
import type * as Definitions from "../actor/definition.ts"
import * as Methods from "../codec/methods.ts"
import * as Handles from "../handles/handle.ts"
import * as Marshal from "../handles/marshal.ts"
import type * as WireHandles from "../handles/wireHandle.ts"
import { provideRoute } from "../handoff/provideRoute.ts"
import type { ActorProxy } from "../proxy/actorProxy.ts"
import * as Call from "../proxy/call.ts"
import * as ClientObject from "../proxy/clientObject.ts"
import type { End, Incarnation } from "../proxy/proxyState.ts"
import type * as Frames from "../wire/frames.ts"
import * as HandleSchema from "./handleSchema.ts"
import type { ObjectKind, RemoteObject } from "./remoteObject.ts"

const Exited = Schema.UndefinedOr(ActorExited)

// the operations on an actor, as methods that follow the actor's own
// the timeout of the actor's calls does not concern them
const control = Methods.methods(RpcGroup.make(
  Rpc.make("~uactor/awaitExit", { success: Exited }).annotate(Methods.CallTimeout, Infinity),
  Rpc.make("~uactor/incarnations", {
    success: Schema.Struct({ number: Schema.Int, address: Schema.String, previous: Exited }),
    stream: true
  }),
  Rpc.make("~uactor/ends", {
    success: Schema.Struct({
      incarnation: Schema.Int,
      address: Schema.String,
      error: Exited,
      restarts: Schema.Boolean
    }),
    stream: true
  }),
  Rpc.make("~uactor/stop", {
    payload: { drain: Schema.Union([Schema.Boolean, Schema.Number]), because: Schema.UndefinedOr(Schema.String) }
  })
    .annotate(Methods.CallTimeout, Infinity),
  Rpc.make("~uactor/kill").annotate(Methods.CallTimeout, Infinity)
))
const [awaitExit, incarnations, ends, stop, kill] = control.keys()

type Exited = ActorExited | undefined

const errorOf = (exit: Exit.Exit<void, ActorExited>): Exited =>
  Exit.isSuccess(exit) ? undefined : exit.cause.reasons.find(Cause.isFailReason)?.error

const exitOf = (error: Exited): Exit.Exit<void, ActorExited> => error === undefined ? Exit.void : Exit.fail(error)

const serve = (actor: ClientObject.ActorHandle): ReturnType<Handles.ObjectSource["open"]> => ({
  ...Call.forward(actor.proxy),
  "~uactor/awaitExit": () => Effect.map(actor.awaitExit, errorOf),
  "~uactor/incarnations": () => actor.incarnations,
  "~uactor/ends": () => Stream.map(actor.ends, ({ exit, ...end }) => ({ ...end, error: errorOf(exit) })),
  "~uactor/stop": (payload) => {
    const { because, drain } = payload as { readonly drain: boolean | number; readonly because: string | undefined }
    return actor.stop(drain, because)
  },
  "~uactor/kill": () => actor.kill
})

/** An actor, as the holder of a reference sees it. */
class RemoteActor implements ClientObject.ActorHandle {
  private readonly object: RemoteObject
  private readonly base: number

  constructor(object: RemoteObject, base: number) {
    this.object = object
    this.base = base
  }

  get proxy(): ActorProxy {
    return this.object.proxy
  }

  get address(): string {
    return this.proxy.address
  }

  get id(): string {
    const { actorId, name } = this.proxy
    return actorId ?? `${name}-?`
  }

  get facts(): ClientObject.ActorFacts {
    const { exit, name } = this.proxy
    return { name, state: exit === undefined ? undefined : "Ended", incarnation: undefined }
  }

  proxyFor(): ActorProxy {
    return this.object.proxyFor()
  }

  private ask(index: number, payload?: unknown): object {
    return Call.call(this.proxy, this.base + index, payload)
  }

  get awaitExit(): Effect.Effect<Exit.Exit<void, ActorExited>> {
    return Effect.suspend(() => {
      const { address, proxy } = this
      if (proxy.exit !== undefined) return Effect.succeed(proxy.exit)
      return Effect.match(this.ask(awaitExit!) as Effect.Effect<ActorExited | undefined, unknown>, {
        onSuccess: exitOf,
        onFailure: (error) =>
          Exit.fail(
            error instanceof ActorExited
              ? error
              : proxy.exited("Disconnected", "Unknown", `the exit of ${address} is unknown: ${String(error)}`)
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

  get ends(): Stream.Stream<End> {
    return Stream.suspend(() => {
      const all = this.ask(ends!) as Stream.Stream<Omit<End, "exit"> & { readonly error: Exited }, unknown>
      return Stream.catch(
        Stream.map(all, ({ error, ...end }) => ({ ...end, exit: exitOf(error) })),
        (error) => {
          if (error instanceof HandleReleased) return Stream.die(error)
          // the link to the actor has ended before its last end arrived
          const last = (exit: Exit.Exit<void, ActorExited>): End => ({
            incarnation: this.proxy.incarnation.number,
            address: this.address,
            exit,
            restarts: false
          })
          return Stream.map(Stream.fromEffect(this.awaitExit), last)
        }
      )
    })
  }

  stop(drain: boolean | number, because?: string): Effect.Effect<void> {
    return Effect.suspend(() => this.end(stop!, { drain, because }))
  }

  get kill(): Effect.Effect<void> {
    return Effect.suspend(() => this.end(kill!))
  }

  // an actor whose reference fails with an `ActorExited` has ended
  private end(index: number, payload?: unknown): Effect.Effect<void> {
    return Effect.catch(
      this.ask(index, payload) as Effect.Effect<void, unknown>,
      (error) => error instanceof HandleReleased || !HandleError.is(error) ? Effect.die(error) : Effect.void
    )
  }
}

// the description of an actor for the callers on a direct route
const infoOf = ({ kind, methods, name }: ActorProxy): Frames.MailboxInfo => {
  const { callTimeout, capacity, concurrency, runTimeout, suspends, wireMethods } = kind
  const served: Array<string> = []
  methods.forEach(({ signature }, index) => {
    const at = wireMethods[index]!
    if (at >= 0) served[at] = signature
  })
  return {
    actor: name,
    methods: served,
    capacity,
    concurrency,
    suspends,
    ready: false,
    supervision: undefined,
    callTimeout,
    runTimeout
  }
}

// what the references to the actors of a definition have in common
const kindOf = (definition: Pick<Definitions.Definition, "methods" | "name">): ObjectKind => {
  let all: ReadonlyArray<Methods.Method> | undefined
  return {
    kind: `reference to ${definition.name}`,
    get methods() {
      return all ??= [...definition.methods, ...control]
    },
    shape: (object) => {
      const { methods } = definition
      return HandleSchema.attach(ClientObject.make(methods, new RemoteActor(object, methods.length)), object)
    }
  }
}

// exports the reference of an actor that this side has spawned
const exportReference = (ref: object, kind: ObjectKind, to: Handles.Exporting): WireHandles.WireHandle => {
  const actor = ClientObject.handleOf(ref)!
  const served: Handles.ObjectSource = {
    reclaim: () => ref,
    again: () => served,
    kind: kind.kind,
    methods: kind.methods,
    context: Context.empty(),
    route: (channel, target) =>
      provideRoute(actor.proxy, to.ends.introducer, channel, target, () => infoOf(actor.proxy)),
    open: () => serve(actor),
    isRelay: true,
    callTimeout: actor.proxy.kind.callTimeout,
    watch: (onExit) => actor.proxy.watch({ onExit }),
    owner: actor.proxy
  }
  return to.ends.exports.addObject(served, to)
}

/** A schema for the reference of an actor to itself, from its host to its worker. */
export const Own: Schema.declare<object> = HandleSchema.schemaOf<object>({
  fresh: true,
  kind: "reference to itself",
  expected: "a reference",
  is: (u) => ClientObject.ActorRefTypeId in u,
  decode: (wire, from) => Marshal.receive(wire, kindOf(from.receiver!.definition), from),
  encode: (ref, to) => exportReference(ref, kindOf(ClientObject.handleOf(ref)!.proxy), to)
})

/** A reference whose definition its receiver knows. */
export interface Unbound {
  readonly bind: (definition: Definitions.Definition) => object
}

/** A schema for the reference of an actor of any definition, from a host to its worker, which binds it to the definition. */
export const Named: Schema.declare<object> = HandleSchema.schemaOf<object>({
  fresh: true,
  kind: "reference to a named actor",
  expected: "a reference",
  is: (u) => ClientObject.ActorRefTypeId in u || "bind" in u,
  decode: (wire, from): Unbound => ({ bind: (definition) => Marshal.receive(wire, kindOf(definition), from) }),
  encode: (ref, to) => exportReference(ref, kindOf(ClientObject.handleOf(ref)!.proxy), to)
})

/** A schema for references to the actors of a definition. */
export const schema = <A extends object>(definition: Definitions.Definition): Schema.declare<A> => {
  const { name } = definition
  const kind = kindOf(definition)
  return HandleSchema.schemaOf<A>({
    fresh: true,
    kind: kind.kind,
    expected: `a reference to ${name}`,
    is: (u) => ClientObject.ActorRefTypeId in u && ClientObject.handleOf(u)?.proxy.name === name,
    decode: (wire, from) => Marshal.receive(wire, kind, from),
    encode: (ref, to) => {
      return Handles.HandleTypeId in ref ? Handles.toWire(ref, kind, to) : exportReference(ref, kind, to)
    }
  })
}
