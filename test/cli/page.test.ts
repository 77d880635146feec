/** The command `uactor page`: the page of another program, over its socket. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import * as Server from "../../src/node/http/server.ts"
import * as Addresses from "../../src/node/observer/addresses.ts"
import * as Client from "../../src/node/observer/client.ts"
import { folder, observed } from "../contract/observe/programs/start.ts"
import { eventually, pageOf, request, stream } from "../contract/support/requests.ts"
import { command, start } from "./command.ts"

const open = (actions: string) => ({ UACTOR_OBSERVER: "socket", UACTOR_OBSERVER_ACTIONS: actions })

const served = (runtime: string, args: ReadonlyArray<string> = [], variables: NodeJS.ProcessEnv = {}) =>
  Effect.gen(function*() {
    let output = ""
    const running = yield* start(command("page", ...args), runtime, process.cwd(), variables)
    running.child.stdout.on("data", (text) => (output += String(text)))
    yield* running.prints(/#token=.*\n/)
    const { authorization, url } = pageOf(output)
    const ask = (path: string, method = "GET") => request(url + path, { method, headers: { authorization } })
    return { running, output, authorization, url, ask }
  })

describe("uactor page", () => {
  it.live("serves the API of the program, with the actions of the program", () =>
    Effect.gen(function*() {
      const runtime = yield* folder
      const { ids: [onThread, inProcess], pid } = yield* observed(runtime, open("kill,heap"))
      const { ask, authorization, output, url } = yield* served(runtime, [String(pid)])
      assert.include(output, `the page of the program ${pid} (`)
      const { json: program } = yield* ask("/api/program")
      assert.deepStrictEqual([program.pid, program.actions], [pid, ["kill", "heap"]])
      assert.strictEqual((yield* request(`${url}/api/program`)).status, 401)
      const { json: snapshot } = yield* ask("/api/snapshot?sort=age")
      assert.deepStrictEqual(snapshot.actors.map(({ id }: any) => id), [onThread, inProcess])
      assert.match((yield* ask(`/api/why/${onThread}`)).json.text, new RegExp(`^${onThread} runs `))
      assert.strictEqual((yield* ask("/metrics")).status, 200)
      assert.isArray((yield* ask("/api/workers/thread-1/stack", "POST")).json)
      const heap = yield* ask("/api/workers/thread-1/heap-snapshot", "POST")
      assert.strictEqual(
        heap.json.nodes.length,
        heap.json.snapshot.node_count * heap.json.snapshot.meta.node_fields.length
      )
      const refused = yield* ask(`/api/actors/${onThread}/stop`, "POST")
      assert.deepStrictEqual([refused.status, refused.json._tag], [403, "ActionNotAllowed"])
      const unknown = yield* ask("/api/actors/Nobody-1/kill", "POST")
      assert.deepStrictEqual([unknown.status, unknown.json.reason], [404, "NotFound"])
      const events = yield* stream(`${url}/api/events`, authorization)
      // the subscription of the program may begin later
      yield* eventually(Effect.map(ask("/api/deadlocks"), ({ status }) => status === 200))
      assert.strictEqual((yield* ask(`/api/actors/${onThread}/kill`, "POST")).status, 204)
      yield* eventually(Effect.sync(() => events.lines.some((line) => line.includes("ActorEnded"))))
    }))

  it.live("ends with the program, as its streams do", () =>
    Effect.gen(function*() {
      const runtime = yield* folder
      const program = yield* observed(runtime, open(""))
      const { authorization, running, url } = yield* served(runtime)
      const events = yield* stream(`${url}/api/events`, authorization)
      yield* program.kill
      const { code, stderr } = yield* running.ended
      assert.strictEqual(code, 0, stderr)
      assert.match(stderr, new RegExp(`the program ${program.pid} has ended`))
      yield* eventually(Effect.sync(() => events.ended()))
    }))

  it.live("a request after the end of the program is answered with what has happened", () =>
    Effect.gen(function*() {
      const runtime = yield* folder
      const program = yield* observed(runtime, open("kill,profile,heap"))
      const [address] = Addresses.list([path.join(runtime, "uactor")])
      const observer = yield* Client.connect(address!)
      const token = Redacted.make("0123456789abcdef0123456789abcdef")
      const url = yield* Server.open(() => observer, { host: "127.0.0.1", port: 0, token })
      const headers = { authorization: `Bearer ${Redacted.value(token)}` }
      yield* program.kill
      const paths: ReadonlyArray<readonly [string, string]> = [
        ["GET", "/api/snapshot"],
        ["GET", "/api/actors/x"],
        ["GET", "/api/why/x"],
        ["GET", "/api/deadlocks"],
        ["GET", "/metrics"],
        ["POST", "/api/workers/thread-1/stack"],
        ["POST", "/api/workers/thread-1/cpu-profile?millis=10"],
        ["POST", "/api/workers/thread-1/heap-snapshot"],
        ["POST", "/api/actors/x/kill"]
      ]
      for (const [method, path] of paths) {
        const { json, status } = yield* request(url + path, { method, headers })
        assert.deepStrictEqual([status, json._tag, json.reason], [503, "ConnectionError", "Closed"], path)
        assert.include(json.message, "has ended")
      }
      assert.strictEqual((yield* request(`${url}/api/program`, { headers })).json.pid, program.pid)
    }))

  it.live("--open gives the browser a file of this user, which leads to the page", () =>
    Effect.gen(function*() {
      const runtime = yield* folder
      yield* observed(runtime, open(""))
      const asked = path.join(runtime, "asked")
      const browser = path.join(runtime, "browser")
      fs.writeFileSync(browser, `#!/bin/sh\nprintf '%s' "$*" > '${asked}.part'\nmv '${asked}.part' '${asked}'\n`, {
        mode: 0o700
      })
      const { authorization, url } = yield* served(runtime, ["--open"], { BROWSER: browser })
      yield* eventually(Effect.sync(() => fs.existsSync(asked)))
      const argument = fs.readFileSync(asked, "utf8")
      const token = authorization.slice("Bearer ".length)
      assert.notInclude(argument, token)
      const file = fileURLToPath(argument)
      assert.strictEqual(fs.statSync(file).mode & 0o777, 0o600)
      assert.strictEqual(fs.statSync(path.dirname(file)).mode & 0o777, 0o700)
      assert.include(fs.readFileSync(file, "utf8"), `url=${url}/#token=${token}`)
      const none = yield* start(command("page", "--open"), runtime, process.cwd(), {
        BROWSER: path.join(runtime, "none")
      })
      let stderr = ""
      none.child.stderr.on("data", (text) => (stderr += String(text)))
      yield* none.prints(/#token=/)
      yield* eventually(Effect.sync(() => /no browser could be opened/.test(stderr)))
    }))

  it.live("a used port and a wrong one are named, with exit code 2", () =>
    Effect.gen(function*() {
      const runtime = yield* folder
      yield* observed(runtime, open(""))
      const { url } = yield* served(runtime)
      const { port } = new URL(url)
      for (const [args, message] of [[["--port", port], `port ${port}`], [["--port", "65536"], "--port"]] as const) {
        const { code, stderr } = yield* Effect.flatMap(start(command("page", ...args), runtime), ({ ended }) => ended)
        assert.strictEqual(code, 2)
        assert.include(stderr, message)
      }
    }))
})
