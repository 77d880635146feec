/**
 * The ids of actors: `Price-3` is the third actor `Price` that this thread has spawned. An id belongs to an actor for its whole life.
 *
 * A worker puts its own id before the ids of the actors that it spawns, as in `thread-2/Price-1`. So the ids of a program and of all its
 * workers differ.
 */

// the ids that this thread gives start with this, and the ids that the host of this worker gives
let prefix = ""
let hostPrefix = ""
const spawned = new Map<string, Counter>()
const systems = new Map<string, Counter>()

interface Counter {
  readonly name: string
  count: number
}

const counterOf = (counters: Map<string, Counter>, name: string): Counter => {
  let counter = counters.get(name)
  if (counter === undefined) counters.set(name, counter = { name, count: 0 })
  return counter
}

// the counter of the last actor: many actors of one name are often spawned together
let last: Counter = { name: "", count: 0 }

/** The number of a new actor with this name. */
export const next = (name: string): number => {
  if (last.name !== name) last = counterOf(spawned, name)
  return ++last.count
}

/** The id of the actor with this name and number that this thread has spawned. */
export const of = (name: string, number: number): string => `${prefix}${name}-${number}`

/** An actor in the thread in which it runs. */
interface ServedActor {
  readonly name: string
  readonly number: number
  /** the actor runs in memory: this thread has spawned it, not the host of this worker */
  readonly isNear: boolean
}

/** The id of an actor that runs in this thread. */
export const ofServed = ({ isNear, name, number }: ServedActor): string =>
  `${isNear ? prefix : hostPrefix}${name}-${number}`

/** What the ids start with that this thread gives. */
export const ownPrefix = (): string => prefix

/**
 * Returns how the workers of a new system are identified, whose names start with `name`. The first system with the name identifies them by
 * their names (`thread-2`). The second one adds its number (`thread-2~2`).
 */
export const workerIds = (name: string): (worker: string) => string => {
  const system = ++counterOf(systems, name).count
  return (worker) => system === 1 ? `${prefix}${worker}` : `${prefix}${worker}~${system}`
}

/** This thread is the worker with this id. `host`: what the ids start with that the host gives. */
export const enterWorker = (worker: string, host: string): void => {
  prefix = `${worker}/`
  hostPrefix = host
}
