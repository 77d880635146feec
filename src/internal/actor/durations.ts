/**
 * The durations in options.
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

/** A duration in milliseconds. Throws a `RangeError` with the name of the option if the input is no duration, or too short. */
export const millis = (option: string, input: unknown, isPositive = false): number => {
  const duration = Number.isNaN(input) ? Option.none() : Duration.fromInput(input as Duration.Input)
  const millis = Option.isNone(duration) ? NaN : Duration.toMillis(duration.value)
  if (isPositive ? millis > 0 : millis >= 0) return millis
  throw new RangeError(
    `${option} must be ${isPositive ? "longer than 0" : "a duration of at least 0"}, not ${String(input)}`
  )
}

// a timer longer than 2 ** 31 ms fires immediately, and some timers run for twice their time
const maxTimeout = 2 ** 30 - 1

/** Like {@link millis}, for the duration of a timer: `Infinity` for more than twelve days, which timers cannot measure. */
export const timeout: typeof millis = (option, input, isPositive) => {
  const time = millis(option, input, isPositive)
  return time > maxTimeout ? Infinity : time
}
