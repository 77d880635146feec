/** The keys of the page, besides Tab and Enter. */

/** The links of the rows of a list. */
const linksOf = (list: HTMLElement): ReadonlyArray<HTMLElement> =>
  Array.from(list.querySelectorAll<HTMLElement>("[data-row]"))

/** The keys up and down go from row to row of a list. All rows have one height, in pixels. */
export const onArrows = (height: number) => (event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void => {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0
  if (step === 0) return
  const list = event.currentTarget
  const links = linksOf(list)
  const at = links.indexOf(document.activeElement as HTMLElement)
  const next = at === -1 ? links[0] : links[at + step]
  if (next === undefined) return
  event.preventDefault()
  next.focus({ preventScroll: true })
  // below the head of the table, and above the end of the list
  const row = next.getBoundingClientRect()
  const box = list.getBoundingClientRect()
  if (row.bottom + height > box.bottom) list.scrollTop += row.bottom + height - box.bottom
  if (row.top - 2 * height < box.top) list.scrollTop += row.top - 2 * height - box.top
}

/** `/` goes to the filter, Escape closes the panel. */
export const onPageKeys = (close: () => void) => (event: KeyboardEvent): void => {
  const isInField = event.target instanceof HTMLElement && event.target.matches("input, select, textarea")
  if (event.key === "/" && !isInField) {
    event.preventDefault()
    document.getElementById("filter")?.focus()
  }
  if (event.key === "Escape" && document.querySelector("dialog[open]") === null) close()
}
