/**
 * Detects that a child process has run out of heap. V8 aborts such a process before the child can report the error itself, but Node
 * writes a diagnostic report of the fatal error. The report goes into an unnamed file opened by the host. The file leaves no trace,
 * and output of the child cannot be mistaken for the report.
 */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import process from "node:process"

// a generator of ids: the names of all files of this process differ
let count = 0

/** Opens a file for the report of a child. Returns `undefined` if the file cannot be opened. */
export const open = (): number | undefined => {
  const name = path.join(os.tmpdir(), `uactor-${process.pid}-${Date.now()}-${++count}`)
  let file: number | undefined
  try {
    file = fs.openSync(name, "wx+", 0o600)
    fs.unlinkSync(name)
    return file
  } catch {
    close(file)
    return undefined
  }
}

export const close = (file: number | undefined): void => {
  if (file !== undefined) fs.closeSync(file)
}

// the report starts with the event and its trigger, ahead of any content that the child can control
const headLength = 512
const trigger = /^\{"header":\{"reportVersion":\d+,"event":"[^"]*","trigger":"OOMError"/

/** Whether a report exists and states that the child ran out of memory. */
export const isOutOfMemory = (file: number | undefined): boolean => {
  if (file === undefined) return false
  const head = Buffer.alloc(headLength)
  const length = fs.readSync(file, head, 0, headLength, 0)
  return trigger.test(head.toString("latin1", 0, length))
}
