import { isReadonlyObject } from "effect/Predicate"
import { fromBody } from "../LongRunningFailure.ts"
import type { OperationAnswer, Reading } from "../LongRunningReading.ts"
import { resolve } from "./operationAnswer.ts"
import { at } from "./json.ts"

export const googleProtocol = (
  baseUrl: string | undefined,
  progress: ((metadata: unknown) => number | undefined) | undefined
) => {
  const judge = ({ body, content }: OperationAnswer): Reading => {
    if (content.kind !== "json") return { _tag: "NotJson" }
    const done = at(body, "done")
    if (!isReadonlyObject(body) || (done !== undefined && typeof done !== "boolean")) {
      return { _tag: "Malformed", issue: 'expected an operation with a boolean or no "done"' }
    }
    if (done !== true) return { _tag: "Pending", metadata: at(body, "metadata") }
    const error = at(body, "error")
    if (!isReadonlyObject(error)) return { _tag: "Succeeded", result: at(body, "response") }
    return at(error, "code") === canceled ? { _tag: "Canceled" } : { _tag: "Failed", failure: fromBody(body) }
  }

  return {
    name: "google",
    recognizes: ({ body }: OperationAnswer) => {
      const name = at(body, "name")
      return typeof name === "string" && /(?:^|\/)operations\/[^/]/.test(name)
    },
    start: (first: OperationAnswer): Reading => {
      const reading = judge(first)
      if (reading._tag !== "Pending") return reading
      const name = at(first.body, "name")
      const base = (baseUrl ?? versioned(first.url)).replace(/\/+$/, "")
      const url =
        typeof name === "string" && name !== "" ? resolve(`${base}/${name.replace(/^\/+/, "")}`, first.url) : undefined
      return url === undefined
        ? { _tag: "Malformed", issue: 'expected an operation with a "name"' }
        : { ...reading, url }
    },
    read: (answer: OperationAnswer): Reading => {
      const reading = judge(answer)
      return reading._tag !== "Pending" || reading.metadata === undefined
        ? reading
        : { ...reading, progress: progress?.(reading.metadata) }
    }
  }
}

// ---- internal ----

/** The gRPC code CANCELLED. */
const canceled = 1

/** The origin of a URL with the version that its path begins with: `https://h/v1` of `https://h/v1/projects/p`. */
const versioned = (url: string): string => /^[^/]*\/\/[^/?#]*(?:\/v\d\w*(?=[/?#:]|$))?/.exec(url)?.[0] ?? url
