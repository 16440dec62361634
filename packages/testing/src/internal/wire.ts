/**
 * Reading requests and writing answers, for all wires alike.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { RetryAfterForm } from "../Fault.ts"

/** An answer; as an error it is a refusal, sent all the same. */
export type Answer = HttpServerResponse.HttpServerResponse

/** What a handler may use of the request. */
export interface Incoming {
  readonly request: HttpServerRequest.HttpServerRequest
  readonly param: (name: string) => string
  readonly query: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
}

/** A route of one wire. */
export type Route = HttpRouter.Route

/** Creates a route whose handler may fail with the answer it refuses with. */
export const route = (
  method: "GET" | "POST" | "PUT",
  path: HttpRouter.PathInput,
  handler: (incoming: Incoming) => Effect.Effect<Answer, Answer, HttpServerRequest.HttpServerRequest | Scope.Scope>
): Route =>
  HttpRouter.route(
    method,
    path,
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const params = yield* HttpRouter.params
      const query = yield* HttpServerRequest.ParsedSearchParams
      return yield* Effect.catch(handler({ request, query, param: (name) => params[name] ?? "" }), (refusal) =>
        Effect.succeed(refusal)
      )
    })
  )

/** Writes JSON; fields that are undefined are absent. */
export const json = (body: unknown, status = 200): Answer => HttpServerResponse.jsonUnsafe(body, { status })

/** Adds a `Retry-After`; a date has no parts of a second, so it is rounded up. */
export const withRetryAfter = (
  answer: Answer,
  wait: Duration.Duration,
  as: RetryAfterForm | undefined,
  now: number
): Answer => {
  const seconds = Duration.toSeconds(wait)
  const date = () => DateTime.toDateUtc(DateTime.makeUnsafe((Math.ceil(now / 1000) + seconds) * 1000)).toUTCString()
  return HttpServerResponse.setHeader(answer, "retry-after", as === "date" ? date() : String(seconds))
}

/** The answer to an id that is not, or is no longer, known. */
export const notFound = (what: string): Answer => json({ error: `${what} not found` }, 404)

/** The answer to a body that is not understood. */
export const badRequest = (message: string): Answer => json({ error: message }, 400)

/** A body as it was sent and as the wire reads it. */
export interface Body<A> {
  readonly sent: unknown
  readonly value: A
}

/** Reads a body with a Schema; no body at all is read as an empty object. */
export const body = <A>(schema: Schema.Codec<A, unknown>): ((incoming: Incoming) => Effect.Effect<Body<A>, Answer>) => {
  const decode = Schema.decodeUnknownEffect(schema)
  return ({ request }) =>
    request.text.pipe(
      Effect.mapError(() => badRequest("body could not be read")),
      Effect.flatMap((text) =>
        text === "" ? Effect.succeed({}) : Effect.mapError(parse(text), () => badRequest("body is not JSON"))
      ),
      Effect.flatMap((sent) =>
        decode(sent).pipe(
          Effect.map((value): Body<A> => ({ sent, value })),
          Effect.mapError((error) => badRequest(error.message))
        )
      )
    )
}

/** Any JSON object. */
export const AnyObject: Schema.Codec<{ readonly [key: string]: unknown }, unknown> = Schema.Record(
  Schema.String,
  Schema.Unknown
)

/** Writes a time in ISO 8601. */
export const iso = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(millis))

const parse = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Unknown))
