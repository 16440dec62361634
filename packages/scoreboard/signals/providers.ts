// The providers: their own checks and Schemas, with one simulated server for all of them.
import type * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { CheckContext } from "effect-poll/CheckContext"
import type { CheckResult } from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Strategy from "effect-poll/Strategy"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as AsyncQueue from "@effect-poll/providers/AsyncQueue"
import * as EventPlatform from "@effect-poll/providers/EventPlatform"
import * as GenerationApi from "@effect-poll/providers/GenerationApi"
import * as JobStatus from "@effect-poll/providers/JobStatus"
import * as Mixpeek from "@effect-poll/providers/Mixpeek"

export interface Provider {
  readonly name: string
  readonly job: SimulatedProviderJob
  /** The documented strategy, without limits that would end the wait before the job. */
  readonly documented: Strategy.Strategy
  /** What the server answers about a job. */
  readonly answer: (id: string, isOver: boolean) => object
  /** The result that the answer stands for. */
  readonly result: (id: string) => unknown
}

export type SimulatedProviderJob = Job.Job<string, unknown, unknown, HttpCheckError, HttpClient.HttpClient> &
  Job.WithCodecs<string, unknown, unknown>

const baseUrl = "https://provider.example"

/** A job with the check of a provider, by the bare id of the task. */
const jobOf = (
  name: string,
  check: (
    id: string,
    context: CheckContext
  ) => Effect.Effect<CheckResult<unknown, unknown>, HttpCheckError, HttpClient.HttpClient>
): SimulatedProviderJob =>
  Job.withCodecs(Job.make(name, { check }), { success: Schema.Unknown, failure: Schema.Unknown })

/** Every 5 seconds, after 5 seconds. It is the only provider here that has signals of its own. */
export const asyncQueue: Provider = {
  name: "AsyncQueue",
  job: jobOf("AsyncQueue", AsyncQueue.make({ baseUrl }).tasks.check),
  documented: AsyncQueue.strategy,
  answer: (id, isOver) => (isOver ? { id, status: "completed", result: id } : { id, status: "processing" }),
  result: (id) => id
}

/** Every 2 seconds. The documented limit of 30 checks is left out: these jobs take longer than a minute. */
export const jobStatus: Provider = {
  name: "JobStatus",
  job: jobOf("JobStatus", JobStatus.make({ baseUrl }).check),
  documented: Strategy.spaced(JobStatus.minimumInterval),
  answer: (id, isOver) => (isOver ? { status: "completed", result: id } : { status: "processing" }),
  result: (id) => id
}

/** 2 seconds, growing by a factor of 1.5 up to 10 seconds. */
const eventPlatform: Provider = {
  name: "EventPlatform",
  job: jobOf("EventPlatform", EventPlatform.make({ baseUrl }).tasks.check),
  documented: EventPlatform.taskStrategy,
  answer: (id, isOver) => (isOver ? { state: "completed", result: id } : { state: "running" }),
  result: (id) => id
}

const generation = GenerationApi.make({ baseUrl, token: Redacted.make("token") })

/** The slowest model of the table: after a minute, every 15 seconds. The documented limit of 10 minutes is left out. */
const generationApi: Provider = {
  name: "GenerationApi",
  job: jobOf("GenerationApi", (taskId, context) => generation.check({ model: "sora-2", taskId }, context)),
  documented: Strategy.withFirstWait(
    Strategy.spaced(GenerationApi.timings["sora-2"].intervalMillis),
    GenerationApi.timings["sora-2"].firstWaitMillis
  ),
  answer: (id, isOver) => ({
    data: isOver ? { state: "success", resultJson: JSON.stringify({ resultUrls: [id] }) } : { state: "generating" }
  }),
  result: (id) => [id]
}

const mixpeekTasks = Mixpeek.make({ baseUrl }).tasks

/** 1 second, growing by a factor of 1.5 up to 30 seconds. */
const mixpeek: Provider = {
  name: "Mixpeek",
  job: jobOf("Mixpeek", (taskId, context) => mixpeekTasks.check({ taskId }, context)),
  documented: Mixpeek.strategy,
  answer: (id, isOver) => ({
    task_id: id,
    task_type: "api_taxonomies_execute",
    status: isOver ? "COMPLETED" : "PROCESSING",
    inputs: [],
    outputs: isOver ? [id] : null,
    additional_data: {},
    error_message: null
  }),
  result: (id) => [id]
}

export const providers: ReadonlyArray<Provider> = [asyncQueue, jobStatus, eventPlatform, generationApi, mixpeek]
