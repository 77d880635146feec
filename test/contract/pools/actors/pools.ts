/** Actors that know who they are, for pools, and that note in a file how they are started and ended. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import * as Actor from "../../../../src/Actor.ts"
import * as Handle from "../../../../src/Handle.ts"

export class Tired extends Schema.TaggedError<Tired>()("Tired", { who: Schema.String }) {}

const note = (journal: string, line: string): Effect.Effect<void> =>
  Effect.sync(() => fs.appendFileSync(journal, `${line}\n`))

/** How often a line has been noted so far. */
const count = (journal: string, line: string): number =>
  fs.readFileSync(journal, "utf8").split("\n").filter((noted) => noted === line).length

/** Waits until a line has been noted so many times, by whichever actors. */
const awaitCount = (journal: string, line: string, times: number): Effect.Effect<void> =>
  Effect.gen(function*() {
    while (count(journal, line) < times) yield* Effect.sleep(2)
  })

// ---- an actor that meets its fellows ----

export class Fellow extends Actor.Service<Fellow>()("Fellow", {
  args: Schema.Struct({ journal: Schema.String }),
  protocol: [
    Rpc.make("who", { success: Schema.String }),
    /** the same, for a key */
    Rpc.make("whoHas", { payload: { key: Schema.String }, success: Schema.String }),
    /** begins, waits until it is released or interrupted, and logs it */
    Rpc.make("hold", { payload: { job: Schema.String }, success: Schema.String }),
    /** waits until so many have come together, and tells who it is */
    Rpc.make("meet", { payload: { place: Schema.String, fellows: Schema.Int }, success: Schema.String }),
    /** waits until the journal has the line "go {who}" */
    Rpc.make("waitForGo", { success: Schema.String }),
    /** gives its place away, and is never answered */
    Rpc.make("never"),
    Rpc.make("tire", { error: Tired }),
    Rpc.make("die"),
    /** keeps so many megabytes in its heap */
    Rpc.make("retain", { payload: { megabytes: Schema.Int } }),
    Rpc.make("numbers", { payload: { n: Schema.Int }, success: Schema.Int, stream: true }),
    // out of line:
    Rpc.make("exit"),
    Rpc.make("release", { payload: { job: Schema.String } }),
    Rpc.make("awaitLine", { payload: { line: Schema.String } }),
    Rpc.make("log", { success: Schema.Array(Schema.String) })
  ]
}) {}

const FellowLive = Fellow.toLayer(({ journal }) =>
  Effect.sync(() => {
    const who = crypto.randomUUID()
    const log: Array<string> = []
    const gates = new Map<string, Deferred.Deferred<void>>()
    const retained: Array<ReadonlyArray<number>> = []
    const gate = (name: string): Deferred.Deferred<void> => {
      let gate = gates.get(name)
      if (gate === undefined) gates.set(name, gate = Deferred.makeUnsafe())
      return gate
    }
    const write = (line: string): Effect.Effect<void> =>
      Effect.sync(() => {
        log.push(line)
        Deferred.doneUnsafe(gate(`line ${line}`), Effect.void)
      })
    return Fellow.handlers({
      who: () => Effect.as(write("who"), who),
      whoHas: ({ key }) => Effect.as(write(key), who),
      hold: ({ job }) =>
        Effect.gen(function*() {
          yield* write(`${job} began`)
          yield* Effect.onInterrupt(Deferred.await(gate(`job ${job}`)), () => write(`${job} interrupted`))
          return who
        }),
      meet: ({ fellows, place }) =>
        Effect.as(Effect.andThen(note(journal, place), awaitCount(journal, place, fellows)), who),
      waitForGo: () => Effect.as(awaitCount(journal, `go ${who}`, 1), who),
      never: () => Effect.sync(() => Deferred.makeUnsafe<void>()),
      tire: () => Effect.fail(new Tired({ who })),
      die: () => Effect.die(new RangeError(who)),
      retain: ({ megabytes }) =>
        Effect.sync(() => {
          // a number that is no small integer takes eight bytes
          for (let i = 0; i < megabytes; i++) retained.push(Array.from({ length: 2 ** 17 }, (_, n) => n + 0.5))
        }),
      numbers: ({ n }) => Stream.range(1, n),
      exit: () => Rpc.fork(Effect.sync(() => process.exit(7))),
      release: ({ job }) => Rpc.fork(Effect.asVoid(Deferred.succeed(gate(`job ${job}`), undefined))),
      awaitLine: ({ line }) => Rpc.fork(Deferred.await(gate(`line ${line}`))),
      log: () => Rpc.fork(Effect.sync(() => log.slice()))
    })
  })
)

// ---- an actor whose start depends on its fellows ----

export class NoStart extends Schema.TaggedError<NoStart>()("NoStart", { journal: Schema.String }) {}

export class Starter extends Actor.Service<Starter>()("Starter", {
  args: Schema.Struct({
    journal: Schema.String,
    fellows: Schema.Int,
    /** how the start of one of them, whichever is first, ends */
    one: Schema.Literals(["starts", "fails", "dies"])
  }),
  error: NoStart,
  protocol: [Rpc.make("never called")]
}) {}

/** Whether this is the first to ask, in whichever worker. */
const isFirst = (journal: string): boolean => {
  try {
    fs.closeSync(fs.openSync(`${journal}-first`, "wx"))
    return true
  } catch {
    return false
  }
}

const StarterLive = Starter.toLayer(({ fellows, journal, one }) =>
  Effect.gen(function*() {
    const handlers = Starter.handlers({ "never called": () => Effect.void })
    yield* Effect.addFinalizer(() => note(journal, "released"))
    yield* note(journal, "starting")
    // no one gets any further unless all of them have come so far
    yield* awaitCount(journal, "starting", fellows)
    if (one === "starts" || !isFirst(journal)) {
      yield* note(journal, "started")
      return handlers
    }
    // when the others have started
    yield* awaitCount(journal, "started", fellows - 1)
    return one === "fails" ? yield* new NoStart({ journal }) : yield* Effect.die(new RangeError("no start"))
  })
)

// ---- an actor whose end depends on its fellows ----

export class Leaver extends Actor.Service<Leaver>()("Leaver", {
  args: Schema.Struct({ journal: Schema.String, fellows: Schema.Int }),
  protocol: [Rpc.make("ping")]
}) {}

const LeaverLive = Leaver.toLayer(({ fellows, journal }) =>
  Effect.as(
    Effect.addFinalizer((exit) =>
      // no one is gone before all of them are to go
      Effect.all([
        note(journal, "leaving"),
        awaitCount(journal, "leaving", fellows),
        note(journal, `left on ${exit._tag}`)
      ])
    ),
    Leaver.handlers({ ping: () => Effect.void })
  )
)

// ---- an actor of which only so many start ----

export class Limited extends Actor.Service<Limited>()("Limited", {
  args: Schema.Struct({
    journal: Schema.String,
    /** from which on they fail, in whichever workers */
    limit: Schema.Int,
    /** whether those behind the first do not get any further, and whether each dies when it ends */
    how: Schema.Literals(["well", "hangs", "dies at its end"])
  }),
  error: NoStart,
  protocol: [
    /** waits until the journal has the line "go", and tells how many have been started so far */
    Rpc.make("waitForGo", { success: Schema.Int }),
    /** is there when the journal has the line "ready" */
    Rpc.make("later", { success: Handle.Deferred({ success: Schema.String }) }),
    Rpc.make("ref", { success: Handle.Ref(Schema.String) })
  ]
}) {}

const LimitedLive = Limited.toLayer(({ how, journal, limit }) =>
  Effect.gen(function*() {
    yield* note(journal, "starting")
    const n = count(journal, "starting")
    yield* note(journal, `start ${n}`)
    if (how === "hangs" && n > 1) return yield* Effect.never
    if (n > limit) return yield* new NoStart({ journal })
    yield* Effect.acquireRelease(note(journal, "started"), () => note(journal, "released"))
    if (how === "dies at its end") yield* Effect.addFinalizer(() => Effect.die(new RangeError("no end")))
    return Limited.handlers({
      waitForGo: () => Effect.map(awaitCount(journal, "go", 1), () => count(journal, "starting")),
      later: () => Handle.fork(Effect.as(awaitCount(journal, "ready", 1), "ready")),
      ref: () => Handle.makeRef("kept")
    })
  })
)

export default Layer.mergeAll(FellowLive, StarterLive, LeaverLive, LimitedLive)
