/**
 * The defect of an effect whose context lacks a service.
 */

const prefix = "Service not found: "

/** The key of the service that was not found; `undefined` for another defect. */
export const missingService = (defect: unknown): string | undefined =>
  defect instanceof Error && defect.message.startsWith(prefix) ? defect.message.slice(prefix.length) : undefined
