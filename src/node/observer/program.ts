/**
 * A program as views see it: this process, or another one over its socket.
 */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import process from "node:process"
import {
  type ActorInfo,
  type Cycle,
  type Event,
  type Explanation,
  type Frame,
  Observer,
  type ObserverError,
  type Snapshot,
  type SnapshotOptions
} from "../../Observer.ts"
import * as Protocol from "./protocol.ts"

/**
 * A program does not answer. `reason` is one of:
 *
 * - `NotListening`: no program listens on the address
 * - `NotAllowed`: the socket belongs to another user
 * - `NoAnswer`: the program does not answer in time: its main thread is blocked, or its process is suspended
 * - `TooManyReaders`: the program has the maximum number of readers
 * - `OtherProtocol`: the program runs another version of this library
 * - `Closed`: the program has ended, or has closed its observer
 */
export class ConnectionError extends Schema.TaggedError<ConnectionError>()("ConnectionError", {
  reason: Schema.Literals(["NotListening", "NotAllowed", "NoAnswer", "TooManyReaders", "OtherProtocol", "Closed"]),
  message: Schema.String
}) {}

/** The functions of `Observer` for one reader, who may do what the program allows. They may also fail with `E`. */
export interface ObservedProgram<E> {
  readonly program: Protocol.ProgramInfo
  readonly snapshot: (options?: SnapshotOptions) => Effect.Effect<Snapshot, E>
  readonly actor: (
    id: string,
    options?: { readonly calls?: number | undefined }
  ) => Effect.Effect<Option.Option<ActorInfo>, E>
  readonly why: (callOrActor: string) => Effect.Effect<Option.Option<Explanation>, E>
  readonly deadlocks: Effect.Effect<ReadonlyArray<Cycle>, E>
  readonly events: Stream.Stream<Event, E>
  readonly stack: (worker: string) => Effect.Effect<ReadonlyArray<Frame>, ObserverError | E>
  /** the metrics of the program in the text format of Prometheus, in pieces */
  readonly metrics: Stream.Stream<string, E>
  /** the pieces of a `.cpuprofile` file */
  readonly cpuProfile: (worker: string, millis: number) => Stream.Stream<string, ActionError<E>>
  /** the pieces of a `.heapsnapshot` file */
  readonly heapSnapshot: (worker: string) => Stream.Stream<Uint8Array, ActionError<E>>
  readonly stop: (actor: string, drain: boolean) => Effect.Effect<void, ActionError<E>>
  readonly kill: (actor: string) => Effect.Effect<void, ActionError<E>>
  readonly restart: (actor: string) => Effect.Effect<void, ActionError<E>>
}

type ActionError<E> = ObserverError | Protocol.ActionNotAllowed | E

/** Cuts something into pieces of a size. */
export const slicesOf = <A>(length: number, size: number, slice: (from: number, to: number) => A): ReadonlyArray<A> =>
  Array.from({ length: Math.ceil(length / size) }, (_, i) => slice(i * size, (i + 1) * size))

/** The default name of a file with what a worker does or holds. */
export const fileNameOf = (worker: string, ending: ".cpuprofile" | ".heapsnapshot"): string =>
  `${worker.replaceAll(/[^\w.-]+/g, "-")}${ending}`

const piecesOf = (text: string): ReadonlyArray<string> =>
  slicesOf(text.length, Protocol.pieceSize, (from, to) => text.slice(from, to))

/** A name of a reader in a form that fits into a line of a log. */
const printable = (reader: string): string => reader.slice(0, 100).replaceAll(/\p{Cc}/gu, " ")

/** How the observer of this process is open to views. */
export interface OpenOptions {
  readonly actions: ReadonlyArray<Protocol.Action>
  /** the function of `NodeObserver` that has opened the observer */
  readonly openedBy: "layerSocket" | "layerHttp"
}

/** This process, as the reader with a name sees it. */
export const local = (
  { actions, openedBy }: OpenOptions
): Effect.Effect<(reader: string) => ObservedProgram<never>, never, Observer> =>
  Effect.gen(function*() {
    const observer = yield* Observer
    const context = yield* Effect.context()
    const program = new Protocol.ProgramInfo({
      protocol: Protocol.version,
      pid: process.pid,
      script: process.argv[1] ?? "",
      directory: process.cwd(),
      runtime: `${process.release.name} ${process.version}`,
      startedAt: Math.round(Date.now() - process.uptime() * 1_000),
      actions
    })

    const metrics = Stream.fromIterableEffect(
      // only a program whose metrics are read loads it
      Effect.promise(async () => {
        const { formatUnsafe } = await import("effect/observability/PrometheusMetrics")
        return piecesOf(formatUnsafe(context))
      })
    )

    return (reader) => {
      /** Fails if the program has not allowed the action. The log of what it does names the reader. */
      const act = <A, E>(
        action: Protocol.Action,
        effect: Effect.Effect<A, E>
      ): Effect.Effect<A, E | Protocol.ActionNotAllowed> =>
        actions.includes(action)
          ? Effect.annotateLogs(effect, { "uactor.reader": printable(reader) })
          : Effect.fail(
            new Protocol.ActionNotAllowed({
              action,
              message: `the program does not allow ${action}: its observer is open for ${
                actions.length === 0 ? "reading only" : `reading and ${actions.join(", ")}`
              }. NodeObserver.${openedBy}({ actions: ["${action}"] }) or UACTOR_OBSERVER_ACTIONS=${action} allows it`
            })
          )

      return {
        program,
        snapshot: observer.snapshot,
        actor: observer.actor,
        why: observer.why,
        deadlocks: observer.deadlocks,
        events: observer.events,
        stack: observer.stack,
        metrics,
        cpuProfile: (worker, millis) =>
          Stream.fromIterableEffect(act(
            "profile",
            Effect.andThen(
              Effect.logInfo(`an observer profiles ${worker}`),
              Effect.map(
                observer.cpuProfile(worker, { duration: millis }),
                (profile) => piecesOf(JSON.stringify(profile))
              )
            )
          )),
        heapSnapshot: (worker) =>
          Stream.unwrap(Effect.as(
            act("heap", Effect.logInfo(`an observer takes a snapshot of the heap of ${worker}`)),
            Stream.flatMap(
              observer.heapSnapshot(worker),
              (bytes) =>
                Stream.fromIterable(slicesOf(bytes.length, Protocol.pieceSize, (from, to) => bytes.subarray(from, to)))
            )
          )),
        stop: (actor, drain) => act("stop", observer.stop(actor, { drain })),
        kill: (actor) => act("kill", observer.kill(actor)),
        restart: (actor) => act("restart", observer.restart(actor))
      }
    }
  })
