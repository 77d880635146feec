/**
 * Formats a thrown value, which may be any value, even an unreadable one. An error is shown with its stack, its causes and its
 * nested errors. Formatting never throws, and the length of the text is bounded.
 */
import { inspect } from "node:util"

// the limits: nested errors, depth of nesting, and characters per error
const maxLines = 20
const maxDepth = 5
const maxLength = 8_192

const attempt = <A>(read: () => A, otherwise: A): A => {
  try {
    return read()
  } catch {
    return otherwise
  }
}

const indent = (text: string): string => text.replaceAll("\n", "\n  ")

// the stack starts with the name and message of the error
const own = (error: Error): string => {
  const text = attempt<unknown>(() => error.stack, undefined) ?? attempt<unknown>(() => String(error), undefined)
  return typeof text === "string" ? text.slice(0, maxLength) : "an error that cannot be read"
}

const value = (thrown: unknown): string =>
  typeof thrown === "string"
    ? thrown.slice(0, maxLength)
    : attempt(
      () => inspect(thrown, { depth: 2, maxArrayLength: 20, maxStringLength: 1_000 }),
      "a value that cannot be read"
    )
      .slice(0, maxLength)

/** Returns the text of a thrown value. */
export const textOf = (thrown: unknown): string => show(thrown, maxDepth, { left: maxLines })

const show = (thrown: unknown, depth: number, errors: { left: number }): string => {
  if (!attempt(() => thrown instanceof Error, false)) return value(thrown)
  const error = thrown as Error & { readonly errors?: unknown }
  const inner: Array<readonly [name: string, thrown: unknown]> = []
  const cause = attempt<unknown>(() => error.cause, undefined)
  if (cause !== undefined) inner.push(["cause", cause])
  const all = attempt<ReadonlyArray<unknown>>(
    () => Array.isArray(error.errors) ? error.errors.slice(0, maxLines) : [],
    []
  )
  all.forEach((one, i) => inner.push([`errors ${i}`, one]))
  let text = own(error)
  for (const [name, one] of inner) {
    if (depth === 0 || errors.left-- <= 0) return `${text}\n  [and more]`
    text += `\n  [${name}]: ${indent(show(one, depth - 1, errors))}`
  }
  return text
}
