/**
 * The report of a run: tables and bars for the terminal, and the page of the documentation.
 */
import { cases } from "./cases.ts"
import type { CaseResult, Results } from "./results.ts"
import { type Target, targets } from "./targets.ts"

const figure = (x: number): string => {
  const size = Math.abs(x)
  if (size >= 10_000) return Math.round(x).toLocaleString("en-US")
  return size >= 1000 ? x.toFixed(0) : size >= 100 ? x.toFixed(1) : x.toFixed(2)
}

const ratio = (x: number | undefined): string => x === undefined ? "" : `${x >= 100 ? x.toFixed(0) : x.toFixed(2)}×`

// makes a Markdown table in the format of the formatter of this project, with numbers aligned to the right
const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = head.map((_, i) => Math.max(3, ...[head, ...rows].map((row) => row[i]!.length)))
  const right = (i: number): boolean => i > 0 && head[i] !== "measured against" && head[i] !== "versions"
  const line = (row: ReadonlyArray<string>): string =>
    `| ${row.map((cell, i) => right(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)).join(" | ")} |`
  const rule = widths.map((width, i) => right(i) ? `${"-".repeat(width - 1)}:` : "-".repeat(width))
  return [line(head), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n")
}

const bar = (share: number, width: number): string => "█".repeat(Math.max(1, Math.round(share * width)))

const rowsOf = ({ ratios, spread, subjects, unpinned }: CaseResult): Array<Array<string>> =>
  Object.entries(subjects).map(([name, value]) => [
    name,
    figure(value),
    `${figure(spread[name]![0])} to ${figure(spread[name]![1])}`,
    ratio(ratios[name]),
    unpinned[name] === undefined ? "" : figure(unpinned[name])
  ])

// a note, only if the noise is considerable
const busy = (noise: number): string =>
  noise > 0.05 ? `; other processes used ${Math.round(noise * 100)} % of the machine` : ""

/** The text of one case for the terminal. */
export const caseText = (result: CaseResult): string => {
  const { better, failures, name, noise, reference, subjects, unit } = result
  const rows = rowsOf(result)
  const head = ["", "median", "spread", `to ${reference}`, "unpinned"]
  const widths = head.map((text, i) => Math.max(text.length, ...rows.map((row) => row[i]!.length)))
  const most = Math.max(...Object.values(subjects))
  const line = (row: ReadonlyArray<string>): string =>
    row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join("  ")
  return [
    `\n${name}  (${unit}, ${better} is better${busy(noise)})`,
    `  ${line(head)}`,
    ...rows.map((row, i) => `  ${line(row)}  ${bar(Object.values(subjects)[i]! / most, 30)}`),
    ...Object.entries(failures).map(([name, why]) => `  ${name} FAILED: ${why}`)
  ].join("\n")
}

const figureOf = (target: Target, results: ReadonlyArray<CaseResult>): number | undefined => {
  const result = results.find(({ name }) => name === target.case)
  if (result === undefined) return undefined
  const { reference, ratios, subjects } = result
  if (target.peer === undefined) return subjects.uactor
  if (target.peer === reference) return ratios.uactor
  const own = ratios.uactor
  const other = ratios[target.peer]
  return own === undefined || other === undefined ? undefined : own / other
}

const verdict = (target: Target, value: number | undefined): string => {
  if (value === undefined) return "not measured"
  const { atLeast, first, later } = target
  const meets = (bound: number): boolean => atLeast === true ? value >= bound : value <= bound
  return meets(later) ? "goal" : meets(first) ? "first" : "missed"
}

/** The goals and the figures of a run. A partial run shows only the measured goals. */
export const targetsText = (results: ReadonlyArray<CaseResult>, isWhole: boolean): string =>
  table(
    ["case", "measured against", "first", "goal", "measured", "reached"],
    targets.filter((target) => isWhole || figureOf(target, results) !== undefined).map((target) => {
      const value = figureOf(target, results)
      const sign = target.atLeast === true ? "≥" : "≤"
      return [
        target.what,
        target.peerText,
        `${sign} ${target.first}`,
        `${sign} ${target.later}`,
        value === undefined ? "" : value.toFixed(value < 0.1 ? 3 : 2),
        verdict(target, value)
      ]
    })
  )

/** The reasons why some goals are not reached. */
const gapsText = (results: ReadonlyArray<CaseResult>): string =>
  targets
    .filter((target) => target.gap !== undefined && verdict(target, figureOf(target, results)) !== "goal")
    .map(({ gap, peerText, what }) => `- **${what}** (${peerText}): ${gap}`)
    .join("\n")

const machineText = ({ machine, rounds }: Results): string =>
  table(["", "versions"], [
    ["date", machine.date],
    ["processor", `${machine.cpu}, ${machine.cores} cores`],
    ["memory", `${machine.memoryGb} GB`],
    ["system", machine.system],
    ["Node", machine.node],
    ["load before the run", String(machine.load)],
    ["pinned", machine.pinned ? "yes" : "no: taskset is missing or there is one core"],
    ["rounds", String(rounds)],
    ...Object.entries(machine.versions)
  ])

/** The page of the documentation. */
export const page = (results: Results): string =>
  `# Benchmarks

\`npm run bench\` writes this page; do not edit it by hand. The page compares uactor with other libraries that send work to threads,
processes and actors in Node. Each library is used as its documentation recommends, on the machine below.

## Goals

Each figure is the ratio of uactor to the subject in the second column, in the same run. \`goal\` is the ratio that we want to reach.
\`first\` is the first step towards it.

${targetsText(results.cases, true)}

## Goals that are not reached

${gapsText(results.cases)}

## How to read it

- Every figure is a median over the rounds of one run. The subjects take turns round by round, and each measurement runs in its own
  process. A ratio is the median of the ratios within a round. Absolute times differ from machine to machine and from day to day; ratios
  differ much less.
- The caller and the worker are pinned to one core each. Waking a thread on another core is most of the cost of one call at a time. Without
  pinning, the kernel sometimes puts both threads on one core, and every round trip becomes cheap. The column "unpinned" has these figures.
  Cases that start threads, and cases without threads, are not pinned.
- uactor and effect-rpc check and convert every payload, result and error by its schema. The other subjects send values unchanged. All
  subjects check results.
- \`postMessage\` is a program written by hand: one message and one reply for each call.
- \`fiber-queue\` is an actor written by hand in Effect: a fiber that takes from a Queue. It is measured inside one thread. The messages and
  starts of uactor come from another thread.
- \`xstate\` and \`nact\` have no threads and pass values by reference. uactor in memory encodes and copies values, as on a thread.
- \`observe/…\` compares uactor with itself. The bars: metrics that are read every 5 seconds cost at most 3 %; the durations of calls cost at most
  8 % one at a time, and 3 % with 64 calls under way.

## Machine

${machineText(results)}

## Cases
${
    results.cases.map((result) => {
      const { about } = cases.find(({ name }) => name === result.name)!
      return `
### ${result.name}

${about[0]!.toUpperCase()}${about.slice(1)}. In ${result.unit}; ${result.better} is better${busy(result.noise)}.

${table(["subject", "median", "spread", `to ${result.reference}`, "unpinned"], rowsOf(result))}
`
    }).join("")
  }`
