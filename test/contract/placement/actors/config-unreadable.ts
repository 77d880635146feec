/** A module whose configuration does not fit its schema in the worker. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Actor from "../../../../src/Actor.ts"
import { Tenant, Unreadable } from "./config.ts"

export default Actor.module(
  Tenant.toLayer(() => Effect.die("not reached")).pipe(Layer.provideMerge(Unreadable.layer))
)
