import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as CheckResult from "effect-poll/CheckResult"
import * as Gate from "effect-poll/Gate"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type * as thePacing from "../../src/internal/machine/pacing.ts"
import { drive, type Driven, event, type Options, waits } from "../support/machine.ts"
import { storedToken } from "../support/tokens.ts"

// No package exports it, and the compiler does not follow a path that it cannot read.
const path: string = "../../src/internal/machine/pacing.ts"
const pacing = (await import(path)) as typeof thePacing

const strategy = Strategy.spaced("10 seconds")
const running = Status.pending({ state: "RUNNING" })
const gate = Gate.make(() => Effect.succeed(Gate.open))

const sleeping = (options: Options = {}, changes: Parameters<typeof drive>[1] = {}): Driven => {
  const driven = drive({ strategy, ...options }, changes)
  driven.start()
  driven.answer(0, running)
  return driven
}

const slept = ({ events }: Driven) =>
  events.flatMap((emitted) =>
    emitted._tag === "Waiting" ? [[emitted.reason, String(emitted.delay), emitted.gateReason]] : []
  )

describe("pacing", () => {
  it("sleep - is reported with its length and its reason", () => {
    assert.deepStrictEqual(slept(sleeping()), [["strategy", "10000 millis", undefined]])
    assert.deepStrictEqual(slept(sleeping({}, { isObserved: () => false })), [])
  })

  it("sleep of no time - is not reported", () => {
    const driven = drive({ strategy })
    driven.start()
    driven.step(0, { _tag: "Woken", force: false })
    driven.answer(10, running)
    assert.deepStrictEqual([driven.wait.sleepMillis, slept(driven)], [0, []])
  })

  it("requested check - starts at least zeroDelay after the one before, forced or not", () => {
    const next = (force: boolean, at: number) => {
      const driven = drive({ strategy })
      driven.start()
      driven.step(1, { _tag: "Woken", force })
      driven.answer(at, running)
      return [driven.wait.stage.reason, driven.wait.nextAt]
    }
    assert.deepStrictEqual(next(false, 4), ["requested", 10])
    assert.deepStrictEqual(next(true, 4), ["requested", 10])
    assert.deepStrictEqual(next(false, 25), ["requested", 25])
    const asleep = sleeping()
    assert.deepStrictEqual(
      [asleep.step(9, { _tag: "Woken", force: true }), asleep.wait.nextAt, asleep.step(10, event.due)],
      ["sleep", 10, "check"]
    )
  })

  it("paused sleep - is reported as such, until the deadline, without the reason of the gate", () => {
    const driven = sleeping({ deadline: "1 minute" })
    waits.cold(driven.wait).gatedBy = "quota"
    driven.step(1_000, event.paused)
    assert.deepStrictEqual(slept(driven).at(-1), ["paused", "59000 millis", undefined])
    const gated = sleeping({ deadline: "1 minute" })
    waits.cold(gated.wait).gatedBy = "quota"
    pacing.sleep(gated.wait, 20_000, "gate")
    assert.deepStrictEqual(slept(gated).at(-1), ["gate", "20000 millis", "quota"])
    pacing.sleep(gated.wait, 20_000, "strategy")
    assert.deepStrictEqual(slept(gated).at(-1), ["strategy", "20000 millis", undefined])
    gated.step(1_000, event.paused)
    pacing.sleep(gated.wait, 20_000, "gate")
    assert.deepStrictEqual(slept(gated).at(-1), ["paused", "59000 millis", undefined])
  })

  it("last check - is reserved at the host, which may place it sooner, and given up by what comes before it (R40)", () => {
    const asked: Array<number> = []
    const forgone: Array<number> = []
    /** A wait whose checks take 100 ms: the lead is 300. */
    const after = (changes: Options = {}, found: CheckResult.CheckResult<unknown, unknown> = running) => {
      asked.length = forgone.length = 0
      const driven = drive(
        { strategy, deadline: "10 seconds", ...changes },
        {
          origin: 5,
          lastCheckAt: (_, latest) => (asked.push(latest), latest - 1_000),
          forgoLastCheck: (_, at) => void forgone.push(at)
        }
      )
      driven.start()
      driven.answer(105, found)
      return driven
    }
    const driven = after()
    assert.deepStrictEqual([asked, driven.wait.nextAt, driven.wait.stage.reason], [[9_700], 8_700, "lastCheck"])
    driven.step(8_705, event.due)
    assert.deepStrictEqual([forgone, driven.wait.cold.reservedAt], [[8_700], undefined])
    const woken = after()
    woken.step(1_005, { _tag: "Floored", floorAt: 2_000 })
    woken.step(2_005, { _tag: "Woken", force: false })
    assert.deepStrictEqual(forgone, [8_700])
    // A check that is due just then is the last one, one that is due before is not.
    after({ strategy: Strategy.spaced(9_600) })
    assert.deepStrictEqual(asked, [9_700])
    after({ strategy: Strategy.spaced(9_599) })
    assert.deepStrictEqual(asked, [])
    after({}, CheckResult.withHint(running, "9600 millis"))
    assert.deepStrictEqual(asked, [])
    after({}, CheckResult.withHint(running, "9599 millis"))
    assert.deepStrictEqual(asked, [9_700])
    assert.deepStrictEqual(forgone, [])
  })

  describe("reservation of a last check (R40)", () => {
    /** A wait whose first check took so many milliseconds. */
    const reserving = (millis = 100) => {
      const asked: Array<number> = []
      const forgone: Array<number> = []
      const driven = drive(
        { strategy, deadline: "10 seconds" },
        {
          lastCheckAt: (_, latest) => (asked.push(latest), latest - 1_000),
          forgoLastCheck: (_, at) => void forgone.push(at)
        }
      )
      driven.start()
      driven.answer(millis, running)
      return { ...driven, asked, forgone }
    }

    it("is given up when the wait sleeps for something else, or ends", () => {
      const floored = reserving()
      floored.step(1_000, { _tag: "Floored", floorAt: 8_800 })
      assert.deepStrictEqual([floored.forgone, floored.wait.cold.reservedAt], [[8_700], undefined])
      const ends = [event.interrupted(undefined), event.interrupted("close"), event.interrupted("interrupt")]
      for (const end of ends) {
        const ended = reserving()
        ended.step(1_000, end)
        assert.deepStrictEqual([ended.forgone, ended.wait.cold.reservedAt], [[8_700], undefined])
      }
    })

    it("is not made for checks that take no time", () => {
      assert.deepStrictEqual([reserving(0).asked, reserving(1).asked], [[], [9_949]])
    })

    it("leaves room for a slower check, up to a quarter of the time that is left", () => {
      const left = (answeredAt: number) => {
        const driven = sleeping()
        Object.assign(driven.wait, { deadlineAt: 10_000 })
        driven.step(answeredAt - 100, { _tag: "Woken", force: false })
        driven.answer(answeredAt, running)
        return driven.wait.nextAt
      }
      assert.deepStrictEqual([left(9_100), left(9_400)], [9_700, 9_775])
    })
  })

  describe("check that its host began late (R40)", () => {
    it("may be answered after the deadline as much later as it began, and is the last one", () => {
      const begun = (at: number) => {
        const driven = drive({ strategy, deadline: "10 seconds" })
        driven.start()
        driven.answer(100, CheckResult.withHint(running, "9800 millis"))
        return [driven.step(at, event.due), driven.wait.nextAt]
      }
      assert.deepStrictEqual(
        [begun(9_900), begun(9_920)],
        [
          ["check", 10_000],
          ["check", 10_020]
        ]
      )
      const isLast = (at: number) => {
        const driven = drive({ strategy: Strategy.spaced("59 seconds"), deadline: "61 seconds" })
        driven.start()
        driven.answer(100, running)
        driven.step(at, event.due)
        return driven.wait.cold.lastCheck
      }
      assert.deepStrictEqual([isLast(60_900), isLast(60_901)], [false, true])
    })

    it("gets no more than a quarter of the time of the whole wait", () => {
      const driven = drive({ strategy: Strategy.spaced("1 second"), deadline: "4 seconds" })
      driven.step(1_000, event.started(undefined))
      driven.answer(2_000, running)
      assert.strictEqual(driven.wait.nextAt, 3_000)
      assert.deepStrictEqual([driven.step(5_000, event.due), driven.wait.nextAt], ["check", 6_000])
    })
  })

  describe("early check", () => {
    it("is at most a tenth of the sleep early, and only if the strategy alone holds it back", () => {
      const early = (sleepMillis: number, reason: Parameters<typeof waits.waiting>[0]) => {
        const { wait } = drive()
        Object.assign(wait, { sleepMillis, stage: waits.waiting(reason) })
        return pacing.earlyBy(wait)
      }
      assert.deepStrictEqual(
        [early(10_000, "strategy"), early(10_000, "firstWait"), early(9_999, "strategy"), early(9, "strategy")],
        [1_000, 1_000, 999, 0]
      )
      for (const reason of ["serverHint", "gate", "minInterval", "requested", "lastCheck", "deadline"] as const) {
        assert.strictEqual(early(10_000, reason), 0, reason)
      }
    })

    it("is no sooner than the server, the gate and the minInterval allow", () => {
      const earliest = (floorAt: number, gatedUntil: number, spacedUntil: number) => {
        let others = waits.never
        const driven = sleeping({ minInterval: "1 second" }, { checkedAt: () => others })
        others = spacedUntil - 1_000
        driven.wait.floorAt = floorAt
        waits.cold(driven.wait).gatedUntil = gatedUntil
        return pacing.earliestAt(driven.wait)
      }
      assert.deepStrictEqual(
        [earliest(0, 0, 1_000), earliest(9_400, 0, 1_000), earliest(0, 9_500, 1_000), earliest(0, 0, 9_600)],
        [9_000, 9_400, 9_500, 9_600]
      )
      assert.deepStrictEqual([earliest(9_500, 9_600, 9_400), earliest(11_000, 0, 1_000)], [9_600, 10_000])
    })

    it("is none of a paused wait, and none that is the last", () => {
      assert.strictEqual(pacing.earliestAt(sleeping({ deadline: "10 seconds" }).wait), 10_000)
      const still = sleeping({ deadline: "1 minute" })
      still.step(1_000, event.paused)
      assert.strictEqual(pacing.earliestAt(still.wait), 60_000)
      const hinted = drive({ strategy })
      hinted.start()
      hinted.answer(0, CheckResult.withHint(running, "20 seconds"))
      assert.strictEqual(pacing.earliestAt(hinted.wait), 20_000)
    })
  })

  it("suspension - did not happen if the host has been on time since", () => {
    const suspended = (lateAt: number | undefined) => {
      const { step, time, wait } = drive()
      step(5_000, event.unpaused)
      if (lateAt !== undefined) time.lateAt = lateAt
      return pacing.wasSuspended(wait, 100)
    }
    assert.deepStrictEqual([99, 100, 101, undefined].map(suspended), [false, true, true, true])
  })

  it("suspension - is more than twice the sleep too late, and at least a second", () => {
    const suspended = (sleepMillis: number, at: number) => {
      const { step, wait } = drive()
      wait.sleepMillis = sleepMillis
      step(at, event.unpaused)
      return pacing.wasSuspended(wait, 100)
    }
    assert.deepStrictEqual([suspended(0, 1_100), suspended(0, 1_101)], [false, true])
    assert.deepStrictEqual([suspended(600, 1_300), suspended(600, 1_301)], [false, true])
  })

  it("minInterval - counts from the newest check of the key, whoever made it (R35)", () => {
    const until = (
      others: number | "joins",
      minInterval: Options["minInterval"] = "5 seconds",
      checkStarted?: number
    ) => {
      const { wait } = drive({ minInterval }, { checkedAt: () => others })
      if (checkStarted !== undefined) wait.checkStarted = checkStarted
      return pacing.spacedUntil(wait)
    }
    assert.deepStrictEqual(
      [until(waits.never), until(2_000), until(2_000, 0), until("joins", "5 seconds", 3_000)],
      [0, 7_000, 0, 0]
    )
    assert.deepStrictEqual(
      [until(2_000, "5 seconds", 3_000.5), until(4_000, "5 seconds", 3_000), until(waits.never, "5 seconds", 3_000)],
      [8_001, 9_000, 8_000]
    )
    const quick = sleeping({ minInterval: "15 seconds" })
    assert.deepStrictEqual(slept(quick), [["minInterval", "15000 millis", undefined]])
  })

  it("check of another wait - holds a check back that is due", () => {
    let others = waits.never
    const driven = sleeping({ minInterval: "5 seconds" }, { checkedAt: () => others })
    others = 8_000
    assert.strictEqual(driven.step(10_000, event.due), "sleep")
    assert.deepStrictEqual(slept(driven).at(-1), ["minInterval", "3000 millis", undefined])
    assert.deepStrictEqual([driven.step(13_000, event.due), driven.wait.checkStarted], ["check", 13_000])
  })

  it("gate - is asked if there is one or no room, unless the check is forced", () => {
    const due = (options: Options, room: boolean, forced = false) => {
      let hasRoom = true
      const driven = sleeping(options, { hasRoom: () => hasRoom })
      if (driven.wait.stage.phase === "gating") {
        driven.step(0, { _tag: "GateAnswered", exit: { _tag: "Success", value: Gate.open } as never })
        driven.answer(0, running)
      }
      hasRoom = room
      if (forced) waits.cold(driven.wait).wakeRequest = "forced"
      return driven.step(10_000, event.due)
    }
    assert.deepStrictEqual(
      [due({}, true), due({}, false), due({}, false, true), due({}, true, true)],
      ["check", "gate", "gate", "check"]
    )
    const driven = drive({ strategy, gate, deadline: "1 minute" })
    assert.strictEqual(driven.start(), "gate")
    assert.strictEqual(driven.wait.nextAt, 60_000)
    const forced = drive({ strategy, gate })
    waits.cold(forced.wait).wakeRequest = "forced"
    assert.strictEqual(forced.start(), "check")
  })

  it("check - lifts floor, gate and request, and has a time limit", () => {
    const driven = drive({ strategy, deadline: "1 minute", checkTimeout: "7 seconds" })
    driven.start()
    assert.deepStrictEqual([driven.wait.nextAt, driven.wait.attempts], [7_000, 1])
    driven.answer(0.5, CheckResult.withHint(running, "20 seconds"))
    waits.cold(driven.wait).gatedUntil = 20_001
    driven.step(20_001, event.due)
    assert.deepStrictEqual([driven.wait.floorAt, driven.wait.cold.gatedUntil, driven.wait.nextAt], [0, 0, 27_001])
    driven.answer(20_001, running)
    driven.step(58_000, event.due)
    assert.strictEqual(driven.wait.nextAt, 60_000)
    const fraction = drive({ strategy, checkTimeout: "7 seconds" })
    fraction.move(0.5)
    pacing.beginCheck(Object.assign(fraction.wait, { deadlineAt: 60_000 }))
    assert.strictEqual(fraction.wait.nextAt, 7_001)
  })

  it("retry, and check that completes a request for many - are no new attempt", () => {
    const attempts = (retries: number, alone: boolean) => {
      const driven = sleeping()
      waits.cold(driven.wait).retries = retries
      waits.cold(driven.wait).alone = alone
      driven.step(10_000, event.due)
      return driven.wait.attempts
    }
    assert.deepStrictEqual([attempts(0, false), attempts(1, false), attempts(0, true)], [2, 1, 1])
  })

  it("check at the deadline or after it - is the last one, and after it has a minute", () => {
    const last = (origin: number, some: Options = {}, dueAt = 10_000) => {
      const driven = drive({ strategy, ...some }, { origin })
      const command = driven.start(storedToken({ dueAt: Math.min(origin, dueAt) }))
      return [command, driven.wait.cold.lastCheck, driven.wait.nextAt]
    }
    const long: Options = { checkTimeout: "1 hour" }
    assert.deepStrictEqual(last(9_999, long), ["check", false, 1])
    assert.deepStrictEqual(last(10_000, long), ["check", true, 0])
    assert.deepStrictEqual(last(10_001, long), ["check", true, 60_000])
    assert.deepStrictEqual(last(20_000, { gate }), ["gate", false, 60_000])
    assert.deepStrictEqual(last(10_000, { gate }), ["gate", false, 0])
    // It was due long before.
    assert.deepStrictEqual(last(10_000, long, 5_000), ["check", true, 60_000])
    assert.deepStrictEqual(last(10_000, { gate }, 5_000), ["gate", false, 60_000])
  })

  it("alarm - is a millisecond early, so that an answer at that time comes first", () => {
    assert.deepStrictEqual(
      [pacing.wakeForAlarm(0, 10), pacing.wakeForAlarm(8, 10), pacing.wakeForAlarm(9, 10), pacing.wakeForAlarm(10, 10)],
      [9, 9, 10, 10]
    )
  })
})
