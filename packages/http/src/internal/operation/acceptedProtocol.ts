import type { OperationAnswer, Reading } from "../../LongRunningReading.ts"
import { firstResultOf, knownWords, noCheckUrl, readingOf, resultOf } from "./answer.ts"
import { type Sign, signIn } from "./signs.ts"
import { checkUrlOf, urlIn } from "./urls.ts"

export const acceptedProtocol = {
  name: "accepted",
  start: (first: OperationAnswer): Reading => {
    if (first.status === 303) {
      const url = urlIn(first, "location")
      return url === undefined ? noCheckUrl("Location") : { _tag: "Pending", url }
    }
    if (first.status === 202) return startAccepted(first)
    const url = urlIn(first, "location")
    const isEmpty = first.content.kind === "empty" && first.status !== 204 && url !== undefined
    if (!isEmpty) return firstResultOf(first)
    // What was created may still be in the making.
    return first.status === 201 ? { _tag: "SucceededAt", urls: [url], unconfirmed: true } : { _tag: "Pending", url }
  },
  read: (answer: OperationAnswer): Reading => {
    if (answer.status !== 202) return resultOf(answer)
    const sign = signOf(answer)
    const url = urlIn(answer, "location")
    return sign === undefined || !isEnd(sign) ? pending(sign, answer, url) : readingOf(sign, answer, url)
  }
}

// ---- internal ----

const startAccepted = (first: OperationAnswer): Reading => {
  const sign = signOf(first)
  const url = checkUrlOf(first)
  if (sign !== undefined && isEnd(sign)) return readingOf(sign, first, url)
  if (url !== undefined) return pending(sign, first, url)
  return sign === undefined ? noCheckUrl("Location", "Content-Location") : { _tag: "Unrecognized", sign: sign.shown }
}

/** What a 202 shows is no result, whatever a Schema lists. */
const signOf = ({ body, words }: OperationAnswer): Sign | undefined => {
  const sign = signIn(body, words ?? knownWords)
  return sign === undefined ? undefined : { ...sign, isWeak: false }
}

/** A 202 says that the operation runs: a success in its body is that of the request. */
const isEnd = ({ meaning }: Sign): boolean => meaning === "failed" || meaning === "canceled" || meaning === "expired"

const pending = (sign: Sign | undefined, answer: OperationAnswer, url: string | undefined): Reading =>
  sign === undefined || sign.meaning === "succeeded"
    ? { _tag: "Pending", url }
    : readingOf({ ...sign, meaning: "pending" }, answer, url)
