/** The observer over HTTP: who may ask, what is refused, and what is left of it. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Redacted, Schedule, Scope } from "effect"
import { execFile } from "node:child_process"
import * as fs from "node:fs"
import * as http from "node:http"
import * as net from "node:net"
import * as path from "node:path"
import { promisify } from "node:util"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as NodeObserver from "../../../src/node/NodeObserver.ts"
import { errorOf, forked, logOf } from "../support/asserts.ts"
import { assertNothingAdded, holdings } from "../support/leaks.ts"
import { type Asked, assets, eventually, pageOf, request, stream } from "../support/requests.ts"
import { Busy } from "./actors/busy.ts"
import { opened } from "./programs/openHttp.ts"
import { folder, observed, projectWithEffectAlone } from "./programs/start.ts"

const open = (scope: Scope.Closeable, options: NodeObserver.HttpOptions = {}) =>
  Effect.map(
    Layer.buildWithScope(NodeObserver.layerHttp(options), scope),
    (context) => Context.get(context, NodeObserver.HttpAddress)
  )

const closed = (scope: Scope.Closeable) => Scope.close(scope, Exit.void)

describe("who may ask", () => {
  it.live("a request needs the token in its header, and gives it nowhere else", () =>
    Effect.gen(function*() {
      const { ask, authorization, url } = yield* opened()
      const token = authorization.slice("Bearer ".length)
      const api = ["/api/program", "/api/snapshot", "/api/events", "/api/deadlocks", "/api/why/x", "/metrics"]
      for (const path of api) {
        const refused: ReadonlyArray<Asked["headers"]> = [
          {},
          { authorization: "Bearer" },
          { authorization: `Bearer ${"x".repeat(token.length)}` },
          { authorization: `Bearer ${token}x` },
          { authorization: `Basic ${token}` },
          { cookie: `token=${token}` }
        ]
        for (const headers of refused) {
          const { json, status } = yield* request(url + path, { headers: headers! })
          assert.deepStrictEqual([status, json._tag], [401, "TokenRefused"], `${path} ${JSON.stringify(headers)}`)
        }
        for (const query of ["token", "access_token", "authorization"]) {
          assert.strictEqual((yield* request(`${url}${path}?${query}=${token}`)).status, 401)
        }
      }
      assert.strictEqual((yield* ask("/api/program")).status, 200)
      for (const path of ["/api/actors/x/kill", "/api/workers/memory-1/heap-snapshot"]) {
        assert.strictEqual((yield* request(url + path, { method: "POST" })).status, 401)
      }
    }))

  it.live("each answer forbids foreign scripts, frames and copies, and sets no cookie", () =>
    Effect.gen(function*() {
      const { ask, url } = yield* opened()
      const answers = [
        yield* ask("/api/program"),
        yield* ask("/nowhere"),
        yield* request(`${url}/api/program`),
        yield* ask("/api/program", { headers: { origin: "http://evil.example" } }),
        ...yield* Effect.forEach(assets, (path) => request(url + path))
      ]
      for (const { headers } of answers) {
        assert.match(String(headers["content-security-policy"]), /default-src 'none';.*frame-ancestors 'none'/)
        assert.notInclude(String(headers["content-security-policy"]), "unsafe")
        assert.deepStrictEqual(
          [headers["x-content-type-options"], headers["referrer-policy"], headers["cache-control"]],
          ["nosniff", "no-referrer", "no-store"]
        )
        assert.deepStrictEqual(Object.keys(headers).filter((name) => /^access-control|^set-cookie/.test(name)), [])
      }
    }))

  it.live("refuses a foreign Host and a foreign Origin, also with the token", () =>
    Effect.gen(function*() {
      const { ask, url } = yield* opened()
      const { host, port } = new URL(url)
      const hosts = ["evil.example", `evil.example:${port}`, "127.0.0.1", "127.0.0.1:1", `10.0.0.1:${port}`, "a b"]
      for (const path of ["/api/program", ...assets]) {
        for (const host of hosts) {
          const { json, status } = yield* ask(path, { headers: { host } })
          assert.deepStrictEqual([status, json?._tag], [403, "HostRefused"], `${path} ${host}`)
        }
        const origins = ["http://evil.example", `http://evil.example:${port}`, "null", "http://127.0.0.1:1", "file://"]
        for (const origin of origins) {
          const { json, status } = yield* ask(path, { headers: { origin } })
          assert.deepStrictEqual([status, json._tag], [403, "OriginRefused"], `${path} ${origin}`)
        }
      }
      const bare = yield* Effect.promise(() =>
        new Promise<string>((resolve) => {
          let answer = ""
          const connection = net.createConnection(Number(port), "127.0.0.1")
          connection.on("data", (text) => (answer += String(text))).on("close", () => resolve(answer))
          connection.write("GET / HTTP/1.0\r\n\r\n")
        })
      )
      assert.match(bare, /^HTTP\/1\.1 403 /)
      for (const host of [`localhost:${port}`, `LocalHost:${port}`, `[::1]:${port}`]) {
        assert.strictEqual((yield* ask("/api/program", { headers: { host } })).status, 200)
      }
      assert.strictEqual((yield* ask("/api/program", { headers: { origin: `http://${host}` } })).status, 200)
      const preflight = yield* ask("/api/actors/x/kill", { method: "OPTIONS", headers: { origin: `http://${host}` } })
      assert.strictEqual(preflight.status, 404)
    }))

  it.live("an address of other computers needs host and dangerouslyExpose", () =>
    Effect.gen(function*() {
      for (const host of ["0.0.0.0", "::", "192.168.1.1", "example.org"]) {
        assert.throws(() => NodeObserver.layerHttp({ host }), RangeError, /dangerouslyExpose/)
      }
      const local = yield* opened({ dangerouslyExpose: true })
      assert.strictEqual(new URL(local.url).hostname, "127.0.0.1")
      const { ask, url } = yield* opened({ host: "0.0.0.0", dangerouslyExpose: true })
      const { port } = new URL(url)
      for (const [host, status] of [[`10.0.0.1:${port}`, 200], [`evil.example:${port}`, 403]] as const) {
        assert.strictEqual((yield* ask("/api/program", { headers: { host } })).status, status)
      }
    }))

  it("rejects a wrong option", () => {
    assert.throws(() => NodeObserver.layerHttp({ port: 65_536 }), RangeError, /port must be an integer/)
    assert.throws(() => NodeObserver.layerHttp({ port: -1 }), RangeError, /port/)
    assert.throws(() => NodeObserver.layerHttp({ token: "secret" }), RangeError, /token must have at least 32/)
    const actions = ["explode" as "kill"]
    assert.throws(() => NodeObserver.layerHttp({ actions }), RangeError, /layerHttp: actions may contain stop/)
  })

  it.live("takes the token of the program", () =>
    Effect.gen(function*() {
      const token = "0123456789abcdef0123456789abcdef"
      for (const given of [token, Redacted.make(token)]) {
        assert.strictEqual((yield* opened({ token: given })).authorization, `Bearer ${token}`)
      }
      const tokens = yield* Effect.replicateEffect(Effect.map(opened(), ({ authorization }) => authorization), 2)
      assert.notStrictEqual(tokens[0], tokens[1])
      assert.strictEqual(Buffer.from(tokens[0]!.slice("Bearer ".length), "base64url").length * 8, 192)
    }))

  it.live("a request has no body, and its head is short", () =>
    Effect.gen(function*() {
      const { ask } = yield* opened({ actions: ["kill"] })
      for (const headers of [{}, { "transfer-encoding": "chunked" }]) {
        const { json, status } = yield* ask("/api/actors/x/kill", { method: "POST", body: "x".repeat(70_000), headers })
        assert.deepStrictEqual([status, json._tag], [413, "RequestTooLarge"])
      }
      assert.strictEqual((yield* ask(`/api/actors/${"x".repeat(20_000)}`)).status, 431)
      assert.strictEqual((yield* ask("/api/program")).status, 200)
    }))
})

describe("the life of the server", () => {
  it.live("the address is logged once, and the program has it", () => {
    const { layer, lines } = logOf("Info")
    return Effect.gen(function*() {
      const scope = yield* Effect.scope
      const { page, token, url } = yield* open(scope as Scope.Closeable)
      assert.strictEqual(Redacted.value(page), `${url}/#token=${Redacted.value(token)}`)
      assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/)
      const logged = lines.filter(({ message }) => message.includes(url))
      assert.strictEqual(logged.length, 1)
      assert.include(logged[0]!.message, Redacted.value(page))
      assert.notInclude(JSON.stringify({ page, token }), Redacted.value(token))
    }).pipe(Effect.provide(layer))
  })

  it.live("a used port is a typed error that names it", () =>
    Effect.gen(function*() {
      const { url } = yield* opened()
      const port = Number(new URL(url).port)
      const error = errorOf(yield* Effect.exit(Layer.build(NodeObserver.layerHttp({ port }))))
      assert.deepStrictEqual([error._tag, error.reason], ["ObserverHttpError", "InUse"])
      assert.include(error.message, String(port))
      const unknown = NodeObserver.layerHttp({ host: "192.0.2.1", dangerouslyExpose: true })
      assert.strictEqual(errorOf(yield* Effect.exit(Layer.build(unknown))).reason, "Failed")
    }))

  it.live("a missing package is a typed error with the command that installs it", () =>
    Effect.gen(function*() {
      const project = yield* projectWithEffectAlone
      fs.writeFileSync(
        path.join(project, "main.ts"),
        `import { Effect, Layer } from "effect"
        import { layerHttp } from "./src/node/NodeObserver.ts"
        const { _tag, message, reason } = await Effect.runPromise(Effect.flip(Effect.scoped(Layer.build(layerHttp()))))
        console.log(JSON.stringify([_tag, reason, message]))`
      )
      const { stdout } = yield* Effect.promise(() =>
        promisify(execFile)(process.execPath, [path.join(project, "main.ts")])
      )
      const [tag, reason, message] = JSON.parse(stdout)
      assert.deepStrictEqual([tag, reason], ["ObserverHttpError", "MissingPackage"])
      assert.include(message, "npm install @effect/platform-node")
    }))

  it.live("a checkout that has not been built says so in place of the page, and the API works", () =>
    Effect.gen(function*() {
      const project = yield* projectWithEffectAlone
      fs.mkdirSync(path.join(project, "node_modules/@effect"))
      const platform = "node_modules/@effect/platform-node"
      fs.symlinkSync(path.resolve(import.meta.dirname, "../../..", platform), path.join(project, platform))
      fs.writeFileSync(
        path.join(project, "main.ts"),
        `import { Effect, Redacted } from "effect"
        import { HttpAddress, layerHttp } from "./src/node/NodeObserver.ts"
        await Effect.gen(function*() {
          const { token, url } = yield* HttpAddress
          const headers = { authorization: "Bearer " + Redacted.value(token) }
          const ask = (path) => Effect.promise(() => fetch(url + path, { headers }))
          const page = yield* ask("/")
          console.log(JSON.stringify([page.status, yield* Effect.promise(() => page.text()), (yield* ask("/api/program")).status]))
        }).pipe(Effect.provide(layerHttp()), Effect.runPromise)`
      )
      const { stdout } = yield* Effect.promise(() =>
        promisify(execFile)(process.execPath, [path.join(project, "main.ts")])
      )
      assert.deepStrictEqual(JSON.parse(stdout.trim().split("\n").at(-1)!), [
        503,
        "The page is missing: a checkout has it after npm run build, and a bundle with uactor in it has none\n",
        200
      ])
    }))

  it.live("the end of the layer ends open streams, and leaves nothing", () =>
    Effect.gen(function*() {
      const before = holdings()
      const scope = yield* Scope.make()
      const { token, url } = yield* open(scope)
      const authorization = `Bearer ${Redacted.value(token)}`
      yield* Effect.scoped(Effect.gen(function*() {
        const streams = yield* Effect.replicateEffect(stream(`${url}/api/events`, authorization), 3)
        // a connection that sends nothing
        const port = Number(new URL(url).port)
        const idle = net.createConnection(port, "127.0.0.1").on("error", () => {})
        yield* Effect.callback<void>((resume) => void idle.once("connect", () => resume(Effect.void)))
        yield* closed(scope)
        yield* eventually(Effect.sync(() => streams.every(({ ended }) => ended())))
        yield* eventually(Effect.sync(() => idle.destroyed || idle.readableEnded))
        idle.destroy()
        const refused = yield* Effect.exit(Effect.tryPromise(() => fetch(url)))
        assert.isTrue(Exit.isFailure(refused))
      }))
      yield* Effect.promise(() => assertNothingAdded(before))
    }))

  it.live("readers that go away leave nothing", () =>
    Effect.gen(function*() {
      const { ask, authorization, url } = yield* opened()
      yield* ask("/api/snapshot")
      const before = holdings()
      for (let i = 0; i < 20; i++) {
        const { status } = yield* Effect.scoped(stream(`${url}/api/events`, authorization)).pipe(
          Effect.repeat({ until: ({ status }) => status === 200, schedule: Schedule.spaced(10) })
        )
        assert.strictEqual(status, 200)
      }
      yield* Effect.promise(() => assertNothingAdded(before))
    }))

  it.live("a stop goes on when its client goes away", () =>
    Effect.gen(function*() {
      const { ask, authorization, context, url } = yield* opened({ actions: ["stop"] })
      const busy = yield* Effect.provideContext(Busy.spawn(), context)
      const id = ActorRef.id(busy)
      const call = yield* forked(busy.hang())
      const asked = http.request(`${url}/api/actors/${id}/stop?drain=true`, {
        agent: false,
        method: "POST",
        headers: { authorization }
      })
      asked.on("error", () => {}).end()
      yield* eventually(Effect.map(ask(`/api/actors/${id}`), ({ json }) => json.state === "Draining"))
      asked.destroy()
      yield* Fiber.interrupt(call)
      yield* eventually(Effect.map(ask(`/api/actors/${id}`), ({ json }) => json.state === "Ended"))
    }))
})

describe("UACTOR_OBSERVER=http", () => {
  it.live("opens the page without a change of the program, and ends with it", () =>
    Effect.gen(function*() {
      const program = yield* observed(yield* folder, { UACTOR_OBSERVER: "http", UACTOR_OBSERVER_ACTIONS: "restart" })
      const { authorization, url } = pageOf(program.output())
      const { json } = yield* request(`${url}/api/program`, { headers: { authorization } })
      assert.deepStrictEqual([json.pid, json.actions], [program.pid, ["restart"]])
      const { json: snapshot } = yield* request(`${url}/api/snapshot`, { headers: { authorization } })
      assert.deepStrictEqual(snapshot.systems.map(({ placement }: any) => placement), ["thread", "process"])
      // an open stream does not keep the program
      const events = yield* stream(`${url}/api/events`, authorization)
      assert.strictEqual(program.output().match(/#token=/g)!.length, 1)
      assert.strictEqual(yield* program.end, 0)
      yield* eventually(Effect.sync(() => events.ended()))
    }))

  it.live("a program has one page, also if its child processes have systems of their own", () =>
    Effect.gen(function*() {
      const program = path.join(import.meta.dirname, "programs/nested.ts")
      const { stderr, stdout } = yield* Effect.promise(() =>
        promisify(execFile)(process.execPath, ["--conditions=@uactor/source", program], {
          env: { ...process.env, UACTOR_OBSERVER: "http" }
        })
      )
      assert.strictEqual((stdout + stderr).match(/#token=/g)?.length, 1, stdout + stderr)
    }))

  it.live("takes the port and the token of the environment; a wrong value is a warning", () =>
    Effect.gen(function*() {
      const token = "0123456789abcdef0123456789abcdef"
      const runtime = yield* folder
      const { url } = yield* opened()
      const used = new URL(url).port
      const env = { UACTOR_OBSERVER: "http", UACTOR_OBSERVER_TOKEN: token }
      const program = yield* observed(runtime, env)
      assert.strictEqual(pageOf(program.output()).authorization, `Bearer ${token}`)
      const wrong = yield* observed(runtime, { ...env, UACTOR_OBSERVER_PORT: "http" })
      assert.match(wrong.output(), /no observer is open: UACTOR_OBSERVER_PORT must be a number, not "http"/)
      const taken = yield* observed(runtime, { ...env, UACTOR_OBSERVER_PORT: used })
      assert.match(taken.output(), new RegExp(`no observer is open: .*port ${used}`))
      const weak = yield* observed(runtime, { UACTOR_OBSERVER: "http", UACTOR_OBSERVER_TOKEN: "secret" })
      assert.match(weak.output(), /no observer is open: .*token/)
      for (const { end } of [program, wrong, taken, weak]) assert.strictEqual(yield* end, 0)
    }))

  it.live("without the variable nothing listens, and the code for HTTP is not loaded", () =>
    Effect.gen(function*() {
      const program = yield* observed(yield* folder, {})
      if (process.platform === "linux") {
        const inodes = new Set(
          fs.readdirSync(`/proc/${program.pid}/fd`).flatMap((fd) => {
            try {
              return [/^socket:\[(\d+)\]$/.exec(fs.readlinkSync(`/proc/${program.pid}/fd/${fd}`))?.[1]]
            } catch {
              return []
            }
          })
        )
        const listening = ["tcp", "tcp6"].flatMap((name) =>
          fs.readFileSync(`/proc/${program.pid}/net/${name}`, "utf8").split("\n").slice(1).map((line) =>
            line.trim().split(/\s+/)
          )
        ).filter(([, , , state, , , , , , inode]) => state === "0A" && inodes.has(inode))
        assert.deepStrictEqual(listening, [])
      }
      assert.notInclude(program.output(), "http://")
      assert.strictEqual(yield* program.end, 0)
    }))
})
