import * as HttpCheck from "@effect-poll/http/HttpCheck"
import { PollHooks, PollProvider, usePoll, usePolls } from "@effect-poll/react"
import * as CrossTab from "@effect-poll/web/CrossTab"
import * as PageHttp from "@effect-poll/web/PageHttp"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import { answered, install } from "./subject.tsx"

const http = PollHooks.make<HttpClient.HttpClient>()

const Answer = StatusSchema.fromPayload(
  Schema.Struct({ state: Schema.Literals(["running", "done"]), percent: Schema.Number }),
  ({ percent, state }) => (state === "done" ? Status.succeeded(percent) : Status.pending({ percent }))
)

const OfServer = Job.make("of-server", { check: HttpCheck.check((url: string) => url, Answer) }).pipe(
  Job.withCodecs({ success: Schema.Number })
)

const OfPage = Job.make("of-page", {
  check: (_url: string) =>
    Effect.map(Effect.promise(answered), ({ percent }): Status.Status<number> => Status.pending({ percent }))
})

const lead = CrossTab.make()

const percentOf = (status: Status.Status<number> | undefined): number | undefined =>
  status?._tag === "Pending" ? status.progress && 100 * status.progress : status && 100

const optionsOf = (intervalMillis: number) =>
  ({ deadline: "1 hour", strategy: Strategy.spaced(intervalMillis) }) as const

install({
  Provider: ({ children }) => (
    <http.PollProvider layer={PageHttp.layer} lead={lead}>
      {children}
    </http.PollProvider>
  ),
  ManyProvider: ({ children }) => <PollProvider>{children}</PollProvider>,
  useJob: ({ intervalMillis, isHiddenToo = false, url }) =>
    percentOf(
      http.usePoll(OfServer, url, { ...optionsOf(intervalMillis), ...(isHiddenToo ? { hidden: "run" } : {}) }).status
    ),
  useAnswered: ({ intervalMillis, url }) => percentOf(usePoll(OfPage, url, optionsOf(intervalMillis)).status),
  useMany: (urls, intervalMillis) =>
    usePolls(OfPage, urls, optionsOf(intervalMillis)).map(({ status }) => percentOf(status))
})
