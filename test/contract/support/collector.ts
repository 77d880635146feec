/**
 * A stub of an OpenTelemetry collector on loopback: it keeps what exporters of OTLP over HTTP send to it as JSON.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import * as zlib from "node:zlib"

/** Attributes as plain data. An integer is a number. */
type Attributes = Readonly<Record<string, unknown>>

/** A span, as it was received. Times in nanoseconds since 1970. */
export interface Span {
  readonly resource: Attributes
  readonly name: string
  /** 1: internal, 2: server, 3: client, 4: producer, 5: consumer */
  readonly kind: number
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly start: bigint
  readonly end: bigint
  readonly attributes: Attributes
  readonly events: ReadonlyArray<{ readonly name: string; readonly at: bigint; readonly attributes: Attributes }>
  readonly links: ReadonlyArray<{ readonly traceId: string; readonly spanId: string }>
  /** 0: unset, 1: ok, 2: error */
  readonly status: number
}

/** An entry of a log, as it was received. */
interface LogEntry {
  readonly resource: Attributes
  readonly body: unknown
  readonly severity: string
  readonly at: bigint
  readonly attributes: Attributes
  readonly traceId: string | undefined
  readonly spanId: string | undefined
}

/** A metric, as it was received. `data`: the rest of its fields as in OTLP: `sum`, `gauge`, `histogram` or `summary`. */
interface Metric {
  readonly resource: Attributes
  readonly name: string
  readonly unit: string
  readonly data: any
}

/** A running stub. */
export interface Collector {
  /** the base URL of the exporters, without a final slash */
  readonly url: string
  /** what has been received so far, in order */
  readonly spans: ReadonlyArray<Span>
  readonly logs: ReadonlyArray<LogEntry>
  readonly metrics: ReadonlyArray<Metric>
}

const valueOf = (value: any): unknown => {
  if (value === undefined) return undefined
  if ("intValue" in value) return Number(value.intValue)
  if ("arrayValue" in value) return (value.arrayValue.values ?? []).map(valueOf)
  if ("kvlistValue" in value) return attributesOf(value.kvlistValue.values)
  return value.stringValue ?? value.boolValue ?? value.doubleValue
}

// the attributes of a part of a message of OTLP
const attributesOf = (attributes: ReadonlyArray<any> = []): Attributes =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, valueOf(value)]))

const read = async (request: http.IncomingMessage): Promise<any> => {
  const chunks: Array<Uint8Array> = []
  for await (const chunk of request) chunks.push(chunk as Uint8Array)
  const body = Buffer.concat(chunks)
  return JSON.parse((request.headers["content-encoding"] === "gzip" ? zlib.gunzipSync(body) : body).toString("utf8"))
}

const absent = (id: string | undefined): string | undefined => id === "" ? undefined : id

class Received implements Collector {
  url = ""
  readonly spans: Array<Span> = []
  readonly logs: Array<LogEntry> = []
  readonly metrics: Array<Metric> = []

  add(path: string, body: any): boolean {
    switch (path) {
      case "/v1/traces":
        this.each(
          body.resourceSpans,
          "scopeSpans",
          "spans",
          (resource, span) => this.spans.push(spanOf(resource, span))
        )
        return true
      case "/v1/logs":
        this.each(body.resourceLogs, "scopeLogs", "logRecords", (resource, log) => this.logs.push(logOf(resource, log)))
        return true
      case "/v1/metrics":
        this.each(body.resourceMetrics, "scopeMetrics", "metrics", (resource, { name, unit = "", ...data }) => {
          this.metrics.push({ resource, name, unit, data })
        })
        return true
      default:
        return false
    }
  }

  private each(
    groups: ReadonlyArray<any> = [],
    scopes: string,
    items: string,
    add: (resource: Attributes, item: any) => void
  ): void {
    for (const group of groups) {
      const resource = attributesOf(group.resource?.attributes)
      for (const scope of group[scopes] ?? []) for (const item of scope[items] ?? []) add(resource, item)
    }
  }
}

const spanOf = (resource: Attributes, span: any): Span => ({
  resource,
  name: span.name,
  kind: span.kind,
  traceId: span.traceId,
  spanId: span.spanId,
  parentSpanId: absent(span.parentSpanId),
  start: BigInt(span.startTimeUnixNano),
  end: BigInt(span.endTimeUnixNano),
  attributes: attributesOf(span.attributes),
  events: (span.events ?? []).map(({ attributes, name, timeUnixNano }: any) => ({
    name,
    at: BigInt(timeUnixNano),
    attributes: attributesOf(attributes)
  })),
  links: (span.links ?? []).map(({ spanId, traceId }: any) => ({ traceId, spanId })),
  status: span.status?.code ?? 0
})

const logOf = (resource: Attributes, log: any): LogEntry => ({
  resource,
  body: valueOf(log.body),
  severity: log.severityText,
  at: BigInt(log.timeUnixNano),
  attributes: attributesOf(log.attributes),
  traceId: absent(log.traceId),
  spanId: absent(log.spanId)
})

/** A collector that runs until the scope closes. */
export const make: Effect.Effect<Collector, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.promise(async () => {
      const received = new Received()
      const server = http.createServer((request, response) => {
        // a connection that is kept would outlive the test
        const respond = (status: number): void =>
          void response.writeHead(status, { connection: "close", "content-type": "application/json" }).end("{}")
        read(request).then((body) => respond(received.add(request.url!, body) ? 200 : 404), () => respond(400))
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      received.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      return { received, server }
    }),
    ({ server }) =>
      Effect.promise(() =>
        new Promise<void>((resolve) => {
          server.close(() => resolve())
          server.closeAllConnections()
        })
      )
  ),
  ({ received }) => received
)
