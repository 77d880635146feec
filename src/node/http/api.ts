/**
 * What a view may ask a program over HTTP. The paths are stable: the page and Prometheus use them.
 */
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as Schema from "effect/Schema"
import { ActorInfo, Cycle, Event, Explanation, Frame, ObserverError, Snapshot } from "../../Observer.ts"
import { ConnectionError } from "../observer/program.ts"
import * as Protocol from "../observer/protocol.ts"

/** The request has no token, or another one than the server. */
export class TokenRefused extends Schema.TaggedError<TokenRefused>()("TokenRefused", {
  message: Schema.String
}, { httpApiStatus: 401 }) {}

/** A value in the path or in the query of the request is wrong. */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>()("InvalidRequest", {
  message: Schema.String
}, { httpApiStatus: 400 }) {}

/** There is no living actor and no call in progress with this id. */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", {
  message: Schema.String
}, { httpApiStatus: 404 }) {}

/** The server sends as many streams as it may. */
export class TooManyReaders extends Schema.TaggedError<TooManyReaders>()("TooManyReaders", {
  message: Schema.String
}, { httpApiStatus: 429 }) {}

/** Compares the token of a request with that of the server. */
export class Authorization extends HttpApiMiddleware.Service<Authorization>()("uactor/NodeObserver/Authorization", {
  security: { bearer: HttpApiSecurity.http({ scheme: "Bearer" }) },
  error: TokenRefused
}) {}

/** Answers a request that does not fit its schema. */
export class RequestErrors extends HttpApiMiddleware.Service<RequestErrors>()("uactor/NodeObserver/RequestErrors", {
  error: InvalidRequest
}) {}

const programGone = ConnectionError.annotate({ httpApiStatus: 503 })

/** The status of each `reason` of an `ObserverError`. */
const statuses = {
  NotFound: 404,
  NoAnswer: 504,
  WorkerEnded: 410,
  Unsupported: 501,
  NotRestarted: 409,
  Failed: 500
} as const satisfies Record<ObserverError["reason"], number>

const observerErrors = Object.entries(statuses).map(([reason, status]) =>
  ObserverError.check(Schema.makeFilter((error) => error.reason === reason)).annotate({ httpApiStatus: status })
)

const actionErrors = [...observerErrors, Protocol.ActionNotAllowed.annotate({ httpApiStatus: 403 }), programGone]

const id = { id: Schema.String }

const asFile = HttpApiSchema.StreamUint8Array({ contentType: "application/octet-stream" })

const observer = HttpApiGroup.make("observer").add(
  HttpApiEndpoint.get("program", "/api/program", { success: Protocol.ProgramInfo }),
  HttpApiEndpoint.get("snapshot", "/api/snapshot", {
    query: Protocol.snapshotFields,
    success: Snapshot,
    error: programGone
  }),
  // ends when the program ends; an empty line now and then
  HttpApiEndpoint.get("events", "/api/events", {
    success: HttpApiSchema.StreamNdjson({ schema: Event }),
    error: [TooManyReaders, programGone]
  }),
  HttpApiEndpoint.get("actor", "/api/actors/:id", {
    params: id,
    query: Protocol.callsField,
    success: ActorInfo,
    error: [NotFound, programGone]
  }),
  // of a call or an actor
  HttpApiEndpoint.get("why", "/api/why/:id", { params: id, success: Explanation, error: [NotFound, programGone] }),
  HttpApiEndpoint.get("deadlocks", "/api/deadlocks", { success: Schema.Array(Cycle), error: programGone }),
  HttpApiEndpoint.post("stack", "/api/workers/:id/stack", {
    params: id,
    success: Schema.Array(Frame),
    error: [...observerErrors, programGone]
  }),
  HttpApiEndpoint.post("cpuProfile", "/api/workers/:id/cpu-profile", {
    params: id,
    query: { millis: Protocol.between(1, Protocol.maxProfileMillis) },
    success: asFile,
    error: [TooManyReaders, ...actionErrors]
  }),
  HttpApiEndpoint.post("heapSnapshot", "/api/workers/:id/heap-snapshot", {
    params: id,
    success: asFile,
    error: [TooManyReaders, ...actionErrors]
  }),
  HttpApiEndpoint.post("stop", "/api/actors/:id/stop", {
    params: id,
    query: { drain: Schema.optionalKey(Schema.Literals(["true", "false"])) },
    error: actionErrors
  }),
  HttpApiEndpoint.post("kill", "/api/actors/:id/kill", { params: id, error: actionErrors }),
  HttpApiEndpoint.post("restart", "/api/actors/:id/restart", { params: id, error: actionErrors }),
  HttpApiEndpoint.get("metrics", "/metrics", {
    success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/plain; version=0.0.4; charset=utf-8" })),
    error: programGone
  })
).middleware(RequestErrors).middleware(Authorization)

export const ObserverApi = HttpApi.make("uactor").add(observer)
