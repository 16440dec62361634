import type { Meaning, OperationAnswer, Reading } from "../../LongRunningReading.ts"
import * as LongRunningFailure from "../../LongRunningFailure.ts"
import { at } from "../json.ts"
import { commonWords } from "./stateWords.ts"
import { type Sign, signIn } from "./signs.ts"
import { checkUrlOf, headerUrl, namedUrl, urlIn } from "./urls.ts"

// What all protocols read from an answer in the same way.

/** The words that an answer is read by which no protocol recognizes. */
export const knownWords: ReadonlyMap<string, Meaning> = /*#__PURE__*/ new Map(Object.entries(commonWords))

/** What an answer to a check shows of its operation; undefined if it shows nothing, or a success. */
export const shownIn = (answer: OperationAnswer): Reading | undefined => {
  const sign = signIn(answer.body, answer.words ?? knownWords)
  const moved = movedUrl(answer)
  if (sign === undefined)
    return moved === undefined || isSamePath(moved, answer) ? undefined : { _tag: "Pending", url: moved }
  return sign.meaning === "succeeded" ? undefined : readingOf(sign, answer, urlIn(answer, "location") ?? moved)
}

/** The body of an answer as the result, unless it shows an operation that has not succeeded. */
export const resultOf = (answer: OperationAnswer): Reading => {
  if (answer.content.kind === "other") return { _tag: "NotJson" }
  const shown = shownIn(answer)
  // A 303 leads to a result, whatever words it has of its own.
  const isResult = shown === undefined || (answer.seeOther === true && shown._tag === "UnknownState")
  if (!isResult) return shown
  return answer.status === 204
    ? { _tag: "Succeeded", result: undefined, unlessDue: "HTTP 204" }
    : { _tag: "Succeeded", result: answer.body }
}

/** What a first answer with a status of 200..299 says where no protocol recognizes it, but for 202. */
export const firstResultOf = (answer: OperationAnswer): Reading => {
  if (answer.content.kind === "other") return { _tag: "NotJson" }
  const sign = signIn(answer.body, answer.words ?? knownWords)
  if (sign === undefined) {
    const monitor = answer.status === 204 ? undefined : namedUrl(answer)
    return monitor === undefined ? { _tag: "Succeeded", result: answer.body } : { _tag: "Pending", url: monitor }
  }
  if (sign.meaning === "succeeded") return { _tag: "Succeeded", result: answer.body, state: sign.word }
  const url = checkUrlOf(answer)
  return sign.meaning === "pending" && url === undefined
    ? { _tag: "Unrecognized", sign: sign.shown, ...asWeakResult(sign, answer) }
    : readingOf(sign, answer, url)
}

/** What a sign says, of an operation that is checked at `url` from now on. */
export const readingOf = (sign: Sign, answer: OperationAnswer, url: string | undefined): Reading => {
  const state = sign.word
  switch (sign.meaning) {
    case "pending":
      return { _tag: "Pending", state, progress: progressIn(answer.body), url, ...asWeakResult(sign, answer) }
    case "unknown":
      return { _tag: "UnknownState", state: sign.word!, url, ...asResult(sign, answer) }
    case "succeeded":
      return { _tag: "Succeeded", result: answer.body, state }
    default:
      return { ...endOf(sign.meaning, answer.body, state), ...asWeakResult(sign, answer) }
  }
}

/** An end that is no success, with what the body says of it. */
export const endOf = (
  meaning: "failed" | "canceled" | "expired",
  body: unknown,
  state: string | undefined
): Reading => {
  if (meaning === "failed") return { _tag: "Failed", failure: LongRunningFailure.fromBody(body), state }
  const reason = reasonIn(body)
  const partial = partialIn(body)
  return {
    _tag: meaning === "canceled" ? "Canceled" : "Expired",
    state,
    ...(reason === undefined ? {} : { reason }),
    ...(partial === undefined ? {} : { partial })
  }
}

/** An operation that was accepted, but could never be found again. */
export const noCheckUrl = (...headers: ReadonlyArray<string>): Reading => ({
  _tag: "Malformed",
  issue: `an accepted operation must say where it is checked: ${headers.join(", ")}`
})

/** The progress in `percentComplete` and similar fields, from 0..100 to 0..1. */
export const progressIn = (body: unknown): number | undefined => {
  for (const name of ["percentComplete", "percent_complete", "progressPercent", "progress_percent", "percent"]) {
    const percent = at(body, name)
    if (typeof percent === "number") return percent / 100
  }
  return undefined
}

// ---- internal ----

const asResult = ({ path }: Sign, { body }: OperationAnswer) => ({ asResult: { body, path } })

const asWeakResult = (sign: Sign, answer: OperationAnswer) => (sign.isWeak === true ? asResult(sign, answer) : {})

/** The URL of a monitor that a later answer names, if it is another one. */
const movedUrl = (answer: OperationAnswer): string | undefined => {
  const url = namedUrl(answer)
  return url === answer.url ? undefined : url
}

/** A result names where it was checked as well, with a query of its own at times. */
const isSamePath = (url: string, answer: OperationAnswer): boolean =>
  answer.checkUrl === undefined && headerUrl(answer) === undefined && bare(url) === bare(answer.url)

const bare = (url: string): string => url.replace(/[?#].*$/s, "")

/** Why an operation was canceled or expired, in the server's words. */
const reasonIn = (body: unknown): string | undefined => {
  const failure = LongRunningFailure.fromBody(body)
  return failure.code === undefined && failure.message === undefined ? undefined : String(failure)
}

const partialFields = ["response", "result", "results", "output", "outputs", "partial", "partialResults"]

/** What an operation had made before its end. */
const partialIn = (body: unknown): unknown => {
  for (const holder of [body, at(body, "properties")]) {
    for (const name of partialFields) {
      const found = at(holder, name)
      if (found !== undefined && found !== null) return found
    }
  }
  return undefined
}
