import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Status from "effect-poll/Status"
import { clockAt, drive, waits as wait } from "../support/machine.ts"

const make = () => drive({ history: false }).wait

/** Short checks, checks about as long as fit into ten bits, long ones, and a clock that counts fractions. */
const Length = Schema.Union([
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2_000 })),
  Schema.Int.check(Schema.isBetween({ minimum: 1_022, maximum: 1_025 })),
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3_000_000_000 })),
  Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 10 }))
])

describe("Wait", () => {
  it("longestCheck - is 0 before the first check", () => {
    assert.strictEqual(wait.longestCheck(make()), 0)
  })

  it.effect.prop(
    "longestCheck - is the longest of the newest three checks",
    [Schema.Array(Length)],
    ([lengths]) =>
      Effect.sync(() => {
        const self = make()
        for (const [at, length] of lengths.entries()) {
          wait.recordDuration(self, length)
          assert.strictEqual(wait.longestCheck(self), Math.max(...lengths.slice(Math.max(0, at - 2), at + 1)))
        }
      }),
    { arbitrary: { runs: 500 } }
  )

  it("checkMillis - are the newest three lengths, the oldest first", () => {
    const self = make()
    assert.strictEqual(wait.checkMillis(self), undefined)
    const after = (millis: number) => {
      wait.recordDuration(self, millis)
      return wait.checkMillis(self)
    }
    assert.deepStrictEqual(
      [after(1_000), after(2), after(1_023)],
      [
        [0, 0, 1_000],
        [0, 1_000, 2],
        [1_000, 2, 1_023]
      ]
    )
    assert.deepStrictEqual(
      [after(1_024), after(5), after(6)],
      [
        [2, 1_023, 1_024],
        [1_023, 1_024, 5],
        [1_024, 5, 6]
      ]
    )
    const other = make()
    wait.recordDuration(other, 7)
    wait.recordDuration(other, 0.5)
    assert.deepStrictEqual(wait.checkMillis(other), [0, 7, 0.5])
  })

  it("whole - keeps every number as it is", () => {
    for (const value of [0, 7, -7, 0.5, 2 ** 31, -(2 ** 31), Number.POSITIVE_INFINITY]) {
      assert.strictEqual(wait.whole(value), value)
    }
  })

  it("cold - is shared by waits without trouble, and never written to", () => {
    const [a, b] = [make(), make()]
    assert.strictEqual(a.cold, b.cold)
    wait.cold(a).lastCheck = true
    assert.deepStrictEqual([wait.cold(a).lastCheck, b.cold.lastCheck, make().cold.lastCheck], [true, false, false])
    assert.strictEqual(wait.cold(a), a.cold)
  })

  it("rows - are counted from the first of them, and ended but for those that are kept", () => {
    const { step, wait: self } = drive()
    step(5, { _tag: "Unpaused" })
    wait.count(self, wait.rows(self).errors)
    wait.count(self, wait.rows(self).missing)
    step(9, { _tag: "Unpaused" })
    assert.deepStrictEqual({ ...wait.count(self, wait.rows(self).errors) }, { count: 2, since: 5 })
    wait.endRows(self, { missing: wait.rows(self).missing })
    assert.deepStrictEqual([wait.rows(self).errors.count, wait.rows(self).missing.count], [0, 1])
    wait.endRows(self)
    assert.strictEqual(self.cold.rows, undefined)
    for (const row of ["errors", "throttled", "rejected", "missing", "unknown", "resultMissing"] as const) {
      assert.deepStrictEqual(wait.rows(self)[row], { count: 0, since: 0 })
    }
  })

  it("errors in a row - are those of the checks before, and the retries of this one", () => {
    const self = make()
    assert.strictEqual(wait.errorsInRow(self), 0)
    wait.cold(self).retries = 3
    assert.strictEqual(wait.errorsInRow(self), 3)
    wait.count(self, wait.rows(self).errors)
    wait.count(self, wait.rows(self).errors)
    assert.strictEqual(wait.errorsInRow(self), 5)
  })

  it("timeline - never runs backwards", () => {
    const time = wait.timeline(clockAt(() => 1_000))
    assert.deepStrictEqual([time.base, time.now], [1_000, 0])
    wait.advance(time, 1_500)
    assert.deepStrictEqual([time.base, time.now], [1_000, 500])
    wait.advance(time, 1_200)
    assert.deepStrictEqual([time.base, time.now], [700, 500])
    wait.advance(time, 1_201)
    assert.deepStrictEqual([time.base, time.now], [700, 501])
  })

  it("timeline - goes on by the monotonic clock if the wall clock was set by a second or more", () => {
    const set = (by: number, elapsed = 500) => {
      let wall = 10_000
      let monotonic = 0
      const time = wait.timeline({
        ...clockAt(() => wall),
        monotonicTimeNanosUnsafe: () => BigInt(monotonic) * 1_000_000n
      })
      wall += by + elapsed
      monotonic += elapsed
      wait.advance(time, wall)
      return [time.base, time.now]
    }
    assert.deepStrictEqual(set(0), [10_000, 500])
    assert.deepStrictEqual(set(1_000), [11_000, 500])
    assert.deepStrictEqual(set(-1_000), [9_000, 500])
    assert.deepStrictEqual(set(86_400_000, 0), [86_410_000, 0])
    assert.deepStrictEqual(set(999), [10_000, 1_499])
    assert.deepStrictEqual(set(-400), [10_000, 100])
  })

  it("timeline - does not trust a monotonic clock that stands still during sleeps", () => {
    let wall = 0
    const time = wait.timeline({ ...clockAt(() => wall), monotonicTimeNanosUnsafe: () => 0n })
    wall = 5_000
    wait.slept(time, 5_000, 0)
    wait.advance(time, wall)
    assert.deepStrictEqual([time.isMeasured, time.base, time.now], [false, 0, 5_000])
    const measured = wait.timeline(clockAt(() => wall))
    wait.slept(measured, 5_000, 2_500)
    assert.isTrue(measured.isMeasured)
    wait.slept(measured, 5_000, 2_501)
    assert.isFalse(measured.isMeasured)
  })

  it("timeline - stands still with its wall clock, and does not trust a monotonic clock that runs backwards", () => {
    const moved = (wall: number, monotonic: number) => {
      let read = 5_000
      const time = wait.timeline({
        ...clockAt(() => 10_000),
        monotonicTimeNanosUnsafe: () => BigInt(read) * 1_000_000n
      })
      read = monotonic
      wait.advance(time, wall)
      return [time.base, time.now]
    }
    assert.deepStrictEqual(moved(10_000, 9_000), [10_000, 0])
    assert.deepStrictEqual(
      [moved(10_500, 3_000), moved(10_500, 5_000)],
      [
        [10_000, 500],
        [10_000, 500]
      ]
    )
    // A monotonic clock that stands still is trusted: the wall clock was set.
    assert.deepStrictEqual(moved(12_000, 5_000), [12_000, 0])
  })

  describe("clock that shows fractions of milliseconds", () => {
    const at = (wall: number, origin = 0) => {
      const time = wait.timeline(clockAt(() => origin))
      wait.advance(time, origin + wall)
      return time.now
    }

    it("time less than a microsecond from a whole millisecond - is that", () => {
      assert.deepStrictEqual(
        [16.999999, 16.9991, 17, 17.0009].map((wall) => at(wall)),
        [17, 17, 17, 17]
      )
      assert.deepStrictEqual(
        [0.001, 16.998, 17.002, 17.5].map((wall) => at(wall)),
        [0.001, 16.998, 17.002, 17.5]
      )
    })

    it.each([0, 0.25, 1.7e12, 1.7e12 + 1 / 3])(
      "sums of steps from %d on - reach the time that they should",
      (origin) => {
        for (const [step, count, expected] of [
          [1000 / 60, 60, 1_000],
          [1000 / 144, 144, 1_000],
          [0.1, 10_000, 1_000],
          [1 / 3, 3_000, 1_000]
        ] as const) {
          let wall = origin
          const time = wait.timeline(clockAt(() => wall))
          // Added to a present-day time, this many steps accumulate a larger error; a test clock starts at 0.
          if (origin > 1e6) wall += step * count
          else for (let steps = 0; steps < count; steps++) wait.advance(time, (wall += step))
          wait.advance(time, wall)
          assert.deepStrictEqual([time.now, time.base], [expected, origin])
        }
      }
    )

    it("clock that shows the same again - moves nothing", () => {
      for (const wall of [16.9995, 17.0005, 16.6]) {
        const time = wait.timeline(clockAt(() => 0))
        wait.advance(time, wall)
        const { now } = time
        wait.advance(time, wall)
        assert.deepStrictEqual([time.base, time.now], [0, now])
      }
    })

    it("time until - is what has to be slept, so that the time has come then", () => {
      for (const origin of [0, 0.3, 1.7e12 + 1 / 3]) {
        let wall = origin
        const time = wait.timeline(clockAt(() => wall))
        for (const leg of [0.4, 1_000 / 60, 12.34567, 0.999, 0.0002]) {
          wall += leg
          wait.advance(time, wall)
          for (const due of [time.now + 0.0001, time.now + 0.5, Math.ceil(time.now) + 1, Math.ceil(time.now) + 500]) {
            const millis = wait.timeUntil(time, due)
            // Never so short that it ends at once.
            assert.isAtLeast(millis, 0.001)
            const then = { ...time }
            wait.advance(then, wall + millis)
            assert.strictEqual(then.now, Math.ceil(due))
          }
          assert.deepStrictEqual([wait.timeUntil(time, time.now), wait.timeUntil(time, time.now - 5)], [0, 0])
        }
      }
      const whole = wait.timeline(clockAt(() => 1_000))
      assert.deepStrictEqual([wait.timeUntil(whole, 7), wait.timeUntil(whole, Infinity)], [7, Infinity])
    })
  })

  it("stages - are values that all waits share", () => {
    assert.strictEqual(wait.waiting("gate"), wait.waiting("gate"))
    assert.deepStrictEqual(wait.waiting("gate"), { phase: "waiting", reason: "gate" })
    // One that is made only now.
    const fresh = crypto.randomUUID() as string as "gate"
    assert.deepStrictEqual(wait.waiting(fresh), { phase: "waiting", reason: fresh })
    assert.deepStrictEqual(
      [wait.gating, wait.checking, wait.stepping, wait.canceling, wait.ended],
      (["gating", "checking", "stepping", "canceling", "ended"] as const).map((phase) => ({ phase, reason: undefined }))
    )
  })

  it("wait that has not started - waits for its first check", () => {
    const { cold, history, inFlight, setting, sink, ...rest } = drive().wait
    assert.deepStrictEqual(rest, {
      stage: { phase: "waiting", reason: "firstWait" },
      nextAt: undefined as never,
      deadlineAt: undefined as never,
      floorAt: 0,
      checkStarted: wait.never,
      pendingAt: wait.never,
      durations: 0,
      attempts: 0,
      sleepMillis: 0,
      key: "a",
      rawKey: "a",
      startedAt: 0,
      changedAt: 0,
      stateSince: 0,
      strategySteps: 0,
      strategyStarted: 0,
      status: undefined
    })
    assert.deepStrictEqual([inFlight, sink, wait.never], [undefined, undefined, -1_073_741_824])
    assert.deepStrictEqual([setting.policy.job, history?.checks], ["render", 0])
    assert.deepStrictEqual(cold, {
      boundedBy: undefined,
      wholeDeadlineAt: undefined,
      gatedUntil: 0,
      gatedBy: undefined,
      wakeRequest: undefined,
      paused: false,
      woken: undefined,
      heldTimeout: undefined,
      leftBy: undefined,
      hold: undefined,
      unconfirmed: undefined,
      endNoticedBy: undefined,
      isEndTold: false,
      isStateOver: false,
      detailHash: undefined,
      located: undefined,
      action: undefined,
      isHandling: false,
      hasRechecked: false,
      lastCheck: false,
      reservedAt: undefined,
      lateBy: 0,
      fallbackKey: undefined,
      cursor: undefined,
      alone: false,
      divided: false,
      retries: 0,
      retriesStarted: 0,
      totalErrors: 0,
      checkError: undefined,
      throttledDelay: 0,
      rows: undefined,
      stepping: undefined,
      stallReported: false,
      unknownStates: undefined,
      hints: undefined,
      jobStartedAt: undefined,
      jobEndedAt: undefined,
      durations: undefined
    })
  })

  it("questions of hosts - are answered by the record", () => {
    const driven = drive({ confirm: { success: { times: 1 }, check: () => Effect.never }, deadline: "10 seconds" })
    const self = driven.wait
    driven.start()
    assert.deepStrictEqual(
      [wait.sourceOf(self), wait.homeOf(self), wait.checksAlone(self)],
      [undefined, undefined, false]
    )
    assert.deepStrictEqual([wait.hasEnd(self), wait.hasTimedOut(self), wait.isLeaving(self)], [false, false, false])
    const cold = wait.cold(self)
    cold.cursor = "page-2"
    assert.strictEqual(wait.contextOf(self).cursor, "page-2")
    cold.fallbackKey = "archive"
    assert.deepStrictEqual(
      [wait.sourceOf(self), wait.homeOf(self), wait.checksAlone(self)],
      ["archive", "archive", true]
    )
    driven.answer(0, Status.succeeded("done"))
    assert.deepStrictEqual(
      [wait.sourceOf(self), wait.homeOf(self), wait.checksAlone(self)],
      [wait.otherSource, "archive", true]
    )
    assert.deepStrictEqual([wait.contextOf(self).cursor, wait.cursorOf(self)], [undefined, "page-2"])
    assert.strictEqual(wait.hasEnd(self), false)
    cold.unconfirmed = undefined
    assert.strictEqual(wait.hasEnd(self), true)
    self.status = Status.pending()
    assert.strictEqual(wait.hasEnd(self), false)
    const alone = drive().wait
    wait.cold(alone).alone = true
    assert.strictEqual(wait.checksAlone(alone), true)
    cold.leftBy = "close"
    cold.wakeRequest = "normal"
    assert.deepStrictEqual([wait.isLeaving(self), wait.isForced(self)], [true, false])
    cold.wakeRequest = "forced"
    assert.strictEqual(wait.isForced(self), true)
    cold.wakeRequest = undefined
    assert.strictEqual(wait.isForced(self), false)
  })

  it("context - has the attempt, the time since the start and the last status", () => {
    const driven = drive()
    driven.start()
    driven.answer(0, Status.pending({ state: "RUNNING" }))
    driven.step(1_000, { _tag: "Due" })
    const { attempt, elapsedMillis, last } = wait.contextOf(driven.wait)
    assert.deepStrictEqual([attempt, elapsedMillis, last], [2, 1_000, driven.wait.status])
  })

  it("wait that starts later than its timeline - counts from its start", () => {
    const driven = drive({ deadline: "1 hour" })
    driven.step(7, { _tag: "Unpaused" })
    driven.start()
    driven.answer(7, Status.pending())
    driven.step(1_007, { _tag: "Due" })
    assert.strictEqual(wait.contextOf(driven.wait).elapsedMillis, 1_000)
    assert.strictEqual(wait.elapsed(driven.wait), 1_000)
    wait.recordHistory(driven.wait, "reset")
    const { elapsed, history } = wait.seen(driven.wait)
    assert.deepStrictEqual(
      [Duration.toMillis(elapsed), history.at(-1)],
      [1_000, { result: "reset", checks: 1, firstMillis: 1_000, lastMillis: 1_000 }]
    )
  })

  it("fitsBefore - says whether the answer of a check is expected before the deadline", () => {
    const { start, wait: self } = drive({ deadline: "10 seconds" })
    start()
    wait.recordDuration(self, 400)
    // A check that could begin at once is not kept waiting for more than half of the time to spare.
    const fits = (from: number, at: number) => wait.fitsBefore(self, from, at)
    assert.deepStrictEqual([fits(9_600, 9_600), fits(9_601, 9_601)], [true, false])
    assert.deepStrictEqual([fits(9_400, 9_500), fits(9_400, 9_501)], [true, false])
    // Nothing is known of a check that takes no time.
    const fresh = drive({ deadline: "10 seconds" })
    fresh.start()
    assert.deepStrictEqual(
      [wait.fitsBefore(fresh.wait, 0, 10_000), wait.fitsBefore(fresh.wait, 0, 10_001)],
      [true, false]
    )
  })

  it("alarm of a paused wait - is its deadline", () => {
    const driven = drive({ deadline: "10 seconds" })
    driven.start()
    driven.answer(0, Status.pending())
    assert.strictEqual(wait.alarmAt(driven.wait), 1_000)
    driven.step(5, { _tag: "Paused" })
    assert.strictEqual(wait.alarmAt(driven.wait), 10_000)
    const checking = drive({ deadline: "10 seconds", checkTimeout: "3 seconds" })
    checking.start()
    checking.step(0, { _tag: "Paused" })
    assert.strictEqual(wait.alarmAt(checking.wait), 3_000)
  })

  it("errors - carry what was seen", () => {
    const driven = drive({ show: (key) => `shown ${String(key)}` })
    const self = driven.wait
    driven.start()
    driven.answer(0, Status.pending({ state: "RUNNING" }))
    driven.step(1_000, { _tag: "Due" })
    assert.deepStrictEqual(
      { ...wait.seen(self) },
      {
        job: "render",
        key: "shown a",
        attempts: 2,
        elapsed: Duration.seconds(1),
        lastStatus: self.status,
        lastCheckError: undefined,
        unknownStates: {},
        hints: { clamped: 0, unreadable: 0 },
        history: [{ result: "Pending RUNNING", checks: 1, firstMillis: 0, lastMillis: 0 }]
      }
    )
    const cold = wait.cold(self)
    cold.checkError = "reset"
    cold.unknownStates = new Map([["PAUSED", 2]])
    cold.hints = { clamped: 3, unreadable: 4 }
    const { hints, lastCheckError, unknownStates } = wait.seen(self)
    assert.deepStrictEqual([hints, lastCheckError, unknownStates], [cold.hints, "reset", { PAUSED: 2 }])
    const plain = drive({ history: false }).wait
    wait.recordHistory(plain, "reset")
    assert.deepStrictEqual(wait.seen(plain).history, [])
  })

  it("foreign step - is the first of its schedule or another", () => {
    const self = make()
    const stepper = self.setting.policy.strategy
    wait.cold(self).stepping = { stepper, count: 1, reason: "strategy" }
    assert.deepStrictEqual(wait.foreignStep(self), { stepper, isFirst: true })
    wait.cold(self).stepping = { stepper, count: 2, reason: "strategy" }
    assert.deepStrictEqual(wait.foreignStep(self), { stepper, isFirst: false })
  })
})
