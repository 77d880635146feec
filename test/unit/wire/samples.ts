/** One frame of each opcode. The compiler compares each with the table of the protocol. */
import * as Frames from "../../../src/internal/wire/frames.ts"

const info: Frames.MailboxInfo = {
  actor: "Counter",
  methods: ["increment by", "get"],
  capacity: 16,
  concurrency: -1,
  suspends: true,
  ready: false,
  callTimeout: 1_000,
  runTimeout: 100,
  supervision: { delays: [1, 2], ends: true, maxRestarts: 3, window: 1_000, restart: "always" }
}

const cause: Frames.EncodedCause = [["Fail", 1], ["Die", "oops"], ["Interrupt", 7], ["Interrupt", undefined]]

export const samples: { readonly [Op in Frames.Opcode]: Frames.Frame<Op> } = {
  [Frames.Call]: [Frames.Call, 1, 2, 0, { by: 1 }],
  [Frames.CallWith]: [
    Frames.CallWith,
    1,
    -3,
    0,
    undefined,
    {
      trace: ["a1", "b2", true],
      headers: { tenant: "x" },
      discard: true,
      window: 16,
      reportsBegin: true,
      values: { "app/Tenant": "ada" }
    }
  ],
  [Frames.Interrupt]: [Frames.Interrupt, 1],
  [Frames.Credit]: [Frames.Credit, 1, 8],

  [Frames.Spawn]: [Frames.Spawn, 1, "Counter", { start: 1 }, 1],
  [Frames.Start]: [Frames.Start, 1, "Counter", 1],
  [Frames.Close]: [Frames.Close, 1, Frames.killed, undefined],
  [Frames.Vote]: [Frames.Vote, 1, cause],

  [Frames.Cancel]: [Frames.Cancel, 1],
  [Frames.Release]: [Frames.Release, -3],
  [Frames.Share]: [Frames.Share, -4, -3],
  [Frames.ResolveRoute]: [Frames.ResolveRoute, -3, 0, 0],

  [Frames.Introduce]: [Frames.Introduce, 1, undefined, Infinity],
  [Frames.Provide]: [Frames.Provide, 1, 5, -3, false],
  [Frames.Unprovide]: [Frames.Unprovide, 1, 5],
  [Frames.Disembargo]: [Frames.Disembargo, 0, 5],
  [Frames.PeerDied]: [Frames.PeerDied, 1, "Killed", "it was killed"],
  [Frames.Severed]: [Frames.Severed, 1],
  [Frames.Unresponsive]: [Frames.Unresponsive, 1, "Counter#1"],

  [Frames.Ping]: [Frames.Ping],
  [Frames.MeasureHeap]: [Frames.MeasureHeap],
  [Frames.Inspect]: [Frames.Inspect, 1, "calls"],
  [Frames.ReadActors]: [Frames.ReadActors, 2, [1, 7]],
  [Frames.Observe]: [Frames.Observe, 3, ["rows", "0.5", { sort: "load", filter: { name: "Stock" }, limit: 256 }]],
  [Frames.End]: [Frames.End],

  [Frames.Settled]: [Frames.Settled, 1, [1, 2, 3]],
  [Frames.DeferredPending]: [Frames.DeferredPending, 1, 1, undefined],
  [Frames.DeferredDone]: [Frames.DeferredDone, 1, Frames.CompleteSuccess, 42],
  [Frames.Failed]: [Frames.Failed, 1, Frames.FailureCause, cause],
  [Frames.Started]: [Frames.Started, 1, Frames.FlagForked | Frames.FlagWaits],
  [Frames.Accepted]: [Frames.Accepted, 1],
  [Frames.Chunk]: [Frames.Chunk, 1, new Int32Array([1, 2])],
  [Frames.Begun]: [Frames.Begun, 1, 1_700_000_000_000.5],

  [Frames.Spawned]: [Frames.Spawned, 1, Frames.SpawnOk, info],
  [Frames.Closed]: [Frames.Closed, 1, cause],
  [Frames.Crashed]: [Frames.Crashed, 1, cause],
  [Frames.Voted]: [Frames.Voted, 1, true],

  [Frames.Complete]: [Frames.Complete, 1, Frames.CompleteStopped, undefined],
  [Frames.Exported]: [Frames.Exported, -5, true],
  [Frames.Route]: [Frames.Route, -3, [1, 5, info, true]],
  [Frames.Exited]: [Frames.Exited, -3, ["Killed", "Counter#1@thread-1 was killed"]],

  [Frames.Disembargoed]: [Frames.Disembargoed, 5],
  [Frames.Left]: [Frames.Left, 1],

  [Frames.Ready]: [Frames.Ready],
  [Frames.BootFailed]: [Frames.BootFailed, "there is no such module"],
  [Frames.Pong]: [Frames.Pong],
  [Frames.Heap]: [Frames.Heap, 1],
  [Frames.Logs]: [
    Frames.Logs,
    [["Info", 1, ["a", { b: 1 }], { tenant: "acme" }, [["span", 0]], [["Die", "why"]], ["a", "b", true]]],
    0
  ],
  [Frames.Spans]: [
    Frames.Spans,
    [[
      "Price.of",
      "a",
      "b",
      ["a", "c", true],
      "server",
      [1n, 2n],
      { n: 1 },
      [["e", 1n, {}]],
      [[["a", "d", true], {}]],
      undefined
    ]]
  ],
  [Frames.Metrics]: [
    Frames.Metrics,
    [
      [0, ["Counter", "sold", "what was sold", { item: "bread" }, true], 3n],
      [1, ["Histogram", "weight", undefined, {}, false], [[[1, 2], [5, 3]], 4, 0.5, 9, 16]],
      [2, undefined, undefined]
    ]
  ],
  [Frames.ActorsRead]: [
    Frames.ActorsRead,
    2,
    [{ lent: 2, held: 1, wait: [0, 3, 1], server: undefined }, undefined]
  ],
  [Frames.Observed]: [Frames.Observed, 3, ["rows", {
    totals: { workers: 1, blocked: 0, actors: 1, restarting: 0, waiting: 0, queued: 2, running: 1 },
    systems: [{ name: "thread", worker: "thread-1", placement: "thread", workers: 1, actors: 1, lostTells: 0 }],
    workers: [{
      id: "thread-1/thread-1",
      parent: "thread-1",
      kind: "thread",
      pid: 7,
      threadId: 3,
      state: "Running",
      blockedForMillis: 0,
      actors: 1,
      figures: { heap: { used: 1, limit: 2 } }
    }],
    actors: [{
      id: "thread-1/Stock-1",
      name: "Stock",
      address: "Stock#1@thread-1",
      worker: "thread-1/thread-1",
      state: "Running",
      incarnation: 1,
      startedAt: 1,
      mailbox: { waiting: 0, queued: 2, running: 1, forked: 0, capacity: Infinity, concurrency: 1, onFull: "suspend" },
      spawnedBy: "Shop-1",
      pool: undefined,
      counters: {
        made: 3,
        ok: 0,
        failed: 0,
        defect: 0,
        interrupted: 0,
        notRun: 0,
        unknown: 0,
        rejected: 0,
        tells: 0,
        restarts: 0
      },
      latency: undefined,
      methods: [],
      handles: { lent: 0, held: 0 },
      budget: { used: 0, max: 1, windowMillis: 1_000 },
      handling: [],
      ended: undefined
    }],
    keys: [3],
    truncated: 0,
    unread: [{ worker: "thread-1/thread-2", reason: "NoAnswer", message: "it does not answer" }]
  }]],
  [Frames.Inspected]: [Frames.Inspected, 1, {
    made: [{
      key: "thread-1:1",
      serial: 1,
      fibers: [2, 1],
      isSole: true,
      target: "Stock-1",
      method: "Stock.level",
      state: "Sent",
      queue: undefined
    }, {
      key: "",
      serial: 9,
      fibers: [2],
      isSole: true,
      target: "a pool of Stock",
      method: "Stock.level",
      state: "Pooled",
      queue: [10, 3]
    }],
    served: [{
      key: "thread-1:2",
      actor: "Stock-1",
      method: "take",
      kind: "Object",
      state: "Running",
      fiber: 3,
      isForked: false,
      ahead: 0,
      forMillis: 12,
      within: "lookup",
      at: {
        object: 4,
        kind: "Semaphore",
        method: "take",
        what: "permits",
        permits: { needed: 1, free: 0, holders: [["thread-1:-3", 1]] }
      }
    }],
    actors: [{ id: "Stock-1", concurrency: Infinity, running: 1, queued: 0, isOpen: true }],
    held: [{ serial: 8, handle: "thread-1:-3", permits: 1, fibers: [1] }],
    waiting: [{
      serial: 5,
      fibers: [4],
      at: { object: 6, kind: "Queue", method: "take", what: "an item", permits: undefined }
    }],
    handles: [["thread-1:-5", 6]],
    owners: [[6, "Stock-1"]],
    holders: [["thread-1:-5", ""]],
    relays: [["thread-1:-3", "thread-2:-5"]],
    pools: [[10, "Stock", ["Stock-2", "Stock-3"]]],
    nested: [["thread-1/thread-1", undefined]]
  }],
  [Frames.Ended]: [Frames.Ended],
  [Frames.LastWords]: [Frames.LastWords, "out of memory"],
  [Frames.Gap]: [Frames.Gap, "a message was lost"]
}
