/**
 * The subcommands. Each knows the observer of another process only.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { maxPort } from "../node/http/address.ts"
import type { RemoteObserver } from "../node/observer/client.ts"
import { fileNameOf } from "../node/observer/program.ts"
import type { Snapshot } from "../Observer.ts"
import * as Doctor from "./doctor.ts"
import { CommandFailed, failIf, failure, problem } from "./failure.ts"
import * as Files from "./files.ts"
import * as Page from "./page.ts"
import * as Programs from "./programs.ts"
import * as Text from "./text.ts"
import * as Top from "./top/terminal.ts"
import * as Views from "./views.ts"

const base = Command.make("uactor").pipe(
  Command.withDescription("Looks at running programs with actors."),
  Command.withSharedFlags({
    directory: Flag.String("directory").pipe(
      Flag.withDescription("The folder of the sockets, if the programs have set another one"),
      Flag.optional
    )
  })
)

const pid = Argument.Int("pid").pipe(
  Argument.withDescription("The program; it may be left out if there is only one"),
  Argument.optional
)

const targets = (what: "actor" | "worker" | "actor or call") =>
  Argument.String(what).pipe(
    Argument.withDescription(
      `The id of the ${what}. If there are several programs, the pid of one of them comes first`
    ),
    Argument.variadic({ min: 1, max: 2 })
  )

const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print one JSON object a line"),
  Flag.withDefault(false)
)

const limit = Flag.Int("limit").pipe(
  Flag.withDescription("The maximum number of actors, at most 10,000"),
  Flag.filter((n) => n >= 0 && n <= 10_000, (n) => `--limit must be from 0 to 10000, not ${n}`),
  Flag.withDefault(256)
)

const sort = Flag.Literals("sort", Views.sorts).pipe(
  Flag.withDescription("The order, with the largest first"),
  Flag.withDefault("load")
)

const print = (lines: ReadonlyArray<string>): Effect.Effect<void> =>
  lines.length === 0 ? Effect.void : Console.log(lines.join("\n"))

/** What a snapshot lacks goes to the error output, so that a list stays a list. */
const printUnread = ({ unread }: Snapshot): Effect.Effect<void> =>
  unread.length === 0 ? Effect.void : Console.error(unread.map(({ message }) => Text.printable(message)).join("\n"))

/** A typed failure of the observer as a failure of the command. */
const told = <A, E extends { readonly message: string }, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, CommandFailed, R> =>
  Effect.mapError(effect, (error) => error instanceof CommandFailed ? error : failure(error.message))

type Use<A> = (observer: RemoteObserver) => Effect.Effect<A, { readonly message: string }, Scope.Scope>

/** Uses the observer of a program. */
const withProgram = (pid: Option.Option<number>, use: Use<void>) =>
  Effect.scoped(Effect.gen(function*() {
    const { directory } = yield* base
    const observer = yield* Programs.one(pid, directory)
    yield* told(use(observer))
  }))

/** Uses the observer of the program with this target. */
const withTarget = (
  targets: ReadonlyArray<string>,
  use: (observer: RemoteObserver, target: string) => ReturnType<Use<void>>
) =>
  Effect.gen(function*() {
    const [first = "", second] = targets
    yield* failIf(
      second !== undefined && !/^\d+$/.test(first),
      `The pid must be a number, not ${first}. The pid comes before the id: uactor … 4711 ${second}`
    )
    const pid = second === undefined ? Option.none() : Option.some(Number(first))
    yield* withProgram(pid, (observer) => use(observer, second ?? first))
  })

const ps = Command.make("ps", { json }, ({ json }) =>
  Effect.scoped(Effect.gen(function*() {
    const { directory } = yield* base
    const found = yield* Programs.all(directory)
    const rows = yield* Effect.forEach(found, ({ address: { pid }, message, observer }) =>
      Effect.gen(function*() {
        if (Option.isNone(observer)) return { pid, message }
        const { program, snapshot } = observer.value
        const read = yield* Effect.result(snapshot({ limit: 0 }))
        if (read._tag === "Failure") return { pid, message: read.failure.message }
        const { actions, directory, runtime, script, startedAt } = program
        return { pid, script, directory, runtime, startedAt, actions, totals: read.success.totals }
      }), { concurrency: "unbounded" })
    const now = Date.now()
    if (json) yield* print(rows.map((row) => JSON.stringify(row)))
    else if (rows.length === 0) yield* Console.error(Programs.nothingFound)
    else {yield* print(Text.table<(typeof rows)[number]>([
        { title: "PID", text: ({ pid }) => String(pid), isFigure: true },
        { title: "AGE", text: (row) => "startedAt" in row ? Text.time(now - row.startedAt) : "-", isFigure: true },
        { title: "WORKERS", text: (row) => "totals" in row ? String(row.totals.workers) : "-", isFigure: true },
        { title: "BLOCKED", text: (row) => "totals" in row ? String(row.totals.blocked) : "-", isFigure: true },
        { title: "ACTORS", text: (row) => "totals" in row ? String(row.totals.actors) : "-", isFigure: true },
        { title: "PROGRAM", text: (row) => "script" in row ? row.script : row.message }
      ], rows))}
  }))).pipe(Command.withDescription("Lists the programs with an open observer"))

const actors = Command.make("actors", {
  pid,
  sort,
  name: Flag.String("name").pipe(Flag.withDescription("Only actors with this name"), Flag.optional),
  worker: Flag.String("worker").pipe(Flag.withDescription("Only actors on this worker"), Flag.optional),
  pool: Flag.String("pool").pipe(Flag.withDescription("Only members of the pool with this name"), Flag.optional),
  limit,
  json
}, ({ json, limit, name, pid, pool, sort, worker }) =>
  withProgram(pid, (observer) =>
    Effect.gen(function*() {
      const snapshot = yield* observer.snapshot({
        sort,
        limit,
        filter: {
          name: Option.getOrUndefined(name),
          worker: Option.getOrUndefined(worker),
          pool: Option.getOrUndefined(pool)
        }
      })
      const { actors, at, truncated } = snapshot
      yield* print(json ? actors.map((actor) => Views.json.actor(actor)) : Views.actors(actors, at))
      if (!json && truncated > 0) yield* Console.log(`and ${truncated} more: --limit`)
      yield* printUnread(snapshot)
    }))).pipe(
    Command.withDescription("Lists the actors of a program. An actor stays in the list for 30 seconds after its end")
  )

const workers = Command.make(
  "workers",
  { pid, json },
  ({ json, pid }) =>
    withProgram(
      pid,
      (observer) =>
        Effect.flatMap(observer.snapshot({ limit: 256 }), (snapshot) => {
          const { workers } = snapshot
          return Effect.andThen(
            print(json ? workers.map((worker) => Views.json.worker(worker)) : Views.workers(workers)),
            printUnread(snapshot)
          )
        })
    )
).pipe(
  Command.withDescription("Lists the workers of a program, with their load")
)

/** The end of the program is no failure of a command that runs as long as the program. */
const untilItsEnd = <E extends { readonly reason: string; readonly message: string }, R>(
  effect: Effect.Effect<void, E, R>
): Effect.Effect<void, E, R> =>
  Effect.catchIf(effect, ({ reason }) => reason === "Closed", ({ message }) => Console.error(message))

const events = Command.make(
  "events",
  { pid, json },
  ({ json, pid }) =>
    withProgram(pid, (observer) =>
      untilItsEnd(
        Stream.runForEach(observer.events, (event) => Console.log(json ? Views.json.event(event) : Views.event(event)))
      ))
).pipe(
  Command.withDescription("Prints what happens to workers and actors, until it is interrupted or the program ends")
)

const calls = Command.make(
  "calls",
  {
    pid,
    older: Flag.String("older").pipe(
      Flag.withDescription("Only calls that have run for this time: 500ms, 1.5s, 2m, 1h"),
      Flag.filterMap(
        (text) => Option.fromUndefinedOr(Text.millisOf(text)),
        (text) => `--older must be a time such as 500ms, 1.5s, 2m or 1h, not ${text}`
      ),
      Flag.withDefault(0)
    ),
    limit,
    json
  },
  ({ json, limit, older, pid }) =>
    withProgram(pid, (observer) =>
      Effect.flatMap(observer.snapshot({ limit, calls: 100 }), ({ actors, queues }) => {
        const calls = actors.flatMap(({ handling }) => handling)
          .filter(({ forMillis }) => forMillis >= older)
          .toSorted((a, b) => b.forMillis - a.forMillis)
        // how long a call has waited in a queue is not known
        const waiting = older > 0 ? [] : queues
        return print(
          json
            ? [...calls.map((call) => Views.json.call(call)), ...waiting.map((queue) => Views.json.queue(queue))]
            : [...Views.calls(calls), ...Views.queues(waiting)]
        )
      }))
).pipe(
  Command.withDescription(
    "Lists the calls that the busiest actors run, the longest first, and the calls in the queues of pools; --limit is the number of actors"
  )
)

/** A text of the program, without characters that could act on the terminal. */
const linesOf = (text: string): ReadonlyArray<string> => text.split("\n").map((line) => Text.printable(line))

const itIsADeadlock = "It is a deadlock: none of these calls can be answered unless one of them is interrupted"

const why = Command.make(
  "why",
  { targets: targets("actor or call"), json },
  ({ json, targets }) =>
    withTarget(targets, (observer, id) =>
      Effect.gen(function*() {
        const explained = yield* observer.why(id)
        yield* failIf(Option.isNone(explained), `no living actor and no call in progress has the id ${id}`)
        const { deadlock, text } = Option.getOrThrow(explained)
        yield* print(json ? [Views.json.explanation(Option.getOrThrow(explained))] : linesOf(text))
        yield* failIf(Option.contains(deadlock, "proved"), itIsADeadlock, problem)
      }))
).pipe(Command.withDescription("Explains what a call or an actor waits for; with exit code 1 if it is a deadlock"))

const deadlocks = Command.make(
  "deadlocks",
  { pid, json },
  ({ json, pid }) =>
    withProgram(pid, (observer) =>
      Effect.gen(function*() {
        const cycles = yield* observer.deadlocks
        const isProved = cycles.some(({ certainty }) => certainty === "proved")
        if (json) yield* print(cycles.map((cycle) => Views.json.cycle(cycle)))
        else if (cycles.length === 0) yield* Console.log("no calls wait for each other")
        else yield* print(cycles.map(({ certainty, text }) => Text.printable(`${certainty}: ${text}`)))
        yield* failIf(isProved, itIsADeadlock, problem)
      }))
).pipe(
  Command.withDescription("Lists the calls that wait for each other in a cycle, with exit code 1 if one is proved")
)

const stack = Command.make(
  "stack",
  { targets: targets("worker"), json },
  ({ json, targets }) =>
    withTarget(targets, (observer, worker) =>
      Effect.flatMap(observer.stack(worker), (frames) =>
        json
          ? print(frames.map((frame) => Views.json.frame(frame)))
          : print(frames.length === 0 ? [`${worker} executes no JavaScript`] : [worker, ...frames.map(Views.frame)])))
).pipe(
  Command.withDescription("Prints the JavaScript that blocks a worker, or in which it spends most of its time")
)

const output = (ending: string) =>
  Flag.String("output").pipe(
    Flag.withAlias("o"),
    Flag.withDescription(`The file; <worker>${ending} by default. An existing file is replaced`),
    Flag.optional
  )

const profile = Command.make("profile", {
  targets: targets("worker"),
  seconds: Flag.Finite("seconds").pipe(
    Flag.withDescription("How long the worker is profiled, at most 600"),
    Flag.filter((n) => n >= 0.001 && n <= 600, (n) => `--seconds must be longer than 0 and at most 600, not ${n}`),
    Flag.withDefault(5)
  ),
  output: output(".cpuprofile")
}, ({ output, seconds, targets }) =>
  withTarget(targets, (observer, worker) =>
    Effect.gen(function*() {
      const file = Option.getOrElse(output, () => fileNameOf(worker, ".cpuprofile"))
      const text = (yield* Stream.runCollect(observer.cpuProfile(worker, Math.round(seconds * 1_000)))).join("")
      yield* Files.write(file, Stream.succeed(new TextEncoder().encode(text)))
      yield* print(Views.hottest(JSON.parse(text), 10))
      yield* Console.log(`written to ${file}: open it in the developer tools of Chromium or in VS Code`)
    }))).pipe(Command.withDescription("Profiles a worker, and prints its ten most expensive functions"))

const heap = Command.make(
  "heap",
  { targets: targets("worker"), output: output(".heapsnapshot") },
  ({ output, targets }) =>
    withTarget(targets, (observer, worker) =>
      Effect.gen(function*() {
        const file = Option.getOrElse(output, () => fileNameOf(worker, ".heapsnapshot"))
        const size = yield* Files.write(file, observer.heapSnapshot(worker))
        yield* Console.log(`${Text.bytes(size)} written to ${file}: open it in the developer tools of Chromium`)
        yield* Console.log("It contains the data of the program, secrets too.")
      }))
).pipe(Command.withDescription("Writes a snapshot of the heap of a worker, which stands still meanwhile"))

const stop = Command.make("stop", {
  targets: targets("actor"),
  drain: Flag.Boolean("drain").pipe(
    Flag.withDescription("Let it finish its accepted calls first"),
    Flag.withDefault(false)
  )
}, ({ drain, targets }) =>
  withTarget(
    targets,
    (observer, actor) => Effect.andThen(observer.stop(actor, drain), Console.log(`${actor} has stopped`))
  )).pipe(Command.withDescription("Stops an actor in order"))

const kill = Command.make(
  "kill",
  { targets: targets("actor") },
  ({ targets }) =>
    withTarget(targets, (observer, actor) => Effect.andThen(observer.kill(actor), Console.log(`${actor} was killed`)))
).pipe(
  Command.withDescription("Kills an actor; with a dedicated worker also its worker")
)

const restart = Command.make("restart", { targets: targets("actor") }, ({ targets }) =>
  withTarget(
    targets,
    (observer, actor) => Effect.andThen(observer.restart(actor), Console.log(`${actor} has restarted`))
  )).pipe(Command.withDescription("Ends the incarnation of a supervised actor, and builds the next one"))

const top = Command.make("top", {
  pid,
  sort,
  interval: Flag.Finite("interval").pipe(
    Flag.withDescription("The seconds between two readings"),
    Flag.filter((n) => n >= 0.1 && n <= 3_600, (n) => `--interval must be from 0.1 to 3600, not ${n}`),
    Flag.withDefault(1)
  )
}, ({ interval, pid, sort }) => withProgram(pid, (observer) => Top.run(observer, { sort, millis: interval * 1_000 })))
  .pipe(
    Command.withDescription("Shows the actors and workers of a program, and reads them again each second")
  )

const page = Command.make("page", {
  pid,
  port: Flag.Int("port").pipe(
    Flag.withDescription("The port, on this computer only; a free one by default"),
    Flag.filter((n) => n >= 0 && n <= maxPort, (n) => `--port must be from 0 to ${maxPort}, not ${n}`),
    Flag.withDefault(0)
  ),
  open: Flag.Boolean("open").pipe(
    Flag.withDescription("Open the page in the browser"),
    Flag.withDefault(false)
  )
}, ({ open, pid, port }) => withProgram(pid, (observer) => untilItsEnd(Page.serve(observer, { opens: open, port }))))
  .pipe(
    Command.withDescription("Serves a page with the state of a program, until it is interrupted or the program ends")
  )

const doctor = Command.make("doctor", {
  modules: Argument.String("module").pipe(
    Argument.withDescription("A module of behaviours, which is loaded"),
    Argument.variadic({ min: 0 })
  ),
  json
}, ({ json, modules }) => Doctor.run(modules, json)).pipe(
  Command.withDescription("Checks the version of Node, that there is one copy of Effect, and modules of behaviours")
)

/** The command with its subcommands. */
export const root = base.pipe(
  Command.withSubcommands([
    ps,
    top,
    actors,
    workers,
    events,
    calls,
    why,
    deadlocks,
    stack,
    profile,
    heap,
    stop,
    kill,
    restart,
    page,
    doctor
  ])
)
