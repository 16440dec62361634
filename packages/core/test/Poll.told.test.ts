import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { CheckResult } from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import type { PollEvent } from "effect-poll/PollEvent"
import * as Observer from "effect-poll/Observer"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as Told from "effect-poll/Told"
import { pending, scripted, slow } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every10s, every1s } from "./support/options.ts"
import { ending, runFor } from "./support/runs.ts"
import { channel } from "./support/told.ts"

const done = Status.succeeded("done")
const deadline = "1 hour"

/** The job "render", whose checks are recorded. */
const jobOf = (
  check: Effect.Effect<CheckResult<string>, string> = Effect.succeed(pending),
  more: Partial<Job.Options<string, string, never, string, never>> = {}
) => {
  const { check: recorded, checks } = scripted<string, never, string>(check)
  return { job: Job.make<string, never, string>("render", { check: () => recorded, ...more }), checks }
}

/** An observer that keeps what it is notified of, without the waits. */
const recorder = () => {
  const events: Array<PollEvent<unknown, unknown, unknown> | Observer.Started> = []
  const observer = Observer.make(({ event }) =>
    Effect.sync(() => void (event._tag === "Waiting" || events.push(event)))
  )
  return { events, observer, tags: () => events.map(({ _tag }) => _tag) }
}

describe.each(hosts)("$name", ({ name, resume, start, until }) => {
  describe("signal and push", () => {
    it.effect("stream - is subscribed before the first check, and closed when the wait has ended [R65]", () =>
      Effect.gen(function* () {
        const { seen, stream, tell } = channel()
        const at: Array<number> = []
        const { job } = jobOf(
          Effect.as(
            Effect.sync(() => at.push(seen.open)),
            pending
          )
        )
        const fiber = yield* Effect.forkChild(until(job, "a", { deadline, signal: stream }))
        yield* TestClock.adjust("3 seconds")
        assert.deepStrictEqual(at, [1])
        yield* tell(Told.ended(done))
        yield* TestClock.adjust(0)
        assert.strictEqual(yield* Fiber.join(fiber), "done")
        assert.deepStrictEqual(seen, { opened: 1, open: 0 })
      })
    )

    it.effect("end that is there before the wait starts - ends it without a check [R65]", () =>
      Effect.gen(function* () {
        const { checks, job } = jobOf()
        const signal = Stream.concat(Stream.make(Told.ended(done)), Stream.never)
        const { at, exit } = yield* runFor(until(job, "a", { deadline, signal }), "1 minute")
        assert.deepStrictEqual([ending(exit), at, checks], ["done", 0, []])
      })
    )

    it.effect("end during a check - interrupts it, and ends the wait [R63]", () =>
      Effect.gen(function* () {
        const { stream, tell } = channel()
        let interrupted = false
        const { job } = jobOf(Effect.onInterrupt(Effect.never, () => Effect.sync(() => void (interrupted = true))))
        const fiber = yield* Effect.forkChild(until(job, "a", { deadline, signal: stream }))
        yield* TestClock.adjust("3 seconds")
        yield* tell(Told.ended(done))
        yield* TestClock.adjust(0)
        assert.strictEqual(yield* Fiber.join(fiber), "done")
        assert.isTrue(interrupted)
      })
    )

    it.effect("end at the same time as the answer to a check - exactly one of them counts [R63]", () =>
      Effect.gen(function* () {
        const { stream, tell } = channel()
        const { job } = jobOf(slow("3 seconds", Status.succeeded("checked")))
        const { events, observer } = recorder()
        const fiber = yield* Effect.forkChild(until(job, "a", { deadline, signal: stream, observers: [observer] }))
        yield* Effect.forkChild(Effect.delay(tell(Told.ended(done)), "3 seconds"))
        yield* TestClock.adjust("3 seconds")
        assert.include(["done", "checked"], yield* Fiber.join(fiber))
        assert.strictEqual(events.filter(({ _tag }) => _tag === "Ended").length, 1)
      })
    )

    it.effect("ends that contradict each other - the first one counts, also if it is told twice [R63]", () =>
      Effect.gen(function* () {
        const { job } = jobOf()
        const signal = Stream.make(Told.ended(Status.succeeded("first")), Told.ended(Status.succeeded("second")))
        const twice = Stream.make(Told.wake, Told.ended(Status.succeeded("a")), Told.ended(Status.succeeded("a")))
        const first = yield* runFor(until(job, "a", { deadline, signal }), "1 minute")
        const both = yield* runFor(until(job, "a", { deadline, signal: twice, push: signal }), "1 minute")
        assert.deepStrictEqual([ending(first.exit), ending(both.exit)], ["first", "a"])
      })
    )

    it.effect("polling behind it - is slow unless an option says otherwise [R65]", () =>
      Effect.gen(function* () {
        const spaced = { strategy: every1s }
        const push = Stream.never
        const startsOf = (options: object, more: object = spaced) =>
          Effect.gen(function* () {
            const { checks, job } = jobOf(undefined, more)
            const since = yield* Clock.currentTimeMillis
            yield* runFor(until(job, "a", { deadline, ...options }), "1 minute")
            return checks.map((at) => (at - since) / 1_000)
          })
        assert.deepStrictEqual(yield* startsOf({ push }), [0, 5, 20])
        assert.deepStrictEqual(yield* startsOf({ push, behind: Strategy.spaced("20 seconds") }), [0, 20, 40, 60])
        assert.deepStrictEqual(yield* startsOf({ push, strategy: Strategy.spaced("30 seconds") }), [0, 30, 60])
        assert.deepStrictEqual(yield* startsOf({}, { push: () => Stream.never }), [0, 5, 20])
        const own = { push: () => Stream.never, strategy: Strategy.spaced("25 seconds") }
        assert.deepStrictEqual(yield* startsOf({}, own), [0, 25, 50])
        assert.deepStrictEqual(yield* startsOf({ behind: Strategy.spaced("40 seconds") }, own), [0, 40])
      })
    )

    it.effect.each([
      { title: "push that made the check", told: [Told.wake], by: "push", missed: 0 },
      { title: "report of the end", told: [Told.report<string>(done)], by: "push", missed: 0 },
      { title: "report of another status", told: [Told.report<string>(pending)], by: "push", missed: 1 },
      { title: "push, where a signal is expected", told: [Told.wake], by: "signal", missed: 1 },
      { title: "nothing", told: [], by: "push", missed: 1 }
    ] as const)("end that a check found after $title - counts as missed $missed times [R63]", ({ by, missed, told }) =>
      Effect.gen(function* () {
        const { observer, tags } = recorder()
        const { stream, tell } = channel()
        let isDone = false
        const { job } = jobOf(Effect.sync(() => (isDone ? done : pending)))
        const confirm = { success: { times: 3 } } as const
        const streams = { push: stream, ...(by === "signal" ? { signal: Stream.never } : {}) }
        const options = { deadline, ...streams, behind: every10s, confirm, observers: [observer] } as const
        const wait = yield* Effect.forkChild(until(job, "a", options))
        yield* TestClock.adjust("1 second")
        isDone = true
        for (const each of told) yield* tell(each)
        yield* TestClock.adjust("1 minute")
        yield* Fiber.join(wait)
        assert.strictEqual(tags().filter((tag) => tag === "SignalMissed").length, missed)
      })
    )

    it.effect("end whose signal is lost - is found by polling, and counted as missed [R65]", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<string, never, string>(pending, pending, done)
        const job = Job.make<string, never, string>("render", { check: () => check })
        const { events, observer } = recorder()
        const options = { deadline, signal: Stream.never, observers: [observer] } as const
        const { exit } = yield* runFor(until(job, "a", options), "1 minute")
        assert.deepStrictEqual([ending(exit), checks], ["done", [0, 5_000, 20_000]])
        assert.deepStrictEqual(
          events.filter(({ _tag }) => _tag === "SignalMissed"),
          [{ _tag: "SignalMissed", attempt: 3, by: "signal" }]
        )
      })
    )

    it.effect("push - checks at once, and during a check once more [R24]", () =>
      Effect.gen(function* () {
        const { stream, tell } = channel()
        const { checks, job } = jobOf(slow("2 seconds", pending))
        const push = Stream.merge(stream, Stream.never)
        yield* Effect.forkChild(until(job, "a", { deadline, push, behind: Strategy.spaced("10 minutes") }))
        yield* TestClock.adjust("1 second")
        yield* tell(Told.wake)
        yield* tell(Told.wake)
        yield* TestClock.adjust("1 minute")
        yield* tell(Told.wake)
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(checks, [0, 2_000, 61_000])
      })
    )

    it.effect("push - checks no more often than minInterval and the least gap allow [R35]", () =>
      Effect.gen(function* () {
        const startsWith = (minInterval: number) =>
          Effect.gen(function* () {
            const { checks, job } = jobOf()
            const push = Stream.tick("1 millis").pipe(Stream.map(() => Told.wake))
            const behind = Strategy.spaced("10 minutes")
            yield* runFor(until(job, "a", { deadline, push, behind, minInterval }), "100 millis")
            return checks
          })
        assert.deepStrictEqual(yield* startsWith(40), [0, 40, 80])
        assert.isAtMost((yield* startsWith(0)).length, 11)
      })
    )

    it.effect("endless pushes without a pause - neither starve the wait nor block the process [R42]", () =>
      Effect.gen(function* () {
        let pulled = 0
        const wakes = Stream.fromEffectRepeat(
          Effect.sync(() => {
            pulled++
            return Told.wake
          })
        )
        const { check, checks } = scripted<string, never, string>(
          ...Array<Status.Status<string>>(20).fill(pending),
          done
        )
        const job = Job.make<string, never, string>("render", { check: () => check })
        const { exit } = yield* runFor(until(job, "a", { deadline, push: wakes }), "10 seconds")
        assert.strictEqual(ending(exit), "done")
        assert.strictEqual(checks.length, 21)
        assert.isAtMost(pulled, 256 * 40)
      })
    )

    it.effect(
      "stream that breaks - is subscribed again after growing delays, and a check follows each time [R65]",
      () =>
        Effect.gen(function* () {
          const opened: Array<number> = []
          const broken = (how: Stream.Stream<never, string>) =>
            Effect.gen(function* () {
              opened.length = 0
              const push = Stream.unwrap(
                Effect.map(Clock.currentTimeMillis, (at) => {
                  opened.push(at / 1_000)
                  return how
                })
              )
              const { checks, job } = jobOf()
              const { events, observer } = recorder()
              const since = yield* Clock.currentTimeMillis
              const options = {
                deadline: "2 hours",
                push,
                behind: Strategy.spaced("1 hour"),
                observers: [observer]
              } as const
              yield* runFor(until(job, "a", options), "200 seconds")
              const broke = events.flatMap((event) => (event._tag === "SourceBroke" ? [event] : []))
              return {
                opened: opened.map((at) => at - since / 1_000),
                checks: checks.map((at) => (at - since) / 1_000),
                errors: [...new Set(broke.map(({ error }) => error))],
                broke: broke.length
              }
            })
          const expected = [0, 1, 3, 7, 15, 31, 63, 123, 183]
          for (const [how, error] of [
            [Stream.fail("gone"), "gone"],
            [Stream.die("defect"), "defect"],
            [Stream.empty, undefined],
            [Stream.fromEffect(Effect.interrupt), undefined]
          ] as const) {
            const seen = yield* broken(how)
            assert.deepStrictEqual(seen.opened, expected)
            assert.deepStrictEqual(seen.checks, expected)
            assert.strictEqual(seen.broke, expected.length)
            if (error !== undefined) assert.deepStrictEqual(seen.errors, [error])
          }
        })
    )

    it.effect(
      "stream that ends after a while - is followed by a check at once and after it is subscribed again [R65]",
      () =>
        Effect.gen(function* () {
          const push = Stream.fromEffect(Effect.as(Effect.sleep("90 seconds"), undefined)).pipe(Stream.drain)
          const { checks, job } = jobOf()
          yield* runFor(until(job, "a", { deadline, push, behind: Strategy.spaced("1 hour") }), "185 seconds")
          assert.deepStrictEqual(
            checks.map((at) => at / 1_000),
            [0, 90, 91, 181, 182]
          )
        })
    )

    it.effect("stream whose construction throws - counts as one that breaks [R65]", () =>
      Effect.gen(function* () {
        const { checks, job } = jobOf(undefined, {
          push: () => {
            throw new Error("no stream")
          },
          strategy: Strategy.spaced("1 hour")
        })
        yield* runFor(until(job, "a", { deadline }), "5 seconds")
        assert.deepStrictEqual(checks, [0, 1_000, 3_000])
      })
    )

    it.effect("what is no Told - ends the wait as a defect, also before it starts [R44]", () =>
      Effect.gen(function* () {
        for (const strange of [undefined, null, 5, "Wake", {}, { _tag: "Wake" }, { _tag: "Ended", status: done }]) {
          for (const push of [
            Stream.make(strange as never),
            Stream.fromEffect(Effect.delay(Effect.succeed(strange as never), "1 second"))
          ]) {
            const { exit } = yield* runFor(until(jobOf().job, "a", { deadline, push }), "1 minute")
            assert(exit !== "running" && exit._tag === "Failure")
            assert.match(String(Cause.squash(exit.cause)), /TypeError: a wait must be told a Told, got/)
          }
        }
      })
    )

    it.effect("interruption of the wait - closes the stream [R8]", () =>
      Effect.gen(function* () {
        const { seen, stream } = channel()
        const { job } = jobOf(undefined, { push: () => stream })
        const fiber = yield* Effect.forkChild(until(job, "a", { deadline, push: stream, signal: stream }))
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual(seen.open, 3)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(seen.open, 0)
      })
    )

    it.effect("deadline - closes the stream, and what is told after it has no effect [R4]", () =>
      Effect.gen(function* () {
        const { seen, stream, tell } = channel()
        const { job } = jobOf()
        const { exit } = yield* runFor(until(job, "a", { deadline: "10 seconds", signal: stream }), "1 minute")
        yield* tell(Told.ended(done))
        assert.deepStrictEqual([ending(exit), seen.open], ["PollTimeout deadline", 0])
      })
    )

    it.effect("end during the cancel of a timeout, and after it - is the result [R63]", () =>
      Effect.gen(function* () {
        for (const after of [10_500, 12_000]) {
          const { stream, tell } = channel()
          const { job } = jobOf(undefined, { cancel: () => Effect.sleep("1 second") })
          const since = yield* Clock.currentTimeMillis
          yield* Effect.forkChild(Effect.delay(tell(Told.ended(done)), after))
          const options = { deadline: "10 seconds", signal: stream, onTimeout: "cancelRemote" } as const
          const { at, exit } = yield* runFor(until(job, "a", options), "1 minute")
          assert.deepStrictEqual([ending(exit), at - since], ["done", after])
        }
      })
    )

    it.effect("end during a gate, a foreign schedule and a pause - is the result at once [R63]", () =>
      Effect.gen(function* () {
        const gate = { ask: () => Effect.never }
        const foreign = Schedule.addDelay(Schedule.forever, () => Effect.as(Effect.sleep("1 minute"), "1 second"))
        for (const options of [{ gate }, { behind: foreign }]) {
          const { stream, tell } = channel()
          const { job } = jobOf()
          const since = yield* Clock.currentTimeMillis
          yield* Effect.forkChild(Effect.delay(tell(Told.ended(done)), "2 seconds"))
          const { at, exit } = yield* runFor(until(job, "a", { deadline, signal: stream, ...options }), "1 minute")
          assert.deepStrictEqual([ending(exit), at - since], ["done", 2_000])
        }
        const { stream, tell } = channel()
        const handle = yield* start(jobOf().job, "a", { deadline, signal: stream })
        yield* handle.pause
        yield* TestClock.adjust("1 minute")
        yield* tell(Told.ended(done))
        yield* TestClock.adjust(0)
        assert.strictEqual(yield* handle.await, "done")
      })
    )

    it.effect("token of a wait with a signal - resumes with another one [R22]", () =>
      Effect.gen(function* () {
        const { checks, job } = jobOf()
        const handle = yield* start(job, "a", { deadline, signal: Stream.never })
        yield* TestClock.adjust("7 seconds")
        const token = yield* handle.leave
        const signal = Stream.concat(
          Stream.fromEffect(Effect.delay(Effect.succeed(Told.ended(done)), "3 seconds")),
          Stream.never
        )
        const { at, exit } = yield* runFor(resume(job, token, { signal }), "1 minute")
        assert.deepStrictEqual([ending(exit), at, checks], ["done", 10_000, [0, 5_000]])
      })
    )

    it.effect("services of the streams - are those of the wait, or those that the job provides [R65]", () =>
      Effect.gen(function* () {
        class Region extends Context.Service<Region, string>()("Region") {}
        const regional = Stream.fromEffect(Effect.map(Region, (region) => Told.ended(Status.succeeded(region))))
        const { job } = jobOf()
        const given = until(job, "a", { deadline, signal: regional })
        assert.strictEqual(yield* Effect.provideService(given, Region, "eu"), "eu")
        let [built, released] = [0, 0]
        const layer = Layer.effect(
          Region,
          Effect.acquireRelease(
            Effect.sync(() => {
              built++
              return "us"
            }),
            () => Effect.sync(() => released++)
          )
        )
        const owned = Job.make("render", { check: () => Effect.as(Region, pending), push: () => regional })
        const provided = Job.provide(owned as Job.Watchable<string, string, never, never, Region>, layer)
        assert.strictEqual(yield* until(provided, "a", { deadline }), "us")
        yield* TestClock.adjust(0)
        assert.deepStrictEqual([built, released], [1, 1])
      })
    )

    it.effect("a handle that ends its wait from within the stream - does not wait for itself [R57]", () =>
      Effect.gen(function* () {
        const { stream, tell } = channel()
        let interrupt: Effect.Effect<void> = Effect.void
        const push = Stream.tap(stream, () => interrupt)
        const handle = yield* start(jobOf().job, "a", { deadline, push })
        interrupt = handle.interrupt
        yield* TestClock.adjust("1 second")
        yield* tell(Told.wake)
        yield* TestClock.adjust("1 second")
        const exit = yield* Effect.exit(handle.await)
        assert.strictEqual(exit._tag, "Failure")
      })
    )

    it.effect("what the wait was told - is in its events, and a report does not count as a check [R17]", () =>
      Effect.gen(function* () {
        const { observer, tags } = recorder()
        const { job } = jobOf()
        const running = Status.pending({ state: "RUNNING" })
        const told = [Told.wake, Told.report<string>(running), Told.report<string>(running), Told.ended(done)]
        const push = Stream.fromIterable(told).pipe(
          Stream.mapEffect((each) => Effect.as(Effect.sleep("1 second"), each)),
          Stream.concat(Stream.never)
        )
        yield* runFor(until(job, "a", { deadline, push, observers: [observer] }), "1 minute")
        assert.deepStrictEqual(tags(), [
          "Started",
          "Changed",
          "Told",
          "Unchanged",
          "WokenInVain",
          "Told",
          "Changed",
          "Told",
          "Told",
          "Changed",
          "Ended"
        ])
      })
    )

    it("behind without anything that tells the wait - is a RangeError, as are other values of the options", () => {
      const { job } = jobOf()
      const refused = (options: object) => () => until(job, "a", { deadline, ...options } as never)
      // A host of the tests is lazy where the public one is not.
      if (name === "Poller") return
      assert.throws(refused({ behind: every1s }), RangeError, "Poll.until: behind needs the option signal or push")
      assert.throws(refused({ signal: 5 }), RangeError, "Poll.until: signal must be a Stream, got 5")
      assert.throws(refused({ push: null }), RangeError, "Poll.until: push must be a Stream, got null")
      assert.throws(refused({ push: Stream.never, behind: "1 second" }), RangeError, "behind must be a Schedule")
      assert.throws(refused({ singal: Stream.never }), RangeError, "there is no option singal; did you mean signal?")
      assert.throws(
        () => Job.make("render", { check: () => Effect.succeed(done), push: 5 } as never),
        RangeError,
        "push must be a function"
      )
    })
  })
})

describe("Poll", () => {
  it.effect("events and run - take what tells the wait, too [R65]", () =>
    Effect.gen(function* () {
      const { job } = jobOf()
      const signal = Stream.concat(Stream.make(Told.ended(done)), Stream.never)
      const events = yield* Stream.runCollect(Poll.events(job, "a", { deadline, signal }))
      assert.deepStrictEqual(
        [...events].map(({ _tag }) => _tag),
        ["Told", "Changed", "Ended"]
      )
      const submitted = Job.make<string, never, never, never, string>("render", {
        check: () => Effect.succeed(pending),
        submit: (key) => Effect.succeed({ key })
      })
      assert.strictEqual(yield* Poll.run(submitted, "a", { deadline, signal }), "done")
      assert.strictEqual(
        yield* Effect.promise(() => Poll.promise(job as never, "a", { deadline, push: signal })),
        "done"
      )
    })
  )
})
