import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { HttpClient } from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { CheckResult } from "effect-poll/CheckResult"
import type * as Job from "effect-poll/Job"
import type { TaskKey } from "../../MixpeekKey.ts"
import { CancelUnsupported, type Submission } from "../../MixpeekRequest.ts"
import * as MixpeekStatus from "../../MixpeekStatus.ts"
import * as Path from "../path.ts"
import * as Receipt from "../receipt.ts"
import type { Api } from "./api.ts"

/** Checks one task. */
export const check = (
  api: Api,
  taskId: string
): Effect.Effect<CheckResult<unknown, string>, HttpCheckError, HttpClient> =>
  api.guard.check(HttpCheck.get(api.url(pathOf("/v1/tasks/{taskId}", taskId)), api.statuses.task))

/** Submits work. The key of the receipt contains the resource and the time of submission. */
export const submit = (
  api: Api,
  submission: Submission
): Effect.Effect<Job.Receipt<TaskKey>, HttpCheckError, HttpClient> => {
  const path =
    submission.kind === "batch"
      ? Path.fillOrThrow("Mixpeek: bucketId", api.submitPaths.batch, { bucket_id: submission.bucketId })
      : api.submitPaths[submission.kind]
  return Effect.flatMap(Clock.currentTimeMillis, (submittedAt) =>
    HttpCheck.send(HttpClientRequest.post(api.url(path)), Submitted, { body: submission.body ?? {} }).pipe(
      Receipt.from(({ task_id: taskId, ...ids }): Job.Receipt<TaskKey> => {
        const fallback = { taskType: taskTypes[submission.kind], ids: MixpeekStatus.idsOf(ids) }
        return { key: { taskId, fallback, submittedAt } }
      })
    )
  )
}

/** Asks the server to stop a task. Without a request if the type in the key cannot be killed. */
export const kill = (
  api: Api,
  { fallback, taskId }: TaskKey
): Effect.Effect<void, CancelUnsupported | HttpCheckError, HttpClient> => {
  const unsupported = new CancelUnsupported({ taskId, taskType: fallback?.taskType })
  if (fallback !== undefined && !api.killable.includes(fallback.taskType)) return Effect.fail(unsupported)
  const url = api.url(pathOf("/v1/tasks/{taskId}/kill", taskId))
  return HttpCheck.send(HttpClientRequest.post(url), Schema.Unknown, {
    interpret: ({ body }) =>
      hasProperty(body, "code") && body.code === "cancel_unsupported" ? Effect.fail(unsupported) : undefined
  }).pipe(Effect.asVoid)
}

const pathOf = (template: string, taskId: string): string =>
  Path.fillOrThrow("Mixpeek: key.taskId", template, { taskId })

const taskTypes: { readonly [Kind in Submission["kind"]]: string } = {
  batch: "api_buckets_batches_process",
  cluster: "api_clusters_execute",
  taxonomy: "api_taxonomies_materialize"
}

const Submitted = /*#__PURE__*/ Schema.StructWithRest(/*#__PURE__*/ Schema.Struct({ task_id: Schema.NonEmptyString }), [
  /*#__PURE__*/ Schema.Record(Schema.String, Schema.Unknown)
])
