/**
 * References to the actors of a cluster. A reference has the methods of the actor, and names the actor by its id.
 */
import * as Cause from "effect/Cause"
import { PersistenceError } from "effect/cluster/ClusterError"
import * as EntityAddress from "effect/cluster/EntityAddress"
import * as EntityId from "effect/cluster/EntityId"
import { MessageStorage } from "effect/cluster/MessageStorage"
import { RunnerStorage } from "effect/cluster/RunnerStorage"
import { Sharding } from "effect/cluster/Sharding"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as PrimaryKey from "effect/PrimaryKey"
import type * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Definition } from "../actor/definition.ts"
import type * as Methods from "../codec/methods.ts"
import * as Call from "../proxy/call.ts"
import * as ClientObject from "../proxy/clientObject.ts"
import { type Attempt, begin, CurrentAttempt, Guard, RunnerWatch } from "./delivery.ts"
import * as Entities from "./entities.ts"
import * as Failures from "./failures.ts"

type Call = (payload: unknown, options?: object) => any
type AnyCall = Effect.Effect<unknown, unknown>
/** A stream whose call has been made, until the scope closes. */
type OpenedStream = Effect.Effect<Queue.Dequeue<unknown, unknown>, unknown, Scope.Scope>
type Fail = ReturnType<typeof Failures.fail>

/** The value of `clusterRef`. */
interface ClusterRef {
  readonly actor: string
  readonly id: string
}

/** The actor behind a reference. It has no end: its cluster starts it again for the next call. */
class ClusterActor implements ClientObject.ActorControl {
  readonly address: string
  /** removes the persisted calls and their results */
  readonly forget: Effect.Effect<void, PersistenceError, MessageStorage>
  readonly facts: ClientObject.ActorFacts
  readonly awaitExit = Effect.never
  readonly incarnations = Stream.never
  readonly ends = Stream.never
  private readonly ask: (tag: string, payload?: unknown) => Effect.Effect<unknown, unknown>

  constructor(
    name: string,
    address: string,
    ask: (tag: string, payload?: unknown) => Effect.Effect<unknown, unknown>,
    forget: Effect.Effect<void, PersistenceError, MessageStorage>
  ) {
    this.facts = { name, state: undefined, incarnation: undefined }
    this.address = address
    this.ask = ask
    this.forget = forget
  }

  get id(): string {
    return this.address
  }

  stop(drain: boolean | number): Effect.Effect<void> {
    return Effect.asVoid(Effect.orDie(this.ask(Entities.stopTag, { drain })))
  }

  get kill(): Effect.Effect<void> {
    return Effect.asVoid(Effect.orDie(this.ask(Entities.killTag)))
  }
}

/** The number of items for which the reader of a stream has room by default. */
const streamBufferSize = 16

/** The time between two attempts to reach the storage. */
const storageRetryInterval = "200 millis"

/** The time between the interruption of a call by its runner and the next attempt. */
const interruptedRetryInterval = "50 millis"

const entityKey = Symbol()

/** The own properties of a reference. */
interface ReferenceFields {
  readonly [entityKey]: { readonly id: string; readonly client: Record<string, Call> }
}

/** Makes the references to the actors of one definition. */
class References {
  private readonly definition: Definition
  /** the time that a call has to find a runner, in milliseconds */
  private readonly limit: number
  private readonly sharding: Sharding["Service"]
  private readonly clientOf: (id: string) => Record<string, Call>
  private readonly prototype: object
  /** dies when the cluster has had no runner for the time of a call */
  private readonly absence: Effect.Effect<never>
  /** repeats a call with a key while the storage cannot be reached: a call that is stored already is not stored again */
  private readonly whileStorageFails: Effect.Retry.Options<unknown>

  constructor(
    definition: Definition,
    limit: number,
    sharding: Sharding["Service"],
    absence: Effect.Effect<never>,
    clientOf: (id: string) => Record<string, Call>
  ) {
    this.definition = definition
    this.limit = limit
    this.sharding = sharding
    this.absence = absence
    this.clientOf = clientOf
    this.prototype = this.makePrototype()
    const spaced = Schedule.spaced(storageRetryInterval)
    this.whileStorageFails = {
      while: (error) => error instanceof PersistenceError,
      schedule: limit === Infinity ? spaced : Schedule.upTo(spaced, { duration: Duration.millis(limit) })
    }
  }

  /** A reference, by the id of the actor or by the value of `clusterRef`. */
  readonly get = (target: string | ClusterRef): object => {
    const { name } = this.definition
    if (typeof target === "object" && target.actor !== name) {
      throw new TypeError(`ActorCluster: a reference to ${target.actor} is not a reference to ${name}`)
    }
    const id = typeof target === "object" ? target.id : target
    Entities.checkId(this.definition, id)
    const client = this.clientOf(id)
    const ask = (tag: string, payload?: unknown): Effect.Effect<unknown, unknown> =>
      this.noted(client[tag]!(payload), Failures.fail({ actor: name, id, method: tag }), true)
    return Object.create(this.prototype, {
      [ClientObject.ActorRefTypeId]: { value: new ClusterActor(name, `${name}/${id}`, ask, this.forget(id)) },
      [entityKey]: { value: { id, client } }
    }) as object
  }

  private forget(id: string): Effect.Effect<void, PersistenceError, MessageStorage> {
    return Effect.flatMap(MessageStorage, (storage) => {
      const entity = Entities.entityOf(this.definition)
      const entityId = EntityId.make(id)
      return storage.clearAddress(EntityAddress.make({
        entityType: entity.type,
        entityId,
        shardId: this.sharding.getShardId(entityId, entity.getShardGroup(entityId))
      }))
    })
  }

  // a method of a reference is made at its first use
  private makePrototype(): object {
    const make = (id: string, method: Methods.Method, call: Call): Call => this.method(id, method, call)
    const prototype = Object.create(null, ClientObject.printed) as object
    for (const method of this.definition.methods) {
      Object.defineProperty(prototype, method.tag, {
        enumerable: true,
        get(this: ReferenceFields) {
          const { client, id } = this[entityKey]
          const call = make(id, method, client[method.tag]!)
          Object.defineProperty(this, method.tag, { value: call, enumerable: true })
          return call
        }
      })
    }
    return prototype
  }

  private method(id: string, method: Methods.Method, call: Call): Call {
    const failing = { actor: this.definition.name, id, method: method.tag }
    const fail = Failures.fail(failing)
    const checked = (payload: unknown): unknown => {
      try {
        return method.rpc.payloadSchema.make(payload)
      } catch (error) {
        throw Failures.invalidPayload(failing, error)
      }
    }
    const isPersisted = Entities.isPersisted(method)
    if (method.stream) {
      return (payload, options: Call.CallOptions = {}) => {
        const { asQueue, streamBufferSize: capacity = streamBufferSize } = options
        Call.checkWindow(failing.actor, failing.method, capacity)
        const opened = Effect.suspend((): OpenedStream => call(checked(payload), { ...options, asQueue: true }))
        const items = isPersisted ? this.storedStream(opened, fail) : this.notedStream(opened, fail)
        return asQueue === true ? Stream.toQueue(items, { capacity }) : items
      }
    }
    if (!isPersisted) {
      const { idempotent } = method
      return (payload, options) =>
        this.noted(Effect.suspend((): AnyCall => call(checked(payload), options)), fail, idempotent)
    }
    return (payload, options) => {
      const made = Effect.suspend((): AnyCall => {
        const value = checked(payload)
        const stored = call(value, options) as AnyCall
        return PrimaryKey.isPrimaryKey(value) ? Effect.retry(stored, this.whileStorageFails) : stored
      })
      return this.stored(made, fail)
    }
  }

  private noted(call: AnyCall, fail: Fail, idempotent = false): AnyCall {
    const { limit } = this
    const noted = Effect.flatMap(begin(limit), (attempt) => {
      const once = Effect.provideService(call, CurrentAttempt, attempt)
      const sent = idempotent ? this.againIfInterrupted(once, attempt) : once
      return limit === Infinity ? sent : Effect.raceFirst(sent, attempt.expiry)
    })
    return Effect.catchCause(noted, fail)
  }

  // A runner that gives up its actors, because it has lost their locks or stops, interrupts their calls. The caller is not interrupted: its
  // fiber would not run the next attempt. A cluster that this process has left has no next attempt.
  private againIfInterrupted(sent: AnyCall, attempt: Attempt): AnyCall {
    const again = Effect.andThen(
      attempt.giveBack,
      Effect.delay(Effect.suspend(() => this.againIfInterrupted(sent, attempt)), interruptedRetryInterval)
    )
    return Effect.catchCauseIf(
      sent,
      Cause.hasInterruptsOnly,
      (cause) => Effect.flatMap(this.sharding.isShutdown, (isShutdown) => isShutdown ? Effect.failCause(cause) : again)
    )
  }

  // the storage has the call: its delivery needs no note
  private stored(call: AnyCall, fail: Fail): AnyCall {
    return Effect.catchCause(
      Effect.raceFirst(Effect.provideService(call, CurrentAttempt, undefined), this.absence),
      fail
    )
  }

  private storedStream(opened: OpenedStream, fail: Fail): Stream.Stream<unknown, unknown> {
    const items = Effect.map(
      Effect.provideService(opened, CurrentAttempt, undefined),
      (queue) => Stream.interruptWhen(Stream.fromQueue(queue), this.absence)
    )
    return Stream.catchCause(Stream.unwrap(items), (cause) => Stream.fromEffect(fail(cause)))
  }

  private notedStream(opened: OpenedStream, fail: Fail): Stream.Stream<unknown, unknown> {
    const { limit } = this
    // `interruptWhen` starts a stream late: behind calls that are made after it
    const noted = Effect.flatMap(
      begin(limit),
      (attempt) =>
        Effect.map(Effect.provideService(opened, CurrentAttempt, attempt), (queue) => {
          const items = Stream.fromQueue(queue)
          return limit === Infinity ? items : Stream.interruptWhen(items, attempt.expiry)
        })
    )
    return Stream.catchCause(Stream.unwrap(noted), (cause) => Stream.fromEffect(fail(cause)))
  }
}

/** References to the actors of a definition, by their ids. A call has `limit` milliseconds to find a runner. */
export const make = (
  definition: Definition,
  limit: number
): Effect.Effect<References["get"], never, Sharding> => {
  const entity = Entities.entityOf(definition)
  return Effect.gen(function*() {
    const guard = yield* Effect.serviceOption(Guard)
    if (guard._tag === "None") {
      return yield* Effect.die(
        new TypeError(
          `ActorCluster: the cluster of ${definition.name} has a transport by which a call may run twice; ` +
            "provide ActorCluster.layerMemory, NodeActorCluster.layer or NodeActorCluster.layerClient"
        )
      )
    }
    const client = yield* entity.client
    const storage = yield* Effect.serviceOption(RunnerStorage)
    const absence = storage._tag === "None" || limit === Infinity
      ? Effect.never
      : new RunnerWatch(storage.value, limit).absence
    return new References(definition, limit, yield* Sharding, absence, client).get
  })
}

/** Removes the persisted calls of the actor of a reference, and their results. */
export const forget = (ref: object): Effect.Effect<void, PersistenceError, MessageStorage> => {
  const actor = ClientObject.actorOf(ref)
  return actor instanceof ClusterActor
    ? actor.forget
    : Effect.die(new TypeError(`ActorCluster.forget: ${actor.address} is not an actor of a cluster`))
}
