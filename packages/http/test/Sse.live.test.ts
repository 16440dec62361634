import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as Scope from "effect/Scope"
import * as Schema from "effect/Schema"
import { createServer, type RequestListener, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import * as Job from "effect-poll/Job"
import type * as Observer from "effect-poll/Observer"
import * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import * as Sse from "@effect-poll/http/Sse"
import * as Assertion from "@effect-poll/testing/Assertion"
import type * as EventConnection from "@effect-poll/testing/EventConnection"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"

const TaskStatus = StatusSchema.fromField(
  Schema.Struct({
    status: Schema.Literals(["pending", "processing", "completed", "failed"]),
    result: Schema.optionalKey(Schema.Finite)
  }),
  "status",
  {
    pending: Status.pending(),
    processing: Status.pending(),
    completed: (task) => Status.succeeded(task.result),
    failed: Status.failed("failed")
  }
)

const jobs = (server: JobServer.JobServer["Service"], options?: Sse.Options) => {
  const url = (id: string) => `${server.urls.JobStatus}/api/job-status/${id}`
  return Job.make("job", {
    check: HttpCheck.check(url, TaskStatus),
    push: Sse.checks((id: string) => `${url(id)}/events`, TaskStatus, options)
  })
}

/** Waits for a job whose events are spoiled, and yields what was found and how. */
const watch = (
  events: ReadonlyArray<EventConnection.EventConnection>,
  {
    behind = "1 hour",
    duration = "40 seconds",
    ...options
  }: Sse.Options & { readonly behind?: "1 hour" | "200 millis"; readonly duration?: "40 seconds" | "160 seconds" } = {}
) =>
  Effect.gen(function* () {
    const server = yield* JobServer.make({ speed: 100 })
    const { id } = yield* server.create("JobStatus", "job", JobScript.make({ duration, result: 7, events }))
    const seen: Array<Observer.Notification["event"]> = []
    const result = yield* Poll.until(jobs(server, options), id, {
      behind: Strategy.spaced(behind),
      deadline: "20 seconds",
      observers: [{ observe: ({ event }) => Effect.sync(() => void seen.push(event)) }]
    })
    assert.strictEqual(result, 7)
    const connections = yield* server.eventConnections
    yield* Assertion.eventually(
      Effect.map(server.eventConnections, (all) => all.some((each) => each.isOpen)),
      { equals: false, within: "5 seconds", every: "10 millis" }
    )
    const { requests } = yield* server.truthOf(id)
    const breaks = seen.flatMap((event) => (event._tag === "SourceBroke" ? [event.error] : []))
    const told = seen.some((event) => event._tag === "Told" && event.kind === "Report" && event.attempt > 0)
    return { breaks, told, requests, ids: connections.map((each) => each.lastEventId) }
  }).pipe(Effect.scoped, Effect.provide(NodeHttpClient.layerUndici))

const message = (error: unknown): string => String((error as Error | undefined)?.message).replace(/\d{4,}/, "PORT")

describe("Sse over HTTP", () => {
  it.live("checks - a wait is told its end at once, with at most two checks", () =>
    Effect.gen(function* () {
      const { breaks, ids, requests, told } = yield* watch([], { duration: "160 seconds" })
      assert.deepStrictEqual({ breaks, ids, told }, { breaks: [], ids: [undefined], told: true })
      assert.isAtMost(requests, 2)
    })
  )

  it.live("checks - nothing but the events is needed of a server that sends the status when a stream opens", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* watch([], { onOpen: "nothing" })).requests, 1)
    })
  )

  it.live("checks - each byte may arrive alone", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* watch([{ splitBytes: true }])).breaks, [])
    })
  )

  it.live("checks - a stream that breaks is opened again after the last event", () =>
    Effect.gen(function* () {
      const { breaks, ids } = yield* watch([{ breakAfter: 1 }, {}], { duration: "160 seconds" })
      assert.strictEqual(breaks.length, 1)
      assert.deepStrictEqual(ids, [undefined, "1"])
    })
  )

  it.live("checks - polling finds the end while the stream is broken", () =>
    Effect.gen(function* () {
      const { ids } = yield* watch([{ breakAfter: 1, retry: "1 hour" }, {}], {
        behind: "200 millis",
        duration: "160 seconds"
      })
      assert.deepStrictEqual(ids, [undefined])
    })
  )

  for (const [name, spoiled] of [
    ["a lost last event", { loseAfter: 2 }],
    ["a stream that falls silent", { hangAfter: 1 }],
    ["a stream that never says anything", { hangAfter: 0 }],
    ["204", { status: 204 }],
    ["503", { status: 503 }],
    ["404", { status: 404 }],
    ["an HTML page", { contentType: "text/html" }]
  ] as const) {
    it.live(`checks - polling finds the end in spite of ${name}`, () =>
      Effect.gen(function* () {
        const { ids } = yield* watch([spoiled], { behind: "200 millis" })
        assert.deepStrictEqual(ids, [undefined])
      })
    )
  }

  it.live("checks - a 204 is no break, and the stream is not opened again", () =>
    Effect.gen(function* () {
      const { breaks, ids } = yield* watch([{ status: 204 }], { behind: "200 millis", duration: "160 seconds" })
      assert.deepStrictEqual({ breaks, ids }, { breaks: [], ids: [undefined] })
    })
  )

  it.live("checks - says why a stream broke", () =>
    Effect.gen(function* () {
      const options = { duration: "160 seconds", behind: "200 millis", idleTimeout: "200 millis" } as const
      const reasonOf = (spoiled: EventConnection.EventConnection) =>
        Effect.map(watch([spoiled, {}], options), ({ breaks }) => message(breaks[0]))
      const url = "http://127.0.0.1:PORT/job-status/api/job-status/job_1/events"
      assert.strictEqual(yield* reasonOf({ hangAfter: 0 }), `the events of ${url}: nothing arrived for 200 ms`)
      assert.strictEqual(
        yield* reasonOf({ contentType: "text/html; charset=utf-8" }),
        `the events of ${url}: the content type is "text/html", not "text/event-stream"`
      )
      assert.include(yield* reasonOf({ status: 500 }), "500")
    })
  )

  const running = <A>(
    use: (
      server: JobServer.JobServer["Service"],
      id: string
    ) => Effect.Effect<A, unknown, HttpClient.HttpClient | Scope.Scope>
  ) =>
    Effect.gen(function* () {
      const server = yield* JobServer.make()
      const { id } = yield* server.create("JobStatus", "job", JobScript.endless())
      return yield* use(server, id)
    }).pipe(Effect.scoped, Effect.provide(NodeHttpClient.layerUndici))

  const isOpen = (server: JobServer.JobServer["Service"]) =>
    Effect.map(server.eventConnections, (all) => all.filter((each) => each.isOpen).length)

  const until = (server: JobServer.JobServer["Service"], equals: number) =>
    Assertion.eventually(isOpen(server), { equals, within: "10 seconds", every: "10 millis" })

  it.live("checks - an interrupted wait closes its connection", () =>
    running((server, id) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(Poll.until(jobs(server), id, { deadline: "1 minute" }))
        yield* until(server, 1)
        yield* Fiber.interrupt(fiber)
        yield* until(server, 0)
      })
    )
  )

  it.live("checks - the waits of a poller have a connection each, and close it", () =>
    Effect.gen(function* () {
      const server = yield* JobServer.make()
      const ids = yield* Effect.forEach(Array.from({ length: 40 }), (_, index) =>
        Effect.map(
          server.create("JobStatus", "job", JobScript.make({ duration: "500 millis", result: index })),
          ({ id }) => id
        )
      )
      const poller = yield* Poller.make()
      const job = jobs(server)
      const options = { strategy: Strategy.spaced("1 hour"), deadline: "20 seconds" } as const
      const results = yield* Effect.forEach(ids, (id) => poller.until(job, id, options), { concurrency: "unbounded" })
      assert.deepStrictEqual(
        results,
        ids.map((_, index) => index)
      )
      assert.strictEqual((yield* server.eventConnections).length, ids.length)
      yield* until(server, 0)
    }).pipe(Effect.scoped, Effect.provide(NodeHttpClient.layerUndici))
  )

  it.live("checks - a redirect to another origin gets no credentials, and only if that origin is allowed", () =>
    Effect.gen(function* () {
      const server = yield* JobServer.make({ speed: 100 })
      const { id } = yield* server.create("JobStatus", "job", JobScript.make({ duration: "10 seconds", result: 7 }))
      const own = yield* redirecting(`${server.urls.JobStatus}/api/job-status/${id}/events`)
      const request = HttpClientRequest.get(own).pipe(HttpClientRequest.bearerToken("secret"))
      const wait = (allowedOrigins: Sse.Options["allowedOrigins"]) =>
        Poll.until(Effect.succeed(Status.pending() as Status.Status<number | undefined, string>), {
          deadline: "1 second",
          push: Sse.checks(request, TaskStatus, { allowedOrigins })
        })
      assert.strictEqual((yield* Effect.flip(wait("same")))._tag, "PollTimeout")
      assert.deepStrictEqual(yield* server.eventConnections, [])
      assert.strictEqual(yield* wait([server.url]), 7)
      assert.deepStrictEqual(
        (yield* server.eventConnections).map((each) => each.authorization),
        [undefined]
      )
    }).pipe(Effect.scoped, Effect.provide(NodeHttpClient.layerUndici))
  )

  for (const [name, text] of [
    ["comments", ":\n"],
    ["statuses", 'data: { "status": "processing" }\n\n'],
    ["events that cannot be decoded", "data: oops\n\n"],
    ["events with another name", "event: log\ndata: 1\n\n"],
    ["retry fields", "retry: 1\n"]
  ] as const) {
    it.live(`checks - polling finds the end behind a server that sends ${name} without a pause`, () =>
      Effect.gen(function* () {
        let checked = 0
        const url = yield* listening((_request, response) => {
          response.writeHead(200, { "content-type": "text/event-stream" })
          const chunk = Buffer.from(text.repeat(1_000))
          const more = () => {
            while (response.write(chunk));
          }
          response.on("drain", more)
          more()
        })
        const result = yield* Poll.until(
          Effect.sync(
            () => (++checked < 4 ? Status.pending() : Status.succeeded(7)) as Status.Status<number | undefined, string>
          ),
          {
            deadline: "30 seconds",
            behind: Strategy.spaced("100 millis"),
            push: Sse.checks(HttpClientRequest.get(url), TaskStatus)
          }
        )
        assert.strictEqual(result, 7)
      }).pipe(Effect.scoped, Effect.provide(NodeHttpClient.layerUndici))
    )
  }
})

/** A server on loopback; its URL. */
const listening = (handle: RequestListener) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<Server>((resume) => {
        const server = createServer(handle)
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.sync(() => {
          server.close()
          server.closeAllConnections()
        })
    ),
    (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  )

/** A server that redirects every request to a URL. */
const redirecting = (location: string) =>
  listening((_request, response) => void response.writeHead(307, { location }).end())
