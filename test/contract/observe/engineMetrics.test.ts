/** `uactor/ActorMetrics`: what the engine counts and measures. */
import { assert, it } from "@effect/vitest"
import * as Semconv from "@opentelemetry/semantic-conventions/incubating"
import { Context, Effect, Exit, Fiber, Layer, Metric, Schedule } from "effect"
import { PrometheusMetrics } from "effect/observability"
import * as ActorMetrics from "../../../src/ActorMetrics.ts"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import behaviours, { Broken, Clerk } from "../fixtures/clerk.ts"
import { until } from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/clerk.ts", import.meta.url), behaviours }

const registry = () => {
  const context = Context.make(Metric.MetricRegistry, new Map())
  const lines = (): ReadonlyArray<string> => PrometheusMetrics.formatUnsafe(context).split("\n")
  return {
    provide: Effect.provideContext(context),
    lines,
    snapshot: () => Metric.snapshotUnsafe(context),
    find: (name: string): number => {
      const line = lines().find((line) => line.startsWith(`${name} `))
      return line === undefined ? NaN : Number(line.slice(name.length + 1))
    }
  }
}

/** The calls of the actors named `Clerk` that have ended, as `method outcome`, with those that are not 0. */
const outcomesIn = (lines: ReadonlyArray<string>): Record<string, number> => {
  const found: Record<string, number> = {}
  for (const line of lines) {
    const [, method, outcome, value] =
      /^uactor_calls\{rpc_method="Clerk\/(\w+)",uactor_call_outcome="(\w+)"\} (\d+)$/.exec(line) ?? []
    if (Number(value) > 0) found[`${method} ${outcome}`] = Number(value)
  }
  return found
}

/** The calls since the outcomes `before`. */
const since = (before: Record<string, number>, now: Record<string, number>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(now).map(([key, n]) => [key, n - (before[key] ?? 0)] as const).filter(([, n]) => n !== 0)
  )

const supervised = Supervision.supervised(Supervision.make({ schedule: Schedule.recurs(5) }))

onEveryPlacement(fixture, (placement) => {
  const layer = () => Layer.merge(placement.layer(), ActorMetrics.layer())

  it.live("each outcome of a call, the calls in progress, a restart and an exit are counted exactly", () => {
    const { find, lines, provide } = registry()
    return Effect.gen(function*() {
      const before = outcomesIn(lines())
      const clerk = yield* supervised(Clerk.spawn())
      for (let i = 0; i < 3; i++) yield* clerk.stamp()
      for (let i = 0; i < 2; i++) yield* Effect.exit(clerk.refuse())
      yield* Effect.exit(clerk.die())
      const running = yield* Effect.forkChild(clerk.wait(), { startImmediately: true })
      const active = (state: string) =>
        find(`uactor_calls_active{uactor_actor_name="Clerk",uactor_call_state="${state}"}`)
      yield* until("the call runs", () => active("running") === 1)
      const queued = yield* Effect.forkChild(clerk.wait(), { startImmediately: true })
      yield* until("the call is queued", () => active("queued") === 1)
      assert.strictEqual(active("waiting"), 0)
      assert.strictEqual(find(`uactor_mailbox_size_max{uactor_actor_name="Clerk"}`), 1)
      assert.strictEqual(find(`uactor_mailbox_limit{uactor_actor_name="Clerk"}`), 1)
      assert.strictEqual(find(`uactor_actors{uactor_actor_name="Clerk",uactor_actor_state="Running"}`), 1)
      for (let i = 0; i < 4; i++) assert.isTrue(Exit.isFailure(yield* Effect.exit(clerk.stamp())))
      yield* Fiber.interrupt(queued)
      yield* Fiber.interrupt(running)
      assert.deepStrictEqual([active("running"), active("queued")], [0, 0])
      yield* Effect.exit(clerk.crash())
      assert.strictEqual(yield* clerk.stamp(), 1)
      assert.strictEqual(
        find(`uactor_actor_restarts{uactor_actor_name="Clerk",uactor_exit_reason="Crashed"}`),
        1
      )
      yield* ActorRef.stop(clerk)
      assert.strictEqual(find(`uactor_actor_exits{uactor_actor_name="Clerk",uactor_exit_reason="Stopped"}`), 1)
      yield* Effect.exit(clerk.stamp())
      assert.deepStrictEqual(since(before, outcomesIn(lines())), {
        "stamp ok": 4,
        "stamp not_run": 1,
        "stamp rejected": 4,
        "refuse error": 2,
        "die defect": 1,
        "wait interrupted": 2,
        "crash unknown": 1
      })
      assert.strictEqual(find(`uactor_actors{uactor_actor_name="Clerk",uactor_actor_state="Running"}`), 0)
      yield* Effect.exit(Broken.spawn())
      assert.strictEqual(find(`uactor_spawn_failures{uactor_actor_name="Broken",uactor_exit_reason="StartError"}`), 1)
    }).pipe(Effect.scoped, Effect.provide(layer()), provide)
  })

  it.live("with perActor an actor has series of its own, and its calls stay when it ends", () => {
    const { lines, provide } = registry()
    const total = (): number =>
      lines().reduce((sum, line) =>
        line.startsWith(`uactor_calls{rpc_method="Clerk/stamp"`) &&
          line.includes(`outcome="ok"`)
          ? sum + Number(line.split(" ").at(-1))
          : sum, 0)
    return Effect.gen(function*() {
      const before = outcomesIn(lines())["stamp ok"] ?? 0
      const one = yield* Clerk.spawn()
      const two = yield* Clerk.spawn()
      const own = (actor: typeof one): string | undefined =>
        lines().find((line) =>
          line.startsWith(`uactor_calls{rpc_method="Clerk/stamp",uactor_call_outcome="ok",uactor_actor_id="`) &&
          line.includes(`"${ActorRef.id(actor)}"`)
        )?.split(" ").at(-1)
      const start = total()
      for (let i = 0; i < 3; i++) yield* one.stamp()
      for (let i = 0; i < 4; i++) yield* two.stamp()
      assert.deepStrictEqual([own(one), own(two), total() - start], ["3", "4", 7])
      assert.strictEqual(outcomesIn(lines())["stamp ok"] ?? 0, before)
      yield* ActorRef.stop(one)
      assert.deepStrictEqual([own(one), own(two), total() - start], [undefined, "4", 7])
      assert.strictEqual(outcomesIn(lines())["stamp ok"], before + 3)
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.merge(placement.layer(), ActorMetrics.layer({ perActor: true }))),
      provide
    )
  })

  it.live("the members of a pool are counted, and the series end with the layer", () => {
    const { find, provide, snapshot } = registry()
    return Effect.gen(function*() {
      yield* Effect.gen(function*() {
        const pool = yield* ActorPool.make(Clerk, { size: 2 })
        yield* pool.client.stamp()
        assert.strictEqual(find(`uactor_pool_members{uactor_pool_name="Clerk"}`), 2)
        assert.strictEqual(find(`uactor_pool_busy{uactor_pool_name="Clerk"}`), 0)
        const running = yield* Effect.forkChild(pool.client.wait(), { startImmediately: true })
        yield* until("a member is busy", () => find(`uactor_pool_busy{uactor_pool_name="Clerk"}`) === 1)
        yield* Fiber.interrupt(running)
      }).pipe(Effect.scoped, Effect.provide(layer()))
      assert.deepStrictEqual(snapshot().map(({ id }) => id), [])
    }).pipe(provide)
  })
})

onEveryPlacement(fixture, (placement) => {
  it.live("the resources of a worker have the names and units of the conventions, and its id", () => {
    const { provide, snapshot } = registry()
    const worker = (id: string) =>
      snapshot().filter((metric) => metric.id === id && metric.attributes?.["uactor.worker.id"] !== undefined)
    return Effect.gen(function*() {
      const clerk = yield* Clerk.spawn()
      yield* clerk.stamp()
      yield* Effect.provide(
        Effect.gen(function*() {
          yield* until("the worker is measured", () => worker(Semconv.METRIC_V8JS_MEMORY_HEAP_USED).length === 1)
          const [heap] = worker(Semconv.METRIC_V8JS_MEMORY_HEAP_USED)
          assert.isAbove((heap as any).state.value, 100_000)
          assert.match(heap!.attributes!["uactor.worker.id"]!, /^(?:thread|process)-1(?:~\d+)?$/)
          assert.strictEqual(worker(ActorMetrics.heapLimit.id).length, 1)
          const [cpu] = worker(Semconv.METRIC_PROCESS_CPU_TIME)
          assert.isAbove((cpu as any).state.count, 0)
          assert.strictEqual(
            worker(Semconv.METRIC_PROCESS_MEMORY_USAGE).length,
            placement.name === "processes" ? 1 : 0
          )
        }),
        ActorMetrics.layer()
      )
      assert.deepStrictEqual(snapshot(), [])
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), provide)
  })
}, { except: ["memory"], reason: "the worker is this process" })

it("the names of the conventions are those of their package", () => {
  const names = Object.values(ActorMetrics).flatMap((metric) => Metric.isMetric(metric) ? [metric.id] : [])
  const known = new Set<string>([
    Semconv.METRIC_RPC_CLIENT_CALL_DURATION,
    Semconv.METRIC_RPC_SERVER_CALL_DURATION,
    Semconv.METRIC_NODEJS_EVENTLOOP_UTILIZATION,
    Semconv.METRIC_V8JS_MEMORY_HEAP_USED,
    Semconv.METRIC_V8JS_MEMORY_HEAP_LIMIT,
    Semconv.METRIC_PROCESS_CPU_TIME,
    Semconv.METRIC_PROCESS_MEMORY_USAGE
  ])
  assert.deepStrictEqual(
    names.filter((name) => !name.startsWith("uactor.")).toSorted(),
    Array.from(known).toSorted()
  )
  assert.deepStrictEqual(
    ["rpc.method", "error.type", "process.pid", "thread.name", "cpu.mode"],
    [
      Semconv.ATTR_RPC_METHOD,
      Semconv.ATTR_ERROR_TYPE,
      Semconv.ATTR_PROCESS_PID,
      Semconv.ATTR_THREAD_NAME,
      Semconv.ATTR_CPU_MODE
    ]
  )
})
