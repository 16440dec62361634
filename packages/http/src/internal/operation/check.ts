import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { CheckContext } from "effect-poll/CheckContext"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Status from "effect-poll/Status"
import { HttpCheckError, type Reader } from "../../HttpCheckError.ts"
import type { Decode } from "../../Interpretation.ts"
import type { LongRunningOperation, Phase } from "../../LongRunningOperation.ts"
import type { OperationAnswer, Reading } from "../../LongRunningReading.ts"
import { execute, type Fail, failFor, isOk, notJsonReason, type ReceivedAnswer } from "../request/httpRequest.ts"
import { interpretAnswer, withReason } from "../answer/interpretation.ts"
import { shownIn } from "./answer.ts"
import * as operationCursor from "./cursor.ts"
import {
  call,
  type Checked,
  decodeReason,
  type Environment,
  follow,
  hinted,
  lists,
  type MakeRequest,
  notAResult,
  operationAnswer,
  pending,
  readCursor,
  refusal,
  succeed
} from "./environment.ts"
import { urlIn } from "./urls.ts"
import * as Prefer from "./prefer.ts"
import { isPage, prepare } from "../answer/checkReading.ts"

// One check of an operation: a request to where it is, or the fetch of its result.

/** Checks an operation once. */
export const check = <A, F, E, R>(
  env: Environment<A, F, E, R>,
  original: LongRunningOperation,
  context: CheckContext
): Result<A, F, E, R> => {
  const operation = operationCursor.read(original, context.cursor)
  const fail = failFor(original, env.policy.shownUrl)
  if (operation === undefined) return Effect.fail(fail({ _tag: "Decode", status: 0, issue: "the cursor is malformed" }))
  const { phase } = operation
  const one: One<A, F, E, R> = { env, original, operation, context }
  return phase._tag === "Fetching" ? collect(one, phase) : ask(one, phase.url)
}

/** Reads what a list says of one operation: `answer` has the item as its body. */
export const checkItem = <A, F, E, R>(
  env: Environment<A, F, E, R>,
  original: LongRunningOperation,
  context: CheckContext,
  answer: ReceivedAnswer,
  request: HttpClientRequest.HttpClientRequest
): Result<A, F, E, R> => {
  const operation = operationCursor.read(original, context.cursor)
  if (operation === undefined || operation.phase._tag === "Fetching") return check(env, original, context)
  const { url } = operation.phase
  return judge({ env, original, operation, context }, { ...answer, url, context }, request, url)
}

/** Sends the request that cancels an operation; only the status of its answer counts. */
export const cancel = Effect.fnUntraced(function* <A, F, E, R>(
  env: Environment<A, F, E, R>,
  operation: LongRunningOperation,
  request: HttpClientRequest.HttpClientRequest
) {
  const fail = failFor(request, env.policy.shownUrl)
  const answer = yield* execute(request, fail, { policy: env.policy, home: operation.url })
  if (!isOk(answer)) return yield* refusal(answer, fail)
})

// ---- internal ----

/** One check. */
interface One<A, F, E, R> {
  readonly env: Environment<A, F, E, R>
  /** The operation as its key says. */
  readonly original: LongRunningOperation
  /** The operation as it stands. */
  readonly operation: LongRunningOperation
  readonly context: CheckContext
}

type Result<A, F, E, R> = Effect.Effect<Checked<A, F>, HttpCheckError | E, HttpClient.HttpClient | R>

/** Asks where the operation is. */
const ask = Effect.fnUntraced(function* <A, F, E, R>(
  one: One<A, F, E, R>,
  url: string
): Effect.fn.Return<Checked<A, F>, HttpCheckError | E, HttpClient.HttpClient | R> {
  const { env } = one
  const made = (yield* requestOf(one, "check", env.check)) ?? HttpClientRequest.get(url)
  const request = env.prefer === undefined ? made : Prefer.add(made, `wait=${env.prefer}`)
  const answer = yield* send(one, request)
  return yield* judge(one, answer, request, url)
})

/** The request that an option makes; undefined without the option, or where it makes none. */
const requestOf = <A, F, E, R>(
  { context, env, operation, original }: One<A, F, E, R>,
  option: Reader["reader"],
  make: MakeRequest | undefined
): Effect.Effect<HttpClientRequest.HttpClientRequest | undefined, HttpCheckError> => {
  if (make === undefined) return Effect.undefined
  const fail = failFor(original, env.policy.shownUrl)
  const own: CheckContext = { ...context, cursor: operation.cursor }
  return Effect.filterOrFail(
    call(option, () => make(operation, own), fail),
    (request) => request === undefined || HttpClientRequest.isHttpClientRequest(request),
    () => fail(notAResult(option, "HttpClientRequest"))
  )
}

const send = <A, F, E, R>(
  { context, env, operation }: One<A, F, E, R>,
  request: HttpClientRequest.HttpClientRequest
): Effect.Effect<ReceivedAnswer, HttpCheckError, HttpClient.HttpClient> => {
  const fail = failFor(request, env.policy.shownUrl)
  const sent = execute(request, fail, {
    policy: env.policy,
    home: operation.url,
    fresh: true,
    // What a 303 names is followed by hand where it has to be rebased first.
    followSeeOther: env.rebase === undefined
  })
  return Effect.flatMap(sent, (answer) => prepare(env.readers, answer, fail, context))
}

/** What an answer to a check says. */
const judge = Effect.fnUntraced(function* <A, F, E, R>(
  one: One<A, F, E, R>,
  answer: ReceivedAnswer,
  request: HttpClientRequest.HttpClientRequest,
  asked: string
): Effect.fn.Return<Checked<A, F>, HttpCheckError | E, HttpClient.HttpClient | R> {
  const { context, env, operation } = one
  const fail = failFor(request, env.policy.shownUrl)
  const received = yield* operationAnswer(env, answer, request.method, asked, fail)
  const cursor = (yield* readCursor(env, received, fail)) ?? operation.cursor
  const heard: One<A, F, E, R> = { ...one, operation: cursor === undefined ? operation : { ...operation, cursor } }
  const verdict = yield* interpreted(heard, answer, fail)
  if (verdict !== undefined && verdict._tag !== "Decode") return yield* kept(heard, heard.operation, verdict, fail)
  if (verdict === undefined) {
    const reading = byStatus(received)
    if (reading !== undefined) return yield* byReading(heard, reading, received, answer, fail)
    if (isMissing(answer)) return hinted(missing(answer), answer)
    if (answer.status === 304) return hinted(context.last?._tag === "Pending" ? context.last : pending({}), answer)
    if (!isOk(answer)) return yield* refusal(answer, fail)
  }
  const protocol = env.protocols.find(({ name }) => name === operation.protocol)
  if (protocol === undefined) return yield* fail(decodeReason(`unknown protocol ${operation.protocol}`, answer))
  const reading = yield* call("protocol", () => protocol.read(received, heard.operation), fail)
  return yield* byReading(heard, reading, received, answer, fail)
})

/** What `interpret` says of an answer. */
const interpreted = <A, F, E, R>(
  { env }: One<A, F, E, R>,
  answer: ReceivedAnswer,
  fail: Fail
): Effect.Effect<CheckResult.CheckResult<A, F> | Decode | undefined, HttpCheckError | E, R> =>
  env.interpret === undefined ? Effect.undefined : interpretAnswer(env.interpret, answer, fail)

/** What a redirect says that was not followed. */
const byStatus = (answer: OperationAnswer): Reading | undefined => {
  const url = answer.status === 303 ? urlIn(answer, "location") : undefined
  return url === undefined ? undefined : { _tag: "SucceededAt", urls: [url], unconfirmed: true }
}

const isMissing = ({ status }: ReceivedAnswer): boolean => status === 404 || status === 410

/** A page in place of an answer of the API counts only if it stays. */
const missing = (answer: ReceivedAnswer): CheckResult.Missing =>
  answer.status === 404 && isPage(answer) ? CheckResult.missingAfter(3) : CheckResult.missing

/** What a reading says. */
const byReading = <A, F, E, R>(
  one: One<A, F, E, R>,
  reading: Reading,
  received: OperationAnswer,
  answer: ReceivedAnswer,
  fail: Fail
): Result<A, F, E, R> => {
  const { env, operation } = one
  /** What the reading says, or the result that the Schema makes of it. */
  const orListed = (otherwise: Result<A, F, E, R>): Result<A, F, E, R> => {
    const asResult = "asResult" in reading ? reading.asResult : undefined
    return Effect.flatMap(lists(env, asResult), (isListed) =>
      isListed
        ? done(one, asResult?.body, "state" in reading ? reading.state : undefined, received, answer, fail)
        : otherwise
    )
  }
  switch (reading._tag) {
    case "Pending":
      return orListed(moving(one, reading, received, hinted(pending(reading), answer), fail))
    case "UnknownState":
      return orListed(moving(one, reading, received, hinted(CheckResult.unknownState(reading.state), answer), fail))
    case "Succeeded":
      return reading.unlessDue === undefined || operation.method === "DELETE"
        ? done(one, reading.result, reading.state, received, answer, fail)
        : unlessDue(one, reading.unlessDue, received, answer, fail)
    case "SucceededAt":
      return Effect.flatMap(
        Effect.forEach(reading.urls, (url) => follow(env, url, operation.url, received.url, fail)),
        (urls) =>
          fetching(one, { _tag: "Fetching", urls, state: reading.state, unconfirmed: reading.unconfirmed }, fail)
      )
    case "Failed":
      return orListed(Effect.succeed(Status.failed(reading.failure, reading)))
    case "Canceled":
      return Effect.succeed(withReason(Status.canceled(reading), answer.detail))
    case "Expired":
      return Effect.succeed(withReason(Status.expired(reading), answer.detail))
    case "NotJson":
      return Effect.fail(fail(notJsonReason(answer)))
    case "Unrecognized":
      return Effect.fail(fail(decodeReason(`the answer does not say how the operation is: ${reading.sign}`, answer)))
    case "Malformed":
      return Effect.fail(fail(decodeReason(reading.issue, answer)))
  }
}

/** An operation that runs, maybe at another URL than before. */
const moving = <A, F, E, R>(
  one: One<A, F, E, R>,
  { notes, url }: Extract<Reading, { readonly url?: unknown }>,
  received: OperationAnswer,
  result: Checked<A, F>,
  fail: Fail
): Result<A, F, E, R> => {
  const { env, operation } = one
  const named = received.checkUrl ?? url
  const next = { ...operation, notes: notes ?? operation.notes }
  if (named === undefined) return kept(one, next, result, fail)
  return Effect.flatMap(follow(env, named, operation.url, received.url, fail), (allowed) =>
    kept(one, { ...next, phase: { _tag: "Polling", url: allowed } }, result, fail)
  )
}

/** A result of a check, with what changed of the operation in its cursor. */
const kept = <A, F, E, R>(
  { context, original }: One<A, F, E, R>,
  operation: LongRunningOperation,
  result: Checked<A, F>,
  fail: Fail
): Effect.Effect<Checked<A, F>, HttpCheckError> => {
  const cursor = operationCursor.write(original, operation, context.cursor)
  if (cursor === undefined) return Effect.succeed(result)
  if (cursor.length <= operationCursor.maxLength) return Effect.succeed(CheckResult.withCursor(result, cursor))
  const issue = `the server named a URL or a cursor that is too long to be kept: ${cursor.length} bytes`
  return Effect.fail(fail({ _tag: "Decode", status: 200, issue }))
}

/** An operation that succeeded with the result in its last answer, unless an option fetches it. */
const done = <A, F, E, R>(
  one: One<A, F, E, R>,
  body: unknown,
  state: string | undefined,
  received: OperationAnswer,
  answer: ReceivedAnswer,
  fail: Fail
): Result<A, F, E, R> =>
  one.env.fetchResult === undefined
    ? ending(one, body, state, received, answer, fail)
    : Effect.flatMap(requestOf(one, "fetchResult", one.env.fetchResult), (request) =>
        request === undefined
          ? ending(one, body, state, received, answer, fail)
          : fetching(one, { _tag: "Fetching", urls: [], state }, fail)
      )

/** The ending of an operation whose result is there. A result that is absent although one is due is asked for again. */
const ending = <A, F, E, R>(
  one: One<A, F, E, R>,
  body: unknown,
  state: string | undefined,
  received: OperationAnswer,
  answer: ReceivedAnswer,
  fail: Fail
): Result<A, F, E, R> => {
  const found: Result<A, F, E, R> = Effect.flatMap(succeed(one.env, body, state, received, fail), (result) =>
    kept(one, one.operation, hinted(result, answer), fail)
  )
  return body === undefined || body === null
    ? Effect.catchIf(
        found,
        (error): error is HttpCheckError => isDecodeError(error),
        (): Result<A, F, E, R> =>
          Effect.succeed(hinted(CheckResult.resultMissing(state, "the result is absent"), answer))
      )
    : found
}

/** An end without a result, or an operation that runs where the Schema says that a result is due. */
const unlessDue = <A, F, E, R>(
  one: One<A, F, E, R>,
  state: string,
  received: OperationAnswer,
  answer: ReceivedAnswer,
  fail: Fail
): Result<A, F, E, R> =>
  one.env.fetchResult === undefined
    ? Effect.matchEffect(one.env.decode(undefined), {
        onFailure: (): Result<A, F, E, R> => kept(one, one.operation, hinted(pending({ state }), answer), fail),
        onSuccess: () => done(one, undefined, undefined, received, answer, fail)
      })
    : done(one, undefined, undefined, received, answer, fail)

/**
 * Fetches the result now, and from now on: an error that a later request may be spared leaves the operation pending,
 * because only a result can say in its cursor that the operation succeeded.
 */
const fetching = <A, F, E, R>(
  one: One<A, F, E, R>,
  phase: Extract<Phase, { readonly _tag: "Fetching" }>,
  fail: Fail
): Result<A, F, E, R> => {
  const next: One<A, F, E, R> = { ...one, operation: { ...one.operation, phase } }
  const found: Result<A, F, E, R> = Effect.catchIf(
    collect(next, phase),
    (error): error is HttpCheckError => error instanceof HttpCheckError && isPassing(error),
    (error) => Effect.succeed(notYet(phase.state, error))
  )
  return Effect.flatMap(found, (result) => kept(next, next.operation, result, fail))
}

const isPassing = (error: HttpCheckError): boolean => CheckError.kindOf(error)._tag !== "Permanent"

/** An operation whose result could not be fetched yet. */
const notYet = (state: string | undefined, error: HttpCheckError): CheckResult.CheckResult<never> => {
  const kind = CheckError.kindOf(error)
  const hint = kind._tag === "Permanent" ? undefined : kind.retryAfter
  const status = pending({ state })
  return hint === undefined ? status : CheckResult.withHint(status, hint)
}

/** Gets the result from the first of the URLs that is found. */
const collect = Effect.fnUntraced(function* <A, F, E, R>(
  one: One<A, F, E, R>,
  phase: Extract<Phase, { readonly _tag: "Fetching" }>
): Effect.fn.Return<Checked<A, F>, HttpCheckError | E, HttpClient.HttpClient | R> {
  const { env, operation } = one
  const made = yield* requestOf(one, "fetchResult", env.fetchResult)
  const requests = made === undefined ? phase.urls.map((url) => HttpClientRequest.get(url)) : [made]
  for (const [index, request] of requests.entries()) {
    const answer = yield* send(one, request)
    const fail = failFor(request, env.policy.shownUrl)
    const verdict = yield* interpreted(one, answer, fail)
    if (verdict !== undefined && verdict._tag !== "Decode") return verdict
    if (verdict === undefined && answer.status === 404 && index + 1 < requests.length) continue
    if (verdict === undefined && !isOk(answer)) return yield* refusal(answer, fail)
    const received = yield* operationAnswer(env, answer, request.method, request.url, fail)
    if (answer.status === 202) return hinted(pending({ state: phase.state }), answer)
    if (answer.content.kind === "other") return yield* fail(notJsonReason(answer))
    const shown = phase.unconfirmed === true ? shownIn(received) : undefined
    if (shown !== undefined && !(answer.seeOther && shown._tag === "UnknownState")) {
      return yield* byReading(one, withoutUrl(shown), received, answer, fail)
    }
    return yield* ending(one, answer.body, phase.state, received, answer, fail)
  }
  const fail = failFor(operation, env.policy.shownUrl)
  const issue = "the operation ended in the answer to its first request, which is not kept"
  return yield* fail({ _tag: "Decode", status: 200, issue })
})

/** What is fetched stays where it is. */
const withoutUrl = (reading: Reading): Reading => ("url" in reading ? { ...reading, url: undefined } : reading)

const isDecodeError = (error: unknown): boolean => error instanceof HttpCheckError && error.reason._tag === "Decode"
