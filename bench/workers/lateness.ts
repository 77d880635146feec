/**
 * How late timers of this thread are.
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

/** Sets one timer after another from now on. */
export const watchTimers = (): void => {
  if (timer === undefined) next()
}

/** Stops, and tells by how many milliseconds the latest one in a hundred was late. */
export const lateness = (): number => {
  clearTimeout(timer)
  timer = undefined
  const sorted = late.splice(0).toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length * 0.99)] ?? NaN
}
