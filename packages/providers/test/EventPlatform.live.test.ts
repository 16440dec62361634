import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import * as EventPlatform from "@effect-poll/providers/EventPlatform"
import * as EventPlatformBadges from "@effect-poll/providers/EventPlatformBadges"
import * as Fault from "@effect-poll/testing/Fault"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"
import { live } from "./support.ts"

const speed = 100
const deadline = "30 seconds"

const running = (script?: JobServer.Options["script"]) =>
  Effect.map(JobServer.make({ speed, script }), (server) => ({
    server,
    url: server.urls.EventPlatform,
    ...EventPlatform.make({ baseUrl: server.urls.EventPlatform, timeScale: 1 / speed })
  }))

describe("EventPlatform", () => {
  live("tasks - succeed without a result despite faulty responses", () =>
    Effect.gen(function* () {
      const faults = [Fault.drop(1), Fault.html(2)]
      const { server, tasks } = yield* running(() => JobScript.succeeded("5 seconds", { faults }))
      const { key } = yield* tasks.submit!({})
      assert.isUndefined(yield* Poll.until(tasks, key, { deadline }))
      assert.strictEqual((yield* server.truthOf(key)).outcome, "succeeded")
    }).pipe(Effect.orDie)
  )

  live("campaigns - do not end by the end of an earlier change", () =>
    Effect.gen(function* () {
      const { campaigns } = yield* running(({ params }) =>
        params["status"] === "off"
          ? JobScript.failed(0)
          : JobScript.succeeded("6 seconds", { staleFor: "4 seconds", result: "ours" })
      )
      const before = yield* campaigns.submit!({ eventId: "e1", query: { status: "off" } })
      const previous = Poll.until(campaigns, before.key, { since: before.since, deadline })
      assert.strictEqual((yield* Effect.flip(previous))._tag, "JobFailed")
      const receipt = yield* campaigns.submit!({ eventId: "e1", query: { status: "on" } })
      assert.strictEqual(receipt.key, before.key)
      assert.strictEqual(yield* Poll.until(campaigns, receipt.key, { since: receipt.since, deadline }), "ours")
    }).pipe(Effect.orDie)
  )

  live("packages - succeed with a URL, or expire", () =>
    Effect.gen(function* () {
      const { packages } = yield* running(({ sequence }) =>
        sequence === 1 ? JobScript.succeeded("6 seconds") : JobScript.expired("3 seconds")
      )
      const done = yield* packages.submit!({})
      const made = yield* Poll.until(packages, done.key, { deadline })
      assert.strictEqual(made.url, `https://files.example.com/packages/${done.key}.zip`)
      const lost = yield* packages.submit!({})
      assert.strictEqual((yield* Effect.flip(Poll.until(packages, lost.key, { deadline })))._tag, "JobExpired")
    }).pipe(Effect.orDie)
  )

  live("tasteClusters - run with the submit, check and states of the caller", () =>
    Effect.gen(function* () {
      const { url } = yield* running(() => JobScript.succeeded("3 seconds", { result: ["jazz"] }))
      const runs = EventPlatform.tasteClusters({
        check: (run: string) => HttpClientRequest.get(`${url}/events/e1/taste_clusters/runs/${run}`),
        status: StatusSchema.fromField(
          Schema.Struct({
            status: Schema.Literals(["queued", "running", "ready", "error"]),
            clusters: Schema.optionalKey(Schema.Array(Schema.String))
          }),
          "status",
          {
            queued: Status.pending(),
            running: Status.pending(),
            ready: (run) => Status.succeeded(run.clusters ?? []),
            error: Status.failed("no clusters")
          }
        ),
        submit: (seed: number) =>
          HttpCheck.send(
            HttpClientRequest.post(`${url}/events/e1/taste_clusters/runs`),
            Schema.Struct({ run_id: Schema.String }),
            { body: { seed } }
          ).pipe(Effect.map(({ hint, value }) => ({ key: value.run_id, hint }))),
        strategy: Strategy.spaced("10 millis")
      })
      const { key } = yield* runs.submit!(1)
      assert.deepStrictEqual(yield* Poll.until(runs, key, { deadline }), ["jazz"])
    }).pipe(Effect.orDie)
  )

  live("badges - count until the stream ends", () =>
    Effect.gen(function* () {
      const { server, url } = yield* running()
      const { notifications } = EventPlatformBadges.make({ baseUrl: url, timeScale: 1 / speed / 10 })
      const counts = yield* Poll.events(notifications.check, {
        strategy: notifications.strategy,
        deadline: "unbounded"
      }).pipe(
        Stream.filter((event) => event._tag === "Changed"),
        Stream.take(3),
        Stream.runCollect
      )
      assert.deepStrictEqual(
        counts.map(({ status }) => (status._tag === "Pending" ? typeof status.detail : status._tag)),
        ["number", "number", "number"]
      )
      const { requests } = yield* server.truthOf("notifications_stats")
      yield* Effect.sleep("50 millis")
      assert.strictEqual((yield* server.truthOf("notifications_stats")).requests, requests)
    }).pipe(Effect.orDie)
  )
})
