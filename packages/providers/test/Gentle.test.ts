import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type * as Job from "effect-poll/Job"
import type { Observation } from "effect-poll/Observation"
import * as Poll from "effect-poll/Poll"
import * as Strategy from "effect-poll/Strategy"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as AsyncQueue from "@effect-poll/providers/AsyncQueue"
import * as EventPlatform from "@effect-poll/providers/EventPlatform"
import * as GenerationApi from "@effect-poll/providers/GenerationApi"
import * as Gentle from "@effect-poll/providers/Gentle"
import * as JobStatus from "@effect-poll/providers/JobStatus"
import * as Mixpeek from "@effect-poll/providers/Mixpeek"
import { answering, runFor } from "./support.ts"

/** What is logged as a warning while two waits run their course, one after the other. */
const warnings = <A, E, R>(wait: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const messages: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => {
      if (logLevel === "Warn") messages.push(String(message))
    })
    const twice = Effect.andThen(wait, wait)
    yield* runFor(twice, "1 day").pipe(Effect.provide(Logger.layer([logger])))
    return messages
  })

const wait = <K, A, F>(job: Job.Job<K, A, F, HttpCheckError, HttpClient.HttpClient, never, unknown>, key: K) =>
  Effect.ignore(busy.provide(Poll.until(job, key, { deadline: "1 minute" })))

const baseUrl = "http://h"
const token = Redacted.make("t")
const task = { model: "m", taskId: "t" }
/** Words that no provider lists: pending for all of them. */
const busy = answering(() => ({ id: "x", status: "busy", state: "busy", data: { state: "busy" } }))

type AnySchedule = Schedule.Schedule<unknown, Observation>

const providers = [
  {
    name: "JobStatus.make",
    least: 2,
    wait: (strategy: AnySchedule) => wait(JobStatus.make({ baseUrl, strategy }), "j")
  },
  {
    name: "EventPlatform.make: tasks",
    least: 2,
    wait: (tasks: AnySchedule) => wait(EventPlatform.make({ baseUrl, strategies: { tasks } }).tasks, "t")
  },
  {
    // Campaigns share the strategy of tasks.
    name: "EventPlatform.make: tasks",
    least: 2,
    wait: (tasks: AnySchedule) => wait(EventPlatform.make({ baseUrl, strategies: { tasks } }).campaigns, "e")
  },
  {
    name: "EventPlatform.make: packages",
    least: 5,
    wait: (packages: AnySchedule) => wait(EventPlatform.make({ baseUrl, strategies: { packages } }).packages, "p")
  },
  {
    name: "GenerationApi.make",
    least: 2,
    wait: (strategy: AnySchedule) => wait(GenerationApi.make({ baseUrl, token, strategy }), task)
  },
  {
    name: "GenerationApi.make",
    least: 2,
    wait: (strategy: AnySchedule) => wait(GenerationApi.make({ baseUrl, token, strategy: () => strategy }), task)
  },
  {
    name: "Mixpeek.make",
    least: 1,
    wait: (strategy: AnySchedule) => wait(Mixpeek.make({ baseUrl, strategy }).tasks, { taskId: "t" })
  },
  {
    name: "Mixpeek.make",
    least: 1,
    wait: (strategy: AnySchedule) =>
      wait(Mixpeek.make({ baseUrl, strategy }).resources, {
        taskType: "api_clusters_execute",
        ids: { cluster_id: "c" }
      })
  },
  {
    name: "AsyncQueue.make: tasks",
    least: 5,
    wait: (tasks: AnySchedule) => wait(AsyncQueue.make({ baseUrl, strategies: { tasks } }).tasks, "t")
  },
  {
    name: "AsyncQueue.make: signalTasks",
    least: 5,
    wait: (signalTasks: AnySchedule) => wait(AsyncQueue.make({ baseUrl, strategies: { signalTasks } }).signalTasks, "t")
  }
] as const

describe("Gentle", () => {
  it("isHasty - by the first delay at the longest of its jitter; a Schedule counts as gentle", () => {
    assert.isTrue(Gentle.isHasty(Strategy.spaced("200 millis"), "2 seconds"))
    assert.isFalse(Gentle.isHasty(EventPlatform.taskStrategy, "2 seconds"))
    assert.isFalse(Gentle.isHasty(Strategy.jittered(EventPlatform.taskStrategy, "full"), "2 seconds"))
    assert.isFalse(Gentle.isHasty(Strategy.maxAttempts(Strategy.spaced("1 millis"), 1), "2 seconds"))
    assert.isFalse(Gentle.isHasty(Schedule.spaced("1 millis"), "2 seconds"))
    assert.throws(() => Gentle.isHasty(Strategy.spaced(1), 0), RangeError, "Gentle.isHasty: interval")
    assert.throws(() => Gentle.guard("x", "Infinity"), RangeError, "Gentle.guard: interval")
  })

  describe("a strategy under the gentle interval warns once", () => {
    it.effect.each(providers)("$name", ({ least, name, wait }) =>
      Effect.gen(function* () {
        const expected = [`${name}: the strategy checks again after 200ms; gentle is ${least}s`]
        assert.deepStrictEqual(
          yield* warnings(wait(Strategy.spaced("200 millis").pipe(Strategy.maxAttempts(4)))),
          expected
        )
        const schedule = Schedule.spaced("200 millis").pipe(Schedule.upTo({ times: 4 }))
        assert.deepStrictEqual(yield* warnings(wait(schedule)), expected)
        const gentle = { seconds: least }
        assert.deepStrictEqual(yield* warnings(wait(Strategy.maxAttempts(Strategy.spaced(gentle), 4))), [])
        assert.deepStrictEqual(yield* warnings(wait(Schedule.spaced(gentle).pipe(Schedule.upTo({ times: 4 })))), [])
      })
    )
  })

  it.effect("timeScale - hurries the interval too, and the default strategies are gentle", () =>
    Effect.gen(function* () {
      for (const timeScale of [1 / 30, 0.7]) {
        const strategy = Strategy.scale(GenerationApi.exponential, timeScale)
        const waits = [
          wait(JobStatus.make({ baseUrl, timeScale }), "j"),
          wait(EventPlatform.make({ baseUrl, timeScale }).tasks, "t"),
          wait(EventPlatform.make({ baseUrl, timeScale }).packages, "p"),
          wait(GenerationApi.make({ baseUrl, token, timeScale }), task),
          wait(GenerationApi.make({ baseUrl, token, timeScale, strategy }), task),
          wait(Mixpeek.make({ baseUrl, timeScale }).tasks, { taskId: "t" }),
          wait(AsyncQueue.make({ baseUrl, timeScale }).tasks, "t"),
          wait(AsyncQueue.make({ baseUrl, timeScale }).signalTasks, "t")
        ]
        for (const each of waits) assert.deepStrictEqual(yield* warnings(each), [])
      }
    })
  )
})
