/**
 * Times, as options say them.
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

/** In milliseconds; throws a `RangeError` that names the option where it says no time, or one that is too short. */
export const millis = (option: string, input: unknown, isPositive = false): number => {
  const duration = Number.isNaN(input) ? Option.none() : Duration.fromInput(input as Duration.Input)
  const millis = Option.isNone(duration) ? NaN : Duration.toMillis(duration.value)
  if (isPositive ? millis > 0 : millis >= 0) return millis
  throw new RangeError(
    `${option} must be ${isPositive ? "longer than 0" : "a duration of at least 0"}, not ${String(input)}`
  )
}

// a timer fires at once beyond 2 ** 31 ms, and some run for twice the time
const longest = 2 ** 30 - 1

/** The same of what a timer is to measure: `Infinity` for more than it can, which is twelve days. */
export const timeout: typeof millis = (option, input, isPositive) => {
  const time = millis(option, input, isPositive)
  return time > longest ? Infinity : time
}
