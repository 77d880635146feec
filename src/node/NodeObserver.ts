/**
 * Opens the `Observer` of this process to other processes, such as the command `npx uactor`. Nothing listens unless a program uses this
 * module, or the environment variable `UACTOR_OBSERVER` is `socket`.
 *
 * This module is not part of the index of `uactor/node`: a program that opens no observer does not load it.
 *
 * @module
 * @since 0.2.0
 */
import type * as Layer from "effect/Layer"
import * as Addresses from "./observer/addresses.ts"
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

export { ObserverSocketError } from "./observer/server.ts"

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
  const names = Protocol.Action.literals
  const unknown = actions.find((action) => !names.includes(action))
  if (unknown !== undefined) {
    throw new RangeError(
      `NodeObserver.layerSocket: actions may contain ${names.join(", ")}, not ${JSON.stringify(unknown)}`
    )
  }
  if (typeof directory !== "string" || !Addresses.isAbsolute(directory)) {
    throw new TypeError(
      `NodeObserver.layerSocket: directory must be an absolute path, not ${JSON.stringify(directory)}`
    )
  }
  return Server.layer({ actions, directory })
}
