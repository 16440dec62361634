import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as CheckResult from "effect-poll/CheckResult"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { drive, type Driven, event, type Found, type Options, play } from "../support/machine.ts"
import { storedToken } from "../support/tokens.ts"

const strategy = Strategy.spaced("10 seconds")
const queued = Status.pending({ state: "QUEUED" })
const running = Status.pending({ state: "RUNNING" })
const lacking = CheckResult.resultMissing("DONE")
const limited: Options = { strategy, stateLimits: { QUEUED: "25 seconds", RUNNING: "1 hour" } }

/** A wait whose checks, ten seconds apart, have found these. */
const after = (options: Options, ...found: ReadonlyArray<Found>): Driven => {
  const driven = drive(options)
  driven.start()
  for (const [at, answer] of found.entries()) {
    if (at > 0) driven.step(at * 10_000, event.due)
    driven.answer(at * 10_000, answer)
  }
  return driven
}

/** The bound that counts, and that of the whole wait while it is later. */
const bounds = ({ wait }: Driven) => [wait.deadlineAt, wait.cold.wholeDeadlineAt]

describe("stateLimit (R30)", () => {
  it("bound - is the sooner of the limit and the deadline", () => {
    assert.deepStrictEqual(bounds(after(limited, queued)), [25_000, 600_000])
    assert.deepStrictEqual(bounds(after(limited, running)), [600_000, undefined])
    assert.deepStrictEqual(bounds(after(limited, Status.pending())), [600_000, undefined])
    assert.deepStrictEqual(bounds(after({ ...limited, deadline: "unbounded" }, queued)), [
      25_000,
      Number.POSITIVE_INFINITY
    ])
    // If they are equal, the deadline counts.
    assert.deepStrictEqual(bounds(after({ ...limited, deadline: "25 seconds" }, queued)), [25_000, undefined])
    assert.deepStrictEqual(bounds(after({ strategy }, queued)), [600_000, undefined])
  })

  it("bound - moves with the state", () => {
    assert.deepStrictEqual(bounds(after(limited, queued, queued)), [25_000, 600_000])
    assert.deepStrictEqual(bounds(after(limited, queued, running)), [600_000, undefined])
    assert.deepStrictEqual(bounds(after(limited, running, queued)), [35_000, 600_000])
    assert.deepStrictEqual(bounds(after(limited, queued, running, queued)), [45_000, 600_000])
    const confirm = { success: { times: 2 } }
    const whole: Options = { strategy, stateLimits: { QUEUED: "25 seconds", RUNNING: "590 seconds" } }
    assert.deepStrictEqual(bounds(after(whole, queued, running)), [600_000, undefined])
    const worded = Status.withState(Status.succeeded("done"), "QUEUED")
    assert.deepStrictEqual(bounds(after({ ...limited, confirm }, queued, worded)), [600_000, undefined])
    const held = after({ ...limited, confirm }, queued, Status.succeeded("done"))
    assert.deepStrictEqual(bounds(held), [600_000, undefined])
    const reverted = after({ ...limited, confirm }, queued, Status.succeeded("done"), queued)
    assert.deepStrictEqual(bounds(reverted), [45_000, 600_000])
  })

  it("last check before a bound that moves - is not the last one before the next", () => {
    const driven = drive(limited)
    driven.start()
    driven.answer(0, queued)
    driven.step(10_000, event.due)
    driven.answer(10_000, queued)
    driven.step(20_000, event.due)
    driven.answer(20_000, queued)
    assert.isTrue(driven.wait.cold.lastCheck)
    driven.step(25_000, event.due)
    driven.answer(25_000, running)
    assert.isFalse(driven.wait.cold.lastCheck)
    assert.strictEqual(driven.wait.stage.phase, "waiting")
  })

  it("end without its result - ends the state, and the next status begins one", () => {
    const driven = after(limited, queued, lacking)
    assert.deepStrictEqual(bounds(driven), [600_000, undefined])
    assert.isTrue(driven.wait.cold.isStateOver)
    driven.step(11_000, event.due)
    driven.answer(11_000, queued)
    assert.deepStrictEqual([driven.wait.stateSince, driven.wait.cold.isStateOver], [11_000, false])
    assert.deepStrictEqual(bounds(driven), [36_000, 600_000])
  })

  it("time in the state - is given to the strategy", () => {
    const inState: Array<number> = []
    const observing = Strategy.make({
      decide: (_step, _elapsed, { inStateMillis }) => {
        inState.push(inStateMillis)
        return 10_000
      }
    })
    play(
      drive({ strategy: observing, missing: { times: 9 } }),
      [CheckResult.missing, CheckResult.missing, queued, queued, running, lacking, running, running],
      undefined,
      8
    )
    assert.deepStrictEqual(inState, [0, 0, 0, 10_000, 0, 0, 10_000])
    inState.length = 0
    const done = Status.succeeded("done")
    play(drive({ strategy: observing, confirm: { success: { times: 3 } } }), [queued, done, done, done])
    assert.deepStrictEqual(inState, [0, 0, 0])
  })

  it("timeout - names the state and its limit", () => {
    const { checks, ending, exit } = play(drive(limited), [queued])
    assert.deepStrictEqual([checks, ending], [[0, 10_000, 20_000, 25_000], "PollTimeout state"])
    assert(exit?._tag === "Failure")
    const [reason] = exit.cause.reasons
    assert(reason?._tag === "Fail")
    const { limit, state } = reason.error as { readonly limit: unknown; readonly state: string }
    assert.deepStrictEqual([String(limit), state], ["25000 millis", "QUEUED"])
    const byDeadline = play(drive({ ...limited, deadline: "20 seconds" }), [queued])
    assert.strictEqual(byDeadline.ending, "PollTimeout deadline")
  })

  it("canceled job - has no limits any more", () => {
    const canceling = { onTimeout: "cancelRemote", cancel: () => Effect.void } as const
    const driven = drive({ ...limited, ...canceling })
    play(driven, [queued], undefined, 3)
    assert.strictEqual(driven.wait.stage.phase, "checking")
    assert.strictEqual(driven.answer(25_000, queued), "cancel")
    assert.deepStrictEqual(bounds(driven), [600_000, undefined])
    driven.step(26_000, event.cancelDone("timeout", "timedOut"))
    assert.deepStrictEqual(bounds(driven), [36_000, undefined])
    driven.step(26_000, event.due)
    driven.answer(26_000, queued)
    assert.deepStrictEqual(bounds(driven), [36_000, undefined])
    const atDeadline = drive({ strategy, deadline: "10 seconds", ...canceling })
    play(atDeadline, [queued], undefined, 1)
    atDeadline.answer(10_000, queued)
    assert.deepStrictEqual(bounds(atDeadline), [10_000, undefined])
  })

  it("resumed wait - counts the time from its token, in whole milliseconds", () => {
    const status = { state: "QUEUED", stateAt: 4_000.5, changedAt: 4_000 }
    const resumed = (some: object, options = limited) => {
      const driven = drive(options, { origin: 5_000 })
      driven.start(storedToken({ deadlineAt: 600_000, dueAt: 9_000, status: { ...status, ...some } }))
      return bounds(driven)
    }
    const fresh = drive(limited, { origin: 5_000 })
    assert.strictEqual(fresh.start(storedToken({ deadlineAt: 600_000 })), "check")
    assert.deepStrictEqual(resumed({}), [24_001, 595_000])
    assert.deepStrictEqual(resumed({ isOver: true }), [595_000, undefined])
    assert.deepStrictEqual(resumed({ state: undefined }), [595_000, undefined])
  })
})
