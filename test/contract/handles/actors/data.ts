/** An actor whose methods carry plain data of any kind beside handles, in payloads, results, streams and errors. */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Actor from "../../../../src/Actor.ts"
import * as Handle from "../../../../src/Handle.ts"

export const Thing = Handle.object(
  RpcGroup.make(Rpc.make("ping", { success: Schema.String })),
  { name: "Thing" }
)

/** An object, and any data beside it. */
const Item = Schema.Struct({ thing: Thing, meta: Schema.Unknown })

/** Fails with an object, and any data beside it. */
export class Refused extends Schema.TaggedError<Refused>()("Refused", { thing: Thing, meta: Schema.Unknown }) {}

/** An object whose only method fails with an object. */
const Refuser = Handle.object(RpcGroup.make(Rpc.make("refuse", { error: Refused })), { name: "Refuser" })

/** Returns its arguments. */
const thingOf = (answer: string, released: Array<string> = []) =>
  Thing.of((holder) => {
    Effect.runSync(Scope.addFinalizer(holder, Effect.sync(() => released.push(answer))))
    return { ping: () => Effect.succeed(answer) }
  })

export class Vault extends Actor.Service<Vault>()("Vault", {
  args: Schema.Struct({ meta: Schema.optional(Schema.Unknown), thing: Schema.optional(Thing) }),
  protocol: [
    /** the data of the arguments */
    Rpc.make("args", { success: Schema.Unknown }),
    Rpc.make("keep", { payload: { thing: Thing } }),
    /** uses the kept handles */
    Rpc.make("use", { success: Schema.String }),
    /** occupies the actor until `free` */
    Rpc.make("hold"),
    /** returns when the actor is occupied */
    Rpc.make("held"),
    Rpc.make("free"),
    Rpc.make("put", { payload: { thing: Thing, meta: Schema.Unknown }, success: Schema.Unknown }),
    Rpc.make("mine", { success: Thing }),
    /** an object that reports its release */
    Rpc.make("counted", { success: Thing }),
    Rpc.make("released", { success: Schema.Array(Schema.String) }),
    /** answers after `free`, even if its caller has been interrupted */
    Rpc.make("item", { payload: { meta: Schema.Unknown }, success: Item }),
    Rpc.make("items", { payload: { metas: Schema.Array(Schema.Unknown) }, success: Item, stream: true }),
    Rpc.make("later", {
      payload: { meta: Schema.Unknown },
      success: Handle.Deferred({ success: Item, error: Refused })
    }),
    Rpc.make("refuseLater", {
      payload: { meta: Schema.Unknown },
      success: Handle.Deferred({ success: Item, error: Refused })
    }),
    Rpc.make("either", {
      payload: { value: Schema.Union([Thing, Schema.Record(Schema.String, Schema.Unknown)]) },
      success: Schema.Union([Thing, Schema.Record(Schema.String, Schema.Unknown)])
    }),
    Rpc.make("refuse", { payload: { meta: Schema.Unknown }, error: Refused }),
    /** after `free`, even if its caller has been interrupted */
    Rpc.make("refuseSlowly", { payload: { meta: Schema.Unknown }, error: Refused }),
    /** with two errors at once, with handles from a scope of their own */
    Rpc.make("refuseTwice", { error: Refused }),
    Rpc.make("refuseItems", { payload: { meta: Schema.Unknown }, success: Schema.Int, error: Refused, stream: true }),
    /** the number of errors with an object */
    Rpc.make("made", { success: Schema.Int }),
    Rpc.make("refuser", { success: Refuser }),
    Rpc.make("passOn", { payload: { refuser: Refuser }, error: Refused })
  ]
}) {}

export default Vault.toLayer(({ meta }) =>
  Effect.sync(() => {
    let kept: typeof Thing.Type | undefined
    let gate = Deferred.makeUnsafe<void>()
    let holding = Deferred.makeUnsafe<void>()
    const untilFree = Effect.suspend(() => {
      Deferred.doneUnsafe(holding, Effect.void)
      return Deferred.await(gate)
    })
    const released: Array<string> = []
    let made = 0
    const refused = (meta: unknown, answer = "a refused thing") =>
      Effect.flatMap(thingOf(answer, released), (thing) => {
        made++
        return Effect.fail(new Refused({ thing, meta }))
      })
    return Vault.handlers({
      args: () => Effect.succeed(meta),
      keep: ({ thing }) => Effect.sync(() => void (kept = thing)),
      use: () => Effect.suspend(() => Effect.orDie(kept!.ping())),
      hold: () => untilFree,
      held: () => Rpc.fork(Effect.suspend(() => Deferred.await(holding))),
      free: () =>
        Rpc.fork(Effect.sync(() => {
          Deferred.doneUnsafe(gate, Effect.void)
          gate = Deferred.makeUnsafe()
          holding = Deferred.makeUnsafe()
        })),
      put: ({ meta }) => Effect.succeed(meta),
      mine: () => thingOf("a thing of the actor"),
      counted: () => thingOf("a counted thing", released),
      released: () => Effect.sync(() => released),
      item: ({ meta }) =>
        Rpc.uninterruptible(Effect.andThen(
          untilFree,
          Effect.map(thingOf("a thing of an item"), (thing) => ({ thing, meta }))
        )),
      items: ({ metas }) =>
        Stream.mapEffect(
          Stream.fromIterable(metas),
          (meta) => Effect.map(thingOf("a thing of a stream"), (thing) => ({ thing, meta }))
        ),
      later: ({ meta }) => Handle.fork(Effect.map(thingOf("a later thing"), (thing) => ({ thing, meta }))),
      refuseLater: ({ meta }) => Handle.fork(Effect.andThen(Effect.yieldNow, refused(meta))),
      either: ({ value }) => Effect.succeed(value),
      refuse: ({ meta }) => refused(meta),
      refuseSlowly: ({ meta }) => Rpc.uninterruptible(Effect.andThen(untilFree, refused(meta))),
      refuseTwice: () =>
        Effect.andThen(
          Effect.addFinalizer(() => Effect.yieldNow),
          Effect.flatMap(
            Effect.all([Effect.flip(refused(1, "one")), Effect.flip(refused(2, "two"))]),
            (errors) => Effect.failCause(Cause.fromReasons(errors.map(Cause.makeFailReason)))
          )
        ),
      refuseItems: ({ meta }) => Stream.concat(Stream.make(1, 2), Stream.fromEffect(refused(meta))),
      passOn: ({ refuser }) =>
        Effect.catch(
          refuser.refuse(),
          (error) => error instanceof Refused ? Effect.fail(error) : Effect.die(error)
        ),
      refuser: () => Refuser.of({ refuse: () => refused("passed on") }),
      made: () => Effect.sync(() => made)
    })
  })
)
