/**
 * Schemas compiled to encoders and decoders, once for each protocol.
 *
 * Values travel by structured clone, so a schema is lowered only as far as that requires (lowering.ts). A coder returns an `Exit` when it
 * completes synchronously, which is the common case and costs no fiber, or an `Effect` when the schema itself is effectful.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import * as Transferable from "effect/workers/Transferable"
import { HandleError } from "../../ActorError.ts"
import { isFailure, isSuccess } from "../effect/completed.ts"
import * as Realm from "../runtime/realm.ts"
import { defectText } from "./defects.ts"
import { identityOf, isIdentityFor } from "./identity.ts"
import { isCloneable, lower, some } from "./lowering.ts"

/** Encodes or decodes one value. The effect is an `Exit`, unless the schema is effectful; its services are those of the fiber. */
type Coder = (value: unknown) => Effect.Effect<unknown, SchemaIssue.Issue>

/** A schema, compiled. */
export interface Codec {
  readonly encode: Coder
  readonly decode: Coder
  /** whether a value matches the schema and is its own encoding; `undefined` if a simple check cannot decide this */
  readonly isIdentity: ((value: unknown) => boolean) | undefined
  /** for a schema whose values are handles */
  readonly handleCodec: HandleCodec | undefined
  /** the window of a stream of small values, in values; `undefined`: the default window */
  readonly window: number | undefined
  /** whether encoding makes a fresh value of a bounded depth, so that two encoded values never share an object */
  readonly isFresh: boolean
  /** whether values may contain handles */
  readonly handles: boolean
  /** whether structured clone carries every encoded value */
  readonly cloneable: boolean
}

// a leaf that encoding leaves unchanged may be shared by two payloads
const passesObjects = (ast: SchemaAST.AST): boolean =>
  ast._tag === "Declaration" && ast.annotations?.[freshAnnotation] !== true || ast._tag === "Unknown" ||
  ast._tag === "Any" || ast._tag === "ObjectKeyword"

// the contents and the depth of the values are unknown
const isOpen = (ast: SchemaAST.AST): boolean =>
  ast._tag === "Declaration" ? !isCloneable(ast) : passesObjects(ast) || SchemaAST.isSuspend(ast)

/** Annotates the declaration of a handle. */
export const handleAnnotation = "~uactor/handle"

/** Annotates the declaration of a handle with its {@link HandleCodec}. */
export const handleCodecAnnotation = "~uactor/direct"

/** The codecs of the result behind a handle. */
export interface ResultCodec {
  readonly success: Codec
  readonly error: Codec
}

/** Encodes and decodes a value that is a handle, without a schema. `to` and `from` name the two ends. */
export interface HandleCodec {
  readonly is: (value: unknown) => boolean
  readonly carries: (encoded: unknown) => boolean
  readonly encode: (handle: any, to: any) => any
  readonly decode: (encoded: any, from: any) => object
  /** for the handle of a pending result */
  readonly result: ResultCodec | undefined
}

/** Annotates the declaration of an encoded value that is created anew each time and shares no object with another value. */
export const freshAnnotation = "~uactor/fresh"

const isHandle = (ast: SchemaAST.AST): boolean =>
  ast._tag === "Declaration" && handleAnnotation in (ast.annotations ?? {})

const numberWindow = 4096

const isNumber = ({ _tag }: SchemaAST.AST): boolean => _tag === "Number"

const allErrors: SchemaAST.ParseOptions = { errors: "all" }

type Parse = (value: unknown, options?: SchemaAST.ParseOptions) => Effect.Effect<unknown, SchemaIssue.Issue>

/**
 * A parser that stops at the first problem of a value, and reads the value again for all its problems. A parser that collects all problems at
 * once is slower for every value. A value with handles is read once, because reading a handle imports it. A value that does not match its
 * schema may belong to another realm: its copy of this realm is read instead.
 */
export const tolerant = (parse: Parse, handles: boolean): Coder => (value) => {
  const coded = parse(value)
  if (isSuccess(coded)) return coded
  const again = (refused: Effect.Effect<unknown, SchemaIssue.Issue>): Effect.Effect<unknown, SchemaIssue.Issue> => {
    const own = Realm.ownCopy(value)
    if (handles) return own === value ? refused : parse(own)
    return parse(own, allErrors)
  }
  return isFailure(coded) ? again(coded) : Effect.catch(coded, (issue) => again(Effect.fail(issue)))
}

const unlessIdentity = (passes: ((value: unknown) => boolean) | undefined, coder: Coder): Coder => {
  return (value) => {
    if (passes !== undefined && isIdentityFor(passes, value)) return Exit.succeed(value)
    try {
      return coder(value)
    } catch (defect) {
      // the value cannot be read
      return Exit.die(defect)
    }
  }
}

const toNothing: Coder = () => Exit.void

/** The codec of `void`. */
export const voidCodec: Codec = {
  encode: toNothing,
  decode: toNothing,
  isIdentity: undefined,
  handleCodec: undefined,
  window: undefined,
  isFresh: true,
  handles: false,
  cloneable: true
}

// a schema with checks or an encoding needs the codec of the schema
const handleCodecOf = ({ annotations, checks, encoding }: SchemaAST.AST): HandleCodec | undefined =>
  checks === undefined && encoding === undefined
    ? annotations?.[handleCodecAnnotation] as HandleCodec | undefined
    : undefined

const compiled = new WeakMap<SchemaAST.AST, Codec>()

/** Compiles a schema, once. */
export const compile = (schema: Schema.Top): Codec => {
  if (schema.ast._tag === "Void") return voidCodec
  const have = compiled.get(schema.ast)
  if (have) return have
  const codec = Schema.make<Schema.Codec<unknown, unknown>>(lower(schema.ast))
  const isIdentity = identityOf(codec.ast)
  const handles = some(schema.ast, isHandle)
  const out: Codec = {
    encode: unlessIdentity(isIdentity, tolerant(SchemaParser.encodeUnknownEffect(codec), handles)),
    decode: unlessIdentity(isIdentity, tolerant(SchemaParser.decodeUnknownEffect(codec), handles)),
    isIdentity,
    handleCodec: handleCodecOf(schema.ast),
    window: isNumber(SchemaAST.toEncoded(codec.ast)) ? numberWindow : undefined,
    handles,
    cloneable: !some(SchemaAST.toEncoded(codec.ast), isOpen),
    isFresh: !some(SchemaAST.toEncoded(codec.ast), (ast) => passesObjects(ast) || SchemaAST.isSuspend(ast))
  }
  compiled.set(schema.ast, out)
  return out
}

/** The codec for errors of the engine in a forwarded call. */
export const relayed: Codec = compile(HandleError)

/** Runs a coder and collects the objects to transfer. */
export const collect = <E>(
  encoded: Effect.Effect<unknown, E>
): Effect.Effect<readonly [value: unknown, transfer: ReadonlyArray<unknown> | undefined], E> =>
  Effect.suspend(() => {
    const collector = Transferable.makeCollectorUnsafe()
    return Effect.map(Effect.provideService(encoded, Transferable.Collector, collector), (value) => {
      // views may share a buffer, which is transferred once
      const transfer = Array.from(new Set(collector.readUnsafe()))
      return [value, transfer.length > 0 ? transfer : undefined] as const
    })
  })

/** Runs a coder; calls back immediately if the coder has completed already. */
export const whenEncoded = <E>(
  encoded: Effect.Effect<unknown, E>,
  context: Context.Context<never>,
  done: (value: unknown, transfer: ReadonlyArray<unknown> | undefined) => void,
  failed: (text: string) => void
): void => {
  if (isSuccess(encoded)) return done(encoded.value, undefined)
  Effect.runForkWith(context)(collect(encoded)).addObserver((exit) => {
    if (Exit.isFailure(exit)) failed(issueText(exit.cause))
    else done(...exit.value)
  })
}

/** The text of a mismatch: one line for each problem, with the path to its field. */
export const issueText = (cause: Cause.Cause<unknown>): string => defectText(Cause.squash(cause))
