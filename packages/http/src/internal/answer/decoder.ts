import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Succeeded } from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"

// Decoding what a server sent by a Schema of the user's.

/**
 * Decodes by a Schema as `StatusSchema` does: an error names paths and what was expected, but neither values nor the
 * keys of records, which may be names or addresses of people; and a Schema that throws is a decode error.
 */
export const decoderOf = <A, RD>(
  schema: Schema.Codec<A, unknown, RD>
): ((content: unknown) => Effect.Effect<A, Schema.SchemaError, RD>) => {
  const decode = Schema.decodeUnknownEffect(StatusSchema.succeeded(schema))
  return (content) => Effect.map(decode(content), (found) => (found as Succeeded<A>).value)
}
