/**
 * Tables, and figures as text.
 */
export { bytes, count, percent, shortTime, time } from "../observer/figures.ts"

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

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** Reads a time such as `500ms`, `1.5s`, `2m`, `1h`, in milliseconds; `undefined`: it is no time. */
export const millisOf = (text: string): number | undefined => {
  const [, figure, unit] = /^(\d+(?:\.\d+)?) ?(ms|s|m|h)$/.exec(text) ?? []
  return unit === undefined ? undefined : Math.round(Number(figure) * units[unit]!)
}
