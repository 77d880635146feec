/** The observer on a socket: who may connect, what is left of it, and what it refuses. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Option, Schedule, Scope, Stream } from "effect"
import * as fs from "node:fs"
import * as net from "node:net"
import * as path from "node:path"
import * as ActorRef from "../../../src/ActorRef.ts"
import { ActorSystem } from "../../../src/ActorSystem.ts"
import * as NodeObserver from "../../../src/node/NodeObserver.ts"
import * as Addresses from "../../../src/node/observer/addresses.ts"
import * as Client from "../../../src/node/observer/client.ts"
import * as Protocol from "../../../src/node/observer/protocol.ts"
import { errorOf, forked, logOf } from "../support/asserts.ts"
import { assertNothingAdded, holdings } from "../support/leaks.ts"
import behaviours, { Busy } from "./actors/busy.ts"
import { folder, observed } from "./programs/start.ts"

const rights = (file: string): string => (fs.statSync(file).mode & 0o777).toString(8)

const here = (directory: string) => ({ pid: process.pid, address: path.join(directory, `${process.pid}.sock`) })

const actions = ["stop", "kill", "restart", "profile", "heap"] as const

/** Opens the observer of this process in a new folder. */
const opened = (allowed: NodeObserver.SocketOptions["actions"] = []) =>
  Effect.gen(function*() {
    const directory = path.join(yield* folder, "sockets")
    const context = yield* Layer.build(
      Layer.merge(ActorSystem.layer(behaviours), NodeObserver.layerSocket({ directory, actions: allowed }))
    )
    return { directory, context }
  })

describe("the socket of an observer", () => {
  it.live("is for its owner only, and is removed when the layer closes", () =>
    Effect.gen(function*() {
      const before = holdings()
      const directory = path.join(yield* folder, "sockets")
      const scope = yield* Scope.make()
      yield* Layer.buildWithScope(NodeObserver.layerSocket({ directory }), scope)
      const { address } = here(directory)
      assert.deepStrictEqual([rights(directory), rights(address)], ["700", "600"])
      assert.deepStrictEqual(Addresses.list([directory]), [here(directory)])
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))
      assert.deepStrictEqual(fs.readdirSync(directory), [])
      yield* Effect.promise(() => assertNothingAdded(before))
    }))

  it.live("takes the rights of others from a folder that exists", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      fs.chmodSync(directory, 0o755)
      yield* Layer.build(NodeObserver.layerSocket({ directory }))
      assert.strictEqual(rights(directory), "700")
    }))

  it.live("is refused in a file and for a second observer", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      const link = path.join(yield* folder, "link")
      fs.symlinkSync(directory, link)
      const unsafe = errorOf(yield* Effect.exit(Layer.build(NodeObserver.layerSocket({ directory: link }))))
      assert.deepStrictEqual([unsafe._tag, unsafe.reason], ["ObserverSocketError", "UnsafeDirectory"])
      assert.include(unsafe.message, link)
      fs.writeFileSync(path.join(directory, "file"), "")
      const failed = errorOf(
        yield* Effect.exit(Layer.build(NodeObserver.layerSocket({ directory: path.join(directory, "file/x") })))
      )
      assert.strictEqual(failed.reason, "Failed")
      yield* Layer.build(NodeObserver.layerSocket({ directory }))
      const second = errorOf(yield* Effect.exit(Layer.build(NodeObserver.layerSocket({ directory }))))
      assert.strictEqual(second.reason, "InUse")
      assert.include(second.message, here(directory).address)
    }))

  it("rejects an unknown action and a relative folder", () => {
    assert.throws(
      () => NodeObserver.layerSocket({ actions: ["explode" as "kill"] }),
      RangeError,
      /actions may contain stop, kill, restart, profile, heap, not "explode"/
    )
    assert.throws(() => NodeObserver.layerSocket({ directory: "here" }), TypeError, /directory/)
  })

  it.live("shows what the observer shows", () =>
    Effect.gen(function*() {
      const { context, directory } = yield* opened()
      const observer = yield* Client.connect(here(directory))
      assert.strictEqual(observer.program.pid, process.pid)
      assert.deepStrictEqual(observer.program.actions, [])
      const event = yield* forked(Stream.runHead(observer.events))
      // more than one part
      const many = yield* Effect.replicateEffect(Effect.provideContext(Busy.spawn(), context), Protocol.pageSize + 1)
      const snapshot = yield* observer.snapshot({ sort: "age", filter: { name: "Busy" } })
      assert.strictEqual(snapshot.totals.actors, many.length)
      assert.deepStrictEqual(snapshot.actors.map(({ id }) => id), many.map((busy) => ActorRef.id(busy)))
      assert.strictEqual(snapshot.actors[0]!.mailbox.concurrency, 1)
      assert.strictEqual((yield* observer.snapshot({ limit: 2 })).truncated, many.length - 2)
      const [first] = many
      const info = yield* observer.actor(ActorRef.id(first!))
      assert.strictEqual(Option.getOrThrow(info).address, ActorRef.address(first!))
      assert(Option.isNone(yield* observer.actor("Nobody-1")))
      assert.strictEqual(errorOf(yield* Effect.exit(observer.stack(snapshot.actors[0]!.worker))).reason, "Unsupported")
      // the subscription may begin later than the spawns before
      yield* Effect.repeat(Effect.provideContext(Busy.spawn(), context), {
        until: () => event.pollUnsafe() !== undefined,
        schedule: Schedule.spaced(10)
      })
      assert.include(["WorkerStarted", "WorkerReady", "ActorSpawned"], Option.getOrThrow(yield* Fiber.join(event))._tag)
    }))

  it.live("refuses each action by default, and names the option", () =>
    Effect.gen(function*() {
      const { context, directory } = yield* opened()
      const id = ActorRef.id(yield* Effect.provideContext(Busy.spawn(), context))
      const observer = yield* Client.connect(here(directory))
      const refused = [
        observer.stop(id, true),
        observer.kill(id),
        observer.restart(id),
        Stream.runDrain(observer.cpuProfile("memory-1", 10)),
        Stream.runDrain(observer.heapSnapshot("memory-1"))
      ]
      for (const [i, action] of actions.entries()) {
        const error = errorOf(yield* Effect.exit(refused[i]!))
        assert(error._tag === "ActionNotAllowed", String(error))
        assert.include(error.message, `layerSocket({ actions: ["${action}"] })`)
        assert.include(error.message, `UACTOR_OBSERVER_ACTIONS=${action}`)
      }
      assert.strictEqual(Option.getOrThrow(yield* observer.actor(id)).state, "Running")
    }))

  it.live("does what is allowed, and logs who has asked", () => {
    const { layer, lines } = logOf("Info")
    return Effect.gen(function*() {
      const { context, directory } = yield* opened(["kill"])
      const id = ActorRef.id(yield* Effect.provideContext(Busy.spawn(), context))
      const observer = yield* Client.connect(here(directory))
      yield* observer.kill(id)
      assert.strictEqual(Option.getOrThrow(yield* observer.actor(id)).state, "Ended")
      assert.strictEqual(errorOf(yield* Effect.exit(observer.kill(id)))._tag, "ObserverError")
      const killed = lines.find(({ message }) => message.includes("an observer kills"))
      const annotations = killed!.annotations as Readonly<Record<string, string>>
      assert.strictEqual(annotations["uactor.actor"], id)
      assert.match(annotations["uactor.reader"]!, new RegExp(`^.+, process ${process.pid}$`))
    }).pipe(Effect.provide(layer))
  })

  it.live("has at most eight readers, and a place when one of them goes", () =>
    Effect.gen(function*() {
      const { directory } = yield* opened()
      const scope = yield* Scope.make()
      const connect = Client.connect(here(directory))
      yield* Effect.replicateEffect(Effect.provideService(connect, Scope.Scope, scope), Protocol.maxReaders - 1)
      const { snapshot } = yield* connect
      const error = errorOf(yield* Effect.exit(Effect.scoped(connect)))
      assert.deepStrictEqual([error._tag, error.reason], ["ConnectionError", "TooManyReaders"])
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))
      yield* Effect.retry(Effect.scoped(connect), { schedule: Schedule.spaced(10), times: 1_000 })
      assert.strictEqual((yield* snapshot()).totals.actors, 0)
    }))

  it.live("closes a connection whose request is too long, and serves the others", () =>
    Effect.gen(function*() {
      const { directory } = yield* opened()
      const observer = yield* Client.connect(here(directory))
      const closed = new Promise<void>((resolve) => {
        const connection = net.createConnection(here(directory).address)
        connection.on("close", () => resolve()).on("error", () => {}).resume()
        connection.write("x".repeat(Protocol.maxRequest + 1))
      })
      yield* Effect.promise(() => closed)
      assert.strictEqual((yield* observer.snapshot()).totals.actors, 0)
    }))

  it.live("a reader that goes away leaves nothing, also in the middle of a stream", () =>
    Effect.gen(function*() {
      const { directory } = yield* opened()
      yield* Effect.scoped(Effect.flatMap(Client.connect(here(directory)), (observer) => observer.snapshot()))
      const before = holdings()
      for (let i = 0; i < 20; i++) {
        yield* Effect.scoped(Effect.gen(function*() {
          const observer = yield* Client.connect(here(directory))
          yield* Effect.forkScoped(Stream.runDrain(observer.events), { startImmediately: true })
          yield* observer.snapshot()
        }))
      }
      yield* Effect.promise(() => assertNothingAdded(before))
    }))

  it.live("a view learns that the program has closed its observer", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      const scope = yield* Scope.make()
      yield* Layer.buildWithScope(NodeObserver.layerSocket({ directory }), scope)
      const observer = yield* Client.connect(here(directory))
      const events = yield* forked(Effect.exit(Stream.runDrain(observer.events)))
      yield* observer.snapshot()
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))
      const error = errorOf(yield* Fiber.join(events))
      assert.deepStrictEqual([error._tag, error.reason], ["ConnectionError", "Closed"])
      assert.strictEqual(errorOf(yield* Effect.exit(observer.snapshot())).reason, "Closed")
    }))

  it.live("a view learns that another version of the library serves the socket", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      const { address, pid } = here(directory)
      const server = net.createServer((connection) => {
        connection.on("data", (line) => {
          const { id } = JSON.parse(String(line))
          const defect = {
            _tag: "Exit",
            requestId: id,
            exit: { _tag: "Failure", cause: [{ _tag: "Die", defect: "no" }] }
          }
          connection.write(`${JSON.stringify(defect)}\n`)
        })
      })
      yield* Effect.acquireRelease(
        Effect.promise(() => new Promise<void>((resolve) => void server.listen(address, resolve))),
        () => Effect.promise(() => new Promise((resolve) => void server.close(resolve)))
      )
      const error = errorOf(yield* Effect.exit(Effect.scoped(Client.connect({ address, pid }))))
      assert.strictEqual(error.reason, "OtherProtocol")
      assert.include(error.message, "(no)")
    }))
})

describe("UACTOR_OBSERVER", () => {
  it.live("nothing listens and no file exists when it is not set", () =>
    Effect.gen(function*() {
      const runtime = yield* folder
      const program = yield* observed(runtime, {})
      assert.deepStrictEqual(fs.readdirSync(runtime), [])
      if (process.platform === "linux") {
        const sockets = fs.readFileSync("/proc/net/unix", "utf8")
        assert.notInclude(sockets, runtime)
      }
      assert.strictEqual(yield* program.end, 0)
    }))

  it.live("opens the observer without a change of the program, and removes the socket at the end", () =>
    Effect.gen(function*() {
      const runtime = yield* folder
      const program = yield* observed(runtime, { UACTOR_OBSERVER: "socket", UACTOR_OBSERVER_ACTIONS: "restart, stop" })
      const directory = path.join(runtime, "uactor")
      const [address] = Addresses.list([directory])
      assert.strictEqual(address!.pid, program.pid)
      assert.deepStrictEqual([rights(directory), rights(address!.address)], ["700", "600"])
      const snapshot = yield* Effect.scoped(Effect.gen(function*() {
        const observer = yield* Client.connect(address!)
        assert.deepStrictEqual(observer.program.actions, ["restart", "stop"])
        return yield* observer.snapshot()
      }))
      assert.deepStrictEqual(snapshot.systems.map(({ placement }) => placement), ["thread", "process"])
      assert.strictEqual(yield* program.end, 0)
      assert.deepStrictEqual(fs.readdirSync(directory), [])
    }))

  it.live("a wrong value is a warning, and the program runs", () =>
    Effect.gen(function*() {
      const runtime = yield* folder
      const program = yield* observed(runtime, { UACTOR_OBSERVER: "sockets" })
      assert.match(program.output(), /UACTOR_OBSERVER must be socket or http, not "sockets"/)
      const other = yield* observed(runtime, { UACTOR_OBSERVER: "socket", UACTOR_OBSERVER_ACTIONS: "explode" })
      assert.match(other.output(), /UACTOR_OBSERVER: no observer is open: .*not "explode"/)
      assert.deepStrictEqual([yield* program.end, yield* other.end], [0, 0])
      assert.deepStrictEqual(fs.readdirSync(runtime), [])
    }))

  it.live("the socket that a killed program has left does not answer, and the next program removes it", () =>
    Effect.gen(function*() {
      const runtime = yield* folder
      const directory = path.join(runtime, "uactor")
      const program = yield* observed(runtime, { UACTOR_OBSERVER: "socket" })
      const [address] = Addresses.list([directory])
      const lost = yield* forked(Effect.exit(Effect.scoped(
        Effect.flatMap(Client.connect(address!), (observer) => Stream.runDrain(observer.events))
      )))
      yield* Effect.scoped(Effect.flatMap(Client.connect(address!), (observer) => observer.snapshot()))
      yield* program.kill
      assert.strictEqual(errorOf(yield* Fiber.join(lost)).reason, "Closed")
      assert.deepStrictEqual(Addresses.list([directory]), [address!])
      const error = errorOf(yield* Effect.exit(Effect.scoped(Client.connect(address!))))
      assert.deepStrictEqual([error._tag, error.reason], ["ConnectionError", "NotListening"])
      yield* Layer.build(NodeObserver.layerSocket({ directory }))
      assert.deepStrictEqual(Addresses.list([directory]), [here(directory)])
    }))
})
