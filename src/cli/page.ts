/**
 * Serves the page of a program in this process, over the socket of the program.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import process from "node:process"
import { pathToFileURL } from "node:url"
import { messageOf } from "../internal/runtime/describe.ts"
import * as Address from "../node/http/address.ts"
import type { ObserverHttpError } from "../node/http/errors.ts"
import type { RemoteObserver } from "../node/observer/client.ts"
import type { ConnectionError } from "../node/observer/program.ts"

/** The command that opens an address in the browser of the user, and its first arguments. */
const opener = (): readonly [string, ...ReadonlyArray<string>] => {
  const { BROWSER: browser } = process.env
  if (browser !== undefined && browser !== "") return [browser]
  if (process.platform === "win32") return ["cmd", "/c", "start", ""]
  return [process.platform === "darwin" ? "open" : "xdg-open"]
}

const run = ([command, ...args]: readonly [string, ...ReadonlyArray<string>]): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { detached: true, stdio: "ignore" })
    child.once("error", reject).once("spawn", () => resolve())
    child.unref()
  })

/**
 * Opens the page. All users of the computer can read the arguments of a command, so the browser gets a file of this user that leads to the
 * page.
 */
const openBrowser = (page: Redacted.Redacted): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => fs.mkdtemp(path.join(os.tmpdir(), "uactor-page-"))),
    (folder) => Effect.promise(() => fs.rm(folder, { recursive: true, force: true }))
  ).pipe(
    Effect.flatMap((folder) => {
      const file = path.join(folder, "page.html")
      const html = `<!doctype html><meta http-equiv="refresh" content="0;url=${Redacted.value(page)}">\n`
      return Effect.tryPromise({
        try: () => fs.writeFile(file, html, { mode: 0o600 }).then(() => run([...opener(), pathToFileURL(file).href])),
        catch: messageOf
      })
    }),
    Effect.catch((message) => Console.error(`no browser could be opened: ${message}. Open the address yourself`))
  )

/** How the page is served. */
export interface PageOptions {
  readonly port: number
  /** opens it in the browser */
  readonly opens: boolean
}

/** Serves the page until the program ends, which is the failure `Closed`. */
export const serve = (
  observer: RemoteObserver,
  { opens, port }: PageOptions
): Effect.Effect<void, ConnectionError | ObserverHttpError, Scope.Scope> =>
  Effect.gen(function*() {
    // the other commands do without it
    const { open } = yield* Effect.promise(() => import("../node/http/server.ts"))
    const token = Address.newToken()
    const url = yield* open(() => observer, { host: Address.defaultHost, port, token })
    const page = Address.pageOf(url, token)
    const { pid, script } = observer.program
    yield* Console.log(
      `the page of the program ${pid}${script === "" ? "" : ` (${script})`} is at ${Redacted.value(page)}`
    )
    if (opens) yield* openBrowser(page)
    yield* Stream.runDrain(observer.events)
  })
