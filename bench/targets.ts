/**
 * The goals of the benchmark, as ratios to other subjects of the same run: a first step, and the goal.
 */

/** One row. */
export interface Target {
  readonly what: string
  readonly case: string
  /** the subject that is the divisor; without a peer, the target is the figure itself */
  readonly peer?: string
  readonly peerText: string
  readonly first: number
  readonly later: number
  /** whether the bound is a minimum; otherwise it is a maximum */
  readonly atLeast?: true
  /** the reason why `later` is not reached */
  readonly gap?: string
}

/** All rows. */
export const targets: ReadonlyArray<Target> = [
  {
    what: "call, one at a time, thread",
    case: "call/sequential",
    peer: "postMessage",
    peerText: "bare postMessage",
    first: 0.2,
    later: 0.06,
    gap:
      "the answer is in shared memory at once, but the caller does not block for it: its event loop turns between a call and the " +
      "next call. On a machine that wakes a sleeping core quickly, the reference of this ratio is fast."
  },
  {
    what: "call, 64 at once, thread",
    case: "call/concurrent-64",
    peer: "piscina",
    peerText: "piscina",
    first: 0.3,
    later: 0.2,
    gap: "messages of 16 calls: larger messages cost less for each call, but make one side wait for the other."
  },
  {
    what: "20,000 calls at once, thread",
    case: "call/burst",
    peer: "piscina",
    peerText: "piscina",
    first: 0.25,
    later: 0.15,
    gap:
      "`Effect.forEach` starts 20,000 fibers, and 20,000 calls wait. V8 copies all of them when it collects garbage. This costs more " +
      "than the library's own part of the calls."
  },
  {
    what: "call, 64 at once, thread",
    case: "call/concurrent-64",
    peer: "effect-rpc",
    peerText: "effect rpc",
    first: 0.2,
    later: 0.12
  },
  {
    what: "20,000 calls at once, thread",
    case: "call/burst",
    peer: "effect-rpc",
    peerText: "effect rpc",
    first: 0.2,
    later: 0.12,
    gap: "the same reason as for piscina."
  },
  {
    what: "call in a process, 64 at once",
    case: "call/process-64",
    peer: "postMessage",
    peerText: "advanced IPC, one message a call",
    first: 0.6,
    later: 0.4,
    gap: "the serialization of Node's channel, and a pipe between two event loops."
  },
  {
    what: "call in memory",
    case: "call/memory",
    peer: "nact",
    peerText: "nact query",
    first: 1,
    later: 0.6,
    gap:
      "values are encoded, copied and decoded as for a thread, so that a program behaves in the same way on every placement."
  },
  {
    what: "call in memory",
    case: "call/memory",
    peer: "xstate",
    peerText: "xstate event",
    first: 1,
    later: 0.6,
    gap:
      "the same reason as for nact. In addition, uactor yields to the event loop every half millisecond; the other subjects do not."
  },
  {
    what: "proxied Deferred, 64 at once",
    case: "handle/deferred",
    peer: "uactor-call",
    peerText: "a plain call",
    first: 1.5,
    later: 1.2,
    gap:
      "the actor runs one fiber for the call and one for the result, which yields. The caller imports a handle. The result itself " +
      "costs no message: the answer contains a result that has completed before the answer is sent."
  },
  {
    what: "pool of proxied results",
    case: "pool/proxied",
    peer: "uactor-client",
    peerText: "client-side pool (uActor: 24 to 27)",
    first: 1.5,
    later: 1.2,
    gap: "the handle itself, and the permit for each result."
  },
  {
    what: "pool, first-free, 64 at once",
    case: "pool/first-free",
    peer: "uactor-call",
    peerText: "an actor without a pool",
    first: 1.3,
    later: 1.15
  },
  {
    what: "short tasks beside a long task",
    case: "pool/mixed",
    peer: "piscina",
    peerText: "piscina",
    first: 1.3,
    later: 1.1
  },
  {
    what: "stream of integers",
    case: "stream/ints",
    peer: "postMessage",
    peerText: "256-item chunks by postMessage",
    first: 0.7,
    later: 0.9,
    atLeast: true
  },
  {
    what: "1 MB by transfer",
    case: "payload/1mb-transfer",
    peer: "postMessage",
    peerText: "bare transfer",
    first: 1.3,
    later: 1.1
  },
  {
    what: "tasks of 1 ms, 2 workers over 1",
    case: "cpu/1ms-2-workers",
    peerText: "ideal: 2",
    first: 1.9,
    later: 1.95,
    gap:
      "the caller shares two cores with two workers; with more cores it does not. Two workers take as long as two workers of piscina. " +
      "One worker alone is faster than one worker of piscina, because its next task has arrived before a task ends. Therefore the " +
      "ratio is smaller. Each answer wakes the caller, which on a slow machine takes a tenth of a millisecond from the worker on " +
      "the same core.",
    atLeast: true
  },
  {
    what: "start of a thread actor with a spare",
    case: "start/spare",
    peer: "uactor-start",
    peerText: "without spares",
    first: 0.5,
    later: 0.2
  },
  {
    what: "start of a thread actor",
    case: "start/thread",
    peer: "postMessage",
    peerText: "bare thread",
    first: 3,
    later: 1.6,
    gap:
      "each thread evaluates Effect and this library, as one script with cached machine code. This is most of the remaining time: V8 " +
      "has no snapshots for the threads of a process."
  },
  {
    what: "memory of a thread actor",
    case: "memory/thread",
    peer: "postMessage",
    peerText: "bare thread",
    first: 2,
    later: 1.5,
    gap: "each thread has its own values and functions of the modules of Effect."
  },
  {
    what: "shared worker: spawn",
    case: "shared/spawn",
    peer: "fiber-queue",
    peerText: "fiber and Queue",
    first: 0.5,
    later: 0.5
  },
  {
    what: "shared worker: memory",
    case: "shared/memory",
    peer: "fiber-queue",
    peerText: "fiber and Queue",
    first: 0.5,
    later: 0.5
  },
  {
    what: "shared worker: message",
    case: "shared/hop",
    peer: "fiber-queue",
    peerText: "fiber and Queue",
    first: 0.5,
    later: 0.5,
    gap: "the message itself, which the reference does not send to another thread."
  }
]
