/** Two actors on two threads, each of which can have the next message with a certain text arrive as one that cannot be read. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import { MessagePort } from "node:worker_threads"
import * as Actor from "../../../../src/Actor.ts"
import { ActorExited } from "../../../../src/ActorError.ts"
import * as Handle from "../../../../src/Handle.ts"

const nested = (levels: number): unknown => {
  let value: unknown = 1
  for (let level = 0; level < levels; level++) value = Object.assign([], { beside: value })
  return value
}

// what is nested as deeply as a thread can write, it cannot read
const writeTooMuch = (write: (value: unknown) => void): void => {
  for (let levels = 20_000;; levels -= 100) {
    try {
      return write(nested(levels))
    } catch {
      // it cannot be written
    }
  }
}

/** The next message of this thread with this text is one that cannot be read. */
const spoil = (text: string): void => {
  const { postMessage } = MessagePort.prototype
  MessagePort.prototype.postMessage = function(this: MessagePort, message: unknown, ...rest: Array<never>) {
    if (!JSON.stringify(message).includes(text)) return postMessage.call(this, message, ...rest)
    MessagePort.prototype.postMessage = postMessage
    writeTooMuch((value) => postMessage.call(this, value))
  }
}

const Items = Handle.Queue(Schema.String)
const Later = Handle.Deferred({ success: Schema.String })

export class Callee extends Actor.Service<Callee>()("Callee", {
  args: Schema.Struct({ journal: Schema.String }),
  protocol: [
    Rpc.make("echo", { payload: { text: Schema.String }, success: Schema.String }),
    /** notes "begun", and "finalized" when it is interrupted; never returns */
    Rpc.make("hang"),
    Rpc.make("items", { success: Items }),
    Rpc.make("later", { success: Later }),
    /** has the result of `later` arrive */
    Rpc.make("finish", { payload: { text: Schema.String } }),
    Rpc.make("spoil", { payload: { text: Schema.String } })
  ]
}) {}

const CalleeLive = Callee.toLayer(({ journal }) =>
  Effect.gen(function*() {
    const note = (line: string) => Effect.sync(() => fs.appendFileSync(journal, `${line}\n`))
    const items = yield* Handle.makeQueue<string>()
    let finish: (text: string) => void = () => undefined
    const later = new Promise<string>((resolve) => finish = resolve)
    return Callee.handlers({
      echo: ({ text }) => Effect.succeed(text),
      hang: () => Effect.andThen(note("begun"), Effect.onInterrupt(Effect.never, () => note("finalized"))),
      items: () => Effect.succeed(items),
      later: () => Handle.fork(Effect.promise(() => later)),
      finish: ({ text }) => Effect.sync(() => finish(text)),
      spoil: ({ text }) => Effect.sync(() => spoil(text))
    })
  }), { concurrency: "unbounded" })

/** Says what a call comes to. */
const said = (call: Effect.Effect<unknown, unknown>): Effect.Effect<string> =>
  Effect.map(Effect.exit(call), (exit) => {
    if (Exit.isSuccess(exit)) return String(exit.value)
    const error = Cause.squash(exit.cause)
    return error instanceof ActorExited ? `${error.reason} ${error.outcome}` : String(error)
  })

export class Caller extends Actor.Service<Caller>()("Caller", {
  args: Schema.Struct({ callee: Callee.ref }),
  protocol: [
    Rpc.make("echo", { payload: { text: Schema.String }, success: Schema.String }),
    Rpc.make("hang", { success: Schema.String }),
    Rpc.make("keep", { payload: { items: Items, later: Later } }),
    Rpc.make("take", { success: Schema.String }),
    Rpc.make("result", { success: Schema.String }),
    Rpc.make("spoil", { payload: { text: Schema.String } })
  ]
}) {}

const CallerLive = Caller.toLayer(({ callee }) => {
  let kept: { readonly items: typeof Items.Type; readonly later: typeof Later.Type } | undefined
  return Effect.succeed(Caller.handlers({
    echo: (payload) => said(callee.echo(payload)),
    hang: () => said(callee.hang()),
    keep: (payload) =>
      Effect.sync(() => {
        kept = payload
      }),
    take: () => said(kept!.items.take),
    result: () => said(kept!.later.await),
    spoil: ({ text }) => Effect.sync(() => spoil(text))
  }))
}, { concurrency: "unbounded" })

export default Layer.merge(CalleeLive, CallerLive)
