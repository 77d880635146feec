import { describe, expectTypeOf, test } from "@effect/vitest"
import type { Sharding } from "effect/cluster/Sharding"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Actor from "../../src/Actor.ts"
import * as ActorCluster from "../../src/ActorCluster.ts"
import type { ActorSystem } from "../../src/ActorSystem.ts"

class Named extends Actor.Service<Named>()("Named", {
  args: Schema.String,
  protocol: { get: Actor.method({ success: Schema.Int }) }
}) {}
class Sized extends Actor.Service<Sized>()("Sized", {
  args: Schema.Struct({ size: Schema.Int }),
  protocol: { get: Actor.method({ success: Schema.Int }) }
}) {}
class Plain extends Actor.Service<Plain>()("Plain", { protocol: { get: Actor.method({ success: Schema.Int }) } }) {}

describe("clusters", () => {
  test("T1: a host needs arguments unless the id says them", () => {
    expectTypeOf(ActorCluster.layer(Plain)).toEqualTypeOf<Layer.Layer<never, never, Sharding | ActorSystem>>()
    expectTypeOf(ActorCluster.layer(Named)).toEqualTypeOf<Layer.Layer<never, never, Sharding | ActorSystem>>()
    ActorCluster.layer(Named, { args: (id) => id.toUpperCase() })
    // @ts-expect-error the arguments are missing
    ActorCluster.layer(Sized)
    // @ts-expect-error the arguments are wrong
    ActorCluster.layer(Sized, { args: () => ({ size: "1" }) })
    ActorCluster.layer(Sized, { args: (id) => Effect.succeed({ size: id.length }), mailboxCapacity: 10 })
  })

  test("T1: a reference has the type of the reference of a spawned actor", () => {
    type Spawned = Effect.Success<ReturnType<typeof Sized.spawn>>
    const ref = ActorCluster.ref(Sized, "a")
    expectTypeOf<Effect.Success<typeof ref>>().toEqualTypeOf<Spawned>()
    expectTypeOf(ActorCluster.layerRef(Sized, "a")).toEqualTypeOf<Layer.Layer<Sized, never, Sharding>>()
    ActorCluster.ref(Sized, Sized.clusterRef.make({ id: "a" }))
    // @ts-expect-error a name of another class
    ActorCluster.ref(Sized, Plain.clusterRef.make({ id: "a" }))
  })

  test("K3: the key of a method comes from its payload", () => {
    Actor.method({ payload: { tx: Schema.String }, primaryKey: ({ tx }) => tx })
    // @ts-expect-error a payload without fields has no key
    Actor.method({ payload: Schema.String, primaryKey: (tx: string) => tx })
  })
})
