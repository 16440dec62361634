import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import type * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { ending, pending } from "./scripted.ts"
import { stubClock } from "./stubClock.ts"

const seconds = Strategy.spaced("2 seconds")

/** A Poller on a clock that is set by hand, with these waits; says how they ended and who sleeps. */
const watch = (
  waits: ReadonlyArray<{ readonly check: Effect.Effect<Status.Status<string>>; readonly options: Poll.Options }>,
  options?: Poller.Options
) => {
  const stub = stubClock()
  const scope = Scope.makeUnsafe()
  const exits: Array<unknown> = waits.map(() => "running")
  const poller = Effect.runSync(
    Poller.make({ stagger: false, linger: 0, ...options }).pipe(
      Effect.provideService(Clock.Clock, stub.clock),
      Scope.provide(scope)
    )
  )
  waits.forEach(({ check, options }, at) => {
    const job = Job.make("render", { check: () => check })
    const ended = Effect.flatMap(poller.add(job, `k${at}`, options), (watch) => watch.await)
    Effect.runFork(Effect.provideService(ended, Clock.Clock, stub.clock)).addObserver((exit) => {
      exits[at] = ending(exit)
    })
  })
  return { ...stub, close: () => Effect.runSync(Scope.close(scope, Exit.void)), ends: () => exits, poller }
}

const counting = (done = Number.POSITIVE_INFINITY) => {
  const counts = { checks: 0 }
  return { counts, check: Effect.sync(() => (++counts.checks < done ? pending : Status.succeeded("done"))) }
}

describe("Poller and its timer", () => {
  it("sleeps once, for the earliest of its waits, and not at all when nothing is due", () => {
    const [a, b] = [counting(), counting()]
    const { asleep, close, fireAt } = watch([
      { check: a.check, options: { strategy: seconds, deadline: "1 hour" } },
      { check: b.check, options: { strategy: Strategy.spaced("7 seconds"), deadline: "1 hour" } }
    ])
    assert.deepStrictEqual(asleep(), [2000])
    fireAt(2000)
    assert.deepStrictEqual([asleep(), a.counts.checks], [[2000], 2])
    fireAt(4000)
    fireAt(6000)
    assert.deepStrictEqual(asleep(), [1000])
    fireAt(7000)
    assert.deepStrictEqual([asleep(), b.counts.checks], [[1000], 2])
    close()
    assert.deepStrictEqual(asleep(), [])
  })

  it("has no timer before the first wait, nor after the last", () => {
    const idle = watch([])
    assert.deepStrictEqual(idle.asleep(), [])
    const { check } = counting(2)
    const one = watch([{ check, options: { strategy: seconds, deadline: "1 hour" } }])
    one.fireAt(2000)
    assert.deepStrictEqual([one.ends(), one.asleep()], [["done"], []])
  })

  it("wakes up for nothing but what is due: ten checks, ten timers", () => {
    let sleeps = 0
    const { check, counts } = counting()
    const one = watch([{ check, options: { strategy: seconds, deadline: "1 hour" } }])
    for (let at = 2000; at <= 20_000; at += 2000) {
      assert.strictEqual(one.asleep().length, 1)
      sleeps++
      one.fireAt(at)
    }
    assert.deepStrictEqual([counts.checks, sleeps], [11, 10])
  })

  it("a timer that fires early is set again", () => {
    const { check, counts } = counting()
    const { asleep, fireAt } = watch([{ check, options: { strategy: seconds, deadline: "1 hour" } }])
    fireAt(1500)
    assert.deepStrictEqual([counts.checks, asleep()], [1, [500]])
    fireAt(1999)
    assert.deepStrictEqual([counts.checks, asleep()], [1, [1]])
    fireAt(2000)
    assert.strictEqual(counts.checks, 2)
  })

  it("a clock that is set back moves all waits with it", () => {
    const [a, b] = [counting(), counting()]
    const { asleep, ends, fireAt, setTo } = watch([
      { check: a.check, options: { strategy: seconds, deadline: "10 seconds" } },
      { check: b.check, options: { strategy: Strategy.spaced("3 seconds"), deadline: "10 seconds" } }
    ])
    fireAt(2000)
    setTo(-500_000)
    // The timer fires when its milliseconds are over, whatever the clock says.
    fireAt(-500_000 + 1000)
    for (let at = 1000; at <= 12_000; at += 500) fireAt(-500_000 + at)
    assert.deepStrictEqual(ends(), ["PollTimeout deadline", "PollTimeout deadline"])
    assert.deepStrictEqual(asleep(), [])
    assert.isAtLeast(a.counts.checks, 5)
    assert.isAtLeast(b.counts.checks, 4)
  })

  it("after a suspension beyond the deadline every wait makes one check, then is judged", () => {
    const [a, b] = [counting(2), counting()]
    const options = { strategy: seconds, deadline: "10 seconds" } as const
    const { asleep, ends, fireAt } = watch([
      { check: a.check, options },
      { check: b.check, options }
    ])
    fireAt(3_600_000)
    assert.deepStrictEqual([ends(), a.counts.checks, b.counts.checks], [["done", "PollTimeout deadline"], 2, 2])
    assert.deepStrictEqual(asleep(), [])
  })

  it("a wait that goes on from a pause only after its deadline ends", () => {
    const { clock, fireAt, poller, setTo } = watch([])
    const job = Job.make("render", { check: () => Effect.succeed(pending) })
    const run = <A>(effect: Effect.Effect<A>) => Effect.runSync(Effect.provideService(effect, Clock.Clock, clock))
    const paused = run(poller.add(job, "a", { strategy: seconds, deadline: "10 seconds" }))
    run(paused.pause)
    setTo(11_000)
    run(paused.unpause)
    fireAt(11_000)
    assert.deepStrictEqual(run(poller.stats).ended, { PollTimeout: 1 })
  })

  it("a check that a suspension cut in two is made again", () => {
    const answers: Array<(status: Status.Status<string>) => void> = []
    const check = Effect.callback<Status.Status<string>>((resume) => {
      answers.push((status) => resume(Effect.succeed(status)))
    })
    const { ends, fireAt } = watch([{ check, options: { strategy: seconds, deadline: "10 seconds" } }])
    fireAt(3_600_000, "all")
    assert.deepStrictEqual([ends(), answers.length], [["running"], 2])
    answers[0]!(Status.succeeded("stale"))
    assert.deepStrictEqual(ends(), ["running"])
    answers[1]!(Status.succeeded("fresh"))
    assert.deepStrictEqual(ends(), ["fresh"])
  })

  it("coalesce lets checks begin together, and wakes up less", () => {
    const all = Array.from({ length: 10 }, () => counting())
    const { asleep, fireAt } = watch(
      all.map(({ check }, at) => ({
        check,
        options: { strategy: seconds.pipe(Strategy.withFirstWait(100 + at)), deadline: "1 hour" } as const
      })),
      { coalesce: "50 millis" }
    )
    let timers = 0
    let now = 0
    while (all.some(({ counts }) => counts.checks === 0)) {
      timers++
      fireAt((now += asleep()[0]!))
    }
    assert.isAtMost(now, 160)
    assert.isAtMost(timers, 2)
  })
})
