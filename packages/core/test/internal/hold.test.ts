import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as CheckError from "effect-poll/CheckError"
import type * as PollError from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { drive, event, fails, type Options, play } from "../support/machine.ts"
import { storedToken } from "../support/tokens.ts"

const ready = Status.succeeded("ready")
const running = Status.pending({ state: "RUNNING" })
const strategy = Strategy.spaced("10 seconds")
const confirm = { success: { times: 3 } } as const

/** A token of a wait that has found the end twice, since 2 seconds. */
const held = (elsewhere?: boolean) =>
  storedToken({
    deadlineAt: 600_000,
    hold: { end: "Succeeded", sightings: 2, at: 2_000, elsewhere },
    unconfirmed: { end: "Succeeded", changedAt: 2_000 }
  })

const resume = (options: Options, elsewhere?: boolean) =>
  play(drive({ strategy, ...options }, { origin: 5_000 }), [ready, ready, running, ready], held(elsewhere))

describe("hold", () => {
  it("pending job - starts over", () => {
    const { checks } = play(drive({ strategy, confirm: { success: { times: 2 } } }), [ready, running, ready])
    assert.deepStrictEqual(checks, [0, 10_000, 20_000, 30_000])
    const driven = drive({ strategy, confirm })
    driven.start()
    driven.answer(0, ready)
    assert.deepStrictEqual([driven.wait.cold.hold?.sightings, driven.wait.cold.unconfirmed], [1, "Succeeded"])
    driven.step(10_000, event.due)
    driven.answer(10_000, running)
    assert.deepStrictEqual([driven.wait.cold.hold, driven.wait.cold.unconfirmed], [undefined, undefined])
  })

  it("resumed wait - continues from the sightings in its token", () => {
    assert.deepStrictEqual(resume({ confirm }).checks, [5_000])
    assert.deepStrictEqual(resume({ confirm: { success: { times: 4 } } }).checks, [5_000, 15_000])
    assert.deepStrictEqual(resume({ confirm: { success: { for: "13 seconds" } } }).checks, [5_000, 15_000])
    assert.deepStrictEqual(resume({ confirm: { success: { for: "9 seconds" } } }).checks, [5_000, 11_000])
  })

  it("resumed wait - ignores the hold of its token if it confirms nothing", () => {
    const driven = drive({ strategy }, { origin: 5_000 })
    driven.start(held())
    assert.strictEqual(driven.wait.cold.hold, undefined)
    assert.strictEqual(driven.token().hold, undefined)
    assert.deepStrictEqual(resume({}).ending, "ready")
  })

  it("resumed wait - keeps an end that it found apart from one that counts", () => {
    const driven = drive({ strategy, confirm }, { origin: 5_000 })
    driven.start(storedToken({ deadlineAt: 600_000, hold: { end: "Succeeded", sightings: 2, at: 2_000 } }))
    assert.strictEqual(driven.wait.cold.unconfirmed, "Succeeded")
    const without = drive({ strategy, confirm }, { origin: 5_000 })
    assert.strictEqual(without.start(storedToken({ deadlineAt: 600_000 })), "check")
    assert.deepStrictEqual([without.wait.cold.unconfirmed, without.wait.stage.phase], [undefined, "checking"])
    assert.strictEqual(without.token().hold, undefined)
  })

  it("resumed wait - asks the other source only if it still has one", () => {
    const check = () => Effect.never
    const driven = drive({ strategy, confirm: { ...confirm, check } }, { origin: 5_000 })
    driven.start(held(true))
    assert.isTrue(driven.wait.cold.hold?.elsewhere)
    const lacking = drive({ strategy, confirm }, { origin: 5_000 })
    lacking.start(held(true))
    assert.isFalse(lacking.wait.cold.hold?.elsewhere)
  })

  it("timeout - says how far the confirmation has come", () => {
    const { ending, exit } = play(drive({ strategy, confirm: { success: { times: 9 } }, deadline: "15 seconds" }), [
      ready
    ])
    assert.strictEqual(ending, "PollTimeout deadline")
    const error = exit === undefined ? undefined : Option.getOrUndefined(Exit.findErrorOption(exit))
    assert.deepStrictEqual((error as PollError.PollTimeout).confirmation, {
      sightings: 3,
      times: 9,
      heldFor: Duration.seconds(15),
      for: undefined,
      elsewhere: false
    })
    const long = { failure: { for: "1 minute" } } as const
    const driven = drive({ strategy, confirm: long, deadline: "65 seconds" })
    const later = play(driven, [running, Status.failed("no")])
    const timeout = later.exit === undefined ? undefined : Option.getOrUndefined(Exit.findErrorOption(later.exit))
    assert.deepStrictEqual((timeout as PollError.PollTimeout).confirmation, {
      sightings: 7,
      times: 1,
      heldFor: Duration.seconds(55),
      for: Duration.minutes(1),
      elsewhere: false
    })
  })

  it("end that has held for its time - is checked again as the strategy says while checks fail", () => {
    const { checks, ending } = play(
      drive({
        strategy,
        confirm: { success: { for: "12 seconds" } },
        checkErrors: { kindOf: () => CheckError.transient(), schedule: Strategy.spaced("7 seconds") }
      }),
      [ready, fails("reset"), fails("reset"), ready]
    )
    assert.deepStrictEqual([checks, ending], [[0, 10_000, 17_000, 24_000], "ready"])
  })
})
