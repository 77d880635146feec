/**
 * Encodes and decodes causes.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Frames from "../wire/frames.ts"
import { decodeDefect, encodeDefect } from "./defects.ts"

/** Encodes the reasons of a cause with the given encoders of errors and defects. */
export const encodeCause = (
  cause: Cause.Cause<unknown>,
  error: (error: unknown) => unknown,
  defect: (defect: unknown) => unknown
): Frames.EncodedCause =>
  cause.reasons.map((reason) =>
    reason._tag === "Fail"
      ? ["Fail", error(reason.error)]
      : reason._tag === "Die"
      ? ["Die", defect(reason.defect)]
      : ["Interrupt", reason.fiberId]
  )

/** The reverse of {@link encodeCause}. */
export const decodeCause = (
  encoded: Frames.EncodedCause,
  error: (error: unknown) => unknown,
  defect: (defect: unknown) => unknown
): Cause.Cause<unknown> =>
  Cause.fromReasons(
    encoded.map(([tag, value]) =>
      tag === "Fail"
        ? Cause.makeFailReason(error(value))
        : tag === "Die"
        ? Cause.makeDieReason(defect(value))
        : Cause.makeInterruptReason(value)
    )
  )

/** Like {@link decodeCause}, with an effectful decoder of errors. */
export const decodeCauseWith = <E>(
  encoded: Frames.EncodedCause,
  error: (error: unknown) => Effect.Effect<unknown, E>,
  defect: (defect: unknown) => unknown
): Effect.Effect<Cause.Cause<unknown>, E> =>
  Effect.map(
    Effect.forEach(encoded.filter(([tag]) => tag === "Fail"), ([, value]) => error(value)),
    (errors) => {
      let at = 0
      return decodeCause(encoded, () => errors[at++], defect)
    }
  )

/** A cause for a log: with its defects as a caller would receive them. */
export const received = (cause: Cause.Cause<unknown>): Cause.Cause<unknown> =>
  decodeCause(encodeCause(cause, (error) => error, encodeDefect), (error) => error, decodeDefect)
