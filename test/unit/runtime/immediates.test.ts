import { assert, it } from "@effect/vitest"
import * as timers from "node:timers"
import * as Immediates from "../../../src/internal/runtime/immediates.ts"

/** Runs a test with the immediates of browsers. */
const onChannel = (name: string, body: (immediates: Immediates.ChannelImmediates) => Promise<void>): void =>
  it(name, async () => {
    const channel = new MessageChannel()
    try {
      await body(new Immediates.ChannelImmediates(channel))
    } finally {
      channel.port1.close()
    }
  })

it("the immediates of Node are those of the engine", () => {
  assert.strictEqual(Immediates.setImmediate, timers.setImmediate)
  assert.strictEqual(Immediates.clearImmediate, timers.clearImmediate)
})

onChannel("functions run in their order, after the current turn", async ({ setImmediate }) => {
  const log: Array<string> = []
  const last = new Promise<void>((resolve) => {
    setImmediate(() => void log.push("first"))
    setImmediate(() => void log.push("second"))
    setImmediate(resolve)
  })
  queueMicrotask(() => void log.push("microtask"))
  log.push("now")
  await last
  assert.deepStrictEqual(log, ["now", "microtask", "first", "second"])
})

onChannel("a message that has arrived is read before a function that another one sets", async ({ setImmediate }) => {
  const log: Array<string> = []
  const { port1, port2 } = new MessageChannel()
  await new Promise<void>((resolve) => {
    port1.addEventListener("message", () => void log.push("message"))
    port1.start()
    setImmediate(() => {
      log.push("first")
      port2.postMessage(null)
      // the delivery of a message takes a turn of Node's event loop
      timers.setImmediate(() =>
        setImmediate(() => {
          log.push("second")
          resolve()
        })
      )
    })
  })
  port1.close()
  assert.deepStrictEqual(log, ["first", "message", "second"])
})

onChannel("a cancelled function does not run, neither in the next turn nor in this one", async (immediates) => {
  const { clearImmediate, setImmediate } = immediates
  const log: Array<string> = []
  await new Promise<void>((resolve) => {
    clearImmediate(setImmediate(() => void log.push("of the next turn")))
    setImmediate(() => clearImmediate(later))
    const later = setImmediate(() => void log.push("of this turn"))
    setImmediate(resolve)
  })
  clearImmediate(undefined)
  assert.deepStrictEqual(log, [])
})

onChannel("an exception of one function is uncaught, and the others run", async ({ setImmediate }) => {
  const uncaught = new Promise((resolve) => process.once("uncaughtException", resolve))
  const listeners = process.listeners("uncaughtException").slice(0, -1)
  for (const listener of listeners) process.off("uncaughtException", listener)
  const error = new Error("thrown")
  const next = new Promise<void>((resolve) => {
    setImmediate(() => {
      throw error
    })
    setImmediate(resolve)
  })
  await next
  assert.strictEqual(await uncaught, error)
  for (const listener of listeners) process.on("uncaughtException", listener)
})
