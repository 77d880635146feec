/** Actors that are built again and again, and that note in a file how they are built and what runs in them. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Transferable from "effect/workers/Transferable"
import * as fs from "node:fs"
import * as Actor from "../../../../src/Actor.ts"
import * as Supervision from "../../../../src/Supervision.ts"

export class NoBuild extends Schema.TaggedError<NoBuild>()("NoBuild", { build: Schema.Int }) {}

/** how a build goes: `waits` starts when the journal has the line "go", `exits` ends its worker half-way */
const Build = Schema.Literals(["starts", "fails", "dies", "exits", "waits"])

const args = Schema.Struct({
  journal: Schema.String,
  name: Schema.String,
  /** how each of its builds goes, one after the other, and all later ones as the last of them */
  builds: Schema.Array(Build)
})

const protocol = [
  /** who it is, which build it is, and how many calls of this method this build has had */
  Rpc.make("who", { success: Schema.Struct({ name: Schema.String, build: Schema.Int, calls: Schema.Int }) }),
  /** notes "{build}: {n}" */
  Rpc.make("note", { payload: { n: Schema.Int }, success: Schema.Int }),
  /** notes "{build}: hanging", and never returns */
  Rpc.make("hang"),
  /** the same in the first build; later ones tell their number */
  Rpc.make("hangOnce", { success: Schema.Int }).annotate(Actor.Idempotent, true),
  /** its handler ends the worker of every build */
  Rpc.make("alwaysCrash").annotate(Actor.Idempotent, true),
  /** the sum of some bytes, which are moved and not copied */
  Rpc.make("sum", { payload: { bytes: Transferable.Uint8Array }, success: Schema.Int }),
  /** emits the numbers up to `upTo`, and never ends */
  Rpc.make("ticks", { payload: { upTo: Schema.Int }, success: Schema.Int, stream: true }),
  Rpc.make("ticksAgain", { payload: { upTo: Schema.Int }, success: Schema.Int, stream: true })
    .annotate(Actor.Idempotent, true),
  /** ends its worker, out of line */
  Rpc.make("exit"),
  Rpc.make("throw")
] as const

/** not supervised by itself */
export class Phoenix extends Actor.Service<Phoenix>()("Phoenix", { args, error: NoBuild, protocol }) {}

/** supervised by its behaviour, once */
export class Lazarus extends Actor.Service<Lazarus>()("Lazarus", { args, error: NoBuild, protocol }) {}

/** room for two calls; who finds it full fails */
export class Strict extends Actor.Service<Strict>()("Strict", { args, error: NoBuild, protocol }) {}

const has = (journal: string, line: string): boolean =>
  fs.existsSync(journal) && fs.readFileSync(journal, "utf8").split("\n").includes(line)

const build = ({ builds, journal, name }: typeof args.Type) =>
  Effect.gen(function*() {
    const note = (line: string): Effect.Effect<void> => Effect.sync(() => fs.appendFileSync(journal, `${line}\n`))
    let build = 1
    while (has(journal, `${name} built ${build}`)) build++
    yield* note(`${name} built ${build}`)
    switch (builds[Math.min(build, builds.length) - 1]!) {
      case "starts":
        break
      case "fails":
        return yield* new NoBuild({ build })
      case "dies":
        return yield* Effect.die(new RangeError(`build ${build} died`))
      case "exits":
        return process.exit(9)
      case "waits":
        while (!has(journal, "go")) yield* Effect.sleep(2)
    }
    let calls = 0
    const hang = Effect.andThen(note(`${build}: hanging`), Effect.never)
    return Phoenix.handlers({
      who: () => Effect.sync(() => ({ name, build, calls: ++calls })),
      note: ({ n }) => Effect.as(note(`${build}: ${n}`), n),
      hang: () => hang,
      hangOnce: () => build === 1 ? hang : Effect.succeed(build),
      alwaysCrash: () => Effect.andThen(note(`${build}: crashing`), Effect.sync(() => process.exit(7))),
      sum: ({ bytes }) => Effect.sync(() => bytes.reduce((a, b) => a + b, 0)),
      ticks: ({ upTo }) => Stream.concat(Stream.range(1, upTo), Stream.never),
      ticksAgain: ({ upTo }) =>
        Stream.concat(
          upTo === 0 ? Stream.empty : Stream.range(1, upTo),
          Stream.fromEffect(build === 1 ? hang : Effect.succeed(build * 100))
        ),
      exit: () => Rpc.fork(Effect.sync(() => process.exit(7))),
      throw: () =>
        Rpc.fork(Effect.callback<void>(() => {
          setImmediate(() => {
            throw new RangeError("thrown by nobody's handler")
          })
        }))
    })
  })

export default Layer.mergeAll(
  Phoenix.toLayer(build),
  Lazarus.toLayer(build, { supervision: Supervision.make({ schedule: Schedule.spaced(1), maxRestarts: 1 }) }),
  Strict.toLayer(build, {
    mailboxCapacity: 2,
    onFull: "fail",
    supervision: Supervision.make({ schedule: Schedule.spaced(1) })
  })
)
