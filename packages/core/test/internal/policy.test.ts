import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as CheckError from "effect-poll/CheckError"
import * as Observer from "effect-poll/Observer"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type * as theDefaults from "../../src/internal/options/defaults.ts"
import { type Options, policies, policyOf } from "../support/machine.ts"

// No package exports it, and the compiler does not follow a path that it cannot read.
const path: string = "../../src/internal/options/defaults.ts"
const { builtin } = (await import(path)) as typeof theDefaults

const unbounded = Number.POSITIVE_INFINITY
const every5s = Strategy.spaced("5 seconds")
const observer = Observer.make(() => Effect.void)

const compile = (options: Options, defaults: Partial<theDefaults.Defaults> = {}) =>
  policies.compile(
    {
      name: "Poll.until",
      job: "render",
      check: () => Effect.never,
      show: undefined,
      cancel: undefined,
      missing: undefined,
      deadline: "1 minute",
      ...options
    },
    { ...builtin, ...defaults }
  )

describe("policy", () => {
  it("defaults - are those that the options document", () => {
    const { check, errors, strategy, ...rest } = policyOf()
    assert.deepStrictEqual(rest, {
      job: "render",
      show: undefined,
      bound: 600_000,
      boundedBy: "deadline",
      checkTimeout: 60_000,
      maxHint: 3_600_000,
      since: undefined,
      expects: undefined,
      gate: undefined,
      cancel: undefined,
      onTimeout: "leave",
      onInterrupt: "leave",
      onClose: "leave",
      cancelTimeout: 10_000,
      confirm: undefined,
      stateLimits: undefined,
      minInterval: 0,
      zeroDelay: 10,
      onAction: "report",
      stall: undefined,
      missing: { grace: 0, times: 1, locate: undefined, checkFallback: undefined, gone: undefined },
      unknownState: { times: 0, millis: unbounded, treatAs: undefined },
      observers: [],
      history: true
    })
    const { delays, otherDelays, throttledDelays, ...others } = errors
    assert.deepStrictEqual(others, {
      retry: undefined,
      maxConsecutive: 5,
      maxOutage: undefined,
      maxTotal: unbounded,
      skips: false,
      rejectTimes: 1,
      rejectMillis: unbounded,
      maxThrottled: undefined,
      kindOf: CheckError.kindOf
    })
    assert.strictEqual(strategy.schedule, builtin.strategy)
    assert.isDefined(strategy.plan)
    assert.strictEqual(delays.schedule, builtin.checkErrors.schedule)
    // A foreign schedule has a state of its own for each row.
    assert.deepStrictEqual([otherDelays, throttledDelays], [delays, delays])
    assert.notStrictEqual(otherDelays, delays)
    assert.notStrictEqual(throttledDelays, delays)
    assert.notStrictEqual(throttledDelays, otherDelays)
    assert.isFunction(check)
  })

  it("waits that leave out the same options - share what stands for them", () => {
    assert.strictEqual(policyOf().missing, policyOf().missing)
    assert.strictEqual(policyOf().observers, policyOf().observers)
    assert.strictEqual(policyOf().unknownState, policyOf().unknownState)
  })

  it("bound - is the sooner of the deadline and the limit of the strategy", () => {
    const limited = (deadline: NonNullable<Options["deadline"]>) => {
      const { bound, boundedBy } = compile({ deadline, strategy: Strategy.maxDuration(every5s, "1 minute") })
      return [bound, boundedBy]
    }
    assert.deepStrictEqual(limited("2 minutes"), [60_000, "strategy"])
    assert.deepStrictEqual(limited("1 minute"), [60_000, "deadline"])
    assert.deepStrictEqual(limited("30 seconds"), [30_000, "deadline"])
    assert.deepStrictEqual(limited("unbounded"), [60_000, "strategy"])
    const foreign = compile({ deadline: "unbounded", strategy: Schedule.spaced("1 second") })
    assert.deepStrictEqual(
      [foreign.bound, foreign.boundedBy, foreign.strategy.plan],
      [unbounded, "deadline", undefined]
    )
  })

  it("options - are in milliseconds", () => {
    const cancel = () => Effect.void
    const policy = compile({
      checkTimeout: "2 seconds",
      maxHint: "3 seconds",
      cancelTimeout: "4 seconds",
      minInterval: "5 seconds",
      onTimeout: "cancelRemote",
      onInterrupt: "cancelRemote",
      onClose: "cancelRemote",
      onAction: "fail",
      history: false,
      since: { generation: 2 },
      cancel,
      stateLimits: { QUEUED: "6 seconds", ["x".repeat(300)]: "7 seconds" }
    })
    assert.deepStrictEqual(
      [policy.checkTimeout, policy.maxHint, policy.cancelTimeout, policy.minInterval],
      [2_000, 3_000, 4_000, 5_000]
    )
    assert.deepStrictEqual(
      [policy.onTimeout, policy.onInterrupt, policy.onClose],
      ["cancelRemote", "cancelRemote", "cancelRemote"]
    )
    assert.deepStrictEqual(
      [policy.onAction, policy.history, policy.since, policy.cancel],
      ["fail", false, { generation: 2 }, cancel]
    )
    assert.deepStrictEqual([...(policy.stateLimits?.values() ?? [])], [6_000, 7_000])
    assert.deepStrictEqual(
      [...(policy.stateLimits?.keys() ?? [])].map(({ length }) => length),
      [6, 200]
    )
    assert.strictEqual(compile({ stateLimits: {} }).stateLimits, undefined)
  })

  it("stall - fails unless it is to be reported", () => {
    const stall = (onStall?: "fail" | "report") => compile({ stall: { after: "9 seconds", onStall } }).stall
    assert.deepStrictEqual(stall(), { after: 9_000, fail: true })
    assert.deepStrictEqual(stall("fail"), { after: 9_000, fail: true })
    assert.deepStrictEqual(stall("report"), { after: 9_000, fail: false })
  })

  it("confirm - needs each end once where nothing is said", () => {
    const check = () => Effect.never
    assert.deepStrictEqual(compile({ confirm: {} }).confirm, {
      success: { times: 1, millis: 0 },
      failure: { times: 1, millis: 0 },
      check: undefined
    })
    assert.deepStrictEqual(
      compile({ confirm: { success: { times: 3 }, failure: { for: "59999 millis" }, check } }).confirm,
      {
        success: { times: 3, millis: 0 },
        failure: { times: 1, millis: 59_999 },
        check
      }
    )
  })

  it("missing - has a grace, a number of times, a fallback and a status for gone jobs", () => {
    const fallback = { locate: () => "archive", check: () => Effect.never }
    const gone = () => Status.canceled()
    assert.deepStrictEqual(compile({ missing: { grace: "3 seconds", times: 2, fallback, gone } }).missing, {
      grace: 3_000,
      times: 2,
      locate: fallback.locate,
      checkFallback: fallback.check,
      gone
    })
    assert.deepStrictEqual(compile({ missing: {} }).missing, {
      grace: 0,
      times: 1,
      locate: undefined,
      checkFallback: undefined,
      gone: undefined
    })
  })

  it("unknownState - has a bound of its own, or a status that it stands for", () => {
    const treatAs = () => Status.pending()
    assert.deepStrictEqual(compile({ unknownState: "fail" }).unknownState, {
      times: 0,
      millis: unbounded,
      treatAs: undefined
    })
    assert.deepStrictEqual(compile({ unknownState: "continue" }).unknownState, {
      times: unbounded,
      millis: unbounded,
      treatAs: undefined
    })
    assert.deepStrictEqual(compile({ unknownState: { treatAs } }).unknownState, {
      times: unbounded,
      millis: unbounded,
      treatAs
    })
    assert.deepStrictEqual(compile({ unknownState: { times: 2 } }).unknownState, {
      times: 2,
      millis: unbounded,
      treatAs: undefined
    })
    assert.deepStrictEqual(compile({ unknownState: { for: "2 seconds" } }).unknownState, {
      times: unbounded,
      millis: 2_000,
      treatAs: undefined
    })
  })

  it("checkErrors - are merged with the defaults, field by field", () => {
    const kindOf = () => CheckError.permanent()
    const { delays, retry, ...errors } = compile({
      checkErrors: {
        schedule: every5s,
        retry: every5s,
        maxTotal: 7,
        onExhausted: "skip",
        rejectAfter: { times: 2 },
        maxThrottled: "8 seconds",
        kindOf,
        maxConsecutive: undefined
      }
    }).errors
    assert.deepStrictEqual([delays.schedule, retry?.schedule], [every5s, every5s])
    const { maxConsecutive, maxOutage, maxThrottled, maxTotal, rejectMillis, rejectTimes, skips } = errors
    assert.deepStrictEqual(
      [maxConsecutive, maxOutage, maxThrottled, maxTotal, rejectMillis, rejectTimes, skips, errors.kindOf],
      [5, undefined, 8_000, 7, unbounded, 2, true, kindOf]
    )
    const others = compile({ checkErrors: { rejectAfter: { for: "2 seconds" }, maxThrottled: "unbounded" } }).errors
    assert.deepStrictEqual(
      [others.rejectTimes, others.rejectMillis, others.maxThrottled],
      [unbounded, 2_000, unbounded]
    )
    const byDefault = compile({ checkErrors: { maxTotal: 7 } }, { checkErrors: { maxTotal: 3, onExhausted: "skip" } })
    assert.deepStrictEqual(
      [byDefault.errors.maxTotal, byDefault.errors.skips, byDefault.errors.maxConsecutive],
      [7, true, 5]
    )
  })

  it("maxOutage - is 0 where the number of errors was given without it (R31)", () => {
    const outage = (checkErrors: Options["checkErrors"], defaults: theDefaults.Defaults["checkErrors"] = {}) =>
      compile({ checkErrors }, { checkErrors: { ...builtin.checkErrors, ...defaults } }).errors.maxOutage
    assert.strictEqual(outage({}), undefined)
    assert.strictEqual(outage({ maxConsecutive: 5 }), 0)
    assert.strictEqual(outage({ maxConsecutive: 5, maxOutage: "3 seconds" }), 3_000)
    assert.strictEqual(outage({ maxOutage: "unbounded" }), unbounded)
    assert.strictEqual(outage({}, { maxConsecutive: 5 }), undefined)
    assert.strictEqual(outage({}, { maxConsecutive: 4 }), 0)
    assert.strictEqual(outage({}, { maxOutage: "4 seconds" }), 4_000)
    assert.strictEqual(outage("unbounded"), unbounded)
  })

  it("defaults - hold for what a wait leaves out", () => {
    const changed = {
      strategy: every5s,
      checkTimeout: "11 seconds",
      maxHint: "12 seconds",
      cancelTimeout: "13 seconds",
      zeroDelay: "14 seconds",
      observers: [observer]
    } as const
    const policy = compile({}, changed)
    assert.deepStrictEqual(
      [policy.checkTimeout, policy.maxHint, policy.cancelTimeout, policy.zeroDelay, policy.strategy.schedule],
      [11_000, 12_000, 13_000, 14_000, every5s]
    )
    assert.deepStrictEqual(policy.observers, [observer])
    const own = Observer.make(() => Effect.void)
    assert.deepStrictEqual(compile({ observers: [own] }, changed).observers, [observer, own])
    assert.deepStrictEqual(compile({ observers: [own] }).observers, [own])
  })

  it.each([
    [
      { confirm: { failure: { for: "1 minute" } } },
      "confirm.failure.for must be less than the deadline of 60000 ms, got 60000 ms"
    ],
    [{ onTimeout: "cancelRemote" }, 'onTimeout must not be "cancelRemote", since the job render has no cancel'],
    [{ onInterrupt: "cancelRemote" }, 'onInterrupt must not be "cancelRemote", since the job render has no cancel'],
    [{ onClose: "cancelRemote" }, 'onClose must not be "cancelRemote", since the job render has no cancel']
  ] as ReadonlyArray<readonly [Options, string]>)(
    "%j - does not fit the other options: a RangeError",
    (options, message) => {
      assert.throws(() => compile(options), RangeError, `Poll.until: ${message}`)
    }
  )

  it("zeroDelay out of range - is a RangeError that names the option", () => {
    assert.throws(() => compile({}, { zeroDelay: -1 }), RangeError, "Poll.until: zeroDelay must be a non-negative")
  })

  it("shown key - is that of the codec, and hidden if that throws", () => {
    const shown = (show: Options["show"]) => policies.shownKey(compile({ show }), "encoded", { id: "raw" })
    assert.strictEqual(shown(undefined), "encoded")
    assert.strictEqual(
      shown((key) => (key as { id: string }).id),
      "raw"
    )
    assert.strictEqual(
      shown(() => {
        throw new Error("no")
      }),
      "(a key that cannot be shown)"
    )
  })
})
