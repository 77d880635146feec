/** Actors that note in a common file when they are built and released. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Actor from "../../../../src/Actor.ts"
import type { ActorExited } from "../../../../src/ActorError.ts"
import * as ActorRef from "../../../../src/ActorRef.ts"
import * as Journal from "../../support/journal.ts"

const Build = Schema.Literals(["starts", "fails", "waits"])

export class NoBuild extends Schema.TaggedError<NoBuild>()("NoBuild", {}) {}

const reference = Schema.suspend((): Schema.Codec<ActorRef.AnyActorRef> => Link.ref as never)

export class Link extends Actor.Service<Link>()("Link", {
  args: Schema.Struct({
    journal: Schema.String,
    name: Schema.String,
    /** how each of its builds goes, one after the other, and all later ones as the last of them; `waits` never ends */
    builds: Schema.Array(Build),
    /** an actor of this class, which the behaviour calls */
    peer: Schema.optional(reference),
    /** two actors of this class, which the behaviour links */
    linked: Schema.optional(Schema.Tuple([reference, reference]))
  }),
  error: NoBuild,
  protocol: {
    /** the number of its build */
    build: Actor.method({ success: Schema.Int }),
    /** the number of the build of the peer when this actor was built */
    peer: Actor.method({ success: Schema.Int }),
    /** notes "{name}{build} hanging", and never returns */
    hang: Actor.method(),
    /** the same in the first build; later ones return their number */
    hangOnce: Actor.method({ success: Schema.Int }).annotate(Actor.Idempotent, true),
    /** notes "{name}{build} {n}" */
    note: Actor.method({ payload: { n: Schema.Int }, success: Schema.Int }),
    /** notes "{name}{build} watching", and returns the ends of the peer when it has ended for good */
    ends: Actor.method({ success: Schema.Array(Schema.String) }),
    /** links two actors in the scope of the call */
    link: Actor.method({ payload: { pair: Schema.Tuple([reference, reference]) } }),
    crash: Actor.method(),
    stop: Actor.method(),
    /** the worker exits */
    exit: Actor.method()
  }
}) {}

interface Peer {
  readonly build: () => Effect.Effect<number, unknown>
}

export default Link.toLayer(({ builds, journal: path, linked, name, peer }) =>
  Effect.gen(function*() {
    const journal = Journal.at(path)
    let build = 1
    const lines = yield* journal.lines
    while (lines.includes(`+${name}${build}`)) build++
    yield* journal.note(`+${name}${build}`)
    yield* Effect.addFinalizer(() => journal.note(`-${name}${build}`))
    const way = builds[Math.min(build, builds.length) - 1]
    if (way === "fails") return yield* new NoBuild()
    if (way === "waits") return yield* Effect.never
    const peerBuild = peer === undefined ? 0 : yield* Effect.orDie((peer as unknown as Peer).build())
    if (linked !== undefined) yield* ActorRef.link(...linked)
    const hang = Effect.andThen(journal.note(`${name}${build} hanging`), Effect.never)
    return Link.handlers({
      build: () => Effect.succeed(build),
      peer: () => Effect.succeed(peerBuild),
      hang: () => hang,
      hangOnce: () => build === 1 ? hang : Effect.succeed(build),
      note: ({ n }) => Effect.as(journal.note(`${name}${build} ${n}`), n),
      ends: Effect.fnUntraced(function*() {
        const ends = yield* Effect.forkChild(Stream.runCollect(ActorRef.watch(peer!)), { startImmediately: true })
        // the end that this call awaits comes after the request for the ends
        yield* Effect.orDie((peer as unknown as Peer).build())
        yield* journal.note(`${name}${build} watching`)
        return (yield* Fiber.join(ends)).map(({ exit, incarnation, restarts }) => {
          const reason = Exit.isSuccess(exit) ? "Stopped" : (Cause.squash(exit.cause) as ActorExited).reason
          return `${incarnation} ${reason} ${restarts}`
        })
      }),
      link: ({ pair }) => ActorRef.link(...pair),
      crash: () => Rpc.fork(Actor.crash(Cause.fail(`the crash of ${name}`))),
      stop: () => Actor.stopSelf,
      exit: () => Rpc.fork(Effect.sync(() => process.exit(7)))
    })
  })
)
