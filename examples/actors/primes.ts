// A CPU-bound computation: counts primes by trial division.
import { Effect, Schema } from "effect"
import { Actor } from "uactor"

const isPrime = (n: number): boolean => {
  for (let i = 2; i * i <= n; i++) if (n % i === 0) return false
  return n > 1
}

export const countPrimes = (from: number, to: number): number => {
  let count = 0
  for (let n = from; n < to; n++) if (isPrime(n)) count++
  return count
}

export class Primes extends Actor.Service<Primes>()("Primes", {
  protocol: { count: Actor.method({ payload: { from: Schema.Int, to: Schema.Int }, success: Schema.Int }) }
}) {}

export default Primes.toLayer({ count: ({ from, to }) => Effect.sync(() => countPrimes(from, to)) })
