/**
 * The sockets of Node as sockets of Effect: a server on a path in the file system, and its connections. `@effect/platform-node` has them
 * too, but a program must be observable without this large package.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as SocketServer from "effect/socket/SocketServer"
import * as net from "node:net"

type Resume = (effect: Effect.Effect<[Uint8Array], Socket.SocketError>) => void

const closed = (): Socket.SocketError =>
  new Socket.SocketError({
    reason: new Socket.SocketCloseError({ code: 1000, closeReason: "the connection is closed" })
  })

/** An open connection. The scope of its reader closes it. The end of the peer, also a sudden one, is a `SocketCloseError`. */
export const fromConnection = (connection: net.Socket): Socket.Socket => {
  // an error of a connection closes it
  connection.on("error", () => {})

  const pull = Effect.callback<[Uint8Array], Socket.SocketError>((resume: Resume) => {
    const take = (): void => {
      const bytes = connection.read() as Uint8Array | null
      if (bytes !== null) settle(Effect.succeed([bytes]))
      else if (connection.readableEnded || connection.destroyed) settle(Effect.fail(closed()))
    }
    const events = ["readable", "end", "close"] as const
    const detach = (): void => {
      for (const event of events) connection.off(event, take)
    }
    const settle: Resume = (effect) => {
      detach()
      resume(effect)
    }
    for (const event of events) connection.on(event, take)
    take()
    return Effect.sync(detach)
  })

  // also when the connection closes: the reader learns of it
  const drained = Effect.callback<void>((resume) => {
    const events = ["drain", "close"] as const
    const detach = (): void => {
      for (const event of events) connection.off(event, settle)
    }
    const settle = (): void => {
      detach()
      resume(Effect.void)
    }
    for (const event of events) connection.on(event, settle)
    return Effect.sync(detach)
  })

  const write = (chunk: Uint8Array | string | Socket.CloseEvent): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (Socket.isCloseEvent(chunk)) {
        connection.destroy()
        return Effect.void
      }
      // nobody reads what is written to a closed connection
      return connection.destroyed || connection.write(chunk) ? Effect.void : drained
    })

  return Socket.make({
    reader: Effect.as(
      Effect.addFinalizer(() => Effect.sync(() => connection.destroySoon())),
      { pull, upgrade: Socket.SocketUpgradeError.unsupported }
    ),
    writer: Effect.succeed({
      write,
      writeAll: (chunks) => Effect.forEach(chunks, write, { discard: true })
    })
  })
}

/** Connects to a path. */
export const connect = (path: string): Effect.Effect<net.Socket, NodeJS.ErrnoException, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<net.Socket, NodeJS.ErrnoException>((resume) => {
      const connection = net.createConnection(path)
      const onError = (error: Error): void => resume(Effect.fail(error))
      connection.once("error", onError)
      connection.once("connect", () => {
        connection.off("error", onError)
        resume(Effect.succeed(connection))
      })
      return Effect.sync(() => connection.destroy())
    }),
    (connection) => Effect.sync(() => connection.destroy())
  )

// how long a refused connection may take to ask something
const refusedMillis = 2_000

/**
 * A server on a path, which exists while the scope is open. It does not keep the process alive. More than `max` connections are refused:
 * the first request is answered with the line `refusal`.
 */
export const listen = (
  path: string,
  max: number,
  refusal: string
): Effect.Effect<SocketServer.SocketServer["Service"], NodeJS.ErrnoException, Scope.Scope> =>
  Effect.gen(function*() {
    const context = yield* Effect.context()
    const connections = new Set<net.Socket>()
    const refused = new Set<net.Socket>()
    const early = new Set<net.Socket>()
    let onConnection = (connection: net.Socket): void => {
      early.add(connection)
    }
    const server = net.createServer((connection) => {
      connection.unref()
      if (connections.size >= max) {
        refused.add(connection)
        connection.on("error", () => {}).on("close", () => refused.delete(connection))
        connection.setTimeout(refusedMillis, () => connection.destroy())
        connection.once("data", () => connection.end(refusal))
        return
      }
      connections.add(connection)
      connection.on("close", () => connections.delete(connection))
      onConnection(connection)
    })
    yield* Effect.acquireRelease(
      Effect.callback<void, NodeJS.ErrnoException>((resume) => {
        server.once("error", (error) => resume(Effect.fail(error)))
        server.listen(path, () => {
          server.removeAllListeners("error")
          // such as too many open files: the server goes on
          server.on("error", (error) => {
            Effect.runForkWith(context)(Effect.logWarning(`the server on ${path} has missed a connection`, error))
          })
          server.unref()
          resume(Effect.void)
        })
      }),
      () =>
        Effect.callback<void>((resume) => {
          // the process must not end before the callback
          server.ref()
          server.close(() => resume(Effect.void))
          for (const connection of [...connections, ...refused]) connection.destroy()
        })
    )
    return SocketServer.SocketServer.of({
      address: NetAddress.unixPathAddress(path),
      run: <R, E, _>(handler: (socket: Socket.Socket) => Effect.Effect<_, E, R>) =>
        Effect.scoped(Effect.gen(function*() {
          const run = yield* FiberSet.makeRuntime<R>()
          onConnection = (connection) => {
            // a connection may break at any time
            run(Effect.catchCause(handler(fromConnection(connection)), (cause) =>
              Cause.hasDies(cause)
                ? Effect.logError(`a connection of the server on ${path} has failed`, cause)
                : Effect.logDebug(`a connection of the server on ${path} has ended`, cause)))
          }
          early.forEach(onConnection)
          early.clear()
          return yield* Effect.never
        }))
    })
  })
