/**
 * Lowers a schema: replaces the types that structured clone does not carry. Class instances and Effect's data types take the form that
 * their schema gives them. Dates, maps, sets, big integers and bytes stay as they are.
 */
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { type Ast, internals } from "../effect/schemaInternals.ts"

const cloneables = new Set(
  ["Date", "Uint8Array", "RegExp", "ReadonlyMap", "ReadonlySet"].map((name) => `effect/schema/${name}`)
)

/** Whether structured clone carries values of a declared type as they are. */
export const isCloneable = ({ annotations }: Pick<Ast, "annotations">): boolean =>
  cloneables.has((annotations?.representation as { readonly id?: string } | undefined)?.id ?? "")

const kindsOfKeys = (parameter: SchemaAST.AST): ReadonlyArray<string> =>
  SchemaAST.isUnion(parameter) ? parameter.types.flatMap(kindsOfKeys) : [parameter._tag]

const lowerParameter = (parameter: SchemaAST.AST): SchemaAST.AST =>
  kindsOfKeys(SchemaAST.toEncoded(parameter)).includes("Symbol") ? internals.parameterFromString(parameter) : parameter

// structured clone drops symbol keys; the symbol keys of a record travel as text, which cannot be distinguished from other text
const checkKeys = ({ indexSignatures, propertySignatures }: SchemaAST.Objects): void => {
  const symbol = propertySignatures.find(({ name }) => typeof name === "symbol")
  if (symbol !== undefined) {
    throw new TypeError(`a field whose name is a symbol cannot be sent: ${String(symbol.name)}`)
  }
  const kinds = indexSignatures.flatMap(({ parameter }) => kindsOfKeys(SchemaAST.toEncoded(parameter)))
  if (kinds.includes("Symbol") && kinds.some((kind) => kind !== "Symbol")) {
    throw new TypeError("a record whose keys are symbols and text cannot be sent: give each kind a record of its own")
  }
}

/** Lowers a schema. Throws a `TypeError` for keys that cannot be sent. */
export const lower: (ast: SchemaAST.AST) => SchemaAST.AST = internals.applyToSelfOrLastLinkEncodingIdempotent(
  (self) => {
    const ast = self as unknown as Ast
    switch (ast._tag) {
      case "Declaration": {
        if (isCloneable(ast)) return ast.recur(lower)
        const link = ast.annotations?.toCodecJson ?? ast.annotations?.toCodec
        if (typeof link !== "function") return self
        const parameters = (ast.typeParameters ?? []).map((tp) => Schema.make(SchemaAST.toEncoded(tp)))
        const made = link(parameters) as SchemaAST.Link | undefined
        return made === undefined ? self : internals.replaceEncoding(self, [internals.mapLink(made, lower)])
      }
      case "Objects":
        checkKeys(self as SchemaAST.Objects)
        return ast.recur(lower, lowerParameter)
      case "Arrays":
      case "Union":
      case "Suspend":
        return ast.recur(lower)
      default:
        return self
    }
  }
)

/** Whether a node of a schema satisfies a predicate. */
export const some = (ast: SchemaAST.AST, p: (ast: SchemaAST.AST) => boolean): boolean => {
  const seen = new Set<SchemaAST.AST>()
  let found = false
  const visit = (ast: SchemaAST.AST): SchemaAST.AST => {
    if (found || seen.has(ast)) return ast
    seen.add(ast)
    if (p(ast)) found = true
    else if (SchemaAST.isSuspend(ast)) visit(ast.thunk())
    else if ("recur" in ast) (ast as unknown as Ast).recur(visit)
    return ast
  }
  visit(ast)
  return found
}
