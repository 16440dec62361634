import * as Effect from "effect/Effect"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Result from "effect/Result"
import type { Schedule } from "effect/Schedule"
import type * as Schema from "effect/Schema"
import type { CheckContext } from "effect-poll/CheckContext"
import * as CheckResult from "effect-poll/CheckResult"
import * as Status from "effect-poll/Status"
import type { HttpAnswer } from "../../HttpAnswer.ts"
import type { HttpCheckError, Reader } from "../../HttpCheckError.ts"
import type { Interpret } from "../../Interpretation.ts"
import type { LongRunningFailure } from "../../LongRunningFailure.ts"
import type { LongRunningOperation } from "../../LongRunningOperation.ts"
import type { Protocol } from "../../LongRunningProtocol.ts"
import type { AsResult, Meaning, OperationAnswer } from "../../LongRunningReading.ts"
import { decodeWith, type Fail, type ReceivedAnswer, statusReason } from "../request/httpRequest.ts"
import { readerReason, readWith } from "../answer/interpretation.ts"
import { replaceAt } from "./signs.ts"
import { resolve } from "./urls.ts"
import * as origins from "../request/origins.ts"
import type { Readers } from "../answer/checkReading.ts"
import type { RequestPolicy } from "../request/requestPolicy.ts"
import { isThrottled } from "../answer/throttling.ts"
import { parseUrl } from "../request/urls.ts"

// What all requests of a job of operations go by, and what they do alike.

/** The options of a job, checked, with their types united. */
export interface Environment<A, F, E, R> {
  readonly protocols: ReadonlyArray<Protocol>
  /** Whole seconds for which a server should hold a request back. */
  readonly prefer: number | undefined
  readonly policy: RequestPolicy
  readonly decode: (result: unknown) => Effect.Effect<A, Schema.SchemaError, R>
  /** Whether there is a Schema of the result. */
  readonly hasSchema: boolean
  readonly words: ReadonlyMap<string, Meaning> | undefined
  readonly interpret: Interpret<A, F, E, R> | undefined
  readonly ending: ((result: A, answer: HttpAnswer) => CheckResult.CheckResult<A, F> | undefined) | undefined
  readonly check: MakeRequest | undefined
  readonly fetchResult: MakeRequest | undefined
  readonly cursor: ((answer: HttpAnswer) => string | undefined) | undefined
  readonly checkUrl: ((answer: HttpAnswer) => unknown) | undefined
  readonly rebase: ((url: string) => string) | undefined
  /** What reads the hint and the server's words from every answer. */
  readonly readers: Readers
  readonly treatAs: ((word: string) => Status.Status<A, F | LongRunningFailure>) | undefined
  readonly resend: Schedule<unknown, HttpCheckError> | undefined
}

/** Makes a request about an operation. */
export type MakeRequest = (
  operation: LongRunningOperation,
  context: CheckContext
) => HttpClientRequest.HttpClientRequest | undefined

export type Checked<A, F> = CheckResult.CheckResult<A, F | LongRunningFailure>

/** Runs a function of the user's; what it throws is a permanent error that names the option. */
export const call = <A>(option: Reader["reader"], run: () => A, fail: Fail): Effect.Effect<A, HttpCheckError> =>
  readWith(option, run, fail)

/** An answer, for a protocol. `asked` is the URL of the request, which counts where the client does not report one. */
export const operationAnswer = <A, F, E, R>(
  { checkUrl, words }: Environment<A, F, E, R>,
  answer: ReceivedAnswer,
  method: string,
  asked: string,
  fail: Fail
): Effect.Effect<OperationAnswer, HttpCheckError> => {
  const url = answer.url === "" ? asked : answer.url
  const received: OperationAnswer = { ...answer, method, url, words }
  if (checkUrl === undefined) return Effect.succeed(received)
  return Effect.map(
    call("checkUrl", () => resolve(checkUrl(received), url), fail),
    (named) => ({ ...received, checkUrl: named })
  )
}

/** The protocol that recognizes a first answer; the last one takes what is left. */
export const choose = (protocols: ReadonlyArray<Protocol>, first: OperationAnswer): Protocol =>
  protocols.find(({ recognizes }, index) => index === protocols.length - 1 || recognizes?.(first) !== false)!

/** What the option `cursor` reads from an answer. */
export const readCursor = <A, F, E, R>(
  { cursor }: Environment<A, F, E, R>,
  answer: HttpAnswer,
  fail: Fail
): Effect.Effect<string | undefined, HttpCheckError> =>
  cursor === undefined ? Effect.undefined : call("cursor", () => cursor(answer), fail)

/** A URL that a server named, rebased, if the rule of `RequestOptions` allows to ask it. */
export const follow = <A, F, E, R>(
  { policy, rebase }: Environment<A, F, E, R>,
  named: string,
  home: string,
  from: string,
  fail: Fail
): Effect.Effect<string, HttpCheckError> =>
  Effect.flatMap(rebase === undefined ? Effect.succeed(named) : call("rebase", () => rebase(named), fail), (url) => {
    const owner = parseUrl(home)
    const base = rebase === undefined ? parseUrl(from) : owner
    if (owner === undefined || base === undefined) return Effect.fail(fail({ _tag: "InvalidRequest", part: "url" }))
    const followed = origins.follow(policy.origins, owner, base, url)
    return Result.isSuccess(followed) ? Effect.succeed(followed.success.href) : Effect.fail(fail(followed.failure))
  })

/** The ending for a result, or for a body that the Schema rejects an error. */
export const succeed = <A, F, E, R>(
  { decode, ending }: Environment<A, F, E, R>,
  body: unknown,
  state: string | undefined,
  answer: OperationAnswer,
  fail: Fail
): Effect.Effect<Checked<A, F>, HttpCheckError, R> =>
  Effect.flatMap(decodeWith(decode, { body, status: answer.status }, fail), (result) =>
    ending === undefined
      ? Effect.succeed(Status.succeeded(result, { state }))
      : Effect.flatMap(
          call("ending", () => ending(result, answer), fail),
          (ended): Effect.Effect<Checked<A, F>, HttpCheckError> =>
            ended === undefined || CheckResult.isCheckResult(ended)
              ? Effect.succeed(ended ?? Status.succeeded(result, { state }))
              : Effect.fail(fail(notAResult("ending", "CheckResult")))
        )
  )

/** Whether the Schema of the result lists the word at a path: it takes the body, but with no other word. */
export const lists = <A, F, E, R>(
  { decode, hasSchema }: Environment<A, F, E, R>,
  asResult: AsResult | undefined
): Effect.Effect<boolean, never, R> => {
  if (!hasSchema || asResult === undefined) return Effect.succeed(false)
  const { body, path } = asResult
  const takes = (u: unknown) => Effect.matchEffect(decode(u), { onFailure: () => no, onSuccess: () => yes })
  // Who expects a list takes an empty one, too.
  if (typeof path[0] === "number") {
    const isList = Effect.zipWith(takes([]), takes(otherWord), (empty, text) => empty && !text)
    return Effect.flatMap(takes(body), (taken) => (taken ? isList : no))
  }
  return Effect.flatMap(takes(body), (taken) =>
    taken ? Effect.map(takes(replaceAt(body, path, otherWord)), (other) => !other) : no
  )
}

/** The error of an answer that is no 2xx. */
export const refusal = (answer: ReceivedAnswer, fail: Fail): HttpCheckError =>
  fail(statusReason(answer, isThrottled(answer) ? "throttled" : undefined))

/** Keeps the requested delay of an answer with what it said. */
export const hinted = <A, F>(result: CheckResult.CheckResult<A, F>, answer: ReceivedAnswer): typeof result =>
  answer.hint === undefined ? result : CheckResult.withHint(result, answer.hint)

/** The status of an operation that runs. Where it is checked stands in the cursor. */
export const pending = ({
  metadata,
  progress,
  state
}: {
  readonly metadata?: unknown
  readonly progress?: number | undefined
  readonly state?: string | undefined
}): Status.Pending => Status.pending({ state, progress, detail: metadata === undefined ? undefined : { metadata } })

export const decodeReason = (issue: string, { status }: { readonly status: number }) =>
  ({ _tag: "Decode", status, issue }) as const

/** The reason of an error about an option whose function yielded what it must not. */
export const notAResult = (option: Reader["reader"], expected: string): Reader =>
  readerReason(option, new TypeError(`it yielded no ${expected}`))

// ---- internal ----

const otherWord = "~effect-poll/another-word"

const yes = Effect.succeed(true)
const no = Effect.succeed(false)
