/**
 * Serves the page and the API on an HTTP port.
 */
import * as Effect from "effect/Effect"
import { CurrentErrorReporters } from "effect/ErrorReporter"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpRouter from "effect/http/HttpRouter"
import { HttpServer } from "effect/http/HttpServer"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { createServer } from "node:http"
import { messageOf } from "../../internal/runtime/describe.ts"
import * as Assets from "./assets.ts"
import { ObserverHttpError } from "./errors.ts"
import * as Guard from "./guard.ts"
import * as Handlers from "./handlers.ts"

/** The address of the server, and the token that its clients need. */
export interface ServerOptions {
  readonly host: string
  readonly port: number
  readonly token: Redacted.Redacted
}

// more connections than a browser makes for each of the readers
const maxConnections = 64

const timeouts = { headersTimeout: 10_000, requestTimeout: 30_000 }

const loadPlatform = async () => {
  try {
    return await import("@effect/platform-node/NodeHttpServer")
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === "ERR_MODULE_NOT_FOUND" && message.includes("@effect/platform-node")) return undefined
    throw error
  }
}

const platform = Effect.flatMap(Effect.promise(loadPlatform), (loaded) =>
  loaded === undefined
    ? Effect.fail(
      new ObserverHttpError({
        reason: "MissingPackage",
        message:
          "the observer cannot be opened over HTTP: it needs the package @effect/platform-node: npm install @effect/platform-node"
      })
    )
    : Effect.succeed(loaded))

const listenError = ({ host, port }: ServerOptions) => ({ cause }: { readonly cause: unknown }): ObserverHttpError => {
  const isInUse = (cause as NodeJS.ErrnoException).code === "EADDRINUSE"
  return new ObserverHttpError({
    reason: isInUse ? "InUse" : "Failed",
    message: `the observer cannot be opened at ${host}, port ${port}: ${
      isInUse ? "another server listens there; the option port selects another one" : messageOf(cause)
    }`
  })
}

const asset = (path: HttpRouter.PathInput, name: Assets.Name) =>
  HttpRouter.add(
    "GET",
    path,
    Effect.sync(() => {
      const file = Assets.read(name)
      return file === undefined
        ? HttpServerResponse.text(
          "The page is missing: a checkout has it after npm run build, and a bundle with uactor in it has none\n",
          { status: 503 }
        )
        : HttpServerResponse.uint8Array(file.content, { contentType: file.type })
    })
  )

const assets = Layer.mergeAll(
  asset("/", "index.html"),
  asset("/page.js", "page.js"),
  asset("/page.css", "page.css")
)

/** Listens until the scope closes. Returns the URL, without the token. */
export const open = (
  programFor: Handlers.ProgramFor,
  options: ServerOptions
): Effect.Effect<string, ObserverHttpError, Scope.Scope> =>
  Effect.gen(function*() {
    const { host, token } = options
    const platformOfNode = yield* platform
    const node = createServer(timeouts)
    node.maxConnections = maxConnections
    const server = yield* Effect.mapError(
      platformOfNode.make(() => node, { host, port: options.port, disablePreemptiveShutdown: true }),
      listenError(options)
    )
    // open streams end before the server waits for the end of all connections
    yield* Effect.addFinalizer(() => Effect.sync(() => node.closeAllConnections()))
    // the process may end meanwhile
    node.unref().on("connection", (connection) => connection.unref())
    // such as too many open files: the server goes on
    node.on("error", () => {})

    const address = node.address()
    const port = address !== null && typeof address === "object" ? address.port : options.port
    const routes = Layer.mergeAll(Handlers.layer(programFor, token), assets, Guard.layer({ host, port }))
    yield* Layer.build(
      HttpRouter.serve(routes, { disableListenLog: true, disableLogger: true }).pipe(
        Layer.provide(Layer.succeed(HttpServer, server)),
        Layer.provide(platformOfNode.layerHttpServices),
        // what a view asks is no part of the traces and the error reports of the program
        Layer.provide(Layer.succeed(HttpMiddleware.TracerDisabledWhen, () => true)),
        Layer.provide(Layer.succeed(CurrentErrorReporters, new Set()))
      )
    )
    return `http://${host.includes(":") ? `[${host}]` : host}:${port}`
  })
