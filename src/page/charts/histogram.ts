/** How long the calls of an actor take: a bar for each bucket, with the calls for the caller, in the mailbox and in the handler above each other. */
import { useMemo } from "preact/hooks"
import uPlot from "uplot"
import type { ActorInfo } from "../api/types.ts"
import { html, type View } from "../html.ts"
import { colour } from "./colours.ts"
import { axis, Plot } from "./plot.ts"

type Latency = NonNullable<ActorInfo["latency"]>

/** The parts of a bar, the lowest first. */
const parts = ["server", "wait", "client"] as const

/** The limit of a bucket: 2 to the power of its index, in microseconds. */
const limitOf = (bucket: number): string => {
  const micros = 2 ** bucket
  if (micros < 1_000) return `${micros}µs`
  return micros < 1_000_000 ? `${Math.round(micros / 1_000)}ms` : `${Math.round(micros / 1_000_000)}s`
}

const bars = uPlot.paths.bars!({ size: [0.8, 40] })

const series = (part: typeof parts[number]): uPlot.Series => ({
  stroke: () => colour(part),
  fill: () => colour(part),
  width: 0,
  paths: bars,
  points: { show: false }
})

const options: Omit<uPlot.Options, "width" | "height"> = {
  legend: { show: false },
  cursor: { show: false },
  scales: {
    x: { time: false, range: (_, min, max) => [min - 0.6, max + 0.6] },
    y: { range: (_, _min, max) => [0, Math.max(1, max * 1.1)] }
  },
  axes: [
    axis({ incrs: [1, 2, 4, 8], space: 42, values: (_, buckets) => buckets.map(limitOf) }),
    axis({ size: 54, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000, 100_000, 1_000_000] })
  ],
  // the tallest first: each hides the lower part of the one before
  series: [{}, ...parts.toReversed().map(series)]
}

const stack = (latency: Latency): uPlot.AlignedData => {
  const buckets = parts.map((part) => latency[part].buckets)
  const filled = buckets.flatMap((counts) => counts.flatMap((count, i) => count > 0 ? [i] : []))
  const from = Math.min(...filled)
  const places = filled.length === 0 ? [] : Array.from({ length: Math.max(...filled) - from + 1 }, (_, i) => from + i)
  const sums = parts.map((_, part) =>
    places.map((place) => buckets.slice(0, part + 1).reduce((sum, counts) => sum + (counts[place] ?? 0), 0))
  )
  return [places, ...sums.toReversed()]
}

export const Histogram = ({ latency, theme }: { readonly latency: Latency; readonly theme: string }): View => {
  const data = useMemo(() => stack(latency), [latency])
  return html`<div>
    <${Plot} label="Number of calls by their duration" options=${options} data=${data} theme=${theme} />
    <div class="legend"><span class="client">for the caller</span><span class="wait">in the mailbox</span><span
      class="server">in the handler</span></div>
  </div>`
}
