/**
 * How an object appears in logs and messages: in a template literal, in JSON, and in Node's `console.log`.
 */
const inspect = Symbol.for("nodejs.util.inspect.custom")

/** The properties for the prototype of such objects: `json` is the content of one, and `text` its short text. */
export const printing = <A>(
  json: (self: A) => object,
  text: (self: A) => string
): Readonly<Record<PropertyKey, PropertyDescriptor>> => ({
  toJSON: {
    value(this: A) {
      return json(this)
    }
  },
  toString: {
    value(this: A) {
      return text(this)
    }
  },
  [Symbol.toPrimitive]: {
    value(this: A) {
      return text(this)
    }
  },
  [inspect]: {
    value(this: A) {
      return json(this)
    }
  }
})
