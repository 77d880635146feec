/**
 * What each request must be: addressed to this server by a page of this server or by no page, without a body.
 */
import * as Effect from "effect/Effect"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpRouter from "effect/http/HttpRouter"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Layer from "effect/Layer"
import { createHash, timingSafeEqual } from "node:crypto"
import * as net from "node:net"
import * as os from "node:os"
import { isLoopback } from "./address.ts"

const headers = {
  "cache-control": "no-store",
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'"
  ].join("; "),
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY"
}

/** Whether two texts are equal, in a time that does not depend on where they differ. */
export const isEqual = (a: string, b: string): boolean => {
  const [first, second] = [a, b].map((text) => createHash("sha256").update(text).digest())
  return timingSafeEqual(first!, second!)
}

/** The host of a `Host` header, or `undefined` if there is none or its port is another one. */
const hostOf = (header: string | undefined, port: number): string | undefined => {
  const url = header === undefined ? null : URL.parse(`http://${header}`)
  if (url === null || url.host !== header?.toLowerCase().replace(/:80$/, "")) return undefined
  return Number(url.port || 80) === port ? url.hostname.replace(/^\[|\]$/g, "") : undefined
}

/**
 * Whether a `Host` header names this server. An attacker who makes a name of his own stand for this computer (DNS rebinding) needs a name, so
 * the names are known ones; an exposed server has addresses that it does not know.
 */
const isHost = (header: string | undefined, { host, port }: Address): boolean => {
  const asked = hostOf(header, port)
  if (asked === undefined) return false
  if (isLoopback(asked)) return true
  return !isLoopback(host) &&
    (net.isIP(asked) > 0 || [host, os.hostname()].some((name) => name.toLowerCase() === asked))
}

/** Whether an `Origin` header, if there is one, is that of a page with this host. */
const isOrigin = (header: string | undefined, host: string | undefined): boolean =>
  header === undefined || URL.parse(header)?.host === URL.parse(`http://${host}`)?.host

/** Where the server listens. */
export interface Address {
  readonly host: string
  readonly port: number
}

const refused = (status: number, _tag: string, message: string) =>
  Effect.succeed(HttpServerResponse.jsonUnsafe({ _tag, message }, { status }))

/** Refuses foreign requests, and adds the headers of safety to all answers. */
export const layer = (address: Address): Layer.Layer<never, never, HttpRouter.HttpRouter> =>
  HttpRouter.middleware(
    (answer) =>
      Effect.flatMap(HttpServerRequest, (request) => {
        const { "content-length": length = "0", "transfer-encoding": encoding, host, origin } = request.headers
        const checked = !isHost(host, address)
          ? refused(403, "HostRefused", `the observer is not at ${host ?? "a request without a host"}`)
          : !isOrigin(origin, host)
          ? refused(403, "OriginRefused", `a page of ${origin} may not ask the observer`)
          : length !== "0" || encoding !== undefined
          ? refused(413, "RequestTooLarge", "a request to the observer has no body")
          : Effect.tapDefect(answer, (defect) => Effect.logError("the observer has not answered a request", defect))
        return HttpEffect.withPreResponseHandler(
          checked,
          (_, response) => Effect.succeed(HttpServerResponse.setHeaders(response, headers))
        )
      }),
    { global: true }
  )
