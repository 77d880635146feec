/**
 * The texts that explain why a value is not sent.
 */
import { messageOf, textOf } from "../runtime/describe.ts"
import { disguiseOf, isDetached, likelyKind, prototypeOf } from "./kinds.ts"

/** The reason for refusing a value. */
export class Refusal extends TypeError {
  override toString(): string {
    return this.message
  }
}

const hints: Readonly<Record<string, string>> = {
  URL: "send its `href`",
  URLSearchParams: "send its text",
  Headers: "send its entries",
  Blob: "send its bytes",
  DOMException: "send its name and message",
  MessagePort: "`Transferable.MessagePort` moves it, inside a process",
  SecretKeyObject: "send what it exports",
  PublicKeyObject: "send what it exports",
  PrivateKeyObject: "send what it exports",
  SharedArrayBuffer: "processes share no memory",
  Module: "send the bytes that it was compiled from",
  Promise: "wait for it first"
}

const classOf = (value: object): string => {
  try {
    const { constructor } = prototypeOf(value) as { readonly constructor?: { readonly name?: unknown } }
    return typeof constructor?.name === "string" && constructor.name !== "" ? constructor.name : "Object"
  } catch {
    return "Object"
  }
}

/** What a value is, and what to send instead. */
export const describe = (value: unknown): string => {
  if (typeof value !== "object" || value === null) return `is a ${typeof value}`
  const disguise = disguiseOf(value)
  if (disguise !== undefined) return `is ${disguise}`
  const buffer = ArrayBuffer.isView(value) ? value.buffer : value
  if (likelyKind(buffer) === "buffer" && isDetached(buffer as ArrayBuffer)) return "has been moved before"
  const name = classOf(value)
  const hint = hints[name]
  return `is ${/^[AEIO]/.test(name) ? "an" : "a"} ${name}${hint === undefined ? "" : `; ${hint}`}`
}

/** Throws the reason for refusing the part of a value at a path. */
export const refuse = (path: string, why: string): never => {
  throw new Refusal(`${path === "" ? "it" : path.replace(/^\./, "")} ${why}`)
}

/** Reads a part of a value. Throws a refusal if the part cannot be read. */
export const attempt = <A>(path: string, read: () => A): A => {
  try {
    return read()
  } catch (error) {
    return refuse(path, `cannot be read: ${textOf(error)}`)
  }
}

/** The reason for not sending a value, as an error whose text is the bare message. */
export const reasonOf = (error: unknown): unknown => error instanceof Refusal ? error : new Refusal(messageOf(error))
