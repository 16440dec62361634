import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as EventPlatform from "@effect-poll/providers/EventPlatform"
import * as EventPlatformBadges from "@effect-poll/providers/EventPlatformBadges"
import { answering, runFor } from "./support.ts"

const { campaigns, packages, tasks } = EventPlatform.make({ baseUrl: "http://h" })
const deadline = "2 hours"

describe("EventPlatform", () => {
  describe("tasks", () => {
    it.effect.each([{}, { result: null }, { result: undefined }])("completed with %o is success", (rest) =>
      Effect.gen(function* () {
        const { provide } = answering(() => ({ task_id: "t", state: "completed", ...rest }))
        assert.isUndefined(yield* provide(Poll.until(tasks, "t", { deadline })))
      })
    )

    it.effect("stuck for half an hour - JobStalled as an option, else an event", () =>
      Effect.gen(function* () {
        const { provide } = answering(() => ({ state: "running", progress: 0 }))
        const failing = { deadline, stall: EventPlatform.stall({ then: "fail" }) } as const
        const error = yield* runFor(Effect.flip(provide(Poll.until(tasks, "t", failing))), deadline)
        assert.strictEqual(error._tag, "JobStalled")
        const reporting = provide(
          Stream.runCollect(Poll.events(tasks, "t", { deadline, stall: EventPlatform.stall() }))
        )
        const events = yield* runFor(reporting, deadline)
        assert.strictEqual(events.filter((event) => event._tag === "Stalled").length, 1)
      })
    )

    it.effect("canceled and failed without a reason", () =>
      Effect.gen(function* () {
        const canceled = answering(() => ({ state: "canceled" }))
        assert.strictEqual(
          (yield* Effect.flip(canceled.provide(Poll.until(tasks, "t", { deadline }))))._tag,
          "JobCanceled"
        )
        const failed = answering(() => ({ state: "failed", error: "" }))
        const error = yield* Effect.flip(failed.provide(Poll.until(tasks, "t", { deadline })))
        assert.strictEqual(error._tag === "JobFailed" ? error.failure : error._tag, "Unknown error")
      })
    )
  })

  describe("campaigns", () => {
    it.effect("the end of the previous run is not ours", () =>
      Effect.gen(function* () {
        const { provide, requests, times } = answering((request, attempt) =>
          request.method === "PUT" || attempt > 3
            ? { task_id: "t2", state: "completed", result: "ours" }
            : { task_id: "t1", state: "failed", error: "theirs" }
        )
        const receipt = yield* provide(campaigns.submit!({ eventId: "e 1", query: { status: "on" } }))
        assert.deepStrictEqual(receipt, { key: "e 1", run: "t2" })
        const result = yield* runFor(
          provide(Poll.until(campaigns, receipt.key, { since: receipt.run, deadline })),
          "1 minute"
        )
        assert.strictEqual(result, "ours")
        assert.deepStrictEqual(times, [0, 0, 2000, 5000])
        assert.strictEqual(requests[0]?.url, "http://h/events/e%201/client_campaign_status")
        assert.deepStrictEqual(requests[0]?.urlParams.params, [["status", "on"]])
      })
    )
  })

  describe("packages", () => {
    it.effect.each([
      ["DONE", "done"],
      ["FAILED", "JobFailed"],
      ["EXPIRED", "JobExpired"]
    ])("%s is %s", ([word, expected]) =>
      Effect.gen(function* () {
        const { provide, times } = answering((_, attempt) => ({ id: "p", status: attempt < 3 ? "BUILDING" : word }))
        const ended = provide(Poll.until(packages, "p", { deadline })).pipe(
          Effect.match({ onSuccess: () => "done", onFailure: (error) => error._tag })
        )
        assert.strictEqual(yield* runFor(ended, "1 minute"), expected)
        assert.deepStrictEqual(times, [0, 5000, 10_000])
      })
    )
  })

  describe("tasteClusters", () => {
    it.effect("submit, look and words are the caller's", () =>
      Effect.gen(function* () {
        const job = EventPlatform.tasteClusters({
          key: {
            encode: (key: readonly [event: string, run: string]) => key.join("/"),
            decode: (encoded) => [encoded.split("/")[0]!, encoded.split("/")[1]!] as const
          },
          check: ([event, run]) => HttpClientRequest.get(`http://h/events/${event}/taste_clusters/runs/${run}`),
          status: StatusSchema.fromField(Schema.Struct({ status: Schema.Literals(["queued", "ready"]) }), "status", {
            queued: Status.pending(),
            ready: Status.succeeded(5)
          }),
          submit: (event: string) => Effect.succeed({ key: [event, "r1"] as const }),
          strategy: Schedule.spaced("7 seconds")
        })
        const words = ["queued", "dreaming", "ready"]
        const { provide, requests, times } = answering((_, attempt) => ({ status: words[attempt - 1] }))
        const { key } = yield* provide(job.submit!("e1"))
        assert.strictEqual(yield* runFor(provide(Poll.until(job, key, { deadline })), "1 minute"), 5)
        assert.deepStrictEqual(times, [0, 7000, 14_000])
        assert.strictEqual(requests[0]?.url, "http://h/events/e1/taste_clusters/runs/r1")
      })
    )
  })

  describe("badges", () => {
    it.effect("endless, every 10 seconds, and nothing after the reader has gone", () =>
      Effect.gen(function* () {
        const { provide, requests } = answering((_, attempt) => ({ unread: Math.floor(attempt / 2) }))
        const { notifications } = EventPlatformBadges.make({ baseUrl: "http://h" })
        const counts: Array<unknown> = []
        const reader = yield* Poll.events(notifications.check, {
          strategy: notifications.strategy,
          deadline: "unbounded"
        }).pipe(
          Stream.runForEach((event) =>
            Effect.sync(() => {
              if (event._tag === "Observed" && event.status._tag === "Pending") counts.push(event.status.detail)
            })
          ),
          provide,
          Effect.forkChild({ startImmediately: true })
        )
        yield* TestClock.adjust("30 seconds")
        assert.deepStrictEqual(counts, [0, 1, 2])
        assert.strictEqual(requests.length, 4)
        yield* Fiber.interrupt(reader)
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(requests.length, 4)
      })
    )
  })

  describe("make", () => {
    const warnings = (strategy: Strategy.Strategy) =>
      Effect.gen(function* () {
        const messages: Array<string> = []
        const logger = Logger.make(({ message }) => {
          messages.push(String(message))
        })
        const hasty = EventPlatform.make({ baseUrl: "http://h", strategies: { tasks: strategy } })
        const { provide } = answering((_, attempt) => ({ state: attempt < 4 ? "running" : "completed" }))
        yield* runFor(provide(Poll.until(hasty.tasks, "t", { deadline })), "1 minute").pipe(
          Effect.provide(Logger.layer([logger]))
        )
        return messages
      })

    it.effect("a hasty strategy warns once", () =>
      Effect.gen(function* () {
        const messages = yield* warnings(Strategy.fixed("200 millis"))
        assert.strictEqual(messages.length, 1)
        assert.include(messages[0], "EventPlatform.make: tasks: the strategy looks more often than every 2s")
        assert.deepStrictEqual(yield* warnings(Strategy.fixed("2 seconds")), [])
      })
    )

    it.effect("timeScale - hurries the delays after failed looks; grace - bears with a job that is not there yet", () =>
      Effect.gen(function* () {
        const hurried = EventPlatform.make({ baseUrl: "http://h", timeScale: 0.01, grace: "1 second" })
        const statuses = [503, 502, 404, 404]
        const { provide, times } = answering((_, attempt) =>
          attempt > 4 ? { state: "completed" } : new Response("{}", { status: statuses[attempt - 1]! })
        )
        yield* runFor(provide(Poll.until(hurried.tasks, "t", { deadline })), "1 minute")
        assert.deepStrictEqual(times, [0, 10, 30, 50, 80])
        const late = answering(() => new Response("{}", { status: 404 }))
        const error = yield* runFor(Effect.flip(late.provide(Poll.until(hurried.tasks, "t", { deadline }))), "1 minute")
        assert.strictEqual(error._tag, "JobNotFound")
        assert.isAtLeast(Duration.toMillis(error.elapsed), 1000)
      })
    )

    it("an empty base URL is a RangeError", () => {
      assert.throws(() => EventPlatform.make({ baseUrl: "" }), RangeError, "EventPlatform.make: baseUrl")
      assert.throws(() => EventPlatformBadges.make({ baseUrl: "" }), RangeError, "EventPlatformBadges.make: baseUrl")
    })
  })
})
