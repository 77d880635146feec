/** The error reporters of the program learn of crashes, of actors that are given up, and of tells that fail or are lost. */
import { assert, it } from "@effect/vitest"
import { Effect, ErrorReporter, Exit, Layer, Logger } from "effect"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import behaviours, { Probe } from "../fixtures/observed.ts"
import { until } from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/observed.ts", import.meta.url), behaviours }

const collector = () => {
  const messages: Array<string> = []
  const reporter = ErrorReporter.make(({ error }) => messages.push(error.message))
  return {
    messages,
    layer: Layer.merge(ErrorReporter.layer([reporter]), Logger.layer([])),
    await: (text: string) => until(`"${text}" is reported`, () => messages.some((message) => message.includes(text)))
  }
}

onEveryPlacement(fixture, (placement) => {
  it.live("a crash, and an actor that is given up, are reported", () => {
    const reports = collector()
    return Effect.gen(function*() {
      const policy = Supervision.make({ maxRestarts: 1 })
      const probe = yield* Probe.spawn().pipe(Supervision.supervised(policy))
      yield* Effect.exit(probe.crash())
      yield* reports.await("crashed")
      yield* Effect.exit(probe.crash())
      yield* reports.await("is given up after 1 restart")
      assert.isTrue(Exit.isFailure(yield* ActorRef.awaitExit(probe)))
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(reports.layer))
  })

  it.live("a tell whose handler fails is reported, and one that is interrupted with its actor is not", () => {
    const reports = collector()
    return Effect.gen(function*() {
      const probe = yield* Probe.spawn()
      yield* Effect.scoped(Effect.flatMap(Probe.spawn(), (other) => other.hang(undefined, { discard: true })))
      yield* probe.fail(undefined, { discard: true })
      yield* reports.await("it has failed")
      assert.deepStrictEqual(reports.messages, ["it has failed"])
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(reports.layer))
  })

  it.live("a lost tell is reported", () => {
    const reports = collector()
    return Effect.gen(function*() {
      const probe = yield* Probe.spawn()
      yield* probe.hang(undefined, { discard: true })
      yield* ActorRef.kill(probe)
      yield* reports.await("killed")
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(reports.layer))
  })
})
