/**
 * Tables, and figures as text.
 */

/** A column of a table. */
export interface Column<Row> {
  readonly title: string
  readonly text: (row: Row) => string
  /** figures are aligned to the right */
  readonly isFigure?: boolean
}

/** The lines of a table. The last column is not padded. */
export const table = <Row>(columns: ReadonlyArray<Column<Row>>, rows: ReadonlyArray<Row>): ReadonlyArray<string> => {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ text }) => printable(text(row))))
  ]
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i]!.length)))
  return cells.map((line) =>
    line.map((cell, i) => columns[i]!.isFigure ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)).join("  ")
      .trimEnd()
  )
}

/** A text without control characters, which could act on the terminal. */
export const printable = (text: string): string => text.replaceAll(/\p{Cc}+/gu, " ")

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

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** Reads a time such as `500ms`, `1.5s`, `2m`, `1h`, in milliseconds; `undefined`: it is no time. */
export const millisOf = (text: string): number | undefined => {
  const [, figure, unit] = /^(\d+(?:\.\d+)?) ?(ms|s|m|h)$/.exec(text) ?? []
  return unit === undefined ? undefined : Math.round(Number(figure) * units[unit]!)
}

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
