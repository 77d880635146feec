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
