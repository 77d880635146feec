/**
 * Answers the requests of the API from an observed program.
 */
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Event } from "../../Observer.ts"
import { type ConnectionError, fileNameOf, type ObservedProgram } from "../observer/program.ts"
import * as Protocol from "../observer/protocol.ts"
import * as Api from "./api.ts"
import * as Guard from "./guard.ts"

/** A program, as the reader with a name sees it. */
export type ProgramFor = (reader: string) => ObservedProgram<ConnectionError>

/** Who asks: the address and the kind of the client. */
const readerOf = ({ headers, remoteAddress }: HttpServerRequest): string =>
  `${Option.getOrElse(remoteAddress, () => "an unknown address")}, ${headers["user-agent"] ?? "an unnamed client"}`

/** A place for a stream, until the request ends. */
const places = (): Effect.Effect<void, Api.TooManyReaders, Scope.Scope> => {
  let taken = 0
  return Effect.acquireRelease(
    Effect.suspend(() => {
      if (taken < Protocol.maxReaders) {
        taken++
        return Effect.void
      }
      return Effect.fail(
        new Api.TooManyReaders({
          message: `the observer sends ${Protocol.maxReaders} streams already, which is the maximum: close one of them`
        })
      )
    }),
    () => Effect.sync(() => taken--)
  )
}

/** A stream that has begun: a failure before its first item is a failure of the effect. */
const begun = <A, E>(stream: Stream.Stream<A, E>): Effect.Effect<Stream.Stream<A, E>, E, Scope.Scope> =>
  Effect.flatMap(Stream.toPull(stream), (pull) =>
    pull.pipe(
      Effect.map((first) => Stream.concat(Stream.fromIterable(first), Stream.fromPull(Effect.succeed(pull)))),
      Pull.catchDone(() => Effect.succeed(Stream.empty))
    ))

/** The content of a file, for a client that saves it. */
const attachment = <E>(content: Stream.Stream<Uint8Array, E>, name: string) =>
  HttpServerResponse.stream(content, {
    contentType: "application/octet-stream",
    headers: { "content-disposition": `attachment; filename="${name}"` }
  })

const eventLine = Schema.encodeSync(Schema.fromJsonString(Schema.toCodecJson(Event)))

// the connection of a reader that is gone breaks when it is written to
const blankLines = Stream.map(Stream.tick("15 seconds"), () => "\n")

const found = <A>(id: string) => (found: Option.Option<A>): Effect.Effect<A, Api.NotFound> =>
  Option.match(found, {
    onNone: () =>
      Effect.fail(new Api.NotFound({ message: `no living actor and no call in progress has the id ${id}` })),
    onSome: Effect.succeed
  })

const observer = (programFor: ProgramFor) =>
  HttpApiBuilder.group(Api.ObserverApi, "observer", (handlers) => {
    const { actor, deadlocks, events, metrics, program, snapshot, stack, why } = programFor("a view")
    const place = places()
    return handlers
      .handle("program", () => Effect.succeed(program))
      .handle("snapshot", ({ query: { calls, limit, name, pool, sort, worker } }) =>
        snapshot({ calls, limit, sort, filter: { name, worker, pool } }))
      .handle("events", () =>
        Effect.as(
          place,
          HttpServerResponse.stream(
            Stream.merge(
              blankLines,
              Stream.map(events, (event) =>
                `${eventLine(event)}\n`),
              { haltStrategy: "right" }
            )
              .pipe(Stream.encodeText),
            { contentType: "application/x-ndjson" }
          )
        ))
      .handle("actor", ({ params: { id }, query }) =>
        Effect.flatMap(actor(id, query), found(id)))
      .handle("why", ({ params: { id } }) => Effect.flatMap(why(id), found(id)))
      .handle("deadlocks", () => deadlocks)
      .handle("stack", ({ params: { id } }) => stack(id))
      .handle("cpuProfile", ({ params: { id }, query: { millis }, request }) =>
        Effect.andThen(
          place,
          Effect.map(
            begun(Stream.encodeText(programFor(readerOf(request)).cpuProfile(id, millis))),
            (content) => attachment(content, fileNameOf(id, ".cpuprofile"))
          )
        ))
      .handle("heapSnapshot", ({ params: { id }, request }) =>
        Effect.andThen(
          place,
          Effect.map(
            begun(programFor(readerOf(request)).heapSnapshot(id)),
            (content) => attachment(content, fileNameOf(id, ".heapsnapshot"))
          )
        ))
      .handle(
        "stop",
        ({ params: { id }, query: { drain }, request }) => programFor(readerOf(request)).stop(id, drain === "true")
      )
      .handle("kill", ({ params: { id }, request }) => programFor(readerOf(request)).kill(id))
      .handle("restart", ({ params: { id }, request }) => programFor(readerOf(request)).restart(id))
      .handle("metrics", () => Stream.mkString(metrics))
  })

const authorization = (token: Redacted.Redacted) =>
  Layer.succeed(Api.Authorization, {
    bearer: (answer, { credential }) =>
      Guard.isEqual(Redacted.value(credential), Redacted.value(token))
        ? answer
        : Effect.fail(
          new Api.TokenRefused({
            message:
              "the request needs the token of the observer in its header Authorization: Bearer. Open the address that the program has logged at its start"
          })
        )
  })

const requestErrors = HttpApiMiddleware.layerSchemaErrorTransform(
  Api.RequestErrors,
  (error) =>
    error.kind === "Body" || error.kind === "ResponseHeaders"
      ? Effect.fail(error)
      : Effect.fail(new Api.InvalidRequest({ message: error.cause.message }))
)

/** The API for clients with a token. */
export const layer = (programFor: ProgramFor, token: Redacted.Redacted) =>
  HttpApiBuilder.layer(Api.ObserverApi).pipe(
    Layer.provide(observer(programFor)),
    Layer.provide([authorization(token), requestErrors])
  )
