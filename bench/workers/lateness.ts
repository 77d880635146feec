/**
 * Measures the lateness of the timers of this thread.
 */

const delay = 2
const late: Array<number> = []
let timer: ReturnType<typeof setTimeout> | undefined

const next = (): void => {
  const due = performance.now() + delay
  timer = setTimeout(() => {
    late.push(performance.now() - due)
    next()
  }, delay)
}

/** Starts the watch, which sets one timer after another. */
export const watchTimers = (): void => {
  if (timer === undefined) next()
}

/** Stops the watch. Returns the 99th percentile of the lateness, in milliseconds. */
export const lateness = (): number => {
  clearTimeout(timer)
  timer = undefined
  const sorted = late.splice(0).toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length * 0.99)] ?? NaN
}
