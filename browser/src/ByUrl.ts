import type { Snapshot } from "@effect-poll/web/Snapshot"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type { Body, Shown, Watch } from "./Program.ts"

/** The jobs of the API, by their URLs. Each check says when the page sent it. */
export const ByUrl = Job.make("by-url", {
  check: (url: string) =>
    Effect.gen(function* () {
      const response = yield* HttpClient.get(`${url}?at=${Date.now()}`)
      const body = (yield* response.json) as unknown as Body
      return body.state === "done" ? Status.succeeded(body.result) : Status.pending({ percent: body.percent })
    })
})

/** The options of a wait that is watched so. */
export const optionsOf = ({ deadlineMillis = 600_000, hidden, intervalMillis }: Omit<Watch, "url">) => ({
  deadline: deadlineMillis,
  strategy: Strategy.spaced(intervalMillis),
  hidden
})

/** What a view shows of a snapshot. */
export const shownOf = <F, E>(snapshot: Snapshot<string, F, E>): Shown => {
  const { attempt, outcome, pausedBy, phase, status } = snapshot
  return {
    attempt,
    pausedBy,
    phase,
    percent: status?._tag === "Pending" && status.progress !== undefined ? status.progress * 100 : undefined,
    result: outcome?._tag === "Success" ? outcome.value : undefined,
    error: outcome?._tag === "Failure" ? outcome.error._tag : undefined
  }
}
