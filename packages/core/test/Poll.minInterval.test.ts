import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import type * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { type Answer, done, pending, renderJob, scripted, slow } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { inspect } from "./support/inspect.ts"
import { every1s, hour, plain } from "./support/options.ts"
import { delaysOf, recordEvents } from "./support/recorders.ts"
import { ending, runFor } from "./support/runs.ts"
import { storedToken } from "./support/tokens.ts"

const minute = 60_000

/** What the second check of a wait comes for, and when it may come. */
interface Case {
  readonly name: string
  readonly answers: ReadonlyArray<Answer<string, never, string>>
  readonly options?: Partial<Poll.Options<string>>
  readonly checks: ReadonlyArray<number>
  readonly ends?: unknown
}

const cases: ReadonlyArray<Case> = [
  { name: "strategy", answers: [pending, done], checks: [0, minute] },
  { name: "long check", answers: [slow("45 seconds", pending), done], checks: [0, minute] },
  { name: "check that takes longer than the gap", answers: [slow("59500 millis", pending), done], checks: [0, 60_500] },
  { name: "error delay", answers: [Effect.fail("reset"), done], checks: [0, minute] },
  {
    name: "throttled check",
    answers: [Effect.fail("slow down"), done],
    options: { checkErrors: { kindOf: () => CheckError.throttled({ retryAfter: Duration.seconds(5) }) } },
    checks: [0, minute]
  },
  {
    name: "tolerated permanent error",
    answers: [Effect.fail("denied"), done],
    options: { checkErrors: { kindOf: () => CheckError.permanent(), rejectAfter: { times: 2 } } },
    checks: [0, minute]
  },
  {
    name: "retry",
    answers: [Effect.fail("reset"), done],
    options: { checkErrors: { retry: Strategy.spaced("1 second") } },
    checks: [0, minute]
  },
  { name: "end without its result", answers: [CheckResult.resultMissing(), done], checks: [0, minute] },
  {
    name: "timed out check",
    answers: [Effect.never, done],
    options: { checkTimeout: "10 seconds" },
    checks: [0, minute]
  },
  { name: "shorter hint", answers: [CheckResult.withHint(pending, "20 seconds"), done], checks: [0, minute] },
  { name: "longer hint", answers: [CheckResult.withHint(pending, "2 minutes"), done], checks: [0, 2 * minute] },
  {
    name: "last check that fits",
    answers: [pending],
    options: { deadline: "1 minute" },
    checks: [0, minute],
    ends: "PollTimeout deadline"
  },
  {
    name: "last check that does not fit",
    answers: [pending],
    options: { deadline: "59 seconds" },
    checks: [0],
    ends: "PollTimeout deadline"
  },
  {
    name: "last check while checks take long",
    answers: [slow("30 seconds", pending)],
    options: { deadline: "80 seconds" },
    checks: [0, minute],
    ends: "PollTimeout deadline"
  }
]

describe.each(hosts)("$name", (host) => {
  describe("minInterval [R35]", () => {
    for (const { answers, checks, ends, name, options } of cases) {
      it.effect(`${name} - comes no earlier than minInterval after the start of the check before`, () =>
        Effect.gen(function* () {
          const { job, checks: made } = renderJob(...answers)
          const wait = host.until(job, "a", { strategy: every1s, minInterval: minute, ...hour, ...options })
          const { exit } = yield* runFor(wait, "1 hour")
          assert.deepStrictEqual([made, ending(exit)], [checks, ends ?? "done"])
        })
      )
    }

    it.effect("fallback - is a check of the key too", () =>
      Effect.gen(function* () {
        const checks: Array<number> = []
        const noted = <A>(result: A) => Effect.map(Clock.currentTimeMillis, (now) => (checks.push(now), result))
        const job = Job.make<string>("render", {
          check: () => noted(CheckResult.missing),
          missing: { fallback: { locate: (key) => key, check: () => noted(Status.succeeded("kept")) } },
          minInterval: "30 seconds"
        })
        yield* runFor(host.until(job, "a", hour), "1 hour")
        assert.deepStrictEqual(checks, [0, 30_000])
      })
    )

    it.effect("option of the wait - precedes that of the job, which precedes 0", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<string>(pending, pending, done)
        const job = Job.make<string>("render", { check: () => check, minInterval: "30 seconds" })
        yield* runFor(host.until(job, "a", { strategy: every1s, ...hour }), "1 hour")
        yield* runFor(host.until(job, "b", { strategy: every1s, minInterval: 0, ...hour }), "1 hour")
        assert.deepStrictEqual(checks.slice(0, 3), [0, 30_000, minute])
        assert.strictEqual(checks.length, 4)
      })
    )

    it.effect("checkNow - makes one more check, however often it is called and forced", () =>
      Effect.gen(function* () {
        const asked: Array<number> = []
        const gate = Gate.make(() => Effect.map(Clock.currentTimeMillis, (now) => (asked.push(now), Gate.open)))
        const { job, checks } = renderJob(pending)
        const strategy = Strategy.spaced("10 minutes")
        const handle = yield* host.start(job, "a", { strategy, minInterval: minute, gate, ...hour })
        for (let call = 0; call < 100; call++) {
          yield* TestClock.adjust(100)
          yield* handle.checkNow({ force: call % 2 === 1 })
        }
        yield* TestClock.adjust("5 minutes")
        assert.deepStrictEqual([checks, asked], [[0, minute], [0]])
      })
    )

    it.effect("checkNow during a check - is followed by one after the gap", () =>
      Effect.gen(function* () {
        const { job, checks } = renderJob(slow("10 seconds", pending), pending)
        const strategy = Strategy.spaced("10 minutes")
        const handle = yield* host.start(job, "a", { strategy, minInterval: minute, ...hour })
        yield* TestClock.adjust("5 seconds")
        yield* handle.checkNow({ force: true })
        yield* TestClock.adjust("5 minutes")
        assert.deepStrictEqual(checks, [0, minute])
      })
    )

    it.effect("slow gate - does not lift the gap", () =>
      Effect.gen(function* () {
        const { job, checks } = renderJob(pending, done)
        const gate = Gate.make(() => Effect.delay(Effect.succeed(Gate.open), "2 seconds"))
        yield* runFor(host.until(job, "a", { strategy: every1s, minInterval: minute, gate, ...hour }), "1 hour")
        assert.deepStrictEqual(checks, [2000, 64_000])
      })
    )

    it.effect("unpause - does not lift the gap", () =>
      Effect.gen(function* () {
        const { job, checks } = renderJob(pending)
        const handle = yield* host.start(job, "a", { strategy: every1s, minInterval: minute, ...hour })
        yield* handle.pause
        yield* TestClock.adjust("30 seconds")
        yield* handle.unpause
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(checks, [0, minute])
      })
    )

    it.effect("resumed wait - keeps the gap from the newest check of the token", () =>
      Effect.gen(function* () {
        const { job, checks } = renderJob(done)
        yield* TestClock.adjust("1 hour")
        const at = 60 * minute
        const token = storedToken({ dueAt: at, checkedAt: at - 20_000, deadlineAt: at + 5 * minute, floorAt: at })
        yield* runFor(host.resume(job, token, { minInterval: minute }), "1 hour")
        assert.deepStrictEqual(checks, [at + 40_000])
      })
    )

    it.effect("resumed wait - makes no check that the gap puts after its deadline", () =>
      Effect.gen(function* () {
        const { job, checks } = renderJob(done)
        yield* TestClock.adjust("20 seconds")
        const token = storedToken({ checkedAt: 0, deadlineAt: 30_000 })
        const { at, exit } = yield* runFor(host.resume(job, token, { minInterval: minute }), "1 hour")
        assert.deepStrictEqual([checks, ending(exit), at], [[], "PollTimeout deadline", 30_000])
      })
    )

    it.effect("token without the newest check - causes no delay", () =>
      Effect.gen(function* () {
        const { job, checks } = renderJob(done)
        yield* runFor(host.resume(job, storedToken(), { minInterval: minute }), "1 hour")
        assert.deepStrictEqual(checks, [0])
      })
    )

    it.effect("Waiting - has the reason minInterval only where that determines the delay", () =>
      Effect.gen(function* () {
        const { events, observer } = recordEvents()
        const { job } = renderJob(pending, CheckResult.withHint(pending, minute), pending, done)
        const strategy = Strategy.make({ decide: (step) => (step === 3 ? 90_000 : 1000) })
        yield* runFor(host.until(job, "a", { strategy, minInterval: minute, observers: [observer], ...hour }), "1 hour")
        assert.deepStrictEqual(delaysOf(events()), ["minInterval 60000", "serverHint 60000", "strategy 90000"])
      })
    )
  })
})

describe("Poller", () => {
  describe("minInterval [R35]", () => {
    const spaced = { strategy: every1s, minInterval: minute, ...hour } as const

    it.effect("100 watchers of a key within 10 seconds - make two checks", () =>
      Effect.gen(function* () {
        const { job, checks } = renderJob(pending)
        const poller = yield* Poller.make(plain)
        for (let added = 0; added < 100; added++) {
          yield* poller.add(job, "a", { ...spaced, strategy: Strategy.spaced("10 minutes") })
          yield* TestClock.adjust(100)
        }
        yield* TestClock.adjust("2 minutes")
        assert.deepStrictEqual(checks, [0, minute])
      })
    )

    it.effect("new watcher - joins a check in flight, and makes none of its own", () =>
      Effect.gen(function* () {
        const { job, checks } = renderJob(slow("5 seconds", done))
        const poller = yield* Poller.make(plain)
        yield* poller.add(job, "a", spaced)
        yield* TestClock.adjust("2 seconds")
        const { at, exit } = yield* runFor(poller.until(job, "a", spaced), "1 hour")
        assert.deepStrictEqual([ending(exit), at, checks], ["done", 5000, [0]])
      })
    )

    it.effect("new watcher - keeps the gap from a wait that has ended, whatever lingers", () =>
      Effect.gen(function* () {
        for (const linger of [0, 1000, 10 * minute]) {
          const { job, checks } = renderJob(Status.canceled())
          const poller = yield* Poller.make({ stagger: false, linger })
          const start = yield* Clock.currentTimeMillis
          yield* runFor(poller.until(job, "a", spaced), "1 second")
          yield* TestClock.adjust("19 seconds")
          const { at } = yield* runFor(poller.until(job, "a", spaced), "5 minutes")
          const isKnown = linger > 20_000
          assert.deepStrictEqual(
            [at - start, checks.map((check) => check - start)],
            isKnown ? [20_000, [0]] : [minute, [0, minute]]
          )
          yield* TestClock.adjust("5 minutes")
        }
      })
    )

    it.effect("end that was given to a watcher - does not move the gap", () =>
      Effect.gen(function* () {
        const { job, checks } = renderJob(done)
        const poller = yield* Poller.make({ stagger: false, linger: "10 seconds" })
        yield* runFor(poller.until(job, "a", spaced), 0)
        yield* TestClock.adjust("5 seconds")
        yield* runFor(poller.until(job, "a", spaced), 0)
        yield* TestClock.adjust("40 seconds")
        const { at } = yield* runFor(poller.until(job, "a", spaced), "5 minutes")
        assert.deepStrictEqual([at, checks], [minute, [0, minute]])
      })
    )

    it.effect("watcher with a minInterval - keeps it from checks of one without", () =>
      Effect.gen(function* () {
        const { job, checks } = renderJob(pending, done)
        const poller = yield* Poller.make(plain)
        yield* poller.add(job, "a", { strategy: Strategy.spaced("10 minutes"), ...hour })
        yield* TestClock.adjust("10 seconds")
        yield* runFor(poller.until(job, "a", spaced), "5 minutes")
        assert.deepStrictEqual(checks, [0, minute])
      })
    )

    it.effect("fallback of one watcher - counts for another that asks the job itself", () =>
      Effect.gen(function* () {
        const checks: Array<string> = []
        const noted = <A>(name: string, result: A) =>
          Effect.map(Clock.currentTimeMillis, (now) => (checks.push(`${name} ${now / 1000}`), result))
        const job = Job.make<string>("render", {
          check: () => noted("job", CheckResult.missing),
          missing: { fallback: { locate: (key) => key, check: () => noted("fallback", pending) } }
        })
        const poller = yield* Poller.make(plain)
        yield* poller.add(job, "a", { ...spaced, strategy: Strategy.spaced("10 minutes") })
        yield* TestClock.adjust("70 seconds")
        yield* poller.add(job, "a", { ...spaced, strategy: Strategy.spaced("10 minutes") })
        yield* TestClock.adjust("2 minutes")
        assert.deepStrictEqual(checks, ["job 0", "fallback 60", "job 120", "fallback 180"])
      })
    )

    it.effect("other keys - are not held back", () =>
      Effect.gen(function* () {
        const { job, checks } = renderJob(done)
        const poller = yield* Poller.make(plain)
        yield* runFor(poller.until(job, "a", spaced), "1 second")
        yield* runFor(poller.until(job, "b", spaced), "1 second")
        assert.deepStrictEqual(checks, [0, 1000])
      })
    )

    it.effect("waits that share a check - all keep the gap and share the next", () =>
      Effect.gen(function* () {
        const { job, checks } = renderJob(pending, pending, done)
        const poller = yield* Poller.make(plain)
        const run = (strategy: Strategy.Strategy) => poller.until(job, "a", { ...spaced, strategy })
        const both = Effect.all([run(Strategy.spaced("7 seconds")), run(Strategy.spaced("11 seconds"))], {
          concurrency: 2
        })
        const { at } = yield* runFor(both, "1 hour")
        assert.deepStrictEqual([at, checks], [2 * minute, [0, minute, 2 * minute]])
      })
    )

    /** A job with `checkMany`; `requests` records all requests with their keys. */
    const batchJob = (
      many: (
        keys: ReadonlyArray<string>,
        request: number
      ) => Effect.Effect<Job.CheckManyAnswer<string, never, string>, string>
    ) => {
      const requests: Array<string> = []
      const noted = (what: string) =>
        Effect.map(Clock.currentTimeMillis, (now) => void requests.push(`${what} ${Math.floor(now / 1000)}`))
      const job = Job.make<string, never, string>("render", {
        check: (key) => Effect.as(noted(`alone ${key}`), done),
        checkMany: {
          max: 10,
          check: (keys) =>
            Effect.andThen(
              noted(keys.join("+")),
              Effect.suspend(() => many(keys, requests.length))
            )
        },
        checkErrors: { kindOf: () => CheckError.permanent() }
      })
      return { job, requests }
    }

    const watch = (poller: Poller.Service, job: Job.Watchable<string, string, never, string, never>, keys: string) =>
      Effect.forEach([...keys], (key) => poller.add(job, key, spaced))

    it.effect("batch - is a check of each of its keys", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob((keys) =>
          Effect.succeed({ results: new Map(keys.map((key) => [key, Result.succeed(pending)])) })
        )
        const poller = yield* Poller.make(plain)
        yield* watch(poller, job, "ab")
        yield* TestClock.adjust("30 seconds")
        yield* watch(poller, job, "a")
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(requests, ["a+b 0", "a+b 60"])
      })
    )

    it.effect("key without an answer - is checked alone after the gap", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob(() => Effect.succeed({ results: new Map([["a", Result.succeed(pending)]]) }))
        const poller = yield* Poller.make(plain)
        yield* watch(poller, job, "ab")
        yield* TestClock.adjust("90 seconds")
        assert.deepStrictEqual(requests.slice(0, 3).toSorted(), ["a 60", "a+b 0", "alone b 60"])
      })
    )

    it.effect("batch that is rejected - is not split: its keys are checked alone after the gap", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob(() => Effect.fail("unreadable"))
        const poller = yield* Poller.make(plain)
        yield* watch(poller, job, "abcd")
        yield* TestClock.adjust("90 seconds")
        assert.deepStrictEqual(requests, ["a+b+c+d 0", "alone a 60", "alone b 60", "alone c 60", "alone d 60"])
      })
    )

    it.effect("batch with keys that have no minInterval - splits those at once", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob((_, request) =>
          request === 1 ? Effect.fail("unreadable") : Effect.succeed({ results: new Map() })
        )
        const poller = yield* Poller.make(plain)
        yield* watch(poller, job, "a")
        yield* poller.add(job, "b", { ...spaced, minInterval: 0 })
        yield* TestClock.adjust("90 seconds")
        assert.deepStrictEqual(requests, ["a+b 0", "alone b 0", "alone a 60"])
      })
    )

    it.effect("starts of checks - are kept for the longest minInterval", () =>
      Effect.gen(function* () {
        const job = Job.make<string>("render", { check: () => Effect.succeed(done) })
        const poller = yield* Poller.make(plain)
        const run = (count: number, minInterval: Poll.Options["minInterval"]) =>
          Stream.runDrain(
            poller.results(
              job,
              Array.from({ length: count }, (_, i) => `${count}/${i}`),
              { ...hour, minInterval }
            )
          )
        yield* runFor(run(3, 0), "1 second")
        assert.strictEqual(inspect(poller).starts, 0)
        yield* runFor(run(5, minute), "1 second")
        assert.strictEqual(inspect(poller).starts, 5)
        yield* TestClock.adjust("30 seconds")
        yield* runFor(run(1, "10 seconds"), "1 second")
        assert.strictEqual(inspect(poller).starts, 6)
        yield* TestClock.adjust("40 seconds")
        yield* runFor(run(2, "10 seconds"), "1 second")
        assert.strictEqual(inspect(poller).starts, 3)
      })
    )

    it.effect("token with a newer check than its key has here - counts for the next watcher", () =>
      Effect.gen(function* () {
        const { job, checks } = renderJob(pending, done)
        yield* TestClock.adjust("10 minutes")
        const at = 10 * minute
        const poller = yield* Poller.make(plain)
        const token = storedToken({ checkedAt: at - 5000, dueAt: at + 5 * minute, deadlineAt: at + 20 * minute })
        yield* poller.resume(job, token, { strategy: Strategy.spaced("10 minutes"), minInterval: minute })
        yield* poller.add(job, "a", spaced)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(checks, [at + 55_000])
      })
    )
  })
})
