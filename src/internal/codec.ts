/**
 * Schemas compiled to encoders and decoders, once for each protocol.
 *
 * Between threads and processes values travel by structured clone, so a schema
 * is lowered only as far as that needs: dates, maps, sets, big integers and
 * bytes stay what they are, class instances and Effect's data types take the
 * form their schema gives them. A coder returns an `Exit` when it finishes at
 * once, which is the common case and costs no fiber, or an `Effect` when the
 * schema itself is effectful.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Rpc from "effect/rpc/Rpc"
import * as RpcSchema from "effect/rpc/RpcSchema"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import * as Transferable from "effect/workers/Transferable"
import { Relayable } from "../ActorError.ts"
import type * as Wire from "./wire.ts"

/** Encodes or decodes one value; an `Exit` unless the schema is effectful. Services it needs are the fiber's. */
type Coder = (value: unknown) => Effect.Effect<unknown, SchemaIssue.Issue>

/** A schema, compiled. */
export interface Codec {
  readonly encode: Coder
  readonly decode: Coder
  /** tells of a value whether it fits and is its own encoding; only where one look tells */
  readonly passes: ((value: unknown) => boolean) | undefined
  /** for values that are handles and nothing else */
  readonly direct: Direct | undefined
  /** how many values of a stream may be under way, where that may be more than usual because they are small */
  readonly window: number | undefined
  /** whether encoding makes a fresh value of a bounded depth, so that two encoded values never share an object */
  readonly isolated: boolean
  /** whether values may contain handles */
  readonly handles: boolean
  /** whether structured clone carries every encoded value */
  readonly cloneable: boolean
}

/** Everything the call path needs to know about one method. */
export interface Method {
  readonly rpc: Rpc.AnyWithProps
  readonly tag: string
  /** with the names that its payload travels without, because the two ends may not be of the same version */
  readonly signature: string
  readonly stream: boolean
  readonly payload: Codec
  /** the result, or one item of a stream */
  readonly success: Codec
  readonly error: Codec
  /** may run twice (`Actor.Idempotent`) */
  readonly idempotent: boolean
  /** the method of the same protocol that takes a result back which came too late, as `{ value }` */
  readonly undo: string | undefined
  readonly encodeDefect: (defect: unknown) => unknown
  readonly decodeDefect: (defect: unknown) => unknown
}

// The derivation below needs a few functions that effect exports without declaring them: the types are erased here and nowhere else.
interface Ast {
  readonly _tag: SchemaAST.AST["_tag"]
  readonly annotations: SchemaAST.AST["annotations"]
  readonly typeParameters?: ReadonlyArray<SchemaAST.AST>
  recur(f: (ast: SchemaAST.AST) => SchemaAST.AST, parameter?: (ast: SchemaAST.AST) => SchemaAST.AST): SchemaAST.AST
}
const internals = SchemaAST as unknown as {
  readonly applyToSelfOrLastLinkEncodingIdempotent: (
    f: (ast: SchemaAST.AST) => SchemaAST.AST
  ) => (ast: SchemaAST.AST) => SchemaAST.AST
  readonly replaceEncoding: (ast: SchemaAST.AST, links: ReadonlyArray<SchemaAST.Link>) => SchemaAST.AST
  readonly mapLink: (link: SchemaAST.Link, f: (ast: SchemaAST.AST) => SchemaAST.AST) => SchemaAST.Link
}

const cloneables = new Set(
  ["Date", "Uint8Array", "RegExp", "ReadonlyMap", "ReadonlySet", "File"].map((name) => `effect/schema/${name}`)
)

/** Whether structured clone carries values of a declared type as they are. */
const isCloneable = ({ annotations }: Pick<Ast, "annotations">): boolean =>
  cloneables.has((annotations?.representation as { readonly id?: string } | undefined)?.id ?? "")

const lower: (ast: SchemaAST.AST) => SchemaAST.AST = internals.applyToSelfOrLastLinkEncodingIdempotent((self) => {
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
    case "Arrays":
    case "Objects":
    case "Union":
    case "Suspend":
      return ast.recur(lower)
    default:
      return self
  }
})

const some = (ast: SchemaAST.AST, p: (ast: SchemaAST.AST) => boolean): boolean => {
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

// a leaf that passes through encoding untouched may be shared by two payloads
const passesObjects = (ast: SchemaAST.AST): boolean =>
  ast._tag === "Declaration" && ast.annotations?.[freshAnnotation] !== true || ast._tag === "Unknown" ||
  ast._tag === "Any" || ast._tag === "ObjectKeyword"

// nothing is known of what it lets through, or how deep that is
const isOpen = (ast: SchemaAST.AST): boolean =>
  ast._tag === "Declaration" ? !isCloneable(ast) : passesObjects(ast) || SchemaAST.isSuspend(ast)

/** Annotates the declaration of a handle. */
export const handleAnnotation = "~uactor/handle"

/** Annotates the declaration of a handle with its {@link Direct}. */
export const directAnnotation = "~uactor/direct"

/** How the result behind a handle is carried. */
export interface ResultCodec {
  readonly success: Codec
  readonly error: Codec
}

/** How a value that is nothing but a handle travels, without a schema on the way: from whom it is handed out, and to whom. */
export interface Direct {
  readonly is: (value: unknown) => boolean
  readonly carries: (encoded: unknown) => boolean
  readonly encode: (handle: any, to: any) => any
  readonly decode: (encoded: any, from: any) => object
  /** where the handle is one of a result in the making */
  readonly result: ResultCodec | undefined
}

/** Annotates the declaration of an encoded value that is made afresh each time and shares no object with another. */
export const freshAnnotation = "~uactor/fresh"

const isHandle = (ast: SchemaAST.AST): boolean =>
  ast._tag === "Declaration" && handleAnnotation in (ast.annotations ?? {})

const numbersUnderWay = 4096

const isNumber = ({ _tag }: SchemaAST.AST): boolean => _tag === "Number"

const parseOptions = {}

/** What needs no encoding: text, numbers, booleans, literals, null, and unions of those; with checks of any kind. */
const passesOf = (ast: SchemaAST.AST): ((value: unknown) => boolean) | undefined => {
  if (ast.encoding !== undefined) return undefined
  const kind = passesKind(ast)
  const { checks } = ast
  if (kind === undefined || checks === undefined) return kind
  return (value) => kind(value) && satisfies(ast, checks, value)
}

const passesKind = (ast: SchemaAST.AST): ((value: unknown) => boolean) | undefined => {
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
      const members = ast.types.map(passesOf)
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

// what cannot even be told is left to the coder
const doesPass = (passes: (value: unknown) => boolean, value: unknown): boolean => {
  try {
    return passes(value)
  } catch {
    return false
  }
}

/** Whether all of them pass. */
export const allPass = (passes: (value: unknown) => boolean, values: ReadonlyArray<unknown>): boolean => {
  for (let i = 0; i < values.length; i++) if (!doesPass(passes, values[i])) return false
  return true
}

const unlessPasses = (passes: ((value: unknown) => boolean) | undefined, coder: Coder): Coder => (value) => {
  if (passes !== undefined && doesPass(passes, value)) return Exit.succeed(value)
  try {
    return coder(value)
  } catch (defect) {
    // the value cannot be looked at
    return Exit.die(defect)
  }
}

const toNothing: Coder = () => Exit.void

/** Carries nothing. */
export const none: Codec = {
  encode: toNothing,
  decode: toNothing,
  passes: undefined,
  direct: undefined,
  window: undefined,
  isolated: true,
  handles: false,
  cloneable: true
}

// nothing that the schema of a handle may have been given beside it is left out
const directOf = ({ annotations, checks, encoding }: SchemaAST.AST): Direct | undefined =>
  checks === undefined && encoding === undefined ? annotations?.[directAnnotation] as Direct | undefined : undefined

const compiled = new WeakMap<SchemaAST.AST, Codec>()

/** Compiles a schema, once. */
export const compile = (schema: Schema.Top): Codec => {
  if (schema.ast._tag === "Void") return none
  const have = compiled.get(schema.ast)
  if (have) return have
  const codec = Schema.make<Schema.Codec<unknown, unknown>>(lower(schema.ast))
  const passes = passesOf(codec.ast)
  const out: Codec = {
    encode: unlessPasses(passes, SchemaParser.encodeUnknownEffect(codec)),
    decode: unlessPasses(passes, SchemaParser.decodeUnknownEffect(codec)),
    passes,
    direct: directOf(schema.ast),
    window: isNumber(SchemaAST.toEncoded(codec.ast)) ? numbersUnderWay : undefined,
    handles: some(schema.ast, isHandle),
    cloneable: !some(SchemaAST.toEncoded(codec.ast), isOpen),
    isolated: !some(SchemaAST.toEncoded(codec.ast), (ast) => passesObjects(ast) || SchemaAST.isSuspend(ast))
  }
  compiled.set(schema.ast, out)
  return out
}

const needsMake = (ast: SchemaAST.AST): boolean =>
  ast.context?.constructorDefault !== undefined ||
  (ast._tag === "Declaration" && "~constructor" in (ast.annotations ?? {}))

/** A field that needs no encoding, and what tells that of its value. */
type Field = readonly [name: string, passes: (value: unknown) => boolean]

/** The fields of a struct that has no others and nothing beside them; none of anything else. */
const fieldsOf = (ast: SchemaAST.AST): ReadonlyArray<Field> => {
  const fields: Array<Field> = []
  if (ast._tag !== "Objects") return fields
  if ((ast.encoding ?? ast.checks ?? ast.encodingChecks ?? ast.indexSignatures[0]) !== undefined) return fields
  for (const { name, type } of ast.propertySignatures) {
    const passes = passesOf(type)
    if (typeof name !== "string" || name === "__proto__" || SchemaAST.isOptional(type) || !passes) return []
    fields.push([name, passes])
  }
  return fields
}

/**
 * Carries the fields of a struct without an object around them, which costs several times what they do: one alone, several as a
 * list, in the order of the schema.
 */
const laidOut = (codec: Codec, fields: ReadonlyArray<Field>): Codec => {
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
      return doesPass(fit, out) ? Exit.succeed(out) : Effect.map(codec.encode(value), layOut)
    },
    decode: (encoded: any) => {
      const struct: Record<string, unknown> = isAlone ? { [name]: encoded } : {}
      if (!isAlone) fields.forEach(([name], i) => struct[name] = encoded?.[i])
      return doesPass(fit, encoded) ? Exit.succeed(struct) : codec.decode(struct)
    }
  }
}

/** A payload is what the constructor of its schema takes: defaults and plain objects for classes are filled in first. */
const payloadCodec = (schema: Schema.Top, fields: ReadonlyArray<Field>): Codec => {
  const codec = laidOut(compile(schema), fields)
  if (!some(SchemaAST.toType(schema.ast), needsMake)) return codec
  const make = SchemaParser.makeEffect(schema)
  return {
    ...codec,
    encode: (value) => {
      const made = make(value)
      return isSuccess(made) ? codec.encode(made.value) : Effect.flatMap(made, codec.encode)
    }
  }
}

/** Marks a method that may run twice. */
export const Idempotent: Context.Reference<boolean> = Context.Reference("uactor/Idempotent", {
  defaultValue: () => false
})

/** Names the method that takes back what a method has taken, where its caller is interrupted while the answer is on its way. */
export const Undo: Context.Reference<string | undefined> = Context.Reference<string | undefined>("uactor/Undo", {
  defaultValue: () => undefined
})

// what a protocol's own defect schema does not take is carried like any other defect
const defectCodec = (schema: Schema.Codec<unknown, unknown>): Pick<Method, "encodeDefect" | "decodeDefect"> => {
  const encode = Schema.encodeUnknownSync(schema)
  const decode = Schema.decodeUnknownSync(schema)
  return {
    encodeDefect: (defect) => attempt<unknown>(() => encode(defect), undefined) ?? encodeDefect(defect),
    decodeDefect: (encoded) => attempt<unknown>(() => decode(encoded), undefined) ?? decodeDefect(encoded)
  }
}

const methodOf = (rpc: Rpc.AnyWithProps): Method => {
  const stream = RpcSchema.isStreamSchema(rpc.successSchema) ? rpc.successSchema : undefined
  const errors: Array<Schema.Top> = [rpc.errorSchema, ...Array.from(rpc.middlewares, (m) => m.error)]
  if (stream !== undefined) errors.push(stream.error)
  const declared = errors.filter((schema) => schema.ast._tag !== "Never")
  const custom = rpc.defectSchema.ast === Schema.Defect().ast
    ? undefined
    : Schema.make<Schema.Codec<unknown, unknown>>(lower(rpc.defectSchema.ast))
  const fields = fieldsOf(rpc.payloadSchema.ast)
  return {
    rpc,
    tag: rpc._tag,
    signature: [rpc._tag, ...fields.map(([name]) => name)].join(),
    stream: stream !== undefined,
    idempotent: Context.get(rpc.annotations, Idempotent),
    undo: Context.get(rpc.annotations, Undo),
    payload: payloadCodec(rpc.payloadSchema, fields),
    success: compile(stream === undefined ? rpc.successSchema : stream.success),
    error: compile(declared.length === 1 ? declared[0]! : Schema.Union(declared)),
    ...(custom === undefined ? { encodeDefect, decodeDefect } : defectCodec(custom))
  }
}

/** Whether calls of a method hand something out, or take something in. */
export const carriesHandles = ({ error, payload, success }: Method): boolean =>
  payload.handles || success.handles || error.handles

const protocols = new WeakMap<object, ReadonlyArray<Method>>()

/** The methods of a protocol, compiled once, in the order of their definition. */
export const methods = (group: { readonly requests: ReadonlyMap<string, Rpc.Any> }): ReadonlyArray<Method> => {
  let out = protocols.get(group)
  if (!out) {
    out = Array.from(group.requests.values(), (rpc) => methodOf(rpc as Rpc.AnyWithProps))
    protocols.set(group, out)
  }
  return out
}

/** The errors of the engine, where a call is passed on. */
export const relayed: Codec = compile(Relayable)

/** Whether a coder has finished at once, and well. */
export const isSuccess = <A, E>(effect: Effect.Effect<A, E>): effect is Exit.Success<A, E> =>
  (effect as { readonly _tag?: string })._tag === "Success"

/** Whether a coder has finished at once with a failure. */
export const isFailure = <A, E>(effect: Effect.Effect<A, E>): effect is Exit.Failure<A, E> =>
  (effect as { readonly _tag?: string })._tag === "Failure"

/** Runs a coder, and collects what is to be transferred. */
export const collect = <E>(
  encoded: Effect.Effect<unknown, E>
): Effect.Effect<readonly [value: unknown, transfer: ReadonlyArray<unknown> | undefined], E> =>
  Effect.suspend(() => {
    const collector = Transferable.makeCollectorUnsafe()
    return Effect.map(Effect.provideService(encoded, Transferable.Collector, collector), (value) => {
      // views may share a buffer, which is handed over once
      const transfer = Array.from(new Set(collector.readUnsafe()))
      return [value, transfer.length > 0 ? transfer : undefined] as const
    })
  })

/** Runs a coder to its end, at once if it can. */
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

/** The text of what did not fit, one line for each problem with the path to its field. */
export const issueText = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return attempt(() => SchemaIssue.isIssue(error), false)
    ? new Schema.SchemaError(error as SchemaIssue.Issue).message
    : textOf(error)
}

// ---- causes and defects ----

const errorClasses: Readonly<Record<string, ErrorConstructor>> = {
  Error,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError
}

const unreadable = Symbol()

// how many values are copied of a defect
const most = 1000

// a copy holds nothing but what it shows, whatever it was made of: throws where that is not plain data, or too much of it
const plainCopy = (u: unknown, depth: number, left = { values: most }): unknown => {
  if (typeof u === "function" || typeof u === "symbol" || left.values-- === 0) throw unreadable
  if (typeof u !== "object" || u === null) return u
  if (depth === 0) throw unreadable
  const copy = (item: unknown): unknown => plainCopy(item, depth - 1, left)
  if (Array.isArray(u)) return Array.from(u, copy)
  const proto = Object.getPrototypeOf(u)
  if (proto !== Object.prototype && proto !== null) throw unreadable
  return Object.fromEntries(Object.entries(u).map(([key, item]) => [key, copy(item)]))
}

// a defect may be anything, also something that cannot even be looked at
const attempt = <A>(read: () => A, otherwise: A): A => {
  try {
    return read()
  } catch {
    return otherwise
  }
}

/** The text of anything. */
export const textOf = (u: unknown): string =>
  // the text of an array is that of all that is in it, as often as it is
  attempt(() => Array.isArray(u) ? Object.prototype.toString.call(u) : String(u), "a value that has no text")

/**
 * Carries a defect: an error keeps its name, message, stack, cause and the own
 * fields that are plain data; plain data stays what it is; anything else
 * becomes its text. It never throws, and what it makes can always be sent.
 */
export const encodeDefect = (defect: unknown, depth = 4): unknown => {
  if (!attempt(() => defect instanceof Error, false)) {
    const copy = attempt(() => plainCopy(defect, 8), unreadable)
    return copy === unreadable ? textOf(defect) : copy
  }
  const error = defect as Error
  const fields: Record<string, unknown> = {}
  for (const key of attempt(() => Object.keys(error), [])) {
    if (carried.has(key)) continue
    const value = attempt<unknown>(() => plainCopy(error[key as keyof Error], 4), unreadable)
    if (value !== unreadable) fields[key] = value
  }
  const stack = attempt<unknown>(() => error.stack, undefined)
  const cause = attempt<unknown>(() => error.cause, undefined)
  return {
    "~uactor/Error": {
      name: textOf(attempt<unknown>(() => error.name, "Error")),
      message: textOf(attempt<unknown>(() => error.message, "")),
      stack: typeof stack === "string" ? stack : undefined,
      cause: cause === undefined || depth === 0 ? undefined : encodeDefect(cause, depth - 1),
      fields
    }
  }
}

// what is carried by itself, and what would set the prototype
const carried = new Set(["name", "message", "stack", "cause", "__proto__"])

/** The reverse of {@link encodeDefect}; plain data that only looks like an error stays what it is. */
export const decodeDefect = (encoded: unknown): unknown =>
  typeof encoded !== "object" || encoded === null || !("~uactor/Error" in encoded)
    ? encoded
    : attempt<unknown>(() => decodeError(encoded), encoded)

const decodeError = (encoded: { readonly "~uactor/Error": unknown }): Error => {
  const { cause, fields, message, name, stack } = encoded["~uactor/Error"] as {
    readonly name: string
    readonly message: string
    readonly stack: string | undefined
    readonly cause: unknown
    readonly fields: Record<string, unknown>
  }
  const Class = Object.hasOwn(errorClasses, name) ? errorClasses[name]! : Error
  const error = cause === undefined ? new Class(message) : new Class(message, { cause: decodeDefect(cause) })
  if (error.name !== name) Object.defineProperty(error, "name", { value: name, configurable: true, writable: true })
  if (stack !== undefined) {
    Object.defineProperty(error, "stack", { value: stack, configurable: true, writable: true })
  }
  return Object.assign(error, fields)
}

/** Encodes the reasons of a cause; `error` and `defect` say how the values in them are carried. */
export const encodeCause = (
  cause: Cause.Cause<unknown>,
  error: (error: unknown) => unknown,
  defect: (defect: unknown) => unknown
): Wire.EncodedCause =>
  cause.reasons.map((reason) =>
    reason._tag === "Fail"
      ? ["Fail", error(reason.error)]
      : reason._tag === "Die"
      ? ["Die", defect(reason.defect)]
      : ["Interrupt", reason.fiberId]
  )

/** The reverse of {@link encodeCause}. */
export const decodeCause = (
  encoded: Wire.EncodedCause,
  error: (error: unknown) => unknown,
  defect: (defect: unknown) => unknown
): Cause.Cause<unknown> =>
  Cause.fromReasons(
    encoded.map(([tag, value]) =>
      tag === "Fail"
        ? Cause.makeFailReason(error(value))
        : tag === "Die"
        ? Cause.makeDieReason(defect(value))
        : Cause.makeInterruptReason(value)
    )
  )

/** The same where the schema of the errors may be effectful. */
export const decodeCauseWith = <E>(
  encoded: Wire.EncodedCause,
  error: (error: unknown) => Effect.Effect<unknown, E>,
  defect: (defect: unknown) => unknown
): Effect.Effect<Cause.Cause<unknown>, E> =>
  Effect.map(
    Effect.forEach(encoded.filter(([tag]) => tag === "Fail"), ([, value]) => error(value)),
    (errors) => {
      let at = 0
      return decodeCause(encoded, () => errors[at++], defect)
    }
  )

/** An exit as far as it can be carried where no schema is known (L3): its value stays behind. */
export const encodeExit = (exit: Exit.Exit<unknown, unknown>): Wire.EncodedExit =>
  Exit.isSuccess(exit) ? undefined : encodeCause(exit.cause, encodeDefect, encodeDefect)

/** The reverse of {@link encodeExit}. */
export const decodeExit = (encoded: Wire.EncodedExit): Exit.Exit<void, unknown> =>
  encoded === undefined ? Exit.void : Exit.failCause(decodeCause(encoded, decodeDefect, decodeDefect))
