import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { hasProperty } from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as EventPlatform from "@effect-poll/providers/EventPlatform"
import * as EventPlatformBadges from "@effect-poll/providers/EventPlatformBadges"
import type { PushSchema } from "@effect-poll/http/Push"
import { answering, runFor } from "./support.ts"

const { campaigns, packages, tasks } = EventPlatform.make({ baseUrl: "http://h" })
const deadline = "2 hours"

describe("EventPlatform", () => {
  describe("tasks", () => {
    it.effect.each([{}, { result: null }, { result: undefined }])(
      "completed - succeeds with undefined when the body has %o",
      (rest) =>
        Effect.gen(function* () {
          const { provide } = answering(() => ({ task_id: "t", state: "completed", ...rest }))
          assert.isUndefined(yield* provide(Poll.until(tasks, "t", { deadline })))
        })
    )

    it.effect("stall - reports or fails a task that has been running for half an hour", () =>
      Effect.gen(function* () {
        const { provide } = answering(() => ({ state: "running", progress: 0 }))
        const failing = { deadline, stall: EventPlatform.stall({ onStall: "fail" }) } as const
        const error = yield* runFor(Effect.flip(provide(Poll.until(tasks, "t", failing))), deadline)
        assert.strictEqual(error._tag, "JobStalled")
        const reporting = provide(
          Stream.runCollect(Poll.events(tasks, "t", { deadline, stall: EventPlatform.stall() }))
        )
        const events = yield* runFor(reporting, deadline)
        assert.strictEqual(events.filter((event) => event._tag === "Stalled").length, 1)
      })
    )

    it.effect("canceled, failed - end the wait, and a missing reason is an unknown error", () =>
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
    it.effect("since - ignores the end of an earlier run that is still shown after a change (R28)", () =>
      Effect.gen(function* () {
        const { provide, requests, times } = answering((request, attempt) =>
          request.method === "PUT" || attempt > 3
            ? { task_id: "t2", state: "completed", result: "ours" }
            : { task_id: "t1", state: "failed", error: "theirs" }
        )
        const receipt = yield* provide(campaigns.submit!({ eventId: "e 1", query: { status: "on" } }))
        assert.deepStrictEqual(receipt, { key: "e 1", since: { run: "t2" } })
        const result = yield* runFor(
          provide(Poll.until(campaigns, receipt.key, { since: receipt.since, deadline })),
          "1 minute"
        )
        assert.strictEqual(result, "ours")
        assert.deepStrictEqual(times, [0, 0, 2000, 5000])
        assert.strictEqual(requests[0]?.url, "http://h/events/e%201/client_campaign_status")
        assert.deepStrictEqual(requests[0]?.urlParams.params, [["status", "on"]])
      })
    )
  })

  describe("campaignRun", () => {
    const byTime = EventPlatform.make({
      baseUrl: "http://h",
      campaignRun: (body) =>
        hasProperty(body, "updated_at") && typeof body.updated_at === "number"
          ? { generation: body.updated_at }
          : undefined
    })

    it.effect("generation - ignores an end older than the change, and accepts a newer one", () =>
      Effect.gen(function* () {
        const { provide, times } = answering((request, attempt) =>
          request.method === "PUT"
            ? { updated_at: 1000 }
            : { state: "completed", result: attempt, updated_at: attempt < 4 ? 999 : 1001 }
        )
        const wait = Poll.run(byTime.campaigns, { eventId: "e1", query: {} }, { deadline })
        assert.strictEqual(yield* runFor(provide(wait), "1 minute"), 4)
        assert.deepStrictEqual(times, [0, 0, 2000, 5000])
      })
    )

    it.effect("default - rejects a response to a change without a task id, which other readers accept", () =>
      Effect.gen(function* () {
        const { provide } = answering(() => ({ ok: true }))
        const error = yield* Effect.flip(provide(campaigns.submit!({ eventId: "e1", query: {} })))
        assert.include(error.message, 'Missing key at ["task_id"]')
        const receipt = yield* provide(byTime.campaigns.submit!({ eventId: "e1", query: {} }))
        assert.isUndefined(receipt.since)
      })
    )
  })

  describe("packages", () => {
    it.effect.each([
      ["DONE", "done"],
      ["FAILED", "JobFailed"],
      ["EXPIRED", "JobExpired"]
    ])("%s - ends the wait as %s", ([state, expected]) =>
      Effect.gen(function* () {
        const { provide, times } = answering((_, attempt) => ({ id: "p", status: attempt < 3 ? "BUILDING" : state }))
        const ended = provide(Poll.until(packages, "p", { deadline })).pipe(
          Effect.match({ onSuccess: () => "done", onFailure: (error) => error._tag })
        )
        assert.strictEqual(yield* runFor(ended, "1 minute"), expected)
        assert.deepStrictEqual(times, [0, 5000, 10_000])
      })
    )
  })

  describe("interruption", () => {
    it.effect("packages - sends no request after the wait is interrupted", () =>
      Effect.gen(function* () {
        const { provide, requests } = answering(() => ({ id: "p", status: "BUILDING" }))
        const page = yield* Effect.forkChild(provide(Poll.until(packages, "p", { deadline })), {
          startImmediately: true
        })
        yield* TestClock.adjust("12 seconds")
        assert.strictEqual(requests.length, 3)
        yield* Fiber.interrupt(page)
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(requests.length, 3)
      })
    )
  })

  describe("pushes", () => {
    const decode = <K, A, F>(schema: PushSchema<K, A, F>, body: unknown) => Schema.decodeUnknownSync(schema)(body)

    it("schemas - decode the key and the status of a check", () => {
      const done = { task_id: "t2", state: "completed", result: 1 }
      assert.deepStrictEqual(decode(EventPlatform.pushes.tasks, done), {
        key: "t2",
        result: Status.succeeded(1, { state: "completed" })
      })
      const campaign: unknown = decode(EventPlatform.pushes.campaigns, { ...done, event_id: "e1" })
      const ofRun = CheckResult.withRun(Status.succeeded(1, { state: "completed" }), { run: "t2" })
      assert.deepStrictEqual(campaign, { key: "e1", result: ofRun })
      assert.deepStrictEqual(decode(EventPlatform.pushes.packages, { id: "p", status: "EXPIRED" }), {
        key: "p",
        result: Status.expired({ state: "EXPIRED" })
      })
    })

    it.effect("tasks - causes a check when passed to checkNow", () =>
      Effect.gen(function* () {
        let state = "running"
        const { provide, times } = answering(() => ({ task_id: "t", state, result: 7 }))
        const result = yield* Effect.gen(function* () {
          const handle = yield* Poll.start(tasks, "t", { deadline })
          yield* TestClock.adjust("15 seconds")
          state = "completed"
          yield* TestClock.adjust("1 second")
          const push = decode(EventPlatform.pushes.tasks, { task_id: "t", state: "completed" })
          if (push.key === "t") yield* handle.checkNow()
          yield* TestClock.adjust(1)
          return yield* handle.await
        }).pipe(Effect.scoped, provide)
        assert.strictEqual(result, 7)
        assert.deepStrictEqual(times, [0, 2000, 5000, 9500, 16_000])
      })
    )
  })

  describe("tasteClusters", () => {
    it.effect("options - give submit, check, states and strategy", () =>
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
        const states = ["queued", "dreaming", "ready"]
        const { provide, requests, times } = answering((_, attempt) => ({ status: states[attempt - 1] }))
        const { key } = yield* provide(job.submit!("e1"))
        assert.strictEqual(yield* runFor(provide(Poll.until(job, key, { deadline })), "1 minute"), 5)
        assert.deepStrictEqual(times, [0, 7000, 14_000])
        assert.strictEqual(requests[0]?.url, "http://h/events/e1/taste_clusters/runs/r1")
      })
    )
  })

  describe("badges", () => {
    it.effect("messages - are checked every 15 minutes, with the path and count of the options", () =>
      Effect.gen(function* () {
        const { provide, requests, times } = answering(() => ({ inbox: [1, 2, 3] }))
        const { messages } = EventPlatformBadges.make({
          baseUrl: "http://h",
          messages: {
            path: "/inbox",
            count: Schema.Struct({ inbox: Schema.Array(Schema.Finite) }).pipe(
              Schema.decodeTo(Schema.Finite, {
                decode: SchemaGetter.transform(({ inbox }: { readonly inbox: ReadonlyArray<number> }) => inbox.length),
                encode: SchemaGetter.forbidden(() => "decode only")
              })
            )
          }
        })
        const events = yield* Poll.events(messages.check, { strategy: messages.strategy, deadline: "unbounded" }).pipe(
          Stream.filter((event) => event._tag === "Changed" || event._tag === "Unchanged"),
          Stream.take(2),
          Stream.runCollect,
          provide,
          (read) => runFor(read, "1 hour")
        )
        assert.strictEqual(
          events[0]?._tag === "Changed" && events[0].status._tag === "Pending" ? events[0].status.detail : events[0],
          3
        )
        assert.deepStrictEqual(times, [0, 900_000])
        assert.strictEqual(requests[0]?.url, "http://h/inbox")
      })
    )

    it.effect("notifications - are checked every 10 seconds until the stream is interrupted", () =>
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
              if (event._tag === "Changed" && event.status._tag === "Pending") counts.push(event.status.detail)
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
    it.effect("submitPaths - replace the default paths, and a blank one is a RangeError", () =>
      Effect.gen(function* () {
        const submitPaths = { tasks: "/jobs/start", packages: "build" }
        const own = EventPlatform.make({ baseUrl: "http://h/", submitPaths })
        const { provide, requests } = answering(() => ({ task_id: "t", id: "p" }))
        assert.deepStrictEqual(yield* provide(own.tasks.submit!({ n: 1 })), { key: "t" })
        assert.deepStrictEqual(yield* provide(own.packages.submit!({})), { key: "p" })
        assert.deepStrictEqual(
          requests.map(({ url }) => url),
          ["http://h/jobs/start", "http://h/build"]
        )
        assert.throws(
          () => EventPlatform.make({ baseUrl: "http://h", submitPaths: { tasks: "" } }),
          RangeError,
          "EventPlatform.make: submitPaths.tasks"
        )
      })
    )

    it.effect("timeScale, grace - scale the delays after failed checks, and tolerate early 404s", () =>
      Effect.gen(function* () {
        const scaled = EventPlatform.make({ baseUrl: "http://h", timeScale: 0.01, grace: "1 second" })
        const statuses = [503, 502, 404, 404]
        const { provide, times } = answering((_, attempt) =>
          attempt > 4 ? { state: "completed" } : new Response("{}", { status: statuses[attempt - 1]! })
        )
        yield* runFor(provide(Poll.until(scaled.tasks, "t", { deadline })), "1 minute")
        assert.deepStrictEqual(times, [0, 10, 30, 50, 80])
        const late = answering(() => new Response("{}", { status: 404 }))
        const error = yield* runFor(Effect.flip(late.provide(Poll.until(scaled.tasks, "t", { deadline }))), "1 minute")
        assert.strictEqual(error._tag, "JobNotFound")
        assert.isAtLeast(Duration.toMillis(error.elapsed), 1000)
      })
    )

    it("baseUrl, path - throw a RangeError when blank", () => {
      assert.throws(() => EventPlatform.make({ baseUrl: "" }), RangeError, "EventPlatform.make: baseUrl")
      assert.throws(() => EventPlatformBadges.make({ baseUrl: "" }), RangeError, "EventPlatformBadges.make: baseUrl")
      assert.throws(
        () => EventPlatformBadges.make({ baseUrl: "http://h", messages: { path: " " } }),
        RangeError,
        "EventPlatformBadges.make: messages.path"
      )
    })
  })
})
