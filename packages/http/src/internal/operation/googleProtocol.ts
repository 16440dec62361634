import { isReadonlyObject } from "effect/Predicate"
import { fromBody } from "../../LongRunningFailure.ts"
import type { LongRunningOperation } from "../../LongRunningOperation.ts"
import type { OperationAnswer, Reading } from "../../LongRunningReading.ts"
import { at } from "../json.ts"
import { endOf } from "./answer.ts"
import { resolve } from "./urls.ts"
import { parseUrl } from "../request/urls.ts"

/** The options of `LongRunningProtocol.google`. */
interface Options {
  readonly baseUrl?: string | undefined
  readonly path?: ((name: string) => string) | undefined
  readonly progress?: ((metadata: unknown) => number | undefined) | undefined
}

export const googleProtocol = (options: Options) => ({
  name: "google",
  recognizes: ({ body }: OperationAnswer) => {
    const name = nameIn(body)
    if (name === undefined) return false
    // Other operations have such names too, but a status in place of `done`.
    const isNamed = /(?:^|\/)operations\/[^/]/.test(name) && at(body, "status") === undefined
    return isNamed || typeof at(body, "done") === "boolean"
  },
  start: (first: OperationAnswer): Reading => {
    const reading = judge(first)
    if (reading._tag !== "Pending") return reading
    const name = nameIn(first.body)
    const url = name === undefined ? undefined : urlOf(name, first, options)
    if (name === undefined || url === undefined) {
      return { _tag: "Malformed", issue: 'expected an operation with a "name" that is a path without ".."' }
    }
    return { ...reading, progress: progressOf(reading, options), url, notes: { name } }
  },
  read: (answer: OperationAnswer, _: LongRunningOperation): Reading => {
    const reading = judge(answer)
    return reading._tag === "Pending" ? { ...reading, progress: progressOf(reading, options) } : reading
  }
})

// ---- internal ----

/** The gRPC code CANCELLED. */
const canceled = 1

const judge = ({ body, content }: OperationAnswer): Reading => {
  if (content.kind !== "json") return { _tag: "NotJson" }
  const done = at(body, "done")
  if (!isReadonlyObject(body) || (done !== undefined && typeof done !== "boolean")) {
    return { _tag: "Malformed", issue: 'expected an operation with a boolean or no "done"' }
  }
  if (done !== true) return { _tag: "Pending", metadata: at(body, "metadata") }
  const error = at(body, "error")
  if (!isReadonlyObject(error)) return { _tag: "Succeeded", result: at(body, "response") }
  return at(error, "code") === canceled
    ? endOf("canceled", body, undefined)
    : { _tag: "Failed", failure: fromBody(body) }
}

const progressOf = ({ metadata }: { readonly metadata?: unknown }, { progress }: Options): number | undefined =>
  metadata === undefined ? undefined : progress?.(metadata)

/** The name of an operation; some servers send a bare number. */
const nameIn = (body: unknown): string | undefined => {
  const name = at(body, "name")
  if (typeof name === "number" && Number.isSafeInteger(name)) return String(name)
  return typeof name === "string" && name !== "" ? name : undefined
}

/** Where an operation is checked. A name that is more than a path of its own server is none. */
const urlOf = (name: string, first: OperationAnswer, { baseUrl, path }: Options): string | undefined => {
  const relative = name.replace(/^\//, "")
  if (!isPath(relative)) return undefined
  const base = (baseUrl ?? versioned(first.url)).replace(/\/+$/, "")
  if (path !== undefined) return resolve(path(relative), `${base}/`)
  return resolve(`${base}/${relative.includes("/") ? relative : `operations/${relative}`}`, first.url)
}

/** Whether a name is segments of a path, none of which leads up, is empty or ends the path. */
const isPath = (name: string): boolean =>
  name.length <= 2048 &&
  !/[\\?#\s]|%2e|%2f|%5c|:\/\//i.test(name) &&
  name.split("/").every((segment) => segment !== "" && segment !== "." && segment !== "..")

/** The origin of a URL with the version that its path begins with: `https://h/v1` of `https://h/v1/projects/p`. */
const versioned = (url: string): string => {
  const parsed = parseUrl(url)
  return parsed === undefined ? url : `${parsed.origin}${/^\/v\d\w*(?=[/:]|$)/.exec(parsed.pathname)?.[0] ?? ""}`
}
