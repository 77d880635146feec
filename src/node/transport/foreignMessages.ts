/**
 * Foreign messages: messages that user code sends on a public channel of its worker. This library ignores them, except for one log
 * line that shows the first message. Node's watch mode (`node --watch`) also uses these channels.
 */
import process from "node:process"
import { inspect } from "node:util"

/** Whether a message reports a file to Node's watch mode. */
export const isOfWatchMode = (message: unknown): message is object =>
  process.env["WATCH_REPORT_DEPENDENCIES"] !== undefined && typeof message === "object" && message !== null &&
  ("watch:import" in message || "watch:require" in message)

/** Formats a message for a log line. */
export const show = (message: unknown): string => {
  try {
    return inspect(message, { depth: 1, breakLength: Infinity, maxArrayLength: 10, maxStringLength: 200 })
  } catch {
    return "a value that cannot be shown"
  }
}
