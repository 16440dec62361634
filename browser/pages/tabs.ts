import * as Sse from "@effect-poll/http/Sse"
import * as CrossTab from "@effect-poll/web/CrossTab"
import * as PageHttp from "@effect-poll/web/PageHttp"
import * as PollStore from "@effect-poll/web/PollStore"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import { type Body, install } from "../src/Program.ts"

// A store that shares its waits with the other tabs, unless the query says `alone`. Each check sends its number.
// With `patient`, tabs wait 20 seconds before they take over from a silent one, for busy machines. With `push`, the waits
// also have an event stream, and check once a minute behind it.

const query = new URLSearchParams(location.search)
const lead = (): CrossTab.Lead => CrossTab.make({ margin: query.has("patient") ? "20 seconds" : undefined })
const store = PollStore.make({ layer: PageHttp.layer, lead: query.has("alone") ? undefined : lead() })
const hasPush = query.has("push")

const Answer = StatusSchema.fromPayload(
  Schema.Struct({ state: Schema.String, percent: Schema.Number, result: Schema.optionalKey(Schema.String) }),
  ({ percent, result }) => (result === undefined ? Status.pending({ percent }) : Status.succeeded(result))
)

const jobOf = (intervalMillis: number) =>
  Job.make("render", {
    strategy: Strategy.spaced(intervalMillis),
    check: (url: string, { attempt }) =>
      Effect.tryPromise(async (signal): Promise<Status.Status<string>> => {
        const response = await fetch(url, { signal, cache: "no-store", headers: { "x-attempt": String(attempt) } })
        const body = (await response.json()) as Body
        return body.state === "done" ? Status.succeeded(body.result) : Status.pending({ percent: body.percent })
      }),
    push: hasPush ? Sse.checks((url: string) => `${url}/events`, Answer) : undefined
  }).pipe(Job.withCodecs({ success: Schema.String }))

install(({ deadlineMillis = 600_000, hidden = "run", intervalMillis, url }, show) => {
  const entry = store.entry(jobOf(intervalMillis), url, {
    deadline: deadlineMillis,
    hidden,
    ...(hasPush ? { behind: Strategy.spaced("1 minute") } : {})
  })
  return entry.subscribe(() => {
    const { attempt, outcome, pausedBy, phase, status } = entry.getSnapshot()
    show({
      attempt,
      phase,
      pausedBy,
      percent: status?._tag === "Pending" ? status.progress && 100 * status.progress : undefined,
      result: outcome?._tag === "Success" ? outcome.value : undefined,
      error: outcome?._tag === "Failure" ? outcome.error._tag : undefined
    })
  })
})
