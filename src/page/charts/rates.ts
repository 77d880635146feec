/** The calls of an actor over time. */
import { useMemo } from "preact/hooks"
import type uPlot from "uplot"
import { html, type View } from "../html.ts"
import { colour } from "./colours.ts"
import { axis, Plot } from "./plot.ts"

/** A moment of an actor. */
export interface ActorMoment {
  /** in milliseconds since 1970 */
  readonly at: number
  readonly callsPerSecond: number | undefined
  /** the calls that are queued or wait at their callers */
  readonly waiting: number
}

const options: Omit<uPlot.Options, "width" | "height"> = {
  legend: { show: false },
  cursor: { show: false },
  scales: { y: { range: (_, _min, max) => [0, Math.max(1, max * 1.1)] } },
  axes: [axis({ space: 60, values: "{HH}:{mm}:{ss}" }), axis({ size: 54 })],
  series: [
    {},
    { stroke: () => colour("server"), width: 2 },
    { stroke: () => colour("wait"), width: 2 }
  ]
}

export const Rates = ({ moments, theme }: {
  readonly moments: ReadonlyArray<ActorMoment>
  readonly theme: string
}): View => {
  const data = useMemo((): uPlot.AlignedData => [
    moments.map(({ at }) => at / 1_000),
    moments.map(({ callsPerSecond }) => callsPerSecond ?? null),
    moments.map(({ waiting }) => waiting)
  ], [moments])
  return html`<div>
    <${Plot} label="Calls per second and waiting calls over time" options=${options} data=${data} theme=${theme} />
    <div class="legend"><span class="server">calls per second</span><span class="wait">queued and waiting</span></div>
  </div>`
}
