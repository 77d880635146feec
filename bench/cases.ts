/**
 * What is measured: every case with its unit, its reference and its subjects.
 * A case names an operation and each subject's module (`subjects/<name>.ts`)
 * brings its own way to do it, so a case is a line here and a function there.
 */

/** What a subject can be asked to do. */
export type Operation =
  | "call"
  | "traced"
  | "supervised"
  | "schema"
  | "deferred"
  | "pooled"
  | "proxied"
  | "direct"
  | "relayed"
  | "reference"
  | "relayedReference"
  | "late"
  | "lateWithoutSpin"
  | "process"
  | "memory"
  | "transfer"
  | "shared"
  | "clone"
  | "stream"
  | "cpu"
  | "start"
  | "resident"
  | "crowd"
  | "crowded"
  | "idle"
  | "spawn"
  | "hop"
  | "bytes"

/** Actors that share threads. */
export interface Shared {
  readonly actors: number
  readonly threads: number
}

/** One case. */
export interface Case {
  readonly name: string
  readonly unit: string
  /** what one figure says, for the report */
  readonly about: string
  readonly operation: Operation
  /** the subject that the others are divided by */
  readonly reference: string
  readonly subjects: ReadonlyArray<string>
  /** another operation than the case's for one subject */
  readonly operations?: Readonly<Record<string, Operation>>
  readonly better: "less" | "more"
  /** how many operations are under way at once */
  readonly width?: number
  /** how many operations one sample makes, or how many actors it starts; otherwise as many as fill its time */
  readonly count?: number
  /** so many actors share so many threads */
  readonly shared?: Shared
  /** samples of a measurement that takes its own time: in a quick run, and in a full one */
  readonly reads?: readonly [quick: number, full: number]
  /** threads are being started, or share cores by themselves: nothing to pin */
  readonly unpinned?: true
  /** slow: only in full runs, and only once */
  readonly once?: true
  /** it says less than the others, or takes more than a quick run has: only in full runs */
  readonly extra?: true
  /** it runs so much code that it takes longer until all of that is compiled; a full run gives everything the time */
  readonly warmsSlowly?: true
}

const pools = ["piscina", "tinypool", "workerpool", "poolifier", "comlink", "effect-rpc"]

/** All cases, in the order of the report. */
export const cases: ReadonlyArray<Case> = [
  {
    name: "call/sequential",
    unit: "µs a call",
    about: "one call at a time to an actor on a thread: { n } there, n + 1 back",
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
    about: "64 calls under way, five fields with a Date there and back, one in eight fails with a tagged error; " +
      "piscina and postMessage check and decode nothing",
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
      "what tracing (one span around all calls), supervision, and the schemas of call/schema add to call/concurrent-64",
    operation: "call",
    reference: "uactor",
    subjects: ["uactor", "uactor-traced", "uactor-supervised", "uactor-schema"],
    operations: { "uactor-traced": "traced", "uactor-supervised": "supervised", "uactor-schema": "schema" },
    better: "less",
    width: 64,
    extra: true
  },
  {
    name: "handle/deferred",
    unit: "µs a call",
    about:
      "64 under way: a call whose result stays in the actor a turn longer, its handle, and the awaiting of that; " +
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
      "the two pools of uActor, four threads each, 64 calls under way: actors that make up to four results at a time in themselves " +
      "and hand out handles to them, which are awaited; the reference is the client-side pool, whose actors answer",
    operation: "proxied",
    reference: "uactor-client",
    subjects: ["uactor", "uactor-client"],
    operations: { "uactor-client": "pooled" },
    better: "less",
    width: 64,
    extra: true
  },
  {
    name: "handle/direct",
    unit: "µs a call",
    about:
      "an actor on one thread calls an object of an actor on another, one call at a time, over the channel between the two; the " +
      "reference goes through the main thread, as those objects do whose methods carry handles",
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
      "an actor on one thread calls an actor on another to which it was given a reference, one call at a time, over the channel " +
      "between the two; the reference goes through the main thread, as methods do that carry handles",
    operation: "reference",
    reference: "uactor-main",
    subjects: ["uactor", "uactor-main"],
    operations: { "uactor-main": "relayedReference" },
    better: "less",
    unpinned: true,
    once: true
  },
  {
    name: "payload/1mb-transfer",
    unit: "µs a call",
    about: "1 MB handed over, written to, and handed back, one at a time",
    operation: "transfer",
    reference: "postMessage",
    subjects: ["uactor", "postMessage", "piscina", "tinypool", "workerpool", "comlink", "effect-rpc"],
    better: "less",
    width: 1
  },
  {
    name: "payload/1mb-shared",
    unit: "µs a call",
    about: "1 MB that the sender keeps, read at the other end, one at a time; the reference and uactor-clone " +
      "copy it by structured clone, uactor lends it from a SharedBuffer pool of two, into which it is copied",
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
    about: "how much faster two workers do tasks of 1 ms than one does",
    operation: "cpu",
    reference: "ideal",
    subjects: ["uactor", "piscina", "postMessage", "ideal"],
    better: "more",
    reads: [1, 2]
  },
  {
    name: "start/thread",
    unit: "ms",
    about: "from asking for a thread to the answer of its first call",
    operation: "start",
    reference: "postMessage",
    subjects: ["uactor", "postMessage", "piscina", "effect-rpc"],
    better: "less",
    reads: [3, 10],
    unpinned: true
  },
  {
    name: "memory/thread",
    unit: "MB a thread",
    about: "what the process grows by for each thread that has answered one call",
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
    about: "from asking for 16 threads at once until all have answered their first call",
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
    about: "what the process grows by for each of 16 threads that have answered one call",
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
    about: "from asking for 256 threads at once until all have answered their first call",
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
      "64 messages under way to 1,000 actors on one shared thread; the reference asks its fibers from inside the thread",
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
      "64 messages under way to 100,000 actors on two shared threads; the reference asks its fibers from inside its thread",
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
    name: "timers/late",
    unit: "ms",
    about:
      "how late the latest one in a hundred timers of two milliseconds is, in the caller's thread or the worker's, whichever is " +
      "worse, while calls go between them one by one; the reference has `spin: false`",
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
      "what 64 idle threads use in ten seconds, half a minute after their start, when V8 has tidied up what starting them left",
    operation: "idle",
    reference: "postMessage",
    subjects: ["uactor", "postMessage"],
    better: "less",
    reads: [1, 1],
    unpinned: true,
    once: true
  }
]
