import { isReadonlyObject } from "effect/Predicate"
import { fromBody } from "../LongRunningFailure.ts"
import type { LongRunningOperation } from "../LongRunningOperation.ts"
import type { OperationAnswer, Reading } from "../LongRunningReading.ts"
import { at, textAt } from "./json.ts"
import { resolve } from "./operationUrls.ts"
import { plain } from "./stateWords.ts"

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
    return statusOf(body) !== undefined && (isOperation || (typeof self === "string" && /\/operations\/[^/]/.test(self)))
  },
  start: (first: OperationAnswer): Reading => {
    const reading = judge(first, result)
    if (reading._tag !== "Pending" && reading._tag !== "UnknownState") return reading
    const url = resolve(at(first.body, "selfLink"), first.url)
    return url === undefined ? { _tag: "Malformed", issue: 'expected an operation with a "selfLink"' } : { ...reading, url }
  },
  read: (answer: OperationAnswer, _: LongRunningOperation): Reading => judge(answer, result)
})

// ---- internal ----

const statusOf = (body: unknown): string | undefined => {
  const status = textAt(body, "status")
  return status === undefined ? undefined : plain(status)
}

const judge = ({ body, content, url }: OperationAnswer, result: Options["result"]): Reading => {
  if (content.kind !== "json") return { _tag: "NotJson" }
  const status = statusOf(body)
  const state = textAt(body, "status")
  switch (status) {
    case undefined:
      return { _tag: "Malformed", issue: 'expected an operation with a "status"' }
    case "done": {
      if (hasFailed(body)) return { _tag: "Failed", failure: fromBody(body), state }
      const target = result === "target" ? resolve(at(body, "targetLink"), url) : undefined
      return target === undefined
        ? { _tag: "Succeeded", result: body, state }
        : { _tag: "SucceededAt", urls: [target], state }
    }
    case "pending":
    case "running":
    case "waiting":
    case "aborting":
      return { _tag: "Pending", state, progress: progressIn(body) }
    default:
      return { _tag: "UnknownState", state: state! }
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
