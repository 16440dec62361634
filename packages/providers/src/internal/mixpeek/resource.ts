import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as Effect from "effect/Effect"
import type { HttpClient } from "effect/http/HttpClient"
import * as CheckResult from "effect-poll/CheckResult"
import type { Status } from "effect-poll/Status"
import type { Resource, TaskKey } from "../../MixpeekKey.ts"
import * as MixpeekStatus from "../../MixpeekStatus.ts"
import * as Path from "../path.ts"
import type { Api } from "./api.ts"

/** Checks a resource; one whose path is unknown, or lacks an id, is missing. */
export const check = (
  api: Api,
  resource: Resource
): Effect.Effect<CheckResult.CheckResult<unknown, string>, HttpCheckError, HttpClient> => {
  const path = pathOf(api, resource)
  return path === undefined
    ? Effect.succeed(CheckResult.missing)
    : api.guard.check(HttpCheck.get(api.url(path), api.statuses.resource(resource.taskType)))
}

/** The resource behind a task, from its key and from its last status; undefined if its path cannot be filled. */
export const locate = (
  api: Api,
  { fallback }: TaskKey,
  last: Status<unknown, unknown> | undefined
): Resource | undefined => {
  const reported = last === undefined ? undefined : MixpeekStatus.detailOf(last)
  const taskType = fallback?.taskType ?? reported?.taskType
  if (taskType === undefined) return undefined
  const resource: Resource = { taskType, ids: { ...reported?.ids, ...fallback?.ids } }
  return pathOf(api, resource) === undefined ? undefined : resource
}

/** The path of a resource; undefined if its type has none, or if an id is missing. */
export const pathOf = ({ resourcePaths }: Api, { ids, taskType }: Resource): string | undefined => {
  const template = Object.hasOwn(resourcePaths, taskType) ? resourcePaths[taskType] : undefined
  return template === undefined ? undefined : Path.fill(template, ids)
}
