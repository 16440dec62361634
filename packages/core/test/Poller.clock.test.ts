import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import type * as Poll from "effect-poll/Poll"
import type * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { batchJob } from "./support/batches.ts"
import { done, pending } from "./support/checks.ts"
import { macrotask, manualPoller } from "./support/clock.ts"
import { recordChecks } from "./support/jobs.ts"
import { every2s, firstAt, hour } from "./support/options.ts"
import { ending } from "./support/runs.ts"

/** A Poller on a manual clock with these waits. */
const manualWaits = (
  waits: ReadonlyArray<{ readonly check: Effect.Effect<Status.Status<string>>; readonly options: Poll.Options }>,
  options?: Poller.Options
) => {
  const manual = manualPoller(options)
  const exits: Array<unknown> = waits.map(() => "running")
  waits.forEach(({ check, options }, at) => {
    const job = Job.make("render", { check: () => check })
    const ended = Effect.flatMap(manual.poller.add(job, `k${at}`, options), (handle) => handle.await)
    manual.run(ended).addObserver((exit) => {
      exits[at] = ending(exit)
    })
  })
  return { ...manual, close: () => Effect.runSync(Scope.close(manual.scope, Exit.void)), ends: () => exits }
}

/** A check that counts how often it was made, and succeeds at this count. */
const counting = (succeedsAt = Number.POSITIVE_INFINITY) => {
  const counts = { checks: 0 }
  return { counts, check: Effect.sync(() => (++counts.checks < succeedsAt ? pending : done)) }
}

describe("Poller", () => {
  describe("timer", () => {
    it("timer - is one, set for the earliest wait, and none when nothing is due", () => {
      const [a, b] = [counting(), counting()]
      const { timers, close, fireAt } = manualWaits([
        { check: a.check, options: { strategy: every2s, deadline: "1 hour" } },
        { check: b.check, options: { strategy: Strategy.spaced("7 seconds"), deadline: "1 hour" } }
      ])
      assert.deepStrictEqual(timers(), [2000])
      fireAt(2000)
      assert.deepStrictEqual([timers(), a.counts.checks], [[2000], 2])
      fireAt(4000)
      fireAt(6000)
      assert.deepStrictEqual(timers(), [1000])
      fireAt(7000)
      assert.deepStrictEqual([timers(), b.counts.checks], [[1000], 2])
      close()
      assert.deepStrictEqual(timers(), [])
    })

    it("timer - is not set before the first wait nor after the last", () => {
      const idle = manualWaits([])
      assert.deepStrictEqual(idle.timers(), [])
      const { check } = counting(2)
      const one = manualWaits([{ check, options: { strategy: every2s, deadline: "1 hour" } }])
      one.fireAt(2000)
      assert.deepStrictEqual([one.ends(), one.timers()], [["done"], []])
    })

    it("timer - fires once per due check", () => {
      let fired = 0
      const { check, counts } = counting()
      const one = manualWaits([{ check, options: { strategy: every2s, deadline: "1 hour" } }])
      for (let at = 2000; at <= 20_000; at += 2000) {
        assert.strictEqual(one.timers().length, 1)
        fired++
        one.fireAt(at)
      }
      assert.deepStrictEqual([counts.checks, fired], [11, 10])
    })

    it("timer that fires early - is set again", () => {
      const { check, counts } = counting()
      const { timers, fireAt } = manualWaits([{ check, options: { strategy: every2s, deadline: "1 hour" } }])
      fireAt(1500)
      assert.deepStrictEqual([counts.checks, timers()], [1, [500]])
      fireAt(1999)
      assert.deepStrictEqual([counts.checks, timers()], [1, [1]])
      fireAt(2000)
      assert.strictEqual(counts.checks, 2)
    })

    it("coalesce - starts checks together and sets fewer timers", () => {
      const all = Array.from({ length: 10 }, () => counting())
      const { timers, fireAt } = manualWaits(
        all.map(({ check }, at) => ({
          check,
          options: { strategy: firstAt(100 + at, "2 seconds"), deadline: "1 hour" } as const
        })),
        { coalesce: "50 millis" }
      )
      let fired = 0
      let now = 0
      while (all.some(({ counts }) => counts.checks === 0)) {
        fired++
        fireAt((now += timers()[0]!))
      }
      assert.isAtMost(now, 160)
      assert.isAtMost(fired, 2)
    })

    it("check gathered by a late timer - is not gathered a second time", async () => {
      const { fireAt, poller, run } = manualPoller()
      const { job, requests } = batchJob({ answer: () => pending, slack: 300, strategy: firstAt(300, 300) })
      run(poller.add(job, "a", { ...hour, gate: Gate.make(() => Effect.succeed(Gate.open)) }))
      fireAt(301)
      await macrotask()
      assert.strictEqual(requests.length, 1)
    })
  })

  describe("clock set back", () => {
    it("clock that is set back - moves all waits with it", () => {
      const [a, b] = [counting(), counting()]
      const { timers, ends, fireAt, setTo } = manualWaits([
        { check: a.check, options: { strategy: every2s, deadline: "10 seconds" } },
        { check: b.check, options: { strategy: Strategy.spaced("3 seconds"), deadline: "10 seconds" } }
      ])
      fireAt(2000)
      setTo(-500_000)
      // Timers are not affected by a wall clock that is set back.
      fireAt(-500_000 + 1000)
      for (let at = 1000; at <= 12_000; at += 500) fireAt(-500_000 + at)
      assert.deepStrictEqual(ends(), ["PollTimeout deadline", "PollTimeout deadline"])
      assert.deepStrictEqual(timers(), [])
      assert.isAtLeast(a.counts.checks, 5)
      assert.isAtLeast(b.counts.checks, 4)
    })
  })

  describe("suspension", () => {
    it("suspension beyond the deadline - allows each wait one more check before it is judged", () => {
      const [a, b] = [counting(2), counting()]
      const options = { strategy: every2s, deadline: "10 seconds" } as const
      const { timers, ends, fireAt } = manualWaits([
        { check: a.check, options },
        { check: b.check, options }
      ])
      fireAt(3_600_000)
      assert.deepStrictEqual([ends(), a.counts.checks, b.counts.checks], [["done", "PollTimeout deadline"], 2, 2])
      assert.deepStrictEqual(timers(), [])
    })

    it("wait that is unpaused after its deadline - ends", () => {
      const { fireAt, poller, setTo, sync } = manualPoller()
      const job = Job.make("render", { check: () => Effect.succeed(pending) })
      const handle = sync(poller.add(job, "a", { strategy: every2s, deadline: "10 seconds" }))
      sync(handle.pause)
      setTo(11_000)
      sync(handle.unpause)
      fireAt(11_000)
      assert.deepStrictEqual(sync(poller.stats).ended, { PollTimeout: 1 })
    })

    it("check in flight during a suspension - is made again", () => {
      const answers: Array<(status: Status.Status<string>) => void> = []
      const check = Effect.callback<Status.Status<string>>((resume) => {
        answers.push((status) => resume(Effect.succeed(status)))
      })
      const { ends, fireAt } = manualWaits([{ check, options: { strategy: every2s, deadline: "10 seconds" } }])
      fireAt(3_600_000, "all")
      assert.deepStrictEqual([ends(), answers.length], [["running"], 2])
      answers[0]!(Status.succeeded("stale"))
      assert.deepStrictEqual(ends(), ["running"])
      answers[1]!(Status.succeeded("fresh"))
      assert.deepStrictEqual(ends(), ["fresh"])
    })

    it("shared check in flight during a suspension - is made again and not joined by its own waits", () => {
      const { fireAt, poller, run, sync } = manualPoller()
      let checks = 0
      const job = Job.make<string>("render", {
        check: () => Effect.suspend(() => (++checks === 1 ? Effect.never : Effect.succeed(Status.succeeded("fresh"))))
      })
      const options = { deadline: "10 seconds", strategy: Strategy.spaced("1 second") } as const
      run(Effect.andThen(poller.add(job, "a", options), poller.add(job, "a", options)))
      fireAt(3_600_000)
      assert.deepStrictEqual(sync(poller.stats).ended, { Succeeded: 2 })
    })

    it("uninterruptible check in flight during a suspension - keeps its slot", () => {
      const { fireAt, poller, run } = manualPoller({ concurrency: 1 })
      const { most, record } = recordChecks()
      const job = Job.make<string>("render", {
        check: (key) => record("render", [key], Effect.uninterruptible(Effect.never))
      })
      run(
        Effect.gen(function* () {
          yield* poller.add(job, "a", { deadline: "10 seconds", strategy: Strategy.spaced("1 second") })
          const other = yield* poller.add(job, "a", { ...hour, strategy: firstAt(3_000_000) })
          yield* other.pause
        })
      )
      fireAt(60_000)
      assert.strictEqual(most.total, 1)
    })
  })
})
