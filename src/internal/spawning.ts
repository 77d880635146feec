/**
 * Has actors built in their workers: sends the arguments, and waits for the answer
 * no longer than it may take.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Transferable from "effect/workers/Transferable"
import { SpawnError } from "../ActorError.ts"
import type { Definition } from "./behaviour.ts"
import * as Codec from "./codec.ts"
import { Deadlines } from "./deadlines.ts"
import * as Handles from "./handles.ts"
import type { HostedActor } from "./hostedActor.ts"
import { CurrentActor } from "./localActor.ts"
import * as Wire from "./wire.ts"
import type { Worker } from "./worker.ts"

export const spawnError = (definition: Definition, reason: SpawnError["reason"], message: string): SpawnError =>
  new SpawnError({ actor: definition.name, reason, message })

/** Arguments as they are sent, and what is handed over with them. */
export type Encoded = readonly [wire: unknown, transfer: ReadonlyArray<unknown> | undefined]

/** Encodes arguments for one worker: handles in them are handed out to that. */
export const encodeArgs = (
  definition: Definition,
  args: unknown,
  worker: Worker
): Effect.Effect<Encoded, SpawnError> =>
  Effect.contextWith((context: Context.Context<never>) =>
    collectArgs(
      definition,
      definition.args.handles
        ? Handles.encode({ ends: worker.client.ends, owner: Context.get(context, CurrentActor) }, definition.args, args)
        : definition.args.encode(args)
    )
  )

/** What an encoding of arguments comes to. */
export const collectArgs = (
  definition: Definition,
  encoding: Effect.Effect<unknown, unknown>
): Effect.Effect<Encoded, SpawnError> =>
  Effect.suspend(() => {
    const collector = Transferable.makeCollectorUnsafe()
    return Effect.matchCauseEffect(
      Effect.provideService(encoding, Transferable.Collector, collector),
      {
        onSuccess: (wire) => {
          const transfer = collector.readUnsafe()
          return Effect.succeed([wire, transfer.length > 0 ? transfer : undefined] as const)
        },
        onFailure: (cause) =>
          Effect.fail(
            spawnError(
              definition,
              "ArgsInvalid",
              `the arguments of ${definition.name} do not fit their schema: ${Codec.issueText(cause)}`
            )
          )
      }
    )
  })

/** The builds under way in a system. */
export class Spawning {
  private readonly timeout: number
  private readonly deadlines: Deadlines<HostedActor>

  /** `timeout` in milliseconds */
  constructor(timeout: number) {
    this.timeout = timeout
    this.deadlines = new Deadlines(timeout)
  }

  /** Asks for an actor to be built, and completes with the answer. */
  await(actor: HostedActor, encoded: Encoded): Effect.Effect<void, unknown> {
    return Effect.callback((resume) => Effect.sync(this.request(actor, encoded, resume)))
  }

  /** Asks for an actor to be built; returns how to lose interest in the answer. */
  request(
    actor: HostedActor,
    [wire, transfer]: Encoded,
    done: (built: Effect.Effect<void, unknown>) => void
  ): () => void {
    const { definition, target, worker } = actor
    const fail = (reason: SpawnError["reason"], message: string): void =>
      done(Exit.fail(spawnError(definition, reason, message)))
    const stop = (): void => {
      this.deadlines.delete(actor)
      target.onSpawned = undefined
    }
    this.deadlines.add(actor, () => {
      // its answer comes too late
      target.onSpawned = () => undefined
      fail("Timeout", `${target.address} was not built within ${this.timeout} ms`)
    })
    target.onSpawned = (status, value) => {
      stop()
      switch (status) {
        case Wire.SpawnOk:
          return done(Exit.void)
        case Wire.SpawnFailed:
          return done(
            Effect.matchCauseEffect(definition.error.decode(value), {
              onSuccess: Effect.fail,
              onFailure: (cause) =>
                Effect.die(
                  new TypeError(
                    `${definition.name}: its start error does not fit its schema: ${Codec.issueText(cause)}`
                  )
                )
            })
          )
        case Wire.SpawnDied:
          return done(
            Effect.matchCauseEffect(
              Codec.decodeCauseWith(value as Wire.EncodedCause, definition.error.decode, Codec.decodeDefect),
              { onSuccess: Effect.failCause, onFailure: (cause) => Effect.die(new TypeError(Codec.issueText(cause))) }
            )
          )
        case Wire.SpawnNotServed: {
          const names = value as ReadonlyArray<string>
          return fail(
            "NotServed",
            `no behaviour for ${definition.name} is served there (${
              names.length === 0 ? "there is none at all" : `there are: ${names.join(", ")}`
            })`
          )
        }
        case Wire.SpawnArgsInvalid:
          return fail("ArgsInvalid", `the arguments of ${definition.name} were refused: ${String(value)}`)
        default:
          return fail(worker.bootFailure === undefined ? "WorkerFailed" : "ModuleFailed", String(value))
      }
    }
    if (worker.ended) target.onSpawned(-1, `${worker.name} has ended`)
    else if (transfer === undefined) worker.client.outbox.push4(Wire.Spawn, target.id, definition.name, wire)
    else worker.client.outbox.pushTransfer([Wire.Spawn, target.id, definition.name, wire], transfer)
    return stop
  }
}
