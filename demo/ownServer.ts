import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import type { OwnServer } from "./cli.ts"
import * as Ending from "./ending.ts"
import type { EndingKind } from "./plan.ts"
import * as Tally from "./tally.ts"

/** How one job of the user's ended. */
export interface Result {
  readonly id: string
  readonly ending: EndingKind
  /** The answer of the server that told the end. */
  readonly answer: unknown
  readonly message: string | undefined
}

/** What is told of all of them. */
export interface Report {
  readonly jobs: number
  readonly outcomes: Readonly<Record<EndingKind, number>>
  readonly requests: number
  readonly results: ReadonlyArray<Result>
}

/** Watches the jobs at once, and tells of each one as it ends. */
export const run: (options: OwnServer, tell: (result: Result) => void) => Effect.Effect<Report> = Effect.fnUntraced(
  function* (options, tell) {
    const job = jobOf(options)
    const requests = Tally.requests()
    const outcomes = Tally.zeroes()
    const results = yield* Effect.forEach(
      options.ids,
      (id) =>
        Effect.map(Effect.exit(Poll.until(job, id, { deadline: options.deadline })), (exit) => {
          const { kind, message, value } = Ending.fromExit(exit)
          const result: Result = { id, ending: kind, answer: value, message }
          outcomes[kind]++
          tell(result)
          return result
        }),
      { concurrency: "unbounded" }
    ).pipe(Tally.counted(requests))
    return { jobs: results.length, outcomes, requests: requests.sent, results }
  },
  Effect.provide(NodeHttpClient.layerNodeHttp)
)

/** One job as a line. */
export const line = ({ answer, ending, id, message }: Result): string =>
  `${id}: ${ending}, ${answer === undefined ? message : JSON.stringify(answer)}`

// ---- internal ----

const jobOf = (options: OwnServer): Job.Job<string, unknown, unknown, HttpCheckError, HttpClient.HttpClient> =>
  Job.make("job", {
    check: (id: string) => HttpCheck.get(addressOf(options.url, id), statusOf(options)),
    strategy: options.interval === undefined ? undefined : Strategy.spaced(options.interval),
    unknownState: options.pending.length === 0 ? "continue" : "fail"
  })

const addressOf = (url: URL, id: string): string => {
  const address = new URL(url)
  address.pathname = `${url.pathname.replace(/\/+$/, "")}/${encodeURIComponent(id)}`
  return address.href
}

/** An answer of a server that is known only at run time: for the compiler, any field may hold any word. */
type Answer = Readonly<Record<string, string>>

/** The words that the user gave, looked up in the field that the user named. */
const statusOf = ({ failed, field, pending, succeeded }: OwnServer): StatusSchema.StatusSchema<unknown, unknown> => {
  const [name = "", ...outer] = field.toReversed()
  const cases: Record<string, StatusSchema.Case<Answer>> = {}
  for (const word of succeeded) cases[word] = (answer) => Status.succeeded(answer)
  for (const word of failed) cases[word] = (answer) => Status.failed(answer)
  for (const word of pending) cases[word] = Status.pending()
  const answer = Schema.StructWithRest(
    Schema.Struct({ [name]: Schema.Union([Schema.String, Schema.Finite, Schema.Boolean]) }),
    [Schema.Record(Schema.String, Schema.Unknown)]
  ) as unknown as Schema.Codec<Answer, unknown>
  return outer.reduce((inner, key) => StatusSchema.within(inner, key), StatusSchema.fromField(answer, name, cases))
}
