import * as PageHttp from "@effect-poll/web/PageHttp"
import * as PollStore from "@effect-poll/web/PollStore"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { type Body, install } from "../src/Program.ts"

// All views of the page have one store. A hidden page is slow by the second, so that the rows need not take minutes.

const ByUrl = Job.make("by-url", {
  check: (url: string) =>
    Effect.gen(function* () {
      const response = yield* HttpClient.get(`${url}?at=${Date.now()}`)
      const body = (yield* response.json) as unknown as Body
      return body.state === "done" ? Status.succeeded(body.result) : Status.pending({ percent: body.percent })
    })
})

const store = PollStore.make({ layer: PageHttp.layer, slowInterval: "3 seconds" })

install(({ deadlineMillis = 60_000, hidden, intervalMillis, url }, show) => {
  const entry = store.entry(ByUrl, url, {
    deadline: deadlineMillis,
    strategy: Strategy.spaced(intervalMillis),
    hidden
  })
  const changed = () => {
    const { attempt, outcome, pausedBy, phase, status } = entry.getSnapshot()
    show({
      attempt,
      pausedBy,
      phase,
      percent: status?._tag === "Pending" && status.progress !== undefined ? status.progress * 100 : undefined,
      result: outcome?._tag === "Success" ? outcome.value : undefined,
      error: outcome?._tag === "Failure" ? outcome.error._tag : undefined
    })
  }
  const unsubscribe = entry.subscribe(changed)
  changed()
  return unsubscribe
})
