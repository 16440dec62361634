import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Gate from "effect-poll/Gate"
import type * as Poll from "effect-poll/Poll"
import type * as PollError from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { done, pending } from "./support/checks.ts"
import { macrotask, manualClock } from "./support/clock.ts"
import { type Host, hosts } from "./support/hosts.ts"
import { every2s } from "./support/options.ts"
import { type Ran, ending, errorOf } from "./support/runs.ts"

const options = { strategy: every2s, deadline: "10 seconds" } as const

/** A wait of this host on a manual clock. */
const waitOn = <E = never>(
  host: Host,
  check: Effect.Effect<CheckResult.CheckResult<string>, E>,
  options: Poll.Options<E>
) => {
  const clock = manualClock()
  let exit: Ran<unknown, PollError.PollError<never, E>> = "running"
  clock.run(host.until(check, options)).addObserver((ended) => {
    exit = ended
  })
  return { ...clock, ends: () => ending(exit), exit: () => exit }
}

describe.each(hosts)("$name", (host) => {
  describe("suspension", () => {
    it("suspension beyond the deadline - allows one more check before the wait is judged [R12]", () => {
      let checks = 0
      const late = waitOn(
        host,
        Effect.sync(() => (++checks < 2 ? pending : Status.succeeded("done"))),
        options
      )
      late.fireAt(3_600_000)
      assert.deepStrictEqual([late.ends(), checks], ["done", 2])

      let others = 0
      const never = waitOn(
        host,
        Effect.sync(() => (others++, pending)),
        options
      )
      never.fireAt(3_600_000)
      assert.deepStrictEqual([never.ends(), others], ["PollTimeout deadline", 2])
    })

    it("timer that fires a little late after the deadline - does not cost the check that was due by then [R40]", () => {
      let checks = 0
      const { ends, fireAt } = waitOn(
        host,
        Effect.sync(() => (checks++, pending)),
        options
      )
      for (const at of [2000, 4000, 6000, 8000]) fireAt(at)
      fireAt(10_500)
      assert.deepStrictEqual([ends(), checks], ["PollTimeout deadline", 6])
    })

    it("lateness - is measured by the last delay, so that a short one is never a suspension", async () => {
      for (const [interval, deadline, late] of [
        [10_000, 25_000, 15_000],
        [100, 250, 500]
      ] as const) {
        let checks = 0
        const { ends, fireAt } = waitOn(
          host,
          Effect.suspend(() => (++checks < 3 ? Effect.succeed(pending) : Effect.never)),
          { strategy: Strategy.spaced(interval), deadline }
        )
        fireAt(interval)
        fireAt(deadline + late)
        fireAt(deadline + late + 49, "all")
        await macrotask()
        assert.deepStrictEqual([ends(), checks], ["running", 3])
        fireAt(deadline + late + 50, "all")
        await macrotask()
        assert.strictEqual(ends(), "PollTimeout deadline")
      }
    })

    it("check in flight during a suspension - is discarded and made again", () => {
      const answers: Array<(status: Status.Status<string>) => void> = []
      const { ends, fireAt } = waitOn(
        host,
        Effect.callback<Status.Status<string>>((resume) => {
          answers.push((status) => resume(Effect.succeed(status)))
        }),
        options
      )
      fireAt(3_600_000, "all")
      assert.deepStrictEqual([ends(), answers.length], ["running", 2])
      answers[0]!(Status.succeeded("stale"))
      assert.strictEqual(ends(), "running")
      answers[1]!(Status.succeeded("fresh"))
      assert.strictEqual(ends(), "fresh")
    })

    it("gate in flight during a suspension - is asked again, and one check follows before the wait is judged", () => {
      let asked = 0
      let checks = 0
      const gate = Gate.make(() => Effect.suspend(() => (asked++ === 0 ? Effect.never : Effect.succeed(Gate.open))))
      const { ends, fireAt } = waitOn(
        host,
        Effect.sync(() => (checks++, done)),
        { ...options, gate }
      )
      fireAt(3_600_000)
      fireAt(3_600_000)
      assert.deepStrictEqual([checks, ends()], [1, "done"])
    })
  })

  describe("clock set back", () => {
    it("clock that is set back - moves the wait with it", () => {
      let checks = 0
      const { timers, ends, fireAt } = waitOn(
        host,
        Effect.sync(() => (checks++, pending)),
        options
      )
      fireAt(2000)
      fireAt(-500_000)
      assert.strictEqual(timers()[0], 2000)
      for (const at of [2000, 4000, 6000, 8000]) fireAt(-500_000 + at)
      assert.deepStrictEqual([ends(), checks], ["PollTimeout deadline", 6])
    })

    it("clock that is set back by little - moves the wait with it", () => {
      let checks = 0
      const { timers, ends, fireAt } = waitOn(
        host,
        Effect.sync(() => (checks++, pending)),
        options
      )
      for (const at of [2000, 4000, 3000]) fireAt(at)
      assert.deepStrictEqual([checks, timers()[0]], [3, 2000])
      for (const at of [5000, 7000, 9000]) fireAt(at)
      assert.deepStrictEqual([ends(), checks], ["PollTimeout deadline", 6])
    })
  })

  describe("timers", () => {
    it("timer that fires early - is set again for the rest", () => {
      let checks = 0
      const { timers, fireAt } = waitOn(
        host,
        Effect.sync(() => (checks++, pending)),
        options
      )
      fireAt(1998)
      assert.deepStrictEqual([checks, timers()[0]], [1, 2])
    })

    it("wait that has ended - leaves no timer behind, however it ended [R9]", () => {
      for (const end of [Effect.succeed(Status.succeeded("done")), Effect.die("bug"), Effect.interrupt]) {
        let checks = 0
        const { timers, ends, fireAt } = waitOn(
          host,
          Effect.suspend((): Effect.Effect<Status.Status<string>> =>
            ++checks < 3 ? Effect.delay(Effect.succeed(pending), 1) : end
          ),
          options
        )
        for (let i = 0; i < 20 && ends() === "running"; i++) fireAt(i * 1000)
        assert.notStrictEqual(ends(), "running")
        assert.deepStrictEqual(timers(), [])
      }
    })
  })

  describe("deadline before its timer", () => {
    it("answer or error after the deadline - is ignored, though the timer of the deadline has not fired", () => {
      const late = (answer: Effect.Effect<CheckResult.CheckResult<string>, unknown>) => {
        let answerNow = (): void => {}
        const check = Effect.callback<CheckResult.CheckResult<string>, unknown>((resume) => {
          answerNow = () => resume(answer)
        })
        const { exit, setTo } = waitOn(host, check, options)
        setTo(10_020)
        answerNow()
        const error = errorOf(exit())
        assert(error._tag === "PollTimeout")
        return error
      }
      assert.isUndefined(late(Effect.succeed(Status.succeeded("late"))).floorAt)
      assert.isUndefined(late(Effect.fail({ [CheckError.kind]: CheckError.permanent() })).floorAt)
      assert.strictEqual(late(Effect.succeed(CheckResult.withHint(pending, "5 seconds"))).floorAt, 1_015_020)
    })

    it("gate that opens after the deadline - allows no check, though the timer of the deadline has not fired", () => {
      let open: (answer: Gate.Answer) => void = () => {}
      let checks = 0
      const gate = Gate.make(() =>
        Effect.callback<Gate.Answer>((resume) => {
          open = (answer) => resume(Effect.succeed(answer))
        })
      )
      const { setTo } = waitOn(
        host,
        Effect.suspend(() => (checks++, Effect.never)),
        { ...options, gate }
      )
      setTo(10_020)
      open(Gate.open)
      assert.strictEqual(checks, 0)
    })
  })
})
