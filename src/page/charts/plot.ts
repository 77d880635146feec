/** A plot of uPlot as a component. */
import { useEffect, useRef } from "preact/hooks"
import uPlot from "uplot"
import { html, type View } from "../html.ts"
import { colour } from "./colours.ts"

export interface PlotProps {
  /** what the plot shows, for those who do not see it */
  readonly label: string
  /** everything but the size; with another value, the plot is made anew */
  readonly options: Omit<uPlot.Options, "width" | "height">
  readonly data: uPlot.AlignedData
  /** the plot takes the colours of its style sheet when it is made */
  readonly theme: string
}

const height = 150

/** An axis in the colours of the page. */
export const axis = (options: uPlot.Axis): uPlot.Axis => ({
  stroke: () => colour("faint"),
  grid: { stroke: () => colour("line"), width: 1 },
  ticks: { stroke: () => colour("line"), width: 1 },
  font: "11px system-ui, sans-serif",
  ...options
})

export const Plot = ({ data, label, options, theme }: PlotProps): View => {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  useEffect(() => {
    const element = box.current!
    const made = new uPlot({ ...options, width: element.clientWidth, height }, data, element)
    plot.current = made
    const sizes = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }))
    sizes.observe(element)
    return () => {
      sizes.disconnect()
      made.destroy()
    }
  }, [options, theme])
  useEffect(() => plot.current?.setData(data), [data])
  return html`<div class="plot" role="img" aria-label=${label} ref=${box}></div>`
}
