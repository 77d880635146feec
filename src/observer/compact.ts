/** Fields that the JSON of a snapshot leaves out while they have the value that most actors of many have. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Getter from "effect/SchemaGetter"

/** A field that is absent in the JSON if it has this value. */
export const unless = <S extends Schema.Codec<string | number, string | number>>(schema: S, value: S["Encoded"]) =>
  Schema.optionalKey(Schema.toEncoded(schema)).pipe(
    Schema.decodeTo(schema, {
      decode: Getter.withDefault(Effect.succeed(value)),
      encode: Getter.transformOptional(Option.filter((encoded) => encoded !== value))
    })
  )

/** A number that is absent in the JSON if it is 0. */
export const count = unless(Schema.Int, 0)

/** A list that is absent in the JSON if it is empty. */
export const listOf = <A, I>(item: Schema.Codec<A, I>) => {
  const list = Schema.Array(item)
  return Schema.optionalKey(Schema.toEncoded(list)).pipe(
    Schema.decodeTo(list, {
      decode: Getter.withDefault(Effect.succeed<ReadonlyArray<I>>([])),
      encode: Getter.transformOptional(Option.filter(({ length }) => length > 0))
    })
  )
}
