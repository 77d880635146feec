/**
 * Messages on a pipe. The head of a message is a mark and the length of the body. The body is a value serialized by V8, or a batch
 * of small values as words. A child has a private pipe for each direction. Each pipe is read to its end, even if the other pipe can
 * no longer be written.
 *
 * The reader catches malformed input: it reports invalid bytes, or a message that V8 cannot read, and reads nothing after them.
 */
import * as fs from "node:fs"
import type { Socket } from "node:net"
import * as v8 from "node:v8"
import { performance, queueMicrotask } from "../../internal/runtime/globals.ts"
import type { Batch } from "../../internal/wire/frames.ts"
import { serializers } from "../startup/features.ts"
import * as Words from "./words.ts"

/** The first four bytes of a message serialized by V8. The next four bytes are the length of the body. */
export const mark = 0x7563_7461
/** The first four bytes of a message in words. The number of values follows the length. */
const wordsMark = 0x7563_7477
/** The length of the head in bytes. */
export const headLength = 8
const emptyHead = Buffer.alloc(headLength)

// a buffer for one message in words: head, count and values
const countAt = headLength / Int32Array.BYTES_PER_ELEMENT
const words = new Int32Array(countAt + 1 + Words.maxWords)
const wordBytes = Buffer.from(words.buffer)

// returns `undefined` unless the message is a batch of small, plain values
const encodeWords = (message: unknown): Buffer | undefined => {
  if (!Array.isArray(message)) return undefined
  const end = Words.encode(words, message as Batch, countAt + 1, words.length)
  if (end < 0) return undefined
  const size = end * Int32Array.BYTES_PER_ELEMENT
  words[0] = wordsMark
  words[1] = size - headLength
  words[countAt] = message.length
  const bytes = Buffer.allocUnsafe(size)
  bytes.set(wordBytes.subarray(0, size))
  return bytes
}

// `bytes`: the body of the message
const decodeWords = (bytes: Buffer): Batch => {
  if (bytes.length > wordBytes.length - headLength) throw new RangeError("a message in words that is too long")
  wordBytes.set(bytes, headLength)
  const count = words[countAt]!
  if (count < 0 || count > Words.maxWords) throw new RangeError(`a message in words with ${count} values`)
  const batch = Words.newBatch()
  Words.decode(words, batch, count, countAt + 1)
  return batch
}

/** Returns the bytes of a message. Throws if the message contains a value that cannot be cloned. */
export const encode = (message: unknown): Buffer => encodeWords(message) ?? encodeAny(message)

const serialize = (message: unknown): Buffer => {
  if (serializers === undefined) return Buffer.concat([emptyHead, v8.serialize(message)])
  // with the default serializer, each view would be read as a view of the whole message
  const serializer = new serializers.Serializer()
  serializer.writeRawBytes(emptyHead)
  serializer.writeHeader()
  serializer.writeValue(message)
  return serializer.releaseBuffer()
}

const encodeAny = (message: unknown): Buffer => {
  const bytes = serialize(message)
  bytes.writeUInt32LE(mark, 0)
  bytes.writeUInt32LE(bytes.length - headLength, 4)
  return bytes
}

const decode = (bytes: Buffer): unknown => {
  if (serializers === undefined) return v8.deserialize(bytes)
  const deserializer = new serializers.Deserializer(bytes)
  deserializer.readHeader()
  return deserializer.readValue()
}

/** Parses messages from the chunks of a pipe. */
export class Reader {
  private readonly onMessage: (message: unknown) => void
  private readonly onUnreadable: (error: unknown) => void
  // the received part of an incomplete message, and the length required to continue
  private chunks: Array<Buffer> = []
  private size = 0
  private wanted = headLength
  private isBroken = false

  /** `onUnreadable`: called at most once, after which the reader ignores all input */
  constructor(onMessage: (message: unknown) => void, onUnreadable: (error: unknown) => void) {
    // rethrow listener errors asynchronously as uncaught, so that the following messages are still read
    this.onMessage = (message) => {
      try {
        onMessage(message)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
    this.onUnreadable = onUnreadable
  }

  read(chunk: Buffer): void {
    if (this.isBroken) return
    if (this.size > 0) {
      this.chunks.push(chunk)
      this.size += chunk.length
      if (this.size < this.wanted) return
      chunk = Buffer.concat(this.chunks, this.size)
      this.chunks = []
      this.size = 0
    }
    let at = 0
    for (let end = endOf(chunk, at); end <= chunk.length; end = endOf(chunk, at)) {
      let message: unknown
      try {
        const bytes = chunk.subarray(at + headLength, end)
        const begins = chunk.readUInt32LE(at)
        if (begins === wordsMark) message = decodeWords(bytes)
        else if (begins === mark) message = decode(bytes)
        else throw new Error("bytes that are not a message")
      } catch (error) {
        this.isBroken = true
        return this.onUnreadable(error)
      }
      at = end
      this.onMessage(message)
    }
    this.size = chunk.length - at
    if (this.size === 0) return
    this.wanted = endOf(chunk, at) - at
    this.chunks.push(at === 0 ? chunk : chunk.subarray(at))
  }
}

// the end of the message at this position; the end of its head if the head is incomplete or invalid
const endOf = (chunk: Buffer, at: number): number => {
  const head = at + headLength
  if (head > chunk.length) return head
  const begins = chunk.readUInt32LE(at)
  return begins === mark || begins === wordsMark ? head + chunk.readUInt32LE(at + 4) : head
}

// Deno reports EBADF: it writes to the descriptor of a socket only with the socket
const isFull = (error: unknown): boolean => ["EAGAIN", "EBADF"].includes((error as NodeJS.ErrnoException).code!)

const sleeper = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))

/** The part of a socket that a writer uses, with internal properties. */
export interface Output extends Pick<Socket, "cork" | "uncork"> {
  write(bytes: Buffer, onWritten?: () => void): unknown
  /** absent after the socket has been destroyed */
  readonly _handle?: { readonly fd: number; readonly writeQueueSize: number } | null
}

/**
 * The writing end of a pipe. The writer writes synchronously as many bytes as the pipe accepts, at a fraction of the cost of a
 * socket write, and passes the rest to the socket. In an exiting child, the writer writes all remaining bytes synchronously.
 */
export class Writer {
  private readonly socket: Output
  /** the buffers passed to the socket, which may not have written them yet */
  private writing: ReadonlyArray<Buffer> = []
  /** the buffers waiting for the socket */
  private waiting: Array<Buffer> = []
  /** set after the last turn of the event loop: the time (`performance.now`) until which to wait for a full pipe */
  private deadline: number | undefined
  private isCut = false

  /** The socket must have an error listener. Bytes written to a pipe without a reader are dropped. */
  constructor(socket: Output) {
    this.socket = socket
  }

  write(bytes: Buffer): void {
    if (this.deadline !== undefined) return this.writeLast(bytes)
    if (this.writing.length > 0) return void this.waiting.push(bytes)
    const written = this.writeSync(bytes, 0)
    if (written < bytes.length) this.writeToSocket([bytes.subarray(written)])
  }

  // returns the number of written bytes: none if the pipe is full, all if the pipe no longer has a reader
  private writeSync(bytes: Buffer, from: number): number {
    const { _handle: handle } = this.socket
    if (handle === undefined || handle === null) return bytes.length - from
    try {
      return fs.writeSync(handle.fd, bytes, from)
    } catch (error) {
      return isFull(error) ? 0 : bytes.length - from
    }
  }

  private writeToSocket(buffers: ReadonlyArray<Buffer>): void {
    this.writing = buffers
    this.socket.cork()
    const last = buffers.length - 1
    buffers.forEach((bytes, i) => this.socket.write(bytes, i === last ? this.onWritten : undefined))
    this.socket.uncork()
  }

  private readonly onWritten = (): void => {
    this.writing = []
    if (this.waiting.length === 0) return
    const { waiting } = this
    this.waiting = []
    this.writeToSocket(waiting)
  }

  /**
   * Writes all remaining bytes, and all later ones, synchronously: the process exits. `timeout`: the time limit in milliseconds.
   */
  finish(timeout: number): void {
    this.deadline = performance.now() + timeout
    const left = Buffer.concat([...this.writing, ...this.waiting])
    const size = this.waiting.reduce((size, bytes) => size + bytes.length, this.socket._handle?.writeQueueSize ?? 0)
    this.writing = this.waiting = []
    this.writeLast(left.subarray(left.length - size))
  }

  private writeLast(bytes: Buffer): void {
    for (let at = 0; at < bytes.length && !this.isCut;) {
      const written = this.writeSync(bytes, at)
      at += written
      if (written > 0) continue
      // after a partially written message, no further bytes may follow
      this.isCut = performance.now() > this.deadline!
      Atomics.wait(sleeper, 0, 0, 1)
    }
  }
}
