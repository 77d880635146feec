/** Links with a filter: a test sees, changes and validates the messages between the program and its workers. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ActorSystem } from "../../../src/ActorSystem.ts"
import * as System from "../../../src/internal/system/system.ts"
import type { Batch } from "../../../src/internal/wire/frames.ts"
import * as Validate from "../../../src/internal/wire/validate.ts"

/** Changes a message, or replaces it. */
export interface Filter {
  readonly toWorker?: (batch: Batch) => unknown
  readonly fromWorker?: (batch: Batch) => unknown
}

/**
 * A system like the given one, in which each message passes through the filter and then through the validation of untrusted links. An
 * error ends the link, as soon as `onError` calls back.
 */
export const untrusted = <E, R>(
  system: Layer.Layer<ActorSystem, E, R>,
  filter: Filter,
  onError: (end: () => void) => void = (end) => end()
): Layer.Layer<ActorSystem, E, R> =>
  Layer.effect(
    ActorSystem,
    Effect.flatMap(ActorSystem, ({ "~uactor/ActorSystem": { options, placement } }) =>
      System.make({
        ...placement,
        start: (name, place, events) => {
          const refuse = (message: string): void => onError(() => worker.kill({ reason: "Disconnected", message }))
          const fromWorker = Validate.reader("worker", (batch) => events.onBatch(batch), refuse)
          const worker = placement.start(name, place, {
            ...events,
            onBatch: (batch) => fromWorker(filter.fromWorker?.(batch) ?? batch)
          })
          const { link } = worker
          let transfer: ReadonlyArray<unknown> | undefined
          const toWorker = Validate.reader("host", (batch) => link.send(batch, transfer), refuse)
          return {
            ...worker,
            link: {
              ...link,
              makeChannel: undefined,
              send: (batch, objects) => {
                transfer = objects
                toWorker(filter.toWorker?.(batch) ?? batch)
              },
              get startedCalls() {
                return link.startedCalls
              }
            }
          }
        }
      }, options))
  ).pipe(Layer.provide(system))
