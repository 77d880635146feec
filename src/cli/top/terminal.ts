/**
 * The live table of `uactor top` in a terminal.
 */
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Size, UserInput } from "effect/Terminal"
import process from "node:process"
import type { RemoteObserver } from "../../node/observer/client.ts"
import type { ConnectionError } from "../../node/observer/program.ts"
import type { Event, Snapshot } from "../../Observer.ts"
import { type CommandFailed, failIf } from "../failure.ts"
import * as Text from "../text.ts"
import * as Views from "../views.ts"
import * as Screen from "./screen.ts"

type Message =
  | { readonly _tag: "Read"; readonly snapshot: Snapshot }
  | { readonly _tag: "Happened"; readonly event: Event }
  | { readonly _tag: "Pressed"; readonly input: UserInput }
  | { readonly _tag: "Resized"; readonly size: Size }
  | { readonly _tag: "Answered"; readonly mode?: Screen.Mode; readonly message: string }

// another buffer of the terminal without a cursor; and back
const enter = "\x1b[?1049h\x1b[?25l"
const leave = "\x1b[?25h\x1b[?1049l"

const isEnd = ({ key: { ctrl, name } }: UserInput): boolean => ctrl && (name === "c" || name === "d")

const profileMillis = 2_000

/** Shows a program until the user ends it, or the program ends. */
export const run = (
  observer: RemoteObserver,
  { millis, sort }: { readonly millis: number; readonly sort: Views.Sort }
): Effect.Effect<void, CommandFailed | ConnectionError, Scope.Scope> =>
  Effect.gen(function*() {
    yield* failIf(
      !process.stdout.isTTY || !process.stdin.isTTY,
      "top needs a terminal. The commands actors and workers print the same once, also as --json"
    )
    const { program: { pid, runtime, script } } = observer
    let state = Screen.initial(pid, `${script}  ${runtime}`, sort)
    let size: Size = { columns: 80, rows: 24 }
    const terminal = yield* NodeTerminal.make(isEnd)
    const display = (text: string) => Effect.ignore(terminal.display(text))
    yield* Effect.acquireRelease(display(enter), () => display(leave))

    const messages = yield* Queue.make<Message, ConnectionError | CommandFailed | Cause.Done>()
    const wake = yield* Queue.sliding<void>(1)
    const read = Effect.suspend(() => observer.snapshot({ sort: state.sort, limit: state.filter === "" ? 256 : 2_000 }))
    const feed = <E extends ConnectionError>(effect: Effect.Effect<unknown, E, Scope.Scope>) =>
      Effect.forkScoped(Effect.catch(effect, (error) => Queue.fail(messages, error)))
    yield* feed(Effect.forever(Effect.andThen(
      Effect.flatMap(read, (snapshot) => Queue.offer(messages, { _tag: "Read", snapshot })),
      Effect.raceFirst(Effect.sleep(millis), Queue.take(wake))
    )))
    yield* feed(Stream.runForEach(observer.events, (event) => Queue.offer(messages, { _tag: "Happened", event })))
    const sizes = yield* terminal.size
    yield* feed(Stream.runForEach(Stream.fromQueue(sizes), (size) => Queue.offer(messages, { _tag: "Resized", size })))
    const inputs = yield* terminal.readInput
    yield* feed(Effect.andThen(
      Stream.runForEach(Stream.fromQueue(inputs), (input) => Queue.offer(messages, { _tag: "Pressed", input })),
      Queue.end(messages)
    ))

    /** Asks the program for something; the answer is a message. */
    const ask = (command: Screen.Command) =>
      Effect.gen(function*() {
        const message = yield* Effect.match(answerTo(observer, command), {
          onSuccess: (answer): Message => ({ _tag: "Answered", ...answer }),
          onFailure: ({ message }): Message => ({ _tag: "Answered", message })
        })
        yield* Queue.offer(messages, message)
        yield* Queue.offer(wake, undefined)
      })

    const onKey = (input: UserInput): Effect.Effect<boolean, never, Scope.Scope> =>
      Effect.gen(function*() {
        const { filter, sort } = state
        const pressed = Screen.press(state, input)
        state = pressed.state
        if (state.sort !== sort || state.filter !== filter) yield* Queue.offer(wake, undefined)
        if (pressed.command !== undefined) {
          const { action, actor } = pressed.command
          state = { ...state, message: `${action} of ${actor.id} …` }
          yield* Effect.forkScoped(ask(pressed.command))
        }
        return pressed.isEnd ?? false
      })

    /** Returns whether the user has ended it. */
    const handle = (message: Message): Effect.Effect<boolean, never, Scope.Scope> => {
      if (message._tag === "Pressed") return onKey(message.input)
      if (message._tag === "Read") state = { ...state, snapshot: Option.some(message.snapshot) }
      else if (message._tag === "Happened") state = Screen.withEvent(state, message.event)
      else if (message._tag === "Resized") ({ size } = message)
      else state = { ...state, message: message.message, mode: message.mode ?? state.mode }
      return Effect.succeed(false)
    }

    const loop = Effect.gen(function*() {
      for (;;) {
        // a slow terminal gets one screen for many messages
        for (const message of yield* Queue.takeAll(messages)) if (yield* handle(message)) return
        const lines = Screen.draw(state, { columns: size.columns || 80, rows: size.rows || 24 })
        yield* display(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join("\r\n")}\x1b[J`)
      }
    })
    yield* Effect.catchIf(loop, Cause.isDone, () => Effect.void)
  })

/** How the screen shows the answer to a command. */
interface Answer {
  readonly message: string
  readonly mode?: Screen.Mode
}

const textAnswer = (title: string, lines: ReadonlyArray<string>): Answer => ({
  message: "",
  mode: { _tag: "Answer", title, lines }
})

const answerTo = (
  observer: RemoteObserver,
  { action, actor: { id, worker } }: Screen.Command
): Effect.Effect<Answer, { readonly message: string }> => {
  if (action === "kill") return Effect.as(observer.kill(id), { message: `${id} was killed` })
  if (action === "restart") return Effect.as(observer.restart(id), { message: `${id} has restarted` })
  if (action === "why") {
    return Effect.map(observer.why(id), (explained) =>
      textAnswer(
        `why ${id} waits`,
        Option.match(explained, { onNone: () => [`${id} has ended`], onSome: ({ text }) => text.split("\n") })
      ))
  }
  if (action === "stack") {
    return Effect.map(observer.stack(worker), (frames) =>
      textAnswer(
        frames.length === 0 ? `${worker} executes no JavaScript` : `stack of ${worker}`,
        frames.map((frame) => Views.frame(frame))
      ))
  }
  return Effect.map(Stream.runCollect(observer.cpuProfile(worker, profileMillis)), (pieces) =>
    textAnswer(
      `the most expensive functions of ${worker} in ${Text.time(profileMillis)}`,
      Views.hottest(JSON.parse(pieces.join("")), 20)
    ))
}
