/**
 * Texts of values of unknown origin, such as thrown values. Reading such a value may throw; these functions never do.
 */

/** The result of reading a value, or `otherwise` if the value cannot be read: a proxy or a getter may throw. */
export const attempt = <A>(read: () => A, otherwise: A): A => {
  try {
    return read()
  } catch {
    return otherwise
  }
}

const plainText = "[object Object]"

/** The text of anything. The text of an object without a text of its own names the class of the object. */
export const textOf = (u: unknown): string =>
  attempt(() => {
    // the text of an array contains the text of every item
    if (Array.isArray(u)) return Object.prototype.toString.call(u)
    const text = String(u)
    return text === plainText && typeof u === "object" ? attempt(() => classText(u!), text) : text
  }, "a value that has no text")

const classText = (u: object): string => {
  const name: unknown = u.constructor.name
  return typeof name === "string" && name !== "" && name !== "Object" ? `an object of the class ${name}` : plainText
}

/** The message of an error, or its name if the message is empty; the text of any other value. */
export const messageOf = (u: unknown): string =>
  attempt(() => isError(u) ? textOf(u.message || u.name) : undefined, undefined) ?? textOf(u)

/** Whether a value is an error, of whatever realm. */
export const isError = (u: unknown): u is Error =>
  attempt(() => u instanceof Error || Object.prototype.toString.call(u) === "[object Error]", false)
