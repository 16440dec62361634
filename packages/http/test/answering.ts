import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Status from "effect-poll/Status"

/** A client that gives this answer to every request, and notes what it was asked. */
export const answering = (
  answer: (request: HttpClientRequest.HttpClientRequest) => Response | HttpClientError.HttpClientError
) => {
  const requests: Array<HttpClientRequest.HttpClientRequest> = []
  const client = HttpClient.make((request) => {
    requests.push(request)
    const given = answer(request)
    return given instanceof Response ? Effect.succeed(HttpClientResponse.fromWeb(request, given)) : Effect.fail(given)
  })
  return { requests, provide: Effect.provideService(HttpClient.HttpClient, client) }
}

/** What a check finds or fails with, in a few words: `Pending busy | 7000`, `Throttled | GET http://h/: 429`. */
export const inWords = <A, F, E extends { readonly message: string } | string, R>(
  check: Effect.Effect<CheckResult.CheckResult<A, F>, E, R>
): Effect.Effect<string, never, R> =>
  Effect.match(check, {
    onFailure: (error) => {
      const kind = CheckError.kindOf(error)
      return [
        kind._tag,
        ...hintInWords(kind._tag === "Permanent" ? undefined : kind.retryAfter),
        typeof error === "string" ? error : error.message
      ].join(" | ")
    },
    onSuccess: (result) =>
      [
        resultInWords(CheckResult.unannotated(result)),
        ...(result._tag === "Annotated" ? hintInWords(result.hint) : []),
        ...(result._tag === "Annotated" && result.run !== undefined ? [`run ${JSON.stringify(result.run)}`] : [])
      ].join(" | ")
  })

const resultInWords = (found: CheckResult.Unannotated<unknown, unknown>): string => {
  if (found._tag === "UnknownState") return `UnknownState ${found.state}`
  if (found._tag === "Missing") return found.times === 1 ? "Missing" : `Missing ${found.times}`
  return Status.isStatus(found) ? Status.describe(found) : found._tag
}

const hintInWords = (hint: CheckResult.Hint | undefined): ReadonlyArray<string> =>
  hint === undefined ? [] : [hint === "unreadable" ? hint : String(Duration.toMillis(hint))]
