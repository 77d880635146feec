/**
 * Opens the `Observer` of this process to other processes: to the command `npx uactor` over a socket, and to browsers over HTTP. Nothing
 * listens unless a program uses this module, or the environment variable `UACTOR_OBSERVER` is `socket` or `http`.
 *
 * This module is not part of the index of `uactor/node`: a program that opens no observer does not load it.
 *
 * @module
 * @since 0.2.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Observer } from "../Observer.ts"
import * as Address from "./http/address.ts"
import type { ObserverHttpError } from "./http/errors.ts"
import * as Addresses from "./observer/addresses.ts"
import * as Program from "./observer/program.ts"
import * as Protocol from "./observer/protocol.ts"
import * as Server from "./observer/server.ts"

/**
 * What may be done to a program from outside, besides reading its state: `stop`, `kill` and `restart` of an actor, and `profile` and `heap`, the
 * files with a CPU profile and a snapshot of the heap of a worker. A snapshot of the heap contains the data of the program, secrets too.
 *
 * @category models
 * @since 0.2.0
 */
export type Action = Protocol.Action

/**
 * The options of `layerSocket`.
 *
 * @category models
 * @since 0.2.0
 */
export interface SocketOptions {
  /**
   * The actions that are allowed. None by default: the state can only be read. The log of the program contains each action, with the annotation
   * `uactor.reader`: the user and the process that have asked for it.
   */
  readonly actions?: ReadonlyArray<Action> | undefined
  /**
   * The folder of the socket, an absolute path. By default `uactor` in the directory that `XDG_RUNTIME_DIR` names, or else `uactor-<id of the
   * user>` in the directory of temporary files. There the command `uactor` looks for programs. The folder is made if it is missing, and its
   * access is limited to its owner (0700).
   */
  readonly directory?: string | undefined
}

export { ObserverHttpError } from "./http/errors.ts"
export { ObserverSocketError } from "./observer/server.ts"

const checkActions = (layer: string, actions: ReadonlyArray<Action>): void => {
  const names = Protocol.Action.literals
  const unknown = actions.find((action) => !names.includes(action))
  if (unknown !== undefined) {
    throw new RangeError(
      `NodeObserver.${layer}: actions may contain ${names.join(", ")}, not ${JSON.stringify(unknown)}`
    )
  }
}

/**
 * Serves the observer of this process on a Unix socket, `<pid>.sock` in `directory`, as long as the layer is in use. Only the user of the
 * process may connect (the file has the access rights 0600); no port is opened. On Windows it is a named pipe. A program has at most 8
 * readers. The contents of messages are never shown. The socket does not keep the process alive.
 *
 * The command `npx uactor` looks at the program. Fails with an `ObserverSocketError` if the socket cannot be opened. Throws a `RangeError` or
 * a `TypeError` that names the option if an option is wrong.
 *
 * @example
 * ```ts
 * import { Effect, Layer, Schema } from "effect"
 * import { Actor, ActorSystem } from "uactor"
 * import * as NodeObserver from "uactor/node/NodeObserver"
 *
 * class Echo extends Actor.Service<Echo>()("Echo", {
 *   protocol: { say: Actor.method({ payload: { text: Schema.String }, success: Schema.String }) }
 * }) {}
 * const EchoLive = Echo.toLayer({ say: ({ text }) => Effect.succeed(text) })
 *
 * const program = Effect.gen(function*() {
 *   const echo = yield* Echo.spawn()
 *   yield* echo.say({ text: "hello" }) // meanwhile: npx uactor top
 * }).pipe(
 *   Effect.scoped,
 *   Effect.provide(Layer.merge(ActorSystem.layer(EchoLive), NodeObserver.layerSocket({ actions: ["stop", "kill"] })))
 * )
 *
 * await Effect.runPromise(program)
 * ```
 *
 * @category layers
 * @since 0.2.0
 */
export const layerSocket = (options: SocketOptions = {}): Layer.Layer<never, Server.ObserverSocketError> => {
  const { actions = [], directory = Addresses.defaultFolder() } = options
  checkActions("layerSocket", actions)
  if (typeof directory !== "string" || !Addresses.isAbsolute(directory)) {
    throw new TypeError(
      `NodeObserver.layerSocket: directory must be an absolute path, not ${JSON.stringify(directory)}`
    )
  }
  return Server.layer({ actions, directory })
}

/**
 * The options of `layerHttp`.
 *
 * @category models
 * @since 0.2.0
 */
export interface HttpOptions {
  /** The port, from 0 to 65535. By default 0: a free port. */
  readonly port?: number | undefined
  /**
   * The address on which the server listens, `127.0.0.1` by default. An address that other computers can reach needs `dangerouslyExpose`, too.
   */
  readonly host?: string | undefined
  /**
   * Allows a `host` that other computers can reach. `false` by default. The server does not encrypt: everybody in the network who reads a
   * request of the page has the token.
   */
  readonly dangerouslyExpose?: boolean | undefined
  /**
   * The actions that are allowed. None by default: the state can only be read. The log of the program contains each action, with the annotation
   * `uactor.reader`: the address and the kind of the client that has asked for it.
   */
  readonly actions?: ReadonlyArray<Action> | undefined
  /**
   * The token that each request must have, at least 32 characters of `A-Z`, `a-z`, `0-9`, `-` and `_`. By default 192 random bits, new for each
   * start.
   */
  readonly token?: string | Redacted.Redacted | undefined
}

/**
 * Where the observer of this process is open over HTTP.
 *
 * @category services
 * @since 0.2.0
 */
export class HttpAddress extends Context.Service<HttpAddress, {
  /** The address of the server, such as `http://127.0.0.1:39021`. */
  readonly url: string
  /** The token for the header `Authorization: Bearer`. */
  readonly token: Redacted.Redacted
  /** The address of the page, with the token in its fragment, which a browser does not send. */
  readonly page: Redacted.Redacted
}>()("uactor/NodeObserver/HttpAddress") {}

/**
 * Serves a page with the state of this process, its API, and the metrics of the program for Prometheus (`/metrics`), as long as the layer is
 * in use. The address of the page is logged once at the level Info; the service `HttpAddress` has it, too.
 *
 * The server listens on this computer only. Each request needs the token, and is refused if its `Host` or its `Origin` is a foreign one. A server
 * sends at most 8 streams. The contents of messages are never shown. The server does not keep the process alive.
 *
 * Needs the package `@effect/platform-node`, which this library does not install. Fails with an `ObserverHttpError` if the package is
 * missing or the port cannot be opened. Throws a `RangeError` or a `TypeError` that names the option if an option is wrong.
 *
 * @example
 * ```ts
 * import { Effect, Layer, Redacted, Schema } from "effect"
 * import { Actor, ActorSystem } from "uactor"
 * import * as NodeObserver from "uactor/node/NodeObserver"
 * import assert from "node:assert"
 *
 * class Echo extends Actor.Service<Echo>()("Echo", {
 *   protocol: { say: Actor.method({ payload: { text: Schema.String }, success: Schema.String }) }
 * }) {}
 * const EchoLive = Echo.toLayer({ say: ({ text }) => Effect.succeed(text) })
 *
 * const program = Effect.gen(function*() {
 *   yield* Echo.spawn() // the log has the address of the page
 *   const { token, url } = yield* NodeObserver.HttpAddress
 *   const headers = { authorization: `Bearer ${Redacted.value(token)}` }
 *   const snapshot: any = yield* Effect.promise(() => fetch(`${url}/api/snapshot`, { headers }).then((_) => _.json()))
 *   assert.strictEqual(snapshot.actors[0].name, "Echo")
 * }).pipe(
 *   Effect.scoped,
 *   Effect.provide(Layer.merge(ActorSystem.layer(EchoLive), NodeObserver.layerHttp({ actions: ["stop"] })))
 * )
 *
 * await Effect.runPromise(program)
 * ```
 *
 * @category layers
 * @since 0.2.0
 */
export const layerHttp = (options: HttpOptions = {}): Layer.Layer<HttpAddress, ObserverHttpError> => {
  const { actions = [], dangerouslyExpose = false, host = Address.defaultHost, port = 0 } = options
  checkActions("layerHttp", actions)
  if (!Number.isInteger(port) || port < 0 || port > Address.maxPort) {
    throw new RangeError(`NodeObserver.layerHttp: port must be an integer from 0 to ${Address.maxPort}, not ${port}`)
  }
  if (!dangerouslyExpose && !Address.isLoopback(host)) {
    throw new RangeError(
      `NodeObserver.layerHttp: host must be an address of this computer such as 127.0.0.1, not ${
        JSON.stringify(host)
      }, unless dangerouslyExpose is true`
    )
  }
  const { token: given = Address.newToken() } = options
  const token = Redacted.isRedacted(given) ? given : Redacted.make(given)
  if (!/^[\w-]{32,}$/.test(Redacted.value(token))) {
    throw new RangeError(
      "NodeObserver.layerHttp: token must have at least 32 characters of A-Z, a-z, 0-9, - and _"
    )
  }
  return Layer.effect(
    HttpAddress,
    Effect.gen(function*() {
      // only a program with this layer loads it
      const { open } = yield* Effect.promise(() => import("./http/server.ts"))
      const programFor = yield* Program.local({ actions, openedBy: "layerHttp" })
      const url = yield* open(programFor, { host, port, token })
      const page = Address.pageOf(url, token)
      yield* Effect.logInfo(`the observer of this program is at ${Redacted.value(page)}`)
      return HttpAddress.of({ url, token, page })
    })
  ).pipe(Layer.provide(Observer.layer))
}
