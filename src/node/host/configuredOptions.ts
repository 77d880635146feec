/**
 * The options of a system as Effect's `Config`, and the variables that stand for the options that a program does not set.
 */
import * as Arr from "effect/Array"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { messageOf } from "../../internal/runtime/describe.ts"

/** Options, of which each is a value, a `Config`, or a record of `Config`s; or one `Config` of all options. */
export type Configured<Options> =
  | Config.Config<Options>
  | { readonly [Option in keyof Options]: Options[Option] | Config.Wrap<Options[Option]> }

/** Returns `undefined` for a text that is not a value of the option. */
type Parse = (text: string) => unknown

const duration = (text: string): Duration.Duration | undefined => {
  const duration = Duration.fromInput(text as Duration.Input)
  return Option.isSome(duration) && Duration.toMillis(duration.value) >= 0 ? duration.value : undefined
}

const interval: Parse = (text) => {
  const value = duration(text)
  return value === undefined || Duration.toMillis(value) === 0 ? undefined : value
}

const workers: Parse = (text) => text === "dedicated" ? text : /^[1-9]\d*$/.test(text) ? Number(text) : undefined

const spin: Parse = (text) => text === "false" ? false : duration(text)

const telemetry: Parse = (text) => ["relay", "own", "none"].includes(text) ? text : undefined

const tracing: Parse = (text) => ["full", "server", "off"].includes(text) ? text : undefined

const variable = (name: string, expected: string, parse: Parse): Config.Config<unknown> =>
  Config.map(
    Config.schema(
      Schema.String.check(Schema.makeFilter((text) => parse(text) !== undefined || `Expected ${expected}`)),
      name
    ),
    parse
  )

const aDuration = "a duration of at least 0, such as 5 seconds, or Infinity"

/** The variable of each option. */
const variables: Readonly<Record<string, Config.Config<unknown>>> = {
  workers: variable("UACTOR_WORKERS", "dedicated, or an integer of at least 1", workers),
  spawnTimeout: variable("UACTOR_SPAWN_TIMEOUT", aDuration, duration),
  shutdownTimeout: variable("UACTOR_SHUTDOWN_TIMEOUT", aDuration, duration),
  interruptTimeout: variable("UACTOR_INTERRUPT_TIMEOUT", aDuration, duration),
  heartbeat: variable("UACTOR_HEARTBEAT", "a duration longer than 0, such as 5 seconds, or Infinity", interval),
  spin: variable("UACTOR_SPIN", "false, or a duration of at least 0, such as 50 micros", spin),
  telemetry: variable("UACTOR_TELEMETRY", "relay, own or none", telemetry),
  tracing: variable("UACTOR_TRACING", "full, server or off", tracing)
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype

const containsConfig = (value: unknown): boolean =>
  Config.isConfig(value) || isRecord(value) && Object.values(value).some(containsConfig)

/** The error of several errors. It contains the issues of all. If the provider itself fails, it is the error of the provider. */
const combine = (errors: Arr.NonEmptyReadonlyArray<Config.ConfigError>): Config.ConfigError => {
  const issues: Array<SchemaIssue.Issue> = []
  for (const error of errors) {
    if (error.cause._tag !== "SchemaError") return error
    issues.push(error.cause.issue)
  }
  return Arr.isArrayNonEmpty(issues) && issues.length > 1
    ? new Config.ConfigError(new Schema.SchemaError(new SchemaIssue.Composite(Schema.Unknown.ast, issues)))
    : errors[0]
}

type Read = Effect.Effect<unknown, Config.ConfigError>

/** Reads all entries. Fails with the errors of all that fail. */
const readAll = (
  entries: ReadonlyArray<readonly [key: string, read: Read]>
): Effect.Effect<Readonly<Record<string, unknown>>, Config.ConfigError> =>
  Effect.flatMap(
    Effect.forEach(entries, ([key, read]) => Effect.result(Effect.map(read, (value) => [key, value] as const))),
    (results) => {
      const [values, errors] = Arr.separate(results)
      return Arr.isArrayNonEmpty(errors) ? Effect.fail(combine(errors)) : Effect.succeed(Object.fromEntries(values))
    }
  )

const readValue = (value: unknown): Read => {
  if (Config.isConfig(value)) return value
  if (!containsConfig(value)) return Effect.succeed(value)
  return readAll(Object.entries(value as object).map(([key, part]) => [key, readValue(part)]))
}

/** Reads an option from its variable, if it has one. */
const readVariable = (option: string): Read =>
  Effect.map(Config.option(variables[option] ?? Config.succeed(undefined)), Option.getOrUndefined)

/** Reads the options, and the variables of the options that are not set. */
const read = (options: Configured<object>): Effect.Effect<object, Config.ConfigError> => {
  const all: Read = Config.isConfig(options) ? options : Effect.succeed(options)
  return Effect.flatMap(all, (all) => {
    const given = all as Readonly<Record<string, unknown>>
    return readAll(
      Object.keys({ ...given, ...variables }).map((option) => [
        option,
        Effect.flatMap(
          readValue(given[option]),
          (value) => value === undefined ? readVariable(option) : Effect.succeed(value)
        )
      ])
    )
  })
}

/** Reads the options, and makes a system with them. An error that `make` throws is about a value of an option. */
export const withOptions = <Options extends object, A>(
  options: Configured<Options>,
  make: (options: Options) => A
): Effect.Effect<A, Config.ConfigError> =>
  Effect.flatMap(read(options), (options) =>
    Effect.try({
      try: () => make(options as Options),
      catch: (error) =>
        new Config.ConfigError(
          new Schema.SchemaError(new SchemaIssue.InvalidValue({ message: messageOf(error) }))
        )
    }))
