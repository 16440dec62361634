import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpClient from "effect/http/HttpClient"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import * as Poller from "effect-poll/Poller"
import * as CheckError from "effect-poll/CheckError"
import type * as PollError from "effect-poll/PollError"
import * as Strategy from "effect-poll/Strategy"
import * as JobStatus from "@effect-poll/providers/JobStatus"
import * as Fault from "@effect-poll/testing/Fault"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"

/** How many jobs to watch; set the variable to a smaller number on a busy machine. */
const count = Number(process.env["POLLER_LIVE_JOBS"] ?? 10_000)

const concurrency = 64

/** Most jobs succeed, some fail, some have faulty responses. */
const scriptOf = (index: number): JobScript.JobScript => {
  const duration = 200 + ((index * 7919) % 3000)
  switch (index % 20) {
    case 3:
      return JobScript.failed(duration, { failure: { code: "E", message: `broken ${index}` } })
    case 7:
      return JobScript.succeeded(duration, { result: index, faults: [Fault.serverError(1), Fault.drop(2)] })
    case 11:
      return JobScript.succeeded(duration, { result: index, faults: [Fault.latency(1, "50 millis"), Fault.html(2)] })
    default:
      return JobScript.succeeded(duration, { result: index })
  }
}

const endOf = (exit: Exit.Exit<unknown, PollError.PollError<string, unknown>>): unknown => {
  if (Exit.isSuccess(exit)) return `succeeded ${String(exit.value)}`
  const error = Exit.findErrorOption(exit)
  if (error._tag === "None") return "defect"
  return error.value._tag === "JobFailed" ? `failed ${error.value.failure}` : error.value._tag
}

describe("Poller over HTTP", () => {
  it.live(
    `results - yields the true end of ${count} jobs within the concurrency`,
    () =>
      Effect.gen(function* () {
        const server = yield* JobServer.make()
        const job = JobStatus.make({ baseUrl: server.urls.JobStatus })
        const ids = yield* Effect.forEach(
          Array.from({ length: count }, (_, at) => at),
          (at) => Effect.map(server.create("JobStatus", "job", scriptOf(at)), ({ id }) => id)
        )
        let inFlight = 0
        let maxInFlight = 0
        const client = HttpClient.transform(yield* HttpClient.HttpClient, (response) =>
          Effect.suspend(() => {
            maxInFlight = Math.max(maxInFlight, ++inFlight)
            return Effect.ensuring(
              response,
              Effect.sync(() => inFlight--)
            )
          })
        )
        const poller = yield* Poller.make({ concurrency })
        const results = poller.results(job, ids, {
          deadline: "2 minutes",
          strategy: Strategy.spaced("8 seconds"),
          checkErrors: {
            schedule: Strategy.spaced("200 millis"),
            maxConsecutive: 10,
            kindOf: () => CheckError.transient()
          }
        })
        // Waits that time out meanwhile: each keeps its deadline, however many checks are queued.
        const timedOut = Effect.gen(function* () {
          const { id } = yield* server.create("JobStatus", "job", JobScript.endless())
          const wait = poller.until(job, id, { deadline: "4 seconds", strategy: Strategy.spaced("1 second") })
          const [took, exit] = yield* Effect.timed(Effect.exit(wait))
          assert.strictEqual(endOf(exit), "PollTimeout")
          assert.isBelow(Duration.toMillis(took), 6000)
        })
        const [ends] = yield* Effect.all([Stream.runCollect(results), ...Array.from({ length: 5 }, () => timedOut)], {
          concurrency: "unbounded"
        }).pipe(Effect.provideService(HttpClient.HttpClient, client))

        assert.strictEqual(new Set(ends.map(({ key }) => key)).size, count)
        assert.strictEqual(ends.length, count)
        const wrong: Array<unknown> = []
        let requests = 0
        for (const { attempts, exit, key } of ends) {
          const truth = yield* server.truthOf(key)
          requests += truth.requests
          const end = endOf(exit)
          const expected =
            truth.outcome === "succeeded"
              ? `succeeded ${String(truth.result)}`
              : truth.outcome === "failed"
                ? `failed ${truth.failure?.message}`
                : "PollTimeout"
          if (end !== expected || truth.checksAfterEnd > 1 + truth.faultsServed || truth.requests > attempts)
            wrong.push({ end, expected, truth })
        }
        assert.deepStrictEqual(wrong.slice(0, 3), [])
        assert.isAtMost(maxInFlight, concurrency)
        assert.strictEqual(inFlight, 0)
        const { ended, ...now } = yield* poller.stats
        assert.deepStrictEqual(now, { watched: 0, waiting: 0, queued: 0, checking: 0, requests: 0 })
        assert.strictEqual((ended["Succeeded"] ?? 0) + (ended["JobFailed"] ?? 0), count)
        assert.strictEqual(ended["PollTimeout"], 5)
        // Most jobs have ended by their first check; those with faults need more.
        assert.isAtMost(requests, 2.5 * count)
      }).pipe(
        Effect.provide(NodeHttpClient.layerUndiciOptions({ connections: concurrency })),
        Effect.provideService(References.MinimumLogLevel, "None")
      ),
    60_000
  )
})
