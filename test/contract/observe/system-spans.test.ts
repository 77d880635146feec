/** The spans of a system: of spawns, restarts and closes, and of the growth of pools. */
import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Schedule } from "effect"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { until } from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import * as Spans from "../support/spans.ts"
import behaviours, { Closed, Gate, Unserved } from "./actors/gates.ts"

const fixture = { module: new URL("./actors/gates.ts", import.meta.url), behaviours }

onEveryPlacement(fixture, (placement) => {
  it.live("a spawn and a close are spans in the span of their caller", () => {
    const traces = Spans.collect()
    return Effect.gen(function*() {
      const [opener, id] = yield* Effect.withSpan(
        Effect.all([Effect.orDie(Effect.currentSpan), Effect.scoped(Effect.map(Gate.spawn(), ActorRef.id))]),
        "opener"
      )
      const spawn = yield* traces.ended("uactor.spawn", "internal")
      const close = yield* traces.ended("uactor.close", "internal")
      for (const span of [spawn, close]) {
        assert.strictEqual(Spans.exitOf(span), "Success")
        assert.deepStrictEqual([span.traceId, Spans.parentOf(span)], [opener.traceId, opener.spanId])
        const { attributes } = span
        assert.strictEqual(attributes.get("uactor.actor.name"), "Gate")
        assert.strictEqual(attributes.get("uactor.actor.id"), id)
        assert.match(String(attributes.get("uactor.worker.id")), /^(?:memory|thread|process)-1(?:~\d+)?$/)
      }
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(traces.layer))
  })

  it.live("the span of a spawn outside of any span is the root of a trace; that of a failed spawn says why", () => {
    const traces = Spans.collect()
    const failed = () => traces.all.filter((span) => Spans.exitOf(span) === "Failure")
    return Effect.gen(function*() {
      yield* Effect.exit(Unserved.spawn())
      yield* until("the span of the spawn has ended", () => failed().length === 1)
      assert.isUndefined(Spans.parentOf(failed()[0]!))
      const { attributes, name } = failed()[0]!
      assert.deepStrictEqual(
        [name, attributes.get("error.type"), attributes.get("uactor.spawn.reason")],
        ["uactor.spawn", "SpawnError", "NotServed"]
      )
      yield* Effect.exit(Closed.spawn())
      yield* until("the span of the second spawn has ended", () => failed().length === 2)
      assert.strictEqual(failed()[1]!.attributes.get("error.type"), "Refused")
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(traces.layer))
  })

  it.live("a restart is a span, from the end of the incarnation to the next one", () => {
    const traces = Spans.collect()
    const policy = Supervision.make({ schedule: Schedule.spaced(1), maxRestarts: 1 })
    return Effect.gen(function*() {
      const gate = yield* Supervision.supervised(Gate.spawn(), policy)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(gate.crash())))
      yield* gate.touch()
      const restart = yield* traces.ended("uactor.restart", "internal")
      assert.strictEqual(Spans.exitOf(restart), "Success")
      assert.isUndefined(Spans.parentOf(restart))
      assert.deepInclude(Object.fromEntries(restart.attributes), {
        "uactor.actor.id": ActorRef.id(gate),
        "uactor.actor.incarnation": 2,
        "uactor.exit.reason": "Crashed"
      })
      assert.match(String(restart.attributes.get("uactor.worker.id")), /-2(?:~\d+)?$/)
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(traces.layer))
  })

  it.live("the growth of a pool is a span around the spawn of the member", () => {
    const traces = Spans.collect()
    return Effect.gen(function*() {
      const pool = yield* ActorPool.make(Gate, { size: { min: 1, max: 2, idleTimeToLive: "1 hour" } })
      yield* Effect.forkChild(pool.client.pass(), { startImmediately: true })
      const second = yield* Effect.forkChild(pool.client.touch(), { startImmediately: true })
      yield* Fiber.join(second)
      const grow = yield* traces.ended("uactor.pool.grow", "internal")
      assert.isUndefined(Spans.parentOf(grow))
      assert.strictEqual(grow.attributes.get("uactor.pool.name"), "Gate")
      assert.strictEqual(grow.attributes.get("uactor.pool.members"), 2)
      const spawns = traces.all.filter(({ name }) => name === "uactor.spawn")
      assert.deepStrictEqual(spawns.map(Spans.parentOf), [undefined, grow.spanId])
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(traces.layer))
  })

  it.live("with tracing server, a system makes no spans of its own", () => {
    const traces = Spans.collect()
    return Effect.gen(function*() {
      yield* Effect.withSpan(Effect.scoped(Effect.flatMap(Gate.spawn(), (gate) => gate.touch())), "caller")
      yield* traces.ended("Gate.touch", "server")
      assert.deepStrictEqual(traces.all.filter(({ name }) => name.startsWith("uactor.")), [])
    }).pipe(Effect.provide(placement.layer({ tracing: "server" })), Effect.provide(traces.layer))
  })
})
