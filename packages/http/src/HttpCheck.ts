/**
 * Makes checks from HTTP requests and status Schemas.
 *
 * **Details**
 *
 * The option `interpret` reads an answer first (see `Interpretation`). If it returns `undefined`, this table decides:
 *
 * | answer | what the check finds |
 * |---|---|
 * | 2xx with a body that matches the Schema | the status, or an unknown state |
 * | 202 with a state word that the Schema knows | that status |
 * | any other 202; 204 | pending; the state is the unknown word of the 202, `HTTP 202` or `HTTP 204` |
 * | 303, followed | the body at the new URL: with the option `result` the result, otherwise a status |
 * | 304 to a check with the option `conditional` | the result of the previous check |
 * | 404, 410 | `CheckResult.missing`; a 404 with an HTML page: `CheckResult.missingAfter(3)` |
 * | 429; 503 with a hint or a throttling code | a throttled `HttpCheckError` |
 * | 403 or 400 with rate-limit headers or a throttling code | a throttled `HttpCheckError` |
 * | 408, 425, other 5xx, no answer | a transient `HttpCheckError` |
 * | 2xx without JSON (empty, an HTML page) | a transient `HttpCheckError` |
 * | any other 4xx; 2xx with JSON that the Schema rejects | a permanent `HttpCheckError` |
 *
 * - A 202 says that the job has not ended. Only a known state word in its body overrides that. A status without a state
 *   (`StatusSchema.succeeded`, a `Status` without one from `StatusSchema.fromPayload`) is pending in a 202.
 * - Rate-limit headers are `Retry-After` and those of an exhausted rate limit (see `HintReader`). A throttling code is
 *   a whole value in the JSON (`ThrottlingException`, `rateLimitExceeded`, `TooManyRequests`, ...), the text of a
 *   `<Code>` in XML, or the header `x-amzn-errortype`. A message that contains such a word does not count. A 401 is
 *   never throttled.
 * - A client that follows redirects by itself (a browser) does not show a 303. Then, with the option `result` and a
 *   final URL other than the requested one, a body that matches the status Schema is a status, and any other is the
 *   result.
 *
 * Every answer may request a delay (see `HintReader`): it is the hint of the check, or the `retryAfter` of the error. A
 * check sends one request, follows its redirects and retries nothing: retries belong to the wait. An interruption
 * aborts the request. Checks bypass caches. `RequestOptions` limits the URLs that are followed and the size of bodies.
 *
 * Add headers that every request needs to the `HttpClient`, with `HttpClient.mapRequest`. For tokens that expire, use
 * `Authorization.client`.
 *
 * If a tracer is set, a request and its redirects have one span, named by the method, with the attributes
 * `http.request.method`, `http.response.status_code` and `url.full`: the URL without query, fragment, user and
 * password, or `shownUrl`. Headers are in no span, error or log. The span of the client, which shows the whole URL, is
 * turned off.
 *
 * A check need not be a request: any Effect that yields a `CheckResult` is a check.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as Types from "effect/Types"
import type { CheckContext } from "effect-poll/CheckContext"
import type * as CheckResult from "effect-poll/CheckResult"
import type { CheckManyAnswer } from "effect-poll/Job"
import type { StatusSchema } from "effect-poll/StatusSchema"
import type { HttpCheckError } from "./HttpCheckError.ts"
import type {
  AttachOption,
  ListKeys,
  ListOptions,
  ListRequest,
  Options,
  Request,
  SendOptions,
  Sent
} from "./HttpCheckOptions.ts"
import * as conditionalStore from "./internal/answer/conditionalStore.ts"
import { execute, failFor } from "./internal/request/httpRequest.ts"
import * as listing from "./internal/answer/listReading.ts"
import * as reading from "./internal/answer/checkReading.ts"
import * as requestPolicy from "./internal/request/requestPolicy.ts"
import * as sending from "./internal/answer/sending.ts"
import * as validate from "./internal/validate.ts"

export type {
  AnswerOptions,
  AttachOption,
  ListKeys,
  ListOptions,
  ListRequest,
  Options,
  Request,
  SendOptions,
  Sent
} from "./HttpCheckOptions.ts"

/**
 * The Schema of a result that is read as a stream, with the option `as: "stream"`. The stream fails with an
 * `HttpCheckError` if the body breaks off or is larger than `maxBody`.
 *
 * **Gotchas**
 *
 * The connection stays open until the stream has been read to its end or its fiber has ended. Always read such a
 * result: otherwise the connection stays open until the stream is garbage-collected.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ByteStream: Schema.Codec<
  Stream.Stream<Uint8Array, HttpCheckError>,
  unknown
> = /*#__PURE__*/ Schema.declare((u: unknown): u is Stream.Stream<Uint8Array, HttpCheckError> => Stream.isStream(u), {
  title: "ByteStream"
}) as Schema.Codec<Stream.Stream<Uint8Array, HttpCheckError>, unknown>

/**
 * Creates a check from a GET request to a URL.
 *
 * **Details**
 *
 * An empty URL is a RangeError at the call. The request accepts JSON, unless `as` names another form.
 *
 * **Example** (Checking a task)
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
): Effect.Effect<
  CheckResult.CheckResult<A | Types.NoInfer<A2>, F | Types.NoInfer<F2>>,
  HttpCheckError | Types.NoInfer<E2>,
  HttpClient.HttpClient | Types.NoInfer<RD | R2>
> =>
  checker(
    "HttpCheck.get",
    schema,
    options
  )(HttpClientRequest.get(validate.nonEmpty("HttpCheck.get: url", url)), options?.context)

/**
 * Creates a check from a request, or from an Effect that makes one.
 *
 * **Details**
 *
 * An Effect runs for each check, so that each request can differ: a POST with a nonce or a signature. Its error is the
 * error of the check.
 *
 * A request without a URL is a RangeError at the call. If an Effect makes such a request, the check fails with a
 * permanent `HttpCheckError`. The request accepts JSON, unless `as` names another form or it has an `accept` header of
 * its own.
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
 * // A server that answers 470 while a job runs.
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
  request: Request<E, R>,
  schema: StatusSchema<A, F, RD>,
  options?: Options<A2, F2, E2, R2>
): Effect.Effect<
  CheckResult.CheckResult<A | Types.NoInfer<A2>, F | Types.NoInfer<F2>>,
  HttpCheckError | Types.NoInfer<E | E2>,
  HttpClient.HttpClient | Types.NoInfer<RD | R | R2>
> => {
  const check = checker("HttpCheck.make", schema, options)
  if (Effect.isEffect(request)) return Effect.flatMap(request, (made) => check(made, options?.context))
  validate.nonEmpty("HttpCheck.make: request.url", request.url)
  return check(request, options?.context)
}

/**
 * Creates the `check` of a `Job` from a function of the key and the context of the check.
 *
 * **Details**
 *
 * The function returns a URL for a GET request, a request, or an Effect that makes one. Options and Schema are prepared
 * once, so this costs less per check than `get`.
 *
 * **Example** (A job in three lines)
 *
 * ```ts
 * import * as Schema from "effect/Schema"
 * import * as Job from "effect-poll/Job"
 * import * as Status from "effect-poll/Status"
 * import * as StatusSchema from "effect-poll/StatusSchema"
 * import * as HttpCheck from "@effect-poll/http/HttpCheck"
 *
 * const TaskStatus = StatusSchema.fromField(Schema.Struct({ state: Schema.Literals(["busy", "done"]) }), "state", {
 *   busy: Status.pending(),
 *   done: Status.succeeded("well")
 * })
 * const Tasks = Job.make("task", {
 *   check: HttpCheck.check((id: string) => `https://api.example.com/tasks/${id}`, TaskStatus)
 * })
 * Tasks.name // => "task"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const check = <
  K,
  A,
  F = never,
  RD = never,
  A2 = never,
  F2 = never,
  E2 = never,
  R2 = never,
  E = never,
  R = never
>(
  request: (key: K, context: CheckContext) => string | Request<E, R>,
  schema: StatusSchema<A, F, RD>,
  options?: Omit<Options<A2, F2, E2, R2>, "context">
): ((
  key: K,
  context: CheckContext
) => Effect.Effect<
  CheckResult.CheckResult<A | Types.NoInfer<A2>, F | Types.NoInfer<F2>>,
  HttpCheckError | Types.NoInfer<E | E2>,
  HttpClient.HttpClient | Types.NoInfer<RD | R | R2>
>) => {
  const ask = checker("HttpCheck.check", schema, options)
  return (key, context) => {
    const made = request(key, context)
    if (Effect.isEffect(made)) return Effect.flatMap(made, (each) => ask(each, context))
    return ask(typeof made === "string" ? HttpClientRequest.get(made) : made, context)
  }
}

/**
 * Sends a request once and decodes its answer: for submits, cancels and signals.
 *
 * **Details**
 *
 * - An answer outside of 200..299 is an `HttpCheckError`, unless the option `interpret` says otherwise. Its kind is
 *   that of a check: `Throttled` for a 429, for example.
 * - An empty body of a 2xx answer is decoded as undefined, which `Schema.Unknown` accepts, for example.
 * - The request is never repeated: the server may have accepted a submit that failed.
 * - If the server refuses to start a job because it is already running, the option `attach` finds that job in the answer.
 *
 * **Example** (A submit with a requested delay before the first check)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as HttpClient from "effect/http/HttpClient"
 * import * as HttpClientRequest from "effect/http/HttpClientRequest"
 * import * as HttpClientResponse from "effect/http/HttpClientResponse"
 * import * as Schema from "effect/Schema"
 * import * as HttpCheck from "@effect-poll/http/HttpCheck"
 *
 * const submit = (input: unknown) =>
 *   HttpCheck.send(HttpClientRequest.post("https://api.example.com/tasks"), Schema.Struct({ id: Schema.String }), {
 *     body: input
 *   }).pipe(Effect.map(({ hint, value }) => ({ key: value.id, hint })))
 *
 * const server = HttpClient.make((request) =>
 *   Effect.succeed(HttpClientResponse.fromWeb(request, Response.json({ id: "7" }, { headers: { "retry-after": "5" } })))
 * )
 * const receipt = await Effect.runPromise(Effect.provideService(submit({}), HttpClient.HttpClient, server))
 * receipt.key // => "7"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const send = <A, RD = never, E = never, R = never>(
  request: HttpClientRequest.HttpClientRequest,
  schema: Schema.Codec<A, unknown, RD>,
  options?: SendOptions<E, R> & AttachOption<Types.NoInfer<A>>
): Effect.Effect<Sent<A>, HttpCheckError | Types.NoInfer<E>, HttpClient.HttpClient | Types.NoInfer<RD | R>> => {
  validate.nonEmpty("HttpCheck.send: request.url", request.url)
  return sending.send(request, schema, requestPolicy.make("HttpCheck.send", options), options ?? {})
}

/**
 * Creates the `check` of a `checkMany`: one request for a list that has the status of many jobs.
 *
 * **Details**
 *
 * - `request` is a request, an Effect that makes one, or a function of the keys and their contexts that returns one of
 *   these or a URL for a GET request.
 * - An item whose status cannot be decoded is a check error of its own job, and an unlisted state an unknown state of
 *   its own job. Other jobs are not affected.
 * - A job without an item has no entry and is checked alone, and so is one with two items that differ. Items of other
 *   jobs are ignored.
 * - The delay that the server requests counts for all keys.
 * - An answer without items (an error object with 200, a status code outside of 200..299) is a check error of all jobs
 *   of the request, of the kind that it has in a check. A 404 or 410 to a list is permanent, and a 404 with an HTML
 *   page transient: they do not show that a job is missing.
 * - Keys are strings and equal the ids of the list, unless the option `keys` maps them.
 *
 * **Example** (A hundred tasks by one request)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as HttpClient from "effect/http/HttpClient"
 * import * as HttpClientResponse from "effect/http/HttpClientResponse"
 * import * as Schema from "effect/Schema"
 * import * as Status from "effect-poll/Status"
 * import * as StatusSchema from "effect-poll/StatusSchema"
 * import * as HttpCheck from "@effect-poll/http/HttpCheck"
 *
 * const TaskStatus = StatusSchema.fromField(Schema.Struct({ state: Schema.Literals(["busy", "done"]) }), "state", {
 *   busy: Status.pending(),
 *   done: Status.succeeded("well")
 * })
 * const checkMany = HttpCheck.list((ids) => `https://api.example.com/tasks?ids=${ids.join(",")}`, {
 *   items: "tasks",
 *   key: "id",
 *   status: TaskStatus
 * })
 * const server = HttpClient.make((request) =>
 *   Effect.succeed(HttpClientResponse.fromWeb(request, Response.json({ tasks: [{ id: 1, state: "busy" }] })))
 * )
 * const answer = await Effect.runPromise(
 *   Effect.provideService(checkMany(["1", "2"], new Map()), HttpClient.HttpClient, server)
 * )
 * Array.from(answer.results.keys()) // => ["1"]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const list: {
  /** Creates the `check` of a `checkMany` of a job whose keys are strings and equal the ids of the list. */
  <A, F = never, RD = never, A2 = never, F2 = never, E2 = never, R2 = never, E = never, R = never>(
    request: ListRequest<string, E, R>,
    options: ListOptions<string, A, F, RD, A2, F2, E2, R2>
  ): (
    keys: ReadonlyArray<string>,
    contexts: ReadonlyMap<string, CheckContext>
  ) => Effect.Effect<
    CheckManyAnswer<A | Types.NoInfer<A2>, F | Types.NoInfer<F2>, HttpCheckError>,
    HttpCheckError | Types.NoInfer<E | E2>,
    HttpClient.HttpClient | Types.NoInfer<RD | R | R2>
  >
  /** Creates the `check` of a `checkMany` of a job whose keys have a codec; `keys` maps them to the ids of the list. */
  <K, A, F = never, RD = never, A2 = never, F2 = never, E2 = never, R2 = never, E = never, R = never>(
    request: ListRequest<K, E, R>,
    options: ListOptions<K, A, F, RD, A2, F2, E2, R2> & { readonly keys: ListKeys<K> }
  ): (
    keys: ReadonlyArray<K>,
    contexts: ReadonlyMap<string, CheckContext>
  ) => Effect.Effect<
    CheckManyAnswer<A | Types.NoInfer<A2>, F | Types.NoInfer<F2>, HttpCheckError>,
    HttpCheckError | Types.NoInfer<E | E2>,
    HttpClient.HttpClient | Types.NoInfer<RD | R | R2>
  >
} = <K, A, F, RD, A2, F2, E2, R2, E, R>(
  request: ListRequest<K, E, R>,
  options: ListOptions<K, A, F, RD, A2, F2, E2, R2> & { readonly keys?: ListKeys<K> | undefined }
) => listing.make(request, options, requestPolicy.make("HttpCheck.list", options))

// ---- internal ----

/** Makes a function that checks once. Options and Schema are prepared here. */
const checker = <A, F, RD, A2, F2, E2, R2>(
  name: string,
  schema: StatusSchema<A, F, RD>,
  options: Omit<Options<A2, F2, E2, R2>, "context"> = {}
) => {
  const self = reading.make<A | A2, F | F2, E2, RD | R2>(schema, options)
  const policy = requestPolicy.make(name, options)
  const execution = { policy, as: options.as, fresh: true }
  const store = options.conditional === undefined ? undefined : conditionalStore.storeOf(options.conditional)
  return (
    request: HttpClientRequest.HttpClientRequest,
    context: CheckContext | undefined
  ): Effect.Effect<CheckResult.CheckResult<A | A2, F | F2>, HttpCheckError | E2, HttpClient.HttpClient | RD | R2> => {
    const fail = failFor(request, policy.shownUrl)
    if (store === undefined) {
      const asked: reading.Asked = { request, fail, context, store, known: undefined }
      return Effect.flatMap(execute(request, fail, execution), (answer) => reading.read(self, answer, asked))
    }
    return Effect.suspend(() => {
      const known = store.recall(request, schema)
      const sent = known === undefined ? request : conditionalStore.conditionally(request, known)
      const asked: reading.Asked = { request, fail, context, store, known }
      return Effect.flatMap(execute(sent, fail, execution), (answer) => reading.read(self, answer, asked))
    })
  }
}
