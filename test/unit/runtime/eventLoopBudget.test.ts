import { assert, it } from "@effect/vitest"
import { setImmediate as loop } from "node:timers/promises"
import { EventLoopBudget } from "../../../src/internal/runtime/eventLoopBudget.ts"

const log: Array<string> = []

const sender = (name: string) => ({
  cork: () => void log.push(`${name} corked`),
  uncork: () => void log.push(`${name} sent`),
  flush: () => void log.push(`${name} flushed`)
})

let time = 0
const clock = { now: () => time }

/** Lets a handler run for `ms` milliseconds by the clock of the budget. */
const block = (ms: number): void => {
  time += ms
}

const taken = (): Array<string> => log.splice(0)

it("a turn corks its sender, and runs the fibers that yield in it", () => {
  const budget = new EventLoopBudget(clock)
  const a = sender("a")
  budget.run(a, () => {
    assert.isTrue(budget.isOpen)
    budget.soon(a, () => void log.push("fibers"))
    const cancel = budget.soon(a, () => void log.push("canceled"))
    cancel()
    log.push("work")
  })
  assert.isFalse(budget.isOpen)
  assert.deepStrictEqual(taken(), ["a corked", "work", "a corked", "fibers", "a sent", "a sent"])
})

it("work of another session inside a turn belongs to that turn", () => {
  const budget = new EventLoopBudget(clock)
  budget.run(sender("a"), () => {
    budget.run(sender("b"), () => void log.push("work"))
    assert.isTrue(budget.isOpen)
  })
  assert.deepStrictEqual(taken(), ["a corked", "b corked", "work", "b sent", "a sent"])
})

it("a turn over its budget sends its replies, and resumes yielding fibers in the next turn", async () => {
  const budget = new EventLoopBudget(clock)
  const a = sender("a")
  budget.run(a, () => {
    budget.soon(a, () => void log.push("fibers"))
    block(1)
    budget.pace()
    assert.isTrue(budget.isOverBudget)
  })
  assert.deepStrictEqual(taken(), ["a corked", "a flushed", "a sent"])
  await loop()
  assert.deepStrictEqual(taken(), ["a corked", "fibers", "a sent"])
})

it("handlers over the budget yield to the event loop, whichever session runs next", async () => {
  const budget = new EventLoopBudget(clock)
  budget.run(sender("a"), () => {
    block(3)
    budget.pace()
  })
  budget.run(sender("b"), () => assert.isTrue(budget.isOverBudget))
  await loop()
  await loop()
  await loop()
  assert.isFalse(budget.isSpent)
  taken()
})

it("sessions whose calls wait for the event loop take turns", async () => {
  const budget = new EventLoopBudget(clock)
  const order: Array<string> = []
  const session = (name: string) => {
    const own = sender(name)
    let left = 3
    const resume = (): void => {
      order.push(name)
      block(3)
      budget.pace()
      if (--left > 0) budget.deferToNextLoop(own, resume)
    }
    budget.deferToNextLoop(own, resume)
  }
  session("a")
  session("b")
  session("c")
  while (order.length < 9) await loop()
  assert.deepStrictEqual(order, ["a", "b", "c", "a", "b", "c", "a", "b", "c"])
  taken()
})

it("messages inside a thread wait for the event loop after half a millisecond of turns", () => {
  const budget = new EventLoopBudget(clock)
  budget.refreshLocal()
  assert.isFalse(budget.isLocalSpent)
  block(1)
  budget.run(sender("a"), () => undefined)
  assert.isTrue(budget.isLocalSpent)
  budget.refreshLocal()
  assert.isFalse(budget.isLocalSpent)
  taken()
})
