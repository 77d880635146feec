/**
 * The network before a runner of a test: forwards the connections of a port to another port, until it is cut.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as net from "node:net"

/** The address of all runners of a test. */
export const host = "127.0.0.1"

/** The network before a runner. */
export interface TestNetwork {
  readonly port: number
  /** ends all connections, and refuses new ones until the network is restored */
  readonly cut: Effect.Effect<void>
  readonly restore: Effect.Effect<void>
}

const listen = (server: net.Server, port: number): Effect.Effect<net.Server> =>
  Effect.callback((resume) => {
    server.once("error", (error) => resume(Effect.die(error)))
    server.listen(port, host, () => resume(Effect.succeed(server)))
  })

const close = (server: net.Server): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (server.listening) server.close(() => resume(Effect.void))
    else resume(Effect.void)
  })

const portOf = (server: net.Server): number => (server.address() as net.AddressInfo).port

/** A port of this machine that is free now. */
export const freePort: Effect.Effect<number> = Effect.flatMap(
  Effect.suspend(() => listen(net.createServer(), 0)),
  (server) => Effect.as(close(server), portOf(server))
)

/** Forwards the connections of a new port to the port `target`. */
export const make = (target: number): Effect.Effect<TestNetwork, never, Scope.Scope> =>
  Effect.gen(function*() {
    const sockets = new Set<net.Socket>()
    const join = (from: net.Socket, to: net.Socket): void => {
      sockets.add(from)
      from.pipe(to)
      from.on("error", () => to.destroy())
      from.on("close", () => {
        sockets.delete(from)
        to.destroy()
      })
    }
    const open = (port: number): Effect.Effect<net.Server> =>
      Effect.suspend(() =>
        listen(
          net.createServer((socket) => {
            const other = net.connect(target, host)
            join(socket, other)
            join(other, socket)
          }),
          port
        )
      )
    let server = yield* open(0)
    const port = portOf(server)
    const cut = Effect.suspend(() => {
      const closed = close(server)
      for (const socket of sockets) socket.destroy()
      return closed
    })
    yield* Effect.addFinalizer(() => cut)
    return {
      port,
      cut,
      restore: Effect.suspend(() =>
        server.listening ? Effect.void : Effect.map(open(port), (opened) => {
          server = opened
        })
      )
    }
  })
