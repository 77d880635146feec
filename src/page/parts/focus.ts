/**
 * Keeps the focus on the page while its parts come and go: a row that a snapshot moves or removes, a button of an actor that has ended, a dialog
 * and a panel that close. Without it, those who use the keyboard begin at the top of the page again.
 */

/** An element that has had the focus, and its ancestors at that time, the nearest first. */
type Place = ReadonlyArray<Element>

/** The number of places that are remembered, the newest last. */
const capacity = 50

const placeOf = (element: Element): Place => {
  const place: Array<Element> = []
  for (let one: Element | null = element; one !== null; one = one.parentElement) place.push(one)
  return place
}

/** The nearest thing to a place that can have the focus: the element itself, a part around it, or the heading of a part. */
const restOf = (place: Place): HTMLElement | undefined => {
  for (const [i, element] of place.entries()) {
    if (!element.isConnected) continue
    if (i === 0 || element.hasAttribute("tabindex")) return element as HTMLElement
    const heading = document.getElementById(element.getAttribute("aria-labelledby") ?? "")
    if (heading?.hasAttribute("tabindex") === true) return heading
  }
  return undefined
}

/** Keeps the focus within an element. */
export const keepFocus = (root: HTMLElement): void => {
  let places: ReadonlyArray<Place> = []
  // the user has clicked on something that takes no focus
  let isGivenUp = false
  const isLost = (): boolean => document.activeElement === null || document.activeElement === document.body
  root.addEventListener("focusin", ({ target }) => {
    isGivenUp = false
    const place = placeOf(target as Element)
    places = [...places.filter(([element]) => element !== target), place].slice(-capacity)
  })
  root.addEventListener("pointerdown", ({ target }) => {
    isGivenUp = (target as Element).closest("a, button, input, label, select, [tabindex]") === null
  })
  new MutationObserver((records) => {
    const last = places.at(-1)?.[0]
    if (isGivenUp || !isLost() || last === undefined) return
    const isTaken = records.some(({ removedNodes }) => Array.from(removedNodes).some((node) => node.contains(last)))
    if (last.isConnected && !isTaken) return
    for (const place of places.toReversed()) {
      restOf(place)?.focus({ preventScroll: true })
      if (!isLost()) return
    }
  }).observe(root, { childList: true, subtree: true })
}
