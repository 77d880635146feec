/** An actor that reads, keeps and forwards buffers, and an actor that lends its own. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import * as Actor from "../../../../src/Actor.ts"
import * as Handle from "../../../../src/Handle.ts"
import * as SharedBuffer from "../../../../src/SharedBuffer.ts"

const data = SharedBuffer.schema

/** Makes buffers, in the program or in an actor. */
export const Maker = Handle.object(RpcGroup.make(Rpc.make("make", { success: data })), { name: "Maker" })

export class Reader extends Actor.Service<Reader>()("Reader", {
  args: Schema.Struct({ journal: Schema.String, data: Schema.optional(data) }),
  protocol: [
    /** a copy of the bytes */
    Rpc.make("read", { payload: { data }, success: Schema.Uint8Array }),
    /** copies of the bytes of several buffers */
    Rpc.make("readAll", { payload: { all: Schema.Array(data) }, success: Schema.Array(Schema.Uint8Array) }),
    /** a copy of the bytes in the arguments */
    Rpc.make("readOwn", { success: Schema.Uint8Array }),
    Rpc.make("write", { payload: { data, byte: Schema.Int } }),
    /** notes "holds `name`" and waits for `letGo`, or notes "interrupted `name`" */
    Rpc.make("hold", { payload: { name: Schema.String, data } }),
    /** concurrently, or in order */
    Rpc.make("letGo"),
    Rpc.make("keep", { payload: { data } }),
    /** the outcome of reading the kept buffer */
    Rpc.make("readKept", { success: Schema.String }),
    Rpc.make("giveBack", { payload: { data }, success: data }),
    Rpc.make("twice", { payload: { data }, success: Schema.Tuple([data, data]) }),
    Rpc.make("beside", { payload: { data, n: Schema.Int, other: Schema.Any } }),
    /** gets a buffer from a producer */
    Rpc.make("ask", { payload: { maker: Maker } }),
    Rpc.make("crash", { payload: { data } })
  ]
}) {}

/** Forwards a buffer. */
export class Courier extends Actor.Service<Courier>()("Courier", {
  protocol: [
    /** waits until the reader has released the buffer */
    Rpc.make("take", { payload: { name: Schema.String, data, to: Reader.ref } })
  ]
}) {}

export class Lender extends Actor.Service<Lender>()("Lender", {
  protocol: [
    /** `length` bytes of the value `byte`, from a pool of two buffers of sixteen bytes */
    Rpc.make("lend", {
      payload: { byte: Schema.Int, length: Schema.Int },
      success: data,
      error: SharedBuffer.SharedBufferError
    }),
    /** `count` buffers, one by one */
    Rpc.make("lendMany", { payload: { count: Schema.Int }, success: data, stream: true })
  ]
}) {}

const ReaderLive = Reader.toLayer(({ data: own, journal }) => {
  const note = (line: string): Effect.Effect<void> => Effect.sync(() => fs.appendFileSync(journal, `${line}\n`))
  let gate = Deferred.makeUnsafe<void>()
  let kept: SharedBuffer.SharedBuffer | undefined
  const copyOf = (data: SharedBuffer.SharedBuffer): Effect.Effect<Uint8Array> =>
    Effect.map(Effect.orDie(data.bytes), (bytes) => bytes.slice())
  return Effect.succeed(Reader.handlers({
    read: ({ data }) => copyOf(data),
    readAll: ({ all }) => Effect.forEach(all, copyOf),
    readOwn: () => copyOf(own!),
    write: ({ byte, data }) => Effect.map(Effect.orDie(data.bytes), (bytes) => void bytes.fill(byte)),
    hold: ({ data, name }) =>
      Effect.suspend(() => {
        const opened = gate
        return note(`holds ${name}: ${data.length}`).pipe(
          Effect.andThen(Deferred.await(opened)),
          Effect.onInterrupt(() => note(`interrupted ${name}`))
        )
      }),
    letGo: () =>
      Rpc.fork(Effect.suspend(() => {
        const opened = gate
        gate = Deferred.makeUnsafe<void>()
        return Effect.asVoid(Deferred.succeed(opened, undefined))
      })),
    keep: ({ data }) =>
      Effect.sync(() => {
        kept = data
      }),
    readKept: () => Effect.match(kept!.bytes, { onSuccess: String, onFailure: (error) => error._tag }),
    giveBack: ({ data }) => Effect.succeed(data),
    twice: ({ data }) => Effect.succeed([data, data] as const),
    beside: () => Effect.void,
    ask: ({ maker }) => Effect.asVoid(Effect.orDie(maker.make())),
    crash: () => Effect.sync(() => process.exit(7))
  }))
})

const CourierLive = Courier.toLayer({
  take: ({ data, name, to }) => Effect.orDie(to.hold({ name, data }))
})

const LenderLive = Lender.toLayer(() =>
  Effect.map(SharedBuffer.makePool({ size: 16, count: 2 }), (pool) =>
    Lender.handlers({
      lend: ({ byte, length }) => pool.copy(new Uint8Array(length).fill(byte)),
      lendMany: ({ count }) =>
        // the producer holds each buffer until the next one is requested
        Stream.flatMap(
          Stream.range(1, count),
          (n) => Stream.scoped(Stream.fromEffect(Effect.orDie(pool.copy(Uint8Array.of(n)))))
        )
    }))
)

export default Layer.mergeAll(ReaderLive, CourierLive, LenderLive)
