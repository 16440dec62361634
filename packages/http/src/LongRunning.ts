/**
 * Long-running operations over HTTP: a request that is accepted now and ends later.
 *
 * `run` is the simple road: it sends the request, finds out how the server tells of the operation, watches it, fetches
 * the result and decodes it. `make` is a `Job` of such operations, for all the faces of `Poll`; its key is the
 * operation itself, which can be stored and gone on with in another process.
 *
 * **Details**
 *
 * - Which protocol a server speaks is found out from its first answer, see `LongRunningProtocol`, or told.
 * - The first request is sent once and never again. An `HttpClient` that retries does what it is told to, all the same.
 * - When the server wishes to be asked again (see `HintReader`) counts on every answer, from the first on.
 * - Checks and the fetch of the result are GET requests to URLs that the server named. They follow redirects, and carry
 *   no headers of the first request: what every request needs is best added to the `HttpClient`. Add credentials for
 *   the hosts that should get them.
 * - The answers that tell nothing of the operation (5xx, a page of a proxy, no answer) are check errors. A 404 where an
 *   operation is checked means that it is missing.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Option from "effect/Option"
import { hasProperty } from "effect/Predicate"
import type { Schedule } from "effect/Schedule"
import * as Schema from "effect/Schema"
import type { Handle } from "effect-poll/Handle"
import * as Job from "effect-poll/Job"
import type { KeyCodec } from "effect-poll/KeyCodec"
import type { Observation } from "effect-poll/Observation"
import * as Poll from "effect-poll/Poll"
import type { PollError } from "effect-poll/PollError"
import type { ResumeToken } from "effect-poll/ResumeToken"
import * as Strategy from "effect-poll/Strategy"
import { type HttpCheckError, safeUrl } from "./HttpCheckError.ts"
import { makeCheck, makeSubmit, sendCancel } from "./internal/operationRequests.ts"
import * as Prefer from "./internal/prefer.ts"
import type { LongRunningFailure } from "./LongRunningFailure.ts"
import { key, type LongRunningOperation } from "./LongRunningOperation.ts"
import * as LongRunningProtocol from "./LongRunningProtocol.ts"

/**
 * The options of `make`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<in out A = unknown, out RD = never> {
  /** The Schema of the result; default: anything, absent included. */
  readonly result?: Schema.Codec<A, unknown, RD> | undefined
  /**
   * How the server tells of its operations. Of several, the first one that recognizes the first answer, otherwise the
   * last one. Default: `google()`, `azure()`, `accepted`.
   */
  readonly protocol?: LongRunningProtocol.Protocol | ReadonlyArray<LongRunningProtocol.Protocol> | undefined
  /**
   * How long a server that can should hold a request back until there is news (`Prefer: wait` of RFC 7240): whole
   * seconds, rounded up, from 1 second; default: not at all. The first request also prefers `respond-async`. A check
   * must be given more time than this, see `checkTimeout` of a wait. A server that answers at once is checked when the
   * strategy says, as ever.
   */
  readonly wait?: Duration.Input | undefined
  /**
   * The request that asks the server to stop an operation; any answer of 200..299 will do. Default: an operation cannot
   * be stopped.
   */
  readonly cancel?: ((operation: LongRunningOperation) => HttpClientRequest.HttpClientRequest) | undefined
  /** When to check. An operation that ended in its first answer does not wait for it. Default: see `Poll.Options`. */
  readonly strategy?: Schedule<unknown, Observation> | undefined
  readonly missing?:
    | Job.MissingPolicy<LongRunningOperation, A, LongRunningFailure, HttpCheckError, HttpClient.HttpClient | RD>
    | undefined
  readonly unknownState?: Job.UnknownStatePolicy<A, LongRunningFailure> | undefined
  readonly checkErrors?: Job.CheckErrorPolicy<HttpCheckError> | undefined
}

/**
 * The options of `run`: those of `make` and those of a wait.
 *
 * @category models
 * @since 0.1.0
 */
export interface RunOptions<in out A = unknown, out RD = never, out RS = never, out E2 = never, out R2 = never>
  extends Options<A, RD>, Omit<Poll.Options<HttpCheckError, RS>, keyof Options> {
  /** What it is called in errors, logs and metrics; default `LongRunning`. */
  readonly name?: string | undefined
  /** See `Poll.run`. */
  readonly onReceipt?:
    | ((
        token: ResumeToken,
        receipt: Job.Receipt<LongRunningOperation, A, LongRunningFailure>
      ) => Effect.Effect<unknown, E2, R2>)
    | undefined
}

/**
 * A job whose keys are operations and whose input is the request that starts one.
 *
 * @category models
 * @since 0.1.0
 */
export interface LongRunningJob<in out A, in out RD = never> extends Job.Job<
  LongRunningOperation,
  A,
  LongRunningFailure,
  HttpCheckError,
  HttpClient.HttpClient | RD,
  HttpClientRequest.HttpClientRequest,
  HttpCheckError
> {
  /** Sends the request that starts an operation, once. A request whose URL is not whole is a RangeError. */
  readonly submit: (
    request: HttpClientRequest.HttpClientRequest
  ) => Effect.Effect<Job.Receipt<LongRunningOperation>, HttpCheckError, HttpClient.HttpClient | RD>
}

/**
 * The `detail` of the pending statuses of operations.
 *
 * @category models
 * @since 0.1.0
 */
export interface Detail {
  /** The operation as it stands, written as a string (see `LongRunningOperation.key`). */
  readonly operation: string
  /** What the server says beside the state, as the `metadata` of AIP-151. */
  readonly metadata: unknown
}

/**
 * Creates a job of long-running operations.
 *
 * **Details**
 *
 * The job can be watched by all faces of `Poll`. `Poll.resume` goes on with an operation in another process, from the
 * token of `onReceipt` or of `token`; `Poll.until` does with an operation that was stored as a string.
 *
 * An operation whose end is in its first answer is kept whole in its key, result included. Bad options are RangeErrors
 * at the call.
 *
 * **Example** (Storing an operation, and going on with it)
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
 * // A client that needs no network: the report is ready when it is asked for.
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
 * const Reports = LongRunning.make("report", { result: Schema.Struct({ pages: Schema.Int }) })
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
export const make = <A = unknown, RD = never>(name: string, options: Options<A, RD> = {}): LongRunningJob<A, RD> => {
  const protocols = protocolsOf(options.protocol)
  const wait = options.wait === undefined ? undefined : Prefer.seconds("LongRunning.make: wait", options.wait)
  const { cancel, strategy } = options
  const submitAt = makeSubmit({ protocols, prefer: wait })
  const submit = (request: HttpClientRequest.HttpClientRequest) => submitAt(request, wholeUrl(request))
  const job = Job.make(name, {
    key: keyFor(protocols),
    check: makeCheck({
      protocols,
      prefer: wait,
      decode: Schema.decodeUnknownEffect(options.result ?? (Schema.Unknown as unknown as Schema.Codec<A, unknown, RD>))
    }),
    submit,
    cancel: cancel === undefined ? undefined : (operation) => sendCancel(cancel(operation)),
    strategy:
      strategy === undefined ? undefined : (operation) => (operation.phase._tag === "Ended" ? atOnce : strategy),
    missing: options.missing,
    unknownState: options.unknownState,
    checkErrors: options.checkErrors
  })
  return job as LongRunningJob<A, RD>
}

/**
 * Sends a request, watches the operation that it started until it ends, and yields the decoded result.
 *
 * **Details**
 *
 * Fails with the `HttpCheckError` of the first request, or with what a wait can fail with (see `PollError`): a
 * `JobFailed` holds the `LongRunningFailure` that the server told. Bad options, and a request whose URL is not whole,
 * are RangeErrors at the call.
 *
 * With `wait`, a check is given 30 seconds more than that, unless `checkTimeout` says otherwise. One that is not longer
 * than `wait` is a RangeError.
 *
 * **Example** (An export that takes a while)
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
 *   new Response(null, { status: 202 }),
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
export const run = <A = unknown, RD = never, RS = never, E2 = never, R2 = never>(
  request: HttpClientRequest.HttpClientRequest,
  options: RunOptions<A, RD, RS, E2, R2>
): Effect.Effect<
  A,
  PollError<LongRunningFailure, HttpCheckError> | HttpCheckError | E2,
  HttpClient.HttpClient | RD | RS | R2
> => {
  wholeUrl(request)
  const { cancel, missing, name, checkErrors, protocol, result, strategy, unknownState, wait, ...rest } = options
  const job = make(name ?? "LongRunning", {
    cancel,
    missing,
    checkErrors,
    protocol,
    result,
    strategy,
    unknownState,
    wait
  })
  return Poll.run(job, request, {
    ...rest,
    checkTimeout: Prefer.checkTimeout("LongRunning.run", wait, rest.checkTimeout)
  })
}

/**
 * The token of a wait for an operation, with the operation as it stands: a server may move the URL where it is checked.
 *
 * @category encoding
 * @since 0.1.0
 */
export const token = <A, F, E>(handle: Handle<A, F, E>): Effect.Effect<ResumeToken> =>
  Effect.zipWith(handle.token, handle.status, (stored, status) => {
    const detail = status?._tag === "Pending" ? status.detail : undefined
    return isDetail(detail) ? { ...stored, key: detail.operation } : stored
  })

// ---- internal ----

const isDetail = (u: unknown): u is Detail => hasProperty(u, "operation") && typeof u.operation === "string"

const protocolsOf = (given: Options["protocol"]): ReadonlyArray<LongRunningProtocol.Protocol> => {
  const protocols = given === undefined ? defaults : "name" in given ? [given] : given
  if (protocols.length === 0)
    throw new RangeError("LongRunning.make: protocol must name at least one protocol, got none")
  return protocols
}

const defaults: ReadonlyArray<LongRunningProtocol.Protocol> = [
  /*#__PURE__*/ LongRunningProtocol.google(),
  /*#__PURE__*/ LongRunningProtocol.azure(),
  LongRunningProtocol.accepted
]

/** The keys of operations whose protocol the job knows. */
const keyFor = (protocols: ReadonlyArray<LongRunningProtocol.Protocol>): KeyCodec<LongRunningOperation> => ({
  encode: key.encode,
  decode: (encoded) => {
    const operation = key.decode(encoded)
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
  throw new RangeError(`LongRunning: request.url must be a whole URL, got ${JSON.stringify(safeUrl(request.url))}`)
}

/** For an operation that has ended already: one check, which sends nothing. */
const atOnce = /*#__PURE__*/ Strategy.spaced("1 second")
