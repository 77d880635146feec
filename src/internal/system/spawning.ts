/**
 * Has actors built in their workers: sends the arguments, and waits for the answer
 * no longer than it may take.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { SpawnError } from "../../ActorError.ts"
import type { Definition } from "../behaviour.ts"
import * as Codec from "../codec.ts"
import * as Handles from "../handles.ts"
import { CurrentActor } from "../localActor.ts"
import * as Wire from "../wire.ts"
import { Deadline, Deadlines } from "./deadlines.ts"
import type { HostedActor } from "./hostedActor.ts"

export const spawnError = (definition: Definition, reason: SpawnError["reason"], message: string): SpawnError =>
  new SpawnError({ actor: definition.name, reason, message })

/** Arguments as they are sent, and what is handed over with them. */
type Encoded = readonly [wire: unknown, transfer: ReadonlyArray<unknown> | undefined]

/** What an encoding of arguments comes to. */
export const collectArgs = (
  definition: Definition,
  encoding: Effect.Effect<unknown, unknown>
): Effect.Effect<Encoded, SpawnError> =>
  Effect.catchCause(Codec.collect(encoding), (cause) =>
    Effect.fail(
      spawnError(
        definition,
        "ArgsInvalid",
        `the arguments of ${definition.name} do not fit their schema: ${Codec.issueText(cause)}`
      )
    ))

// what came too late is not looked at
const ignored = { answered: (): void => undefined }

/** An actor that is being built. */
class Build extends Deadline {
  private readonly deadlines: Deadlines
  private readonly timeout: number
  private readonly actor: HostedActor
  private readonly done: (built: Effect.Effect<void, unknown>) => void

  constructor(deadlines: Deadlines, timeout: number, actor: HostedActor, done: Build["done"]) {
    super()
    this.deadlines = deadlines
    this.timeout = timeout
    this.actor = actor
    this.done = done
  }

  /** The worker has answered, or there is nobody to answer; a status below 0 says why not. */
  answered(status: number, value: unknown): void {
    const { definition, worker } = this.actor
    this.stop()
    switch (status) {
      case Wire.SpawnOk:
        return this.done(Exit.void)
      case Wire.SpawnFailed:
        return this.done(
          Effect.matchCauseEffect(definition.error.decode(value), {
            onSuccess: Effect.fail,
            onFailure: (cause) =>
              Effect.die(
                new TypeError(`${definition.name}: its start error does not fit its schema: ${Codec.issueText(cause)}`)
              )
          })
        )
      case Wire.SpawnDied:
        return this.done(
          Effect.matchCauseEffect(
            Codec.decodeCauseWith(value as Wire.EncodedCause, definition.error.decode, Codec.decodeDefect),
            { onSuccess: Effect.failCause, onFailure: (cause) => Effect.die(new TypeError(Codec.issueText(cause))) }
          )
        )
      case Wire.SpawnNotServed: {
        const names = value as ReadonlyArray<string>
        return this.fail(
          "NotServed",
          `no behaviour for ${definition.name} is served there (${
            names.length === 0 ? "there is none at all" : `there are: ${names.join(", ")}`
          })`
        )
      }
      case Wire.SpawnArgsInvalid:
        return this.fail("ArgsInvalid", `the arguments of ${definition.name} were refused: ${String(value)}`)
      default:
        return this.fail(worker.bootFailure === undefined ? "WorkerFailed" : "ModuleFailed", String(value))
    }
  }

  override missed(): void {
    const { target } = this.actor
    target.build = ignored
    this.fail("Timeout", `${target.address} was not built within ${this.timeout} ms`)
  }

  /** Nobody waits for the answer any more. */
  stop(): void {
    this.deadlines.delete(this)
    this.actor.target.build = undefined
  }

  private fail(reason: SpawnError["reason"], message: string): void {
    this.done(Exit.fail(spawnError(this.actor.definition, reason, message)))
  }
}

/** The builds under way in a system. */
export class Spawning {
  private readonly timeout: number
  private readonly deadlines: Deadlines

  /** `timeout` in milliseconds */
  constructor(timeout: number) {
    this.timeout = timeout
    this.deadlines = new Deadlines(timeout)
  }

  /** Starts an actor of which nothing is to be built: there is no answer to wait for. `false` if that is not known of it. */
  start({ definition, target, worker }: HostedActor): boolean {
    const kind = worker.client.kindOf(definition.methods)
    if (kind === undefined || !kind.ready || worker.ended) return false
    target.kind = kind
    worker.client.outbox.pushLater3(Wire.Start, target.id, definition.name)
    return true
  }

  /** Encodes the arguments of an actor for its worker, to which handles in them are handed out, and has it built. */
  build(actor: HostedActor): Effect.Effect<void, unknown> {
    const { args, definition, worker } = actor
    return Effect.contextWith((context: Context.Context<never>) => {
      const parcel = new Handles.Parcel({ ends: worker.client.ends, owner: Context.get(context, CurrentActor) })
      return Effect.ensuring(
        Effect.flatMap(
          collectArgs(definition, Handles.encode(parcel, definition.args, args)),
          (encoded) => this.await(actor, encoded, parcel)
        ),
        Effect.sync(() => parcel.abandon())
      )
    })
  }

  /** Asks for an actor to be built, and completes with the answer. */
  await(actor: HostedActor, [wire, transfer]: Encoded, parcel?: Handles.Parcel): Effect.Effect<void, unknown> {
    return Effect.callback((resume) => {
      const build = this.request(actor, wire, transfer, resume)
      parcel?.sent()
      return Effect.sync(() => build.stop())
    })
  }

  /** Asks for an actor to be built. */
  request(
    actor: HostedActor,
    wire: unknown,
    transfer: ReadonlyArray<unknown> | undefined,
    done: Build["done"]
  ): Pick<Build, "stop"> {
    const { definition, target, worker } = actor
    const build = target.build = new Build(this.deadlines, this.timeout, actor, done)
    this.deadlines.add(build)
    worker.client.outbox.expect(this.deadlines.size)
    const { outbox } = worker.client
    if (worker.ended) build.answered(-1, `${worker.name} has ended`)
    else if (transfer === undefined) {
      if (!definition.args.isolated) outbox.isolate(wire)
      outbox.push4(Wire.Spawn, target.id, definition.name, wire)
    } else outbox.pushTransfer([Wire.Spawn, target.id, definition.name, wire], transfer)
    return build
  }
}
