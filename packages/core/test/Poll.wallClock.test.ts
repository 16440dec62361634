import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as CheckResult from "effect-poll/CheckResult"
import type * as Poll from "effect-poll/Poll"
import type * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { pending } from "./support/checks.ts"
import { macrotask, manualClock } from "./support/clock.ts"
import { type Host, hosts } from "./support/hosts.ts"
import { every2s } from "./support/options.ts"
import { ending, type Ran } from "./support/runs.ts"

const hour = 3_600_000

/** A wait of this host on a manual clock; `checks` are the times of its checks, as time passes. */
const waitOn = (
  host: Host,
  answer: CheckResult.CheckResult<string> | Effect.Effect<Status.Status<string>>,
  options: Poll.Options,
  clock = manualClock()
) => {
  let exit: Ran<unknown, unknown> = "running"
  const checks: Array<number> = []
  const check = Effect.suspend(() => {
    checks.push(clock.passed())
    return Effect.isEffect(answer) ? answer : Effect.succeed(answer)
  })
  clock.run(host.until(check, options)).addObserver((ended) => {
    exit = ended
  })
  return { ...clock, checks, ends: () => ending(exit) }
}

describe.each(hosts)("$name", (host) => {
  describe("wall clock that is set [R41]", () => {
    for (const [name, by] of [
      ["forward", hour],
      ["forward by little", 5_000],
      ["back", -hour]
    ] as const) {
      it(`clock that is set ${name} - changes neither the delays nor the deadline`, () => {
        const wait = waitOn(host, pending, { strategy: every2s, deadline: "10 seconds" })
        wait.passUntil(3_000)
        wait.setWallBy(by)
        wait.passUntil(9_999)
        assert.strictEqual(wait.ends(), "running")
        wait.passUntil(20_000)
        assert.deepStrictEqual(
          [wait.ends(), wait.checks],
          ["PollTimeout deadline", [0, 2_000, 4_000, 6_000, 8_000, 10_000]]
        )
      })

      it(`clock that is set ${name} - changes neither floors nor the minimum interval`, () => {
        const hinted = CheckResult.withHint(pending, "5 seconds")
        const floor = waitOn(host, hinted, { strategy: every2s, deadline: "12 seconds" })
        floor.passUntil(1_000)
        floor.setWallBy(by)
        floor.passUntil(9_000)
        const spaced = waitOn(host, pending, { strategy: every2s, deadline: "1 day", minInterval: "7 seconds" })
        spaced.passUntil(1_000)
        spaced.setWallBy(by)
        spaced.passUntil(15_000)
        assert.deepStrictEqual(
          [floor.checks, spaced.checks],
          [
            [0, 5_000],
            [0, 7_000, 14_000]
          ]
        )
      })

      it(`clock that is set ${name} during a check - does not change its time limit`, async () => {
        const wait = waitOn(host, Effect.never, {
          strategy: every2s,
          deadline: "1 day",
          checkTimeout: "30 seconds",
          checkErrors: { schedule: every2s }
        })
        wait.passUntil(10_000)
        wait.setWallBy(by)
        for (const at of [29_999, 30_000, 31_999]) {
          wait.passUntil(at)
          await macrotask()
        }
        assert.deepStrictEqual(wait.checks, [0])
        wait.passUntil(33_000)
        assert.deepStrictEqual(wait.checks, [0, 32_000])
      })
    }

    it("clock that is set during a long sleep - is noticed within a minute, and the sleep keeps its length", () => {
      const wait = waitOn(host, pending, { strategy: Strategy.spaced("2 hours"), deadline: "5 hours" })
      wait.passUntil(hour)
      wait.setWallBy(10 * hour)
      wait.passUntil(4.5 * hour)
      assert.deepStrictEqual([wait.ends(), wait.checks], ["running", [0, 2 * hour, 4 * hour]])
    })
  })

  describe("legs of a sleep [R41]", () => {
    it("suspension in a long sleep - is noticed when a minute of it is over", () => {
      const wait = waitOn(host, pending, { strategy: Strategy.spaced("1 hour"), deadline: "50 minutes" })
      wait.passUntil(120_000)
      assert.strictEqual(wait.timers()[0], 60_000)
      // The machine sleeps for an hour, with both clocks running.
      wait.fireAt(hour)
      assert.deepStrictEqual([wait.ends(), wait.checks], ["PollTimeout deadline", [0, hour]])
    })

    it("long sleep - reports and checks nothing in between, and ends on time", () => {
      const wait = waitOn(host, pending, { strategy: Strategy.spaced(hour + 1), deadline: "1 day" })
      for (let leg = 1; leg <= 60; leg++) {
        wait.passUntil(leg * 60_000)
        assert.strictEqual(wait.timers().length, 1)
      }
      assert.deepStrictEqual([wait.timers(), wait.checks], [[1], [0]])
      wait.passUntil(hour + 1)
      assert.deepStrictEqual(wait.checks, [0, hour + 1])
    })

    it("monotonic clock that does not measure sleeps - is not compared", () => {
      const wait = waitOn(
        host,
        pending,
        { strategy: every2s, deadline: "10 seconds" },
        manualClock({ isMeasured: false })
      )
      wait.passUntil(20_000)
      assert.deepStrictEqual([wait.ends(), wait.checks.length], ["PollTimeout deadline", 6])
    })
  })
})
