/**
 * What one thread knows of the calls in progress: those that its fibers have made, and those that its actors and objects run or have queued.
 * A worker answers `Inspect` with it. The observer joins the readings of all threads (graph.ts).
 */

/** A call that has been made and has not settled. */
export interface MadeCall {
  /** identifies the call at both of its ends; empty before it is sent */
  readonly key: string
  /** the number of the call in its thread, in all readings: later calls may have the same key */
  readonly serial: number
  /** the fiber that waits for the call, and its parents */
  readonly fibers: ReadonlyArray<number>
  /** the fiber waits for nothing else, and the call has no timeout: only the answer or an interruption continues the fiber */
  readonly isSole: boolean
  /** the id of the actor, or the address of the object, to which the call was made */
  readonly target: string
  readonly method: string
  /** `Waiting`: for room in the mailbox; `Pooled`: for a free member of the pool; `Paused`: for the actor, such as for its restart; `Cancelling`: for the end of its interruption */
  readonly state: "Waiting" | "Pooled" | "Paused" | "Sent" | "Cancelling"
  /** in the queue of a pool: the number of the pool in its thread, and the number of calls and items ahead of this one */
  readonly queue: readonly [pool: number, ahead: number] | undefined
}

/** The permits of a semaphore or a lock for which a call waits. */
interface PermitWait {
  /** the least number of permits for which the call waits */
  readonly needed: number
  /** the number of permits that are free, or held by an unknown holder */
  readonly free: number
  /** the number of permits of each holder, by the key of its handle */
  readonly holders: ReadonlyArray<readonly [handle: string, permits: number]>
}

/** What a call waits for at an object of this thread. */
export interface ObjectWait {
  /** the number of the object in its thread */
  readonly object: number
  /** the kind of the object, such as `Queue` */
  readonly kind: string
  readonly method: string
  /** for what the call waits, in words */
  readonly what: string
  /** `undefined`: the object has no permits, or others than their holders release them */
  readonly permits: PermitWait | undefined
}

/** A fiber that waits at an object of its own thread: such a wait is no call. */
export interface OwnWait {
  /** as in {@link MadeCall} */
  readonly serial: number
  readonly fibers: ReadonlyArray<number>
  readonly at: ObjectWait
}

/** A call that has arrived and has not been answered. */
export interface ServedCall {
  readonly key: string
  /** the id of the actor that runs the call, or to which the object belongs; empty for the program */
  readonly actor: string
  readonly method: string
  /** `Relay`: the call is forwarded */
  readonly kind: "Actor" | "Object" | "Relay"
  readonly state: "Queued" | "Running" | "Interrupting"
  /** the fiber of the handler; 0 while the call is queued */
  readonly fiber: number
  /** the call runs outside of `concurrency`, or may when it starts */
  readonly isForked: boolean
  /** the number of queued calls ahead of this one */
  readonly ahead: number
  /** how long the call has run, in milliseconds */
  readonly forMillis: number
  /** the function of `Effect.fn` in which the handler is; empty if there is none */
  readonly within: string
  readonly at: ObjectWait | undefined
}

/** An actor that runs calls or has queued calls. */
export interface ServedActor {
  readonly id: string
  readonly concurrency: number
  /** the number of running calls that count towards `concurrency` */
  readonly running: number
  readonly queued: number
  /** whether the actor takes calls, and does not close */
  readonly isOpen: boolean
}

/** Permits of a semaphore or a lock that a fiber holds until it continues. */
export interface HeldPermits {
  /** the number of the acquisition in its thread, in all readings */
  readonly serial: number
  /** the handle by which the fiber has taken the permits; `#` and the number of the object, if the fiber belongs to its creator */
  readonly handle: string
  readonly permits: number
  /** the fiber, and its parents */
  readonly fibers: ReadonlyArray<number>
}

/** What one thread knows. */
export interface Reading {
  readonly made: ReadonlyArray<MadeCall>
  readonly served: ReadonlyArray<ServedCall>
  readonly actors: ReadonlyArray<ServedActor>
  readonly waiting: ReadonlyArray<OwnWait>
  readonly held: ReadonlyArray<HeldPermits>
  /** the handles of objects at which calls wait: the key of each handle, and the number of the object */
  readonly handles: ReadonlyArray<readonly [handle: string, object: number]>
  /** the owners of these objects: actors, or the program, whose id is empty */
  readonly owners: ReadonlyArray<readonly [object: number, actor: string]>
  /** the handles that actors of this thread hold; the id of the program is empty */
  readonly holders: ReadonlyArray<readonly [handle: string, actor: string]>
  /** the handles that this thread relays: the key of the handle at its holder, and at its owner */
  readonly relays: ReadonlyArray<readonly [holder: string, owner: string]>
  /** the pools with calls in their queues: the number of each in its thread, its name, and the ids of its members */
  readonly pools: ReadonlyArray<readonly [pool: number, name: string, members: ReadonlyArray<string>]>
  /**
   * of a worker that has made systems: the readings of these systems and of their workers; `undefined`: a worker has not answered; a text:
   * why the systems that a worker has made could not be read
   */
  readonly nested: ReadonlyArray<readonly [thread: string, reading: Reading | string | undefined]>
}

/** A worker of which an observer has not read everything. */
export interface Unread {
  readonly worker: string
  /** `NoAnswer`: it has not answered in time; `Failed`: the reading has failed with a defect */
  readonly reason: "NoAnswer" | "Failed"
  /** what is missing, and why */
  readonly message: string
}

/** The reading of a thread without calls. */
export const nothing: Reading = {
  made: [],
  served: [],
  actors: [],
  waiting: [],
  held: [],
  handles: [],
  owners: [],
  holders: [],
  relays: [],
  pools: [],
  nested: []
}
