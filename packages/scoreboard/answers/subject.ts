// What the fuzz judges: a wait over `HttpCheck`, with credentials in every place where requests carry them.
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import * as LongRunning from "@effect-poll/http/LongRunning"
import { type Subject } from "./fuzz.ts"
import { job as url } from "./generate.ts"

const Answer = Schema.Struct({
  status: Schema.Literals(["queued", "running", "done", "broken", "stopped", "lapsed"]),
  result: Schema.optionalKey(Schema.String),
  error: Schema.optionalKey(Schema.String)
})

/** The status of the job whose answers are random. */
export const AnswerStatus = StatusSchema.fromField(Answer, "status", {
  queued: Status.pending(),
  running: Status.pending(),
  done: ({ result }) => Status.succeeded(result),
  broken: ({ error }) => Status.failed(error),
  stopped: Status.canceled(),
  lapsed: Status.expired()
})

/** A wait for the job, or for an operation. */
export const ours: Subject = (round, store) => (round.kind === "start" ? operation(round, store) : job(round, store))

// ---- internal ----

const operation: Subject = ({ credential }, store) =>
  LongRunning.run(
    HttpClientRequest.post(url).pipe(
      HttpClientRequest.setUrlParam("sig", credential),
      HttpClientRequest.setHeader("authorization", `Bearer ${credential}`)
    ),
    {
      result: Schema.Struct({ pages: Schema.Int }),
      deadline: "30 hours",
      strategy: Strategy.spaced("1 second"),
      onReceipt: (token) => Effect.sync(() => store({ ...token, key: "sealed" }))
    }
  )

const job: Subject = ({ credential, strict }, store) => {
  const request = HttpClientRequest.get(url).pipe(
    HttpClientRequest.setUrlParam("sig", credential),
    HttpClientRequest.setHeaders({
      authorization: `Bearer ${credential}`,
      cookie: `session=${credential}`,
      "x-api-key": credential
    })
  )
  const fuzzed = Job.make("fuzzed", {
    check: () => HttpCheck.make(request, AnswerStatus, { secretHeaders: ["x-api-key"] })
  })
  const options = {
    deadline: "30 hours",
    strategy: Strategy.spaced("1 second"),
    checkErrors: { maxConsecutive: strict ? 0 : 5 }
  } as const
  return Effect.gen(function* () {
    const handle = yield* Poll.start(fuzzed, "1", options)
    // Between the random answer and the check after it.
    yield* Effect.forkChild(Effect.andThen(Effect.sleep("1500 millis"), Effect.map(handle.token, store)))
    return yield* handle.await
  }).pipe(Effect.scoped)
}
