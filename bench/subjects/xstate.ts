/**
 * xstate, whose actors run in the thread of the caller: a machine answers the sender named in the event, as in its guide to communicating
 * actors.
 */
import { type AnyActorRef, createActor, fromCallback, sendTo, setup } from "xstate"
import { promises, type Subject } from "../subject.ts"

interface Add {
  readonly type: "add"
  readonly id: number
  readonly n: number
  readonly sender: AnyActorRef
}

interface Sum {
  readonly type: "sum"
  readonly id: number
  readonly n: number
}

const adding = setup({ types: { events: {} as Add } }).createMachine({
  on: {
    add: {
      actions: sendTo(
        ({ event }) => event.sender,
        ({ event }) => ({ type: "sum", id: event.id, n: event.n + 1 }) satisfies Sum
      )
    }
  }
})

export const subject: Subject = {
  memory: async () => {
    const waiting = new Map<number, (n: number) => void>()
    const asking = fromCallback<Sum>(({ receive }) => {
      receive(({ id, n }) => {
        waiting.get(id)!(n)
        waiting.delete(id)
      })
    })
    const sender = createActor(asking).start()
    const adder = createActor(adding).start()
    let ids = 0
    return promises(
      (n) =>
        new Promise((resolve) => {
          const id = ids++
          waiting.set(id, resolve)
          adder.send({ type: "add", id, n, sender })
        }),
      async () => {
        adder.stop()
        sender.stop()
      }
    )
  }
}
