import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Schema from "effect/Schema"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import type { OwnServer } from "./cli.ts"
import * as Ending from "./ending.ts"
import type { EndingKind } from "./plan.ts"
import * as Tally from "./tally.ts"

/** How one job ended. */
export interface Result {
  readonly id: string
  readonly ending: EndingKind
  /** The response that reported the end; undefined if none did. */
  readonly response: unknown
  /** The error of the wait as a message; undefined for a success. */
  readonly message: string | undefined
}

/** How all jobs ended. */
export interface Report {
  readonly jobs: number
  readonly outcomes: Readonly<Record<EndingKind, number>>
  readonly requests: number
  readonly results: ReadonlyArray<Result>
}

/** Watches the jobs concurrently, and calls `onResult` as each of them ends. */
export const run: (options: OwnServer, onResult: (result: Result) => void) => Effect.Effect<Report> = Effect.fnUntraced(
  function* (options, onResult) {
    const job = jobOf(options)
    const requests = Tally.requests()
    const outcomes = Tally.zeroes()
    const results = yield* Effect.forEach(
      options.ids,
      (id) =>
        Effect.map(Effect.exit(Poll.until(job, id, { deadline: options.deadlineMillis })), (exit) => {
          const { kind, message, value } = Ending.fromExit(exit)
          const result: Result = { id, ending: kind, response: value, message }
          outcomes[kind]++
          onResult(result)
          return result
        }),
      { concurrency: "unbounded" }
    ).pipe(Tally.counted(requests))
    return { jobs: results.length, outcomes, requests: requests.sent, results }
  },
  Effect.provide(NodeHttpClient.layerNodeHttp)
)

/** One job as a line. */
export const line = ({ ending, id, message, response }: Result): string =>
  `${id}: ${ending}, ${response === undefined ? message : JSON.stringify(response)}`

// ---- internal ----

const jobOf = (options: OwnServer): Job.Job<string, unknown, unknown, HttpCheckError, HttpClient.HttpClient> =>
  Job.make("job", {
    check: (id: string) => HttpCheck.get(addressOf(options.url, id), statusOf(options)),
    strategy: options.intervalMillis === undefined ? undefined : Strategy.spaced(options.intervalMillis),
    unknownState: options.pending.length === 0 ? "continue" : "fail"
  })

const addressOf = (url: URL, id: string): string => {
  const address = new URL(url)
  address.pathname = `${url.pathname.replace(/\/+$/, "")}/${encodeURIComponent(id)}`
  return address.href
}

/** A payload whose fields are known only at run time: to the compiler, any field may contain any string. */
type Payload = Readonly<Record<string, string>>

/** Decodes the states that the user gave, from the field that the user named. */
const statusOf = ({ failed, field, pending, succeeded }: OwnServer): StatusSchema.StatusSchema<unknown, unknown> => {
  const [name = "", ...outer] = field.toReversed()
  const cases: Record<string, StatusSchema.Case<Payload>> = {}
  for (const state of succeeded) cases[state] = (payload) => Status.succeeded(payload)
  for (const state of failed) cases[state] = (payload) => Status.failed(payload)
  for (const state of pending) cases[state] = Status.pending()
  const payload = Schema.StructWithRest(
    Schema.Struct({ [name]: Schema.Union([Schema.String, Schema.Finite, Schema.Boolean]) }),
    [Schema.Record(Schema.String, Schema.Unknown)]
  ) as unknown as Schema.Codec<Payload, unknown>
  const status = StatusSchema.fromField(payload, name, cases, { orElse: CheckResult.unknownState })
  return outer.reduce((inner, key) => StatusSchema.within(inner, key), status)
}
