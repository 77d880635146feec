/**
 * What a run has to say: tables and bars for the terminal, and the page of the
 * documentation.
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

// a table in Markdown, as the formatter of this project has it; numbers to the right
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

// only where it was more than a little
const busy = (noise: number): string =>
  noise > 0.05 ? `; other processes used ${Math.round(noise * 100)} % of the machine` : ""

/** One case, for the terminal. */
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
  return meets(later) ? "then" : meets(first) ? "first" : "missed"
}

/** The targets, and where we are; of a part of a run, what it has measured. */
export const targetsText = (results: ReadonlyArray<CaseResult>, isWhole: boolean): string =>
  table(
    ["case", "measured against", "first", "then", "measured", "reached"],
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

/** Why some are not where they are meant to be. */
const gapsText = (results: ReadonlyArray<CaseResult>): string =>
  targets
    .filter((target) => target.gap !== undefined && verdict(target, figureOf(target, results)) !== "then")
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

This page is written by \`npm run bench\`; do not edit it by hand. It compares uactor with what else sends work to threads,
processes and actors in Node, each used as its documentation says is best, on the machine below.

## Where we are

Ratios of uactor to what it is measured against, in the same run. \`first\` and \`then\` are what we mean to reach.

${targetsText(results.cases, true)}

## What is in the way

${gapsText(results.cases)}

## How to read it

- Every figure is a median over the rounds of one run. The subjects take turns round by round, and each measurement is a process of
  its own, so a ratio is the median of what two subjects were to each other in the same round. Absolute times differ from machine
  to machine and from day to day; ratios much less.
- The caller and the worker are pinned to cores of their own. Waking a thread on another core is most of what one call at a time
  costs. Left alone, the kernel sometimes puts both threads on one core, which makes a round trip of anything cheap; those
  figures are in the column "unpinned". Cases that start threads, and those without any, are not pinned.
- uactor and effect-rpc check and convert every payload, result and error by its schema; the other subjects send what they are
  given. Results are checked by all of them.
- \`postMessage\` is what one would write by hand: one message there and one back for each call.
- \`fiber-queue\` is an actor written by hand in Effect, a fiber that takes from a Queue. It is measured inside one thread, while
  the messages and starts of uactor come from another thread.
- \`xstate\` and \`nact\` have no threads: they pass values by reference, where uactor in memory encodes and copies them, as it
  would for a thread.

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
