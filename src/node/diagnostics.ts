/**
 * Connects the diagnostics channels of Node, in the program and in each worker: `uactor:worker` and `uactor:actor` for the events of workers and of actors, and the tracing
 * channel `uactor:call` for calls.
 */
import * as Diagnostics from "node:diagnostics_channel"
import { channels } from "../internal/runtime/diagnosticsChannels.ts"

channels.worker = Diagnostics.channel("uactor:worker")
channels.actor = Diagnostics.channel("uactor:actor")

// another runtime may lack tracing channels
const { tracingChannel }: Partial<typeof Diagnostics> = Diagnostics

const changes = ["subscribe", "unsubscribe", "bindStore", "unbindStore"] as const

// Calls back when the subscribers of a channel have changed. To read `hasSubscribers` in each call would cost 4 % of a call in memory.
const watch = (channel: Diagnostics.Channel, onChange: () => void): void => {
  for (const name of changes) {
    // another copy of this library may have watched before; the prototype of a channel changes with its first subscriber
    const before: unknown = Object.getOwnPropertyDescriptor(channel, name)?.value
    const value = function(this: object, ...args: ReadonlyArray<unknown>): unknown {
      const method = before ?? (Object.getPrototypeOf(this) as Readonly<Record<string, unknown>>)[name]
      const result: unknown = Reflect.apply(method as (...args: ReadonlyArray<unknown>) => unknown, this, args)
      onChange()
      return result
    }
    Object.defineProperty(channel, name, { configurable: true, writable: true, value })
  }
}

const connect = ({ asyncEnd, asyncStart, end, error, start }: Diagnostics.TracingChannel): void => {
  const all = [start, end, asyncStart, asyncEnd, error]
  const call = channels.call = {
    hasSubscribers: all.some((channel) => channel.hasSubscribers),
    begin: <A>(call: object, run: () => A): A =>
      start.runStores(call, () => {
        try {
          return run()
        } finally {
          end.publish(call)
        }
      }),
    end: (call: object): void => {
      if ("error" in call) error.publish(call)
      asyncStart.publish(call)
      asyncEnd.publish(call)
    }
  }
  const read = (): void => {
    call.hasSubscribers = all.some((channel) => channel.hasSubscribers)
  }
  for (const channel of all) watch(channel, read)
}

if (tracingChannel !== undefined) connect(tracingChannel("uactor:call"))
