/**
 * Finds the programs with an open observer, and connects to one of them.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { messageOf } from "../internal/runtime/describe.ts"
import * as Addresses from "../node/observer/addresses.ts"
import * as Client from "../node/observer/client.ts"
import type { ConnectionError } from "../node/observer/program.ts"
import { type CommandFailed, failure } from "./failure.ts"

const howToOpen =
  "Start the program with the environment variable UACTOR_OBSERVER=socket, or add NodeObserver.layerSocket() of uactor/node/NodeObserver to it."

/** What is said if there is no program. */
export const nothingFound = `No program of this user has an open observer. ${howToOpen}`

// how long `ps` waits for a program that does not answer
const patience = 1_000

/** Whether a program listens, whether or not it answers. */
const isThere = ({ reason }: ConnectionError): boolean => reason !== "NotListening" && reason !== "Closed"

/** A program with an open observer, or why it does not answer. */
export interface Found {
  readonly address: Addresses.Address
  readonly observer: Option.Option<Client.RemoteObserver>
  readonly message: string
}

/** Every program with an open observer, with a connection until the scope closes. */
export const all = (
  directory: Option.Option<string>
): Effect.Effect<ReadonlyArray<Found>, CommandFailed, Scope.Scope> =>
  Effect.gen(function*() {
    const found = yield* Effect.forEach(yield* addresses(directory), (address) =>
      Effect.match(Client.connect(address, patience), {
        onSuccess: (observer) => [{ address, observer: Option.some(observer), message: "" }],
        onFailure: (error) =>
          isThere(error) ? [{ address, observer: Option.none(), message: error.message }] : []
      }), { concurrency: 16 })
    return found.flat()
  })

const addresses = (
  directory: Option.Option<string>
): Effect.Effect<ReadonlyArray<Addresses.Address>, CommandFailed> =>
  Effect.try({
    try: () => Addresses.list(Option.match(directory, { onNone: Addresses.possibleFolders, onSome: (dir) => [dir] })),
    catch: (error) => failure(`The folder of the sockets cannot be read: ${messageOf(error)}.`)
  })

const connect = (address: Addresses.Address): Effect.Effect<Client.RemoteObserver, CommandFailed, Scope.Scope> =>
  Effect.mapError(
    Client.connect(address),
    ({ message, reason }) => failure(reason === "NotListening" ? `${message}. ${howToOpen}` : message)
  )

/** The program with this pid, or the only one. */
export const one = (
  pid: Option.Option<number>,
  directory: Option.Option<string>
): Effect.Effect<Client.RemoteObserver, CommandFailed, Scope.Scope> =>
  Effect.gen(function*() {
    if (Option.isSome(pid)) {
      const address = (yield* addresses(directory)).find((address) => address.pid === pid.value)
      return address === undefined
        ? yield* failure(`No program with the pid ${pid.value} has an open observer. ${howToOpen}`)
        : yield* connect(address)
    }
    const found = yield* Effect.scoped(all(directory))
    const [first] = found
    if (first === undefined) return yield* failure(nothingFound)
    if (found.length === 1) return yield* connect(first.address)
    const list = found.map(({ address, observer }) =>
      `${address.pid}${Option.match(observer, { onNone: () => "", onSome: ({ program }) => ` (${program.script})` })}`
    )
    return yield* failure(
      `${found.length} programs have an open observer. Add the pid of one of them: ${list.join(", ")}`
    )
  })
