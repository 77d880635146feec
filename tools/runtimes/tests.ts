// The tests of the contract that run in each runtime, and those of them that cannot hold there. The files are listed one by one,
// because a new test of Node may use a part of Node that another runtime lacks.

/** Tests of a file that are off, with the reason. */
export interface Off {
  readonly file: string
  /** a part of the names of the tests */
  readonly test: string
  readonly reason: string
}

/** The tests of a runtime. */
export interface Runtime {
  readonly name: "bun" | "deno" | "browser" | "browser-without-shared-memory"
  readonly files: ReadonlyArray<string>
  readonly off: ReadonlyArray<Off>
}

const pathOf = (file: string): string => `test/contract/${file}.test.ts`

const runtime = (
  name: Runtime["name"],
  files: ReadonlyArray<string>,
  off: Readonly<Record<string, ReadonlyArray<readonly [file: string, test: string]>>>
): Runtime => ({
  name,
  files: files.map(pathOf),
  off: Object.entries(off).flatMap(([reason, tests]) =>
    tests.map(([file, test]) => ({ file: pathOf(file), test, reason }))
  )
})

export const runtimes: ReadonlyArray<Runtime> = [
  runtime("bun", [
    "calls/acknowledgements",
    "calls/call-timeouts",
    "calls/calls",
    "calls/disconnect",
    "calls/failures",
    "calls/handler-returns",
    "calls/interruption",
    "calls/mailbox",
    "calls/outcomes",
    "calls/payloads",
    "calls/reactions",
    "calls/sendable",
    "calls/slow-values",
    "calls/stream-order",
    "calls/stream-refusals",
    "calls/streams",
    "calls/tells",
    "calls/traces",
    "handles/bounds",
    "handles/collections",
    "handles/containers",
    "handles/data",
    "handles/deferred",
    "handles/direct",
    "handles/holders",
    "handles/lifetime",
    "handles/objects",
    "handles/passing",
    "handles/queue",
    "handles/references",
    "handles/results",
    "handles/semaphore",
    "handles/shared-buffer-lifetime",
    "handles/shared-buffers",
    "lifecycle/end",
    "lifecycle/enter",
    "lifecycle/exit",
    "lifecycle/exit-errors",
    "lifecycle/module",
    "lifecycle/self",
    "lifecycle/votes",
    "placement/config",
    "placement/configured-options",
    "placement/native",
    "placement/options",
    "placement/output",
    "placement/programs",
    "placement/public-channels",
    "placement/surroundings",
    "pools/broadcast",
    "pools/first-free",
    "pools/first-free-failures",
    "pools/map",
    "pools/poison",
    "pools/pools",
    "pools/recycling",
    "pools/resize",
    "pools/routing",
    "supervision/channel-gaps",
    "supervision/crashes",
    "supervision/kept",
    "supervision/own-crashes",
    "supervision/restart-watchers",
    "supervision/supervision",
    "supervision/uncaught"
  ], {
    "an error loses its `cause` in structured clone": [
      ["calls/sendable", "C9: a view arrives with its own buffer"]
    ],
    "Bun adds a charset to the type of a `File`": [
      ["calls/sendable", "C9: files are carried by their schema"]
    ],
    "a small `Buffer` has memory of its own, and is moved": [
      ["calls/sendable", "C9: bytes of a pool that cannot be moved"]
    ],
    "one of fifty uncaught exceptions does not reach the listener": [
      ["calls/reactions", "C1: an exception of an observer"]
    ],
    "the test uses the garbage collector of V8": [
      ["handles/shared-buffer-lifetime", "H5: the memory of a pool is freed"]
    ],
    "Bun names a syntax error otherwise": [
      ["lifecycle/enter", "L2: a module that cannot be parsed"]
    ],
    "Bun has no `module.registerHooks`": [
      ["lifecycle/module", "L2: hooks preloaded by Node"]
    ],
    "the options of Node in `execArgv` have no effect": [
      ["placement/surroundings", "T3: Node applies execArgv"],
      ["placement/surroundings", "T3: a thread with arguments that Node accepts for a process only"]
    ],
    "a thread always shows the arguments of the program": [
      [
        "placement/surroundings",
        "threads > T3: a worker has the Node arguments of the program, with the options {\"env"
      ],
      [
        "placement/surroundings",
        "threads > T3: a worker has the Node arguments of the program, with the options {\"exec"
      ]
    ],
    "Bun ignores `resourceLimits`": [
      ["placement/options", "L2: a limit too low for the actors"]
    ],
    "the test starts `node --watch`": [
      ["placement/public-channels", "L2: a program may run under `node --watch`"]
    ],
    "the process ends after the test has replaced its globals": [
      ["placement/public-channels", "processes > C1: a handler may replace globals"]
    ],
    "a rejection does not end a thread that has started": [
      ["placement/programs", "threads > a worker script of the program > F1: a script that does not exist"]
    ],
    "the message lacks the text of the rejection": [
      ["supervision/crashes", "C1: when a handler's worker rejects"],
      ["supervision/crashes", "C1: when a worker rejects beside a handler"],
      ["supervision/uncaught", "F2: a worker that ends by a rejected promise"]
    ],
    "Bun reads the thrown error before uactor does": [
      ["supervision/uncaught", "(error that cannot be read)"]
    ]
  }),
  runtime("deno", [
    "calls/acknowledgements",
    "calls/calls",
    "calls/sendable",
    "calls/streams",
    "calls/tells",
    "calls/traces",
    "handles/bounds",
    "handles/collections",
    "handles/containers",
    "handles/data",
    "handles/deferred",
    "handles/direct",
    "handles/holders",
    "handles/lifetime",
    "handles/objects",
    "handles/passing",
    "handles/queue",
    "handles/references",
    "handles/results",
    "handles/semaphore",
    "handles/shared-buffers",
    "pools/map"
  ], {
    "a port has functions of its own, which the refusal names instead of the port": [
      ["calls/sendable", "with the name of the field (MessagePort)"]
    ],
    "Deno says the same of a buffer that it cannot move and of one that it cannot copy": [
      ["calls/sendable", "C9: bytes of a pool that cannot be moved"]
    ]
  }),
  runtime("browser", [
    "calls/calls",
    "calls/failures",
    "calls/interruption",
    "calls/mailbox",
    "calls/streams",
    "calls/tells",
    "handles/deferred",
    "handles/objects",
    "handles/semaphore",
    "handles/shared-buffers",
    "lifecycle/end",
    "lifecycle/exit",
    "pools/map",
    "pools/resize",
    "supervision/supervision"
  ], {
    "the test uses `Buffer`": [
      ["handles/shared-buffers", "C9: the bytes of a buffer arrive unchanged"],
      ["handles/shared-buffers", "C9: many senders share a pool of two buffers"]
    ],
    "the stack names the bundle of the tests, not the file of the fixture": [
      ["calls/failures", "may die with a built-in error with own fields"],
      ["calls/failures", "may die with an error of a class of its own"],
      ["calls/streams", "C5: a defect ends the stream after its items"],
      ["lifecycle/exit", "L3: a finalizer that dies is a defect of the scope that closes"]
    ]
  }),
  runtime("browser-without-shared-memory", ["calls/calls", "calls/streams", "handles/shared-buffers"], {
    "a page without cross-origin isolation has no shared memory": [
      ["handles/shared-buffers", "C9: both sides share the memory of a buffer"]
    ],
    "the test uses `Buffer`": [
      ["handles/shared-buffers", "C9: the bytes of a buffer arrive unchanged"],
      ["handles/shared-buffers", "C9: many senders share a pool of two buffers"]
    ],
    "the stack names the bundle of the tests, not the file of the fixture": [
      ["calls/streams", "C5: a defect ends the stream after its items"]
    ]
  })
]
