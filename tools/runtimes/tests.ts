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
    "calls/calls",
    "calls/interruption",
    "calls/streams",
    "handles/deferred",
    "pools/map",
    "pools/resize",
    "supervision/crashes"
  ], {
    "the message lacks the text of the exception": [
      ["supervision/crashes", "threads > C1: when a handler's worker rejects"],
      ["supervision/crashes", "threads > C1: when a worker rejects beside a handler"],
      ["supervision/crashes", "processes > C1: when a handler's worker rejects"],
      ["supervision/crashes", "processes > C1: when a worker rejects beside a handler"],
      ["supervision/crashes", "processes > C1: when a handler's worker throws"],
      ["supervision/crashes", "processes > C1: when a worker throws beside a handler"]
    ]
  }),
  runtime("deno", ["calls/acknowledgements", "calls/calls", "handles/deferred", "pools/map"], {}),
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
