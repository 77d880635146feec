/** What tests of the observer over HTTP ask a server. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as http from "node:http"

/** What a server has answered. */
export interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
  readonly json: any
}

/** What a request has besides its address. */
export interface Asked {
  readonly method?: string
  readonly headers?: http.OutgoingHttpHeaders
  readonly body?: string
}

/** The files of the page. */
export const assets = ["/", "/page.js", "/page.css"]

/** Asks a server, with these headers and no others but `Host`. */
export const request = (url: string, { body, headers = {}, method = "GET" }: Asked = {}): Effect.Effect<Answer> =>
  Effect.promise(() =>
    new Promise((resolve, reject) => {
      const asked = http.request(url, { agent: false, method, headers }, (answer) => {
        let text = ""
        answer.setEncoding("utf8").on("data", (piece) => (text += piece)).on("error", reject).on("end", () => {
          const { headers, statusCode = 0 } = answer
          const json = text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : undefined
          resolve({ status: statusCode, headers, body: text, json })
        })
      })
      asked.on("error", reject).end(body)
    })
  )

/** Reads a stream of lines until the scope ends. */
export const stream = (url: string, authorization: string) =>
  Effect.acquireRelease(
    Effect.callback<
      { readonly status: number; readonly lines: ReadonlyArray<string>; readonly ended: () => boolean; close(): void }
    >((resume) => {
      const lines: Array<string> = []
      let ended = false
      const asked = http.get(url, { agent: false, headers: { authorization } }, (answer) => {
        const end = (): void => void (ended = true)
        answer.setEncoding("utf8").on("data", (text: string) => lines.push(...text.split("\n"))).on("error", end)
        answer.on("close", end)
        resume(Effect.succeed({
          status: answer.statusCode ?? 0,
          lines,
          ended: () => ended,
          close: () => asked.destroy()
        }))
      })
      asked.on("error", () => void (ended = true))
    }),
    ({ close }) => Effect.sync(close)
  )

/** Asks again until the answer is yes. */
export const eventually = <E, R>(asked: Effect.Effect<boolean, E, R>): Effect.Effect<boolean, E, R> =>
  Effect.repeat(asked, { until: Boolean, schedule: Schedule.spaced(20) })

/** The address of a page, and the token of its fragment, in what a program has printed. */
export const pageOf = (output: string): { readonly url: string; readonly authorization: string } => {
  const [, url = "", token = ""] = /(http:\/\/127\.0\.0\.1:\d+)\/#token=([\w-]+)/.exec(output) ?? []
  assert.notStrictEqual(url, "", output)
  return { url, authorization: `Bearer ${token}` }
}
