/**
 * Runs one measurement in its own process: opens one subject, warms it up, and prints the samples as the last line.
 */
import { type Case, cases } from "./cases.ts"
import * as Pin from "./pin.ts"
import type { Gauge, Subject, Tools, Work } from "./subject.ts"

/** The parameters of a measurement. */
export interface Order {
  readonly case: string
  readonly subject: string
  readonly quick: boolean
}

/** The samples of one measurement, in the unit of its case. */
export interface Samples {
  /** the samples with the main thread and the worker on separate cores; empty if pinning is not possible */
  readonly pinned: ReadonlyArray<number>
  /** the samples without pinning; empty in a quick run */
  readonly free: ReadonlyArray<number>
}

const order = JSON.parse(process.argv[2]!) as Order
const what = cases.find(({ name }) => name === order.case)!
const pins = what.unpinned === true ? undefined : Pin.make()
const pin = (): void => pins?.pin()

const rate = (work: Work, n: number, { unit, width = 1 }: Case) => async (): Promise<number> => {
  const start = performance.now()
  await work.run(n, width)
  const ms = performance.now() - start
  return unit === "items a second" ? n / (ms / 1000) : ms * 1000 / n
}

/** The effort of a measurement, in milliseconds and operations. */
interface Effort {
  readonly warmMs: number
  /** the minimum number of warm-up operations: a slow subject needs more time until its code is compiled */
  readonly warmOperations: number
  readonly warmMsAtMost: number
  readonly sampleMs: number
  readonly samples: number
  readonly samplesMsAtMost: number
  /** the fraction of the concurrent operations of a case */
  readonly share: number
}

const quickly: Effort = {
  warmMs: 200,
  warmOperations: 1000,
  warmMsAtMost: 300,
  sampleMs: 25,
  samples: 5,
  samplesMsAtMost: 300,
  share: 1 / 4
}
const slowlyWarm: Effort = { ...quickly, warmMs: 800, warmMsAtMost: 800 }
const fully: Effort = {
  warmMs: 500,
  warmOperations: 10_000,
  warmMsAtMost: 3000,
  sampleMs: 80,
  samples: 7,
  samplesMsAtMost: 2000,
  share: 1
}

// warms up the subject, and returns the number of operations that fill the time of a sample
const warm = async (work: Work, what: Case, effort: Effort): Promise<number> => {
  const { width = 1 } = what
  const count = what.count === undefined ? undefined : what.count * effort.share
  const start = performance.now()
  let n = count ?? 64
  for (let done = 0, took = 0; took < effort.warmMsAtMost;) {
    if (took >= effort.warmMs && done >= effort.warmOperations) break
    const before = performance.now()
    await work.run(n, width)
    const now = performance.now()
    if (count === undefined && now - before < effort.sampleMs / 2) n *= 2
    done += n
    took = now - start
  }
  return n
}

// takes at least two samples, and no more if they are slow
const repeat = async (times: number, ms: number, sample: () => Promise<number>): Promise<Array<number>> => {
  const out: Array<number> = []
  const start = performance.now()
  while (out.length < times && (out.length < 2 || performance.now() - start < ms)) out.push(await sample())
  return out
}

const measure = async (session: Work | Gauge, what: Case, quick: boolean, canPin: boolean): Promise<Samples> => {
  if ("read" in session) {
    const read = () => repeat(what.reads![quick ? 0 : 1], Infinity, session.read)
    return canPin ? { pinned: await read(), free: [] } : { pinned: [], free: await read() }
  }
  const effort = !quick ? fully : what.warmsSlowly === true ? slowlyWarm : quickly
  // some subjects start their workers with the first call
  await session.run(64, what.width ?? 1)
  // not pinned: pinning would put the background compiler on the core of the code to compile
  const n = await warm(session, what, effort)
  const sample = rate(session, n, what)
  const samples = () => repeat(effort.samples, effort.samplesMsAtMost, sample)
  if (!canPin) return { pinned: [], free: await samples() }
  const free = quick ? [] : await samples()
  pin()
  return { pinned: await samples(), free }
}

const tools: Tools = {
  quick: order.quick,
  count: what.count ?? 1,
  shared: what.shared ?? { actors: 1, threads: 1 },
  pin,
  unpin: () => pins?.unpin()
}
const name = order.subject.startsWith("uactor") ? "uactor" : order.subject
const { subject } = (await import(
  new URL(`./subjects/${name}${import.meta.url.slice(-3)}`, import.meta.url).href
)) as { readonly subject: Subject }
const open = subject[what.operations?.[order.subject] ?? what.operation]
if (open === undefined) throw new Error(`${order.subject} has no ${what.operation}`)
const session = await open(tools)
const samples: Samples = await measure(session, what, order.quick, pins !== undefined)
await session.close()
process.stdout.write(`\n${JSON.stringify(samples)}\n`, () => process.exit(0))
