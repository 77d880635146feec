/**
 * How fast this library means to be, as ratios to what is measured beside it in
 * the same run: at first, and later.
 */

/** One row. */
export interface Target {
  readonly what: string
  readonly case: string
  /** divided by this subject; the figure itself where there is none */
  readonly peer?: string
  readonly peerText: string
  readonly first: number
  readonly later: number
  /** the figure is to be at least the bound; otherwise at most */
  readonly atLeast?: true
  /** what stands between us and `later`, where something does */
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
      "the answer lies in shared memory at once, but the caller does not block for it: its event loop turns between a call and the " +
      "next one. Where the machine wakes a sleeping core quickly, the other side of this ratio is small."
  },
  {
    what: "call, 64 at once, thread",
    case: "call/concurrent-64",
    peer: "piscina",
    peerText: "piscina",
    first: 0.3,
    later: 0.2,
    gap: "messages of 16 calls: larger ones cost less for each call, and keep one side waiting for the other."
  },
  {
    what: "20,000 calls at once, thread",
    case: "call/burst",
    peer: "piscina",
    peerText: "piscina",
    first: 0.25,
    later: 0.15,
    gap:
      "20,000 calls are 20,000 fibers that `Effect.forEach` starts, and as many that wait, all of which V8 copies when it collects; " +
      "what is ours of a call is the smaller part by then."
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
    gap: "the same as against piscina."
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
      "values are encoded, copied and decoded as they would be for a thread, so that a program behaves alike everywhere."
  },
  {
    what: "call in memory",
    case: "call/memory",
    peer: "xstate",
    peerText: "xstate event",
    first: 1,
    later: 0.6,
    gap:
      "the same as against nact; and the event loop gets its turn every half millisecond, which the others do not let it have."
  },
  {
    what: "proxied Deferred, 64 at once",
    case: "handle/deferred",
    peer: "uactor-call",
    peerText: "a plain call",
    first: 1.5,
    later: 1.2,
    gap:
      "the actor runs a fiber for the result beside that of the call, and lets it yield; the caller takes in a handle. The result " +
      "itself costs no message: what is there before the answer has left travels in it."
  },
  {
    what: "pool of proxied results",
    case: "pool/proxied",
    peer: "uactor-client",
    peerText: "client-side pool (uActor: 24 to 27)",
    first: 1.5,
    later: 1.2,
    gap: "the handle itself, and the permit that each result takes."
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
      "the caller shares two cores with two workers; on more cores it does not. Two workers take as long here as two of piscina's; " +
      "one alone is faster than one of piscina's, because its next task is there when one ends, so the ratio is the smaller one. " +
      "Each answer wakes the caller, which on a slow machine takes a tenth of a millisecond of the worker that shares its core.",
    atLeast: true
  },
  {
    what: "start of a thread actor",
    case: "start/thread",
    peer: "postMessage",
    peerText: "bare thread",
    first: 3,
    later: 1.6,
    gap:
      "Effect and this library come as one script whose machine code is kept, and evaluating it is most of what is left: V8 has " +
      "no snapshot for the threads of a process."
  },
  {
    what: "memory of a thread actor",
    case: "memory/thread",
    peer: "postMessage",
    peerText: "bare thread",
    first: 2,
    later: 1.5,
    gap: "the values and functions that the modules of Effect make when they are evaluated, in each thread."
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
