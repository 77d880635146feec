/** What the span of a call tells: its actor, its wait, its failure; and which calls have spans. */
import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Schedule, Stream, type Tracer } from "effect"
import * as Actor from "../../../src/Actor.ts"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import { ActorSystem } from "../../../src/ActorSystem.ts"
import * as NodeActorSystem from "../../../src/node/NodeActorSystem.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { until } from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import * as Spans from "../support/spans.ts"
import behaviours, { Gate, Visitor } from "./actors/gates.ts"

const fixture = { module: new URL("./actors/gates.ts", import.meta.url), behaviours }

// the clocks of two processes differ by less than this
const slack = 50_000_000n

const eventOf = (span: Tracer.Span, event: string): bigint | undefined =>
  (span as Tracer.NativeSpan).events.find(([name]) => name === event)?.[1]

const namesOf = (span: Tracer.Span): ReadonlyArray<string> => (span as Tracer.NativeSpan).events.map(([name]) => name)

onEveryPlacement(fixture, (placement) => {
  it.live("the span of a call shows when the call was queued, and when its handler has begun", () => {
    const traces = Spans.collect()
    return Effect.gen(function*() {
      const gate = yield* Gate.spawn()
      const first = yield* Effect.forkChild(Effect.withSpan(gate.pass(), "first"), { startImmediately: true })
      const second = yield* Effect.forkChild(Effect.withSpan(gate.touch(), "second"), { startImmediately: true })
      const open = () => traces.all.find(({ kind, name }) => name === "Gate.touch" && kind === "client")
      yield* until("the second call is queued", () => open() !== undefined && namesOf(open()!).length > 0)
      const opened = BigInt(Date.now()) * 1_000_000n
      yield* gate.open()
      yield* Fiber.join(first)
      yield* Fiber.join(second)
      const waited = yield* traces.ended("Gate.touch", "client")
      assert.deepStrictEqual(namesOf(waited), ["uactor.queued", "uactor.begun"])
      const queued = eventOf(waited, "uactor.queued")!
      const begun = eventOf(waited, "uactor.begun")!
      assert.isTrue(waited.status.startTime <= queued && queued <= opened + slack)
      assert.isTrue(opened - slack <= begun && begun <= Spans.endOf(waited) + slack)
      const server = yield* traces.ended("Gate.touch", "server")
      assert.isTrue(begun <= server.status.startTime + slack)
      assert.deepStrictEqual(namesOf(yield* traces.ended("Gate.pass", "client")), ["uactor.queued", "uactor.begun"])
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(traces.layer))
  })

  it.live("the span of a stream, and that of a call by a reference, have the same events", () => {
    const traces = Spans.collect()
    return Effect.gen(function*() {
      const gate = yield* Gate.spawn()
      const visitor = yield* Visitor.spawn()
      yield* Effect.withSpan(Stream.runDrain(gate.touches()), "reader")
      assert.deepStrictEqual(
        namesOf(yield* traces.ended("Gate.touches", "client")),
        ["uactor.queued", "uactor.begun"]
      )
      yield* Effect.withSpan(visitor.visit({ gate }), "caller")
      assert.deepStrictEqual(namesOf(yield* traces.ended("Gate.touch", "client")), ["uactor.queued", "uactor.begun"])
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(traces.layer))
  })

  it.live("the span of a call names its actor, incarnation, worker and placement", () => {
    const traces = Spans.collect()
    return Effect.gen(function*() {
      const gate = yield* Gate.spawn()
      yield* Effect.withSpan(gate.touch(), "caller")
      const { attributes } = yield* traces.ended("Gate.touch", "client")
      const kind = placement.name === "processes" ? "process" : placement.name === "threads" ? "thread" : "memory"
      assert.deepInclude(Object.fromEntries(attributes), {
        "rpc.system.name": "uactor",
        "rpc.method": "Gate/touch",
        "uactor.actor.id": ActorRef.id(gate),
        "uactor.actor.incarnation": 1,
        "uactor.placement": kind
      })
      assert.match(String(attributes.get("uactor.worker.id")), new RegExp(`^${kind}-1(?:~\\d+)?$`))
      assert.isFalse(attributes.has("error.type") || attributes.has("uactor.call.outcome"))
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(traces.layer))
  })

  it.live("the span of a call of a pool names the member that has got the call", () => {
    const traces = Spans.collect()
    return Effect.gen(function*() {
      const pool = yield* ActorPool.make(Gate, { size: 1 })
      yield* Effect.withSpan(pool.client.touch(), "caller")
      const span = yield* traces.ended("Gate.touch", "client")
      const server = yield* traces.ended("Gate.touch", "server")
      assert.match(String(span.attributes.get("uactor.actor.id")), /^Gate-\d+$/)
      assert.strictEqual(span.attributes.get("uactor.actor.id"), server.attributes.get("uactor.actor.id"))
      assert.deepStrictEqual(namesOf(span), ["uactor.queued", "uactor.begun"])
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(traces.layer))
  })

  it.live("the span of a call that goes to the next incarnation shows both", () => {
    const traces = Spans.collect()
    const policy = Supervision.make({ schedule: Schedule.spaced(1), maxRestarts: 1 })
    return Effect.gen(function*() {
      const gate = yield* Supervision.supervised(Gate.spawn(), policy)
      yield* Effect.forkChild(Effect.exit(gate.pass()), { startImmediately: true })
      const waiting = yield* Effect.forkChild(Effect.withSpan(gate.touch(), "caller"), { startImmediately: true })
      yield* Effect.exit(gate.crashNow())
      assert.strictEqual(yield* Fiber.join(waiting), 1)
      const span = yield* traces.ended("Gate.touch", "client")
      assert.deepStrictEqual(namesOf(span), ["uactor.queued", "uactor.queued", "uactor.begun"])
      assert.strictEqual(span.attributes.get("uactor.actor.incarnation"), 2)
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(traces.layer))
  })

  it.live("the span of a failed call says how it has failed", () => {
    const traces = Spans.collect()
    const failureOf = (name: string) =>
      Effect.map(
        traces.ended(name, "client"),
        ({ attributes }) => [attributes.get("error.type"), attributes.get("uactor.call.outcome")]
      )
    return Effect.gen(function*() {
      const gate = yield* Gate.spawn()
      yield* Effect.exit(Effect.withSpan(gate.refuse(), "caller"))
      assert.deepStrictEqual(yield* failureOf("Gate.refuse"), ["Refused", "error"])
      assert.strictEqual((yield* traces.ended("Gate.refuse", "server")).attributes.get("error.type"), "Refused")
      yield* Effect.exit(Effect.withSpan(gate.die(), "caller"))
      assert.deepStrictEqual(yield* failureOf("Gate.die"), ["TypeError", "defect"])
      const passing = yield* Effect.forkChild(Effect.withSpan(gate.pass(), "caller"), { startImmediately: true })
      yield* Fiber.interrupt(passing)
      assert.deepStrictEqual(yield* failureOf("Gate.pass"), [undefined, "interrupted"])
      yield* ActorRef.stop(gate)
      yield* Effect.exit(Effect.withSpan(gate.touch(), "caller"))
      assert.deepStrictEqual(yield* failureOf("Gate.touch"), ["ActorExited", "not_run"])
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(traces.layer))
  })

  it.live("a tell is a span of a producer, and its handler one of a consumer, with a link", () => {
    const traces = Spans.collect()
    return Effect.gen(function*() {
      const gate = yield* Gate.spawn()
      yield* Effect.withSpan(gate.touch(undefined, { discard: true }), "sender")
      const producer = yield* traces.ended("Gate.touch", "producer")
      const consumer = yield* traces.ended("Gate.touch", "consumer")
      assert.deepStrictEqual(consumer.links.map(({ span }) => [span.traceId, span.spanId]), [
        [producer.traceId, producer.spanId]
      ])
      assert.deepStrictEqual([consumer.traceId, Spans.parentOf(consumer)], [producer.traceId, producer.spanId])
      assert.strictEqual(Spans.parentOf(yield* traces.ended("inner", "internal")), consumer.spanId)
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(traces.layer))
  })

  for (
    const [tracing, kinds] of [
      ["full", { touch: ["client", "server"], quiet: [], served: ["server"], loud: ["client", "server"] }],
      ["server", { touch: ["server"], quiet: [], served: ["server"], loud: ["client", "server"] }],
      ["off", { touch: [], quiet: [], served: ["server"], loud: ["client", "server"] }]
    ] as const
  ) {
    it.live(`with tracing ${tracing}, calls have the spans of the system, or those of their method`, () => {
      const traces = Spans.collect()
      return Effect.gen(function*() {
        const gate = yield* Gate.spawn()
        for (const method of ["touch", "quiet", "served", "loud"] as const) {
          const caller = yield* Effect.withSpan(
            Effect.andThen(gate[method](), Effect.orDie(Effect.currentSpan)),
            method
          )
          const isOfCall = ({ name, traceId }: Tracer.Span) => name === `Gate.${method}` && traceId === caller.traceId
          const isInner = ({ name, traceId }: Tracer.Span) => name === "inner" && traceId === caller.traceId
          // the span of the code of the handler ends first, and is a part of the trace in any case
          yield* until(
            "the spans have arrived",
            () => traces.all.some(isInner) && traces.all.filter(isOfCall).length >= kinds[method].length
          )
          const spans = traces.all.filter(isOfCall)
          assert.deepStrictEqual(spans.map(({ kind }) => kind).toSorted(), kinds[method].toSorted())
          const outer = spans.find(({ kind }) => kind === "server") ?? spans[0] ?? caller
          assert.strictEqual(Spans.parentOf(traces.all.find(isInner)!), outer.spanId)
        }
      }).pipe(Effect.scoped, Effect.provide(placement.layer({ tracing })), Effect.provide(traces.layer))
    })
  }
})

onEveryPlacement(fixture, (placement) => {
  it.live("the span of a call whose worker exits says that the call may have run", () => {
    const traces = Spans.collect()
    return Effect.gen(function*() {
      const gate = yield* Gate.spawn()
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Effect.withSpan(gate.exit(), "caller"))))
      const { attributes } = yield* traces.ended("Gate.exit", "client")
      assert.deepStrictEqual(
        [attributes.get("error.type"), attributes.get("uactor.call.outcome")],
        ["ActorExited", "unknown"]
      )
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(traces.layer))
  })
}, { except: ["memory"], reason: "the worker is this process" })

it("a value of tracing that is none is an error that names it", () => {
  const tracing = "all" as "full"
  const { module } = fixture
  for (
    const [name, make] of [
      ["ActorSystem.layer", () => ActorSystem.layer(behaviours, { tracing })],
      ["NodeActorSystem.layerThreads", () => NodeActorSystem.layerThreads({ module, tracing })],
      ["NodeActorSystem.layerProcesses", () => NodeActorSystem.layerProcesses({ module, tracing })]
    ] as const
  ) assert.throws(make, `${name}: tracing must be "full", "server" or "off", not "all"`)
  const annotated = () =>
    Actor.Service()("Odd", { protocol: { touch: Actor.method().annotate(Actor.Tracing, tracing) } })
  assert.throws(annotated, `touch: Tracing must be "full", "server" or "off", not "all"`)
})
