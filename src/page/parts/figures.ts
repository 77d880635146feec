/** Figures that may be absent, as text. */
import * as Figures from "../../observer/figures.ts"

/** What stands for a figure that is absent. */
export const none = "–"

const optional = (value: number | undefined, text: (value: number) => string): string =>
  value === undefined || Number.isNaN(value) ? none : text(value)

/** A number of things in a second. */
export const rate = (value: number | undefined): string =>
  optional(value, (value) => value === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1))

/** A duration in milliseconds. */
export const duration = (millis: number | undefined): string =>
  optional(millis, (millis) =>
    millis < 1
      ? `${Math.round(millis * 1_000)} µs`
      : millis < 10
      ? `${millis.toFixed(1)} ms`
      : millis < 1_000
      ? `${Math.round(millis)} ms`
      : `${(millis / 1_000).toFixed(1)} s`)

export const share = (part: number | undefined): string => optional(part, (part) => Figures.percent(part, 1))
export const size = (bytes: number | undefined): string => optional(bytes, Figures.bytes)
export const age = (millis: number | undefined): string => optional(millis, Figures.time)
export const limit = (n: number): string => Number.isFinite(n) ? n.toLocaleString("en") : "∞"
export const whole = (n: number): string => n.toLocaleString("en")

/** The time of day. */
export const clock = (at: number): string => {
  const date = new Date(at)
  return `${date.toTimeString().slice(0, 8)}.${String(date.getMilliseconds()).padStart(3, "0")}`
}
