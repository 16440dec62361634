import { assert, describe } from "@effect/vitest"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"
import * as WebhookSender from "@effect-poll/testing/WebhookSender"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Strategy from "effect-poll/Strategy"
import * as Wakes from "effect-poll/Wakes"
import { campaigns } from "./programs/eventPlatform.ts"
import { live } from "./programs/running.ts"
import { eventually, receive } from "./programs/serving.ts"

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
const seldom = Strategy.spaced("10 minutes")

/** The platform, which cannot send webhooks, and who sends those of the contract. */
const setUp = Effect.fnUntraced(function* (script: JobScript.Options) {
  const server = yield* JobServer.make({ script: () => JobScript.make({ staleFor: 0, ...script }) })
  const cache = new Map([
    ["evt_1", "old"],
    ["evt_2", "old"]
  ])
  const notified: Array<string> = []
  let failures = 0
  const { change, invalidate, timeline, webhook } = campaigns({
    apiUrl: server.urls.EventPlatform,
    secret: Redacted.make(secret),
    cache,
    notify: (eventId) => (failures-- > 0 ? Effect.fail("no mail today") : Effect.sync(() => notified.push(eventId)))
  })
  const wakes = Layer.succeed(Wakes.Wakes, yield* Wakes.make())
  const { built, log, url } = yield* receive([webhook], wakes)
  yield* Effect.forkScoped(Effect.provideContext(invalidate, built), { startImmediately: true })
  const sender = yield* WebhookSender.make({ url: `${url}/hooks/events`, scheme: WebhookSender.standard(secret) })
  const jobs = Effect.map(server.truth, (all) => all.filter(({ kind }) => kind === "campaign"))
  /** Starts a change and waits for its first check. */
  const start = (eventId: string, strategy = seldom) =>
    Effect.gen(function* () {
      const before = (yield* jobs).length
      const wait = yield* Effect.forkScoped(Effect.provide(change(eventId, strategy), wakes), {
        startImmediately: true
      })
      yield* eventually(Effect.map(jobs, (all) => (all[before]?.requests ?? 0) > 0))
      return { wait, taskId: (yield* jobs)[before]!.ids["task_id"]! }
    })
  const ended = (eventId: string, taskId: string) => ({ event_id: eventId, task_id: taskId, state: "completed" })
  return {
    cache,
    ended,
    failOnce: () => void (failures = 1),
    jobs,
    log,
    notified,
    sender,
    start,
    timeline: Effect.provideContext(timeline, built)
  }
})

describe("EventPlatform with webhooks by contract", () => {
  live("webhook - is the answer of a check, is handled once, and invalidates the cache", () =>
    Effect.gen(function* () {
      const { cache, ended, jobs, notified, sender, start, timeline } = yield* setUp({ duration: "Infinity" })
      const { taskId, wait } = yield* start("evt_1")
      const request = yield* sender.sign(ended("evt_1", taskId))
      for (let times = 1; times <= 3; times++) assert.strictEqual(yield* sender.post(request), 200)
      assert.isUndefined(yield* Fiber.join(wait))
      assert.strictEqual((yield* jobs)[0]?.requests, 1)
      assert.deepStrictEqual(notified, ["evt_1"])
      yield* eventually(Effect.sync(() => !cache.has("evt_1")))
      assert.deepStrictEqual([...cache.keys()], ["evt_2"])
      const what = (yield* timeline).map((line) => line.what)
      for (const each of ["wait Started", "wait Told", "wait Ended", "webhook 200 reported", "webhook 200 repeat"]) {
        assert.include(what, each)
      }
    })
  )

  live("webhook of the run before, or without a run - does not end the wait for this change", () =>
    Effect.gen(function* () {
      const { ended, sender, start } = yield* setUp({ duration: "Infinity" })
      const first = yield* start("evt_1")
      const second = yield* start("evt_1")
      assert.notStrictEqual(first.taskId, second.taskId)
      for (const body of [ended("evt_1", first.taskId), { event_id: "evt_1", state: "completed" }]) {
        assert.strictEqual(yield* sender.post(yield* sender.sign(body)), 200)
      }
      yield* Fiber.join(first.wait)
      assert.strictEqual(second.wait.pollUnsafe(), undefined)
      assert.strictEqual(yield* sender.post(yield* sender.sign(ended("evt_1", second.taskId))), 200)
      yield* Fiber.join(second.wait)
    })
  )

  live("forged - changes nothing, and is in the timeline", () =>
    Effect.gen(function* () {
      const { cache, ended, log, notified, sender, start, timeline } = yield* setUp({ duration: "Infinity" })
      const { taskId, wait } = yield* start("evt_1")
      const request = yield* sender.sign(ended("evt_1", taskId))
      assert.strictEqual(yield* sender.post(WebhookSender.tamper(request)), 401)
      assert.strictEqual(yield* sender.post(WebhookSender.withId(request, "msg_other")), 401)
      assert.strictEqual(wait.pollUnsafe(), undefined)
      assert.deepStrictEqual([notified, cache.size], [[], 2])
      assert.include(
        (yield* timeline).map(({ what }) => what),
        "webhook 401 nothing"
      )
      assert.strictEqual((yield* log.entries)[0]?.verified, false)
    })
  )

  live("lost - polling finds the end", () =>
    Effect.gen(function* () {
      const { notified, start } = yield* setUp({ duration: "300 millis" })
      const { wait } = yield* start("evt_1", Strategy.spaced("50 millis"))
      yield* Fiber.join(wait)
      assert.deepStrictEqual(notified, [])
    })
  )

  live("onPush that fails - gets the webhook again, and only then counts as done", () =>
    Effect.gen(function* () {
      const { ended, failOnce, notified, sender, start } = yield* setUp({ duration: "Infinity" })
      const { taskId, wait } = yield* start("evt_1")
      failOnce()
      const request = yield* sender.sign(ended("evt_1", taskId))
      assert.strictEqual(yield* sender.post(request), 500)
      // The wait was told before the handler was called: it has its end.
      yield* Fiber.join(wait)
      assert.strictEqual(yield* sender.post(request), 200)
      assert.strictEqual(yield* sender.post(request), 200)
      assert.deepStrictEqual(notified, ["evt_1"])
    })
  )
})
