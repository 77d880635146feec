/**
 * Connects the diagnostics channels of Node: `uactor:worker` and `uactor:actor` for the events of workers and of actors, and the tracing
 * channel `uactor:call` for calls.
 */
import * as Diagnostics from "node:diagnostics_channel"
import { channels } from "../../internal/monitor/channels.ts"

channels.worker = Diagnostics.channel("uactor:worker")
channels.actor = Diagnostics.channel("uactor:actor")

// another runtime may lack tracing channels
const { tracingChannel }: Partial<typeof Diagnostics> = Diagnostics

const connect = ({ asyncEnd, asyncStart, end, error, start }: Diagnostics.TracingChannel): void => {
  channels.call = {
    // `hasSubscribers` of the tracing channel itself takes several times as long
    get hasSubscribers() {
      return start.hasSubscribers || end.hasSubscribers || asyncStart.hasSubscribers || asyncEnd.hasSubscribers ||
        error.hasSubscribers
    },
    begin: (call, run) =>
      start.runStores(call, () => {
        try {
          return run()
        } finally {
          end.publish(call)
        }
      }),
    end: (call) => {
      if ("error" in call) error.publish(call)
      asyncStart.publish(call)
      asyncEnd.publish(call)
    }
  }
}

if (tracingChannel !== undefined) connect(tracingChannel("uactor:call"))
