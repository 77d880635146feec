/**
 * The values for the layer of a module of behaviours: encoded in the host, sent with the start data of each worker, and services of the
 * worker's layer there.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Sendable from "../clone/sendable.ts"
import * as Codec from "../codec/codec.ts"
import { messageOf } from "../runtime/describe.ts"
import { structuredClone } from "../runtime/globals.ts"

/** The encoded values, each with the key of its service. */
export type ConfigValues = ReadonlyArray<readonly [key: string, encoded: unknown]>

const prefix = "uactor/WorkerConfig/"

/** The key of the service that is the encoded value of a configuration. */
export const keyOf = (id: string): string => prefix + id

/** The id of the configuration to which a key belongs; `undefined` for another service. */
export const idOf = (key: string): string | undefined => key.startsWith(prefix) ? key.slice(prefix.length) : undefined

/** Encodes a value, and copies it. `what` names the value in errors. */
export const encode = (what: string, codec: Codec.Codec, value: unknown): unknown => {
  const exit = Effect.runSyncExit(codec.encode(value))
  if (Exit.isFailure(exit)) {
    throw new TypeError(`${what}: the value does not fit its schema: ${Codec.issueText(exit.cause)}`)
  }
  try {
    return structuredClone(Sendable.prepare(exit.value, undefined, true))
  } catch (error) {
    throw new TypeError(`${what}: the value cannot be sent: ${messageOf(error)}`, { cause: error })
  }
}

/** The values of the option `config`. Throws if the option is something else; `layer` is the name of the system in errors. */
export const valuesOf = (layer: string, config: Context.Context<never> | undefined): ConfigValues => {
  if (config === undefined) return []
  const values = Context.isContext(config) ? Array.from(config.mapUnsafe) : undefined
  const others = values?.filter(([key]) => idOf(key) === undefined).map(([key]) => key)
  if (values !== undefined && others!.length === 0) return values
  throw new TypeError(
    `${layer}: config must be the result of \`config\` of a WorkerConfig.Service, such as Settings.config({ … }), not ${
      others === undefined
        ? "another value"
        : `a context with the service${others.length === 1 ? "" : "s"} ${others.join(", ")}`
    }`
  )
}

/** The values as services. */
export const contextOf = (values: ConfigValues): Context.Context<never> => Context.makeUnsafe(new Map(values))
