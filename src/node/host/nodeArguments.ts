/**
 * The arguments and the environment of a worker. A worker inherits the Node arguments of this process, but none that selects
 * the program to run: with `--eval`, a child would run the host's program again, which would start another child.
 */
import process from "node:process"
import { show } from "../transport/foreignMessages.ts"

// arguments that make Node run something other than the given file: followed by a value, with a value after "=", or without a value
const valued = /^(?:-[ep]|-pe|--eval|--print|--input-type|--run|--experimental-default-type)$/
const others =
  /^(?:--?|-[icvh]|--interactive|--check|--version|--help|--test|--watch|--entry-url|--build-snapshot|--prof-process|--v8-options|--completion-bash|(?:--eval|--print|--input-type|--run|--test-.+|--watch-.+|--build-snapshot-config|--experimental-sea-config|--experimental-default-type)=.*)$/

// arguments that enable Node's debugger, and those that make Node wait for the debugger before it runs code
const inspector = /^--inspect(?:-brk|-wait|-port)?(?:=|$)/
const waitsForInspector = /(^|\s)--inspect-(?:brk|wait)(?==|\s|$)/g

const runsAtOnce = (options: string): string => options.replaceAll(waitsForInspector, "$1--inspect")

// `undefined` unless Node was started with --permission
const { permission } = process as { readonly permission?: { readonly has: (scope: string) => boolean } }

/** The options of the program for its workers. */
export interface Given {
  readonly argv?: ReadonlyArray<string> | undefined
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  readonly execArgv?: ReadonlyArray<string> | undefined
}

// the Node arguments that a worker inherits
const inherited = (): Array<string> => {
  const out: Array<string> = []
  for (let i = 0; i < process.execArgv.length; i++) {
    const argument = process.execArgv[i]!
    if (valued.test(argument)) {
      if (process.execArgv[i + 1]?.startsWith("-") === false) i++
    } else if (!others.test(argument)) out.push(argument)
  }
  return out
}

/** The start options of a child. */
interface ProcessStart {
  readonly argv: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly execArgv: ReadonlyArray<string>
  /** the title that the child sets, unless the given arguments set one */
  readonly title: string | undefined
}

/** Combines the arguments and environment of this process with the given options, for a child with this name. */
export const processStart = (
  name: string,
  { argv = [], env: given, execArgv: added = [] }: Given
): ProcessStart => {
  const execArgv = inherited().map(runsAtOnce)
  const env: Record<string, string | undefined> = { ...(given ?? process.env) }
  const nodeOptions = env["NODE_OPTIONS"] ?? ""
  if (nodeOptions !== "" && nodeOptions === process.env["NODE_OPTIONS"]) env["NODE_OPTIONS"] = runsAtOnce(nodeOptions)
  // this process uses the port, so each child takes a free port
  if ([...execArgv, ...nodeOptions.split(/\s+/)].some((argument) => inspector.test(argument))) {
    execArgv.push("--inspect-port=0")
  }
  execArgv.push(...added)
  // a child has the permissions of this process, and needs the worker permission for its watcher thread
  const missing = [
    ...permission?.has("child") === false ? ["--allow-child-process"] : [],
    ...permission?.has("worker") === false && !execArgv.includes("--allow-worker") ? ["--allow-worker"] : []
  ]
  if (missing.length > 0) throw new Error(`Node's permissions do not allow it: it needs ${missing.join(" and ")}`)
  const title = added.some((argument) => argument.startsWith("--title=")) ? undefined : name
  return { argv, execArgv, env, title }
}

/** The start options of a thread, as `new Worker` takes them. */
interface ThreadStart {
  argv?: Array<string>
  env?: Record<string, string | undefined>
  execArgv?: Array<string>
}

/**
 * Combines the arguments of this process with the given options, and starts a thread with them. Node accepts some arguments for a whole
 * process only, such as those of V8. Those of this process are left out; those among the given options throw a `RangeError`.
 */
export const startThread = <A>({ argv, env, execArgv: added }: Given, start: (options: ThreadStart) => A): A => {
  const options: ThreadStart = {}
  if (argv !== undefined) options.argv = [...argv]
  // by default, a thread has the arguments and the environment of this process
  if (env === undefined && added === undefined) return start(options)
  // Node would pass the text "undefined" to the thread
  if (env !== undefined) {
    options.env = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined))
  }
  const own = inherited()
  const given = added ?? []
  try {
    return start({ ...options, execArgv: [...own, ...given] })
  } catch (error) {
    const refused = refusedBy(error)
    if (refused.length === 0) throw error
    const wrong = given.find((argument) => refused.includes(argument))
    if (wrong !== undefined) {
      throw new RangeError(`execArgv contains "${wrong}", which Node accepts for a process, but not for a thread`, {
        cause: error
      })
    }
    return start({ ...options, execArgv: [...without(own, refused), ...given] })
  }
}

// the arguments that Node refuses for a thread, from the text of its error
const refusedBy = (error: unknown): ReadonlyArray<string> =>
  error instanceof Error && "code" in error && error.code === "ERR_WORKER_INVALID_EXEC_ARGV"
    ? /invalid execArgv flags: (.*)$/s.exec(error.message)?.[1]!.split(", ") ?? []
    : []

// removes arguments, each with the value that follows it
const without = (from: ReadonlyArray<string>, removed: ReadonlyArray<string>): ReadonlyArray<string> =>
  from.filter((argument, i) =>
    !removed.includes(argument) && (argument.startsWith("-") || !removed.includes(from[i - 1] ?? ""))
  )

const isText = (value: unknown): boolean => typeof value === "string" && !value.includes("\0")

/** Throws if Node cannot start a worker with these options, or would run something other than the worker. */
export const check = (layer: string, { argv, env, execArgv }: Given): void => {
  for (const [option, list] of Object.entries({ argv, execArgv })) {
    if (list === undefined || Array.isArray(list) && list.every(isText)) continue
    throw new TypeError(`${layer}: ${option} must be an array of strings without null characters, not ${show(list)}`)
  }
  if (env !== undefined && (typeof env !== "object" || env === null)) {
    throw new TypeError(`${layer}: env must be an object, such as { ...process.env, LEVEL: "debug" }, not ${show(env)}`)
  }
  for (const [variable, value] of Object.entries(env ?? {})) {
    if (variable !== "" && isText(variable) && !variable.includes("=") && (value === undefined || isText(value))) {
      continue
    }
    throw new TypeError(
      `${layer}: env must consist of names and strings without null characters, but ${show(variable)} is ${show(value)}`
    )
  }
  const refused = execArgv?.find((argument) => valued.test(argument) || others.test(argument))
  if (refused === undefined) return
  throw new RangeError(
    `${layer}: execArgv must not contain "${refused}": with this argument, Node does not run the worker`
  )
}

/** Whether `--input-type` was given to this process. With this option, Node refuses to start a thread from a file. */
export const hasInputType = (): boolean =>
  [...process.execArgv, ...(process.env["NODE_OPTIONS"] ?? "").split(/\s+/)]
    .some((argument) => /^--input-type(?:=|$)/.test(argument))
