import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as HttpTraceContext from "effect/http/HttpTraceContext"
import { hasProperty } from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"
import type * as CheckResult from "effect-poll/CheckResult"
import { AuthorizationError } from "../Authorization.ts"
import * as HintReader from "../HintReader.ts"
import type { HttpAnswer } from "../HttpAnswer.ts"
import { type BodyKind, HttpCheckError, type Reason, safeUrl } from "../HttpCheckError.ts"
import { parse } from "./json.ts"

// One HTTP request and its answer, read to its end once: what all checks over HTTP are made of.

/** An answer, with what every check needs to know of it. */
export interface ReceivedAnswer extends HttpAnswer {
  /** The whole URL that answered, after redirects; empty if the client does not report it. */
  readonly url: string
  readonly content: BodyKind
  /** The requested delay before the next check, by the headers. */
  readonly hint: CheckResult.Hint | undefined
}

/** Makes the error of a request. */
export type Fail = (reason: Reason) => HttpCheckError

export const isOk = (answer: ReceivedAnswer): boolean => answer.status >= 200 && answer.status <= 299

export const statusReason = (
  { content, hint, status }: ReceivedAnswer,
  kind?: "throttled" | "transient" | "permanent",
  detail?: string
): Extract<Reason, { readonly _tag: "Status" }> => ({
  _tag: "Status",
  status,
  body: content,
  retryAfter: hint,
  kind,
  detail
})

export const notJsonReason = ({ content, hint, status }: ReceivedAnswer): Reason => ({
  _tag: "NotJson",
  status,
  body: content,
  retryAfter: hint
})

export const failFor =
  (request: Pick<HttpClientRequest.HttpClientRequest, "method" | "url">, shownUrl: string | undefined): Fail =>
  (reason) =>
    new HttpCheckError({ method: request.method, url: shownUrl ?? safeUrl(request.url), reason })

export const decodeWith = <A, RD>(
  decode: (body: unknown) => Effect.Effect<A, Schema.SchemaError, RD>,
  answer: Pick<ReceivedAnswer, "body" | "status">,
  fail: Fail
): Effect.Effect<A, HttpCheckError, RD> =>
  Effect.mapError(decode(answer.body), (error) => fail({ _tag: "Decode", status: answer.status, issue: error.message }))

export const withBody = (
  request: HttpClientRequest.HttpClientRequest,
  body: unknown,
  fail: Fail
): Effect.Effect<HttpClientRequest.HttpClientRequest, HttpCheckError> =>
  body === undefined
    ? Effect.succeed(request)
    : Effect.mapError(HttpClientRequest.bodyJson(request, body), () => fail({ _tag: "InvalidRequest", part: "body" }))

/**
 * Sends a request and reads the answer. `shownUrl` stands in the trace; default: the URL without what may be secret.
 */
export const execute = (
  request: HttpClientRequest.HttpClientRequest,
  fail: Fail,
  shownUrl?: string
): Effect.Effect<ReceivedAnswer, HttpCheckError, HttpClient.HttpClient> =>
  traced(
    request.headers["accept"] === undefined ? HttpClientRequest.acceptJson(request) : request,
    shownUrl ?? safeUrl(request.url),
    (sent, span) =>
      Effect.gen(function* () {
        const response = yield* Effect.catch(HttpClient.execute(sent), (error) => responseOf(error, fail))
        span?.attribute("http.response.status_code", response.status)
        const text = yield* Effect.catch(response.text, (error) =>
          // The status of a refusal says more than that its body broke off.
          response.status > 299 ? Effect.succeed("") : Effect.fail(fail(transport(error)))
        )
        const type = response.headers["content-type"]?.split(";")[0]?.trim().toLowerCase()
        const parsed = parse(text)
        const answer: ReceivedAnswer = {
          url: response.url,
          status: response.status,
          context: undefined,
          headers: response.headers,
          body: Result.getOrUndefined(parsed),
          text,
          content: { kind: Result.isSuccess(parsed) ? "json" : text.trim() === "" ? "empty" : "other", type },
          hint: HintReader.fromHeaders(response.headers, yield* Clock.currentTimeMillis)
        }
        return answer
      })
  )

// ---- internal ----

const always = (): boolean => true

/**
 * The span of a request. The client would write the whole URL into its own, and the request with all its headers into
 * the error of it.
 */
const traced = <A, E, R>(
  request: HttpClientRequest.HttpClientRequest,
  shownUrl: string,
  send: (request: HttpClientRequest.HttpClientRequest, span: Tracer.Span | undefined) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.contextWith((context: Context.Context<R>) => {
    const quiet = Effect.provideService(HttpClient.TracerDisabledWhen, always)
    if (
      Context.get(context, Tracer.DisablePropagation) ||
      Context.get(context, HttpClient.TracerDisabledWhen)(request)
    ) {
      return quiet(send(request, undefined))
    }
    const { method } = request
    const attributes = { "http.request.method": method, "url.full": shownUrl }
    // The span keeps what its effect ends with: not the answer.
    let answer: A
    return Effect.map(
      Effect.useSpan(method, { kind: "client", attributes }, (span) => {
        const propagating = Context.get(context, HttpClient.TracerPropagationEnabled)
          ? HttpClientRequest.setHeaders(request, HttpTraceContext.toHeaders(span))
          : request
        return Effect.map(
          Effect.withParentSpan(send(propagating, span), span, { captureStackTrace: false }),
          (given) => {
            answer = given
          }
        )
      }),
      () => answer
    ).pipe(quiet)
  })

/** The response of a client that fails on some statuses; other errors by their cause, the request or the network. */
const responseOf = (
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
      return Effect.fail(fail(transport(error)))
  }
}

const transport = (error: HttpClientError.HttpClientError): Reason => {
  // Without the client's own error, which holds the whole request.
  const cause = "cause" in error.reason ? error.reason.cause : undefined
  return cause instanceof AuthorizationError
    ? { _tag: "Authorization", step: cause.step, cause: cause.cause }
    : { _tag: "Transport", code: networkCode(cause), cause: Redacted.make(cause) }
}

const networkCode = (cause: unknown): string | undefined => {
  let code: string | undefined
  for (let at = cause, depth = 0; at !== undefined && depth < 5; depth++) {
    if (hasProperty(at, "code") && typeof at.code === "string") code = at.code
    at = hasProperty(at, "cause") ? at.cause : undefined
  }
  return code
}
