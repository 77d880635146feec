/** Requests to the server, and their failures. */

/**
 * Why a request has failed: `Unauthorized`, the token is missing or wrong; `Ended`, the program behind the server has ended; `Unreachable`, there is
 * no connection; `NoAnswer`, the program does not answer in time; `Absent`, it has no actor, call or worker with the id; `Refused`, another error.
 */
export type Reason = "Unauthorized" | "Ended" | "Unreachable" | "NoAnswer" | "Absent" | "Refused"

export class RequestError extends Error {
  readonly reason: Reason
  constructor(reason: Reason, message: string) {
    super(message)
    this.reason = reason
  }
}

/** Whether the program has no actor, call or worker with the id. */
export const isAbsent = (error: unknown): boolean => error instanceof RequestError && error.reason === "Absent"

/** The text of a failure. */
export const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error)

/** How long the server may take to answer a question, in milliseconds. */
const patience = 15_000

/** The failure of an answer with an error. The server names a program behind it that has ended as a `ConnectionError`. */
const failureOf = async (response: Response): Promise<RequestError> => {
  const text = await response.text().catch(() => "")
  let body: { readonly _tag?: string; readonly reason?: string; readonly message?: string } = {}
  try {
    body = Object(JSON.parse(text))
  } catch {
    // the text of a proxy
  }
  const reason = response.status === 401
    ? "Unauthorized"
    : response.status === 404
    ? "Absent"
    : body._tag !== "ConnectionError"
    ? "Refused"
    : body.reason === "NotListening" || body.reason === "Closed"
    ? "Ended"
    : "NoAnswer"
  return new RequestError(reason, body.message ?? `the server has answered with ${response.status}`)
}

/** A request; `isLong`: its answer may take any time. */
export interface Request {
  readonly method?: "POST" | undefined
  readonly isLong?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** Sends a request. The answer has the status 2xx. */
export const request = async (token: string, address: string, options: Request = {}): Promise<Response> => {
  const { isLong = false, method = "GET", signal } = options
  const signals = [...(signal === undefined ? [] : [signal]), ...(isLong ? [] : [AbortSignal.timeout(patience)])]
  let response: Response
  try {
    response = await fetch(address, {
      method,
      headers: { authorization: `Bearer ${token}` },
      cache: "no-store",
      signal: AbortSignal.any(signals)
    })
  } catch (error) {
    const isLate = error instanceof DOMException && error.name === "TimeoutError"
    throw isLate
      ? new RequestError("NoAnswer", "The program does not answer: something may block its main thread.")
      : new RequestError("Unreachable", "The connection is lost.")
  }
  if (!response.ok) throw await failureOf(response)
  return response
}

/** Whether a field may be `Infinity`, which JSON has only as a string. */
const unlimited = new Set(["capacity", "concurrency", "max"])

/** The JSON of an answer. A number without limit is `Infinity`. */
export const read = async <A>(response: Response): Promise<A> => {
  try {
    return JSON.parse(
      await response.text(),
      (key, value: unknown) => value === "Infinity" && unlimited.has(key) ? Infinity : value
    ) as A
  } catch (error) {
    // the connection has broken within the answer
    throw new RequestError("Unreachable", `The connection is lost: ${String(error)}`)
  }
}

/** The lines of a stream of JSON. The generator returns when the server has ended the stream, and throws when the connection has broken. */
export async function* readLines<A>(response: Response): AsyncGenerator<A> {
  const decoder = new TextDecoder()
  const reader = response.body!.getReader()
  let rest = ""
  try {
    while (true) {
      const { done, value } = await reader.read()
      if (done) return
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n")
      rest = lines.pop()!
      for (const line of lines) if (line.trim() !== "") yield JSON.parse(line) as A
    }
  } finally {
    reader.releaseLock()
  }
}
