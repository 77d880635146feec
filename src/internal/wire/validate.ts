/**
 * Checks the batches of a link whose peer is not trusted, before the engine reads them: the type of each field (fields.ts), the sender
 * of each frame (frames.ts), and the size of each part. A batch with an error is not delivered at all.
 *
 * A link to such a peer has no channels between workers and shares no thread with it: frames and handles for these are refused.
 */
import type { ByCode, Check } from "./checks.ts"
import * as Is from "./checks.ts"
import * as Codes from "./codes.ts"
import { fields } from "./fields.ts"
import * as Frames from "./frames.ts"
import * as Content from "./handleContent.ts"

// ---- handles ----

type Contents = { readonly [One in Content.WireContent as One[0]]: One }

const isKnown: Check<Contents[typeof Content.WireKnown]> = (
  value,
  reading
): value is Contents[typeof Content.WireKnown] => {
  if (!Array.isArray(value) || value.length > 4) return false
  const [, completion, result, isPacked] = value as ReadonlyArray<unknown>
  if (!fields.completion(completion, reading, undefined)) return false
  if (isPacked === true) return isPackedValue(fields.completionValue, result, reading, completion)
  return isPacked === undefined && fields.completionValue(result, reading, completion)
}

const contents: ByCode<Contents> = {
  [Content.WireDeferred]: Is.tuple(Is.oneOf(Content.WireDeferred), Is.isId, fields.route),
  [Content.WireKnown]: isKnown,
  [Content.WireObject]: Is.tuple(
    Is.oneOf(Content.WireObject),
    Is.isId,
    Is.isText,
    Is.isText,
    fields.route,
    Is.optional(Is.isTime),
    Is.optional(Is.isText)
  ),
  [Content.WireYours]: Is.tuple(Is.oneOf(Content.WireYours), Is.isId, Is.optional(Is.isId)),
  [Content.WireShare]: Is.isNever
}

const isContent = Is.byCode(contents)

const isHandle: Check<unknown> = (value, reading): value is unknown => {
  if (typeof value !== "object" || value === null || !reading.isFirst(value)) return false
  if (!Object.keys(value).every((key) => key === "content" || key === "kind")) return false
  const { content, kind } = value as { readonly content?: unknown; readonly kind?: unknown }
  if (!Array.isArray(content) || kind !== undefined && !Is.isText(kind, reading, undefined)) return false
  return isContent(content, reading, content[0])
}

const isHandles = Is.list(isHandle)

/** Whether a value that exports handles is of a type: a handle alone, or the value and the list of its handles. */
const isPackedValue = (check: Check<unknown>, value: unknown, reading: Is.Reading, code: unknown): boolean => {
  if (!Array.isArray(value)) return isHandle(value, reading, code) && check(value, reading, code)
  return value.length === 2 && check(value[0], reading, code) && isHandles(value[1], reading, code)
}

// the check of a field whose value exports handles
const carrying = (op: unknown, check: Check<unknown>): Check<unknown> => (value, reading, code): value is unknown =>
  op === Frames.Chunk
    ? Array.isArray(value) && value.length === 1 && isPackedValue(Is.isData, value[0], reading, code)
    : isPackedValue(check, value, reading, code)

// ---- batches ----

/** The end of a link that sends a batch: the host starts the worker. */
type Sender = "host" | "worker"

const names = new Map<unknown, string>(
  Object.entries(Frames).flatMap(([name, value]) =>
    typeof value === "number" && value in Frames.layouts && !(name in Codes) ? [[value, name] as const] : []
  )
)

// the error in the frame at an index, or the index of the next frame
const readFrame = (
  batch: ReadonlyArray<unknown>,
  i: number,
  sender: Sender,
  reading: Is.Reading
): string | number => {
  const code = batch[i]
  const isCarrier = typeof code === "number" && code >= Frames.CarriesHandles
  const op = (isCarrier ? code - Frames.CarriesHandles : code) as Frames.Opcode
  const name = names.get(op)
  if (name === undefined) return `slot ${i} of the batch is no opcode`
  const layout = Frames.layouts[op]
  if (layout.sender !== "either" && layout.sender !== sender) return `a ${sender} sends no ${name}`
  const valueAt = Frames.valueAt[op]
  if (isCarrier && valueAt === undefined) return `${name} exports no handles`
  if (i + layout.fields.length >= batch.length) return `${name} ends before its last field`
  let at = i
  for (const field of layout.fields) {
    const before = batch[at++]
    const check = isCarrier && at - i === valueAt ? carrying(op, fields[field]) : fields[field]
    if (!check(batch[at], reading, before)) return `the field ${field} of ${name} has a wrong type, or is too large`
  }
  return at + 1
}

// the first error in a batch
const errorIn = (batch: unknown, sender: Sender, limits: Is.Limits): string | undefined => {
  if (!Array.isArray(batch)) return "a message is no batch"
  if (batch.length > limits.batchLength) return `a batch is longer than ${limits.batchLength} slots`
  const reading = new Is.Reading(limits)
  if (!Is.isCount(batch[0], reading, undefined)) return "a batch has no number"
  for (let i = 1; i < batch.length;) {
    const next = readFrame(batch, i, sender, reading)
    if (typeof next === "string") return next
    i = next
  }
  return undefined
}

/** A reader of batches that come from `sender`. Delivers valid batches, until the first batch with an error. */
export const reader = (
  sender: Sender,
  onBatch: (batch: Frames.Batch) => void,
  onError: (error: string) => void,
  limits: Partial<Is.Limits> = {}
): (batch: unknown) => void => {
  const all = { ...Is.defaultLimits, ...limits }
  let isOpen = true
  return (batch) => {
    if (!isOpen) return
    const error = errorIn(batch, sender, all)
    if (error === undefined) return onBatch(batch as Frames.Batch)
    isOpen = false
    onError(error)
  }
}
