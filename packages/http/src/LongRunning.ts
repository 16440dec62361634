/**
 * Long-running operations over HTTP: requests that a server accepts now and finishes later.
 *
 * `run` sends the request, recognizes how the server reports the operation, waits for it, fetches the result and
 * decodes it. `job` creates a `Job` of such operations, for every entry point of `Poll`. The key of the job is the
 * operation, which can be stored and resumed in another process.
 *
 * **Details**
 *
 * | answer to the first request | what follows |
 * |---|---|
 * | a protocol recognizes it (see `LongRunningProtocol`) | as the protocol says |
 * | 202, or a sign of a running operation, and a URL | the URL is checked |
 * | a state word such as `failed` or `canceled` | the operation failed or was canceled |
 * | an unknown state word | the URL is checked, or the policy `unknownState` decides |
 * | 2xx without a sign, with a body that `result` decodes | the result |
 * | a sign of a running operation, but no URL | `HttpCheckError` with the reason `Unrecognized` |
 *
 * Signs are a state word (`status`, `state`, `phase`, ... at the top, in `properties`, `operation`, `result`, ..., or in
 * the only record of the body), `done: false` and similar fields, a URL that only operations have, and an error: at the top or
 * beside the word (`error`, `errorResult`, `errorMessage`, `success: false`, ...). They count in checks as well. A record
 * that merely resembles an operation is a result if the Schema of the result lists its word.
 *
 * - The first request is sent once, unless the option `resend` is given.
 * - The requested delay (see `HintReader`) of every answer is honored, from the first on.
 * - Checks and the fetch of the result are GET requests to URLs that the server named, unless `check` and `fetchResult`
 *   make others. The rules of `RequestOptions` apply to such URLs, with the origin of the first request as the first
 *   origin. These requests do not have the headers of the first request: add headers that every request needs to the
 *   `HttpClient`.
 * - A 404 or 410 to a check means that the operation is missing; a 404 with an HTML page only after three in a row. A
 *   409, 5xx, a page of a proxy and no answer are check errors, unless `interpret` decides otherwise.
 * - A 204 to a check is the end without a result. If `result` does not accept `undefined`, the operation is pending
 *   instead, except after a DELETE. `azure` follows its own rules.
 * - If the server moves the URL to check, the new URL is the cursor of the wait: all waits of a `Poller` for the
 *   operation follow it, and tokens contain it.
 *
 * **Gotchas**
 *
 * - If the first request fails although the server may have accepted it, `operation` of the error says where the
 *   operation is.
 * - If the first answer ends the operation, no check is made. The key of that receipt cannot be checked and contains no
 *   result.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Types from "effect/Types"
import type { CheckContext } from "effect-poll/CheckContext"
import type { CheckResult } from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import type { KeyCodec } from "effect-poll/KeyCodec"
import type { Observation } from "effect-poll/Observation"
import * as Poll from "effect-poll/Poll"
import type { PollError } from "effect-poll/PollError"
import type { ResumeToken } from "effect-poll/ResumeToken"
import type { SubmitError } from "effect-poll/SubmitError"
import type { HttpAnswer } from "./HttpAnswer.ts"
import type { HintReader } from "./HintReader.ts"
import { type HttpCheckError, safeUrl } from "./HttpCheckError.ts"
import type { Interpret } from "./Interpretation.ts"
import { carried } from "./internal/carried.ts"
import * as operationCheck from "./internal/operation/check.ts"
import type { Environment } from "./internal/operation/environment.ts"
import { checkMany } from "./internal/operation/list.ts"
import { rebaser } from "./internal/operation/rebase.ts"
import { submit } from "./internal/operation/submit.ts"
import * as Prefer from "./internal/operation/prefer.ts"
import * as requestPolicy from "./internal/request/requestPolicy.ts"
import { commonWords, tableOf } from "./internal/operation/stateWords.ts"
import { parseUrl } from "./internal/request/urls.ts"
import * as validate from "./internal/validate.ts"
import { ofRequest, without } from "./internal/without.ts"
import type { LongRunningFailure } from "./LongRunningFailure.ts"
import { key, type LongRunningOperation } from "./LongRunningOperation.ts"
import * as LongRunningProtocol from "./LongRunningProtocol.ts"
import type { RequestOptions } from "./RequestOptions.ts"
import { decoderOf } from "./internal/answer/decoder.ts"

/**
 * The options of `job`.
 *
 * **Details**
 *
 * `A` is the type of the result, `F2` that of the failures which `interpret` yields, `F3` of those which `ending` does,
 * `E2` and `R2` what an `interpret` that is an Effect fails with and needs.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<
  A = unknown,
  RD = never,
  A2 = never,
  F2 = never,
  E2 = never,
  R2 = never,
  F3 = never
> extends RequestOptions {
  /** The Schema of the result. Default: any value, absent included, except a body with an unknown state word. */
  readonly result?: Schema.Codec<A, unknown, RD> | undefined
  /**
   * How the server reports its operations. Of several protocols the first one that recognizes the first answer applies,
   * otherwise the last one. Default: `google()`, `azure()`, `compute()`, `accepted`.
   */
  readonly protocol?: LongRunningProtocol.Protocol | ReadonlyArray<LongRunningProtocol.Protocol> | undefined
  /**
   * What further state words mean, in any case, in answers that no protocol recognizes. Default: words such as queued,
   * running, succeeded, failed and canceled are known; others are unknown states.
   */
  readonly words?: Readonly<Record<string, LongRunningProtocol.Meaning>> | undefined
  /**
   * Decides what an answer means, before the protocol does: an answer to the first request, to a check, or to the fetch
   * of the result. With `Interpretation.decode` the protocol reads an answer whatever its status code. See
   * `Interpretation`. Default: the protocol reads a 2xx, and the table of the module decides about other answers.
   */
  readonly interpret?: Interpret<A2, F2, E2, R2> | undefined
  /**
   * Decides by the decoded result how the operation ended: a result without content may be a failure, for example.
   * `undefined` is a success. Default: every result is a success.
   */
  readonly ending?: ((result: A, answer: HttpAnswer) => CheckResult<NoInfer<A>, F3> | undefined) | undefined
  /**
   * Makes the request of a check, if the server does not expect a GET of `operation.phase.url`: a POST with
   * `operation.notes.name` in its body, for example. `operation` is the current one, and `context.cursor` is the text
   * that the option `cursor` read last. Default: a GET.
   */
  readonly check?: RequestOf | undefined
  /**
   * Makes the request that fetches the result of an operation that succeeded. `undefined` means that the last answer
   * contains the result. Default: a GET of the URL that the protocol names; without one the last answer contains the
   * result.
   */
  readonly fetchResult?: RequestOf | undefined
  /** Reads a text for the next check from each answer; `undefined` keeps the previous text. Default: none is read. */
  readonly cursor?: ((answer: HttpAnswer) => string | undefined) | undefined
  /**
   * Reads the URL to check from an answer, the first one and later ones; a relative one is relative to the URL that
   * answered. It takes precedence over what a protocol finds. Default: headers and the usual fields of bodies.
   */
  readonly checkUrl?: ((answer: HttpAnswer) => string | undefined) | undefined
  /**
   * Rewrites the URLs that the server names, for a proxy that passes on the URLs of an internal host. It is a base URL,
   * whose origin and path replace the origin of such a URL, or a function of the whole URL. Redirects other than 303
   * are not rewritten. Default: no URL is rewritten.
   */
  readonly rebase?: string | ((url: string) => string) | undefined
  /**
   * How often the first request is sent again after a transient error (no answer, 408, 425, 429, 5xx): an integer >= 1,
   * with delays from 1 to 30 seconds, or a `Schedule`. A requested delay of up to 15 minutes is honored. The request
   * must be safe to repeat: a GET, HEAD, PUT or DELETE, or one with the header `Idempotency-Key`; any other is a
   * RangeError when it is submitted. Default: never.
   */
  readonly resend?: number | Schedule.Schedule<unknown, HttpCheckError> | undefined
  /**
   * How long the server is asked to hold back its answer until the status changes (`Prefer: wait` of RFC 7240): a
   * duration of at least 1 second, rounded up to whole seconds. The first request also prefers `respond-async`. The
   * `checkTimeout` of the wait must be longer than this. A server may ignore it; the strategy decides about the next
   * check in any case. Default: not at all.
   */
  readonly wait?: Duration.Input | undefined
  /**
   * Reads the requested delay from an answer. It takes precedence over the headers. Default: the headers that
   * `HintReader` lists.
   */
  readonly hint?: HintReader | undefined
  /**
   * Whether errors show why the server refused a request: `true` for the usual fields of a JSON body, or a function
   * that reads the text from an answer. At most 1,000 characters are kept. The failure of an operation is shown in any
   * case. Default: `false`.
   */
  readonly reason?: boolean | ((answer: HttpAnswer) => string | undefined) | undefined
  /**
   * Makes the request that asks the server to cancel an operation. Any answer of 200..299 is a success. Default: an
   * operation cannot be canceled.
   */
  readonly cancel?: ((operation: LongRunningOperation) => HttpClientRequest.HttpClientRequest) | undefined
  /** Checks many operations with one request, in a `Poller`. Default: each operation is checked by itself. */
  readonly checkMany?: CheckManyOptions | undefined
  /** When to check. Default: see `Poll.Options`. */
  readonly strategy?: Schedule.Schedule<unknown, Observation> | undefined
  /** What to do when a check finds no operation. Default: the wait fails with `JobNotFound`. */
  readonly missing?:
    | Job.MissingPolicy<
        LongRunningOperation,
        A | A2,
        LongRunningFailure | F2 | F3,
        HttpCheckError | E2,
        HttpClient.HttpClient | RD | R2
      >
    | undefined
  /** What to do about an unknown state word. Default: the wait fails with `UnknownState`. */
  readonly unknownState?: Job.UnknownStatePolicy<A | A2, LongRunningFailure | F2 | F3> | undefined
  /** What to do when a check fails, or `"unbounded"`. Default: see `Job.CheckErrorPolicy`. */
  readonly checkErrors?: Job.CheckErrorPolicy<HttpCheckError | E2> | "unbounded" | undefined
}

/**
 * The options of `job`: those of this module, and the options of waits that a job carries (see `Job.Options`).
 *
 * **Details**
 *
 * With `wait`, the default `checkTimeout` is 30 seconds longer than `wait`.
 *
 * @category models
 * @since 0.1.0
 */
export interface JobOptions<A = unknown, RD = never, A2 = never, F2 = never, E2 = never, R2 = never, F3 = never>
  extends
    Options<A, RD, A2, F2, E2, R2, F3>,
    Pick<
      Job.Options<
        LongRunningOperation,
        A | A2,
        LongRunningFailure | F2 | F3,
        HttpCheckError | E2,
        HttpClient.HttpClient | RD | R2
      >,
      "checkTimeout" | "stall" | "confirm" | "stateLimits" | "minInterval" | "onAction"
    > {}

/**
 * Makes a request about the current operation; `undefined` selects the default.
 *
 * @category models
 * @since 0.1.0
 */
export interface RequestOf {
  (operation: LongRunningOperation, context: CheckContext): HttpClientRequest.HttpClientRequest | undefined
}

/**
 * How to check many operations with one request. Each item of the list is read as the answer to a check.
 *
 * @category models
 * @since 0.1.0
 */
export interface CheckManyOptions {
  /** Makes the request for the list. */
  readonly request: (operations: ReadonlyArray<LongRunningOperation>) => HttpClientRequest.HttpClientRequest
  /** Returns the items of the list. */
  readonly items: (answer: HttpAnswer) => ReadonlyArray<unknown>
  /**
   * Returns the id of an item; an item with `undefined` is skipped. An operation without an item is checked by itself.
   */
  readonly id: (item: unknown) => string | undefined
  /** Returns the id of an operation, such as `operation.notes.name`. */
  readonly idOf: (operation: LongRunningOperation) => string | undefined
  /** The maximum number of operations in one list; an integer >= 1. */
  readonly max: number
  /** How long a due check may wait for others; a non-negative finite duration, default 50 milliseconds. */
  readonly slack?: Duration.Input | undefined
}

/**
 * The options of `run`: those of `job` and those of a wait.
 *
 * @category models
 * @since 0.1.0
 */
export interface RunOptions<
  A = unknown,
  RD = never,
  A2 = never,
  F2 = never,
  E2 = never,
  R2 = never,
  F3 = never,
  RS = never,
  E4 = never,
  R4 = never
>
  extends
    Options<A, RD, A2, F2, E2, R2, F3>,
    Omit<Poll.Options<HttpCheckError | E2, RS>, keyof Options>,
    Poll.SubmitOptions {
  /** Receives the token of the wait and the receipt before the first check. See `Poll.run`. Default: nothing does. */
  readonly onReceipt?:
    | ((
        token: ResumeToken,
        receipt: Job.Receipt<LongRunningOperation, unknown, unknown>
      ) => Effect.Effect<unknown, E4, R4>)
    | undefined
}

/**
 * A job whose keys are operations and whose input is the request that starts one.
 *
 * @category models
 * @since 0.1.0
 */
export interface LongRunningJob<in out A, in out F = never, in out E = never, in out R = never> extends Job.Job<
  LongRunningOperation,
  A,
  LongRunningFailure | F,
  HttpCheckError | E,
  HttpClient.HttpClient | R,
  HttpClientRequest.HttpClientRequest,
  HttpCheckError | E
> {
  /**
   * Sends the request that starts an operation. A request whose URL is not absolute is a RangeError at the call, and
   * with `resend` also one that is not safe to repeat.
   */
  readonly submit: (
    request: HttpClientRequest.HttpClientRequest
  ) => Effect.Effect<
    Job.Receipt<LongRunningOperation, A, LongRunningFailure | F>,
    HttpCheckError | E,
    HttpClient.HttpClient | R
  >
}

/**
 * The `detail` of the pending status of an operation whose server sends metadata.
 *
 * @category models
 * @since 0.1.0
 */
export interface Detail {
  /** Further data about the running operation, such as the `metadata` of AIP-151. */
  readonly metadata: unknown
}

/**
 * Creates a job of long-running operations.
 *
 * **Details**
 *
 * Every entry point of `Poll` works with the job. `Poll.resume` continues a wait in another process, from the token of
 * `onReceipt` or of a handle. `Poll.until` waits for an operation that was stored as a string. Out-of-range options are
 * RangeErrors at the call.
 *
 * **Example** (Storing an operation and resuming it)
 *
 * ```ts
 * import * as LongRunning from "@effect-poll/http/LongRunning"
 * import * as Effect from "effect/Effect"
 * import * as HttpClient from "effect/http/HttpClient"
 * import * as HttpClientRequest from "effect/http/HttpClientRequest"
 * import * as HttpClientResponse from "effect/http/HttpClientResponse"
 * import * as Schema from "effect/Schema"
 * import * as Poll from "effect-poll/Poll"
 *
 * // A client that needs no network: the report is ready at the first check.
 * const client = HttpClient.make((request) =>
 *   Effect.succeed(
 *     HttpClientResponse.fromWeb(
 *       request,
 *       request.method === "POST"
 *         ? new Response(null, { status: 202, headers: { location: "/operations/1" } })
 *         : new Response('{ "pages": 3 }')
 *     )
 *   )
 * )
 * const Reports = LongRunning.job("report", { result: Schema.Struct({ pages: Schema.Int }) })
 *
 * const submit = Reports.submit(HttpClientRequest.post("https://api.example.com/reports"))
 * const receipt = await Effect.runPromise(Effect.provideService(submit, HttpClient.HttpClient, client))
 * const stored = Reports.key.encode(receipt.key)
 *
 * const report = Poll.until(Reports, Reports.key.decode(stored), { deadline: "1 hour" })
 * await Effect.runPromise(Effect.provideService(report, HttpClient.HttpClient, client)) // => { pages: 3 }
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const job = <A = unknown, RD = never, A2 = never, F2 = never, E2 = never, R2 = never, F3 = never>(
  name: string,
  options: JobOptions<A, RD, A2, F2, E2, R2, F3> = {}
): LongRunningJob<Types.NoInfer<A | A2>, Types.NoInfer<F2 | F3>, Types.NoInfer<E2>, Types.NoInfer<RD | R2>> => {
  const env = environmentOf(options)
  const { cancel, checkMany: list } = options
  return Job.make(name, {
    ...carried(options),
    checkTimeout: Prefer.checkTimeout("LongRunning.job", options.wait, options.checkTimeout),
    key: keyFor(env.protocols),
    check: (operation: LongRunningOperation, context: CheckContext) => operationCheck.check(env, operation, context),
    checkMany:
      list === undefined
        ? undefined
        : {
            max: list.max,
            slack: list.slack,
            check: (operations: ReadonlyArray<LongRunningOperation>, contexts: ReadonlyMap<string, CheckContext>) =>
              checkMany(env, list, operations, contexts)
          },
    submit: (request: HttpClientRequest.HttpClientRequest) => {
      const url = wholeUrl(request)
      if (env.resend !== undefined) assertRepeatable(request)
      return submit(env, request, url)
    },
    cancel:
      cancel === undefined
        ? undefined
        : (operation: LongRunningOperation) => operationCheck.cancel(env, operation, cancel(operation)),
    strategy: options.strategy,
    missing: options.missing,
    unknownState: options.unknownState,
    checkErrors: options.checkErrors
  }) as LongRunningJob<A | A2, F2 | F3, E2, RD | R2>
}

/**
 * Sends a request, waits for the operation that it started, and yields the decoded result.
 *
 * **Details**
 *
 * Fails with the `HttpCheckError` of the first request, or with a `PollError`: a `JobFailed` has the
 * `LongRunningFailure` that the server reported. The name of the job in errors, logs and metrics is `LongRunning`; for
 * another name use `Poll.run` with a `job`. Out-of-range options, and a request whose URL is not absolute, are
 * RangeErrors at the call.
 *
 * With `wait`, the default `checkTimeout` is 30 seconds longer than `wait`. A `checkTimeout` that is not longer than
 * `wait` is a RangeError.
 *
 * **Example** (An export that takes time)
 *
 * ```ts
 * import * as LongRunning from "@effect-poll/http/LongRunning"
 * import * as Effect from "effect/Effect"
 * import * as HttpClient from "effect/http/HttpClient"
 * import * as HttpClientRequest from "effect/http/HttpClientRequest"
 * import * as HttpClientResponse from "effect/http/HttpClientResponse"
 * import * as Schema from "effect/Schema"
 * import * as Strategy from "effect-poll/Strategy"
 *
 * // A client that needs no network.
 * const answers = [
 *   new Response(null, { status: 202, headers: { location: "/operations/1" } }),
 *   new Response('{ "status": "running" }'),
 *   new Response('{ "rows": 7 }')
 * ]
 * const client = HttpClient.make((request) => Effect.succeed(HttpClientResponse.fromWeb(request, answers.shift()!)))
 *
 * const rows = LongRunning.run(HttpClientRequest.post("https://api.example.com/exports"), {
 *   result: Schema.Struct({ rows: Schema.Int }),
 *   strategy: Strategy.spaced("1 millis"),
 *   deadline: "1 hour"
 * })
 * await Effect.runPromise(Effect.provideService(rows, HttpClient.HttpClient, client)) // => { rows: 7 }
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const run = <
  A = unknown,
  RD = never,
  A2 = never,
  F2 = never,
  E2 = never,
  R2 = never,
  F3 = never,
  RS = never,
  E4 = never,
  R4 = never
>(
  request: HttpClientRequest.HttpClientRequest,
  options: RunOptions<A, RD, A2, F2, E2, R2, F3, RS, E4, R4>
): Effect.Effect<
  Types.NoInfer<A | A2>,
  PollError<LongRunningFailure | F2 | F3, HttpCheckError | E2> | SubmitError | HttpCheckError | Types.NoInfer<E2 | E4>,
  HttpClient.HttpClient | Types.NoInfer<RD | R2 | RS | R4>
> => {
  wholeUrl(request)
  const operations = job<A, RD, A2, F2, E2, R2, F3>("LongRunning", ofOperations(options))
  if (options.resend !== undefined) assertRepeatable(request)
  const wait = without(options, ofOperation)
  const checkTimeout = Prefer.checkTimeout("LongRunning.run", options.wait, options.checkTimeout)
  return Poll.run(operations, request, { ...wait, checkTimeout })
}

// ---- internal ----

/** The names of the options of operations, which a wait does not have or which the job has here. */
const ofOperation: Readonly<Record<keyof Options, true>> = {
  ...ofRequest,
  cancel: true,
  check: true,
  checkErrors: true,
  checkMany: true,
  checkUrl: true,
  cursor: true,
  ending: true,
  fetchResult: true,
  hint: true,
  interpret: true,
  missing: true,
  protocol: true,
  reason: true,
  rebase: true,
  resend: true,
  result: true,
  strategy: true,
  unknownState: true,
  wait: true,
  words: true
}

/** The options of waits are not those of the job here: they are checked in the name of the caller. */
const ofOperations = <O extends object>(options: O) => ({
  ...options,
  checkTimeout: undefined,
  confirm: undefined,
  minInterval: undefined,
  onAction: undefined,
  stall: undefined,
  stateLimits: undefined
})

const environmentOf = <A, RD, A2, F2, E2, R2, F3>(
  options: Options<A, RD, A2, F2, E2, R2, F3>
): Environment<A | A2, F2 | F3, E2, RD | R2> => {
  const { unknownState, words } = options
  return {
    protocols: protocolsOf(options.protocol),
    prefer: options.wait === undefined ? undefined : Prefer.seconds("LongRunning.job: wait", options.wait),
    policy: requestPolicy.make("LongRunning.job", options),
    decode: decoderOf(options.result ?? (Schema.Unknown as unknown as Schema.Codec<A, unknown, RD>)),
    hasSchema: options.result !== undefined,
    words: words === undefined ? undefined : tableOf(commonWords, words),
    interpret: options.interpret,
    // The result that is decoded is an `A`.
    ending: options.ending as Environment<A | A2, F2 | F3, E2, RD | R2>["ending"],
    check: options.check,
    fetchResult: options.fetchResult,
    cursor: options.cursor,
    checkUrl: options.checkUrl,
    rebase: rebaser(options.rebase),
    readers: { hint: options.hint, reason: options.reason },
    treatAs: typeof unknownState === "object" && "treatAs" in unknownState ? unknownState.treatAs : undefined,
    resend: resendOf(options.resend)
  }
}

const protocolsOf = (given: Options["protocol"]): ReadonlyArray<LongRunningProtocol.Protocol> => {
  const protocols = given === undefined ? defaults : "name" in given ? [given] : given
  if (protocols.length === 0)
    throw new RangeError("LongRunning.job: protocol must name at least one protocol, got none")
  return protocols
}

const defaults: ReadonlyArray<LongRunningProtocol.Protocol> = [
  /*#__PURE__*/ LongRunningProtocol.google(),
  /*#__PURE__*/ LongRunningProtocol.azure(),
  /*#__PURE__*/ LongRunningProtocol.compute(),
  LongRunningProtocol.accepted
]

const resendOf = (resend: Options["resend"]): Schedule.Schedule<unknown, HttpCheckError> | undefined => {
  if (typeof resend !== "number") return resend
  const delays = Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("30 seconds")])
  return Schedule.upTo(delays, { times: validate.count("LongRunning.job: resend", resend, 1) })
}

/** The keys of operations whose protocol the job knows. */
const keyFor = (protocols: ReadonlyArray<LongRunningProtocol.Protocol>): KeyCodec<LongRunningOperation> => ({
  ...key,
  decode: (encoded) => {
    const operation = key.decode(encoded)
    if (parseUrl(operation.url) === undefined) throw new RangeError("LongRunning: the operation has no absolute URL")
    if (protocols.every(({ name }) => name !== operation.protocol)) {
      throw new RangeError(
        `LongRunning: the operation is of the unknown protocol ${JSON.stringify(operation.protocol)}`
      )
    }
    return operation
  }
})

const wholeUrl = (request: HttpClientRequest.HttpClientRequest): string => {
  const url = HttpClientRequest.toUrl(request)
  if (Option.isSome(url)) return url.value.href
  throw new RangeError(`LongRunning: request.url must be an absolute URL, got ${JSON.stringify(safeUrl(request.url))}`)
}

const repeatable: ReadonlyArray<string> = ["GET", "HEAD", "PUT", "DELETE"]

const assertRepeatable = ({ headers, method }: HttpClientRequest.HttpClientRequest): void => {
  if (repeatable.includes(method) || headers["idempotency-key"] !== undefined) return
  throw new RangeError(
    `LongRunning: resend needs a request that may be repeated (${repeatable.join(", ")}, or with an Idempotency-Key), got ${method}`
  )
}
