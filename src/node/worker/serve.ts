/**
 * Serves behaviours in a worker, a thread or a child process. It builds the layer of a module of behaviours, or of a script of the
 * program, once, and serves the layer. It imports only modules that every worker runs, because imports are most of the cost of a start.
 */
import "../diagnostics.ts"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type { LogLevel } from "effect/LogLevel"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import process from "node:process"
import { isMainThread, type MessagePort, parentPort, workerData } from "node:worker_threads"
import * as ActorId from "../../internal/actor/actorId.ts"
import { checkLayer } from "../../internal/effect/effectCopies.ts"
import { missingService } from "../../internal/effect/missingService.ts"
import * as Durations from "../../internal/metrics/durations.ts"
import { SystemTracing } from "../../internal/observe/clientSpan.ts"
import { type Collected, Relay, withoutLog } from "../../internal/observe/relay.ts"
import { queueMicrotask } from "../../internal/runtime/globals.ts"
import { NestedSystems } from "../../internal/session/nestedSystems.ts"
import { Session, SessionGroup } from "../../internal/session/session.ts"
import * as Frames from "../../internal/wire/frames.ts"
import * as ConfigValues from "../../internal/workers/configValues.ts"
import * as Bootstrap from "../startup/bootstrap.ts"
import { absence, page } from "../startup/builtFiles.ts"
import type { ThreadBoot } from "../transport/startMessages.ts"
import * as ThrownText from "../transport/thrownText.ts"
import { child } from "./processTransport.ts"
import { thread } from "./threadTransport.ts"
import type { Transport } from "./transport.ts"

/** Imports the module with the given URL. */
export type Import = (module: string) => Promise<unknown>

interface WithDefault {
  readonly default?: unknown
}

// the default export of a module compiled to CommonJS is the object of its exports
const defaultOf = ({ default: exported }: WithDefault): unknown =>
  typeof exported === "object" && exported !== null && "__esModule" in exported
    ? (exported as WithDefault).default
    : exported

const layerOf = async (module: string, importModule: Import): Promise<Layer.Layer<unknown, unknown>> => {
  const layer = defaultOf((await Bootstrap.load(module, importModule)) as WithDefault)
  if (layer === undefined) {
    throw new TypeError(`${module} has no default export: it must be the layer of its behaviours`)
  }
  return checked(layer, `the default export of ${module}`)
}

const checked = (layer: unknown, what: string): Layer.Layer<unknown, unknown> => {
  if (!Layer.isLayer(layer)) throw new TypeError(`${what} is not a layer`)
  checkLayer(what, layer)
  return layer as Layer.Layer<unknown, unknown>
}

const notFound = new Set<unknown>(["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"])

// returns the reason why the module cannot be loaded
const failureOf = (module: string, error: unknown): string => {
  const code = error instanceof Error && "code" in error ? error.code : undefined
  const why = notFound.has(code) ? absence(module) : undefined
  if (why === undefined) return ThrownText.textOf(error)
  return `the module of behaviours is missing: ${why}. A build has to write the module to a file of its own (${page})`
}

// returns the reason why the layer of the module cannot be built
const buildFailureOf = (module: string, cause: Cause.Cause<unknown>): string => {
  const missing = missingService(Cause.squash(cause))
  if (missing === undefined) return `the layer of ${module} failed: ${Cause.pretty(cause)}`
  const config = ConfigValues.idOf(missing)
  return config === undefined
    ? `the layer of ${module} requires the service ${missing}, which nothing provides`
    : `the layer of ${module} requires the config ${config}, which the option \`config\` of the system does not contain`
}

const serve = async (
  transport: Transport,
  loadLayer: (module: string) => Promise<Layer.Layer<unknown, unknown>>
): Promise<void> => {
  const scope = Scope.makeUnsafe()
  // the batches that arrive before the module is loaded
  const early: Array<Frames.Batch> = []
  let onBatch = (batch: Frames.Batch): void => {
    early.push(batch)
  }
  let isBusy = (): boolean => true
  const poller = transport.listen({ onBatch: (batch) => onBatch(batch), isBusy: () => isBusy() })
  let relay: Relay | undefined
  const reportFailure = (text: string): void => {
    const { dropped, logs, metrics } = relay?.take() ?? nothing
    transport.link.send([0, Frames.Logs, logs, dropped, Frames.Metrics, metrics, Frames.BootFailed, text])
  }
  let die = (why: string): void => {
    if (why !== "") reportFailure(why)
  }
  lastWords((why) => die(why))
  const { config, host, id, logLevel, module, telemetry, timing, traces, tracing } = await transport.boot
  ActorId.enterWorker(id, host)
  relay = telemetry === "relay" ? new Relay(id) : undefined
  if (timing) Durations.register(Context.empty())
  const services = servicesOf(relay, telemetry, logLevel, traces)
  const surroundings = tracing === "full" ? services : Context.add(services, SystemTracing, tracing)
  const fail = async (text: string): Promise<void> => {
    await written()
    die = () => undefined
    reportFailure(text)
    transport.exit(1)
  }
  let layer: Layer.Layer<unknown, unknown>
  try {
    layer = await loadLayer(module)
  } catch (error) {
    return fail(failureOf(module, error))
  }
  const given = Context.merge(surroundings, ConfigValues.contextOf(config))
  const built = await Effect.runPromiseExit(Effect.provideContext(Layer.buildWithScope(layer, scope), given))
  if (Exit.isFailure(built)) return fail(buildFailureOf(module, built.cause))
  const group = new SessionGroup()
  group.budget.poller = poller
  const session = Session.worker(group, transport.link, built.value, relay)
  const { server } = session
  session.answerAs(id, isMainThread ? "process" : "thread", new NestedSystems(id, surroundings))
  server.onEnd = (answer) => {
    const released = Effect.catchCause(
      Scope.close(scope, Exit.void),
      (cause) => Effect.logError(`the layer of ${module} failed when it was released`, cause)
    )
    Effect.runForkWith(Context.merge(surroundings, built.value))(Effect.andThen(released, Effect.promise(written)))
      .addObserver(() => {
        relay?.close()
        answer()
        transport.exit(0)
      })
  }
  // of a thread, the heap of this thread alone
  server.heapUsed = () => process.memoryUsage().heapUsed
  die = (why) => {
    relay?.abort()
    server.dispatcher.announcements.sendLastWords(why)
  }
  onBatch = (batch) => session.onBatch(batch)
  isBusy = () => session.isBusy
  server.dispatcher.outbox.push(Frames.Ready)
  // `Ready` is sent as a separate message, even if the host has sent further messages meanwhile
  server.dispatcher.outbox.flush()
  for (const batch of early) onBatch(batch)
}

const nothing: Collected = { logs: [], dropped: 0, metrics: [] }

// the services of all code of the worker: where it logs to
const servicesOf = (
  relay: Relay | undefined,
  telemetry: Bootstrap.Telemetry,
  logLevel: LogLevel,
  traces: boolean
): Context.Context<never> => {
  const services = relay?.services(traces) ?? (telemetry === "none" ? withoutLog : Context.empty())
  return logLevel === "Info" ? services : Context.add(services, References.MinimumLogLevel, logLevel)
}

// C1: reports the started calls, and the reason of the exit, before the worker exits
const lastWords = (die: (why: string) => void): void => {
  let uncaught: { readonly thrown: unknown } | undefined
  process.on("uncaughtExceptionMonitor", (thrown: unknown) => {
    uncaught = { thrown }
    // without a listener, the exception ends the worker. Bun runs microtasks before that.
    if (process.listenerCount("uncaughtException") === 0 && !process.hasUncaughtExceptionCaptureCallback()) return
    // if the worker continues, the exception has been handled and is not the reason of a later exit
    queueMicrotask(() => {
      uncaught = undefined
    })
  })
  process.on("exit", () => die(uncaught === undefined ? "" : `uncaught ${ThrownText.textOf(uncaught.thrown)}`))
}

// Waits until the output has left this worker. The reader of a pipe may be slow, and the output of a thread passes through its
// host.
const written = async (): Promise<void> => {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writableLength === 0) continue
    await new Promise<void>((resolve) => {
      // the stream no longer has a reader
      stream.once("error", () => resolve()).once("close", resolve)
      stream.write("", () => resolve())
    })
  }
}

// waits for the start data of a thread that the program made
const firstMessage = (port: MessagePort): Promise<ThreadBoot> =>
  new Promise((resolve) => {
    const onMessage = (message: { readonly [Bootstrap.bootKey]?: ThreadBoot } | null): void => {
      const boot = message?.[Bootstrap.bootKey]
      if (boot === undefined) return
      port.off("message", onMessage)
      resolve(boot)
    }
    port.on("message", onMessage)
  })

// opens the transport to the host; returns `undefined` in a thread or process that was not started as a worker
const open = async (): Promise<Transport | undefined> => {
  if (!Bootstrap.isStarting()) return parentPort === null ? undefined : thread(await firstMessage(parentPort))
  if (isMainThread) {
    delete process.env[Bootstrap.childKey]
    return child()
  }
  const boot = workerData[Bootstrap.bootKey] as ThreadBoot
  delete workerData[Bootstrap.bootKey]
  return thread(boot)
}

/** Serves the module of behaviours that the host names. Call it once. */
export const serveModule = async (importModule: Import): Promise<void> => {
  const transport = Bootstrap.isStarting() ? await open() : undefined
  if (transport !== undefined) await serve(transport, (module) => layerOf(module, importModule))
}

/** Serves a layer. Call it once. */
export const serveLayer = async (layer: unknown): Promise<void> => {
  const transport = await open()
  if (transport !== undefined) {
    await serve(transport, async (script) => checked(layer, `the argument of NodeActorWorker.serve in ${script}`))
  }
}
