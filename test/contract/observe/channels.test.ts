/** The diagnostics channels of Node: the events of workers and actors, and the calls of the program. */
import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Logger, Stream } from "effect"
import { AsyncLocalStorage } from "node:async_hooks"
import * as Diagnostics from "node:diagnostics_channel"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import { forked } from "../support/asserts.ts"
import { until } from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Agent } from "./actors/agent.ts"
import { Gate } from "./actors/gates.ts"

const fixture = { module: new URL("./actors/agent.ts", import.meta.url), behaviours }

interface Message {
  readonly _tag: string
  readonly worker?: string
  readonly actor?: string
}

/** What is published on a channel from now on, until the scope closes. */
const subscribed = (name: string) => {
  const messages: Array<Message> = []
  const listener = (message: unknown): void => void messages.push(message as Message)
  return Effect.as(
    Effect.acquireRelease(
      Effect.sync(() => Diagnostics.subscribe(name, listener)),
      () => Effect.sync(() => Diagnostics.unsubscribe(name, listener))
    ),
    messages
  )
}

interface Call {
  readonly name: string
  readonly method: string
  readonly kind: string
  readonly actor: string | undefined
  readonly worker: string | undefined
  readonly outcome?: string
  readonly error?: unknown
}

/** The steps of calls from now on, until the scope closes: the step, and the call as it was then. */
const followed = Effect.suspend(() => {
  const steps: Array<readonly [step: string, call: Call, object: object]> = []
  const step = (name: string) => (call: object) => void steps.push([name, { ...call } as Call, call])
  const listeners = {
    start: step("start"),
    end: step("end"),
    asyncStart: step("asyncStart"),
    asyncEnd: step("asyncEnd"),
    error: step("error")
  }
  const channel = Diagnostics.tracingChannel<object>("uactor:call")
  return Effect.as(
    Effect.acquireRelease(
      Effect.sync(() => channel.subscribe(listeners)),
      () => Effect.sync(() => channel.unsubscribe(listeners))
    ),
    {
      of: (method: string) => steps.filter(([, call]) => call.method === method),
      names: (method: string) => steps.flatMap(([name, call]) => call.method === method ? [name] : [])
    }
  )
})

onEveryPlacement(fixture, (placement) => {
  const kind = placement.name === "processes" ? "process" : placement.name === "threads" ? "thread" : "memory"

  it.live("uactor:worker and uactor:actor have the events of workers and actors", () =>
    Effect.gen(function*() {
      const workers = yield* subscribed("uactor:worker")
      const actors = yield* subscribed("uactor:actor")
      const id = yield* Effect.scoped(Effect.map(Gate.spawn(), ActorRef.id))
      yield* until("the worker has ended", () => workers.some(({ _tag }) => _tag === "WorkerEnded"))
      assert.deepStrictEqual(workers.map(({ _tag }) => _tag), ["WorkerStarted", "WorkerReady", "WorkerEnded"])
      assert.deepStrictEqual(actors.map(({ _tag, actor }) => [_tag, actor]), [["ActorSpawned", id], ["ActorEnded", id]])
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(Logger.layer([]))))

  it.live("uactor:call follows a call from its begin to its end, without its payload", () =>
    Effect.gen(function*() {
      const calls = yield* followed
      const gate = yield* Gate.spawn()
      assert.strictEqual(yield* gate.touch(), 1)
      assert.deepStrictEqual(calls.names("touch"), ["start", "end", "asyncStart", "asyncEnd"])
      const steps = calls.of("touch")
      const { worker, ...begun } = steps[0]![1]
      assert.deepStrictEqual(begun, { name: "Gate", method: "touch", kind: "call", actor: ActorRef.id(gate) })
      assert.match(worker!, new RegExp(`^${kind}-1(?:~\\d+)?$`))
      assert.deepStrictEqual(steps.at(-1)![1], { ...steps[0]![1], outcome: "ok" })
      // one object for all steps of a call
      assert.lengthOf(new Set(steps.map(([, , object]) => object)), 1)
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))

  it.live("uactor:call has the error of a failed call, and the outcome of an interrupted one", () =>
    Effect.gen(function*() {
      const calls = yield* followed
      const gate = yield* Gate.spawn()
      yield* Effect.exit(gate.refuse())
      assert.deepStrictEqual(calls.names("refuse"), ["start", "end", "error", "asyncStart", "asyncEnd"])
      const { error, outcome } = calls.of("refuse").at(-1)![1]
      assert.deepStrictEqual([error, outcome], [{ _tag: "Refused" }, "error"])
      const passing = yield* forked(gate.pass())
      yield* Fiber.interrupt(passing)
      assert.strictEqual(calls.of("pass").at(-1)![1].outcome, "interrupted")
      yield* ActorRef.stop(gate)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(gate.touch())))
      assert.strictEqual(calls.of("touch").at(-1)![1].outcome, "not_run")
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))

  it.live("uactor:call follows tells, streams and the calls of a pool", () =>
    Effect.gen(function*() {
      const calls = yield* followed
      const gate = yield* Gate.spawn()
      yield* gate.touch(undefined, { discard: true })
      assert.strictEqual(calls.of("touch")[0]![1].kind, "tell")
      yield* Stream.runDrain(gate.touches())
      assert.deepStrictEqual(calls.names("touches"), ["start", "end", "asyncStart", "asyncEnd"])
      assert.deepInclude(calls.of("touches").at(-1)![1], { kind: "stream", outcome: "ok" })
      const pool = yield* ActorPool.make(Gate, { size: 1 })
      yield* pool.client.loud()
      assert.deepInclude(calls.of("loud").at(-1)![1], {
        name: "Gate",
        actor: undefined,
        worker: undefined,
        outcome: "ok"
      })
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))

  it.live("a subscriber in a worker sees the calls that the worker makes", () =>
    Effect.gen(function*() {
      const gate = yield* Gate.spawn()
      const agent = yield* Agent.spawn()
      yield* agent.ask({ gate })
      const seen = (yield* agent.seen()).filter(({ actor }) => actor === ActorRef.id(gate))
      const call = { name: "Gate", kind: "call", actor: ActorRef.id(gate) }
      assert.deepStrictEqual(seen, [
        { ...call, step: "start", method: "touch" },
        { ...call, step: "end", method: "touch", outcome: "ok" },
        { ...call, step: "start", method: "refuse" },
        { ...call, step: "end", method: "refuse", outcome: "error" }
      ])
      // the calls that it handles are those of the program
      if (!placement.isMemory) assert.notInclude((yield* agent.seen()).map(({ name }) => name), "Agent")
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))

  it.live("a subscriber of one step alone gets it, until it unsubscribes", () => {
    const ended: Array<object> = []
    const listener = (call: unknown): void => void ended.push(call as object)
    const name = "tracing:uactor:call:asyncEnd"
    return Effect.gen(function*() {
      const gate = yield* Gate.spawn()
      yield* gate.touch()
      yield* Effect.scoped(Effect.andThen(
        Effect.acquireRelease(
          Effect.sync(() => Diagnostics.subscribe(name, listener)),
          () => Effect.sync(() => Diagnostics.unsubscribe(name, listener))
        ),
        gate.loud()
      ))
      yield* gate.touch()
      assert.deepStrictEqual(ended.map((call) => (call as Call).method), ["loud"])
    }).pipe(Effect.scoped, Effect.provide(placement.layer()))
  })

  it.live("a store that is bound to the start of uactor:call has its value while the call is made", () => {
    const store = new AsyncLocalStorage<object>()
    const { end, start } = Diagnostics.tracingChannel<object>("uactor:call")
    const seen: Array<object | undefined> = []
    const listener = (): void => void seen.push(store.getStore())
    return Effect.gen(function*() {
      const gate = yield* Gate.spawn()
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          start.bindStore(store, (call) => ({ method: (call as Call).method }))
          end.subscribe(listener)
        }),
        () =>
          Effect.sync(() => {
            start.unbindStore(store)
            end.unsubscribe(listener)
          })
      )
      yield* gate.touch()
      assert.deepStrictEqual(seen, [{ method: "touch" }])
    }).pipe(Effect.scoped, Effect.provide(placement.layer()))
  })
})
