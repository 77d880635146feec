/**
 * Throws if Node is too old. Modules that need Node import this module first, so that this error comes before any other.
 */
import process from "node:process"

// the version of `engines` in package.json
const oldest = [22, 19] as const

// Bun and Deno report the version of Node that they emulate
const isNode = process.versions["bun"] === undefined && process.versions["deno"] === undefined

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)

if (isNode && (major < oldest[0] || major === oldest[0] && minor < oldest[1])) {
  const error = new Error(`uactor needs Node ${oldest.join(".")} or newer, and this is Node ${process.versions.node}.`)
  // the stack says nothing about the cause
  error.stack = `${error.name}: ${error.message}`
  throw error
}
