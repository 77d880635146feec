/** A small line of the last values, scaled to the largest. */
import { html, type View } from "../html.ts"

const width = 120
const height = 28

const pointsOf = (values: ReadonlyArray<number>): string => {
  const top = Math.max(...values, Number.MIN_VALUE)
  return values.map((value, i) =>
    `${(width * i / Math.max(1, values.length - 1)).toFixed(1)},${(height - 1 - (height - 2) * value / top).toFixed(1)}`
  ).join(" ")
}

export interface SparklineProps {
  readonly title: string
  readonly values: ReadonlyArray<number | undefined>
  readonly text: string
}

export const Sparkline = ({ text, title, values }: SparklineProps): View => {
  const known = values.filter((value) => value !== undefined)
  return html`<div class="spark">
    <div class="spark-title">${title}</div>
    <div class="spark-value">${text}</div>
    <svg viewBox=${`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label=${`${title}: ${text}`}>
      ${known.length > 1 && html`<polyline points=${pointsOf(known)} />`}
    </svg>
  </div>`
}
