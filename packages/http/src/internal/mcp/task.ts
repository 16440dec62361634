import * as Duration from "effect/Duration"
import { hasProperty } from "effect/Predicate"
import type { CheckResult, Hint } from "effect-poll/CheckResult"
import type { Action } from "effect-poll/Status"
import { fromNumber } from "../../HintReader.ts"
import type { Failure, InputRequest } from "../../McpTaskError.ts"
import type { Dialect, TaskDetail } from "../../McpTaskJob.ts"
import { at, textAt } from "../json.ts"
import * as text from "../text.ts"

// What the two dialects put into a task, read into one form. Texts of the server are cut, numbers clamped.

/** How many requests for input a task may have open at once. */
export const maxInputs = 16

/** The longest id of a task, and the longest key of a request for input, in characters. */
const maxIdLength = 1_024

/** The longest state word, and the longest words of the server about a task. */
const maxStateLength = 200
const maxTextLength = 1_000

/** The longest requested delay, and the longest time to live. */
const maxPollIntervalMillis = 24 * 3_600_000
const maxTtlMillis = 365 * 24 * 3_600_000

/** What `interpret` made of an answer, in place of the `result` of a `Call`. */
export class InterpretedAnswer {
  readonly result: CheckResult<never, Failure>
  constructor(result: CheckResult<never, Failure>) {
    this.result = result
  }
}

/** A text about an answer in one line, cut. */
export const oneLine = (issue: string): string => text.cut(issue.replace(/\s+/g, " "), maxTextLength)

export interface Task {
  readonly taskId: string | undefined
  readonly status: string
  readonly hint: Hint | undefined
  readonly detail: TaskDetail
  /** What stands in the task itself (the extension). */
  readonly body: object
}

/** What every request says under the extension: that we know of tasks. */
const capability = {
  "io.modelcontextprotocol/clientCapabilities": { extensions: { "io.modelcontextprotocol/tasks": {} } }
}

/** The parameters of a request in a dialect. */
export const paramsIn = (dialect: Dialect, params: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  dialect === "extension" ? withMeta(params, capability) : { ...params }

/** Adds to the `_meta` of parameters what they do not say themselves, objects merged. */
export const withMeta = (
  params: Readonly<Record<string, unknown>>,
  meta: Readonly<Record<string, unknown>>
): Record<string, unknown> => ({ ...params, _meta: merged(meta, params["_meta"]) })

/** Reads a task; undefined if there is none in it. */
export const taskIn = (dialect: Dialect, json: unknown): Task | undefined => {
  if (!hasProperty(json, "status") || typeof json.status !== "string") return undefined
  const [ttlField, pollInterval] = dialect === "extension" ? ["ttlMs", "pollIntervalMs"] : ["ttl", "pollInterval"]
  const taskId = textAt(json, "taskId")
  const ttlMillis = millisIn(fromNumber(at(json, ttlField), "millis"), maxTtlMillis)
  const read = fromNumber(at(json, pollInterval), "millis")
  const pollIntervalMillis = millisIn(read, maxPollIntervalMillis)
  return {
    taskId: taskId !== undefined && taskId.length <= maxIdLength ? taskId : undefined,
    status: text.cut(json.status, maxStateLength),
    hint: pollIntervalMillis === undefined ? read : Duration.millis(pollIntervalMillis),
    detail: {
      message: cutTextAt(json, "statusMessage"),
      ttlMillis: ttlMillis === 0 ? undefined : ttlMillis,
      pollIntervalMillis,
      input: undefined
    },
    body: json
  }
}

/** All that is known of a request for input where a task does not say more (2025-11-25). */
export const someRequest = ({ detail }: Task, taskId: string): InputRequest => ({
  taskId,
  message: detail.message,
  key: undefined,
  method: undefined,
  params: undefined
})

/**
 * The requests of a task that asks for input (the extension); undefined if they are malformed, and their number if there
 * are too many.
 */
export const inputRequests = (
  { body, detail }: Task,
  taskId: string
): ReadonlyArray<InputRequest> | number | undefined => {
  const requests = at(body, "inputRequests")
  if (typeof requests !== "object" || requests === null || Array.isArray(requests)) return undefined
  const entries = Object.entries(requests)
  if (entries.length > maxInputs) return entries.length
  if (entries.some(([key]) => key.length > maxIdLength)) return undefined
  return entries.map(([key, request]) => ({
    taskId,
    message: detail.message,
    key,
    method: cutTextAt(request, "method"),
    params: at(request, "params")
  }))
}

/**
 * What a task waits for, as an action: other requests are another one. A task of 2025-11-25 does not say what it asks
 * for, so the time at which it began to wait identifies its action.
 */
export const actionOf = ({ body, detail }: Task, requests: ReadonlyArray<InputRequest>): Action | undefined => {
  const [first] = requests
  if (first === undefined) return undefined
  const keys = requests.flatMap(({ key }) => key ?? []).toSorted()
  const id = keys.length === 0 ? [cutTextAt(body, "lastUpdatedAt"), detail.message] : keys
  const kind = requests.every(({ method }) => method === first.method) ? first.method : undefined
  return { id: JSON.stringify(id), kind, detail: requests }
}

export const isToolError = (result: unknown): boolean => at(result, "isError") === true

/** Why a request failed, by its JSON-RPC error, if it has a code. */
export const rpcFailure = (code: number | undefined, error: unknown, message: string | undefined): Failure => {
  const description = cutTextAt(error, "description") ?? cutTextAt(error, "message") ?? ""
  if (code === undefined)
    return { _tag: "Unexplained", message, toString: () => text.escape(message ?? "no reason given") }
  const said = text.escape(`${message ?? description} (code ${code})`.trim())
  return {
    _tag: "RequestError",
    code,
    description,
    data: at(error, "data"),
    message,
    toString: () => said
  }
}

export const toolFailure = (result: unknown, message: string | undefined): Failure => {
  const content = at(result, "content")
  const texts = (Array.isArray(content) ? content : [])
    .slice(0, maxInputs)
    .flatMap((each) => cutTextAt(each, "text") ?? [])
  const said = text.escape(message ?? (text.cut(texts.join(" "), 500) || "the tool says that it failed"))
  return { _tag: "ToolError", result, message, toString: () => said }
}

// ---- internal ----

const cutTextAt = (json: unknown, name: string): string | undefined => {
  const found = textAt(json, name)
  return found === undefined ? undefined : text.cut(found, maxTextLength)
}

const millisIn = (hint: Hint | undefined, maxMillis: number): number | undefined =>
  hint === undefined || hint === "unreadable" ? undefined : Math.min(maxMillis, Duration.toMillis(hint))

const isPlain = (u: unknown): u is Readonly<Record<string, unknown>> =>
  typeof u === "object" && u !== null && !Array.isArray(u)

/** The second wins; objects are merged. */
const merged = (a: unknown, b: unknown): unknown => {
  if (b === undefined) return a
  if (!isPlain(a) || !isPlain(b)) return b
  const keys = new Set([...Object.keys(a), ...Object.keys(b)])
  return Object.fromEntries([...keys].map((key) => [key, merged(a[key], b[key])]))
}
