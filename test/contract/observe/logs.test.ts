/** What the code of a worker logs comes out of the logger of the program. */
import { assert, it } from "@effect/vitest"
import { Cause, Effect, Exit, Layer, Logger, References, type Tracer } from "effect"
import { execFile } from "node:child_process"
import * as ActorRef from "../../../src/ActorRef.ts"
import behaviours, { Scribe } from "../fixtures/scribe.ts"
import { until } from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/scribe.ts", import.meta.url), behaviours }

interface Entry {
  readonly level: string
  readonly text: unknown
  readonly rest: ReadonlyArray<unknown>
  readonly time: number
  readonly annotations: Readonly<Record<string, unknown>>
  readonly spans: ReadonlyArray<string>
  readonly cause: Cause.Cause<unknown>
  readonly span: Tracer.AnySpan | undefined
}

/** A logger, and the entries that it has received. */
const collector = () => {
  const entries: Array<Entry> = []
  const logger = Logger.make<unknown, void>(({ cause, date, fiber, logLevel, message }) => {
    const [text, ...rest] = message as ReadonlyArray<unknown>
    entries.push({
      level: logLevel,
      text,
      rest,
      time: date.getTime(),
      annotations: fiber.getRef(References.CurrentLogAnnotations),
      spans: fiber.getRef(References.CurrentLogSpans).map(([label]) => label),
      cause,
      span: fiber.cache.span
    })
  })
  const find = (text: string): Entry | undefined => entries.find((entry) => entry.text === text)
  return {
    entries,
    layer: Logger.layer([logger]),
    await: (text: string): Effect.Effect<Entry> =>
      Effect.map(until(`"${text}" is logged`, () => find(text) !== undefined), () => find(text)!)
  }
}

onEveryPlacement(fixture, (placement) => {
  const place = placement.name === "threads" ? "thread-1" : "process-1"

  it.live("an entry keeps its time, level, message, annotations and log spans, and names its actor and its worker", () => {
    const log = collector()
    const before = Date.now()
    return Effect.gen(function*() {
      const scribe = yield* Scribe.spawn()
      yield* scribe.write({ text: "a line" }).pipe(Effect.annotateLogs({ requestId: "r-1", tenant: { id: 7 } }))
      const error = yield* log.await("a line, an error")
      const info = yield* log.await("a line")
      const warning = yield* log.await("a line, a warning")
      assert.deepStrictEqual([info.level, warning.level, error.level], ["Info", "Warn", "Error"])
      assert.isTrue(info.time >= before && info.time <= Date.now())
      assert.deepStrictEqual(info.annotations, {
        requestId: "r-1",
        tenant: { id: 7 },
        page: 1,
        "uactor.actor": ActorRef.id(scribe),
        "uactor.worker": info.annotations["uactor.worker"]
      })
      assert.match(String(info.annotations["uactor.worker"]), new RegExp(`^${place}(~\\d+)?$`))
      assert.deepStrictEqual(info.spans, ["writing"])
      assert.deepStrictEqual(info.rest, [{ account: { owner: "Ada", sum: 3 }, at: new Date(0) }])
      const [why] = error.rest as [RangeError]
      assert.instanceOf(why, RangeError)
      assert.strictEqual(why.message, "out of ink")
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(log.layer))
  })

  it.live("an entry keeps its cause and its span", () => {
    const log = collector()
    return Effect.gen(function*() {
      const scribe = yield* Scribe.spawn()
      const { spanId, traceId } = yield* scribe.complain()
      const { cause, level, span } = yield* log.await("a complaint")
      assert.strictEqual(level, "Error")
      assert.deepInclude(cause.reasons[0], { _tag: "Fail" })
      assert.instanceOf(Cause.squash(cause), TypeError)
      assert.deepInclude({ ...span }, { spanId, traceId })
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(log.layer))
  })

  it.live("the minimum log level of the caller applies to the handler", () => {
    const log = collector()
    return Effect.gen(function*() {
      const scribe = yield* Scribe.spawn()
      yield* scribe.whisper({ text: "unheard" })
      yield* scribe.whisper({ text: "heard" }).pipe(Effect.provideService(References.MinimumLogLevel, "Debug"))
      yield* scribe.write({ text: "silenced" }).pipe(Effect.provideService(References.MinimumLogLevel, "Error"))
      yield* log.await("silenced, an error")
      assert.deepInclude(yield* log.await("heard"), { level: "Debug" })
      const texts = log.entries.map(({ text }) => text)
      for (const text of ["unheard", "silenced", "silenced, a warning"]) assert.notInclude(texts, text)
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(log.layer))
  })

  it.live("the minimum log level of the program applies to the workers", () => {
    const log = collector()
    return Effect.gen(function*() {
      const scribe = yield* Scribe.spawn()
      yield* scribe.whisper({ text: "heard" })
      yield* log.await("heard")
    }).pipe(
      Effect.scoped,
      Effect.provide(placement.layer()),
      Effect.provide(Layer.merge(log.layer, Layer.succeed(References.MinimumLogLevel, "Debug")))
    )
  })

  it.live("layers and behaviours log, from their first moment to their last", () => {
    const log = collector()
    return Effect.gen(function*() {
      const id = yield* Effect.scoped(Effect.map(Scribe.spawn(), ActorRef.id))
      const names = (text: string) =>
        Effect.map(log.await(text), ({ annotations }) => [annotations["uactor.actor"], "uactor.worker" in annotations])
      assert.deepStrictEqual(yield* names("the layer begins"), [undefined, true])
      assert.deepStrictEqual(yield* names("an actor begins"), [id, true])
      assert.deepStrictEqual(yield* names("an actor ends"), [id, true])
      assert.deepStrictEqual(yield* names("the layer ends"), [undefined, true])
    }).pipe(Effect.provide(placement.layer()), Effect.provide(log.layer))
  })

  const ends = placement.name === "threads" ? ["exit", "throw"] as const : ["exit", "throw", "memory"] as const
  for (const how of ends) {
    it.live(`what a worker logs in the turn in which it ends arrives (${how})`, () => {
      const log = collector()
      return Effect.gen(function*() {
        const scribe = yield* Scribe.spawn()
        assert.isTrue(Exit.isFailure(yield* Effect.exit(scribe.end({ how }))))
        yield* log.await(`the last but one before ${how}`)
        yield* log.await(`the last before ${how}`)
      }).pipe(Effect.scoped, Effect.provide(placement.layer({ heapMb: 64 })), Effect.provide(log.layer))
    }, 120_000)
  }

  it.live("of more than a thousand entries in one turn, the number of the others arrives", () => {
    const log = collector()
    return Effect.gen(function*() {
      const scribe = yield* Scribe.spawn()
      yield* scribe.flood({ n: 5_000 })
      const arrived = () => log.entries.filter(({ text }) => text === "a drop").length
      const missing = () =>
        log.entries.flatMap(({ text }) => /^(\d+) log entries of/.exec(String(text))?.[1] ?? [])
          .reduce((sum, n) => sum + Number(n), 0)
      yield* until("each entry has arrived or is counted", () => arrived() + missing() === 5_000)
      // the actor has logged its beginning, perhaps in the same turn
      assert.isTrue(missing() > 0 && arrived() >= 990, `${arrived()} have arrived, ${missing()} are missing`)
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(log.layer))
  })

  it.live("what the workers of a worker log arrives, too", () => {
    const log = collector()
    return Effect.gen(function*() {
      const scribe = yield* Scribe.spawn()
      yield* scribe.delegate({ text: "far away", on: "threads" }).pipe(Effect.annotateLogs({ requestId: "r-2" }))
      const { annotations, level } = yield* log.await("far away")
      assert.strictEqual(level, "Info")
      assert.strictEqual(annotations["requestId"], "r-2")
      assert.match(String(annotations["uactor.worker"]), new RegExp(`^${place}(~\\d+)?/thread-1$`))
      assert.match(String(annotations["uactor.actor"]), new RegExp(`^${place}(~\\d+)?/Scribe-1$`))
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(log.layer))
  }, 120_000)

  it.live("an actor in memory of a worker logs under an id of its own", () => {
    const log = collector()
    return Effect.gen(function*() {
      const scribe = yield* Scribe.spawn()
      yield* scribe.delegate({ text: "quite near", on: "memory" })
      const { annotations } = yield* log.await("quite near")
      assert.match(String(annotations["uactor.actor"]), new RegExp(`^${place}(~\\d+)?/Scribe-1$`))
      assert.notStrictEqual(annotations["uactor.actor"], ActorRef.id(scribe))
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(log.layer))
  })

  it.live("with telemetry none, and own, nothing is relayed", () => {
    const log = collector()
    return Effect.gen(function*() {
      for (const telemetry of ["none", "own"] as const) {
        yield* Effect.gen(function*() {
          const scribe = yield* Scribe.spawn()
          yield* scribe.whisper({ text: "nothing" })
        }).pipe(Effect.scoped, Effect.provide(placement.layer({ telemetry })))
      }
      assert.deepStrictEqual(log.entries, [])
    }).pipe(Effect.provide(log.layer))
  })
}, { except: ["memory"], reason: "in memory, the code of an actor logs as any other code of the program" })

/** Runs a program; returns its output, and the signal that ended it. */
const run = (program: string): Effect.Effect<{ readonly output: string; readonly signal: string | undefined }> =>
  Effect.callback((resume) => {
    const file = new URL(`./programs/${program}`, import.meta.url).pathname
    const child = execFile(
      process.execPath,
      [file],
      (error, output) => resume(Effect.succeed({ output, signal: error?.signal }))
    )
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

// V8 ends a thread that runs out of memory, or aborts its process: then there is nothing to see
it.live("what a thread logs in the turn in which it runs out of memory arrives", () =>
  Effect.gen(function*() {
    const { output } = yield* Effect.repeat(run("hoarding.ts"), {
      while: ({ signal }) => signal === "SIGABRT",
      times: 9
    })
    assert.include(output, "the last but one before memory\nthe last before memory\n")
  }), 300_000)
