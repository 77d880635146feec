/** Actors whose methods hand out results that are still in the making, until a test says how each of them ends. */
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

/** The same there and back. */
const SlowBothWays = Schema.String.pipe(
  Schema.decodeTo(
    Schema.String,
    SchemaTransformation.transformEffect<string, string>({
      decode: (text) => Effect.as(Effect.yieldNow, text),
      encode: (text) => Effect.as(Effect.yieldNow, text)
    })
  )
)

/** A result between what takes a while to encode and to decode. */
const Between = Schema.Struct({ before: SlowBothWays, result: Result, after: SlowBothWays })

export const Language: Context.Reference<string> = Context.Reference("test/Language", { defaultValue: () => "Latin" })

/** A string that is put into the language of the receiver, which takes a turn. */
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

/** From now on integers are only encoded in this process when what this returns is done. */
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

/** A string that is told elsewhere while it is encoded: one object twice, which takes two messages, so the first leaves meanwhile. */
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
    /** the result of `Handle.fork`: it is made until `finish` */
    Rpc.make("start", { payload: Job, success: Result }),
    /** the result of `Handle.fromDeferred` */
    Rpc.make("promise", { payload: Job, success: Result }),
    /** ends the making of a result; a success is 42 */
    Rpc.make("finish", { payload: { ...Job, ending: Ending } }),
    /** what the makings have noted */
    Rpc.make("log", { success: Schema.Array(Schema.String) }),
    /** a result that is there already */
    Rpc.make("ready", { payload: { ending: Ending }, success: Result }),
    /** a result that is there when other fibers have had their turn */
    Rpc.make("soon", { payload: { ending: Ending }, success: Result }),
    /** awaits a result that it is given */
    Rpc.make("awaitOf", { payload: { result: Result }, success: Schema.Int, error: Broken }),
    /** takes a result beside what may take a while to encode */
    Rpc.make("takeBeside", { payload: { result: Result, n: HeldInt } }),
    /** hands a result back at once that it is given */
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
    /** a result that is there before its answer has left */
    Rpc.make("between", { success: Between }),
    Rpc.make("promisedBetween", { success: Handle.Deferred({ success: Between }) }),
    Rpc.make("greeting", { success: Handle.Deferred({ success: Greeting }) }),
    Rpc.make("lateGreeting", { payload: Job, success: Handle.Deferred({ success: Greeting }) }),
    Rpc.make("streamSoon", { payload: { count: Schema.Int }, success: Result, stream: true }),
    Rpc.make("afterFinalizer", { success: Schema.Struct({ result: Result }) }),
    /** `count` results, as a list and as a stream */
    Rpc.make("list", { payload: { ...Job, count: Schema.Int }, success: Schema.Array(Result) }),
    Rpc.make("stream", { payload: { ...Job, count: Schema.Int }, success: Result, stream: true }),
    /** results that do not fit their schema, or that nothing can carry; `ready` says whether they are there at once */
    Rpc.make("misfit", { payload: { ...Job, ready: Schema.Boolean }, success: Result }),
    Rpc.make("uncloneable", {
      payload: { ...Job, ready: Schema.Boolean },
      success: Handle.Deferred({ success: Schema.Unknown })
    }),
    /** the same, of an error */
    Rpc.make("misfitError", { payload: Job, success: Result }),
    /** results whose schema makes calls, on the way back to the one who has given it the queue */
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

/** An actor that is given a result with its arguments. */
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
    // what its schema refuses: the types are got round on purpose
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
