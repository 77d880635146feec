/**
 * The spawn of an actor: its encoded arguments, their snapshot for restarts, and the wait for the answer.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { SpawnError } from "../../ActorError.ts"
import { CurrentActor } from "../actor/currentActor.ts"
import type { Definition } from "../actor/definition.ts"
import * as Causes from "../codec/causes.ts"
import * as Codec from "../codec/codec.ts"
import * as Defects from "../codec/defects.ts"
import * as Marshal from "../handles/marshal.ts"
import * as Snapshot from "../handles/snapshot.ts"
import type { ActorProxy } from "../proxy/actorProxy.ts"
import type { SpawnAnswer } from "../proxy/proxyState.ts"
import { Deadline, type Deadlines } from "../runtime/deadlines.ts"
import { textOf } from "../runtime/describe.ts"
import { notify } from "../runtime/notify.ts"
import type { WorkerConnection } from "../workers/workerConnection.ts"

export const spawnError = (definition: Definition, reason: SpawnError["reason"], message: string): SpawnError =>
  new SpawnError({ actor: definition.name, reason, message })

/** Encoded arguments. */
export interface EncodedArgs {
  readonly wire: unknown
  /** the objects that are transferred with the arguments */
  readonly transfer?: ReadonlyArray<unknown> | undefined
  /** the handles that are exported with the arguments */
  readonly transaction?: Marshal.EncodeTransaction | undefined
}

/** A snapshot of the arguments with which an actor was spawned. */
export interface ArgsSnapshot {
  /** the encoded arguments; arguments with handles stay decoded, and are encoded anew for each worker */
  readonly value?: unknown
  /** releases the handles in `value` */
  readonly release?: () => void
  /** the reason why the snapshot could not be made */
  readonly failure?: string
}

/** Collects the result of an encoding that is not immediate, or has failed. */
export const collectArgs = (
  definition: Definition,
  encoding: Effect.Effect<unknown, unknown>
): Effect.Effect<EncodedArgs, SpawnError> =>
  Effect.matchCauseEffect(Codec.collect(encoding), {
    onSuccess: ([wire, transfer]) => Effect.succeed({ wire, transfer }),
    onFailure: (cause) =>
      Effect.fail(
        spawnError(
          definition,
          "ArgsInvalid",
          `the arguments of ${definition.name} do not fit their schema: ${Codec.issueText(cause)}`
        )
      )
  })

/** Encodes arguments with handles, which are exported to this worker, and passes them to `send`. Revokes the handles that are not sent. */
export const exportArgs = <A>(
  { client }: WorkerConnection,
  definition: Definition,
  args: unknown,
  send: (encoded: EncodedArgs) => Effect.Effect<A, unknown>
): Effect.Effect<A, unknown> =>
  Effect.contextWith((context: Context.Context<never>) => {
    const transaction = new Marshal.EncodeTransaction({ ends: client.ends, owner: Context.get(context, CurrentActor) })
    return Effect.ensuring(
      Effect.flatMap(
        collectArgs(definition, Marshal.encode(transaction, definition.args, args)),
        ({ transfer, wire }) => send({ wire: transaction.packed(wire), transfer, transaction })
      ),
      Effect.sync(() => transaction.rollback())
    )
  })

/** Makes a snapshot of encoded arguments, before or after they are sent. */
export const snapshotEncoded = ({ args }: Definition, wire: unknown): ArgsSnapshot => {
  try {
    return { value: args.isFresh ? wire : Snapshot.copyOf(wire) }
  } catch (error) {
    return { failure: textOf(error) }
  }
}

/** Makes a snapshot of arguments with handles. */
export const snapshotArgs = ({ args }: Definition, value: unknown): Effect.Effect<ArgsSnapshot> =>
  Effect.matchCause(Snapshot.take(args, value), {
    onSuccess: (snapshot): ArgsSnapshot => snapshot,
    onFailure: (cause) => ({ failure: Codec.issueText(cause) })
  })

/** An actor that is built in a worker. */
interface BuildSite {
  readonly definition: Definition
  readonly proxy: ActorProxy
  readonly worker: WorkerConnection
  /** the wait for the answer */
  build: Build | undefined
}

/** The wait for the answer to a spawn. */
export class Build extends Deadline {
  private readonly deadlines: Deadlines
  private readonly site: BuildSite
  readonly done: (built: Effect.Effect<void, unknown>) => void

  constructor(deadlines: Deadlines, site: BuildSite, done: Build["done"]) {
    super()
    this.deadlines = deadlines
    this.site = site
    this.done = done
    deadlines.add(this)
    site.build = this
  }

  /** The worker has answered, or can no longer answer. */
  answered(answer: SpawnAnswer): void {
    this.stop()
    notify(this.done, answer._tag === "Built" ? Exit.void : failureOf(this.site, answer))
  }

  override missed(): void {
    const { deadlines: { timeout }, site: { definition, proxy } } = this
    this.stop()
    notify(
      this.done,
      Exit.fail(spawnError(definition, "Timeout", `${proxy.address} was not built within ${timeout} ms`))
    )
  }

  /** The answer is no longer awaited. */
  stop(): void {
    this.deadlines.delete(this)
    this.site.build = undefined
  }
}

/** Has an actor built in its worker; `done` is called with the outcome. Returns the wait for the answer. */
export const requestBuild = (
  site: BuildSite,
  builds: Deadlines,
  { transaction, transfer, wire }: EncodedArgs,
  done: Build["done"]
): Build => {
  const { definition: { args: { isFresh } }, proxy, worker } = site
  const build = new Build(builds, site, done)
  if (worker.ended) build.answered({ _tag: "Lost", why: `${worker.name} has ended` })
  else worker.client.actors.spawn(proxy, wire, isFresh, transfer, transaction?.flag ?? 0, builds.size)
  transaction?.commit()
  return build
}

/** Builds an actor again, from the arguments with which it was spawned. */
export const buildAgain = (
  site: BuildSite,
  builds: Deadlines,
  { failure, value }: ArgsSnapshot
): Effect.Effect<void, unknown> => {
  const { definition, worker } = site
  if (failure !== undefined) {
    const message = `the arguments of ${definition.name} cannot be sent again: ${failure}`
    return Effect.fail(spawnError(definition, "ArgsInvalid", message))
  }
  const send = (encoded: EncodedArgs): Effect.Effect<void, unknown> =>
    Effect.callback((resume) => {
      const build = requestBuild(site, builds, encoded, resume)
      return Effect.sync(() => build.stop())
    })
  return definition.args.handles ? exportArgs(worker, definition, value, send) : send({ wire: value })
}

const failureOf = (
  { definition, worker }: BuildSite,
  answer: Exclude<SpawnAnswer, { readonly _tag: "Built" }>
): Effect.Effect<never, unknown> => {
  const { error, name } = definition
  const fail = (reason: SpawnError["reason"], message: string) => Exit.fail(spawnError(definition, reason, message))
  switch (answer._tag) {
    case "Failed":
      return Effect.matchCauseEffect(error.decode(answer.error), {
        onSuccess: Effect.fail,
        onFailure: (cause) =>
          Effect.die(new TypeError(`${name}: the start error does not fit its schema: ${Codec.issueText(cause)}`))
      })
    case "Died":
      return Effect.matchCauseEffect(Causes.decodeCauseWith(answer.cause, error.decode, Defects.decodeDefect), {
        onSuccess: Effect.failCause,
        onFailure: (cause) => Effect.die(new TypeError(Codec.issueText(cause)))
      })
    case "NotServed": {
      const { served } = answer
      const names = served.length === 0 ? "there is none at all" : `there are: ${served.join(", ")}`
      return fail("NotServed", `no behaviour for ${name} is served there (${names})`)
    }
    case "ArgsInvalid":
      return fail("ArgsInvalid", `the arguments of ${name} were refused: ${answer.why}`)
    case "LacksService":
      return fail(
        "ModuleFailed",
        `${name} requires the service ${answer.service}, which ${worker.behaviours} does not provide`
      )
    default:
      return fail(worker.bootFailure === undefined ? "WorkerFailed" : "ModuleFailed", answer.why)
  }
}
