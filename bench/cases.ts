/**
 * The cases of the benchmark, each with its unit, its reference and its subjects. A case names an operation, and the module of each subject
 * (`subjects/<name>.ts`) implements the operation. A new case is one entry in this module and one function in each subject.
 */

/** The operations of all cases. */
export type Operation =
  | "call"
  | "callHalved"
  | "traced"
  | "supervised"
  | "schema"
  | "deferred"
  | "pooled"
  | "queued"
  | "mixed"
  | "mixedLeastBusy"
  | "proxied"
  | "direct"
  | "relayed"
  | "reference"
  | "relayedReference"
  | "throughput"
  | "relayedThroughput"
  | "late"
  | "lateWithoutSpin"
  | "process"
  | "memory"
  | "memoryMetered"
  | "memoryTimed"
  | "callMetered"
  | "callTimed"
  | "transfer"
  | "shared"
  | "clone"
  | "stream"
  | "cpu"
  | "start"
  | "resident"
  | "startSpare"
  | "crowd"
  | "crowded"
  | "idle"
  | "spawn"
  | "hop"
  | "bytes"
  | "clusterLocal"
  | "clusterRemote"
  | "clusterPersisted"

/** Actors that share threads. */
export interface Shared {
  readonly actors: number
  readonly threads: number
}

/** One case. */
export interface Case {
  readonly name: string
  readonly unit: string
  /** the meaning of a figure, for the report */
  readonly about: string
  readonly operation: Operation
  /** the subject that is the divisor of all ratios */
  readonly reference: string
  readonly subjects: ReadonlyArray<string>
  /** the operations of subjects that differ from the operation of the case */
  readonly operations?: Readonly<Record<string, Operation>>
  readonly better: "less" | "more"
  /** the number of concurrent operations */
  readonly width?: number
  /** the number of operations, or of started actors, in one sample; by default, a sample runs for a fixed time */
  readonly count?: number
  /** the numbers of actors and of the threads that they share */
  readonly shared?: Shared
  /** the number of samples of a gauge, in a quick run and in a full run */
  readonly reads?: readonly [quick: number, full: number]
  /** the case is not pinned, because it starts threads or uses all cores */
  readonly unpinned?: true
  /** the case is slow, and runs once, in full runs only */
  readonly once?: true
  /** the case is less important or slow, and runs in full runs only */
  readonly extra?: true
  /** the case runs much code, which takes longer to compile; full runs always wait that long */
  readonly warmsSlowly?: true
}

const pools = ["piscina", "tinypool", "workerpool", "poolifier", "comlink", "effect-rpc"]

/** All cases, in the order of the report. */
export const cases: ReadonlyArray<Case> = [
  {
    name: "call/sequential",
    unit: "µs a call",
    about: "one call at a time to an actor on a thread: payload { n }, result n + 1",
    operation: "call",
    reference: "postMessage",
    subjects: ["uactor", "postMessage", ...pools],
    better: "less",
    width: 1
  },
  {
    name: "call/concurrent-64",
    unit: "µs a call",
    about: "the same, 64 calls under way",
    operation: "call",
    reference: "piscina",
    subjects: ["uactor", "postMessage", ...pools],
    better: "less",
    width: 64
  },
  {
    name: "call/burst",
    unit: "µs a call",
    about: "the same, 20,000 calls started at once",
    operation: "call",
    reference: "piscina",
    subjects: ["uactor", "postMessage", ...pools],
    better: "less",
    width: Infinity,
    count: 20_000
  },
  {
    name: "call/process-64",
    unit: "µs a call",
    about: "64 calls under way to an actor in a child process; the reference sends one advanced-IPC message a call",
    operation: "process",
    reference: "postMessage",
    subjects: ["uactor", "postMessage", "tinypool", "workerpool"],
    better: "less",
    width: 64
  },
  {
    name: "call/memory",
    unit: "µs a call",
    about: "one call at a time to an actor in the same thread",
    operation: "memory",
    reference: "nact",
    subjects: ["uactor", "nact", "xstate"],
    better: "less",
    width: 1,
    unpinned: true
  },
  {
    name: "call/memory-64",
    unit: "µs a call",
    about: "64 calls under way to an actor in the same thread",
    operation: "memory",
    reference: "nact",
    subjects: ["uactor", "nact", "xstate"],
    better: "less",
    width: 64,
    unpinned: true,
    extra: true
  },
  {
    name: "call/schema",
    unit: "µs a call",
    about:
      "64 calls under way, a payload and a result of five fields with a Date, one call in eight fails with a tagged error; " +
      "piscina and postMessage neither check nor decode values",
    operation: "schema",
    reference: "piscina",
    subjects: ["uactor", "postMessage", "piscina", "effect-rpc"],
    better: "less",
    width: 64
  },
  {
    name: "call/extras",
    unit: "µs a call",
    about:
      "the cost that tracing (one span around all calls), supervision, and the schemas of call/schema add to call/concurrent-64",
    operation: "call",
    reference: "uactor",
    subjects: ["uactor", "uactor-traced", "uactor-supervised", "uactor-schema"],
    operations: { "uactor-traced": "traced", "uactor-supervised": "supervised", "uactor-schema": "schema" },
    better: "less",
    width: 64,
    extra: true
  },
  {
    name: "observe/memory",
    unit: "µs a call",
    about:
      "one call at a time to an actor in the same thread: the cost of the metrics of the engine, read every 5 seconds, and of the durations of calls",
    operation: "memory",
    reference: "uactor",
    subjects: ["uactor", "uactor-metrics", "uactor-timing"],
    operations: { "uactor-metrics": "memoryMetered", "uactor-timing": "memoryTimed" },
    better: "less",
    width: 1,
    unpinned: true,
    extra: true
  },
  {
    name: "observe/memory-64",
    unit: "µs a call",
    about:
      "64 calls under way to an actor in the same thread: the cost of the metrics of the engine, read every 5 seconds, and of the durations of calls",
    operation: "memory",
    reference: "uactor",
    subjects: ["uactor", "uactor-metrics", "uactor-timing"],
    operations: { "uactor-metrics": "memoryMetered", "uactor-timing": "memoryTimed" },
    better: "less",
    width: 64,
    unpinned: true,
    extra: true
  },
  {
    name: "observe/thread",
    unit: "µs a call",
    about:
      "one call at a time to an actor on a thread: the cost of the metrics of the engine, read every 5 seconds, and of the durations of calls",
    operation: "call",
    reference: "uactor",
    subjects: ["uactor", "uactor-metrics", "uactor-timing"],
    operations: { "uactor-metrics": "callMetered", "uactor-timing": "callTimed" },
    better: "less",
    width: 1,
    extra: true
  },
  {
    name: "observe/thread-64",
    unit: "µs a call",
    about:
      "64 calls under way to an actor on a thread: the cost of the metrics of the engine, read every 5 seconds, and of the durations of calls",
    operation: "call",
    reference: "uactor",
    subjects: ["uactor", "uactor-metrics", "uactor-timing"],
    operations: { "uactor-metrics": "callMetered", "uactor-timing": "callTimed" },
    better: "less",
    width: 64,
    extra: true
  },
  {
    name: "handle/deferred",
    unit: "µs a call",
    about:
      "64 under way: a call that returns the handle of a result, which completes a turn later, and awaiting the handle; " +
      "the reference is a plain call",
    operation: "deferred",
    reference: "uactor-call",
    subjects: ["uactor", "uactor-call"],
    operations: { "uactor-call": "call" },
    better: "less",
    width: 64,
    warmsSlowly: true
  },
  {
    name: "pool/proxied",
    unit: "µs a call",
    about:
      "the two pools of uActor, four threads each, 64 calls under way: each actor computes up to four results at a time and " +
      "exports their handles, which the caller awaits; the reference is the client-side pool, whose actors return the results",
    operation: "proxied",
    reference: "uactor-client",
    subjects: ["uactor", "uactor-client"],
    operations: { "uactor-client": "pooled" },
    better: "less",
    width: 64,
    extra: true
  },
  {
    name: "pool/first-free",
    unit: "µs a call",
    about:
      "64 calls under way to a pool of one thread that runs 32 calls at once; the others wait in the queue of the pool; the reference " +
      "is an actor without a pool, as in call/concurrent-64; uactor-call-32 is this actor with 32 calls under way, as many as the thread " +
      "of the pool has at once",
    operation: "queued",
    reference: "uactor-call",
    subjects: ["uactor", "uactor-call", "uactor-call-32", "piscina"],
    operations: { "uactor-call": "call", "uactor-call-32": "callHalved" },
    better: "less",
    width: 64
  },
  {
    name: "pool/mixed",
    unit: "ms",
    about:
      "the median time from the call of a task of about 1 ms to its result, for forty of them called at once just after a task 300 times as " +
      "long, on two workers; all pools have their default strategy; the ideal is the time of 21 tasks, one after the other in one worker",
    operation: "mixed",
    reference: "piscina",
    subjects: ["uactor", "uactor-least-busy", "piscina", "poolifier", "ideal"],
    operations: { "uactor-least-busy": "mixedLeastBusy" },
    better: "less",
    reads: [2, 5],
    unpinned: true
  },
  {
    name: "handle/direct",
    unit: "µs a call",
    about:
      "an actor on one thread calls an object of an actor on another, one call at a time, over the channel between the two; the " +
      "reference goes through the main thread, like methods that carry handles",
    operation: "direct",
    reference: "uactor-main",
    subjects: ["uactor", "uactor-main"],
    operations: { "uactor-main": "relayed" },
    better: "less",
    unpinned: true,
    once: true
  },
  {
    name: "reference/direct",
    unit: "µs a call",
    about:
      "an actor on one thread calls an actor on another through a reference, one call at a time, over the channel between the two; " +
      "the benchmark's reference goes through the main thread, like methods that carry handles",
    operation: "reference",
    reference: "uactor-main",
    subjects: ["uactor", "uactor-main"],
    operations: { "uactor-main": "relayedReference" },
    better: "less",
    unpinned: true,
    once: true
  },
  {
    name: "reference/throughput",
    unit: "µs a call",
    about:
      "the same, 64 calls under way, while the main thread computes for 2 ms in each turn of its event loop; the reference goes " +
      "through the main thread",
    operation: "throughput",
    reference: "uactor-main",
    subjects: ["uactor", "uactor-main"],
    operations: { "uactor-main": "relayedThroughput" },
    better: "less",
    unpinned: true,
    once: true
  },
  {
    name: "payload/1mb-transfer",
    unit: "µs a call",
    about: "1 MB is transferred to the actor, written to, and transferred back, one call at a time",
    operation: "transfer",
    reference: "postMessage",
    subjects: ["uactor", "postMessage", "piscina", "tinypool", "workerpool", "comlink", "effect-rpc"],
    better: "less",
    width: 1
  },
  {
    name: "payload/1mb-shared",
    unit: "µs a call",
    about: "the sender keeps 1 MB, the receiver reads it, one call at a time; the reference and uactor-clone " +
      "copy it by structured clone, uactor copies it into a SharedBuffer pool of two and lends it",
    operation: "shared",
    reference: "postMessage",
    subjects: ["uactor", "uactor-clone", "postMessage"],
    operations: { "uactor-clone": "clone" },
    better: "less",
    width: 1,
    once: true
  },
  {
    name: "stream/ints",
    unit: "items a second",
    about: "integers from the actor to its caller; the reference posts chunks of 256 without any backpressure",
    operation: "stream",
    reference: "postMessage",
    subjects: ["uactor", "postMessage", "effect-rpc"],
    better: "more"
  },
  {
    name: "cpu/1ms-2-workers",
    unit: "times one worker",
    about: "the speed of two workers at tasks of 1 ms, relative to one worker",
    operation: "cpu",
    reference: "ideal",
    subjects: ["uactor", "piscina", "postMessage", "ideal"],
    better: "more",
    reads: [1, 2]
  },
  {
    name: "start/thread",
    unit: "ms",
    about: "the time from the start of a thread to the answer of its first call",
    operation: "start",
    reference: "postMessage",
    subjects: ["uactor", "postMessage", "piscina", "effect-rpc"],
    better: "less",
    reads: [3, 10],
    unpinned: true
  },
  {
    name: "start/spare",
    unit: "ms",
    about: "the same with `spares: 1`, a second after the last start; the reference is without spares",
    operation: "startSpare",
    reference: "uactor-start",
    subjects: ["uactor", "uactor-start"],
    operations: { "uactor-start": "start" },
    better: "less",
    reads: [3, 10],
    unpinned: true
  },
  {
    name: "memory/thread",
    unit: "MB a thread",
    about: "the growth of the process for each thread that has answered one call",
    operation: "resident",
    reference: "postMessage",
    subjects: ["uactor", "postMessage", "piscina", "effect-rpc"],
    better: "less",
    reads: [1, 1],
    unpinned: true
  },
  {
    name: "start/many-16",
    unit: "ms",
    about: "the time from the start of 16 threads at once until all have answered their first call",
    operation: "crowd",
    reference: "postMessage",
    subjects: ["uactor", "postMessage"],
    better: "less",
    count: 16,
    reads: [1, 3],
    unpinned: true,
    once: true
  },
  {
    name: "memory/many-16",
    unit: "MB a thread",
    about: "the growth of the process for each of 16 threads that have answered one call",
    operation: "crowded",
    reference: "postMessage",
    subjects: ["uactor", "postMessage"],
    better: "less",
    count: 16,
    reads: [1, 1],
    unpinned: true,
    once: true
  },
  {
    name: "start/many-256",
    unit: "ms",
    about: "the time from the start of 256 threads at once until all have answered their first call",
    operation: "crowd",
    reference: "postMessage",
    subjects: ["uactor", "postMessage"],
    better: "less",
    count: 256,
    reads: [1, 1],
    unpinned: true,
    once: true
  },
  {
    name: "shared/spawn",
    unit: "µs an actor",
    about:
      "many actors started on one shared thread, until the last one has answered; the reference forks a fiber with a Queue for " +
      "each, inside the thread",
    operation: "spawn",
    reference: "fiber-queue",
    subjects: ["uactor", "fiber-queue"],
    better: "less",
    shared: { actors: 2000, threads: 1 },
    reads: [10, 25]
  },
  {
    name: "shared/hop",
    unit: "µs a message",
    about:
      "64 messages under way to 1,000 actors on one shared thread; the reference sends to its fibers from inside the thread",
    operation: "hop",
    reference: "fiber-queue",
    subjects: ["uactor", "fiber-queue"],
    better: "less",
    shared: { actors: 1000, threads: 1 },
    width: 64
  },
  {
    name: "shared/memory",
    unit: "bytes an actor",
    about: "heap on both sides for each of 5,000 actors on one shared thread",
    operation: "bytes",
    reference: "fiber-queue",
    subjects: ["uactor", "fiber-queue"],
    better: "less",
    shared: { actors: 5000, threads: 1 },
    reads: [1, 1],
    unpinned: true
  },
  {
    name: "shared/many-spawn",
    unit: "µs an actor",
    about: "100,000 actors started on two shared threads; the reference forks its fibers in one",
    operation: "spawn",
    reference: "fiber-queue",
    subjects: ["uactor", "fiber-queue"],
    better: "less",
    shared: { actors: 100_000, threads: 2 },
    reads: [1, 3],
    unpinned: true,
    once: true
  },
  {
    name: "shared/many-hop",
    unit: "µs a message",
    about:
      "64 messages under way to 100,000 actors on two shared threads; the reference sends to its fibers from inside its thread",
    operation: "hop",
    reference: "fiber-queue",
    subjects: ["uactor", "fiber-queue"],
    better: "less",
    shared: { actors: 100_000, threads: 2 },
    width: 64,
    unpinned: true,
    once: true
  },
  {
    name: "shared/many-memory",
    unit: "bytes an actor",
    about: "heap on both sides for each of 100,000 actors on two shared threads",
    operation: "bytes",
    reference: "fiber-queue",
    subjects: ["uactor", "fiber-queue"],
    better: "less",
    shared: { actors: 100_000, threads: 2 },
    reads: [1, 1],
    unpinned: true,
    once: true
  },
  {
    name: "cluster/local",
    unit: "µs a call",
    about:
      "64 calls under way to 16 actors of the same process, which is the only runner of a cluster; the peer calls an entity of Effect",
    operation: "clusterLocal",
    reference: "effect-entity",
    subjects: ["actor-cluster", "effect-entity"],
    better: "less",
    width: 64,
    unpinned: true,
    extra: true
  },
  {
    name: "cluster/remote",
    unit: "µs a call",
    about: "the same, on a runner in another process",
    operation: "clusterRemote",
    reference: "effect-entity",
    subjects: ["actor-cluster", "effect-entity"],
    better: "less",
    width: 64,
    unpinned: true,
    extra: true
  },
  {
    name: "cluster/persisted",
    unit: "µs a call",
    about:
      "the same with a persisted method: each call and its result are rows of an SQLite database, which both processes write",
    operation: "clusterPersisted",
    reference: "effect-entity",
    subjects: ["actor-cluster", "effect-entity"],
    better: "less",
    width: 64,
    unpinned: true,
    extra: true
  },
  {
    name: "timers/late",
    unit: "ms",
    about:
      "the 99th percentile of the delay of timers of two milliseconds, in the caller's thread or in the worker's, whichever is " +
      "worse, while one call at a time is under way; the reference has `spin: false`",
    operation: "late",
    reference: "uactor-no-spin",
    subjects: ["uactor", "uactor-no-spin"],
    operations: { "uactor-no-spin": "lateWithoutSpin" },
    better: "less",
    reads: [1, 3],
    once: true
  },
  {
    name: "idle/64-threads",
    unit: "CPU seconds",
    about:
      "the CPU time of 64 idle threads in ten seconds, half a minute after their start, when V8 has collected the garbage of the start",
    operation: "idle",
    reference: "postMessage",
    subjects: ["uactor", "postMessage"],
    better: "less",
    reads: [1, 1],
    unpinned: true,
    once: true
  }
]
