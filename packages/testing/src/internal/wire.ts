/**
 * Reads requests and writes responses, for the routes of all providers.
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

/** A response. A handler that fails with one refuses the request, and the response is sent as usual. */
export type Response = HttpServerResponse.HttpServerResponse

/** What a handler gets of a request. */
export interface Incoming {
  readonly request: HttpServerRequest.HttpServerRequest
  readonly param: (name: string) => string
  readonly query: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
}

/** A route of one provider. */
export type Route = HttpRouter.Route

/** Creates a route whose handler may fail with a response that refuses the request. */
export const route = (
  method: "GET" | "POST" | "PUT",
  path: HttpRouter.PathInput,
  handler: (incoming: Incoming) => Effect.Effect<Response, Response, HttpServerRequest.HttpServerRequest | Scope.Scope>
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

/** A JSON response; undefined fields are absent. */
export const json = (body: unknown, status = 200): Response => HttpServerResponse.jsonUnsafe(body, { status })

/** Adds a `Retry-After` header. A date has no fractions of a second, so it is rounded up. */
export const withRetryAfter = (
  response: Response,
  delay: Duration.Duration,
  as: RetryAfterForm | undefined,
  now: number
): Response => {
  const seconds = Duration.toSeconds(delay)
  const date = () => DateTime.toDateUtc(DateTime.makeUnsafe((Math.ceil(now / 1000) + seconds) * 1000)).toUTCString()
  return HttpServerResponse.setHeader(response, "retry-after", as === "date" ? date() : String(seconds))
}

/** The response about something that does not exist, or no longer does. */
export const notFound = (what: string): Response => json({ error: `${what} not found` }, 404)

/** The response to an invalid body. */
export const badRequest = (message: string): Response => json({ error: message }, 400)

/** A body as it was sent, and as it was decoded. */
export interface Body<A> {
  readonly sent: unknown
  readonly value: A
}

/** Decodes a body with a Schema. An absent body counts as an empty object. */
export const body = <A>(
  schema: Schema.Codec<A, unknown>
): ((incoming: Incoming) => Effect.Effect<Body<A>, Response>) => {
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

/** A time in milliseconds since the epoch, in ISO 8601. */
export const iso = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(millis))

const parse = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Unknown))
