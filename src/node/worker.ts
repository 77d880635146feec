/**
 * What the library ships for its workers, threads and processes alike: it
 * loads a module of behaviours, builds its layer once, and serves it. It imports
 * only what it runs, because its imports are most of what starting an actor costs.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { once } from "node:events"
import { isMainThread, parentPort, receiveMessageOnPort, Worker, workerData } from "node:worker_threads"
import * as Interruption from "../internal/interruption.ts"
import { begunCapacity, type Link, type Lookout, nowhere } from "../internal/link.ts"
import { Peer } from "../internal/peer.ts"
import * as Wire from "../internal/wire.ts"
import * as Boot from "./internal/boot.ts"
import type { ProcessBoot } from "./internal/processLink.ts"
import { Sender } from "./internal/ringLink.ts"
import * as Spin from "./internal/spin.ts"
import type { ThreadBoot, ThreadChannel } from "./internal/threadLink.ts"

/** This side of the link, before anything is served on it. */
interface Channel {
  readonly link: Link
  /** returns where else messages may come */
  readonly listen: (onBatch: (batch: Wire.Batch) => void, isBusy: () => boolean) => Lookout
  /** nothing is left to do here */
  readonly exit: (code: number) => void
}

const textOf = (error: unknown): string => error instanceof Error ? error.stack ?? String(error) : String(error)

/** Loads the module of that URL. */
export type Import = (module: string) => Promise<unknown>

const layerOf = async (module: string, importModule: Import): Promise<Layer.Layer<unknown, unknown>> => {
  const { default: layer } = (await Boot.load(module, importModule)) as { readonly default?: unknown }
  if (layer === undefined) {
    throw new TypeError(`${module} has no default export: it must be the layer of its behaviours`)
  }
  if (!Layer.isLayer(layer)) throw new TypeError(`the default export of ${module} is not a layer`)
  return layer as Layer.Layer<unknown, unknown>
}

const serve = async (channel: Channel, module: string, importModule: Import): Promise<void> => {
  const scope = Scope.makeUnsafe()
  // the host may send before the module is loaded
  const early: Array<Wire.Batch> = []
  let onBatch = (batch: Wire.Batch): void => {
    early.push(batch)
  }
  let isBusy = (): boolean => true
  const lookout = channel.listen((batch) => onBatch(batch), () => isBusy())
  const fail = (text: string): void => {
    channel.link.send([0, Wire.BootFailed, text])
    channel.exit(1)
  }
  let layer: Layer.Layer<unknown, unknown>
  try {
    layer = await layerOf(module, importModule)
  } catch (error) {
    return fail(textOf(error))
  }
  const built = await Effect.runPromiseExit(Layer.buildWithScope(layer, scope))
  if (Exit.isFailure(built)) return fail(`the layer of ${module} failed: ${Cause.pretty(built.cause)}`)
  Interruption.share(channel.link.interrupts)
  const peer = Peer.worker(channel.link, built.value)
  const { server } = peer
  server.onEnd = (answer) => {
    Effect.runFork(Scope.close(scope, Exit.void)).addObserver(() => {
      answer()
      channel.exit(0)
    })
  }
  lastWords(server)
  onBatch = (batch) => peer.onBatch(batch)
  isBusy = () => server.runner.isBusy || server.runner.turns.isSpent || peer.isPromised
  server.runner.turns.lookout = lookout
  server.runner.outbox.push1(Wire.Ready)
  for (const batch of early) onBatch(batch)
}

// C1: says what has begun before the worker goes down, and why it does
const lastWords = (server: Peer["server"]): void => {
  let uncaught: string | undefined
  process.on("uncaughtExceptionMonitor", (error) => {
    uncaught = textOf(error)
  })
  process.on("exit", () => server.runner.die(uncaught ?? ""))
}

const thread = (): Channel => {
  const port = parentPort!
  const { notes, rings, spin, workers } = workerData[Boot.bootKey] as ThreadBoot
  const sender = new Sender(rings.up, port)
  return {
    link: {
      send: (batch, transfer) => sender.send(batch, transfer),
      flushAt: Boot.threadFlushAt,
      ...notes,
      openChannel
    },
    listen: (onBatch, isBusy) => Spin.listen(port, rings.down, onBatch, { window: spin, workers, isBusy }),
    // the host ends the thread
    exit: () => undefined
  }
}

const openChannel: NonNullable<Link["openChannel"]> = (end, onBatch) => {
  const { caller, port, runner } = end as ThreadChannel
  port.on("message", onBatch)
  // it is the host that keeps the thread
  port.unref()
  return {
    link: { send: (batch, transfer) => port.postMessage(batch, transfer as never), flushAt: Boot.threadFlushAt },
    caller,
    runner,
    drain: () => {
      for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
        onBatch(next.message)
      }
    },
    close: () => port.close()
  }
}

const child = async ({ spin, workers }: ProcessBoot): Promise<Channel> => {
  // the parent decides what an interrupt from the terminal means
  process.on("SIGINT", () => undefined)
  process.on("SIGTERM", () => process.exit(Boot.terminated))
  process.on("disconnect", () => process.exit(1))
  const begun = new Int32Array(new SharedArrayBuffer((begunCapacity + 1) * Int32Array.BYTES_PER_ELEMENT))
  await watch(begun)
  const counted = new Int32Array([workers])
  const vigil = new Spin.Vigil(spin, counted, nowhere)
  return {
    link: {
      send: (batch) => {
        if (process.connected) process.send!(batch)
      },
      flushAt: Boot.processFlushAt,
      begun
    },
    listen: (onBatch) => {
      process.on("message", (message: Wire.Batch | number) => {
        if (typeof message === "number") {
          counted[0] = message
          return
        }
        vigil.arrived()
        onBatch(message)
        vigil.begin()
      })
      return nowhere
    },
    exit: (code) => {
      process.removeAllListeners("disconnect")
      process.exitCode = code
      // not while messages are delivered, which Node does not expect
      setImmediate(() => {
        if (process.connected) process.disconnect()
        setImmediate(() => process.exit(code))
      })
    }
  }
}

// what a child whose event loop is blocked cannot do, a thread of it does: notice that its parent is gone, or the thread of it that has
// started the child, with which the other end of the channel is gone (L1), and announce what has begun and blocks it (C3)
const watch = async (begun: Int32Array): Promise<void> => {
  const watcher = new Worker(
    `
    const { workerData: begun } = require("node:worker_threads")
    const { writeSync } = require("node:fs")
    const parent = process.ppid
    const nothing = new Uint8Array(0)
    const sleep = new Int32Array(new SharedArrayBuffer(4))
    const isThere = () => { try { return process.kill(parent, 0) } catch (error) { return error.code === "EPERM" } }
    const isOpen = () => { try { writeSync(${Boot.channelFd}, nothing) } catch (error) { return error.code !== "EPIPE" } return true }
    let before = "", announced = ""
    while (process.ppid === parent && isThere() && isOpen()) {
      Atomics.wait(sleep, 0, 0, 500)
      const ids = begun.slice(1, 1 + begun[0])
      const now = ids.join()
      if (now !== "" && now === before && now !== announced) {
        announced = now
        try { writeSync(${Boot.begunFd}, ids) } catch {}
      }
      before = now
    }
    process.kill(process.pid, "SIGKILL")
  `,
    { eval: true, workerData: begun, resourceLimits: { maxOldGenerationSizeMb: 8, stackSizeMb: 1 }, execArgv: [] }
  )
  // from here on it needs nothing of this thread, which may be blocked by the module it loads
  await once(watcher, "online")
  watcher.unref()
}

/** Serves what the host has asked for at the start; to be called once. */
export const start = async (importModule: Import): Promise<void> => {
  if (!isMainThread && workerData?.[Boot.bootKey] !== undefined) {
    await serve(thread(), (workerData[Boot.bootKey] as Boot.Boot).module, importModule)
  } else if (process.send !== undefined) {
    const boot = JSON.parse(process.argv[2]!) as ProcessBoot
    await serve(await child(boot), boot.module, importModule)
  }
}
