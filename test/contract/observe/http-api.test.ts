/** The observer over HTTP: what it answers, and what it does. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Metric, Redacted, Schedule } from "effect"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Server from "../../../src/node/http/server.ts"
import * as NodeActorSystem from "../../../src/node/NodeActorSystem.ts"
import * as NodeObserver from "../../../src/node/NodeObserver.ts"
import * as Program from "../../../src/node/observer/program.ts"
import * as Protocol from "../../../src/node/observer/protocol.ts"
import { Observer } from "../../../src/Observer.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { Till } from "../fixtures/counted.ts"
import { logOf } from "../support/asserts.ts"
import { assets, eventually, request, stream } from "../support/requests.ts"
import { Busy } from "./actors/busy.ts"
import { actorOf, opened, snapshotOf } from "./programs/openHttp.ts"

describe("what is answered", () => {
  it.live("shows what the observer shows", () =>
    Effect.gen(function*() {
      const { ask, context } = yield* opened()
      const provided = Effect.provideContext(context)
      const [busy] = yield* provided(Effect.replicateEffect(Busy.spawn(), 3))
      const id = ActorRef.id(busy!)
      yield* Effect.forkScoped(Effect.ignore(busy!.hang()))
      const { json: program } = yield* ask("/api/program")
      assert.deepStrictEqual([program.pid, program.protocol, program.actions], [process.pid, Protocol.version, []])
      const { json: all } = yield* ask("/api/snapshot")
      assert.deepStrictEqual([all.totals.actors, all.actors.length, all.truncated], [3, 3, 0])
      const { json: some } = yield* ask("/api/snapshot?sort=age&name=Busy&limit=1&calls=5")
      assert.deepStrictEqual([some.actors.length, some.actors[0].id, some.truncated], [1, id, 2])
      yield* eventually(
        Effect.map(ask(`/api/snapshot?calls=5`), ({ json }) =>
          snapshotOf(json).actors[0]!.handling[0]?.method === "Busy.hang")
      )
      assert.strictEqual((yield* ask("/api/snapshot?worker=memory-99")).json.actors.length, 0)
      assert.deepStrictEqual((yield* ask(`/api/actors/${id}`)).json.address, ActorRef.address(busy!))
      const { json: why } = yield* ask(`/api/why/${id}`)
      assert.match(why.text, new RegExp(`^${id} runs Busy\\.hang`))
      assert.strictEqual((yield* ask(`/api/why/${encodeURIComponent(why.steps[0].call)}`)).status, 200)
      assert.deepStrictEqual((yield* ask("/api/deadlocks")).json, [])
      for (const path of ["/api/actors/Nobody-1", "/api/why/Nobody-1"]) {
        const { json, status } = yield* ask(path)
        assert.deepStrictEqual([status, json._tag], [404, "NotFound"])
        assert.include(json.message, "Nobody-1")
      }
      for (const query of ["sort=size", "limit=-1", "limit=10001", "limit=x", "calls=101"]) {
        const { json, status } = yield* ask(`/api/snapshot?${query}`)
        assert.deepStrictEqual([status, json._tag], [400, "InvalidRequest"], query)
      }
    }))

  it.live("the page is there without the token, and says nothing of the program", () =>
    Effect.gen(function*() {
      const { context, url } = yield* opened()
      const id = ActorRef.id(yield* Effect.provideContext(Busy.spawn(), context))
      for (const path of assets) {
        const { body, headers, status } = yield* request(url + path)
        assert.strictEqual(status, 200)
        const type = { "/page.js": /^text\/javascript/, "/page.css": /^text\/css/ }[path] ?? /^text\/html/
        assert.match(String(headers["content-type"]), type)
        for (const text of [id, String(process.pid), process.cwd()]) assert.notInclude(body, text)
      }
    }))

  it.live("a defect is an answer with the status 500, and an entry in the log of the program", () => {
    const { layer, lines } = logOf("Error")
    return Effect.gen(function*() {
      const programFor = yield* Program.local({ actions: [], openedBy: "layerHttp" })
      const token = Redacted.make("0123456789abcdef0123456789abcdef")
      const url = yield* Server.open(
        (reader) => ({ ...programFor(reader), deadlocks: Effect.die(new Error("by the test")) }),
        { host: "127.0.0.1", port: 0, token }
      )
      const headers = { authorization: `Bearer ${Redacted.value(token)}` }
      assert.strictEqual((yield* request(`${url}/api/deadlocks`, { headers })).status, 500)
      assert.strictEqual((yield* request(`${url}/api/program`, { headers })).status, 200)
      assert.strictEqual((yield* request(`${url}/api/actors/x`, { headers })).status, 404)
      assert.deepStrictEqual(lines.length, 1)
      assert.include(JSON.stringify(lines), "by the test")
    }).pipe(Effect.provide(Layer.merge(layer, Observer.layer)))
  })

  it.live("an event is a line of JSON", () =>
    Effect.gen(function*() {
      const { authorization, context, url } = yield* opened()
      const events = yield* stream(`${url}/api/events`, authorization)
      yield* Effect.provideContext(Busy.spawn(), context).pipe(
        Effect.repeat({ until: () => events.lines.some((line) => line !== ""), schedule: Schedule.spaced(10) })
      )
      const first = JSON.parse(events.lines.find((line) => line !== "")!)
      assert.include(["WorkerStarted", "WorkerReady", "ActorSpawned"], first._tag)
      assert.isAbove(first.at, 1_600_000_000_000)
    }))

  it.live("at most eight streams are sent, and a place is free when one of them ends", () =>
    Effect.gen(function*() {
      const { ask, authorization, url } = yield* opened({ actions: ["heap"] })
      const streams = yield* Effect.replicateEffect(
        stream(`${url}/api/events`, authorization),
        Protocol.maxReaders
      )
      assert.deepStrictEqual(streams.map(({ status }) => status), streams.map(() => 200))
      for (const [path, method] of [["/api/events", "GET"], ["/api/workers/memory-1/heap-snapshot", "POST"]] as const) {
        const { json, status } = yield* ask(path, { method })
        assert.deepStrictEqual([status, json._tag], [429, "TooManyReaders"])
      }
      assert.strictEqual((yield* ask("/api/snapshot")).status, 200)
      streams[0]!.close()
      yield* eventually(
        Effect.map(Effect.scoped(stream(`${url}/api/events`, authorization)), ({ status }) => status === 200)
      )
    }))

  it.live("the metrics are those of the program and its workers", () =>
    Effect.gen(function*() {
      const registry = Context.make(Metric.MetricRegistry, new Map())
      const module = new URL("../fixtures/counted.ts", import.meta.url)
      const context = yield* Layer.build(
        Layer.merge(NodeActorSystem.layerThreads({ module }), NodeObserver.layerHttp())
      )
        .pipe(Effect.provideContext(registry))
      const { token, url } = Context.get(context, NodeObserver.HttpAddress)
      const till = yield* Effect.provideContext(Till.spawn(), context)
      yield* till.sell({ item: "bread", amount: 2 })
      const headers = { authorization: `Bearer ${Redacted.value(token)}` }
      yield* eventually(Effect.map(request(`${url}/metrics`, { headers }), (answer) => {
        assert.match(String(answer.headers["content-type"]), /^text\/plain; version=0\.0\.4/)
        return answer.body.includes(`sold{item="bread"} 2\n`)
      }))
    }))
})

describe("actions", () => {
  const paths = (id: string, worker: string) => ({
    stop: `/api/actors/${id}/stop?drain=true`,
    kill: `/api/actors/${id}/kill`,
    restart: `/api/actors/${id}/restart`,
    profile: `/api/workers/${worker}/cpu-profile?millis=10`,
    heap: `/api/workers/${worker}/heap-snapshot`
  })

  it.live("each is refused by default, and names the option", () =>
    Effect.gen(function*() {
      const { ask, context, post } = yield* opened()
      const id = ActorRef.id(yield* Effect.provideContext(Busy.spawn(), context))
      for (const [action, path] of Object.entries(paths(id, "memory-1"))) {
        const { json, status } = yield* post(path)
        assert.deepStrictEqual([status, json._tag, json.action], [403, "ActionNotAllowed", action])
        assert.include(json.message, `layerHttp({ actions: ["${action}"] })`)
        assert.strictEqual((yield* ask(path)).status, 404, "an action is no GET")
      }
      assert.strictEqual(actorOf((yield* ask(`/api/actors/${id}`)).json).state, "Running")
    }))

  it.live("an allowed one is done and logged with who has asked, and the others are refused", () => {
    const { layer, lines } = logOf("Info")
    return Effect.gen(function*() {
      for (const allowed of ["stop", "kill", "restart"] as const) {
        const { ask, context, post } = yield* opened({ actions: [allowed] })
        const busy = yield* Effect.provideContext(
          Busy.spawn().pipe(Supervision.supervised(Supervision.make({ maxRestarts: 3 }))),
          context
        )
        const id = ActorRef.id(busy)
        for (const [action, path] of Object.entries(paths(id, "memory-1"))) {
          const { status } = yield* ask(path, { method: "POST", headers: { "user-agent": "a\ttest" } })
          assert.strictEqual(status, action === allowed ? 204 : 403, action)
        }
        const { incarnation, state } = actorOf((yield* ask(`/api/actors/${id}`)).json)
        assert.deepStrictEqual(
          [state, incarnation],
          allowed === "restart" ? ["Running", 2] : ["Ended", 1]
        )
        const { json: error, status } = yield* post(`/api/actors/Nobody-1/${allowed}`)
        assert.deepStrictEqual([status, error._tag, error.reason], [404, "ObserverError", "NotFound"])
        const entry = lines.find(({ annotations }) => (annotations as any)["uactor.actor"] === id)
        assert.strictEqual((entry!.annotations as any)["uactor.reader"], "127.0.0.1, a test")
      }
    }).pipe(Effect.provide(layer))
  })

  it.live("the state of a failure tells its kind", () =>
    Effect.gen(function*() {
      const { ask, context, post } = yield* opened({ actions: ["profile", "heap", "restart"] })
      const id = ActorRef.id(yield* Effect.provideContext(Busy.spawn(), context))
      const { worker } = (yield* ask(`/api/actors/${id}`)).json
      const cases: ReadonlyArray<readonly [string, number, string]> = [
        [`/api/workers/${worker}/stack`, 501, "Unsupported"],
        [`/api/workers/${worker}/cpu-profile?millis=10`, 501, "Unsupported"],
        [`/api/workers/${worker}/heap-snapshot`, 501, "Unsupported"],
        ["/api/workers/thread-9999/stack", 404, "NotFound"],
        ["/api/workers/thread-9999/heap-snapshot", 404, "NotFound"],
        [`/api/actors/${id}/restart`, 409, "NotRestarted"]
      ]
      for (const [path, status, reason] of cases) {
        const answer = yield* post(path)
        assert.deepStrictEqual([answer.status, answer.json._tag, answer.json.reason], [status, "ObserverError", reason])
      }
      for (const query of ["", "?millis=0", "?millis=600001", "?millis=1.5"]) {
        assert.strictEqual((yield* post(`/api/workers/${worker}/cpu-profile${query}`)).status, 400)
      }
    }))

  it.live("stack, profile and heap of a thread", () =>
    Effect.gen(function*() {
      const module = new URL("./actors/busy.ts", import.meta.url)
      const context = yield* Layer.build(Layer.merge(
        NodeActorSystem.layerThreads({ module, shutdownTimeout: "200 millis" }),
        NodeObserver.layerHttp({ actions: ["profile", "heap"] })
      ))
      const { token, url } = Context.get(context, NodeObserver.HttpAddress)
      const busy = yield* Effect.provideContext(Busy.spawn(), context)
      const headers = { authorization: `Bearer ${Redacted.value(token)}` }
      const post = (path: string) => request(url + path, { method: "POST", headers })
      const worker = (yield* request(`${url}/api/actors/${ActorRef.id(busy)}`, { headers })).json.worker
      const heap = yield* post(`/api/workers/${worker}/heap-snapshot`)
      assert.match(String(heap.headers["content-disposition"]), /^attachment; filename="thread-[\w-]+\.heapsnapshot"$/)
      assert.strictEqual(
        heap.json.nodes.length,
        heap.json.snapshot.node_count * heap.json.snapshot.meta.node_fields.length
      )
      yield* Effect.forkScoped(Effect.ignore(busy.spin({ millis: 600_000 })))
      yield* eventually(Effect.map(post(`/api/workers/${worker}/stack`), ({ json }) =>
        json.some(({ functionName }: { readonly functionName: string }) =>
          functionName === "busyLoop"
        )))
      const profile = yield* post(`/api/workers/${worker}/cpu-profile?millis=300`)
      assert.match(String(profile.headers["content-disposition"]), /^attachment; filename="thread-[\w-]+\.cpuprofile"$/)
      assert.include(
        profile.json.nodes.map(({ callFrame }: any) =>
          callFrame.functionName
        ),
        "busyLoop"
      )
    }))
})
