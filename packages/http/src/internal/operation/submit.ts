import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import type { Receipt } from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import { HttpCheckError, type Reason, safeUrl } from "../../HttpCheckError.ts"
import type { Decode } from "../../Interpretation.ts"
import type { LongRunningFailure } from "../../LongRunningFailure.ts"
import type { LongRunningOperation, Notes, Phase } from "../../LongRunningOperation.ts"
import type { Protocol } from "../../LongRunningProtocol.ts"
import type { OperationAnswer, Reading } from "../../LongRunningReading.ts"
import { execute, type Fail, failFor, isOk, notJsonReason, type ReceivedAnswer } from "../request/httpRequest.ts"
import { interpretAnswer } from "../answer/interpretation.ts"
import {
  call,
  choose,
  decodeReason,
  type Environment,
  follow,
  lists,
  operationAnswer,
  readCursor,
  refusal,
  succeed
} from "./environment.ts"
import { acceptedUrl, checkUrlOf } from "./urls.ts"
import * as Prefer from "./prefer.ts"
import { prepare } from "../answer/checkReading.ts"

// The first request of an operation: sent once, and read until there is an operation to check, an end, or an error that
// says where the operation is that was accepted all the same.

/** Sends the first request of an operation; `url` is its whole URL. */
export const submit = Effect.fnUntraced(function* <A, F, E, R>(
  env: Environment<A, F, E, R>,
  request: HttpClientRequest.HttpClientRequest,
  url: string
): Effect.fn.Return<
  Receipt<LongRunningOperation, A, F | LongRunningFailure>,
  HttpCheckError | E,
  HttpClient.HttpClient | R
> {
  const fail = failFor(request, env.policy.shownUrl)
  const { answer, verdict } = yield* resending(env, send(env, request, fail))
  const first = yield* operationAnswer(env, answer, request.method, url, fail)
  const accepted = acceptedFail(first, fail)
  const protocol = choose(env.protocols, first)
  const start: Start<A, F, E, R> = { env, first, answer, protocol, request, url, fail: accepted }
  if (verdict !== undefined && verdict._tag !== "Decode") return yield* byVerdict(start, verdict)
  const receipt = yield* byReading(start, yield* read(start))
  // A refusal that `interpret` decodes names the operation that is already running.
  return answer.status === 409 && receipt.ended === undefined ? { ...receipt, attached: true } : receipt
})

// ---- internal ----

/** A first answer, and what it is read by. */
interface Start<A, F, E, R> {
  readonly env: Environment<A, F, E, R>
  readonly first: OperationAnswer
  readonly answer: ReceivedAnswer
  readonly protocol: Protocol
  readonly request: HttpClientRequest.HttpClientRequest
  /** The whole URL of the request. */
  readonly url: string
  /** Makes errors that say where the operation is. */
  readonly fail: Fail
}

type Started<A, F, E, R> = Effect.Effect<
  Receipt<LongRunningOperation, A, F | LongRunningFailure>,
  HttpCheckError | E,
  R
>

/** Sends the request once; an answer that nothing calls accepted is an error. */
const send = Effect.fnUntraced(function* <A, F, E, R>(
  env: Environment<A, F, E, R>,
  request: HttpClientRequest.HttpClientRequest,
  fail: Fail
): Effect.fn.Return<
  { readonly answer: ReceivedAnswer; readonly verdict: CheckResult.CheckResult<A, F> | Decode | undefined },
  HttpCheckError | E,
  HttpClient.HttpClient | R
> {
  const asked = env.prefer === undefined ? request : Prefer.add(request, "respond-async", `wait=${env.prefer}`)
  const received = yield* execute(asked, fail, { policy: env.policy, followSeeOther: false })
  const answer = yield* prepare(env.readers, received, fail, undefined)
  const verdict = env.interpret === undefined ? undefined : yield* interpretAnswer(env.interpret, answer, fail)
  if (verdict === undefined && !isOk(answer) && answer.status !== 303) return yield* refusal(answer, fail)
  return { answer, verdict }
})

/** Sends an idempotent request again after errors that a later request may be spared, as far as the option says. */
const resending = <A, F, E, R, B, R2>(
  { resend }: Environment<A, F, E, R>,
  sent: Effect.Effect<B, HttpCheckError | E, R2>
): Effect.Effect<B, HttpCheckError | E, R2> =>
  resend === undefined
    ? sent
    : Effect.retry(sent, {
        while: (error) => error instanceof HttpCheckError && CheckError.kindOf(error)._tag !== "Permanent",
        // What is not retried never reaches the schedule.
        schedule: Schedule.modifyDelay(resend as Schedule.Schedule<unknown>, ({ duration, input }) =>
          Effect.succeed(Duration.max(duration, requestedDelay(input)))
        )
      })

/** The longest requested delay that is waited for before a first request is sent again. */
const maxRequestedDelay = /*#__PURE__*/ Duration.minutes(15)

const requestedDelay = (error: unknown): Duration.Duration => {
  const kind = CheckError.kindOf(error)
  const delay = kind._tag === "Permanent" ? undefined : kind.retryAfter
  return delay === undefined || delay === "unreadable"
    ? Duration.zero
    : Duration.min(Duration.fromInputUnsafe(delay), maxRequestedDelay)
}

/** What the protocol reads from a first answer. */
const read = <A, F, E, R>({ fail, first, protocol }: Start<A, F, E, R>): Effect.Effect<Reading, HttpCheckError> =>
  call("protocol", () => protocol.start(first), fail)

/** What `interpret` says of a first answer. */
const byVerdict = <A, F, E, R>(
  start: Start<A, F, E, R>,
  verdict: CheckResult.CheckResult<A, F>
): Started<A, F, E, R> => {
  const found = CheckResult.unannotated(verdict)
  switch (found._tag) {
    case "Pending":
    case "UnknownState":
      return Effect.flatMap(read(start), (reading) =>
        "url" in reading && reading.url !== undefined
          ? following(start, reading, reading.url)
          : following(start, reading, checkUrlOf(start.first))
      )
    case "Missing":
    case "ResultMissing":
      return Effect.fail(start.fail(decodeReason(`interpret yielded ${found._tag} for a first answer`, start.answer)))
    default:
      return Effect.succeed(ended(start, found))
  }
}

/** Where an operation stands after its first answer. */
const byReading = <A, F, E, R>(start: Start<A, F, E, R>, reading: Reading): Started<A, F, E, R> => {
  const { answer, env, fail, first } = start
  /** What the reading says, or the result that the Schema makes of it. */
  const orListed = (otherwise: Started<A, F, E, R>): Started<A, F, E, R> => {
    const asResult = "asResult" in reading ? reading.asResult : undefined
    return Effect.flatMap(lists(env, asResult), (isListed) =>
      isListed ? succeeded(start, asResult?.body, "state" in reading ? reading.state : undefined) : otherwise
    )
  }
  switch (reading._tag) {
    case "Pending":
      return orListed(following(start, reading, reading.url))
    case "UnknownState":
      return orListed(inUnknownState(start, reading))
    case "SucceededAt":
      return fetching(start, reading.urls, reading)
    case "Succeeded":
      return env.fetchResult === undefined
        ? succeeded(start, reading.result, reading.state)
        : fetching(start, [], reading)
    case "Failed":
      return orListed(Effect.succeed(ended(start, Status.failed(reading.failure, reading))))
    case "Canceled":
      return Effect.succeed(ended(start, Status.canceled(reading)))
    case "Expired":
      return Effect.succeed(ended(start, Status.expired(reading)))
    case "Unrecognized":
      return orListed(Effect.fail(fail(unrecognized(first, reading.sign))))
    case "NotJson":
      return Effect.fail(fail(notJsonReason(answer)))
    case "Malformed":
      return Effect.fail(fail(decodeReason(`${reading.issue} (${seen(first)})`, answer)))
  }
}

/** An operation that is checked from now on. */
const following = <A, F, E, R>(
  start: Start<A, F, E, R>,
  reading: Reading,
  named: string | undefined
): Started<A, F, E, R> => {
  const { answer, env, fail, first } = start
  // The option takes precedence over what a protocol finds.
  const url = first.checkUrl ?? named
  if (url === undefined) return Effect.fail(fail(unrecognized(first, undefined)))
  const notes = "notes" in reading ? reading.notes : undefined
  return Effect.flatMap(follow(env, url, start.url, first.url, fail), (allowed) =>
    Effect.map(keyOf(start, { _tag: "Polling", url: allowed }, notes), (key) => ({ key, hint: answer.hint }))
  )
}

/** An operation that succeeded, and whose result is still to be fetched. */
const fetching = <A, F, E, R>(
  start: Start<A, F, E, R>,
  urls: ReadonlyArray<string>,
  { state, unconfirmed }: { readonly state?: string | undefined; readonly unconfirmed?: boolean | undefined }
): Started<A, F, E, R> =>
  Effect.flatMap(
    Effect.forEach(urls, (url) => follow(start.env, url, start.url, start.first.url, start.fail)),
    (allowed) =>
      Effect.map(keyOf(start, { _tag: "Fetching", urls: allowed, state, unconfirmed }, undefined), (key) => ({
        key,
        hint: start.answer.hint
      }))
  )

/** A first answer with a word that is not known: it is checked, or is what the policy says. */
const inUnknownState = <A, F, E, R>(
  start: Start<A, F, E, R>,
  reading: Extract<Reading, { readonly _tag: "UnknownState" }>
): Started<A, F, E, R> => {
  const { env, fail, first } = start
  const url = first.checkUrl ?? reading.url
  if (url !== undefined) return following(start, reading, url)
  const { treatAs } = env
  const none = Effect.suspend(() =>
    Effect.fail(fail(unrecognized(first, `the unknown state ${JSON.stringify(reading.state)}`)))
  )
  if (treatAs === undefined) return none
  return Effect.flatMap(
    call("unknownState", () => treatAs(reading.state), fail),
    (status) => (status._tag === "Pending" ? none : Effect.succeed(ended(start, status)))
  )
}

/** The receipt for an operation that succeeded in its first answer. */
const succeeded = <A, F, E, R>(
  start: Start<A, F, E, R>,
  body: unknown,
  state: string | undefined
): Started<A, F, E, R> =>
  Effect.flatMap(succeed(start.env, body, state, start.first, start.fail), (result) => {
    const found = CheckResult.unannotated(result)
    switch (found._tag) {
      case "Pending":
      case "UnknownState":
        return following(start, { _tag: "Pending" }, checkUrlOf(start.first))
      case "Missing":
      case "ResultMissing":
        return Effect.fail(start.fail(decodeReason(`ending yielded ${found._tag} for a first answer`, start.answer)))
      default:
        return Effect.succeed(ended(start, found))
    }
  })

/** The receipt for an operation that ended in its first answer: its key leads nowhere, and holds no result. */
const ended = <A, F, E, R>(
  { protocol, request, url }: Start<A, F, E, R>,
  status: Status.Terminal<A, F | LongRunningFailure>
): Receipt<LongRunningOperation, A, F | LongRunningFailure> => ({
  key: { protocol: protocol.name, method: request.method, url, phase: { _tag: "Fetching", urls: [] }, notes: {} },
  ended: status
})

const keyOf = <A, F, E, R>(
  { env, fail, first, protocol, request, url }: Start<A, F, E, R>,
  phase: Phase,
  notes: Notes | undefined
): Effect.Effect<LongRunningOperation, HttpCheckError> =>
  Effect.map(readCursor(env, first, fail), (cursor) => ({
    protocol: protocol.name,
    method: request.method,
    url,
    phase,
    notes: notes ?? {},
    ...(cursor === undefined ? {} : { cursor })
  }))

/** Makes errors about an operation that may have been accepted: they say where it is. */
const acceptedFail = (first: OperationAnswer, fail: Fail): Fail => {
  const url = acceptedUrl(first)
  return url === undefined || first.status > 399
    ? fail
    : (reason) => {
        const { method, url: shown } = fail(reason)
        return new HttpCheckError({
          method,
          url: shown,
          reason,
          operation: { url: safeUrl(url), href: Redacted.make(url) }
        })
      }
}

/** The reason of an answer that shows an operation, but not where to check it. */
const unrecognized = ({ content, headers, status }: OperationAnswer, sign: string | undefined): Reason => ({
  _tag: "Unrecognized",
  status,
  body: content,
  sign,
  headers: Object.keys(headers).slice(0, maxHeaders)
})

/** What a first answer has, without what is in it. */
const seen = ({ content, headers }: OperationAnswer): string => {
  const type = content.type ?? (content.kind === "empty" ? "no body" : "no media type")
  return `${type}; headers: ${Object.keys(headers).slice(0, maxHeaders).join(", ")}`
}

const maxHeaders = 32
