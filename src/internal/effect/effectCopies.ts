/**
 * The copies of Effect that a program has loaded. A schema, a method or a layer of one copy does not work with the code of another
 * copy: the classes of the two copies are different classes. A program has two copies if two versions are installed, or if a bundler
 * puts Effect into the bundle and leaves this library outside.
 */
import * as Layer from "effect/Layer"
import type { Pipeable } from "effect/Pipeable"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"

const sample = Rpc.make("sample")

// the class of all nodes of schemas
const classOf = (schema: Schema.Top): unknown => {
  let prototype: object = Object.getPrototypeOf(schema.ast)
  for (;;) {
    const next: object | null = Object.getPrototypeOf(prototype)
    if (next === null || next === Object.prototype) return prototype
    prototype = next
  }
}

const isForeignSchema = (schema: Schema.Top): boolean => classOf(schema) !== classOf(Schema.Void)

// a schema of a struct, or the fields of the struct, may be foreign
const foreignSchema = (schema: Schema.Top): Schema.Top | undefined => {
  if (isForeignSchema(schema)) return schema
  const { fields } = schema as { readonly fields?: Readonly<Record<string, Schema.Top>> }
  return fields === undefined ? undefined : Object.values(fields).find(isForeignSchema)
}

// the `pipe` of the value belongs to its copy of Effect, so the caller of the callback is a file of that copy
const fileOf = (value: Pipeable): string => {
  const frame = value.pipe(() => new Error().stack)?.split("\n")[2] ?? ""
  return /([^\s(]+):\d+:\d+\)?$/.exec(frame)?.[1] ?? "an unknown file"
}

const refuse = (what: string, value: Pipeable): never => {
  throw new TypeError(
    `two copies of Effect are loaded: ${what} belongs to the copy with ${
      fileOf(value)
    }, and uactor uses the copy with ` +
      `${
        fileOf(Layer.empty)
      }. Install one version of effect (\`npm ls effect\`). With a bundler, put both effect and uactor into the ` +
      "bundle, or neither (docs/build.md in the package uactor)"
  )
}

/** Throws if a schema belongs to another copy of Effect. `what` names the schema. */
export const checkSchema = (what: string, schema: Schema.Top): void => {
  const foreign = foreignSchema(schema)
  if (foreign !== undefined) refuse(what, foreign)
}

/** Throws if a method, or a schema of the method, belongs to another copy of Effect. `what` names the actor. */
export const checkMethod = (what: string, rpc: Rpc.AnyWithProps): void => {
  if (rpc.pipe !== sample.pipe) refuse(`${what}: the method ${rpc._tag}`, rpc)
  for (const part of ["payload", "success", "error"] as const) {
    checkSchema(`${what}: the ${part} of ${rpc._tag}`, rpc[`${part}Schema`])
  }
}

/** Throws if a layer belongs to another copy of Effect. `what` names the layer. */
export const checkLayer = (what: string, layer: Layer.Layer<unknown, unknown, unknown>): void => {
  if (layer.pipe !== Layer.empty.pipe) refuse(what, layer)
}
