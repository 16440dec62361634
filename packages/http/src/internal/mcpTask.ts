import * as Duration from "effect/Duration"
import { hasProperty } from "effect/Predicate"
import type { Hint } from "effect-poll/CheckResult"
import { fromNumber } from "../HintReader.ts"
import type { Failure, InputRequest } from "../McpTaskError.ts"
import type { Dialect, TaskDetail } from "../McpTaskJob.ts"
import { at, textAt } from "./json.ts"

// What the two dialects put into a task, read into one form.

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
  const ttl = at(json, ttlField)
  const hint = fromNumber(at(json, pollInterval), "millis")
  return {
    taskId: textAt(json, "taskId"),
    status: json.status,
    hint,
    detail: {
      message: textAt(json, "statusMessage"),
      ttlMillis: typeof ttl === "number" && ttl > 0 ? ttl : undefined,
      pollIntervalMillis: hint === undefined || hint === "unreadable" ? undefined : Duration.toMillis(hint),
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

/** The requests of a task that asks for input (the extension); undefined if they are malformed. */
export const inputRequests = ({ body, detail }: Task, taskId: string): ReadonlyArray<InputRequest> | undefined => {
  const requests = at(body, "inputRequests")
  if (typeof requests !== "object" || requests === null || Array.isArray(requests)) return undefined
  return Object.entries(requests).map(([key, request]) => ({
    taskId,
    message: detail.message,
    key,
    method: textAt(request, "method"),
    params: at(request, "params")
  }))
}

export const isToolError = (result: unknown): boolean => at(result, "isError") === true

/** Why a request failed, by its JSON-RPC error, if it has a code. */
export const rpcFailure = (code: number | undefined, error: unknown, message: string | undefined): Failure => {
  const description = textAt(error, "description") ?? textAt(error, "message") ?? ""
  if (code === undefined) return { _tag: "Unexplained", message, toString: () => message ?? "no reason given" }
  const said = `${message ?? description} (code ${code})`.trim()
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
  const texts = (Array.isArray(content) ? content : []).flatMap((each) => textAt(each, "text") ?? [])
  const said = message ?? (texts.join(" ").slice(0, 500) || "the tool says that it failed")
  return { _tag: "ToolError", result, message, toString: () => said }
}

// ---- internal ----

const isPlain = (u: unknown): u is Readonly<Record<string, unknown>> =>
  typeof u === "object" && u !== null && !Array.isArray(u)

/** The second wins; objects are merged. */
const merged = (a: unknown, b: unknown): unknown => {
  if (b === undefined) return a
  if (!isPlain(a) || !isPlain(b)) return b
  const keys = new Set([...Object.keys(a), ...Object.keys(b)])
  return Object.fromEntries([...keys].map((key) => [key, merged(a[key], b[key])]))
}
