/** Long lists: of more than 200 rows, only those in sight are in the document. */
import { useCallback, useState } from "preact/hooks"

/** The number of rows from which they are virtual. */
const virtualFrom = 200

/** Rows above and below those in sight. */
const spare = 20

export interface Rows {
  readonly from: number
  readonly to: number
  /** the heights in place of the rows above and below, in pixels */
  readonly above: number
  readonly below: number
  readonly onScroll: (event: { readonly currentTarget: HTMLElement }) => void
}

/** The rows in sight of a list that scrolls. All rows have one height, in pixels. */
export const useRows = (count: number, height: number): Rows => {
  const [{ sight, top }, setPlace] = useState({ top: 0, sight: 1_200 })
  const onScroll = useCallback(({ currentTarget }: { readonly currentTarget: HTMLElement }) => {
    setPlace({ top: currentTarget.scrollTop, sight: currentTarget.clientHeight })
  }, [])
  if (count <= virtualFrom) return { from: 0, to: count, above: 0, below: 0, onScroll }
  const from = Math.min(Math.max(0, count - 1), Math.max(0, Math.floor(top / height) - spare))
  const to = Math.min(count, Math.ceil((top + sight) / height) + spare)
  return { from, to, above: from * height, below: (count - to) * height, onScroll }
}
