import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Gate from "effect-poll/Gate"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import {
  type Command,
  drive,
  type Driven,
  endingOf,
  type Event,
  event,
  fails,
  machine,
  type Options,
  tokens,
  waits
} from "../support/machine.ts"
import { storedToken } from "../support/tokens.ts"

const strategy = Strategy.spaced("10 seconds")
const running = Status.pending({ state: "RUNNING" })
const done = Status.succeeded("done")
const gate = Gate.make(() => Effect.succeed(Gate.open))
const options: Options = {
  strategy,
  deadline: "1 minute",
  checkErrors: { kindOf: () => CheckError.transient(), schedule: Strategy.spaced("3 seconds"), maxConsecutive: 9 }
}

const woken = (force = false): Event => ({ _tag: "Woken", force })
const paused = event.paused
const unpaused = event.unpaused
const opened: Event = { _tag: "GateAnswered", exit: Exit.succeed(Gate.open) }
const postponed = (millis: number): Event => ({
  _tag: "GateAnswered",
  exit: Exit.succeed(Gate.postponed(Duration.millis(millis), "quota"))
})

/** A wait in its first check. */
const checking = (some: Options = {}, changes: Parameters<typeof drive>[1] = {}): Driven => {
  const driven = drive({ ...options, ...some }, changes)
  assert.strictEqual(driven.start(), "check")
  return driven
}

/** A wait that sleeps until 10 seconds. */
const sleeping = (some: Options = {}, changes: Parameters<typeof drive>[1] = {}): Driven => {
  const driven = drive({ ...options, ...some }, changes)
  if (driven.start() === "gate") driven.step(0, opened)
  assert.strictEqual(driven.answer(0, running), "sleep")
  return driven
}

/** A wait that waits for its gate since 10 seconds. */
const gating = (some: Options = {}): Driven => {
  const driven = sleeping({ gate, ...some })
  assert.strictEqual(driven.step(10_000, event.due), "gate")
  return driven
}

const phase = ({ wait }: Driven) => wait.stage.phase
const next = ({ wait }: Driven) => [wait.stage.reason, wait.nextAt]
const ending = (command: Command) => (typeof command === "string" ? command : endingOf(command.exit))

describe("machine", () => {
  it("events that come too late - change nothing", () => {
    const all: ReadonlyArray<Event> = [
      event.due,
      opened,
      event.checked(done),
      event.checkErrored(Cause.fail("reset")),
      { _tag: "Unanswered" },
      { _tag: "Decided", exit: Exit.succeed(5) },
      event.overdue,
      event.joined,
      event.nearlyDue,
      event.divided
    ]
    const inPhases: ReadonlyArray<readonly [Driven, ReadonlyArray<Event["_tag"]>]> = [
      [sleeping(), ["Due", "Joined", "NearlyDue"]],
      [checking(), ["Checked", "CheckErrored", "Unanswered", "Overdue", "Divided"]],
      [gating(), ["GateAnswered", "Joined", "Overdue"]]
    ]
    for (const [driven, meant] of inPhases) {
      for (const what of all) {
        if (meant.includes(what._tag)) continue
        const before = driven.token()
        assert.strictEqual(driven.step(driven.now(), what), "continue", `${phase(driven)} ${what._tag}`)
        assert.deepStrictEqual(driven.token(), before)
      }
    }
    const ended = checking()
    ended.answer(0, done)
    for (const what of [...all, { _tag: "Died", cause: Cause.die("no") } as const, woken()]) {
      assert.strictEqual(ended.step(5, what), "continue", what._tag)
    }
    assert.strictEqual(phase(ended), "ended")
  })

  it("user code that throws - ends the wait as a defect", () => {
    const driven = checking({
      checkErrors: {
        kindOf: () => {
          throw new Error("no kind")
        }
      }
    })
    assert.strictEqual(String(ending(driven.answer(0, fails("reset")))), "Error: no kind")
    assert.match(String(ending(checking().answer(0, 7 as never))), /^TypeError: .*check/)
    assert.strictEqual(ending(checking().step(0, { _tag: "Died", cause: Cause.die("no") })), "no")
  })

  describe("start", () => {
    it("checks at once, or after the first wait, the stagger or the deferral", () => {
      const start = (what: Event, some: Options = {}) => {
        const driven = drive({ ...options, ...some }, { origin: 1_000 })
        return [driven.step(1_000, what), ...next(driven)]
      }
      const first: Options = { strategy: Strategy.withFirstWait(strategy, "5 seconds") }
      assert.deepStrictEqual(start(event.started(undefined)), ["check", undefined, 60_000])
      assert.deepStrictEqual(start(event.started(undefined), first), ["sleep", "firstWait", 5_000])
      assert.deepStrictEqual(start(event.started(undefined, 7)), ["sleep", "firstWait", 7])
      assert.deepStrictEqual(start(event.started(undefined, 7), first), ["sleep", "firstWait", 5_007])
      assert.deepStrictEqual(start(event.started(undefined, 0, 50)), ["sleep", "firstWait", 50])
      assert.deepStrictEqual(start(event.started(undefined, 80, 50)), ["sleep", "firstWait", 80])
      assert.deepStrictEqual(start(event.started(undefined, 0, 60_000)), ["sleep", "firstWait", 60_000])
      assert.deepStrictEqual(start(event.started(undefined, 0, 60_001))[0], "check")
    })

    it("stagger - takes no more than a tenth of the time that is left", () => {
      const resume = (at: number, some: Parameters<typeof storedToken>[0] = {}) => {
        const driven = drive(options)
        return [driven.step(at, event.started(storedToken(some), 500)), driven.wait.nextAt]
      }
      assert.deepStrictEqual(resume(4_000), ["sleep", 4_500])
      assert.deepStrictEqual(resume(9_000), ["sleep", 9_100])
      // What is left of a wait whose state has a limit is the time until the end of the whole wait.
      const status = { state: "QUEUED", stateAt: 0, changedAt: 0 }
      const limited = drive({ ...options, stateLimits: { QUEUED: "9900 millis" } })
      limited.step(9_000, event.started(storedToken({ deadlineAt: 12_000, status }), 500))
      assert.strictEqual(limited.wait.nextAt, 9_300)
      // Nothing is left of one whose deadline has passed.
      assert.strictEqual(resume(12_000)[0], "check")
    })

    it("reports the deadline", () => {
      const reported = (some: Options, token?: Parameters<Driven["start"]>[0]) => {
        const driven = drive({ ...options, ...some }, { origin: 1_000 })
        driven.start(token)
        return driven.events[0]
      }
      assert.deepStrictEqual(reported({}), { _tag: "Started", deadlineAt: 61_000 })
      assert.deepStrictEqual(reported({ deadline: "unbounded" }), { _tag: "Started", deadlineAt: "unbounded" })
      const status = { state: "QUEUED", stateAt: 0, changedAt: 0 }
      const limited = reported({ stateLimits: { QUEUED: "5 seconds" } }, storedToken({ status }))
      assert.deepStrictEqual(limited, { _tag: "Started", deadlineAt: 10_000 })
    })

    it("resumed wait - continues when it is due, with the stagger if it is due at once", () => {
      const resume = (some: Parameters<typeof storedToken>[0], origin: number, stagger = 0, deferral?: number) => {
        const driven = drive(options, { origin })
        const command = driven.step(origin, event.started(storedToken(some), stagger, deferral))
        return [command, ...next(driven)]
      }
      assert.deepStrictEqual(resume({ dueAt: 3_000 }, 1_000), ["sleep", "strategy", 2_000])
      assert.deepStrictEqual(resume({ dueAt: 3_000 }, 1_000, 50), ["sleep", "strategy", 2_000])
      assert.deepStrictEqual(resume({ dueAt: 3_000, attempts: 0 }, 1_000), ["sleep", "firstWait", 2_000])
      assert.deepStrictEqual(resume({ dueAt: 1_000 }, 1_000, 50), ["sleep", "strategy", 50])
      assert.deepStrictEqual(resume({ dueAt: 500 }, 1_000, 50), ["sleep", "strategy", 50])
      assert.deepStrictEqual(resume({}, 1_000)[0], "check")
      assert.deepStrictEqual(resume({ floorAt: 4_000 }, 1_000), ["sleep", "serverHint", 3_000])
      assert.deepStrictEqual(resume({ floorAt: 1_000 }, 1_000)[0], "check")
      assert.deepStrictEqual(resume({}, 1_000, 0, 200), ["sleep", "strategy", 200])
      // After its deadline it gets one check.
      assert.deepStrictEqual(resume({}, 12_000)[0], "check")
      assert.deepStrictEqual(resume({}, 12_000, 0, 200)[0], "check")
      assert.deepStrictEqual(resume({ dueAt: 13_000 }, 12_000)[0], "check")
      assert.deepStrictEqual(resume({ dueAt: 10_500 }, 10_000)[0], "sleep")
      assert.deepStrictEqual(resume({ floorAt: 14_000 }, 12_000), ["sleep", "deadline", -2_000])
      assert.deepStrictEqual(resume({}, 9_900, 0, 100), ["sleep", "strategy", 100])
      assert.deepStrictEqual(resume({}, 9_900, 0, 101)[0], "check")
    })

    it("resumed wait - asks a schedule that had not decided, unless the deadline is past", () => {
      const resume = (origin: number) =>
        drive({ ...options, strategy: Schedule.spaced("1 second") }, { origin }).start(
          storedToken({ deciding: "strategy" })
        )
      assert.deepStrictEqual([resume(10_000), resume(10_001)], ["step", "check"])
    })

    it("last check of a token - stays the last one, also before the limit of a state", () => {
      const status = { state: "QUEUED", stateAt: 0, changedAt: 0 }
      const resume = (last: boolean | undefined) => {
        const driven = drive({ ...options, stateLimits: { QUEUED: "8 seconds" } }, { origin: 7_000 })
        driven.start(storedToken({ status, last }))
        return [ending(driven.answer(7_000, Status.pending({ state: "QUEUED" }))), driven.wait.deadlineAt]
      }
      assert.deepStrictEqual(resume(true), ["PollTimeout state", 1_000])
      assert.deepStrictEqual(resume(undefined), ["sleep", 1_000])
    })

    it("end of a receipt - may have to hold", () => {
      const driven = drive({ ...options, confirm: { success: { times: 2 } } })
      assert.strictEqual(driven.step(0, event.started(undefined, 0, undefined, done)), "sleep")
      assert.strictEqual(driven.wait.nextAt, 10_000)
    })
  })

  describe("due", () => {
    it("timer that fires early - is harmless", () => {
      const driven = sleeping()
      assert.strictEqual(driven.step(9_999, event.due), "sleep")
      assert.strictEqual(driven.step(10_000, event.due), "check")
    })

    it("check that was due by the deadline - is made however late the host is, but gets little time (R40)", () => {
      const due = (at: number) => {
        const driven = sleeping({ strategy: Strategy.spaced("59 seconds"), checkTimeout: "5 minutes" })
        return [driven.step(at, event.due), driven.wait.nextAt - at]
      }
      assert.deepStrictEqual(due(59_000), ["check", 1_000])
      assert.deepStrictEqual(due(60_000), ["check", 50])
      assert.deepStrictEqual(due(60_001), ["check", 50])
      // Its answer is expected before the deadline, or would have been if the host was not late.
      const slow = (at: number) => {
        const driven = checking({ strategy: Strategy.spaced("59 seconds"), deadline: "61 seconds" })
        driven.answer(100, running)
        return [driven.step(at, event.due), driven.wait.nextAt]
      }
      assert.deepStrictEqual(slow(60_900), ["check", 61_000])
      assert.deepStrictEqual(slow(60_901), ["check", 61_200])
      // More than twice the sleep too late: the computer was suspended.
      assert.deepStrictEqual(due(59_000 * 3), ["check", 50])
      assert.deepStrictEqual(due(59_000 * 3 + 1), ["check", 60_000])
    })

    it("check that is due at the deadline - gets no time if the host is on time", () => {
      const driven = sleeping({ deadline: "10 seconds" })
      assert.deepStrictEqual([driven.step(10_000, event.due), driven.wait.nextAt], ["check", 10_000])
    })

    it("check that came late, and was postponed by its gate - gets no extra time any more", () => {
      const driven = drive({ ...options, gate, strategy: Strategy.spaced("59 seconds"), deadline: "61 seconds" })
      driven.start()
      driven.step(0, opened)
      driven.answer(100, running)
      assert.deepStrictEqual([driven.step(60_950, event.due), driven.wait.nextAt], ["gate", 61_200])
      assert.deepStrictEqual([driven.step(60_955, postponed(10)), ...next(driven)], ["sleep", "gate", 60_965])
      assert.deepStrictEqual([driven.step(60_965, event.due), driven.wait.nextAt], ["gate", 61_000])
    })

    it("wait for the deadline - ends there", () => {
      const driven = checking()
      driven.answer(0, CheckResult.withHint(running, "2 minutes"))
      assert.deepStrictEqual(next(driven), ["deadline", 60_000])
      assert.strictEqual(driven.step(59_999, event.due), "sleep")
      assert.strictEqual(ending(driven.step(60_000, event.due)), "PollTimeout deadline")
    })
  })

  describe("nearly due", () => {
    it("wait - is checked with others in the last tenth of its sleep", () => {
      const driven = sleeping()
      assert.strictEqual(driven.step(8_999, event.nearlyDue), "sleep")
      assert.strictEqual(driven.step(9_000, event.nearlyDue), "check")
      assert.strictEqual(sleeping({ gate }).step(9_000, event.nearlyDue), "gate")
    })

    it("wait - that is due by then, is treated as any that is due", () => {
      const still = sleeping()
      still.step(1_000, paused)
      assert.strictEqual(ending(still.step(60_001, event.nearlyDue)), "PollTimeout deadline")
    })

    it("wait - that is paused, or sleeps for the server, is not checked before its time", () => {
      const still = sleeping()
      still.step(1_000, paused)
      assert.strictEqual(still.step(9_999, event.nearlyDue), "sleep")
      const hinted = checking()
      hinted.answer(0, CheckResult.withHint(running, "20 seconds"))
      assert.deepStrictEqual(
        [hinted.step(19_999, event.nearlyDue), hinted.step(20_000, event.nearlyDue)],
        ["sleep", "check"]
      )
    })
  })

  describe("requested checks", () => {
    it("begin at once while the wait sleeps", () => {
      assert.strictEqual(sleeping().step(5_000, woken()), "check")
      assert.strictEqual(sleeping({ gate }).step(5_000, woken()), "gate")
      assert.strictEqual(sleeping({ gate }).step(5_000, woken(true)), "check")
      assert.strictEqual(sleeping({}, { hasRoom: ({ attempts }) => attempts === 0 }).step(5_000, woken(true)), "gate")
    })

    it("that are forced - are remembered as such only while they have to queue", () => {
      const forced = sleeping()
      forced.step(5_000, woken(true))
      forced.answer(5_000, CheckResult.withHint(running, "20 seconds"))
      assert.strictEqual(forced.wait.cold.wakeRequest, undefined)
      const due = sleeping({ gate })
      assert.strictEqual(due.step(10_000, woken(true)), "continue")
      assert.strictEqual(due.step(10_000, event.due), "gate")
      let room = true
      const queued = sleeping({}, { hasRoom: () => room })
      room = false
      assert.strictEqual(queued.step(5_000, woken(true)), "gate")
      assert.strictEqual(queued.wait.cold.wakeRequest, "forced")
    })

    it("after the deadline - lift no floor", () => {
      const driven = checking()
      driven.answer(0, CheckResult.withHint(running, "2 minutes"))
      driven.step(60_001, woken(true))
      assert.strictEqual(driven.wait.floorAt, 120_000)
      const atDeadline = checking()
      atDeadline.answer(0, CheckResult.withHint(running, "2 minutes"))
      atDeadline.step(60_000, woken(true))
      assert.strictEqual(atDeadline.wait.floorAt, 0)
      driven.step(60_002, woken())
      assert.strictEqual(driven.wait.stage.phase, "waiting")
    })

    it("wait for floor and gate, unless they are forced", () => {
      const hinted = (what: Event) => {
        const driven = checking()
        driven.answer(0, CheckResult.withHint(running, "20 seconds"))
        return [driven.step(5_000, what), ...next(driven)]
      }
      assert.deepStrictEqual(hinted(woken()), ["continue", "serverHint", 20_000])
      assert.strictEqual(hinted(woken(true))[0], "check")
      const gated = (what: Event) => {
        const driven = gating()
        driven.step(10_000, postponed(2_000))
        waits.cold(driven.wait)
        return [driven.step(11_000, what), ...next(driven)]
      }
      assert.deepStrictEqual(gated(woken()), ["continue", "gate", 12_000])
      assert.strictEqual(gated(woken(true))[0], "check")
    })

    it("come sooner if the strategy alone holds the check back", () => {
      const driven = checking({ strategy: Strategy.spaced("30 seconds") })
      driven.answer(0, CheckResult.withHint(running, "20 seconds"))
      assert.deepStrictEqual([driven.step(5_000, woken()), ...next(driven)], ["sleep", "requested", 20_000])
    })

    it("while something is in flight - are remembered, and a forced one is not taken back", () => {
      const driven = checking()
      assert.strictEqual(driven.step(0, woken()), "continue")
      assert.strictEqual(driven.wait.cold.wakeRequest, "normal")
      driven.step(0, woken(true))
      driven.step(0, woken())
      assert.strictEqual(driven.wait.cold.wakeRequest, "forced")
      assert.strictEqual(driven.answer(1_000, running), "sleep")
      assert.deepStrictEqual(next(driven), ["requested", 1_000])
      driven.step(1_000, event.due)
      assert.strictEqual(driven.wait.cold.wakeRequest, undefined)
    })

    it("after the deadline, and while the wait is paused - change nothing", () => {
      assert.strictEqual(sleeping().step(60_001, woken()), "continue")
      const driven = sleeping()
      driven.step(1_000, paused)
      assert.strictEqual(driven.step(2_000, woken()), "continue")
    })

    it("within the minInterval - wait for its end, without the gate if they are forced", () => {
      const within = (force: boolean) => {
        const driven = sleeping({ minInterval: "8 seconds", gate })
        return [
          driven.step(3_000, woken(force)),
          ...next(driven),
          driven.wait.cold.wakeRequest,
          driven.step(8_000, event.due)
        ]
      }
      assert.deepStrictEqual(within(false), ["sleep", "minInterval", 8_000, undefined, "gate"])
      assert.deepStrictEqual(within(true), ["sleep", "minInterval", 8_000, "forced", "check"])
    })

    it("that are forced while the gate is asked - begin without it, at once if nothing else holds them back", () => {
      const forced = (driven: Driven, at: number) => [driven.step(at, woken(true)), phase(driven)] as const
      const begun = ["check", "checking"] as const
      const asking = ["continue", "gating"] as const
      assert.deepStrictEqual(forced(gating(), 11_000), begun)
      assert.deepStrictEqual([gating().step(11_000, woken()), forced(checking(), 5_000)[0]], ["continue", "continue"])
      // Up to the deadline, and not while the wait is paused.
      assert.deepStrictEqual([forced(gating(), 60_000), forced(gating(), 60_001)], [begun, asking])
      const still = gating()
      still.step(10_500, paused)
      assert.deepStrictEqual(forced(still, 11_000), asking)
      // Once the minInterval after the newest check of the key is over.
      const spaced = () => {
        let others = waits.never
        const driven = sleeping({ gate, minInterval: "5 seconds" }, { checkedAt: () => others })
        driven.step(10_000, event.due)
        others = 9_000
        return driven
      }
      assert.deepStrictEqual([forced(spaced(), 13_999), forced(spaced(), 14_000)], [asking, begun])
      // With room for it.
      let room = true
      const full = sleeping({ gate }, { hasRoom: () => room })
      full.step(10_000, event.due)
      room = false
      assert.deepStrictEqual(forced(full, 11_000), asking)
      // Requests in a loop are no hot loop.
      const resumed = () => {
        const driven = drive({ ...options, gate })
        assert.strictEqual(driven.step(105, event.started(storedToken({ checkedAt: 100 }))), "gate")
        return driven
      }
      assert.deepStrictEqual([forced(resumed(), 109), forced(resumed(), 110)], [asking, begun])
    })

    it("that are forced - are not postponed by the gate that they came after", () => {
      const postponing = (force: boolean) => {
        let room = true
        const driven = sleeping({ gate }, { hasRoom: () => room })
        driven.step(10_000, event.due)
        room = false
        driven.step(10_500, woken(force))
        driven.step(10_500, { _tag: "Floored", floorAt: 30_000 })
        return [driven.step(11_000, postponed(2_000)), ...next(driven)]
      }
      assert.deepStrictEqual(postponing(true), ["sleep", "requested", 11_000])
      assert.deepStrictEqual(postponing(false), ["sleep", "serverHint", 30_000])
    })

    it("of a last check - are not the last one", () => {
      const driven = sleeping({ deadline: "10 seconds" })
      assert.isTrue(driven.wait.cold.lastCheck)
      driven.step(1_000, woken())
      assert.isFalse(driven.wait.cold.lastCheck)
    })
  })

  describe("joined checks", () => {
    it("begin at once, or open the gate", () => {
      assert.strictEqual(sleeping({ gate }).step(5_000, event.joined), "check")
      assert.strictEqual(gating().step(11_000, event.joined), "check")
      const last = sleeping({ deadline: "10 seconds" })
      last.step(1_000, event.joined)
      assert.isFalse(last.wait.cold.lastCheck)
    })

    it("are not joined by a wait that is paused or past its deadline", () => {
      const driven = sleeping()
      driven.step(1_000, paused)
      assert.strictEqual(driven.step(2_000, event.joined), "continue")
      const over = checking()
      over.answer(0, CheckResult.withHint(running, "2 minutes"))
      assert.deepStrictEqual([...next(over), over.step(60_001, event.joined)], ["deadline", 60_000, "continue"])
      assert.strictEqual(sleeping().step(60_000, event.joined), "check")
      // It was due in time, and the host is late.
      assert.strictEqual(sleeping().step(60_001, event.joined), "check")
      assert.strictEqual(ending(gating().step(60_001, event.joined)), "PollTimeout deadline")
    })

    it("have time until the deadline, and more only if the host is late", () => {
      const until = (at: number) => {
        const driven = sleeping({ checkTimeout: "5 minutes" })
        driven.step(at, event.joined)
        return driven.wait.nextAt
      }
      // More than twice the sleep too late: the computer was suspended.
      assert.deepStrictEqual([until(60_000), until(60_001)], [60_000, 120_001])
    })

    it("are the last one if no other fits before the deadline", () => {
      const isLast = (at: number) => {
        const driven = checking()
        driven.answer(100, running)
        waits.cold(driven.wait).lastCheck = true
        driven.step(at, event.joined)
        return driven.wait.cold.lastCheck
      }
      assert.deepStrictEqual([isLast(59_799), isLast(59_800)], [false, true])
    })
  })

  it("floor of another wait - moves the next check, but not the wait for the deadline", () => {
    const floored = (driven: Driven, floorAt: number) => [
      driven.step(1_000, { _tag: "Floored", floorAt }),
      ...next(driven)
    ]
    assert.deepStrictEqual(floored(sleeping(), 10_000), ["continue", "strategy", 10_000])
    assert.deepStrictEqual(floored(sleeping(), 10_001), ["sleep", "serverHint", 10_001])
    assert.deepStrictEqual(floored(checking(), 90_000)[0], "continue")
    const driven = checking()
    driven.answer(0, CheckResult.withHint(running, "70 seconds"))
    assert.deepStrictEqual(floored(driven, 90_000), ["continue", "deadline", 60_000])
    assert.deepStrictEqual([floored(driven, 5)[0], driven.wait.floorAt], ["continue", 90_000])
  })

  it("cursor of another wait - is where the next check continues", () => {
    const driven = sleeping()
    assert.strictEqual(driven.step(0, { _tag: "Moved", cursor: "page-2" }), "continue")
    assert.strictEqual(waits.cursorOf(driven.wait), "page-2")
  })

  describe("pauses", () => {
    it("last until the deadline, or until they end", () => {
      const driven = sleeping()
      assert.strictEqual(driven.step(1_000, paused), "sleep")
      assert.strictEqual(driven.step(10_000, event.due), "sleep")
      assert.strictEqual(ending(driven.step(60_000, event.due)), "PollTimeout deadline")
      const short = sleeping()
      short.step(1_000, paused)
      assert.deepStrictEqual([short.step(2_000, unpaused), ...next(short)], ["sleep", "strategy", 10_000])
      const due = sleeping()
      due.step(1_000, paused)
      assert.strictEqual(due.step(10_000, unpaused), "check")
      const late = sleeping()
      late.step(1_000, paused)
      assert.deepStrictEqual([late.step(60_001, unpaused), ...next(late)], ["sleep", "deadline", 60_000])
      const last = sleeping()
      last.step(1_000, paused)
      assert.strictEqual(last.step(60_000, unpaused), "check")
    })

    it("do not stop what is in flight", () => {
      const driven = checking()
      assert.strictEqual(driven.step(0, paused), "continue")
      assert.strictEqual(driven.answer(100, running), "sleep")
      assert.strictEqual(driven.step(10_100, event.due), "sleep")
      const resumed = checking()
      resumed.step(0, paused)
      assert.strictEqual(resumed.step(50, unpaused), "continue")
      resumed.answer(100, running)
      assert.strictEqual(resumed.step(10_100, event.due), "check")
    })

    it("that were none - end without effect", () => {
      assert.strictEqual(sleeping().step(20_000, unpaused), "continue")
    })

    it("gate that opens meanwhile - holds the check until they end", () => {
      const driven = gating()
      driven.step(10_000, paused)
      assert.deepStrictEqual([driven.step(11_000, opened), ...next(driven)], ["sleep", "requested", 11_000])
      assert.strictEqual(driven.step(12_000, unpaused), "gate")
    })
  })

  describe("gate", () => {
    it("open - the check begins, if it has not become too late or too soon", () => {
      assert.strictEqual(gating().step(60_000, opened), "check")
      assert.strictEqual(ending(gating().step(60_001, opened)), "PollTimeout deadline")
      let others = waits.never
      const driven = sleeping({ gate, minInterval: "5 seconds" }, { checkedAt: () => others })
      driven.step(10_000, event.due)
      others = 9_000
      assert.deepStrictEqual([driven.step(11_000, opened), ...next(driven)], ["sleep", "minInterval", 14_000])
      assert.strictEqual(driven.step(14_000, event.due), "gate")
      assert.strictEqual(driven.step(14_000, opened), "check")
      driven.answer(14_000, running)
      driven.step(24_000, event.due)
      others = 59_000
      assert.strictEqual(ending(driven.step(60_001, opened)), "PollTimeout deadline")
    })

    it("postponed - the check waits, with the reason of the gate", () => {
      const driven = gating()
      assert.deepStrictEqual([driven.step(10_000.5, postponed(2_000)), ...next(driven)], ["sleep", "gate", 12_001])
      const waiting = driven.events.at(-1)
      assert(waiting?._tag === "Waiting")
      assert.strictEqual(waiting.gateReason, "quota")
      assert.strictEqual(ending(gating().step(60_001, postponed(5))), "PollTimeout deadline")
      const atDeadline = gating()
      assert.deepStrictEqual(
        [atDeadline.step(60_000, postponed(5)), ...next(atDeadline)],
        ["sleep", "deadline", 60_000]
      )
    })

    it("check that only queues for room - is made after the deadline too, with little time", () => {
      let room = true
      const driven = sleeping({}, { hasRoom: () => room })
      room = false
      assert.strictEqual(driven.step(10_000, event.due), "gate")
      assert.deepStrictEqual([driven.step(60_001, opened), driven.wait.nextAt], ["check", 60_051])
    })

    it("that fails, or does not answer before the deadline - ends the wait", () => {
      assert.strictEqual(ending(gating().step(10_000, { _tag: "GateAnswered", exit: Exit.die("no") })), "no")
      assert.strictEqual(gating().step(59_999, event.overdue), "continue")
      assert.strictEqual(ending(gating().step(60_000, event.overdue)), "PollTimeout deadline")
      // The computer was suspended: more than twice the sleep before.
      assert.strictEqual(gating().step(80_001, event.overdue), "gate")
    })
  })

  describe("time limits", () => {
    it("check - ends with its timeout, or with the wait at the deadline", () => {
      const driven = checking({ checkTimeout: "5 seconds" })
      assert.strictEqual(driven.step(4_999, event.overdue), "continue")
      assert.strictEqual(driven.step(5_000, event.overdue), "sleep")
      assert.strictEqual((waits.seen(driven.wait).lastCheckError as { _tag: string })._tag, "CheckTimeout")
      assert.strictEqual(
        String((waits.seen(driven.wait).lastCheckError as { checkTimeout: unknown }).checkTimeout),
        "5000 millis"
      )
      assert.strictEqual(ending(checking().step(60_000, event.overdue)), "PollTimeout deadline")
    })

    it("schedule - ends the wait at the deadline", () => {
      const driven = checking({ strategy: Schedule.spaced("1 second") })
      driven.answer(0, running)
      assert.strictEqual(driven.step(59_999, event.overdue), "continue")
      assert.strictEqual(ending(driven.step(60_000, event.overdue)), "PollTimeout deadline")
    })

    it("cancel - is given up, and the job is watched", () => {
      const driven = checking({ deadline: "1 second", onTimeout: "cancelRemote", cancel: () => Effect.void })
      driven.step(1_000, event.overdue)
      assert.strictEqual(phase(driven), "canceling")
      driven.step(1_000, paused)
      assert.strictEqual(driven.step(10_999, event.overdue), "continue")
      assert.strictEqual(driven.step(11_000, event.overdue), "sleep")
      assert.deepStrictEqual(
        [driven.wait.cold.paused, driven.wait.cold.lastCheck, driven.wait.deadlineAt],
        [false, false, 21_000]
      )
      assert.strictEqual(driven.wait.cold.heldTimeout?.cancel?.outcome, "timedOut")
    })

    it("sleep - has none", () => {
      assert.strictEqual(sleeping().step(10_000, event.overdue), "continue")
    })
  })

  describe("answers around the deadline (R4)", () => {
    it("at the deadline - count, and after it do not", () => {
      assert.strictEqual(ending(checking().answer(60_000, done)), "done")
      assert.strictEqual(ending(checking().answer(60_001, done)), "PollTimeout deadline")
      assert.strictEqual(ending(checking().answer(60_001, fails("reset"))), "PollTimeout deadline")
      assert.strictEqual(ending(checking().step(60_001, { _tag: "Unanswered" })), "PollTimeout deadline")
    })

    it("of a check that began after it - count", () => {
      const driven = drive(options, { origin: 12_000 })
      driven.start(storedToken())
      assert.strictEqual(ending(driven.answer(13_000, done)), "done")
      const slow = drive(options, { origin: 12_000 })
      slow.start(storedToken())
      assert.strictEqual(ending(slow.step(72_000, event.overdue)), "PollTimeout deadline")
      assert.notInclude(slow.tags(), "CheckFailed")
      const within = drive(options, { origin: 12_000 })
      within.start(storedToken())
      assert.strictEqual(within.step(71_999, event.overdue), "continue")
    })

    it("of a check that was due at the deadline and began then - are too late", () => {
      const begun = () => {
        const driven = drive(options, { origin: 10_000 })
        driven.start(storedToken({ dueAt: 10_000 }))
        return driven
      }
      assert.strictEqual(ending(begun().answer(10_000, done)), "done")
      assert.strictEqual(ending(begun().answer(10_001, done)), "PollTimeout deadline")
      const overdue = begun()
      assert.strictEqual(ending(overdue.step(10_000, event.overdue)), "PollTimeout deadline")
      assert.notInclude(overdue.tags(), "CheckFailed")
    })

    it("after a suspension - the check is made again", () => {
      const suspended = checking({ checkTimeout: "10 seconds" })
      suspended.answer(0, running)
      suspended.step(10_000, event.due)
      // The check was bounded by 20 seconds; the sleep before it took 10.
      assert.strictEqual(suspended.answer(60_001, done), "check")
      assert.strictEqual(ending(suspended.answer(60_002, done)), "done")
      const retried = checking({
        checkTimeout: "10 seconds",
        checkErrors: { ...(options.checkErrors as object), retry: Strategy.spaced("1 second") }
      })
      retried.answer(0, fails("reset"))
      retried.step(1_000, event.due)
      assert.strictEqual(retried.answer(61_000, fails("reset")), "check")
      assert.deepStrictEqual([retried.wait.cold.retries, retried.wait.attempts], [0, 2])
    })
  })

  describe("hints and cursors", () => {
    it("of an answer - hold for the next check", () => {
      const driven = checking()
      driven.answer(0, CheckResult.withCursor(CheckResult.withHint(running, "20 seconds"), "page-2"))
      assert.deepStrictEqual(
        [driven.wait.floorAt, driven.wait.cold.cursor, driven.wait.status],
        [20_000, "page-2", running]
      )
      driven.step(20_000, event.due)
      driven.answer(20_000, CheckResult.withHint(running, "20 seconds"))
      assert.strictEqual(driven.wait.cold.cursor, "page-2")
      const late = checking()
      late.answer(60_001, CheckResult.withHint(running, "20 seconds"))
      assert.strictEqual(late.wait.floorAt, 80_001)
    })

    it("cursor of the other source - is of no use", () => {
      const driven = checking({ confirm: { success: { times: 1 }, check: () => Effect.never } })
      driven.answer(0, CheckResult.withCursor(done, "page-2"))
      driven.step(0, event.due)
      driven.answer(0, CheckResult.withCursor(running, "other"))
      assert.strictEqual(driven.wait.cold.cursor, "page-2")
    })

    it("of a request for many - hold for each of its keys", () => {
      const errored = checking()
      const cause = Cause.fail("reset")
      errored.step(0, { _tag: "CheckErrored", cause, hint: Duration.seconds(20) })
      assert.strictEqual(errored.wait.nextAt, 20_000)
      const unanswered = checking()
      unanswered.step(0, { _tag: "Unanswered", hint: Duration.seconds(20) })
      assert.deepStrictEqual(next(unanswered), ["serverHint", 20_000])
    })
  })

  it("key without an answer - is checked alone, in the same attempt", () => {
    const driven = checking()
    assert.strictEqual(driven.step(0, { _tag: "Unanswered" }), "sleep")
    assert.deepStrictEqual([driven.wait.cold.alone, ...next(driven)], [true, "serverHint", 0])
    assert.strictEqual(driven.step(0, event.due), "check")
    assert.strictEqual(driven.wait.attempts, 1)
    driven.answer(0, running)
    assert.isFalse(driven.wait.cold.alone)
    for (const end of [event.checkErrored(Cause.fail("reset")), { _tag: "Overdue" }] as ReadonlyArray<Event>) {
      const alone = checking({ checkTimeout: "5 seconds" })
      alone.step(0, { _tag: "Unanswered" })
      alone.step(0, event.due)
      alone.step(5_000, end)
      assert.isFalse(alone.wait.cold.alone)
    }
    const late = checking()
    late.step(0, { _tag: "Unanswered" })
    late.step(0, event.due)
    late.step(60_000, event.overdue)
    assert.isFalse(late.wait.cold.alone)
  })

  it("key without an answer - whose check is forced waits for no floor", () => {
    const unanswered = (force: boolean) => {
      const driven = checking()
      driven.step(0, woken(force))
      driven.step(0, { _tag: "Unanswered", hint: Duration.seconds(20) })
      return driven.wait.nextAt
    }
    assert.deepStrictEqual([unanswered(false), unanswered(true)], [20_000, 0])
  })

  describe("request for many that failed", () => {
    /** A wait whose request is divided at 100 ms. */
    const dividing = (...before: ReadonlyArray<Event>): Driven => {
      const driven = checking()
      for (const what of before) driven.step(0, what)
      assert.strictEqual(driven.step(100, event.divided), "sleep")
      return driven
    }

    it("is made again with fewer keys, in the same attempt", () => {
      const driven = dividing()
      assert.deepStrictEqual([driven.wait.cold.divided, ...next(driven)], [true, "requested", 100])
      assert.deepStrictEqual([driven.step(100, event.due), driven.wait.attempts], ["check", 1])
      driven.answer(200, running)
      assert.isFalse(driven.wait.cold.divided)
      assert.deepStrictEqual([driven.step(10_200, event.due), driven.wait.attempts], ["check", 2])
      // Its length says nothing about a check.
      assert.strictEqual(waits.longestCheck(dividing().wait), 0)
    })

    it("completes what was meant to be completed by a check alone", () => {
      const driven = checking()
      driven.step(0, { _tag: "Unanswered" })
      driven.step(0, event.due)
      driven.step(0, event.divided)
      assert.deepStrictEqual([driven.wait.cold.alone, driven.wait.cold.divided], [false, true])
    })

    it("waits for no floor if the check is forced", () => {
      const floored: Event = { _tag: "Floored", floorAt: 20_000 }
      assert.deepStrictEqual(next(dividing(floored)), ["serverHint", 20_000])
      assert.deepStrictEqual(next(dividing(woken(), floored)), ["serverHint", 20_000])
      assert.deepStrictEqual(next(dividing(woken(true), floored)), ["requested", 100])
    })

    it("ends the wait after its deadline", () => {
      assert.strictEqual(checking().step(60_000, event.divided), "sleep")
      const late = checking()
      assert.strictEqual(ending(late.step(60_001, event.divided)), "PollTimeout deadline")
      assert.isFalse(late.wait.cold.divided)
    })
  })

  it("length of a check - is recorded when it answers or fails", () => {
    const length = (what: Event) => {
      const driven = checking()
      driven.step(400, what)
      return waits.longestCheck(driven.wait)
    }
    assert.deepStrictEqual(
      [event.checked(running), event.checkErrored(Cause.fail("reset")), { _tag: "Unanswered" } as const].map(length),
      [400, 400, 400]
    )
  })

  it("defect or interruption in a check - ends the wait with its cause", () => {
    assert.strictEqual(ending(checking().step(0, event.checkErrored(Cause.die("no")))), "no")
    const mixed = Cause.combine(Cause.fail("reset"), Cause.die("no"))
    assert.isObject(checking().step(0, event.checkErrored(mixed)))
    const late = checking().step(60_001, event.checkErrored(Cause.die("no")))
    assert.strictEqual(ending(late), "no")
  })

  it("retries that were cut by the cancel of a timeout - are over", () => {
    const driven = checking({
      deadline: "10 seconds",
      onTimeout: "cancelRemote",
      cancel: () => Effect.void,
      checkErrors: { ...(options.checkErrors as object), retry: Strategy.spaced("1 second") }
    })
    driven.answer(0, fails("reset"))
    driven.step(1_000, event.due)
    driven.step(10_000, event.overdue)
    driven.step(10_000, event.cancelDone("timeout", Exit.void))
    assert.deepStrictEqual([driven.wait.cold.retries, ...next(driven)], [0, "requested", 10_000])
    assert.strictEqual(tokens.fromWait(driven.wait).retries, undefined)
    assert.strictEqual(machine.step(driven.wait, event.due), "check")
  })
})
