/**
 * An actor in two halves: the definition, which callers need, and the behaviour, which the worker finds among the services of its
 * module.
 */
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Codec from "../codec/codec.ts"
import type * as Methods from "../codec/methods.ts"
import type { Plan } from "../wire/frames.ts"

/** An actor's definition. */
export interface Definition {
  readonly name: string
  readonly methods: ReadonlyArray<Methods.Method>
  readonly args: Codec.Codec
  readonly error: Codec.Codec
  /** the group of shards of an actor in a cluster, by its id; `undefined`: the default group */
  readonly shardGroup?: ((id: string) => string) | undefined
}

/** A handler of the protocol, its types erased. It takes payload and options and returns an effect, a stream or a wrapper. */
export type Handler = (payload: unknown, options: unknown) => object

/** A definition with its implementation in the worker. */
export interface Behaviour {
  readonly definition: Definition
  /** the handlers of all actors, if the behaviour needs no build step */
  readonly handlers: Readonly<Record<string, Handler>> | undefined
  readonly build: (args: unknown) => Effect.Effect<Readonly<Record<string, Handler>>, unknown>
  /** the services of the worker's layer */
  readonly context: Context.Context<never>
  readonly concurrency: number
  readonly mailboxCapacity: number
  readonly suspends: boolean
  /** a stream counts towards `concurrency` until it ends */
  readonly streamsInOrder: boolean
  readonly supervision: Plan | undefined
  /** the timeout of calls, in milliseconds */
  readonly callTimeout: number | undefined
  /** the timeout of the runs of calls, in milliseconds */
  readonly runTimeout: number | undefined
  readonly onExit: ((exit: Exit.Exit<unknown, unknown>) => Effect.Effect<boolean>) | undefined
}

const prefix = "uactor/Behaviour/"

/** The key under which a behaviour is a service of the worker's layer. */
export const keyOf = (name: string): string => prefix + name

/** Finds a behaviour by the actor's name. */
export const find = (context: Context.Context<never>, name: string): Behaviour | undefined =>
  context.mapUnsafe.get(keyOf(name)) as Behaviour | undefined

/** The names of all behaviours, for error messages. */
export const names = (context: Context.Context<never>): Array<string> =>
  Array.from(context.mapUnsafe.keys()).filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length))

const DefinitionKey = Symbol.for("uactor/Definition")

/** Attaches a definition to the class of an actor. */
export const attach = <A extends object>(service: A, definition: Definition): A =>
  Object.defineProperty(service, DefinitionKey, { value: definition })

/** The definition of an actor's class. */
export const definitionOf = (service: object): Definition =>
  (service as { readonly [DefinitionKey]: Definition })[DefinitionKey]
