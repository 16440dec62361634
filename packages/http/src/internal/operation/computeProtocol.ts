import { isReadonlyObject } from "effect/Predicate"
import type { LongRunningOperation } from "../../LongRunningOperation.ts"
import type { OperationAnswer, Reading } from "../../LongRunningReading.ts"
import { at, textAt } from "../json.ts"
import { endOf, knownWords } from "./answer.ts"
import { resolve } from "./urls.ts"
import { commonMeaning, cut } from "./stateWords.ts"

/** The options of `LongRunningProtocol.compute`. */
interface Options {
  readonly result?: "operation" | "target" | undefined
}

export const computeProtocol = ({ result = "operation" }: Options) => ({
  name: "compute",
  recognizes: ({ body }: OperationAnswer) => {
    const kind = at(body, "kind")
    const self = at(body, "selfLink")
    const isOperation = typeof kind === "string" && kind.endsWith("#operation")
    return (
      textAt(body, "status") !== undefined &&
      (isOperation || (typeof self === "string" && /\/operations\/[^/]/.test(self)))
    )
  },
  start: (first: OperationAnswer): Reading => {
    const reading = judge(first, result)
    if (reading._tag !== "Pending" && reading._tag !== "UnknownState") return reading
    const url = resolve(at(first.body, "selfLink"), first.url)
    return url === undefined
      ? { _tag: "Malformed", issue: 'expected an operation with a "selfLink"' }
      : { ...reading, url }
  },
  read: (answer: OperationAnswer, _: LongRunningOperation): Reading => judge(answer, result)
})

// ---- internal ----

const judge = ({ body, content, url, words }: OperationAnswer, result: Options["result"]): Reading => {
  if (content.kind !== "json") return { _tag: "NotJson" }
  const status = textAt(body, "status")
  if (status === undefined) return { _tag: "Malformed", issue: 'expected an operation with a "status"' }
  const meaning = commonMeaning(status, words ?? knownWords)
  const state = cut(status)
  switch (meaning) {
    case undefined:
      return { _tag: "UnknownState", state }
    case "pending":
      return { _tag: "Pending", state, progress: progressIn(body) }
    case "succeeded": {
      if (hasFailed(body)) return endOf("failed", body, state)
      const target = result === "target" ? resolve(at(body, "targetLink"), url) : undefined
      return target === undefined
        ? { _tag: "Succeeded", result: body, state }
        : { _tag: "SucceededAt", urls: [target], state }
    }
    default:
      return endOf(meaning, body, state)
  }
}

const hasFailed = (body: unknown): boolean => {
  const status = at(body, "httpErrorStatusCode")
  return isReadonlyObject(at(body, "error")) || (typeof status === "number" && status >= 400)
}

/** `progress` of 0..100. */
const progressIn = (body: unknown): number | undefined => {
  const progress = at(body, "progress")
  return typeof progress === "number" ? progress / 100 : undefined
}
