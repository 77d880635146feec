/**
 * What an editor shows where methods are called.
 */
import { type Cause, Context, Effect, type Exit, type Queue, Schema, type Scope, type Stream } from "effect"
import { describe, expectTypeOf, test } from "vitest"
import {
  Actor,
  ActorError,
  type ActorExited,
  ActorRef,
  type CallTimedOut,
  HandleError,
  type HandleReleased,
  type MailboxFull,
  type Outcome,
  type ProtocolError
} from "../../src/index.ts"
import type { Counter, Getpid, Overflow, Torn } from "./fixtures.ts"

declare const counter: Effect.Success<ReturnType<typeof Counter.spawn>>
declare const pid: Effect.Success<ReturnType<typeof Getpid.spawn>>
declare const client: Counter["Service"]

describe("a call", () => {
  test("C1: gives the method's success and fails with its own error or an ActorError, and requires nothing", () => {
    expectTypeOf(counter.increment({ by: 1 })).toEqualTypeOf<Effect.Effect<number, Overflow | ActorError>>()
    expectTypeOf(client.increment({ by: 1 })).toEqualTypeOf<Effect.Effect<number, Overflow | ActorError>>()
    expectTypeOf(counter.at()).toEqualTypeOf<Effect.Effect<Date, ActorError>>()
    expectTypeOf(counter.reset()).toEqualTypeOf<Effect.Effect<void, ActorError>>()
    expectTypeOf<Effect.Services<ReturnType<typeof counter.increment>>>().toBeNever()
  })

  test("C1: an ActorError says what happened to the work", () => {
    expectTypeOf<ActorError>().toEqualTypeOf<ActorExited | CallTimedOut | MailboxFull | ProtocolError>()
    expectTypeOf<ActorError["outcome"]>().toEqualTypeOf<Outcome>()
    expectTypeOf<MailboxFull["outcome"]>().toEqualTypeOf<Outcome>()
    expectTypeOf<ActorError["_tag"]>().toEqualTypeOf<"ActorExited" | "CallTimedOut" | "MailboxFull" | "ProtocolError">()
    expectTypeOf<ActorExited["reason"]>().toEqualTypeOf<
      | "Stopped"
      | "Crashed"
      | "Killed"
      | "OutOfMemory"
      | "Unresponsive"
      | "Restarted"
      | "Disconnected"
      | "GivenUp"
      | "NotStarted"
    >()
  })

  test("C1: an ActorError is a schema, a guard, and tags to catch", () => {
    expectTypeOf(Schema.decodeUnknownSync(ActorError)({})).toEqualTypeOf<ActorError>()
    const value: unknown = undefined
    if (ActorError.is(value)) expectTypeOf(value).toEqualTypeOf<ActorError>()
    if (HandleError.is(value)) expectTypeOf(value).toEqualTypeOf<ActorError | HandleReleased>()
    const caught = counter.increment({ by: 1 }).pipe(
      Effect.catchTag(ActorError.tags, (error) => {
        expectTypeOf(error).toEqualTypeOf<ActorError>()
        return Effect.succeed(error.outcome)
      })
    )
    expectTypeOf(caught).toEqualTypeOf<Effect.Effect<number | Outcome, Overflow>>()
    expectTypeOf(Effect.catchIf(counter.increment({ by: 1 }), ActorError.is, () => Effect.succeed(0))).toEqualTypeOf<
      Effect.Effect<number, Overflow>
    >()
  })

  test("C13: a propagated reference keeps its type, and needs a schema of this type without services", () => {
    const reference = Context.Reference("Tenant", { defaultValue: () => "nobody" })
    const tenant = Actor.Propagated(reference, Schema.String)
    expectTypeOf(tenant).toEqualTypeOf<Context.Reference<string>>()
    // @ts-expect-error - a schema is required
    Actor.Propagated(reference)
    // @ts-expect-error - the schema is of another type
    Actor.Propagated(reference, Schema.Int)
  })

  test("C6: a payload that does not fit its schema does not compile", () => {
    // @ts-expect-error - a field has the wrong type
    counter.increment({ by: "1" })
    // @ts-expect-error - a field is missing
    counter.increment({})
    // @ts-expect-error - the payload is missing
    counter.increment()
    // @ts-expect-error - a field is not in the schema
    counter.increment({ by: 1, twice: true })
    // @ts-expect-error - there is no such method
    counter.decrement({ by: 1 })
    // @ts-expect-error - it takes no payload
    counter.reset({ by: 1 })
  })

  test("C4: a tell gives nothing and drops the method's own error", () => {
    expectTypeOf(counter.increment({ by: 1 }, { discard: true })).toEqualTypeOf<Effect.Effect<void, ActorError>>()
    expectTypeOf(counter.increment({ by: 1 }, { discard: false })).toEqualTypeOf<
      Effect.Effect<number, Overflow | ActorError>
    >()
  })
})

describe("a stream", () => {
  test("C5: is a Stream that fails with the producer's error or an ActorError", () => {
    expectTypeOf(counter.ticks({ upTo: 3 })).toEqualTypeOf<Stream.Stream<bigint, Torn | ActorError>>()
    expectTypeOf(counter.ticks({ upTo: 3 }, { streamBufferSize: 16 })).toEqualTypeOf<
      Stream.Stream<bigint, Torn | ActorError>
    >()
    // @ts-expect-error - a field is missing
    counter.ticks({})
    // @ts-expect-error - a stream cannot be told
    counter.ticks({ upTo: 3 }, { discard: true })
  })

  test("C5: is a queue on demand", () => {
    expectTypeOf(counter.ticks({ upTo: 3 }, { asQueue: true })).toEqualTypeOf<
      Effect.Effect<Queue.Dequeue<bigint, Torn | ActorError | Cause.Done>, never, Scope.Scope>
    >()
    // @ts-expect-error - a call with one result cannot be a queue
    counter.increment({ by: 1 }, { asQueue: true })
  })
})

describe("a reference", () => {
  test("F5: tells how its actor ended, whatever its protocol", () => {
    expectTypeOf(ActorRef.awaitExit(counter)).toEqualTypeOf<Effect.Effect<Exit.Exit<void, ActorExited>>>()
    expectTypeOf(ActorRef.awaitExit(pid)).toEqualTypeOf<Effect.Effect<Exit.Exit<void, ActorExited>>>()
    expectTypeOf(ActorRef.address(counter)).toEqualTypeOf<string>()
    // @ts-expect-error - a client may stand for many actors
    ActorRef.awaitExit(client)
  })

  test("L4: is stopped with or without a drain", () => {
    expectTypeOf(ActorRef.stop(counter)).toEqualTypeOf<Effect.Effect<void>>()
    expectTypeOf(ActorRef.stop(counter, { drain: true })).toEqualTypeOf<Effect.Effect<void>>()
    expectTypeOf(ActorRef.stop(counter, { drain: "5 seconds" })).toEqualTypeOf<Effect.Effect<void>>()
    // @ts-expect-error - not a duration
    ActorRef.stop(counter, { drain: "soon" })
  })

  test("T1: an unknown value is narrowed to a reference", () => {
    const value: unknown = counter
    if (ActorRef.isActorRef(value)) expectTypeOf(value).toEqualTypeOf<ActorRef.AnyActorRef>()
  })
})

describe("Actor.disconnect", () => {
  test("C3: has the type of the call that it is given", () => {
    expectTypeOf(Actor.disconnect(counter.increment({ by: 1 }))).toEqualTypeOf<
      Effect.Effect<number, Overflow | ActorError>
    >()
    expectTypeOf(counter.reset().pipe(Actor.disconnect)).toEqualTypeOf<Effect.Effect<void, ActorError>>()
  })

  test("C3: refuses a stream", () => {
    // @ts-expect-error - a stream is no effect
    Actor.disconnect(counter.ticks({ upTo: 3 }))
  })
})
