import * as HttpCheck from "@effect-poll/http/HttpCheck"
import * as PageHttp from "@effect-poll/web/PageHttp"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as promise from "effect-poll/promise"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import type { Body } from "../src/Program.ts"

// What a page sends, by which client and which check.

const Answer = StatusSchema.fromField(Schema.Struct({ state: Schema.Literals(["running", "done"]) }), "state", {
  running: Status.pending(),
  done: Status.succeeded("done")
})

const jobs = {
  HttpCheck: Job.make("http-check", { check: HttpCheck.check((url: string) => url, Answer) }),
  HttpClient: Job.make("http-client", {
    check: (url: string) =>
      Effect.gen(function* () {
        const response = yield* HttpClient.get(url)
        const body = (yield* response.json) as unknown as Body
        return body.state === "done" ? Status.succeeded(body.result) : Status.pending()
      }).pipe(Effect.orDie)
  })
}

const clients = {
  page: PageHttp.layer,
  withCredentials: PageHttp.layerWith({ credentials: "same-origin" }),
  fetch: FetchHttpClient.layer
}

const spans = new Array<string>()

/** A tracer as an application may have one: checks are in spans. */
const tracer = Layer.succeed(
  Tracer.Tracer,
  Tracer.make({
    span: (options) => {
      spans.push(options.name)
      return new Tracer.NativeSpan(options)
    }
  })
)

interface Settings {
  readonly client: keyof typeof clients
  readonly check: keyof typeof jobs
  /** Where the client is provided: to the wait, in which case a tracer is too, or to the job in promise code. */
  readonly provided: "to the wait" | "to a traced wait" | "to the job"
}

const wait = <E>(
  job: Job.Job<string, string, never, E, HttpClient.HttpClient, never, never>,
  { client, provided }: Settings,
  url: string
): Promise<string> => {
  const options = { deadline: "1 minute", strategy: Strategy.spaced("1 millis") } as const
  const layer = clients[client]
  if (provided === "to the job") return promise.poll(Job.provide(job, layer), url, options)
  return Poll.until(job, url, options).pipe(
    Effect.withSpan("page"),
    Effect.provide(provided === "to a traced wait" ? Layer.merge(layer, tracer) : layer),
    Effect.runPromise
  )
}

const poll = (settings: Settings, url: string): Promise<string> =>
  settings.check === "HttpCheck" ? wait(jobs.HttpCheck, settings, url) : wait(jobs.HttpClient, settings, url)

declare global {
  // oxlint-disable-next-line no-var
  var http: {
    /** Polls until the job has ended. */
    readonly poll: (settings: Settings, url: string) => Promise<string>
    /** Polls the same URL several times at once. */
    readonly pollTogether: (settings: Settings, url: string, times: number) => Promise<ReadonlyArray<string>>
    /** The names of the spans so far. */
    readonly spans: () => ReadonlyArray<string>
  }
}

globalThis.http = {
  poll,
  pollTogether: (settings, url, times) => Promise.all(Array.from({ length: times }, () => poll(settings, url))),
  spans: () => spans
}
