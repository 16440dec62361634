/** The kind of job that the workers wait for. */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as DurablePoll from "@effect-poll/durable/DurablePoll"

export interface WorksOptions {
  readonly jobsUrl: string
  readonly worker: string
  readonly intervalMillis: number
  /** Told of each end, beside the server of the jobs. */
  readonly told?: ((id: string, outcome: string) => Effect.Effect<void, unknown>) | undefined
}

/** The name of the kind. */
export const kind = "work"

interface Answer {
  readonly state?: "RUNNING" | "DONE" | "FAILED"
  readonly value?: string
}

export const makeWorks = ({ intervalMillis, jobsUrl, told, worker }: WorksOptions) => {
  const send = (method: "GET" | "POST", path: string) =>
    HttpClientRequest.make(method)(`${jobsUrl}/${path}`).pipe(
      HttpClientRequest.setHeader("x-worker", worker),
      HttpClient.execute,
      Effect.flatMap((response) => response.json),
      Effect.timeout("5 seconds")
    )
  const Work = Job.make("work", {
    check: (key: string) =>
      Effect.map(send("GET", `check/${encodeURIComponent(key)}`), (body): Status.Status<string, string> => {
        const { state, value } = body as Answer
        if (state === "DONE") return Status.succeeded(value ?? "")
        return state === "FAILED" ? Status.failed("broken") : Status.pending({ state: "RUNNING" })
      }),
    submit: (input: { readonly name: string; readonly idempotencyKey: string }) =>
      Effect.as(send("POST", `submit/${encodeURIComponent(input.idempotencyKey)}`), { key: input.idempotencyKey }),
    strategy: Strategy.spaced(intervalMillis)
  }).pipe(Job.withCodecs({ success: Schema.String, failure: Schema.String }))
  return DurablePoll.make(Work, {
    deadline: "10 minutes",
    input: {
      schema: Schema.Struct({ name: Schema.String, idempotencyKey: Schema.String }),
      withIdempotencyKey: (input, idempotencyKey) => ({ ...input, idempotencyKey }),
      onUnknown: "submitAgain"
    },
    onEnded: (ended) =>
      Effect.andThen(
        send("POST", `told/${encodeURIComponent(String(ended.key))}`),
        told === undefined ? Effect.void : told(ended.ref.id, ended.result._tag)
      )
  })
}

export type Works = ReturnType<typeof makeWorks>
