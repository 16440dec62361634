import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import type { ParseOptions } from "effect/SchemaAST"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"

// Decoding by a Schema of the user's, which may throw at the data of a server.

export type Decode<RD> = (raw: unknown, options: ParseOptions) => Effect.Effect<unknown, SchemaIssue.Issue, RD>

/** The decoder of a Schema. What it throws at the data of a server is an issue too, a stack overflow among it. */
export const decoder = <S extends Schema.Constraint>(schema: S): Decode<S["DecodingServices"]> => {
  const decode = SchemaParser.decodeUnknownEffect(schema)
  const failed = (cause: unknown) => Effect.fail(threw("the Schema of the payload", cause))
  return (raw, options) => {
    try {
      const decoded = decode(raw, options)
      return Exit.isExit(decoded) && Exit.isSuccess(decoded) ? decoded : Effect.catchDefect(decoded, failed)
    } catch (cause) {
      return failed(cause)
    }
  }
}

/** The message of an error may contain what the server sent, so only its name is shown. */
export const threw = (name: string, cause: unknown): SchemaIssue.Issue => {
  const kind = cause instanceof Error && /^\w{1,50}$/.test(cause.name) ? cause.name : "an unknown error"
  return new SchemaIssue.InvalidValue({ message: `${name} threw: ${kind}`, cause: Redacted.make(cause) })
}
