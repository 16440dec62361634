import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { ending, pending } from "./scripted.ts"

/**
 * A clock whose time is set by hand and whose timers fire when told: TestClock cannot show a machine that slept through
 * its timers, nor a wall clock that is set back.
 */
const stubClock = () => {
  let now = 1_000_000
  const timers = new Set<{ readonly millis: number; readonly fire: () => void }>()
  const clock = {
    currentTimeMillisUnsafe: () => now,
    currentTimeMillis: Effect.sync(() => now),
    currentTimeNanosUnsafe: () => BigInt(now) * 1_000_000n,
    currentTimeNanos: Effect.sync(() => BigInt(now) * 1_000_000n),
    monotonicTimeNanosUnsafe: () => BigInt(now) * 1_000_000n,
    monotonicTimeNanos: Effect.sync(() => BigInt(now) * 1_000_000n),
    sleep: (duration: Duration.Duration) =>
      Effect.callback<void>((resume) => {
        const timer = { millis: Duration.toMillis(duration), fire: () => resume(Effect.void) }
        timers.add(timer)
        return Effect.sync(() => timers.delete(timer))
      })
  } satisfies Clock.Clock
  /** Moves the time to so many ms after the start and fires the shortest timer, or all. */
  const fireAt = (at: number, which: "shortest" | "all" = "shortest"): void => {
    now = 1_000_000 + at
    const due = [...timers].toSorted((a, b) => a.millis - b.millis).slice(0, which === "all" ? timers.size : 1)
    for (const timer of due) {
      timers.delete(timer)
      timer.fire()
    }
  }
  return { clock, fireAt, asleep: () => [...timers].map((timer) => timer.millis).toSorted((a, b) => a - b) }
}

const watch = (check: Effect.Effect<Status.Status<string>>, options: Poll.Options) => {
  const stub = stubClock()
  let exit: Exit.Exit<unknown, unknown> | "running" = "running"
  Effect.runFork(Effect.provideService(Poll.until(check, options), Clock.Clock, stub.clock)).addObserver((ended) => {
    exit = ended
  })
  return { ...stub, ends: () => ending(exit) }
}

const options = { strategy: Strategy.fixed("2 seconds"), deadline: "10 seconds" } as const

describe("Poll and the wall clock", () => {
  it("R12 of the loop: after a suspension beyond the deadline makes one look, then judges", () => {
    let looks = 0
    const late = watch(
      Effect.sync(() => (++looks < 2 ? pending : Status.succeeded("done"))),
      options
    )
    late.fireAt(3_600_000)
    assert.deepStrictEqual([late.ends(), looks], ["done", 2])

    let others = 0
    const never = watch(
      Effect.sync(() => (others++, pending)),
      options
    )
    never.fireAt(3_600_000)
    assert.deepStrictEqual([never.ends(), others], ["PollTimeout deadline", 2])
  })

  it("a timer that is merely late after the deadline makes no further look", () => {
    let looks = 0
    const { ends, fireAt } = watch(
      Effect.sync(() => (looks++, pending)),
      options
    )
    for (const at of [2000, 4000, 6000, 8000]) fireAt(at)
    fireAt(10_500)
    assert.deepStrictEqual([ends(), looks], ["PollTimeout deadline", 5])
  })

  it("discards the answer of a look that a suspension cut in two, and looks again", () => {
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
    let looks = 0
    const { asleep, ends, fireAt } = watch(
      Effect.sync(() => (looks++, pending)),
      options
    )
    fireAt(2000)
    fireAt(-500_000)
    assert.strictEqual(asleep()[0], 2000)
    for (const at of [2000, 4000, 6000, 8000]) fireAt(-500_000 + at)
    assert.deepStrictEqual([ends(), looks], ["PollTimeout deadline", 6])
  })

  it("a timer that fires early sleeps on", () => {
    let looks = 0
    const { asleep, fireAt } = watch(
      Effect.sync(() => (looks++, pending)),
      options
    )
    fireAt(1998)
    assert.deepStrictEqual([looks, asleep()[0]], [1, 2])
  })

  it("R9 leaves no timer behind, however it ends", () => {
    for (const end of [Effect.succeed(Status.succeeded("done")), Effect.die("bug"), Effect.interrupt]) {
      let looks = 0
      const { asleep, ends, fireAt } = watch(
        Effect.suspend((): Effect.Effect<Status.Status<string>> =>
          ++looks < 3 ? Effect.delay(Effect.succeed(pending), 1) : end
        ),
        options
      )
      for (let i = 0; i < 20 && ends() === "running"; i++) fireAt(i * 1000)
      assert.notStrictEqual(ends(), "running")
      assert.deepStrictEqual(asleep(), [])
    }
  })
})
