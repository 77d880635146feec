/**
 * Values that are their own encoding: the check of such a value replaces its encoding.
 */
import type * as SchemaAST from "effect/SchemaAST"

const parseOptions = {}

/**
 * The predicate for values that are their own encoding, for schemas of text, numbers, booleans, literals, null, and unions of these, with
 * checks of any kind; `undefined` for other schemas.
 */
export const identityOf = (ast: SchemaAST.AST): ((value: unknown) => boolean) | undefined => {
  if (ast.encoding !== undefined) return undefined
  const kind = isIdentityKind(ast)
  const { checks } = ast
  if (kind === undefined || checks === undefined) return kind
  return (value) => kind(value) && satisfies(ast, checks, value)
}

const isIdentityKind = (ast: SchemaAST.AST): ((value: unknown) => boolean) | undefined => {
  switch (ast._tag) {
    case "String":
      return (value) => typeof value === "string"
    case "Number":
      return (value) => typeof value === "number"
    case "Boolean":
      return (value) => typeof value === "boolean"
    case "Null":
    case "Literal": {
      const literal = ast._tag === "Null" ? null : ast.literal
      return (value) => value === literal
    }
    case "Union": {
      if (ast.options?.mode === "oneOf" || ast.encodingChecks !== undefined) return undefined
      const members = ast.types.map(identityOf)
      return members.every((passes) => passes !== undefined)
        ? (value) => members.some((passes) => passes(value))
        : undefined
    }
    default:
      return undefined
  }
}

const satisfies = (ast: SchemaAST.AST, checks: ReadonlyArray<SchemaAST.Check<unknown>>, value: unknown): boolean => {
  for (let i = 0; i < checks.length; i++) {
    const check = checks[i]!
    if (check._tag === "FilterGroup") {
      if (!satisfies(ast, check.checks, value)) return false
    } else if (check.run(value, ast, parseOptions) !== undefined) return false
  }
  return true
}

/** Whether a value satisfies a predicate. A predicate that throws leaves the value to the coder. */
export const isIdentityFor = (passes: (value: unknown) => boolean, value: unknown): boolean => {
  try {
    return passes(value)
  } catch {
    return false
  }
}

/** Whether all values satisfy a predicate. */
export const areIdentities = (passes: (value: unknown) => boolean, values: ReadonlyArray<unknown>): boolean => {
  for (let i = 0; i < values.length; i++) if (!isIdentityFor(passes, values[i])) return false
  return true
}
