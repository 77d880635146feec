/** Actors that read references of their callers. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Actor } from "../../../../src/index.ts"
import { Bearer, Courier, Mirror } from "./bearer.ts"

export const Tenant = Actor.Propagated(
  Context.Reference("test/Tenant", { defaultValue: () => "nobody" }),
  Schema.NonEmptyString
)

/** a value that cannot be sent without its codec */
export const Deadline = Actor.Propagated(
  Context.Reference<Option.Option<Date>>("test/Deadline", { defaultValue: () => Option.none() }),
  Schema.Option(Schema.Date)
)

const read = Effect.map(
  Effect.all([Tenant, Deadline]),
  ([tenant, deadline]) =>
    [tenant, Option.match(deadline, { onNone: () => 0, onSome: (date) => date.getUTCFullYear() })] as const
)

export const makeMirror = Mirror.of({ read: () => read })

export default Layer.mergeAll(
  Bearer.toLayer(() =>
    Effect.sync(() => {
      let noted: Effect.Success<typeof read> = ["", 0]
      return Bearer.handlers({
        read: () => read,
        reads: () => Stream.fromIterableEffect(Effect.map(read, (seen) => [seen, seen])),
        note: () =>
          Effect.map(read, (seen) => {
            noted = seen
          }),
        noted: () => Effect.sync(() => noted),
        mirror: () => makeMirror,
        look: ({ mirror }) => Effect.orDie(mirror.read())
      })
    })
  ),
  Courier.toLayer({
    ask: ({ bearer }) => Effect.orDie(bearer.read()),
    askAs: ({ bearer, tenant }) => Effect.orDie(Effect.provideService(bearer.read(), Tenant, tenant))
  })
)
