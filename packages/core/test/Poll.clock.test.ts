import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as CheckResult from "effect-poll/CheckResult"
import * as Poll from "effect-poll/Poll"
import * as CheckError from "effect-poll/CheckError"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { ending, pending } from "./scripted.ts"
import { stubClock } from "./stubClock.ts"

const watch = (check: Effect.Effect<Status.Status<string>>, options: Poll.Options) => {
  const stub = stubClock()
  let exit: Exit.Exit<unknown, unknown> | "running" = "running"
  Effect.runFork(Effect.provideService(Poll.until(check, options), Clock.Clock, stub.clock)).addObserver((ended) => {
    exit = ended
  })
  return { ...stub, ends: () => ending(exit) }
}

const options = { strategy: Strategy.spaced("2 seconds"), deadline: "10 seconds" } as const

describe("Poll and the wall clock", () => {
  it("R12 of the loop: after a suspension beyond the deadline makes one check, then judges", () => {
    let checks = 0
    const late = watch(
      Effect.sync(() => (++checks < 2 ? pending : Status.succeeded("done"))),
      options
    )
    late.fireAt(3_600_000)
    assert.deepStrictEqual([late.ends(), checks], ["done", 2])

    let others = 0
    const never = watch(
      Effect.sync(() => (others++, pending)),
      options
    )
    never.fireAt(3_600_000)
    assert.deepStrictEqual([never.ends(), others], ["PollTimeout deadline", 2])
  })

  it("a timer that is merely late after the deadline makes no further check", () => {
    let checks = 0
    const { ends, fireAt } = watch(
      Effect.sync(() => (checks++, pending)),
      options
    )
    for (const at of [2000, 4000, 6000, 8000]) fireAt(at)
    fireAt(10_500)
    assert.deepStrictEqual([ends(), checks], ["PollTimeout deadline", 5])
  })

  it("discards the answer of a check that a suspension cut in two, and checks again", () => {
    const answers: Array<(status: Status.Status<string>) => void> = []
    const { ends, fireAt } = watch(
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

  it("a clock that is set back moves the wait with it", () => {
    let checks = 0
    const { asleep, ends, fireAt } = watch(
      Effect.sync(() => (checks++, pending)),
      options
    )
    fireAt(2000)
    fireAt(-500_000)
    assert.strictEqual(asleep()[0], 2000)
    for (const at of [2000, 4000, 6000, 8000]) fireAt(-500_000 + at)
    assert.deepStrictEqual([ends(), checks], ["PollTimeout deadline", 6])
  })

  it("a timer that fires early sleeps on", () => {
    let checks = 0
    const { asleep, fireAt } = watch(
      Effect.sync(() => (checks++, pending)),
      options
    )
    fireAt(1998)
    assert.deepStrictEqual([checks, asleep()[0]], [1, 2])
  })

  it("R9 leaves no timer behind, however it ends", () => {
    for (const end of [Effect.succeed(Status.succeeded("done")), Effect.die("bug"), Effect.interrupt]) {
      let checks = 0
      const { asleep, ends, fireAt } = watch(
        Effect.suspend((): Effect.Effect<Status.Status<string>> =>
          ++checks < 3 ? Effect.delay(Effect.succeed(pending), 1) : end
        ),
        options
      )
      for (let i = 0; i < 20 && ends() === "running"; i++) fireAt(i * 1000)
      assert.notStrictEqual(ends(), "running")
      assert.deepStrictEqual(asleep(), [])
    }
  })

  it("lateness is measured by the last sleep, and a short one is never a suspension", () => {
    for (const [interval, deadline, late] of [
      [10_000, 25_000, 15_000],
      [100, 250, 500]
    ] as const) {
      let checks = 0
      const { ends, fireAt } = watch(
        Effect.sync(() => (checks++, pending)),
        { strategy: Strategy.spaced(interval), deadline }
      )
      fireAt(interval)
      fireAt(deadline + late)
      assert.deepStrictEqual([ends(), checks], ["PollTimeout deadline", 2])
    }
  })

  it("an answer or an error that comes after the deadline, before its watchdog, is no news", () => {
    const late = (answer: Effect.Effect<CheckResult.CheckResult<string>, unknown>) => {
      const stub = stubClock()
      let answerNow = (): void => {}
      let error: unknown
      const check = Effect.callback<CheckResult.CheckResult<string>, unknown>((resume) => {
        answerNow = () => resume(answer)
      })
      const wait = Effect.flip(Poll.until(check, options))
      Effect.runFork(Effect.provideService(wait, Clock.Clock, stub.clock)).addObserver((exit) => {
        error = exit._tag === "Success" ? exit.value : exit
      })
      stub.setTo(10_020)
      answerNow()
      return error as { readonly _tag: string; readonly floorAt: number | undefined }
    }
    assert.strictEqual(late(Effect.succeed(Status.succeeded("late")))._tag, "PollTimeout")
    assert.strictEqual(late(Effect.fail({ [CheckError.kind]: CheckError.permanent() }))._tag, "PollTimeout")
    assert.strictEqual(late(Effect.succeed(CheckResult.withHint(pending, "5 seconds"))).floorAt, 1_015_020)
  })

  it("a clock that is set back by little moves the wait too", () => {
    let checks = 0
    const { asleep, ends, fireAt } = watch(
      Effect.sync(() => (checks++, pending)),
      options
    )
    for (const at of [2000, 4000, 3000]) fireAt(at)
    assert.deepStrictEqual([checks, asleep()[0]], [3, 2000])
    for (const at of [5000, 7000, 9000]) fireAt(at)
    assert.deepStrictEqual([ends(), checks], ["PollTimeout deadline", 6])
  })
})
