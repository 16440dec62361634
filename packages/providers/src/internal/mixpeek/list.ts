import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { HttpClient } from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { CheckResult } from "effect-poll/CheckResult"
import type { CheckManyAnswer } from "effect-poll/Job"
import { keyCodec, type TaskKey } from "../../MixpeekKey.ts"
import type { ListFilter } from "../../MixpeekRequest.ts"
import * as MixpeekStatus from "../../MixpeekStatus.ts"
import type { Api } from "./api.ts"

/** Lists the tasks that match a filter. */
export const list = (
  api: Api,
  filter: ListFilter
): Effect.Effect<ReadonlyArray<MixpeekStatus.TaskRecord>, HttpCheckError, HttpClient> =>
  HttpCheck.send(requestOf(api, filter), Tasks).pipe(Effect.map(({ value }) => value.tasks))

/** Checks many tasks with one request for the list, see `Mixpeek.sendMany`. */
export const checkMany = (
  api: Api
): ((
  keys: ReadonlyArray<TaskKey>
) => Effect.Effect<CheckManyAnswer<unknown, string, HttpCheckError>, HttpCheckError, HttpClient>) => {
  const check = HttpCheck.list(
    (keys: ReadonlyArray<TaskKey>) => Effect.map(Clock.currentTimeMillis, (now) => requestOf(api, filterOf(keys, now))),
    {
      items: "tasks",
      key: "task_id",
      status: api.statuses.task,
      keys: { encode: keyCodec.encode, idOf: ({ taskId }) => taskId },
      isComplete
    }
  )
  return (keys) => check(keys, new Map())
}

const Tasks = /*#__PURE__*/ Schema.Struct({ tasks: /*#__PURE__*/ Schema.Array(MixpeekStatus.TaskRecord) })

const requestOf = (api: Api, filter: ListFilter): HttpClientRequest.HttpClientRequest =>
  HttpClientRequest.post(api.url("/v1/tasks/list")).pipe(
    HttpClientRequest.bodyJsonUnsafe({
      task_type: filter.taskTypes,
      status: filter.statuses,
      namespace: filter.namespace,
      created_after: filter.createdAfter === undefined ? undefined : DateTime.formatIso(filter.createdAfter),
      created_before: filter.createdBefore === undefined ? undefined : DateTime.formatIso(filter.createdBefore)
    })
  )

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
const isComplete = (record: unknown, key: TaskKey, result: CheckResult<unknown, string>): boolean => {
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
