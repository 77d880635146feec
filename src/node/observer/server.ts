/**
 * Serves the observer of this process on a socket.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RpcServer from "effect/rpc/RpcServer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { SocketServer } from "effect/socket/SocketServer"
import * as Stream from "effect/Stream"
import process from "node:process"
import { messageOf } from "../../internal/runtime/describe.ts"
import { Observer, type Snapshot } from "../../Observer.ts"
import * as Addresses from "./addresses.ts"
import * as NetSocket from "./netSocket.ts"
import * as Program from "./program.ts"
import * as Protocol from "./protocol.ts"

/**
 * The observer could not be opened. `reason` is one of:
 *
 * - `InUse`: this process, or another one with the same pid and folder, has an open observer already
 * - `UnsafeDirectory`: the folder of the socket belongs to another user
 * - `Failed`: the operating system has refused the folder or the socket
 *
 * @category errors
 * @since 0.2.0
 */
export class ObserverSocketError extends Schema.TaggedError<ObserverSocketError>()("ObserverSocketError", {
  /** The kind of the failure. */
  reason: Schema.Literals(["InUse", "UnsafeDirectory", "Failed"]),
  /** The error as text, with the path. */
  message: Schema.String
}) {}

/** How the observer is served. */
export interface ServerOptions {
  readonly actions: ReadonlyArray<Protocol.Action>
  readonly directory: string
}

const failed = (what: string) => (error: unknown): ObserverSocketError =>
  new ObserverSocketError({ reason: "Failed", message: `the observer cannot be opened: ${what}: ${messageOf(error)}` })

/** Opens the address of this process. Returns a server on it. */
const open = (directory: string): Effect.Effect<SocketServer["Service"], ObserverSocketError, Scope.Scope> =>
  Effect.gen(function*() {
    const address = Addresses.addressOf(directory, process.pid)
    const fault = yield* Effect.try({ try: () => Addresses.makeFolder(directory), catch: failed(directory) })
    if (fault !== undefined) {
      return yield* new ObserverSocketError({
        reason: "UnsafeDirectory",
        message:
          `the observer cannot be opened: the folder ${directory} ${fault}; the option directory names another folder`
      })
    }
    if (yield* Effect.promise(() => Addresses.isUsed(address))) {
      return yield* new ObserverSocketError({
        reason: "InUse",
        message: `the observer cannot be opened: a program listens on ${address} already`
      })
    }
    // a killed program with the same pid has left it
    yield* Effect.try({ try: () => Addresses.remove(address), catch: failed(address) })
    yield* Effect.tryPromise({ try: () => Addresses.sweep(directory), catch: failed(directory) })
    const server = yield* Effect.mapError(
      NetSocket.listen(address, Protocol.maxReaders, refusal),
      failed(address)
    )
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        // a process that exits closes no scope
        const onExit = (): void => Addresses.remove(address)
        process.on("exit", onExit)
        return onExit
      }),
      (onExit) =>
        Effect.sync(() => {
          process.off("exit", onExit)
        })
    )
    yield* Effect.try({ try: () => Addresses.protect(address), catch: failed(address) })
    return server
  })

const refusal = `${
  JSON.stringify({
    _tag: "Defect",
    defect: `${Protocol.tooManyReaders}: the program has ${Protocol.maxReaders} readers, which is the maximum`
  })
}\n`

const pagesOf = <A>(items: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Program.slicesOf(items.length, Protocol.pageSize, (from, to) => items.slice(from, to))

const partsOf = (snapshot: Snapshot): ReadonlyArray<Protocol.SnapshotPart> => [
  Object.assign({ _tag: "Head" as const }, snapshot),
  ...pagesOf(snapshot.workers).map((workers) => ({ _tag: "Workers", workers }) as const),
  ...pagesOf(snapshot.actors).map((actors) => ({ _tag: "Actors", actors }) as const)
]

/** A stream whose items are large: each becomes a line of its own. */
const oneByOne = <A, E, R>(stream: Stream.Stream<A, E, R>): Stream.Stream<A, E, R> => Stream.rechunk(stream, 1)

/** A stream of many small items: as many as are there become a line, at most a page. */
const paged = <A, E, R>(stream: Stream.Stream<A, E, R>): Stream.Stream<A, E, R> =>
  Stream.flatMap(Stream.chunks(stream), (items) => Stream.fromArrays(...pagesOf(items)))

/** Who asks, as the view says. */
const readerOf = ({ headers }: { readonly headers: Readonly<Record<string, string | undefined>> }): string =>
  headers[Protocol.clientHeader] ?? "an unnamed view"

const handlers = (actions: ReadonlyArray<Protocol.Action>) =>
  Protocol.ObserverRpcs.toLayer(Effect.map(Program.local({ actions, openedBy: "layerSocket" }), (programFor) => {
    const { actor, deadlocks, events, metrics, program, snapshot, stack, why } = programFor("a view")
    return {
      program: () => Effect.succeed(program),
      snapshot: ({ calls, limit, name, pool, sort, worker }) =>
        oneByOne(Stream.fromIterableEffect(
          Effect.map(snapshot({ calls, limit, sort, filter: { name, worker, pool } }), partsOf)
        )),
      actor: ({ calls, id }) => actor(id, { calls }),
      why: ({ id }) => why(id),
      deadlocks: () => paged(Stream.fromIterableEffect(deadlocks)),
      events: () => paged(events),
      stack: ({ worker }) => paged(Stream.fromIterableEffect(stack(worker))),
      metrics: () => oneByOne(metrics),
      cpuProfile: ({ millis, worker }, context) => oneByOne(programFor(readerOf(context)).cpuProfile(worker, millis)),
      heapSnapshot: ({ worker }, context) => oneByOne(programFor(readerOf(context)).heapSnapshot(worker)),
      stop: ({ actor, drain }, context) => programFor(readerOf(context)).stop(actor, drain),
      kill: ({ actor }, context) => programFor(readerOf(context)).kill(actor),
      restart: ({ actor }, context) => programFor(readerOf(context)).restart(actor)
    }
  }))

/** The observer of this process on its socket, while the layer is built. */
export const layer = ({ actions, directory }: ServerOptions): Layer.Layer<never, ObserverSocketError> =>
  RpcServer.layer(Protocol.ObserverRpcs, { disableTracing: true, disableFatalDefects: true }).pipe(
    Layer.provide(handlers(actions)),
    Layer.provide(RpcServer.layerProtocolSocketServer),
    Layer.provide(Protocol.programLines),
    Layer.provide(Layer.effect(SocketServer, open(directory))),
    Layer.provide(Observer.layer)
  )
