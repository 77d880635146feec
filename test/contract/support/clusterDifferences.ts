/**
 * What differs for the actors of a cluster: by the reason, the names of the tests that do not hold for them. The tests of L, F, H and P are
 * not about actors of a cluster: such an actor has no scope, and its cluster starts it again; handles are refused, and pools are local.
 */
const differences: ReadonlyArray<readonly [reason: string, ...tests: ReadonlyArray<string | RegExp>]> = [
  [
    "an interrupted caller does not wait until the handler, or the encoding of its answer, has ended",
    "C3: a running handler is interrupted, and its finalizers have run when the caller's interruption completes",
    "C3: an interruption right after the call completes, and no handler continues",
    "C3: a call that loses a race is interrupted",
    "C3: a method declared with Rpc.fork is interrupted like any other",
    "C3: a thousand running calls are interrupted together",
    /^C3: an interruption waits for a method declared with Rpc.uninterruptible/,
    /^C3: interrupting a caller interrupts the encoding of the answer/,
    "C5: interrupting the reader ends the producer, whose finalizers have run when the interruption completes",
    "C5: a reader that takes enough items ends the producer, whose finalizers have run when the reader completes",
    "C5: a reader that fails ends the producer",
    "C5: closing the scope of a queue ends the producer"
  ],
  [
    "the end of an actor is not the end of its calls: those that have not run start it again",
    "C3: closing a scope with a hundred calls in progress settles every call",
    "C7: a full mailbox does not delay the end of its actor, and every call settles"
  ],
  [
    "the runner accepts the calls of an actor, up to 4096, before its mailbox does; a tell is accepted by the runner, which makes a call of it",
    "C7: ten thousand concurrent calls pass through a mailbox of sixteen, in order",
    "C7: a mailbox of sixteen accepts sixteen calls, and further calls as it empties",
    "C7: a mailbox stays within its capacity while it empties and fills again",
    "C7: an interrupted call in a full mailbox makes room for a waiting call",
    "C7: an unbounded mailbox accepts every call",
    "C7: with onFull \"fail\" a tell that finds the mailbox full fails too",
    "C7: with onFull \"fail\" each of ten thousand concurrent calls runs or fails",
    "C11: the timeout of a tell ends with its acceptance"
  ],
  [
    "the runner and Effect's client read ahead, too: K1 has the bound",
    /^C5: a slow reader with room for \d+ items bounds the items produced ahead/,
    "C5: a reader that stops reading stops the producer",
    "C5: a stream of a behaviour with streams in order keeps its place in the order of calls until it ends"
  ],
  [
    "an interruption that the caller has not asked for is the end of a runner: ActorExited, Stopped, Unknown",
    "C1: a handler that interrupts itself interrupts the call",
    "C1: concurrent calls with different outcomes each get their own outcome",
    "C5: a producer that interrupts itself ends the stream as interrupted, after its items"
  ],
  [
    "an actor of a cluster is not spawned: no finalizer or start error is that of a spawn, and the options of a spawn do not exist",
    /^C1: a finalizer, a vote and the user of an actor may die with /,
    "C9: actors that are spawned together each get their own arguments",
    "C9: actors that fail to start together each have their own error",
    /^C1[12]: the timeout of a spawn takes precedence over that of the behaviour/,
    /^C1[12]: a spawn refuses a timeout that is out of range/,
    "C12: a run with a callTimeout fails by the timeout that passes first"
  ],
  [
    "the definition has handles or references in its schemas, or the test is about a pool",
    "C9: a schema that requires a service gets the service beside a handle and inside a handle",
    /^C1[12]: a call through a reference has the timeout of the actor/,
    "C11: the timeout does not concern a holder that waits for the end of the actor",
    /^C1[12]: .*in the queue of a pool/
  ]
]

const names = differences.flatMap(([, ...tests]) => tests)

/** Whether the test with this name does not hold for the actors of a cluster. */
export const differs = (name: string): boolean =>
  /^[LFHP]\d/.test(name) || names.some((test) => typeof test === "string" ? test === name : test.test(name))
