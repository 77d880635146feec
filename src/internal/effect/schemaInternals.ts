/**
 * Functions of Effect's schemas that Effect exports without declaring them. Their types are declared here and nowhere else.
 */
import * as SchemaAST from "effect/SchemaAST"

/** A node of a schema, with its undeclared method `recur`. */
export interface Ast {
  readonly _tag: SchemaAST.AST["_tag"]
  readonly annotations: SchemaAST.AST["annotations"]
  readonly typeParameters?: ReadonlyArray<SchemaAST.AST>
  recur(f: (ast: SchemaAST.AST) => SchemaAST.AST, parameter?: (ast: SchemaAST.AST) => SchemaAST.AST): SchemaAST.AST
}

/** The undeclared functions that derive one schema from another. */
export const internals = SchemaAST as unknown as {
  readonly applyToSelfOrLastLinkEncodingIdempotent: (
    f: (ast: SchemaAST.AST) => SchemaAST.AST
  ) => (ast: SchemaAST.AST) => SchemaAST.AST
  readonly replaceEncoding: (ast: SchemaAST.AST, links: ReadonlyArray<SchemaAST.Link>) => SchemaAST.AST
  readonly parameterFromString: (ast: SchemaAST.AST) => SchemaAST.AST
  readonly mapLink: (link: SchemaAST.Link, f: (ast: SchemaAST.AST) => SchemaAST.AST) => SchemaAST.Link
}
