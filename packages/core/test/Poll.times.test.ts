import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { type Answer, done, pending, renderJob } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { hour } from "./support/options.ts"
import { recordEvents } from "./support/recorders.ts"
import { ending, runFor } from "./support/runs.ts"
import { storedToken } from "./support/tokens.ts"

/** A strategy that records the age of the job at each decision, in seconds. */
const ages = () => {
  const seen: Array<number> = []
  const strategy = Strategy.make({ decide: (_step, _elapsed, { ageMillis }) => (seen.push(ageMillis / 1000), 10_000) })
  return { seen, strategy }
}

const started = (seconds: number, result: CheckResult.CheckResult<string> = pending) =>
  CheckResult.withTimes(result, { startedAt: seconds * 1000 })

describe.each(hosts)("$name", (host) => {
  describe("first wait [R74]", () => {
    const byKey = Strategy.spaced("1 second").pipe(
      Strategy.withFirstWait(({ attempt, key, remainingMillis }) =>
        key === "slow" ? 30_000 : key === "late" ? remainingMillis * 2 : key === "odd" ? Number.NaN : attempt
      )
    )

    for (const [key, first] of [
      ["slow", 30_000],
      ["fast", 0],
      ["odd", 0],
      ["late", 3_600_000]
    ] as const) {
      it.effect(`${key} - is decided from the key and the time that is left`, () =>
        Effect.gen(function* () {
          const { job, checks } = renderJob(done)
          const { exit } = yield* runFor(host.until(job, key, { strategy: byKey, ...hour }), "2 hours")
          assert.deepStrictEqual([checks, ending(exit)], [[first], "done"])
        })
      )
    }

    it.effect("function that is negative or endless - counts as 0, and as a day", () =>
      Effect.gen(function* () {
        const wait = (millis: number) =>
          Effect.gen(function* () {
            const { job, checks } = renderJob(done)
            const strategy = Strategy.make({ firstWait: () => millis, decide: () => 1 })
            yield* runFor(host.until(job, "a", { strategy, deadline: "unbounded" }), "2 days")
            return checks[0]
          })
        assert.strictEqual(yield* wait(-5), 0)
        assert.strictEqual(yield* wait(Number.POSITIVE_INFINITY), 2 * 86_400_000 + 86_400_000)
      })
    )

    it.effect("resumed wait - keeps the time that was decided", () =>
      Effect.gen(function* () {
        const { job, checks } = renderJob(done)
        const strategy = Strategy.withFirstWait(byKey, () => assert.fail("asked again"))
        const token = storedToken({ attempts: 0, strategySteps: 0, dueAt: 4000 })
        yield* runFor(host.resume(job, token, { strategy }), "1 hour")
        assert.deepStrictEqual(checks, [4000])
      })
    )

    it.effect("function that throws - ends the wait with a defect", () =>
      Effect.gen(function* () {
        const { job } = renderJob(done)
        const strategy = Strategy.withFirstWait(byKey, () => {
          throw new Error("no plan")
        })
        const { exit } = yield* runFor(host.until(job, "a", { strategy, ...hour }), "1 hour")
        assert.strictEqual(ending(exit), "defect")
      })
    )
  })

  describe("times of the job [R75]", () => {
    const agesOf = (...answers: ReadonlyArray<Answer<string, never, string>>) =>
      Effect.gen(function* () {
        yield* TestClock.adjust("100 seconds")
        const { seen, strategy } = ages()
        yield* runFor(host.until(renderJob(...answers).job, "a", { strategy, ...hour }), "1 hour")
        return seen
      })

    it.effect("age - counts from the start that the server tells", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* agesOf(pending, started(40), pending, started(50), done), [0, 70, 80, 80])
      })
    )

    it.effect("age - is at least that of the wait", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* agesOf(started(105), started(500), started(Number.NaN), done), [0, 10, 20])
      })
    )

    it.effect("times of an earlier run - do not count", () =>
      Effect.gen(function* () {
        yield* TestClock.adjust("100 seconds")
        const { seen, strategy } = ages()
        const earlier = CheckResult.withRun(started(40, Status.succeeded("old")), { run: "1" })
        const { job } = renderJob<string, never, string>(earlier, CheckResult.withRun(started(90), { run: "2" }), done)
        yield* runFor(host.until(job, "a", { strategy, since: { run: "2" }, ...hour }), "1 hour")
        assert.deepStrictEqual(seen, [0, 20])
      })
    )

    it.effect("token - has the start, and when the job was last found pending", () =>
      Effect.gen(function* () {
        yield* TestClock.adjust("100 seconds")
        const { strategy } = ages()
        const { job } = renderJob<string, never, string>(started(40), done)
        const handle = yield* host.start(job, "a", { strategy, ...hour })
        yield* TestClock.adjust("5 seconds")
        const token = yield* handle.leave
        assert.deepStrictEqual([token.jobStartedAt, token.status?.pendingAt], [40_000, 100_000])
        const resumed = ages()
        const { notifications, observer } = recordEvents()
        yield* runFor(host.resume(job, token, { strategy: resumed.strategy, observers: [observer] }), "1 minute")
        const last = notifications.at(-1)!
        assert.deepStrictEqual(
          [last.event._tag, last.elapsedMillis, last.lastPendingMillis, last.times],
          ["Ended", 10_000, 0, { startedAt: 40_000, endedAt: undefined }]
        )
        const young = renderJob<string, never, string>(pending, done)
        yield* runFor(host.resume(young.job, { ...token, dueAt: 0 }, { strategy: resumed.strategy }), "1 hour")
        assert.isAbove(resumed.seen[0]!, 65)
      })
    )

    it.effect("notifications - say between which times the job ended, and what the server told", () =>
      Effect.gen(function* () {
        const { notifications, observer } = recordEvents()
        const { strategy } = ages()
        const end = CheckResult.withTimes(done, { startedAt: -5000, endedAt: 17_500 })
        const { job } = renderJob<string, never, string>(
          pending,
          Effect.fail("reset"),
          pending,
          Effect.fail("reset"),
          end
        )
        const wait = host.until(job, "a", { strategy, observers: [observer], ...hour })
        yield* runFor(wait, "1 hour")
        const { elapsedMillis, lastPendingMillis, times } = notifications.at(-1)!
        assert.deepStrictEqual(
          [notifications[0]!.lastPendingMillis, notifications[0]!.times, lastPendingMillis, elapsedMillis, times],
          [undefined, undefined, 11_000, 22_000, { startedAt: -5000, endedAt: 17_500 }]
        )
      })
    )
  })
})

describe("Poll", () => {
  it.effect("receipt [R74] - has the first wait that was decided", () =>
    Effect.gen(function* () {
      const tokens: Array<number> = []
      const job = Job.make("render", {
        check: () => Effect.succeed(done),
        submit: (input: string) => Effect.succeed({ key: input })
      })
      const strategy = Strategy.withFirstWait(Strategy.spaced(1000), ({ key }) => key.length * 1000)
      const onReceipt = ({ dueAt }: { readonly dueAt: number }) => Effect.sync(() => void tokens.push(dueAt))
      const { at } = yield* runFor(Poll.run(job, "abcd", { strategy, onReceipt, ...hour }), "1 hour")
      assert.deepStrictEqual([tokens, at], [[4000], 4000])
    })
  )
})

describe("CheckResult", () => {
  it("withTimes - keeps other annotations, replaces earlier times, and ignores what is no time", () => {
    const once = CheckResult.withTimes(CheckResult.withHint(done, 5), { startedAt: 1, endedAt: 2 })
    const twice = CheckResult.withTimes({ startedAt: Number.NaN, endedAt: 3 })(once)
    assert(once._tag === "Annotated" && twice._tag === "Annotated")
    assert.deepStrictEqual(once.times, { startedAt: 1, endedAt: 2 })
    assert.deepStrictEqual(twice.times, { startedAt: undefined, endedAt: 3 })
    assert.isDefined(twice.hint)
  })
})

describe("Strategy", () => {
  const strategy = Strategy.make({ firstWait: ({ key }) => (key === "a" ? 2000 : 500), decide: () => 1000 })

  it("firstWaitMillis, delaysMillis, explain, scale - ask the function", () => {
    assert.deepStrictEqual([Strategy.firstWaitMillis(strategy), Strategy.firstWaitMillis(strategy, "a")], [500, 2000])
    assert.strictEqual(Strategy.firstWaitMillis(Strategy.scale(strategy, 0.1), "a"), 200)
    assert.strictEqual(
      Strategy.firstWaitMillis(
        Strategy.modify(strategy, () => 1),
        "a"
      ),
      2000
    )
    const limited = Strategy.maxDuration(strategy, 3500)
    assert.deepStrictEqual(Strategy.delaysMillis(limited, 9, { key: "a" }), [1000, 500])
    assert.deepStrictEqual(Strategy.delaysMillis(limited, 9), [1000, 1000, 1000])
  })
})
