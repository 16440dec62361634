import * as HttpCheck from "@effect-poll/http/HttpCheck"
import { HttpCheckError, safeUrl } from "@effect-poll/http/HttpCheckError"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { HttpClient } from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { hasProperty } from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { CheckResult } from "effect-poll/CheckResult"
import { keyCodec, type TaskKey } from "../../MixpeekKey.ts"
import type { ListFilter } from "../../MixpeekRequest.ts"
import type { Api } from "./api.ts"

/** Lists the tasks that match a filter. */
export const list = <A>(
  api: Api,
  record: Schema.Codec<A, unknown>,
  filter: ListFilter
): Effect.Effect<ReadonlyArray<A>, HttpCheckError, HttpClient> =>
  HttpCheck.send(HttpClientRequest.post(urlOf(api)), Schema.Struct({ tasks: Schema.Array(record) }), {
    body: {
      task_type: filter.taskTypes,
      status: filter.statuses,
      namespace: filter.namespace,
      created_after: filter.createdAfter === undefined ? undefined : DateTime.formatIso(filter.createdAfter),
      created_before: filter.createdBefore === undefined ? undefined : DateTime.formatIso(filter.createdBefore)
    }
  }).pipe(Effect.map(({ tasks }) => tasks))

/** Checks many tasks with one request for the list, see `Mixpeek.sendMany`. */
export const checkMany = Effect.fnUntraced(function* (
  api: Api,
  keys: ReadonlyArray<TaskKey>
): Effect.fn.Return<
  ReadonlyMap<string, Result.Result<CheckResult<unknown, string>, HttpCheckError>>,
  HttpCheckError,
  HttpClient
> {
  const results = new Map<string, Result.Result<CheckResult<unknown, string>, HttpCheckError>>()
  if (keys.length === 0) return results
  // Before the request, so that an invalid key sends none.
  const encoded = keys.map(keyCodec.encode)
  const now = yield* Clock.currentTimeMillis
  const records = new Map<unknown, unknown>()
  for (const record of yield* list(api, Schema.Unknown, filterOf(keys, now))) {
    if (hasProperty(record, "task_id")) records.set(record.task_id, record)
  }
  const decode = Schema.decodeUnknownEffect(api.statuses.task)
  for (const [index, key] of keys.entries()) {
    const record = records.get(key.taskId)
    if (record === undefined) continue
    const result = yield* decode(record).pipe(
      Effect.mapError(({ message }) => decodeError(urlOf(api), message)),
      Effect.result
    )
    if (Result.isFailure(result) || isComplete(result.success, record, key)) results.set(encoded[index]!, result)
  }
  return results
})

/** The narrowest filter that matches all of the tasks, as far as their types and times of submission are known. */
const filterOf = (keys: ReadonlyArray<TaskKey>, now: number): ListFilter => {
  const types = new Set<string>()
  let [untyped, undated] = [false, false]
  let [oldest, newest] = [Infinity, -Infinity]
  for (const { fallback, submittedAt } of keys) {
    if (fallback === undefined) untyped = true
    else types.add(fallback.taskType)
    if (submittedAt === undefined) undated = true
    oldest = Math.min(oldest, submittedAt ?? now - recordTtlMillis)
    newest = Math.max(newest, submittedAt ?? now)
  }
  return {
    taskTypes: untyped ? undefined : [...types],
    createdAfter: DateTime.makeUnsafe(oldest - clockSkewMillis),
    createdBefore: undated ? undefined : DateTime.makeUnsafe(newest + clockSkewMillis)
  }
}

/** How long the server keeps a record: the window for a task whose time of submission is unknown. */
const recordTtlMillis = 86_400_000

/** How far the clocks of server and client may differ. */
const clockSkewMillis = 300_000

/**
 * Whether a record of the list says as much as the response to a check would. It may lack the result or the reason of an
 * end, or the ids of a pending task that its fallback needs.
 */
const isComplete = (result: CheckResult<unknown, string>, record: unknown, key: TaskKey): boolean => {
  switch (result._tag) {
    case "Succeeded":
      return hasProperty(record, "outputs")
    case "Failed":
      return hasProperty(record, "error_message")
    case "Pending":
      return key.fallback !== undefined || hasProperty(record, "additional_data")
    default:
      return true
  }
}

/** The check error of one record of a list that could be read otherwise. */
const decodeError = (url: string, issue: string): HttpCheckError =>
  new HttpCheckError({ method: "POST", url: safeUrl(url), reason: { _tag: "Decode", status: 200, issue } })

const urlOf = (api: Api): string => api.url("/v1/tasks/list")
