import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import * as CheckContext from "effect-poll/CheckContext"
import * as Poll from "effect-poll/Poll"
import * as Strategy from "effect-poll/Strategy"
import * as JobStatus from "@effect-poll/providers/JobStatus"
import { answering, runFor } from "./support.ts"

const job = JobStatus.make({ baseUrl: "http://h/" })
const until = Poll.until(job, "abc", { deadline: "10 minutes" })
const html = () => new Response("<html>", { headers: { "content-type": "text/html" } })

describe("JobStatus", () => {
  describe("failed checks", () => {
    it.effect("transient - uses up one of the 30 checks, and the wait ends at the last one as PollTimeout", () =>
      Effect.gen(function* () {
        const kinds = [
          () => new Response("", { status: 502 }),
          html,
          () => ({ unexpected: [true] }),
          () => new Response("{broken"),
          (request: HttpClientRequest.HttpClientRequest) =>
            new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request }) })
        ]
        const { provide, times } = answering((request, attempt) => kinds[attempt % 5]!(request))
        const error = yield* runFor(Effect.flip(provide(until)), "10 minutes")
        assert.strictEqual(error._tag, "PollTimeout")
        assert.strictEqual(error._tag === "PollTimeout" ? error.reason : "", "strategy")
        assert.deepStrictEqual(
          times,
          Array.from({ length: 30 }, (_, check) => check * 2000)
        )
        assert.strictEqual(error.attempts, 30)
        assert.strictEqual(Duration.toSeconds(error.elapsed), 58)
        assert.include(error.message, "last check error HttpCheckError: GET http://h/api/job-status/abc: 502")
      })
    )

    it.effect("Retry-After - is a floor for the delay of the next check", () =>
      Effect.gen(function* () {
        const { provide, times } = answering((_, attempt) =>
          attempt === 1
            ? new Response("{}", { status: 429, headers: { "retry-after": "9" } })
            : { status: "completed", result: 1 }
        )
        assert.strictEqual(yield* runFor(provide(until), "1 minute"), 1)
        assert.deepStrictEqual(times, [0, 9000])
      })
    )

    it.effect("permanent - ends the wait at once, as does an unknown id", () =>
      Effect.gen(function* () {
        for (const [status, tag] of [
          [401, "CheckRejected"],
          [404, "JobNotFound"]
        ] as const) {
          const { provide, requests } = answering(() => new Response("{}", { status }))
          assert.strictEqual((yield* Effect.flip(provide(until)))._tag, tag)
          assert.strictEqual(requests.length, 1)
        }
      })
    )
  })

  describe("states", () => {
    it.effect.each([{}, { errorMessage: null }, { errorMessage: "" }, { errorMessage: " " }])(
      "failed - is an unknown error when the body has %o",
      (rest) =>
        Effect.gen(function* () {
          const { provide } = answering(() => ({ jobId: "abc", status: "failed", ...rest }))
          const error = yield* Effect.flip(provide(until))
          assert.strictEqual(error._tag === "JobFailed" ? error.failure : error._tag, "Unknown error")
        })
    )

    it.effect("unknownState - counts as pending, or ends the wait with fail", () =>
      Effect.gen(function* () {
        const odd = () => ({ status: "paused", progress: "x" })
        const { provide } = answering((_, attempt) => (attempt < 3 ? odd() : { status: "completed" }))
        assert.isUndefined(yield* runFor(provide(until), "1 minute"))
        const strict = JobStatus.make({ baseUrl: "http://h", unknownState: "fail" })
        const error = yield* Effect.flip(answering(odd).provide(Poll.until(strict, "abc", { deadline: "1 minute" })))
        assert.strictEqual(error._tag === "UnknownState" ? error.state : error._tag, "paused")
      })
    )

    it.effect("progress - is converted from percent to a fraction", () =>
      Effect.gen(function* () {
        const result = yield* answering(() => ({ status: "processing", progress: 40 })).provide(
          job.check("abc", CheckContext.make())
        )
        assert.strictEqual(result._tag === "Pending" ? result.progress : undefined, 0.4)
      })
    )

    it.effect("result - uses up a check when it does not fit its Schema", () =>
      Effect.gen(function* () {
        const typed = JobStatus.make({ baseUrl: "http://h", result: Schema.Struct({ output: Schema.String }) })
        const { provide } = answering((_, attempt) => ({
          status: "completed",
          result: attempt === 1 ? {} : { output: "x" }
        }))
        const result = yield* runFor(provide(Poll.until(typed, "abc", { deadline: "1 minute" })), "1 minute")
        assert.deepStrictEqual(result, { output: "x" })
      })
    )
  })

  describe("make", () => {
    it("options - throw a RangeError that names an invalid one", () => {
      const bad = (options: Partial<JobStatus.Options>, message: string) =>
        assert.throws(() => JobStatus.make({ baseUrl: "http://h", ...options }), RangeError, message)
      bad({ baseUrl: "" }, "JobStatus.make: baseUrl must be a non-empty string")
      bad({ timeScale: 0 }, "JobStatus.make: timeScale must be a positive finite number")
      bad({ submitPath: "" }, "JobStatus.make: submitPath")
      bad({ statusPath: "/jobs" }, "JobStatus.make: statusPath must contain {jobId}")
      assert.throws(() => Poll.until(job, "", { deadline: "1 minute" }), RangeError, "key")
    })

    it.effect("timeScale - scales the default strategy, but not one that is given", () =>
      Effect.gen(function* () {
        for (const [options, second] of [
          [{}, 20],
          [{ strategy: Strategy.spaced("3 seconds") }, 3000]
        ] as const) {
          const { provide, times } = answering((_, attempt) => ({ status: attempt === 1 ? "pending" : "completed" }))
          const scaled = JobStatus.make({ baseUrl: "http://h", timeScale: 0.01, ...options })
          const start = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
          yield* runFor(provide(Poll.until(scaled, "abc", { deadline: "1 minute" })), "1 minute")
          assert.deepStrictEqual(
            times.map((at) => at - start),
            [0, second]
          )
        }
      })
    )

    it.effect("key - is encoded as one path segment, and a dot segment is a RangeError", () =>
      Effect.gen(function* () {
        const { provide, requests } = answering(() => ({ status: "completed" }))
        yield* provide(Poll.until(job, "a/../b?c", { deadline: "1 minute" }))
        assert.strictEqual(requests[0]?.url, "http://h/api/job-status/a%2F..%2Fb%3Fc")
        const exit = yield* Effect.exit(provide(Poll.until(job, "..", { deadline: "1 minute" })))
        assert.include(String(exit), "RangeError: JobStatus: key")
        assert.strictEqual(requests.length, 1)
      })
    )
  })
})
