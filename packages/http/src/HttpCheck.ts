/**
 * Makes a look of an HTTP request and a status Schema.
 *
 * **Details**
 *
 * | answer | what the look is |
 * |---|---|
 * | 2xx with JSON that the Schema takes | the status, or the word that nobody listed |
 * | 2xx with JSON that the Schema rejects | a permanent `HttpCheckError` |
 * | 2xx without JSON (empty, a page) | a transient `HttpCheckError` |
 * | 404, or what `isMissing` says | `Look.missing` |
 * | 408, 425, 429, 5xx, no answer at all | a transient `HttpCheckError` |
 * | any other 4xx | a permanent `HttpCheckError` |
 *
 * A `Retry-After` header, in seconds or as a date, counts on every one of them: as the hint of the look, or as the
 * `retryAfter` of the error. Nothing is retried here; that is the business of the wait. Headers that every request needs
 * (authorization) are best added to the `HttpClient`, with `HttpClient.mapRequest`.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Look from "effect-poll/Look"
import type { StatusSchema } from "effect-poll/StatusSchema"
import { type BodyKind, HttpCheckError, type Reason, safeUrl } from "./HttpCheckError.ts"

/**
 * The options of a look.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * Tells the answers which say that there is no such job. `body` is the parsed JSON, or undefined if it is none.
   * Default: those with the status 404.
   */
  readonly isMissing?: ((status: number, body: unknown) => boolean) | undefined
  /**
   * Tells which run of the job the answer speaks of, where one key is used for many runs (see the option `since` of a
   * wait). Default: it does not say.
   */
  readonly run?: ((body: unknown) => Look.Run | undefined) | undefined
}

/**
 * The options of a JSON request.
 *
 * @category models
 * @since 0.1.0
 */
export interface JsonOptions<out E = never> {
  /** Sent as JSON; default: the body that the request has. */
  readonly body?: unknown
  /**
   * Makes a typed error of an answer outside of 200..299, or says undefined. `body` is the parsed JSON, or undefined if
   * it is none.
   */
  readonly refuse?: ((status: number, body: unknown) => E | undefined) | undefined
  /**
   * Stands in errors in place of the URL, for one that holds a secret in its path. The request is then not traced
   * either. Default: the URL without query, user and password.
   */
  readonly shownUrl?: string | undefined
}

/**
 * Creates a look from a GET request to a URL.
 *
 * **Details**
 *
 * An empty URL is a RangeError at the call. The answer is asked for as JSON.
 *
 * **Example** (Looking at a task)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as HttpClient from "effect/http/HttpClient"
 * import * as HttpClientResponse from "effect/http/HttpClientResponse"
 * import * as Schema from "effect/Schema"
 * import * as Look from "effect-poll/Look"
 * import * as Status from "effect-poll/Status"
 * import * as StatusSchema from "effect-poll/StatusSchema"
 * import * as HttpCheck from "@effect-poll/http/HttpCheck"
 *
 * const TaskStatus = StatusSchema.fromField(Schema.Struct({ state: Schema.Literals(["busy", "done"]) }), "state", {
 *   busy: Status.pending(),
 *   done: Status.succeeded("well")
 * })
 * // A client that needs no network.
 * const client = HttpClient.make((request) =>
 *   Effect.succeed(HttpClientResponse.fromWeb(request, new Response('{ "state": "done" }')))
 * )
 * const look = await Effect.runPromise(
 *   HttpCheck.get("https://api.example.com/tasks/1", TaskStatus).pipe(
 *     Effect.provideService(HttpClient.HttpClient, client)
 *   )
 * )
 * Look.finding(look)._tag // => "Succeeded"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const get = <A, F = never, RD = never>(
  url: string,
  schema: StatusSchema<A, F, RD>,
  options?: Options
): Effect.Effect<Look.Look<A, F>, HttpCheckError, HttpClient.HttpClient | RD> =>
  look(HttpClientRequest.get(nonEmpty("HttpCheck.get: url", url)), schema, options)

/**
 * Creates a look from a request.
 *
 * **Details**
 *
 * A request without a URL is a RangeError at the call. The answer is asked for as JSON, unless the request has an
 * `accept` header of its own.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <A, F = never, RD = never>(
  request: HttpClientRequest.HttpClientRequest,
  schema: StatusSchema<A, F, RD>,
  options?: Options
): Effect.Effect<Look.Look<A, F>, HttpCheckError, HttpClient.HttpClient | RD> => {
  nonEmpty("HttpCheck.make: request.url", request.url)
  return look(request, schema, options)
}

/**
 * Sends a request once and decodes its JSON answer: for submits, cancels, signals and lists.
 *
 * **Details**
 *
 * - An answer outside of 200..299 is an `HttpCheckError`, unless the option `refuse` makes a typed error of it.
 * - An empty body of a 2xx answer is decoded as undefined, so that `Schema.Unknown` or an optional answer can take it.
 * - It is never sent again: a submit that failed may still have been accepted.
 *
 * @category constructors
 * @since 0.1.0
 */
export const json = <A, RD = never, E = never>(
  request: HttpClientRequest.HttpClientRequest,
  schema: Schema.Codec<A, unknown, RD>,
  options?: JsonOptions<E>
): Effect.Effect<A, HttpCheckError | E, HttpClient.HttpClient | RD> => {
  nonEmpty("HttpCheck.json: request.url", request.url)
  const decode = Schema.decodeUnknownEffect(schema)
  const fail = failure(request, options?.shownUrl)
  const sent = Effect.gen(function* () {
    const answer = yield* exchange(yield* withBody(request, options?.body, fail), fail)
    if (!isOk(answer)) {
      return yield* Effect.fail(options?.refuse?.(answer.status, answer.json) ?? fail(statusReason(answer)))
    }
    if (answer.body.kind === "other") return yield* fail(notJsonReason(answer))
    return yield* decodeWith(decode, answer, fail)
  })
  return options?.shownUrl === undefined ? sent : Effect.provideService(sent, HttpClient.TracerDisabledWhen, () => true)
}

// ---- internal ----

interface Answer {
  readonly status: number
  /** The parsed JSON; undefined if the body is none. */
  readonly json: unknown
  readonly body: BodyKind
  readonly hint: Duration.Duration | "unreadable" | undefined
}

type Fail = (reason: Reason) => HttpCheckError

const look = <A, F, RD>(
  request: HttpClientRequest.HttpClientRequest,
  schema: StatusSchema<A, F, RD>,
  options: Options | undefined
): Effect.Effect<Look.Look<A, F>, HttpCheckError, HttpClient.HttpClient | RD> => {
  const decode = Schema.decodeUnknownEffect(schema)
  const isMissing = options?.isMissing ?? is404
  const fail = failure(request, undefined)
  return Effect.gen(function* () {
    const answer = yield* exchange(request, fail)
    const { hint } = answer
    if (isMissing(answer.status, answer.json))
      return hint === undefined ? Look.missing : Look.withHint(Look.missing, hint)
    if (!isOk(answer)) return yield* fail(statusReason(answer))
    if (answer.body.kind !== "json") return yield* fail(notJsonReason(answer))
    const found = yield* decodeWith(decode, answer, fail)
    const run = options?.run?.(answer.json)
    return hint === undefined && run === undefined ? found : Look.make(found, { hint, run })
  })
}

const is404 = (status: number): boolean => status === 404

const isOk = (answer: Answer): boolean => answer.status >= 200 && answer.status <= 299

const statusReason = ({ body, hint, status }: Answer): Reason => ({ _tag: "Status", status, body, retryAfter: hint })

const notJsonReason = ({ body, hint, status }: Answer): Reason => ({ _tag: "NotJson", status, body, retryAfter: hint })

const failure =
  (request: HttpClientRequest.HttpClientRequest, shownUrl: string | undefined): Fail =>
  (reason) =>
    new HttpCheckError({ method: request.method, url: shownUrl ?? safeUrl(request.url), reason })

const decodeWith = <A, RD>(
  decode: (body: unknown) => Effect.Effect<A, Schema.SchemaError, RD>,
  answer: Answer,
  fail: Fail
): Effect.Effect<A, HttpCheckError, RD> =>
  Effect.mapError(decode(answer.json), (error) => fail({ _tag: "Decode", status: answer.status, issue: error.message }))

const withBody = (
  request: HttpClientRequest.HttpClientRequest,
  body: unknown,
  fail: Fail
): Effect.Effect<HttpClientRequest.HttpClientRequest, HttpCheckError> =>
  body === undefined
    ? Effect.succeed(request)
    : Effect.mapError(HttpClientRequest.bodyJson(request, body), () => fail({ _tag: "InvalidRequest", part: "body" }))

const exchange = Effect.fnUntraced(function* (request: HttpClientRequest.HttpClientRequest, fail: Fail) {
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
    json: Result.getOrUndefined(parsed),
    body: { kind: Result.isSuccess(parsed) ? "json" : text.trim() === "" ? "empty" : "other", type },
    hint: header === undefined ? undefined : yield* hintOf(header)
  }
  return answer
})

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

const nonEmpty = (option: string, url: string): string => {
  if (url.trim() === "") {
    throw new RangeError(`${option} must be a non-empty string, got ${JSON.stringify(url)}`)
  }
  return url
}
