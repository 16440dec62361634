import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as PollError from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import { renderJob } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every2s } from "./support/options.ts"
import { recordEvents } from "./support/recorders.ts"
import { errorOf, failureOf, runFor } from "./support/runs.ts"

const options = { strategy: every2s, deadline: "5 seconds" } as const

/** Objects, or arrays, nested so deep. */
const nested = (levels: number, wrap: (inner: unknown) => unknown = (inner) => ({ inner }), innermost: unknown = 1) => {
  let value = innermost
  for (let level = 0; level < levels; level++) value = wrap(value)
  return value
}

describe.each(hosts)("$name", (host) => {
  /** The events of a wait that finds these details, one after the other, and then times out. */
  const eventsOf = (...details: ReadonlyArray<() => unknown>) =>
    Effect.gen(function* () {
      const { observer, tags } = recordEvents()
      let checks = 0
      const check = Effect.sync(() => Status.pending({ detail: details[Math.min(checks++, details.length - 1)]!() }))
      const { exit } = yield* runFor(host.until(check, { ...options, observers: [observer] }), "1 minute")
      assert.strictEqual(errorOf(exit)._tag, "PollTimeout")
      return tags().filter((tag) => tag === "Changed" || tag === "Unchanged")
    })

  describe("detail", () => {
    it.effect("detail - counts as changed if it nests too deep to be compared", () =>
      Effect.gen(function* () {
        const changes = ["Changed", "Changed", "Changed", "Changed"]
        const deepArray = () => nested(50_000, (inner) => [inner])
        const late = () => ({ ok: 1, list: [1, 2, { deep: nested(3_000) }] })
        assert.deepStrictEqual(yield* eventsOf(() => nested(50_000)), changes)
        assert.deepStrictEqual(yield* eventsOf(deepArray), changes)
        assert.deepStrictEqual(yield* eventsOf(late), changes)
        assert.deepStrictEqual(
          yield* eventsOf(
            () => 1,
            late,
            () => 1,
            late
          ),
          changes
        )
      })
    )

    it.effect("detail - is compared down to 512 levels", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* eventsOf(() => nested(512)), ["Changed", "Unchanged", "Unchanged", "Unchanged"])
        assert.deepStrictEqual(yield* eventsOf(() => nested(513)), ["Changed", "Changed", "Changed", "Changed"])
        const innermost = (value: number) => () => nested(511, undefined, { value })
        assert.deepStrictEqual(yield* eventsOf(innermost(1), innermost(2), innermost(2)), [
          "Changed",
          "Changed",
          "Unchanged",
          "Unchanged"
        ])
      })
    )

    it.effect("detail - may have cycles", () =>
      Effect.gen(function* () {
        const cyclic = () => {
          const self: Record<string, unknown> = { a: 1 }
          self["left"] = self["right"] = { self, also: self }
          return self
        }
        const same = ["Changed", "Unchanged", "Unchanged", "Unchanged"]
        assert.deepStrictEqual(yield* eventsOf(cyclic), same)
      })
    )

    it.effect("detail - counts as changed if reading it throws", () =>
      Effect.gen(function* () {
        const hostile = () => ({
          get a(): number {
            throw new Error("no")
          }
        })
        assert.deepStrictEqual(yield* eventsOf(hostile), ["Changed", "Changed", "Changed", "Changed"])
      })
    )

    it.effect("detail - leaves Equal as it was if it nests too deep", () =>
      Effect.gen(function* () {
        yield* eventsOf(() => nested(50_000))
        const cycle = () => {
          const self: Record<string, unknown> = {}
          self["self"] = self
          return self
        }
        assert.isTrue(Equal.equals(cycle(), cycle()))
        assert.isTrue(Equal.equals(nested(10), nested(10)))
        assert.isFalse(Equal.equals(nested(10), nested(11)))
      })
    )

    it.effect("failure and result - may nest 50,000 deep", () =>
      Effect.gen(function* () {
        const failed = yield* failureOf(host.until(Effect.succeed(Status.failed(nested(50_000))), options))
        assert.include(failed.message, "failed: [object Object]")
        const arrays = nested(50_000, (inner) => [inner])
        const rejected = yield* failureOf(
          host.until(Effect.fail(arrays), { ...options, checkErrors: { maxConsecutive: 0 } })
        )
        assert.include(rejected.message, "[object Array]")
        const { exit } = yield* runFor(
          host.until(Effect.succeed(Status.succeeded(nested(50_000))), options),
          "1 minute"
        )
        assert(exit !== "running" && exit._tag === "Success")
      })
    )
  })

  describe("words", () => {
    const huge = `a\n${"x".repeat(10_000_000)}`
    const kept = `a\n${"x".repeat(197)}…`

    it.effect("state - is kept up to 200 characters, whatever the server sends", () =>
      Effect.gen(function* () {
        const { observer, events } = recordEvents()
        const error = yield* failureOf(
          host.until(Effect.succeed(Status.pending({ state: huge })), { ...options, observers: [observer] })
        )
        assert.strictEqual(error.lastStatus!.state, kept)
        const first = events()[0]!
        assert(first._tag === "Changed")
        assert.strictEqual(first.status.state, kept)
        assert.isBelow(error.history[0]!.result.length, 250)
        assert.notInclude(error.history[0]!.result, "\n")
      })
    )

    it.effect("state of 200 characters - is kept whole, and the status is the same object", () =>
      Effect.gen(function* () {
        const status = Status.pending({ state: "y".repeat(200) })
        const error = yield* failureOf(host.until(Effect.succeed(status), options))
        assert.strictEqual(error.lastStatus, status)
      })
    )

    it.effect("UnknownState and ResultMissing - have at most 200 characters of the state", () =>
      Effect.gen(function* () {
        const unknown = yield* failureOf(host.until(Effect.succeed(CheckResult.unknownState(huge)), options))
        assert(unknown._tag === "UnknownState")
        assert.deepStrictEqual([unknown.state, Object.keys(unknown.unknownStates)], [kept, [kept]])
        assert.isBelow(unknown.message.length, 400)
        const missing = yield* failureOf(
          host.until(Effect.succeed(CheckResult.resultMissing(huge, huge)), { ...options, deadline: "10 minutes" })
        )
        assert(missing._tag === "ResultMissing")
        assert.strictEqual(missing.state, kept)
        assert.lengthOf(missing.issue!, 1_000)
        assert.notInclude(missing.history.map(({ result }) => result).join(), "\n")
      })
    )

    it.effect("treatAs - receives at most 200 characters of an unknown state", () =>
      Effect.gen(function* () {
        let received = ""
        const job = Job.make("render", {
          check: (_key: string) => Effect.succeed(CheckResult.unknownState(huge)),
          unknownState: {
            treatAs: (word) => {
              received = word
              return Status.pending()
            }
          }
        })
        yield* runFor(host.until(job, "a", options), "1 minute")
        assert.strictEqual(received, kept)
      })
    )

    it.effect("reason - is kept up to 1,000 characters and printed up to 200", () =>
      Effect.gen(function* () {
        for (const end of [Status.canceled, Status.expired]) {
          const { job } = renderJob(end({ state: huge, reason: huge, partial: huge }))
          const error = yield* failureOf(host.until(job, "a", options))
          assert(error._tag === "JobCanceled" || error._tag === "JobExpired")
          assert.lengthOf(error.reason!, 1_000)
          assert.strictEqual(error.partial, huge)
          assert.isBelow(error.message.length, 600)
          assert.notInclude(error.message, "\n")
        }
      })
    )

    it.effect("state of an earlier run - is kept up to 200 characters", () =>
      Effect.gen(function* () {
        const earlier = CheckResult.withRun(Status.succeeded(1, { state: huge }), { generation: 1 })
        const error = yield* failureOf(host.until(Effect.succeed(earlier), { ...options, since: { generation: 2 } }))
        assert(error._tag === "PollTimeout" && error.lastStatus?._tag === "Pending")
        assert.strictEqual(error.lastStatus.detail, kept)
      })
    )

    it.effect("error text - is in the history up to 200 characters, escaped", () =>
      Effect.gen(function* () {
        const error = yield* failureOf(
          host.until(Effect.fail(huge), { ...options, checkErrors: { maxConsecutive: 0 } })
        )
        assert(error instanceof PollError.CheckErrorsExhausted)
        assert.strictEqual(error.history[0]!.result, `check error: a\\u000a${"x".repeat(197)}…`)
        assert.isBelow(error.message.length, 2_500)
      })
    )
  })
})
