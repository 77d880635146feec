/** Actors whose methods return pending results, which the tests complete. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Stream from "effect/Stream"
import * as Actor from "../../../../src/Actor.ts"
import * as Handle from "../../../../src/Handle.ts"

export class Broken extends Schema.TaggedError<Broken>()("Broken", { code: Schema.Int, since: Schema.Date }) {
  override get message(): string {
    return `broken with ${this.code}`
  }
}

/** How a result ends. */
const Ending = Schema.Literals(["succeeds", "fails", "dies", "fails and dies", "is interrupted"])

const Result = Handle.Deferred({ success: Schema.Int, error: Broken })

const Job = { job: Schema.String }

/** A string that takes a turn of the event loop to encode. */
const SlowString = Schema.String.pipe(
  Schema.decodeTo(
    Schema.String,
    SchemaTransformation.transformEffect<string, string>({
      decode: Effect.succeed,
      encode: (text) => Effect.as(Effect.yieldNow, text)
    })
  )
)

/** A value that is encoded and decoded as it is. */
const SlowBothWays = Schema.String.pipe(
  Schema.decodeTo(
    Schema.String,
    SchemaTransformation.transformEffect<string, string>({
      decode: (text) => Effect.as(Effect.yieldNow, text),
      encode: (text) => Effect.as(Effect.yieldNow, text)
    })
  )
)

/** A result between fields that are encoded and decoded asynchronously. */
const Between = Schema.Struct({ before: SlowBothWays, result: Result, after: SlowBothWays })

export const Language: Context.Reference<string> = Context.Reference("test/Language", { defaultValue: () => "Latin" })

/** A string that is decoded with a service of the receiver, in a later turn. */
const Greeting = Schema.String.pipe(
  Schema.decodeTo(
    Schema.String,
    SchemaTransformation.transformEffect<string, string>({
      decode: (text) =>
        Effect.andThen(
          Effect.yieldNow,
          Effect.contextWith((context: Context.Context<never>) =>
            Effect.succeed(`${text} in ${Context.get(context, Language)}`)
          )
        ),
      encode: Effect.succeed
    })
  )
)

let encoding: Deferred.Deferred<void> | undefined

/** Suspends the encoding of integers in this process until the returned `Deferred` is done. */
export const holdEncoding = (): Deferred.Deferred<void> => encoding = Deferred.makeUnsafe()

const HeldInt = Schema.Int.pipe(
  Schema.decodeTo(
    Schema.Int,
    SchemaTransformation.transformEffect<number, number>({
      decode: Effect.succeed,
      encode: (n) => encoding === undefined ? Effect.succeed(n) : Effect.as(Deferred.await(encoding), n)
    })
  )
)

const Told = Handle.Queue(Schema.declare((u): u is { readonly text: string } => typeof u === "object" && u !== null))

let told: typeof Told.Type | undefined

/** A string whose encoding makes calls: one object twice, which takes two messages, so the first message leaves meanwhile. */
const ToldString = Schema.String.pipe(
  Schema.decodeTo(
    Schema.String,
    SchemaTransformation.transform<string, string>({
      decode: (text) => text,
      encode: (text) => {
        const item = { text }
        for (let i = 0; i < 2; i++) Effect.runFork(told!.offer(item))
        return text
      }
    })
  )
)

export class Workshop extends Actor.Service<Workshop>()("Workshop", {
  protocol: [
    /** the result of `Handle.fork`, which runs until `finish` */
    Rpc.make("start", { payload: Job, success: Result }),
    /** the result of `Handle.fromDeferred` */
    Rpc.make("promise", { payload: Job, success: Result }),
    /** completes a result; a success is 42 */
    Rpc.make("finish", { payload: { ...Job, ending: Ending } }),
    /** the notes of the forked effects */
    Rpc.make("log", { success: Schema.Array(Schema.String) }),
    /** a completed result */
    Rpc.make("ready", { payload: { ending: Ending }, success: Result }),
    /** a result that completes after a turn of the other fibers */
    Rpc.make("soon", { payload: { ending: Ending }, success: Result }),
    /** awaits the given result */
    Rpc.make("awaitOf", { payload: { result: Result }, success: Schema.Int, error: Broken }),
    /** takes a result beside a field that may be encoded asynchronously */
    Rpc.make("takeBeside", { payload: { result: Result, n: HeldInt } }),
    /** returns the given result immediately */
    Rpc.make("same", {
      payload: { result: Handle.Deferred({ success: HeldInt, error: Broken }) },
      success: Result
    }),
    Rpc.make("nested", {
      payload: Job,
      success: Schema.Struct({
        label: Schema.String,
        at: Schema.Date,
        results: Schema.Array(Result),
        maybe: Schema.Option(Result),
        none: Schema.Option(Result)
      })
    }),
    Rpc.make("valueOrHandle", { payload: Job, success: Schema.Union([Schema.Int, Result]) }),
    Rpc.make("handleOrValue", { payload: Job, success: Schema.Union([Result, Schema.Int]) }),
    Rpc.make("listOrHandle", { payload: Job, success: Schema.Union([Schema.Array(Schema.Int), Result]) }),
    Rpc.make("beside", { payload: Job, success: Schema.Struct({ text: SlowString, result: Result }) }),
    Rpc.make("amid", { payload: Job, success: Between }),
    /** a result that completes before its answer has left */
    Rpc.make("between", { success: Between }),
    Rpc.make("promisedBetween", { success: Handle.Deferred({ success: Between }) }),
    Rpc.make("greeting", { success: Handle.Deferred({ success: Greeting }) }),
    Rpc.make("lateGreeting", { payload: Job, success: Handle.Deferred({ success: Greeting }) }),
    Rpc.make("streamSoon", { payload: { count: Schema.Int }, success: Result, stream: true }),
    Rpc.make("afterFinalizer", { success: Schema.Struct({ result: Result }) }),
    /** `count` results, as a list and as a stream */
    Rpc.make("list", { payload: { ...Job, count: Schema.Int }, success: Schema.Array(Result) }),
    Rpc.make("stream", { payload: { ...Job, count: Schema.Int }, success: Result, stream: true }),
    /** results that do not fit their schema, or cannot be sent; with `ready`, they have completed before the answer */
    Rpc.make("misfit", { payload: { ...Job, ready: Schema.Boolean }, success: Result }),
    Rpc.make("uncloneable", {
      payload: { ...Job, ready: Schema.Boolean },
      success: Handle.Deferred({ success: Schema.Unknown })
    }),
    /** the same for errors */
    Rpc.make("misfitError", { payload: Job, success: Result }),
    /** results whose schema calls the owner of the given queue */
    Rpc.make("tellTo", { payload: { queue: Told } }),
    Rpc.make("told", { payload: Job, success: Handle.Deferred({ success: ToldString }) }),
    Rpc.make("crash")
  ]
}) {}

const broken = new Broken({ code: 7, since: new Date(0) })

const endings: Readonly<Record<typeof Ending.Type, Effect.Effect<number, Broken>>> = {
  succeeds: Effect.succeed(42),
  fails: Effect.fail(broken),
  dies: Effect.die(new RangeError("out of luck")),
  "fails and dies": Effect.failCause(
    Cause.fromReasons([Cause.makeFailReason(broken), Cause.makeDieReason(new RangeError("out of luck"))])
  ),
  "is interrupted": Effect.interrupt
}

const awaitOf = (result: Handle.DeferredHandle<number, Broken>): Effect.Effect<number, Broken> =>
  Effect.catch(result.await, (error) => error._tag === "Broken" ? Effect.fail(error) : Effect.die(error))

/** An actor with a result among its arguments. */
export class Heir extends Actor.Service<Heir>()("Heir", {
  args: Between,
  protocol: [Rpc.make("awaited", { success: Schema.Int, error: Broken })]
}) {}

const HeirLive = Heir.toLayer(({ result }) => Effect.succeed(Heir.handlers({ awaited: () => awaitOf(result) })))

const soon = Handle.fork(Effect.as(Effect.yieldNow, 42))
const amid = (making: Effect.Effect<typeof Result.Type>): Effect.Effect<typeof Between.Type> =>
  Effect.map(making, (result) => ({ before: "before", result, after: "after" }))

const WorkshopLive = Workshop.toLayer(() =>
  Effect.sync(() => {
    const jobs = new Map<string, Deferred.Deferred<number, Broken>>()
    const log: Array<string> = []
    const note = (line: string): Effect.Effect<void> => Effect.sync(() => void log.push(line))
    const jobOf = (job: string): Deferred.Deferred<number, Broken> => {
      let deferred = jobs.get(job)
      if (deferred === undefined) jobs.set(job, deferred = Deferred.makeUnsafe())
      return deferred
    }
    const start = (job: string): Effect.Effect<Handle.DeferredHandle<number, Broken>> =>
      Handle.fork(
        Effect.gen(function*() {
          yield* Effect.acquireRelease(
            note(`${job} acquired`),
            () => Effect.andThen(Effect.yieldNow, note(`${job} released`))
          )
          return yield* Effect.onInterrupt(Deferred.await(jobOf(job)), () => note(`${job} interrupted`))
        })
      )
    const started = (job: string, count: number): ReadonlyArray<ReturnType<typeof start>> =>
      Array.from({ length: count }, () => start(job))
    // a value that its schema refuses: the cast circumvents the types on purpose
    const wrong = (job: string, ready: boolean, value: unknown): Effect.Effect<Handle.DeferredHandle<never>> =>
      Handle.fork(Effect.as(ready ? Effect.void : Effect.ignoreCause(Deferred.await(jobOf(job))), value as never))
    return Workshop.handlers({
      start: ({ job }) => start(job),
      promise: ({ job }) => Effect.sync(() => Handle.fromDeferred(jobOf(job))),
      finish: ({ ending, job }) => Effect.asVoid(Deferred.completeWith(jobOf(job), endings[ending])),
      log: () => Effect.sync(() => log.slice()),
      ready: ({ ending }) => Handle.fork(endings[ending]),
      soon: ({ ending }) => Handle.fork(Effect.andThen(Effect.yieldNow, endings[ending])),
      awaitOf: ({ result }) => awaitOf(result),
      takeBeside: () => Effect.void,
      same: ({ result }) => Effect.succeed(result),
      nested: ({ job }) =>
        Effect.gen(function*() {
          return {
            label: job,
            at: new Date(0),
            results: yield* Effect.all(started(job, 2)),
            maybe: Option.some(yield* start(job)),
            none: Option.none()
          }
        }),
      valueOrHandle: ({ job }) => job === "none" ? Effect.succeed(1) : start(job),
      handleOrValue: ({ job }) => job === "none" ? Effect.succeed(1) : start(job),
      listOrHandle: ({ job }) => job === "none" ? Effect.succeed([1, 2]) : start(job),
      beside: ({ job }) => Effect.map(start(job), (result) => ({ text: job, result })),
      amid: ({ job }) => amid(start(job)),
      between: () => amid(soon),
      promisedBetween: () => Handle.fork(Effect.andThen(Effect.yieldNow, amid(soon))),
      greeting: () => Handle.fork(Effect.succeed("hello")),
      lateGreeting: ({ job }) => Handle.fork(Effect.as(Effect.orDie(Deferred.await(jobOf(job))), "hello")),
      streamSoon: ({ count }) => Stream.mapEffect(Stream.range(1, count), () => soon),
      afterFinalizer: () =>
        Effect.andThen(
          Effect.addFinalizer(() => Effect.andThen(Effect.yieldNow, Effect.yieldNow)),
          Effect.map(soon, (result) => ({ result }))
        ),
      list: ({ count, job }) => Effect.all(started(job, count)),
      stream: ({ count, job }) => Stream.mapEffect(Stream.fromIterable(started(job, count)), (result) => result),
      misfit: ({ job, ready }) => wrong(job, ready, "not a number"),
      uncloneable: ({ job, ready }) => wrong(job, ready, () => job),
      misfitError: ({ job }) =>
        Handle.fork(Effect.andThen(Effect.ignoreCause(Deferred.await(jobOf(job))), Effect.fail("not Broken" as never))),
      tellTo: ({ queue }) =>
        Effect.sync(() => {
          told = queue
        }),
      told: ({ job }) => Handle.fork(Effect.as(Effect.yieldNow, job)),
      crash: () => Effect.sync(() => process.exit(7))
    })
  })
)

export default Layer.merge(WorkshopLive, HeirLive)
