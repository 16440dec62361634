import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import { type BodyKind, HttpCheckError, type Reason, safeUrl } from "../HttpCheckError.ts"

// One request and its answer, read once: what every look over HTTP is made of.

export interface Answer {
  readonly status: number
  readonly headers: Headers.Headers
  /** The parsed JSON; undefined if the body is none. */
  readonly json: unknown
  readonly body: BodyKind
  readonly hint: Duration.Duration | "unreadable" | undefined
}

/** Makes the error of a request. */
export type Fail = (reason: Reason) => HttpCheckError

export const isOk = (answer: Answer): boolean => answer.status >= 200 && answer.status <= 299

export const statusReason = ({ body, hint, status }: Answer): Reason => ({
  _tag: "Status",
  status,
  body,
  retryAfter: hint
})

export const notJsonReason = ({ body, hint, status }: Answer): Reason => ({
  _tag: "NotJson",
  status,
  body,
  retryAfter: hint
})

export const failure =
  (request: HttpClientRequest.HttpClientRequest, shownUrl: string | undefined): Fail =>
  (reason) =>
    new HttpCheckError({ method: request.method, url: shownUrl ?? safeUrl(request.url), reason })

export const decodeWith = <A, RD>(
  decode: (body: unknown) => Effect.Effect<A, Schema.SchemaError, RD>,
  answer: Answer,
  fail: Fail
): Effect.Effect<A, HttpCheckError, RD> =>
  Effect.mapError(decode(answer.json), (error) => fail({ _tag: "Decode", status: answer.status, issue: error.message }))

export const withBody = (
  request: HttpClientRequest.HttpClientRequest,
  body: unknown,
  fail: Fail
): Effect.Effect<HttpClientRequest.HttpClientRequest, HttpCheckError> =>
  body === undefined
    ? Effect.succeed(request)
    : Effect.mapError(HttpClientRequest.bodyJson(request, body), () => fail({ _tag: "InvalidRequest", part: "body" }))

export const exchange = Effect.fnUntraced(function* (request: HttpClientRequest.HttpClientRequest, fail: Fail) {
  const asked = request.headers["accept"] === undefined ? HttpClientRequest.acceptJson(request) : request
  const response = yield* Effect.catch(HttpClient.execute(asked), (error) => answered(error, fail))
  const text = yield* Effect.catch(response.text, (error) =>
    // The status of a refusal says more than that its body broke off.
    response.status > 299 ? Effect.succeed("") : Effect.fail(fail({ _tag: "Transport", cause: causeOf(error) }))
  )
  const type = response.headers["content-type"]?.split(";")[0]?.trim().toLowerCase()
  const parsed = yield* parse(text)
  const header = response.headers["retry-after"]
  const answer: Answer = {
    status: response.status,
    headers: response.headers,
    json: Result.getOrUndefined(parsed),
    body: { kind: Result.isSuccess(parsed) ? "json" : text.trim() === "" ? "empty" : "other", type },
    hint: header === undefined ? undefined : yield* hintOf(header)
  }
  return answer
})

// ---- internal ----

/** A client that was told to fail on some statuses still has the answer; the rest is told apart by who is to blame. */
const answered = (
  error: HttpClientError.HttpClientError,
  fail: Fail
): Effect.Effect<HttpClientResponse, HttpCheckError> => {
  switch (error.reason._tag) {
    case "StatusCodeError":
      return Effect.succeed(error.reason.response)
    case "InvalidUrlError":
      return Effect.fail(fail({ _tag: "InvalidRequest", part: "url" }))
    case "EncodeError":
      return Effect.fail(fail({ _tag: "InvalidRequest", part: "body" }))
    default:
      return Effect.fail(fail({ _tag: "Transport", cause: causeOf(error) }))
  }
}

/** Without the client's own error, which holds the whole request. */
const causeOf = (error: HttpClientError.HttpClientError): unknown =>
  "cause" in error.reason ? error.reason.cause : undefined

const parse = (text: string): Effect.Effect<Result.Result<unknown, void>> =>
  Effect.result(Effect.try({ try: (): unknown => JSON.parse(text), catch: () => undefined }))

const hintOf = (header: string): Effect.Effect<Duration.Duration | "unreadable"> => {
  const parsed = Headers.parseRetryAfter(header)
  if (Result.isFailure(parsed)) return Effect.succeed("unreadable")
  const value = parsed.success
  return value._tag === "Duration"
    ? Effect.succeed(value.duration)
    : Effect.map(Clock.currentTimeMillis, (now) => Headers.retryAfterDelay(value, now))
}
