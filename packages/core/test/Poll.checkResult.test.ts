import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import { type Answer, done, pending, scripted } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every2s } from "./support/options.ts"
import { ending, failureOf, runFor } from "./support/runs.ts"

const options = { strategy: every2s, deadline: "1 minute" } as const

describe.each(hosts)("$name", (host) => {
  describe("missing", () => {
    /** A job with this policy for a missing job. */
    const missingJob = (
      missing: Job.MissingPolicy<string, string, never, never, never>,
      ...answers: ReadonlyArray<Answer<string, never, never>>
    ) => {
      const { check, checks } = scripted(...answers)
      return { job: Job.make("render", { check: () => check, missing }), checks }
    }

    it.effect("missing - counts as pending within the grace and is JobNotFound after it [R16]", () =>
      Effect.gen(function* () {
        const { job, checks } = missingJob({ grace: "5 seconds" }, CheckResult.missing)
        const { at, exit } = yield* runFor(host.until(job, "a", options), "1 hour")
        assert.deepStrictEqual([ending(exit), at, checks], ["JobNotFound", 6000, [0, 2000, 4000, 6000]])
      })
    )

    it.effect("missing - has no grace once the job was seen [R16]", () =>
      Effect.gen(function* () {
        const { job } = missingJob({ grace: "5 seconds" }, pending, CheckResult.missing)
        const { at, exit } = yield* runFor(host.until(job, "a", options), "1 hour")
        assert.deepStrictEqual([ending(exit), at], ["JobNotFound", 2000])
      })
    )

    it.effect("fallback - is checked at once when the job is missing and stays the source [R16]", () =>
      Effect.gen(function* () {
        const asked: Array<string> = []
        const { job, checks } = missingJob(
          {
            fallback: {
              locate: (key, last) => `${key}/${last?.state}`,
              check: (key) =>
                Effect.sync(() => (asked.push(key) < 3 ? Status.pending({ state: "B" }) : Status.succeeded("kept")))
            }
          },
          Status.pending({ state: "A" }),
          CheckResult.missing
        )
        const { at, exit } = yield* runFor(host.until(job, "k", options), "1 hour")
        assert.deepStrictEqual([ending(exit), at, checks], ["kept", 6000, [0, 2000]])
        assert.deepStrictEqual(asked, ["k/A", "k/A", "k/A"])
      })
    )

    it.effect("fallback - ends as JobNotFound when it has no key or does not know the job [R16]", () =>
      Effect.gen(function* () {
        const lost = missingJob(
          { fallback: { locate: (key) => key, check: () => Effect.succeed(CheckResult.missing) } },
          CheckResult.missing
        )
        const none = missingJob(
          { fallback: { locate: () => undefined, check: () => Effect.die("asked") } },
          CheckResult.missing
        )
        assert.strictEqual(ending((yield* runFor(host.until(lost.job, "k", options), "1 minute")).exit), "JobNotFound")
        assert.strictEqual(ending((yield* runFor(host.until(none.job, "k", options), "1 minute")).exit), "JobNotFound")
      })
    )

    it.effect("gone - yields the result when the job is missing", () =>
      Effect.gen(function* () {
        const { job } = missingJob({ gone: () => Status.succeeded("deleted") }, pending, CheckResult.missing)
        const { exit } = yield* runFor(host.until(job, "a", options), "1 minute")
        assert.strictEqual(ending(exit), "deleted")
      })
    )
  })

  describe("unknown state", () => {
    it.effect("treatAs - keeps the state of the wire, continue keeps the detail too [R2]", () =>
      Effect.gen(function* () {
        const treated = host.until(Effect.succeed(CheckResult.unknownState("STOPPED")), {
          deadline: "1 minute",
          unknownState: { treatAs: () => Status.canceled() }
        })
        const error = yield* failureOf(treated)
        assert.deepStrictEqual(error.lastStatus, Status.canceled({ state: "STOPPED" }))
        const { check } = scripted<string>(Status.pending({ detail: 7 }), CheckResult.unknownState("PAUSED"))
        const handle = yield* host.start(check, { ...options, unknownState: "continue" })
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(yield* handle.status, Status.pending({ state: "PAUSED", detail: 7 }))
      })
    )

    it.effect("unknownState.for - tolerates an unknown state for exactly that long [R2]", () =>
      Effect.gen(function* () {
        const { check } = scripted<string>(
          CheckResult.unknownState("A"),
          CheckResult.unknownState("A"),
          CheckResult.unknownState("A"),
          done
        )
        const wait = host.until(check, { ...options, unknownState: { for: "4 seconds" } })
        assert.strictEqual(ending((yield* runFor(wait, "1 hour")).exit), "done")
      })
    )
  })

  describe("run", () => {
    it.effect("since a generation - ignores the end of a run with an id [R28]", () =>
      Effect.gen(function* () {
        const { check } = scripted<string>(
          CheckResult.withRun(Status.succeeded("old"), { run: "x" }),
          CheckResult.withRun(done, { generation: 8 })
        )
        const { exit } = yield* runFor(host.until(check, { ...options, since: { generation: 7 } }), "1 hour")
        assert.strictEqual(ending(exit), "done")
      })
    )

    it.effect("unknown state of an earlier run - counts as pending, though treatAs makes it an end [R28]", () =>
      Effect.gen(function* () {
        const { check } = scripted<string>(
          CheckResult.withRun(CheckResult.unknownState("STOPPED"), { generation: 1 }),
          CheckResult.withRun(done, { generation: 2 })
        )
        const { exit } = yield* runFor(
          host.until(check, {
            ...options,
            since: { generation: 2 },
            unknownState: { treatAs: () => Status.canceled() }
          }),
          "1 minute"
        )
        assert.strictEqual(ending(exit), "done")
      })
    )

    it.effect("unknown state of an earlier run - counts as pending, though it fails otherwise [R28]", () =>
      Effect.gen(function* () {
        const { check } = scripted<string>(
          CheckResult.withRun(CheckResult.unknownState("STOPPED"), { generation: 1 }),
          CheckResult.withRun(done, { generation: 2 })
        )
        const { exit } = yield* runFor(host.until(check, { ...options, since: { generation: 2 } }), "1 minute")
        assert.strictEqual(ending(exit), "done")
      })
    )
  })
})
