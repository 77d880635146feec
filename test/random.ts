/** Pseudo-random numbers: the same ones for the same seed (mulberry32, by Tommy Ettinger). */

/** Returns a function that returns a number from 0 to 1, exclusive. */
export const make = (seed: number): () => number => {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Returns a function that returns an integer from 0 to `limit`, exclusive. */
export const makeBelow = (seed: number): (limit: number) => number => {
  const next = make(seed)
  return (limit) => Math.floor(next() * limit)
}
