/**
 * The files that the command writes. They may contain secrets, so only their owner may read them.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as fs from "node:fs/promises"
import { messageOf } from "../internal/runtime/describe.ts"
import { type CommandFailed, failure } from "./failure.ts"

/** Writes a stream. The file has its name when it is complete. Returns its size. */
export const write = <E extends { readonly message: string }>(
  file: string,
  content: Stream.Stream<Uint8Array, E>
): Effect.Effect<number, E | CommandFailed> => {
  const part = `${file}.part`
  const attempt = <A>(work: () => Promise<A>): Effect.Effect<A, CommandFailed> =>
    Effect.tryPromise({ try: work, catch: (error) => failure(`${file} cannot be written: ${messageOf(error)}`) })
  let size = 0
  return Effect.acquireUseRelease(
    attempt(() => fs.open(part, "w", 0o600)),
    (handle) =>
      Effect.andThen(
        Stream.runForEach(content, (bytes) =>
          attempt(() => {
            size += bytes.length
            return handle.writeFile(bytes)
          })),
        Effect.map(attempt(() => fs.rename(part, file)), () => size)
      ),
    (handle) => Effect.promise(() => handle.close().then(() => fs.rm(part, { force: true })))
  )
}
