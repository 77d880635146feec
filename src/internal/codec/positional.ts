/**
 * Encodes a payload as its fields alone, without the object around them.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaParser from "effect/SchemaParser"
import { isSuccess } from "../effect/completed.ts"
import { type Codec, compile, tolerant } from "./codec.ts"
import { identityOf, isIdentityFor } from "./identity.ts"
import { some } from "./lowering.ts"

const needsMake = (ast: SchemaAST.AST): boolean =>
  ast.context?.constructorDefault !== undefined ||
  (ast._tag === "Declaration" && "~constructor" in (ast.annotations ?? {}))

/** A field whose values are their own encoding, with the predicate for its values. */
type Field = readonly [name: string, passes: (value: unknown) => boolean]

/** The fields of a plain struct, if the values of each field are their own encoding; empty for any other schema. */
export const fieldsOf = (ast: SchemaAST.AST): ReadonlyArray<Field> => {
  const fields: Array<Field> = []
  if (ast._tag !== "Objects") return fields
  if ((ast.encoding ?? ast.checks ?? ast.encodingChecks ?? ast.indexSignatures[0]) !== undefined) return fields
  for (const { name, type } of ast.propertySignatures) {
    const passes = identityOf(type)
    if (typeof name !== "string" || name === "__proto__" || SchemaAST.isOptional(type) || !passes) return []
    fields.push([name, passes])
  }
  return fields
}

/**
 * Encodes a struct as its fields without the object, which costs several times as much as the fields: one field as its value, several
 * as a list in the order of the schema.
 */
const positional = (codec: Codec, fields: ReadonlyArray<Field>): Codec => {
  const [first] = fields
  if (first === undefined) return codec
  const [name, passes] = first
  const isAlone = fields.length === 1
  const fit = isAlone ? passes : (items: any) => fields.every(([, passes], i) => passes(items[i]))
  const layOut = (struct: any): unknown => isAlone ? struct[name] : fields.map(([name]) => struct[name])
  return {
    ...codec,
    encode: (value) => {
      const out = typeof value !== "object" || value === null || Array.isArray(value) ? undefined : layOut(value)
      return isIdentityFor(fit, out) ? Exit.succeed(out) : Effect.map(codec.encode(value), layOut)
    },
    decode: (encoded: any) => {
      const struct: Record<string, unknown> = isAlone ? { [name]: encoded } : {}
      if (!isAlone) fields.forEach(([name], i) => struct[name] = encoded?.[i])
      return isIdentityFor(fit, encoded) ? Exit.succeed(struct) : codec.decode(struct)
    }
  }
}

/** The codec of a payload. A payload is the input of the constructor of its schema: encoding applies defaults and makes classes first. */
export const payloadCodec = (schema: Schema.Top, fields: ReadonlyArray<Field>): Codec => {
  const codec = positional(compile(schema), fields)
  if (!some(SchemaAST.toType(schema.ast), needsMake)) return codec
  const construct = SchemaParser.makeEffect(schema)
  const make = tolerant(
    (value, parseOptions) => construct(value, parseOptions === undefined ? undefined : { parseOptions }),
    codec.handles
  )
  return {
    ...codec,
    encode: (value) => {
      const made = make(value)
      return isSuccess(made) ? codec.encode(made.value) : Effect.flatMap(made, codec.encode)
    }
  }
}
