import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type * as CheckContext from "effect-poll/CheckContext"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as PollError from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { type Answer, scripted, slow } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every10s, every1s } from "./support/options.ts"
import { delaysOf, recordEvents } from "./support/recorders.ts"
import { ending, errorOf, runFor } from "./support/runs.ts"

type AnyAnswer = Answer<string, string, string>
type Confirm = Job.JobConfirmPolicy<string, string, string, string, never>

const ready = Status.succeeded("ready")
const failed = Status.failed("out of memory")
const canceled = Status.canceled()
const expired = Status.expired()
const running = Status.pending({ state: "RUNNING" })
const { missing } = CheckResult
const paused = CheckResult.unknownState("PAUSED")
const lacking = CheckResult.resultMissing("DONE", "no outputs")
const reset = Effect.fail("reset")
const slowDown = Effect.fail("slow down")
const no = Effect.fail("no")

const kindOf = (error: string): CheckError.Kind =>
  error === "no" ? CheckError.permanent() : error === "slow down" ? CheckError.throttled() : CheckError.transient()

const options = {
  strategy: every1s,
  deadline: "10 minutes",
  unknownState: "continue",
  since: { generation: 2 }
} as const
const tolerant = { kindOf, schedule: every1s, maxConsecutive: "unbounded", rejectAfter: { times: 9 } } as const
const formerRun = CheckResult.withRun(ready, { generation: 1 })

/** A job with a scripted check; `others` are what the other source of `confirm` answers in turn. */
const jobOf = (
  confirm: Confirm,
  answers: ReadonlyArray<AnyAnswer>,
  others: ReadonlyArray<AnyAnswer> = [],
  rest: Partial<Job.Options<string, string, string, string, never>> = {}
) => {
  const { check, checks } = scripted(...answers)
  const other = scripted(...others)
  const job = Job.make<string, string, string>("render", {
    check: () => check,
    checkErrors: tolerant,
    missing: { times: 9 },
    confirm: others.length === 0 ? confirm : { ...confirm, check: () => other.check },
    ...rest
  })
  return { job, checks, others: other.checks }
}

describe.each(hosts)("$name", (host) => {
  /** How a wait ends, and when each of its checks was made, in seconds. */
  const outcome = (
    confirm: Confirm,
    answers: ReadonlyArray<AnyAnswer>,
    wait: Partial<Poll.Options<string>> = {},
    others: ReadonlyArray<AnyAnswer> = []
  ) =>
    Effect.gen(function* () {
      const { checks, job, others: asked } = jobOf(confirm, answers, others)
      const start = yield* Clock.currentTimeMillis
      const { at, exit } = yield* runFor(host.until(job, "a", { ...options, ...wait }), "1 hour")
      return {
        ending: ending(exit),
        at: (at - start) / 1000,
        checks: checks.map((each) => (each - start) / 1000),
        others: asked.length,
        exit
      }
    })

  describe("an end that must hold (R29)", () => {
    describe("times", () => {
      it.effect("success - counts once it was found that many times in a row", () =>
        Effect.gen(function* () {
          const three = { success: { times: 3 } }
          const found = yield* outcome(three, [running, ready, ready, Status.succeeded("newest")])
          assert.deepStrictEqual([found.ending, found.checks], ["newest", [0, 1, 2, 3]])
          const once = yield* outcome({ success: { times: 1 } }, [running, ready])
          assert.deepStrictEqual([once.ending, once.at], ["ready", 1])
        })
      )

      it.effect.each([
        ["pending", running, 5],
        ["another end", failed, 5],
        ["missing job", missing, 5],
        ["unknown state", paused, 5],
        ["end without its result", lacking, 5],
        ["end of an earlier run", formerRun, 5],
        ["transient error", reset, 3],
        ["throttled check", slowDown, 3],
        ["permanent error", no, 3]
      ] as const)("%s in between - starts over, unless the check had no answer", ([, between, at]) =>
        Effect.gen(function* () {
          const confirm = { success: { times: 3 }, failure: { times: 9 } }
          const found = yield* outcome(confirm, [ready, ready, between, ready, ready, ready, failed])
          assert.deepStrictEqual([found.ending, found.at], ["ready", at])
        })
      )

      it.effect.each([
        ["Failed", failed, "JobFailed"],
        ["Canceled", canceled, "JobCanceled"],
        ["Expired", expired, "JobExpired"]
      ] as const)("failure - is about %s, and success is not", ([, end, tag]) =>
        Effect.gen(function* () {
          const held = yield* outcome({ failure: { times: 2 } }, [end, end])
          assert.deepStrictEqual([held.ending, held.at], [tag, 1])
          const reverted = yield* outcome({ failure: { times: 2 } }, [end, running, ready])
          assert.deepStrictEqual([reverted.ending, reverted.at], ["ready", 2])
          const notMeant = yield* outcome({ success: { times: 9 } }, [end])
          assert.deepStrictEqual([notMeant.ending, notMeant.at], [tag, 0])
        })
      )

      it.effect("another end - starts its own row", () =>
        Effect.gen(function* () {
          const confirm = { success: { times: 2 }, failure: { times: 3 } }
          const found = yield* outcome(confirm, [failed, failed, expired, expired, ready, failed, failed, failed])
          assert.deepStrictEqual([found.ending, found.at], ["JobFailed", 7])
        })
      )
    })

    describe("for", () => {
      it.effect(
        "end - is checked again when the time is over at the latest, and as the strategy says before that",
        () =>
          Effect.gen(function* () {
            const confirm = { success: { for: "25 seconds" } } as const
            const often = yield* outcome(confirm, [running, ready], { strategy: every10s })
            assert.deepStrictEqual([often.ending, often.checks], ["ready", [0, 10, 20, 30, 35]])
            const seldom = yield* outcome(confirm, [running, ready], { strategy: Strategy.spaced("1 minute") })
            assert.deepStrictEqual([seldom.ending, seldom.checks], ["ready", [0, 60, 85]])
          })
      )

      it.effect("another answer - starts the time anew, a failed check does not", () =>
        Effect.gen(function* () {
          const confirm = { success: { for: "3 seconds" } } as const
          const pause = yield* outcome(confirm, [ready, ready, running, ready])
          assert.deepStrictEqual([pause.ending, pause.at], ["ready", 6])
          const outage = yield* outcome(confirm, [ready, reset, reset, reset, reset, ready])
          assert.deepStrictEqual([outage.ending, outage.at], ["ready", 5])
        })
      )

      it.effect("failed checks that are skipped - do not make checks without a pause once the time is over", () =>
        Effect.gen(function* () {
          const errors = { maxConsecutive: 0, onExhausted: "skip", schedule: every1s, kindOf } as const
          const confirm = { success: { for: "2 seconds" } } as const
          const found = yield* outcome(confirm, [ready, reset, reset, reset, reset, ready], { checkErrors: errors })
          assert.deepStrictEqual([found.ending, found.checks], ["ready", [0, 1, 2, 3, 4, 5]])
        })
      )

      it.effect("slow answer - counts when it arrives", () =>
        Effect.gen(function* () {
          const confirm = { success: { for: "5 seconds" } } as const
          const found = yield* outcome(confirm, [ready, slow("8 seconds", ready)], { strategy: every1s })
          assert.deepStrictEqual([found.ending, found.checks, found.at], ["ready", [0, 1], 9])
        })
      )
    })

    describe("unconfirmed", () => {
      it.effect("deadline - is a timeout with the progress of the confirmation", () =>
        Effect.gen(function* () {
          const times = yield* outcome({ success: { times: 3 } }, [running, ready], { deadline: "2 seconds" })
          const error = errorOf(times.exit)
          assert(error._tag === "PollTimeout")
          assert.deepStrictEqual([error.reason, error.unconfirmed, error.lastStatus], ["deadline", ready, ready])
          assert.include(error.message, "last status Succeeded, not confirmed (2 of 3)")
          const time = yield* outcome({ failure: { for: "30 seconds" } }, [running, failed], {
            deadline: "35 seconds",
            strategy: every10s
          })
          assert.include(errorOf(time.exit).message, "last status Failed, not confirmed (held for 25s of 30s)")
        })
      )

      it.effect("end of the strategy - is a timeout too", () =>
        Effect.gen(function* () {
          const strategy = every1s.pipe(Strategy.maxAttempts(3))
          const found = yield* outcome({ success: { times: 3 } }, [running, ready], { strategy })
          const error = errorOf(found.exit)
          assert(error._tag === "PollTimeout")
          assert.deepStrictEqual([error.reason, error.unconfirmed?._tag, found.at], ["strategy", "Succeeded", 2])
        })
      )

      it.effect("end that did not hold - is not in the timeout", () =>
        Effect.gen(function* () {
          const found = yield* outcome({ success: { times: 2 } }, [ready, missing, missing], { deadline: "2 seconds" })
          const error = errorOf(found.exit)
          assert(error._tag === "PollTimeout")
          assert.deepStrictEqual([error.unconfirmed, error.lastStatus?._tag], [undefined, "Succeeded"])
          assert.notInclude(error.message, "not confirmed")
        })
      )

      it.effect("canceled job - has to be confirmed as well, until the wait ends with its timeout", () =>
        Effect.gen(function* () {
          const cancel = () => Effect.void
          const wait = {
            ...options,
            deadline: "2 seconds",
            onTimeout: "cancelRemote",
            cancelTimeout: "5 seconds"
          } as const
          const confirm = { failure: { times: 3 } }
          const held = jobOf(confirm, [running, running, running, canceled], [], { cancel })
          const ended = yield* runFor(host.until(held.job, "a", wait), "1 hour")
          assert.deepStrictEqual([ending(ended.exit), ended.at], ["JobCanceled", 4000])
          const short = { ...wait, cancelTimeout: "1 second" } as const
          const open = jobOf(confirm, [running, running, running, canceled], [], { cancel })
          const { exit } = yield* runFor(host.until(open.job, "a", short), "1 hour")
          const error = errorOf(exit)
          assert(error._tag === "PollTimeout")
          assert.deepStrictEqual([error.reason, error.unconfirmed?._tag], ["deadline", "Canceled"])
        })
      )
    })

    describe("events", () => {
      it.effect("sightings - are reported until the end is confirmed", () =>
        Effect.gen(function* () {
          const { events, observer } = recordEvents()
          const confirm = { success: { times: 3 } }
          yield* outcome(confirm, [running, ready, ready, Status.succeeded("newest")], { observers: [observer] })
          const seen = events().flatMap((event) =>
            event._tag === "Confirming"
              ? [`Confirming ${event.attempt} ${event.sightings} ${Duration.toMillis(event.heldFor)}`]
              : event._tag === "Waiting"
                ? []
                : [event._tag]
          )
          assert.deepStrictEqual(seen, [
            "Changed",
            "Changed",
            "Confirming 2 1 0",
            "Unchanged",
            "Confirming 3 2 1000",
            "Unchanged",
            "Ended"
          ])
        })
      )

      it.effect("held end - is not a stall, and is not passed to the strategy", () =>
        Effect.gen(function* () {
          const seen: Array<string> = []
          const strategy = Strategy.make({
            decide: (_step, _elapsed, { inStateMillis, status }) => {
              seen.push(`${status.state} ${inStateMillis}`)
              return 1000
            }
          })
          const wait = { strategy, stall: { after: "2 seconds" } } as const
          const found = yield* outcome({ success: { times: 5 } }, [running, running, ready], wait)
          assert.strictEqual(found.ending, "ready")
          const none = "undefined 0"
          assert.deepStrictEqual(seen, ["RUNNING 0", "RUNNING 1000", none, none, none, none])
        })
      )

      it.effect("handle - shows an end before it is confirmed", () =>
        Effect.gen(function* () {
          const { job } = jobOf({ success: { times: 3 } }, [running, ready])
          const handle = yield* host.start(job, "a", options)
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual(yield* handle.status, ready)
          yield* TestClock.adjust("2 seconds")
          assert.strictEqual(yield* handle.await, "ready")
        })
      )

      it.effect("requested check - is a sighting at once", () =>
        Effect.gen(function* () {
          const { checks, job } = jobOf({ success: { times: 3 } }, [ready])
          const handle = yield* host.start(job, "a", { ...options, strategy: every10s })
          yield* TestClock.adjust(10)
          yield* handle.checkNow()
          yield* TestClock.adjust(10)
          yield* handle.checkNow({ force: true })
          yield* TestClock.adjust(1)
          assert.strictEqual(yield* handle.await, "ready")
          assert.deepStrictEqual(checks, [0, 10, 20])
        })
      )
    })

    describe("where an end comes from", () => {
      it.effect("missing.gone and treatAs - count as sightings", () =>
        Effect.gen(function* () {
          const gone = jobOf({ success: { times: 3 } }, [missing], [], {
            missing: { times: 2, gone: () => Status.succeeded("gone") }
          })
          const isGone = yield* runFor(host.until(gone.job, "a", options), "1 hour")
          assert.deepStrictEqual([ending(isGone.exit), isGone.at], ["gone", 3000])
          const start = yield* Clock.currentTimeMillis
          const unknownState = { treatAs: () => Status.failed("paused") }
          const treated = jobOf({ failure: { times: 2 } }, [paused, running, paused], [], { unknownState })
          const { since: _, unknownState: __, ...wait } = options
          const { at, exit } = yield* runFor(host.until(treated.job, "a", wait), "1 hour")
          assert.deepStrictEqual([ending(exit), at - start], ["JobFailed", 3000])
        })
      )

      it.effect("grace of a missing job - is over once an end was found", () =>
        Effect.gen(function* () {
          const found = jobOf({ success: { times: 2 } }, [ready, missing], [], { missing: { grace: "1 minute" } })
          const { at, exit } = yield* runFor(host.until(found.job, "a", options), "1 hour")
          assert.deepStrictEqual([ending(exit), at], ["JobNotFound", 1000])
        })
      )
    })

    describe("check by another source", () => {
      it.effect("same end there - ends the wait at once with its value", () =>
        Effect.gen(function* () {
          const other = Status.succeeded("other")
          const alone = yield* outcome({}, [running, ready], {}, [other])
          assert.deepStrictEqual([alone.ending, alone.at, alone.checks, alone.others], ["other", 1, [0, 1], 1])
          const times = yield* outcome({ success: { times: 2 } }, [ready], {}, [other])
          assert.deepStrictEqual([times.ending, times.at, times.others], ["other", 1, 1])
          const time = yield* outcome({ success: { for: "3 seconds" } }, [ready], { strategy: every10s }, [other])
          assert.deepStrictEqual([time.ending, time.at, time.others], ["other", 3, 1])
          const failure = yield* outcome({}, [failed], {}, [Status.failed("by the other")])
          assert.deepStrictEqual([failure.ending, failure.at], ["JobFailed", 0])
        })
      )

      it.effect.each([
        ["pending", running],
        ["another end", failed],
        ["missing", missing],
        ["unknown", paused],
        ["an end without its result", lacking],
        ["an end of an earlier run", formerRun]
      ] as const)("%s there - starts over and is no status", ([, answer]) =>
        Effect.gen(function* () {
          const { events, observer } = recordEvents()
          const wait = { observers: [observer], history: true, unknownState: "fail" } as const
          const found = yield* outcome({ success: { times: 2 } }, [ready], wait, [answer, ready])
          assert.deepStrictEqual([found.ending, found.checks, found.others], ["ready", [0, 1, 2, 3], 2])
          const tags = events().map(({ _tag }) => _tag)
          assert.deepStrictEqual(
            tags.filter((tag) => tag !== "Waiting"),
            [
              "Changed",
              "Confirming",
              "Unchanged",
              "Confirming",
              "Unchanged",
              "Confirming",
              "Unchanged",
              "Confirming",
              "Unchanged",
              "Ended"
            ]
          )
        })
      )

      it.effect("failed checks there - are check errors, and it is asked again", () =>
        Effect.gen(function* () {
          const found = yield* outcome({}, [ready], {}, [reset, slowDown, ready])
          assert.deepStrictEqual([found.ending, found.at, found.checks, found.others], ["ready", 2, [0], 3])
          const rejected = yield* outcome({}, [ready], { checkErrors: { kindOf } }, [no])
          assert.deepStrictEqual([rejected.ending, rejected.others], ["CheckRejected", 1])
          const open = yield* outcome({}, [ready], { deadline: "3 seconds" }, [reset])
          const error = errorOf(open.exit)
          assert(error._tag === "PollTimeout")
          assert.deepStrictEqual(error.unconfirmed, ready)
          assert.include(error.message, "not confirmed (by the other source)")
        })
      )

      it.effect("cursor and context - are those of the job, except that the other source has no cursor", () =>
        Effect.gen(function* () {
          const contexts: Array<string> = []
          const note = (source: string, { attempt, cursor, last }: CheckContext.CheckContext) =>
            void contexts.push(`${source} ${attempt} ${cursor} ${last?._tag}`)
          let asked = 0
          const job = Job.make<string, string>("render", {
            check: (_key, context) => {
              note("own", context)
              return Effect.succeed(CheckResult.withCursor(ready, `c${context.attempt}`))
            },
            confirm: {
              check: (_key, context) => {
                note("other", context)
                return Effect.succeed(CheckResult.withCursor(asked++ === 0 ? running : ready, "theirs"))
              }
            }
          })
          yield* runFor(host.until(job, "a", { strategy: every1s, deadline: "1 minute" }), "1 hour")
          assert.deepStrictEqual(contexts, [
            "own 1 undefined undefined",
            "other 2 undefined Succeeded",
            "own 3 c1 Succeeded",
            "other 4 undefined Succeeded"
          ])
        })
      )

      it.effect("hints - hold back the next check of either source", () =>
        Effect.gen(function* () {
          const { events, observer } = recordEvents()
          const own = CheckResult.withHint(ready, "5 seconds")
          const other = CheckResult.withHint(running, "7 seconds")
          const found = yield* outcome({}, [own, ready], { observers: [observer] }, [other, ready])
          assert.deepStrictEqual([found.ending, found.checks, found.at], ["ready", [0, 12], 12])
          assert.deepStrictEqual(delaysOf(events()), ["serverHint 5000", "serverHint 7000"])
        })
      )

      it.effect("last check - may still be confirmed at the deadline", () =>
        Effect.gen(function* () {
          const wait = { strategy: Strategy.spaced("1 minute"), deadline: "10 seconds" } as const
          const found = yield* outcome({}, [running, ready], wait, [ready])
          assert.deepStrictEqual([found.ending, found.checks, found.at], ["ready", [0, 10], 10])
          const late = yield* outcome({}, [running, ready], wait, [slow("1 second", ready)])
          const error = errorOf(late.exit)
          assert(error._tag === "PollTimeout")
          assert.deepStrictEqual([error.unconfirmed?._tag, error.attempts], ["Succeeded", 3])
        })
      )

      it.effect("fallback - is the source that the wait returns to", () =>
        Effect.gen(function* () {
          const asked: Array<string> = []
          const ask = (source: string, ...answers: ReadonlyArray<AnyAnswer>) => {
            const { check } = scripted(...answers)
            return (key: string) => {
              asked.push(`${source} ${key}`)
              return check
            }
          }
          const job = Job.make<string, string, string>("render", {
            check: ask("own", running, missing),
            missing: { fallback: { locate: (key) => `old-${key}`, check: ask("fallback", ready) } },
            confirm: { check: ask("other", running, ready) }
          })
          const { exit } = yield* runFor(host.until(job, "a", options), "1 hour")
          assert.strictEqual(ending(exit), "ready")
          assert.deepStrictEqual(asked, ["own a", "own a", "fallback old-a", "other a", "fallback old-a", "other a"])
        })
      )

      it.effect("check that throws or dies - ends the wait as a defect", () =>
        Effect.gen(function* () {
          const thrown = jobOf(
            {
              check: () => {
                throw new Error("no such source")
              }
            },
            [ready]
          )
          assert.strictEqual(ending((yield* runFor(host.until(thrown.job, "a", options), "1 hour")).exit), "defect")
          const died = yield* outcome({}, [ready], {}, [Effect.die("boom")])
          assert.strictEqual(died.ending, "defect")
        })
      )
    })
  })
})

describe("Poll.run", () => {
  it.effect("end in a receipt - counts as a sighting (R29)", () =>
    Effect.gen(function* () {
      const { events, observer } = recordEvents()
      const { check, checks } = scripted(Status.succeeded("later"))
      const job = Job.make<string, string, never, never, string>("render", {
        check: () => check,
        submit: () => Effect.succeed({ key: "a", ended: ready }),
        confirm: { success: { times: 2 } }
      })
      const wait = { ...options, observers: [observer] }
      const { at, exit } = yield* runFor(Poll.run(job, "cat", wait), "1 hour")
      assert.deepStrictEqual([ending(exit), at, checks], ["later", 1000, [1000]])
      const first = events().find(({ _tag }) => _tag === "Confirming")
      assert(first?._tag === "Confirming")
      assert.deepStrictEqual([first.attempt, first.sightings, first.status], [0, 1, ready])
    })
  )
})

describe("PollTimeout", () => {
  it("progress of the confirmation - is in the message", () => {
    const details = {
      job: "render",
      key: "a",
      attempts: 3,
      elapsed: Duration.seconds(20),
      lastStatus: ready,
      lastCheckError: undefined,
      unknownStates: {},
      hints: { clamped: 0, unreadable: 0 },
      history: []
    }
    const timeout = (confirmation: PollError.Confirmation) =>
      new PollError.PollTimeout({
        ...details,
        reason: "deadline",
        state: undefined,
        limit: undefined,
        unconfirmed: ready,
        confirmation,
        cancel: undefined,
        floorAt: undefined
      }).message
    const held = { sightings: 2, times: 1, heldFor: Duration.seconds(12), for: Duration.seconds(30), elsewhere: false }
    assert.include(timeout(held), "last status Succeeded, not confirmed (held for 12s of 30s)")
    assert.include(timeout({ ...held, heldFor: Duration.zero }), "(held for 0ms of 30s)")
    assert.include(timeout({ ...held, times: 3, for: undefined }), "(2 of 3)")
    assert.include(timeout({ ...held, elsewhere: true }), "(by the other source)")
  })
})
