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
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import * as Look from "effect-poll/Look"
import type { StatusSchema } from "effect-poll/StatusSchema"
import type { HttpCheckError } from "./HttpCheckError.ts"
import { decodeWith, exchange, failure, isOk, notJsonReason, statusReason, withBody } from "./internal/exchange.ts"

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

const nonEmpty = (option: string, url: string): string => {
  if (url.trim() === "") {
    throw new RangeError(`${option} must be a non-empty string, got ${JSON.stringify(url)}`)
  }
  return url
}
