/**
 * The observer of another process, over its socket.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as RpcClient from "effect/rpc/RpcClient"
import { RpcClientError } from "effect/rpc/RpcClientError"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { Socket } from "effect/socket/Socket"
import * as Stream from "effect/Stream"
import * as os from "node:os"
import process from "node:process"
import { messageOf } from "../../internal/runtime/describe.ts"
import { Snapshot, type SnapshotOptions } from "../../Observer.ts"
import * as NetSocket from "./netSocket.ts"
import { ConnectionError, type ObservedProgram } from "./program.ts"
import * as Protocol from "./protocol.ts"

/** Another process. It may be gone, too. */
export type RemoteObserver = ObservedProgram<ConnectionError>

const notListening = new Set(["ECONNREFUSED", "ENOENT", "ECONNRESET", "EPIPE"])

const openingError = (pid: number) => ({ code, message }: NodeJS.ErrnoException): ConnectionError =>
  code === "EACCES" || code === "EPERM"
    ? new ConnectionError({ reason: "NotAllowed", message: `the program ${pid} belongs to another user` })
    : new ConnectionError({
      reason: "NotListening",
      message: `the program ${pid} does not listen${notListening.has(code ?? "") ? "" : `: ${message}`}`
    })

/** The connection has ended, or the program closes its observer: then the requests end interrupted. */
const isLost = (cause: Cause.Cause<unknown>): boolean =>
  Cause.hasInterruptsOnly(cause) ||
  cause.reasons.some((reason) => Cause.isFailReason(reason) && reason.error instanceof RpcClientError)

const isRefusal = (defect: unknown): boolean => String(defect).includes(Protocol.tooManyReaders)

/** Connects to a program. It must answer within some milliseconds, and is then asked whether it lives every five seconds. */
export const connect = (
  { address, pid }: { readonly address: string; readonly pid: number },
  millis = 5_000
): Effect.Effect<RemoteObserver, ConnectionError, Scope.Scope> =>
  Effect.gen(function*() {
    const connection = yield* Effect.mapError(NetSocket.connect(address), openingError(pid))
    const protocol = yield* RpcClient.makeProtocolSocket({ retryPolicy: Schedule.recurs(0) }).pipe(
      Effect.provideService(Socket, NetSocket.fromConnection(connection)),
      Effect.provide(Protocol.viewLines)
    )
    const client = yield* Effect.provideService(
      RpcClient.make(Protocol.ObserverRpcs, { disableTracing: true }),
      RpcClient.Protocol,
      protocol
    )

    const closed = Effect.fail(
      new ConnectionError({
        reason: "Closed",
        message: `the program ${pid} has ended, has closed its observer, or does not answer any longer`
      })
    )
    const asked = <A, E>(effect: Effect.Effect<A, E>) =>
      Effect.catchCauseIf(effect, isLost, () => closed) as Effect.Effect<
        A,
        Exclude<E, RpcClientError> | ConnectionError
      >
    const read = <A, E>(stream: Stream.Stream<A, E>) =>
      Stream.catchCauseIf(stream, isLost, () => Stream.fromEffect(closed)) as Stream.Stream<
        A,
        Exclude<E, RpcClientError> | ConnectionError
      >
    const headers = { [Protocol.clientHeader]: `${os.userInfo().username}, process ${process.pid}` }

    const program = yield* client.program().pipe(
      Effect.catchDefect((defect) =>
        Effect.fail(
          isRefusal(defect)
            ? new ConnectionError({
              reason: "TooManyReaders",
              message: `the program ${pid} has ${Protocol.maxReaders} readers already: close one of them`
            })
            : otherProtocol(pid, ` (${messageOf(defect)})`)
        )
      ),
      asked,
      Effect.timeoutOrElse({
        duration: millis,
        orElse: () =>
          Effect.fail(
            new ConnectionError({
              reason: "NoAnswer",
              message: `the program ${pid} has not answered for ${
                millis / 1_000
              } s: its main thread is blocked, or its process is suspended`
            })
          )
      })
    )
    if (program.protocol !== Protocol.version) return yield* otherProtocol(pid)

    const snapshot = ({ calls, filter, limit, sort }: SnapshotOptions = {}): Effect.Effect<Snapshot, ConnectionError> =>
      client.snapshot({
        ...(sort === undefined ? {} : { sort }),
        ...(calls === undefined ? {} : { calls }),
        ...(limit === undefined ? {} : { limit }),
        ...(filter?.name === undefined ? {} : { name: filter.name }),
        ...(filter?.worker === undefined ? {} : { worker: filter.worker }),
        ...(filter?.pool === undefined ? {} : { pool: filter.pool })
      }).pipe(
        Stream.runCollect,
        asked,
        Effect.map((parts) => {
          const { _tag, ...head } = parts.find((part) => part._tag === "Head")!
          return new Snapshot({
            ...head,
            workers: parts.flatMap((part) => part._tag === "Workers" ? part.workers : []),
            actors: parts.flatMap((part) => part._tag === "Actors" ? part.actors : [])
          })
        })
      )

    return {
      program,
      snapshot,
      actor: (id, { calls } = {}) => asked(client.actor({ id, ...(calls === undefined ? {} : { calls }) })),
      why: (id) => asked(client.why({ id })),
      deadlocks: asked(Stream.runCollect(client.deadlocks())),
      events: read(client.events()),
      stack: (worker) => asked(Stream.runCollect(client.stack({ worker }))),
      metrics: read(client.metrics()),
      cpuProfile: (worker, millis) => read(client.cpuProfile({ worker, millis }, { headers })),
      heapSnapshot: (worker) => read(client.heapSnapshot({ worker }, { headers })),
      stop: (actor, drain) => asked(client.stop({ actor, drain }, { headers })),
      kill: (actor) => asked(client.kill({ actor }, { headers })),
      restart: (actor) => asked(client.restart({ actor }, { headers }))
    } satisfies RemoteObserver
  })

// `detail`: what this version does not understand, if the program did not report its protocol
const otherProtocol = (pid: number, detail = ""): ConnectionError =>
  new ConnectionError({
    reason: "OtherProtocol",
    message: `the program ${pid} runs another version of uactor${detail}: look at it with the command of that version`
  })
