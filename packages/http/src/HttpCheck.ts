/**
 * Makes a check of an HTTP request and a status Schema.
 *
 * **Details**
 *
 * | answer | what the check is |
 * |---|---|
 * | 2xx with JSON that the Schema takes | the status, or the word that nobody listed |
 * | 2xx with JSON that the Schema rejects | a permanent `HttpCheckError` |
 * | 2xx without JSON (empty, a page) | a transient `HttpCheckError` |
 * | 304 of a check with the option `conditional` | what the check before it found |
 * | 404 | `CheckResult.missing` |
 * | 408, 425, 429, 5xx, no answer at all | a transient `HttpCheckError` |
 * | any other 4xx | a permanent `HttpCheckError` |
 *
 * The option `interpret` is asked before this table. When the server wishes to be asked again (see `HintReader`) counts
 * on every answer: as the hint of the check, or as the `retryAfter` of the error. Nothing is retried here; that is the
 * business of the wait. An interruption aborts the request. Redirects and cookies are followed as the `HttpClient` does
 * it.
 *
 * Headers that every request needs are best added to the `HttpClient`, with `HttpClient.mapRequest`; tokens that expire
 * with `Authorization.client`.
 *
 * A request has one span, named by its method, with `http.request.method`, `http.response.status_code` and `url.full`:
 * the URL without query, user and password, or `shownUrl`. Headers are in no span, error or log. The span of the client
 * itself is turned off, which shows the whole URL.
 *
 * Not every check is a request: any Effect that yields a `Check` is one.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import * as CheckResult from "effect-poll/CheckResult"
import type { StatusSchema } from "effect-poll/StatusSchema"
import { type Decode, decode as decodeBody, type Interpret } from "./Interpretation.ts"
import type * as Conditional from "./Conditional.ts"
import * as HintReader from "./HintReader.ts"
import type { HttpCheckError } from "./HttpCheckError.ts"
import * as conditionalStore from "./internal/conditionalStore.ts"
import {
  decodeWith,
  execute,
  failFor,
  isOk,
  notJsonReason,
  type ReceivedAnswer,
  statusReason,
  withBody
} from "./internal/httpRequest.ts"
import { eitherHint, interpretAnswer, readWith } from "./internal/interpretation.ts"
import * as requestPolicy from "./internal/requestPolicy.ts"
import * as validate from "./internal/validate.ts"
import type { RequestOptions } from "./RequestOptions.ts"

/**
 * The options of a check.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<out A = never, out F = never, out E = never, out R = never> extends RequestOptions {
  /** Says what an answer means, by status code and body together; see `Interpretation`. Default: the table above. */
  readonly interpret?: Interpret<A, F, E, R> | undefined
  /**
   * Reads from an answer when the server wishes to be asked again. Where it says nothing, or nothing that can be read,
   * the headers count that `HintReader` lists.
   */
  readonly hint?: HintReader.HintReader | undefined
  /**
   * Tells which run of the job the answer speaks of, where one key is used for many runs (see the option `since` of a
   * wait). Default: it does not say.
   */
  readonly run?: ((body: unknown) => CheckResult.Run | undefined) | undefined
  /** Asks only for what has changed; see `Conditional`. Default: asks for all. */
  readonly conditional?: Conditional.Conditional | undefined
}

/**
 * The options of a JSON request.
 *
 * @category models
 * @since 0.1.0
 */
export interface SendOptions<out E = never> extends RequestOptions {
  /** Sent as JSON; default: the body that the request has. */
  readonly body?: unknown
  /**
   * Makes a typed error of an answer outside of 200..299, or says undefined. `body` is the parsed JSON, or undefined if
   * it is none.
   */
  readonly refuse?: ((status: number, body: unknown) => E | undefined) | undefined
}

/**
 * Creates a check from a GET request to a URL.
 *
 * **Details**
 *
 * An empty URL is a RangeError at the call. The answer is asked for as JSON.
 *
 * **Example** (Checking at a task)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as HttpClient from "effect/http/HttpClient"
 * import * as HttpClientResponse from "effect/http/HttpClientResponse"
 * import * as Schema from "effect/Schema"
 * import * as CheckResult from "effect-poll/CheckResult"
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
 * const check = await Effect.runPromise(
 *   HttpCheck.get("https://api.example.com/tasks/1", TaskStatus).pipe(
 *     Effect.provideService(HttpClient.HttpClient, client)
 *   )
 * )
 * CheckResult.unannotated(check)._tag // => "Succeeded"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const get = <A, F = never, RD = never, A2 = never, F2 = never, E2 = never, R2 = never>(
  url: string,
  schema: StatusSchema<A, F, RD>,
  options?: Options<A2, F2, E2, R2>
): Effect.Effect<CheckResult.CheckResult<A | A2, F | F2>, HttpCheckError | E2, HttpClient.HttpClient | RD | R2> =>
  check(HttpClientRequest.get(validate.nonEmpty("HttpCheck.get: url", url)), schema, options)

/**
 * Creates a check from a request, or from an Effect that makes one.
 *
 * **Details**
 *
 * An Effect is run for each check, so that each request can be another one: a POST with a nonce or a signature. What it
 * fails with is the error of the check.
 *
 * A request without a URL is a RangeError at the call; one that an Effect made is a permanent `HttpCheckError`. The
 * answer is asked for as JSON, unless the request has an `accept` header of its own.
 *
 * **Example** (A POST with a nonce, to a server with codes of its own)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as HttpClient from "effect/http/HttpClient"
 * import * as HttpClientRequest from "effect/http/HttpClientRequest"
 * import * as HttpClientResponse from "effect/http/HttpClientResponse"
 * import * as Random from "effect/Random"
 * import * as Schema from "effect/Schema"
 * import * as CheckResult from "effect-poll/CheckResult"
 * import * as Status from "effect-poll/Status"
 * import * as StatusSchema from "effect-poll/StatusSchema"
 * import * as Interpretation from "@effect-poll/http/Interpretation"
 * import * as HttpCheck from "@effect-poll/http/HttpCheck"
 *
 * const TaskStatus = StatusSchema.fromField(Schema.Struct({ state: Schema.Literals(["done"]) }), "state", {
 *   done: Status.succeeded("well")
 * })
 * const check = HttpCheck.make(
 *   Effect.map(Random.nextInt, (nonce) =>
 *     HttpClientRequest.post("https://api.example.com/check").pipe(HttpClientRequest.bodyJsonUnsafe({ id: "1", nonce }))
 *   ),
 *   TaskStatus,
 *   { interpret: Interpretation.rules([{ status: 470 }, Status.pending()]) }
 * )
 * // A server that calls a job that runs 470.
 * const server = HttpClient.make((request) =>
 *   Effect.succeed(HttpClientResponse.fromWeb(request, new Response("busy", { status: 470 })))
 * )
 * const found = await Effect.runPromise(Effect.provideService(check, HttpClient.HttpClient, server))
 * CheckResult.unannotated(found)._tag // => "Pending"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <A, F = never, RD = never, A2 = never, F2 = never, E2 = never, R2 = never, E = never, R = never>(
  request: HttpClientRequest.HttpClientRequest | Effect.Effect<HttpClientRequest.HttpClientRequest, E, R>,
  schema: StatusSchema<A, F, RD>,
  options?: Options<A2, F2, E2, R2>
): Effect.Effect<
  CheckResult.CheckResult<A | A2, F | F2>,
  HttpCheckError | E | E2,
  HttpClient.HttpClient | RD | R | R2
> => {
  if (Effect.isEffect(request)) return Effect.flatMap(request, (made) => check(made, schema, options))
  validate.nonEmpty("HttpCheck.make: request.url", request.url)
  return check(request, schema, options)
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
export const send = <A, RD = never, E = never>(
  request: HttpClientRequest.HttpClientRequest,
  schema: Schema.Codec<A, unknown, RD>,
  options?: SendOptions<E>
): Effect.Effect<A, HttpCheckError | E, HttpClient.HttpClient | RD> => {
  validate.nonEmpty("HttpCheck.send: request.url", request.url)
  const decode = Schema.decodeUnknownEffect(schema)
  const fail = failFor(request, options?.shownUrl)
  const policy = requestPolicy.make("HttpCheck.send", options)
  return Effect.gen(function* () {
    const answer = yield* execute(yield* withBody(request, options?.body, fail), fail, { policy })
    if (!isOk(answer)) {
      return yield* Effect.fail(options?.refuse?.(answer.status, answer.body) ?? fail(statusReason(answer)))
    }
    if (answer.content.kind === "other") return yield* fail(notJsonReason(answer))
    return yield* decodeWith(decode, answer, fail)
  })
}

// ---- internal ----

const check = <A, F, RD, A2, F2, E2, R2>(
  request: HttpClientRequest.HttpClientRequest,
  schema: StatusSchema<A, F, RD>,
  options: Options<A2, F2, E2, R2> | undefined
): Effect.Effect<CheckResult.CheckResult<A | A2, F | F2>, HttpCheckError | E2, HttpClient.HttpClient | RD | R2> => {
  type Found = CheckResult.CheckResult<A | A2, F | F2>
  const decode = Schema.decodeUnknownEffect(schema)
  const { interpret, conditional, hint: hintOf, run: runOf, shownUrl } = options ?? {}
  const fail = failFor(request, shownUrl)
  const policy = requestPolicy.make("HttpCheck", options)
  const store = conditional === undefined ? undefined : conditionalStore.storeOf(conditional)
  return Effect.gen(function* () {
    const known = store?.recall(request, schema)
    const received = yield* execute(
      known === undefined ? request : conditionalStore.conditionally(request, known),
      fail,
      { policy, fresh: true }
    )
    const hinted = hintOf === undefined ? undefined : yield* readWith("hint", () => hintOf(received), fail)
    const hint = eitherHint(HintReader.fromInput(hinted), received.hint)
    const answer = hint === received.hint ? received : { ...received, hint }
    const said = interpret === undefined ? undefined : yield* interpretAnswer(interpret, answer, fail)
    const verdict = said ?? standard(answer, known)
    switch (verdict._tag) {
      case "Decode": {
        if (answer.content.kind !== "json") return yield* fail(notJsonReason(answer))
        const found: Found = yield* decodeWith(decode, answer, fail)
        const run = runOf === undefined ? undefined : yield* readWith("run", () => runOf(answer.body), fail)
        store?.keep(request, answer.headers, { schema, found, run })
        return annotated(found, hint, run)
      }
      case "Unchanged":
        store?.keep(request, answer.headers, known!)
        // The Schema is the same one, so what it found then has its types.
        return annotated(known!.found as Found, hint, known!.run)
      case "Error":
        return yield* fail(statusReason(answer))
      default:
        store?.forget(request)
        return said === undefined ? annotated<A | A2, F | F2>(verdict, hint, undefined) : verdict
    }
  })
}

/** The default table. */
const standard = (
  answer: ReceivedAnswer,
  known: conditionalStore.Entry | undefined
): CheckResult.Missing | Decode | { readonly _tag: "Unchanged" | "Error" } => {
  if (answer.status === 404) return CheckResult.missing
  if (isOk(answer)) return decodeBody
  return answer.status === 304 && known !== undefined ? { _tag: "Unchanged" } : { _tag: "Error" }
}

const annotated = <A, F>(
  found: CheckResult.CheckResult<A, F>,
  hint: CheckResult.Hint | undefined,
  run: CheckResult.Run | undefined
): CheckResult.CheckResult<A, F> => {
  const hinted = hint === undefined ? found : CheckResult.withHint(found, hint)
  return run === undefined ? hinted : CheckResult.withRun(hinted, run)
}
