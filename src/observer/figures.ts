/** Figures as text, for the views. */

/** A number, or a dash for no limit. */
export const count = (n: number): string => Number.isFinite(n) ? String(n) : "-"

/** A time in two units at most: `850ms`, `12.3s`, `5m 3s`, `2h 5m`, `3d 4h`. */
export const time = (millis: number): string => {
  if (millis < 1_000) return `${Math.max(0, Math.round(millis))}ms`
  const seconds = millis / 1_000
  if (seconds < 60) return `${seconds.toFixed(1)}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m ${Math.floor(seconds % 60)}s`
  const hours = Math.floor(minutes / 60)
  return hours < 24 ? `${hours}h ${minutes % 60}m` : `${Math.floor(hours / 24)}d ${hours % 24}h`
}

/** A time in milliseconds that may be short: `0.12ms`. */
export const shortTime = (millis: number): string => millis < 10 ? `${Number(millis.toPrecision(2))}ms` : time(millis)

/** A size in a unit of 1,024: `900 B`, `12.3 MB`. */
export const bytes = (size: number): string => {
  let value = size
  for (const unit of ["B", "kB", "MB"]) {
    if (value < 1_024) return `${unit === "B" ? value : value.toFixed(1)} ${unit}`
    value /= 1_024
  }
  return `${value.toFixed(1)} GB`
}

/** A share in percent. */
export const percent = (part: number, whole: number): string => whole === 0 ? "-" : `${Math.round(part / whole * 100)}%`
