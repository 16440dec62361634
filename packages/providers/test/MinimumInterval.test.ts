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
import * as MinimumInterval from "@effect-poll/providers/MinimumInterval"
import * as JobStatus from "@effect-poll/providers/JobStatus"
import * as Mixpeek from "@effect-poll/providers/Mixpeek"
import { answering, runFor } from "./support.ts"

/** The warnings logged by two waits, one after the other. */
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
/** A response whose state no provider lists: pending for all of them. */
const busy = answering(() => ({ id: "x", status: "busy", state: "busy", data: { state: "busy" } }))

type AnySchedule = Schedule.Schedule<unknown, Observation>

const providers = [
  {
    name: "JobStatus.make",
    minimum: 2,
    wait: (strategy: AnySchedule) => wait(JobStatus.make({ baseUrl, strategy }), "j")
  },
  {
    name: "EventPlatform.make: tasks",
    minimum: 2,
    wait: (tasks: AnySchedule) => wait(EventPlatform.make({ baseUrl, strategies: { tasks } }).tasks, "t")
  },
  {
    // Campaigns share the strategy of tasks.
    name: "EventPlatform.make: tasks",
    minimum: 2,
    wait: (tasks: AnySchedule) => wait(EventPlatform.make({ baseUrl, strategies: { tasks } }).campaigns, "e")
  },
  {
    name: "EventPlatform.make: packages",
    minimum: 5,
    wait: (packages: AnySchedule) => wait(EventPlatform.make({ baseUrl, strategies: { packages } }).packages, "p")
  },
  {
    name: "GenerationApi.make",
    minimum: 2,
    wait: (strategy: AnySchedule) => wait(GenerationApi.make({ baseUrl, token, strategy }), task)
  },
  {
    name: "GenerationApi.make",
    minimum: 2,
    wait: (strategy: AnySchedule) => wait(GenerationApi.make({ baseUrl, token, strategy: () => strategy }), task)
  },
  {
    name: "Mixpeek.make",
    minimum: 1,
    wait: (strategy: AnySchedule) => wait(Mixpeek.make({ baseUrl, strategy }).tasks, { taskId: "t" })
  },
  {
    name: "Mixpeek.make",
    minimum: 1,
    wait: (strategy: AnySchedule) =>
      wait(Mixpeek.make({ baseUrl, strategy }).resources, {
        taskType: "api_clusters_execute",
        ids: { cluster_id: "c" }
      })
  },
  {
    name: "AsyncQueue.make: tasks",
    minimum: 5,
    wait: (tasks: AnySchedule) => wait(AsyncQueue.make({ baseUrl, strategies: { tasks } }).tasks, "t")
  },
  {
    name: "AsyncQueue.make: signalTasks",
    minimum: 5,
    wait: (signalTasks: AnySchedule) => wait(AsyncQueue.make({ baseUrl, strategies: { signalTasks } }).signalTasks, "t")
  }
] as const

describe("MinimumInterval", () => {
  it("isTooFrequent - judges the first delay at its longest jitter, and no Schedule", () => {
    assert.isTrue(MinimumInterval.isTooFrequent(Strategy.spaced("200 millis"), "2 seconds"))
    assert.isFalse(MinimumInterval.isTooFrequent(EventPlatform.taskStrategy, "2 seconds"))
    assert.isFalse(MinimumInterval.isTooFrequent(Strategy.jittered(EventPlatform.taskStrategy, "full"), "2 seconds"))
    assert.isFalse(MinimumInterval.isTooFrequent(Strategy.maxAttempts(Strategy.spaced("1 millis"), 1), "2 seconds"))
    assert.isFalse(MinimumInterval.isTooFrequent(Schedule.spaced("1 millis"), "2 seconds"))
    assert.isTrue(MinimumInterval.isTooFrequent("2 seconds")(Strategy.spaced("200 millis")))
    assert.throws(
      () => MinimumInterval.isTooFrequent(Strategy.spaced(1), 0),
      RangeError,
      "MinimumInterval.isTooFrequent: interval must be a positive finite duration, got 0"
    )
    assert.throws(() => MinimumInterval.guard("x", "Infinity"), RangeError, "MinimumInterval.guard: interval")
  })

  describe("guard", () => {
    it.effect.each(providers)("$name - warns once of a strategy below the minimum", ({ minimum, name, wait }) =>
      Effect.gen(function* () {
        const expected = [`${name}: the strategy checks again after 200ms; the minimum interval is ${minimum}s`]
        assert.deepStrictEqual(
          yield* warnings(wait(Strategy.spaced("200 millis").pipe(Strategy.maxAttempts(4)))),
          expected
        )
        const schedule = Schedule.spaced("200 millis").pipe(Schedule.upTo({ times: 4 }))
        assert.deepStrictEqual(yield* warnings(wait(schedule)), expected)
        const allowed = { seconds: minimum }
        assert.deepStrictEqual(yield* warnings(wait(Strategy.maxAttempts(Strategy.spaced(allowed), 4))), [])
        assert.deepStrictEqual(yield* warnings(wait(Schedule.spaced(allowed).pipe(Schedule.upTo({ times: 4 })))), [])
      })
    )
  })

  it.effect("timeScale - scales the minimum too, so that the default strategies cause no warning", () =>
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
