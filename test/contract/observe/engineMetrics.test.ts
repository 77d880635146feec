/** `uactor/ActorMetrics`: what the engine counts and measures. */
import { assert, it } from "@effect/vitest"
import * as Semconv from "@opentelemetry/semantic-conventions/incubating"
import { Context, Effect, Exit, Fiber, Layer, Metric, Schedule } from "effect"
import { PrometheusMetrics } from "effect/observability"
import * as fs from "node:fs"
import * as ActorMetrics from "../../../src/ActorMetrics.ts"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import behaviours, { Broken, Clerk } from "../fixtures/clerk.ts"
import { until } from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import lenders, { Keeper, Lender } from "./actors/lender.ts"

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
        const pool = yield* ActorPool.make(Clerk, { size: { min: 2, max: 3, idleTimeToLive: "1 hour" } })
        yield* pool.client.stamp()
        assert.strictEqual(find(`uactor_pool_members{uactor_pool_name="Clerk"}`), 2)
        assert.strictEqual(find(`uactor_pool_limit{uactor_pool_name="Clerk"}`), 3)
        assert.strictEqual(find(`uactor_spawn_duration_count{uactor_actor_name="Clerk"}`), 2)
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
          const carried = (id: string, direction: string): number =>
            worker(id).flatMap(({ attributes, state }) =>
              attributes!["network.io.direction"] === direction ? [(state as { readonly count: number }).count] : []
            )[0] ?? 0
          const { linkBatches, linkFrames } = ActorMetrics
          const before = carried(linkFrames.id, "transmit")
          yield* Effect.replicateEffect(clerk.stamp(), 20, { concurrency: "unbounded" }).pipe(Effect.exit)
          // a call is a frame, and its answer another one
          assert.isAtLeast(carried(linkFrames.id, "transmit") - before, 1)
          for (const direction of ["transmit", "receive"]) {
            assert.isAbove(carried(linkBatches.id, direction), 0)
            assert.isAtLeast(carried(linkFrames.id, direction), carried(linkBatches.id, direction))
          }
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

onEveryPlacement(
  { module: new URL("./actors/lender.ts", import.meta.url), behaviours: lenders },
  (placement) => {
    it.live("H: the handles that the program lends and holds are counted by their kind", () => {
      const { find, provide } = registry()
      const handles = (role: string): number =>
        find(`uactor_handles{uactor_handle_kind="Ref",uactor_handle_role="${role}"}`) || 0
      return Effect.gen(function*() {
        const [lent, held] = [handles("lent"), handles("held")]
        const lender = yield* Lender.spawn()
        const keeper = yield* Keeper.spawn()
        yield* Effect.gen(function*() {
          const counter = yield* lender.counter()
          yield* until("the program holds the handle", () => handles("held") === held + 1)
          yield* keeper.keep({ counter })
          yield* until("the keeper has the handle", () => handles("lent") === lent + 1)
        }).pipe(Effect.scoped)
        yield* ActorRef.stop(keeper)
        yield* until("the handles are released", () => handles("held") === held && handles("lent") === lent)
      }).pipe(Effect.scoped, Effect.provide(Layer.merge(placement.layer(), ActorMetrics.layer())), provide)
    })
  }
)

it("docs/observe.md lists each metric", () => {
  const page = fs.readFileSync(new URL("../../../docs/observe.md", import.meta.url), "utf8")
  for (const metric of Object.values(ActorMetrics)) {
    if (Metric.isMetric(metric)) assert.include(page, `\`${metric.id}\``)
  }
})

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
    ["rpc.method", "error.type", "process.pid", "thread.name", "cpu.mode", "network.io.direction"],
    [
      Semconv.ATTR_RPC_METHOD,
      Semconv.ATTR_ERROR_TYPE,
      Semconv.ATTR_PROCESS_PID,
      Semconv.ATTR_THREAD_NAME,
      Semconv.ATTR_CPU_MODE,
      Semconv.ATTR_NETWORK_IO_DIRECTION
    ]
  )
})
