import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import type { Observation } from "effect-poll/Observation"
import type * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import * as ResumeToken from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { type Answer, cancelableJob, done, pending, renderJob, scripted, slow } from "./support/checks.ts"
import { type Host, hosts } from "./support/hosts.ts"
import { every10s, hour, plain } from "./support/options.ts"
import { recordEvents } from "./support/recorders.ts"
import { ending, errorOf, failureOf, runFor } from "./support/runs.ts"
import { storedToken } from "./support/tokens.ts"

const every1s = Strategy.spaced("1 second")

/** The token of a wait for "a" after some time, as another process reads it. */
const tokenAfter = <A, F, E>(
  host: Host,
  job: Job.Watchable<string, A, F, E, never>,
  within: Parameters<typeof TestClock.adjust>[0],
  options: Omit<Poll.Options<E>, "deadline"> & { readonly deadline?: Poll.Options<E>["deadline"] } = {}
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const handle = yield* host.start(job, "a", { strategy: every10s, deadline: "100 seconds", ...options })
      yield* TestClock.adjust(within)
      return yield* ResumeToken.fromJson(ResumeToken.toJson(yield* handle.token))
    })
  )

/** A check that answers with each of these in turn, in a job with a fallback. */
const located = (...answers: ReadonlyArray<Answer<string, never, string>>) => {
  const { check } = scripted(...answers)
  const asked: Array<string> = []
  const job = Job.make<string, never, string>("render", {
    check: () => check,
    missing: {
      fallback: {
        locate: (_, last) =>
          last?._tag === "Pending" ? (last.detail as { readonly archive: string }).archive : undefined,
        check: (key) => Effect.sync(() => (asked.push(key), done))
      }
    }
  })
  return { job, asked }
}

describe.each(hosts)("$name", (host) => {
  describe("what a token holds [R32]", () => {
    it.effect("check in flight - is due again with its number", () =>
      Effect.gen(function* () {
        const attempts: Array<number> = []
        const job = Job.make<string>("render", {
          check: (_, { attempt }) =>
            Effect.suspend(() => (attempts.push(attempt) === 2 ? Effect.never : Effect.succeed(pending)))
        })
        const token = yield* tokenAfter(host, job, "15 seconds")
        assert.deepStrictEqual([token.attempts, token.dueAt, token.checkedAt], [1, 15_000, 10_000])
        yield* runFor(host.resume(job, token, { strategy: every10s }), "5 seconds")
        assert.deepStrictEqual(attempts, [1, 2, 2])
      })
    )

    it.effect("retry in flight - stays within its attempt and its retries", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<string, never, string>(
          Effect.fail("reset"),
          Effect.fail("reset"),
          Effect.never
        )
        const job = Job.make<string, never, string>("render", {
          check: () => check,
          checkErrors: { retry: Strategy.maxAttempts(every1s, 3), maxConsecutive: 0 }
        })
        const token = yield* tokenAfter(host, job, "5 seconds")
        assert.deepStrictEqual([token.attempts, token.retries], [1, { count: 2, at: 0 }])
        const failing = Job.make<string, never, string>("render", {
          check: () => Effect.fail("reset"),
          checkErrors: { retry: Strategy.maxAttempts(every1s, 3), maxConsecutive: 0 }
        })
        const error = yield* failureOf(host.resume(failing, token))
        assert(error._tag === "CheckErrorsExhausted")
        assert.deepStrictEqual([error.attempts, checks.length], [1, 3])
      })
    )

    it.effect("schedule that has not decided - decides after the resume, and no check comes before", () =>
      Effect.gen(function* () {
        const { job, checks } = renderJob(pending, pending, done)
        const hung: Schedule.Schedule<unknown, Observation> = Schedule.fromStepWithMetadata(
          Effect.succeed(() => Effect.never as never)
        )
        const token = yield* tokenAfter(host, job, "5 seconds", { strategy: hung })
        assert.deepStrictEqual([token.attempts, token.deciding], [1, "strategy"])
        yield* runFor(host.resume(job, token, { strategy: Schedule.spaced("3 seconds") }), "1 hour")
        assert.deepStrictEqual(checks, [0, 8000, 11_000])
      })
    )

    it.effect("long checks - place the last check as before", () =>
      Effect.gen(function* () {
        const { job, checks } = renderJob(slow("4 seconds", pending))
        const token = yield* tokenAfter(host, job, "90 seconds")
        assert.deepStrictEqual(token.checkMillis, [4000, 4000, 4000])
        yield* runFor(host.resume(job, token, { strategy: every10s }), "1 hour")
        assert.deepStrictEqual(checks.slice(-2), [84_000, 94_000])
      })
    )

    it.effect("unchanged detail - is no change, and a stall is reported once", () =>
      Effect.gen(function* () {
        const details: ReadonlyArray<() => unknown> = [
          () => ({ a: 1, b: { c: ["x", null, undefined] } }),
          () => ({ b: { c: ["x", null, undefined] }, a: 1 }),
          () => "text",
          () => 0,
          () => -0,
          () => Number.NaN,
          () => null,
          () => 10n,
          () => new Date(5),
          () =>
            new Map<unknown, unknown>([
              ["k", 1],
              [{ o: 1 }, 2]
            ]),
          () => new Set(["b", "a"]),
          () => new Uint8Array([1, 2, 255]),
          () => Option.some({ id: 7 }),
          () => Chunk.make(1, 2),
          () => "x".repeat(2_000_000),
          () => {
            const cycle: { self?: unknown } = {}
            cycle.self = cycle
            return cycle
          },
          () => undefined
        ]
        for (const detail of details) {
          const job = Job.make<string>("render", {
            check: () => Effect.sync(() => Status.pending({ state: "RUN", detail: detail() }))
          })
          const start = (yield* runFor(Effect.void, 0)).at
          const token = yield* tokenAfter(host, job, "25 seconds", {
            stall: { after: "20 seconds", onStall: "report" }
          })
          assert.strictEqual(token.status?.stallReported, true)
          const { events, observer } = recordEvents()
          yield* runFor(
            host.resume(job, token, {
              strategy: every10s,
              stall: { after: "20 seconds", onStall: "report" },
              observers: [observer]
            }),
            "1 hour"
          )
          const tags = new Set(events().map(({ _tag }) => _tag))
          assert.isFalse(tags.has("Changed") || tags.has("Stalled"), typeof detail())
          assert.strictEqual(token.status?.changedAt, start)
        }
      })
    )

    it.effect("changed detail, and one that cannot be hashed - is a change", () =>
      Effect.gen(function* () {
        let deep: unknown = 1
        for (let level = 0; level < 600; level++) deep = { deep }
        const pairs: ReadonlyArray<readonly [unknown, unknown]> = [
          [{ a: 1 }, { a: 2 }],
          [{ a: 1 }, { a: "1" }],
          [
            ["ab", "c"],
            ["a", "bc"]
          ],
          [
            [1, 2],
            [2, 1]
          ],
          [{ a: undefined }, {}],
          [undefined, null],
          [new Map([["a", 1]]), new Map([["a", 2]])],
          [new Date(5), new Date(6)],
          [Option.some(1), Option.none()],
          [Redacted.make("one"), Redacted.make("two")],
          [() => 1, () => 1],
          [deep, deep]
        ]
        for (const [before, after] of pairs) {
          const first = Job.make<string>("render", { check: () => Effect.succeed(Status.pending({ detail: before })) })
          const token = yield* tokenAfter(host, first, "5 seconds")
          const second = Job.make<string>("render", { check: () => Effect.succeed(Status.pending({ detail: after })) })
          const { events, observer } = recordEvents()
          yield* runFor(host.resume(second, token, { strategy: every10s, observers: [observer] }), "7 seconds")
          assert.isTrue(
            events().some(({ _tag }) => _tag === "Changed"),
            typeof before
          )
        }
      })
    )

    it.effect("status after a resume - has its detail once a check has found it", () =>
      Effect.gen(function* () {
        const details: Array<unknown> = []
        const job = Job.make<string>("render", {
          check: (_, { last }) =>
            Effect.sync(() => {
              details.push(last?._tag === "Pending" ? last.detail : "none")
              return Status.pending({ detail: { id: 1 } })
            })
        })
        const token = yield* tokenAfter(host, job, "5 seconds")
        yield* runFor(host.resume(job, token, { strategy: every10s }), "20 seconds")
        assert.deepStrictEqual(details, ["none", undefined, { id: 1 }])
      })
    )

    it.effect.each([10, 300])(
      "unchanged action with an id of %i characters - is no change, and is whole again",
      (length) =>
        Effect.gen(function* () {
          const action = { id: "a".repeat(length), kind: "pay", detail: 7 }
          const job = Job.make<string>("render", { check: () => Effect.succeed(Status.pending({ action })) })
          const token = yield* tokenAfter(host, job, "5 seconds")
          const { events, observer } = recordEvents()
          const wait = { strategy: every10s, observers: [observer], stall: { after: "30 seconds" } } as const
          const { at, exit } = yield* runFor(host.resume(job, token, wait), "1 hour")
          const error = errorOf(exit)
          assert(error._tag === "JobStalled" && error.lastStatus?._tag === "Pending")
          assert.deepStrictEqual([at, error.lastStatus.action], [30_000, action])
          assert.notInclude(
            events().map(({ _tag }) => _tag),
            "Changed"
          )
        })
    )

    it.effect("unknown state - keeps the detail that is not in the token", () =>
      Effect.gen(function* () {
        const known = Status.pending({ state: "RUN", detail: { archive: "kept" } })
        const paused = CheckResult.unknownState("PAUSED")
        const { asked, job } = located(known, paused, paused, CheckResult.missing)
        const unknownState = "continue" as const
        const token = yield* tokenAfter(host, job, "15 seconds", { unknownState })
        const { events, observer } = recordEvents()
        yield* runFor(host.resume(job, token, { strategy: every10s, unknownState, observers: [observer] }), "1 hour")
        assert.isFalse(events().some(({ _tag }) => _tag === "Changed" && asked.length === 0))
        assert.deepStrictEqual(asked, ["kept"])
      })
    )

    it.effect(
      "locate - is called with the whole status when the token is written, and not with a part of it after that",
      () =>
        Effect.gen(function* () {
          const with_ = (archive: string | undefined) => Status.pending({ detail: { archive } })
          const found = located(with_("kept"), CheckResult.missing)
          const token = yield* tokenAfter(host, found.job, "5 seconds")
          assert.strictEqual(token.located, "kept")
          const { exit } = yield* runFor(host.resume(found.job, token, { strategy: every10s }), "1 hour")
          assert.deepStrictEqual([ending(exit), found.asked], ["done", ["kept"]])
          const none = located(with_(undefined), CheckResult.missing)
          const empty = yield* tokenAfter(host, none.job, "5 seconds")
          const gone = yield* runFor(host.resume(none.job, empty, { strategy: every10s }), "1 hour")
          assert.strictEqual(ending(gone.exit), "JobNotFound")
        })
    )

    it.effect("grace after a timeout - has the rest of its time, and the outcome of the cancel", () =>
      Effect.gen(function* () {
        const { canceledAt, job } = cancelableJob(() => Effect.succeed(pending), { cancel: Effect.fail("no") })
        const options = { onTimeout: "cancelRemote", cancelTimeout: "20 seconds", strategy: every10s } as const
        const token = yield* tokenAfter(host, job, "25 seconds", { ...options, deadline: "10 seconds" })
        assert.deepStrictEqual([token.timeout, token.deadlineAt], [{ reason: "deadline", cancel: "refused" }, 30_000])
        const { at, exit } = yield* runFor(host.resume(job, token, options), "1 hour")
        const error = errorOf(exit)
        assert(error._tag === "PollTimeout")
        assert.deepStrictEqual(
          [at, error.reason, error.cancel, canceledAt],
          [30_000, "deadline", { outcome: "refused", error: undefined }, [10_000]]
        )
      })
    )

    it.effect("cancel in flight - is asked for again", () =>
      Effect.gen(function* () {
        const { canceledAt, job } = cancelableJob(() => Effect.succeed(pending), { cancel: Effect.never })
        const options = { onTimeout: "cancelRemote", cancelTimeout: "20 seconds", strategy: every10s } as const
        const token = yield* tokenAfter(host, job, "15 seconds", { ...options, deadline: "10 seconds" })
        assert.deepStrictEqual(token.timeout, { reason: "deadline" })
        yield* runFor(host.resume(job, token, options), "1 hour")
        assert.deepStrictEqual(canceledAt, [10_000, 15_000])
        const left = yield* runFor(host.resume(job, token, { ...options, onTimeout: "leave" }), "1 hour")
        assert.strictEqual(ending(left.exit), "PollTimeout deadline")
      })
    )

    it.effect("gate that postpones beyond the deadline - is not asked again", () =>
      Effect.gen(function* () {
        let asked = 0
        const gate = Gate.make(() =>
          Effect.sync(() => (++asked === 1 ? Gate.postponed("200 seconds", "busy") : Gate.open))
        )
        const { job, checks } = renderJob(done)
        const token = yield* tokenAfter(host, job, "5 seconds", { gate })
        const { at, exit } = yield* runFor(host.resume(job, token, { gate }), "1 hour")
        assert.deepStrictEqual([ending(exit), at, checks, asked], ["PollTimeout deadline", 100_000, [], 1])
      })
    )

    it.effect("check requested while a schedule decides - comes at once after the resume", () =>
      Effect.gen(function* () {
        const { job, checks } = renderJob(pending, done)
        const hung: Schedule.Schedule<unknown, Observation> = Schedule.fromStepWithMetadata(
          Effect.succeed(() => Effect.never as never)
        )
        const token = yield* Effect.scoped(
          Effect.gen(function* () {
            const handle = yield* host.start(job, "a", { strategy: hung, ...hour })
            yield* TestClock.adjust("5 seconds")
            yield* handle.checkNow()
            return yield* handle.token
          })
        )
        yield* runFor(host.resume(job, token, { strategy: every10s }), "1 hour")
        assert.deepStrictEqual(checks, [0, 5000])
      })
    )

    it.effect("throttled - continues with the longest delay so far", () =>
      Effect.gen(function* () {
        const schedule = Strategy.maxRecurrences(Strategy.exponential({ initial: "1 second", factor: 4 }), 3)
        const checkErrors = { kindOf: () => CheckError.throttled(), schedule } as const
        const { job, checks } = renderJob(Effect.fail("slow down"))
        const token = yield* tokenAfter(host, job, "25 seconds", { checkErrors, deadline: "1 hour" })
        assert.strictEqual(token.throttledMillis, 16_000)
        yield* runFor(host.resume(job, token, { checkErrors }), "20 seconds")
        assert.deepStrictEqual(checks, [0, 1000, 5000, 21_000, 37_000])
      })
    )
  })

  describe("how a token is read [R32]", () => {
    it.effect("clock that is behind - shifts all times back", () =>
      Effect.gen(function* () {
        const ahead = 86_400_000
        const { job, checks } = renderJob(pending)
        const token = storedToken({
          startedAt: ahead,
          strategyStartedAt: ahead,
          dueAt: ahead + 7000,
          deadlineAt: ahead + 20_000,
          floorAt: ahead,
          writtenAt: ahead + 2000
        })
        const { at, exit } = yield* runFor(host.resume(job, token, { strategy: every10s }), "1 hour")
        assert.deepStrictEqual([ending(exit), at, checks], ["PollTimeout deadline", 18_000, [5000, 15_000, 18_000]])
      })
    )

    it.effect("floor beyond maxHint - is clamped to it", () =>
      Effect.gen(function* () {
        const { job, checks } = renderJob(done)
        const token = storedToken({ floorAt: 1e15, deadlineAt: "unbounded" })
        yield* runFor(host.resume(job, token, { maxHint: "30 seconds" }), "1 hour")
        assert.deepStrictEqual(checks, [30_000])
      })
    )

    it.effect("times ahead of now, and absurd lengths - are clamped", () =>
      Effect.gen(function* () {
        const { job, checks } = renderJob(pending)
        const at = 1e15
        const token = storedToken({
          startedAt: at,
          strategyStartedAt: at,
          checkedAt: at,
          checkMillis: [1e300, -5, 1e12],
          retries: { count: 1, at },
          rows: { errors: { count: 1, at }, missing: { count: 0, at } },
          status: { state: "RUN", stateAt: at, changedAt: at },
          deadlineAt: 60_000
        })
        const options = { strategy: every10s, minInterval: "5 seconds", stall: { after: "30 seconds" } } as const
        const { at: end, exit } = yield* runFor(host.resume(job, token, options), "1 hour")
        assert.deepStrictEqual([ending(exit), end, checks[0]], ["JobStalled", 35_000, 5000])
      })
    )

    it.effect("fallback that the job has no more - is not asked, and its cursor is not used", () =>
      Effect.gen(function* () {
        const token = yield* tokenAfter(host, renderJob(Effect.succeed(pending)).job, "5 seconds")
        const cursors: Array<string | undefined> = []
        const job = Job.make<string>("render", {
          check: (_, { cursor }) => Effect.sync(() => (cursors.push(cursor), Status.succeeded("done")))
        })
        const { exit } = yield* runFor(
          host.resume(job, { ...token, fallbackKey: "archive/a", cursor: "page 2" }, { strategy: every10s }),
          "1 hour"
        )
        assert.deepStrictEqual([ending(exit), cursors], ["done", [undefined]])
      })
    )

    it.effect("wait that is resumed after its deadline - does not blame the server", () =>
      Effect.gen(function* () {
        const job = renderJob(Effect.succeed(pending)).job
        const token = yield* tokenAfter(host, job, "5 seconds")
        yield* TestClock.adjust("1 hour")
        const error = yield* failureOf(host.resume(job, token, { strategy: every10s }))
        assert(error._tag === "PollTimeout")
        assert.strictEqual(error.floorAt, undefined)
        assert.notInclude(error.message, "the server allowed no check")
        // The floor of the server is still ahead, so no check is made.
        const held = { ...token, floorAt: 8_000_000 }
        const floored = yield* failureOf(host.resume(job, held, { strategy: every10s }))
        assert(floored._tag === "PollTimeout")
        assert.strictEqual(floored.floorAt, 8_000_000)
      })
    )

    it.effect("token without the newer fields - decodes and resumes", () =>
      Effect.gen(function* () {
        const old = {
          version: 1,
          job: "render",
          key: "a",
          attempts: 3,
          strategySteps: 2,
          strategyStartedAt: 0,
          consecutiveErrors: 1,
          totalErrors: 1,
          dueAt: 4000,
          floorAt: 0,
          startedAt: 0,
          deadlineAt: 60_000,
          boundedBy: "deadline"
        }
        const { job, checks } = renderJob(done)
        const token = yield* ResumeToken.fromJson(JSON.stringify(old))
        yield* runFor(host.resume(job, token), "1 hour")
        assert.deepStrictEqual(checks, [4000])
      })
    )
  })

  describe("what a token does not hold [R32]", () => {
    it.effect("values, failures, details, reasons, issues and errors - are in no token", () =>
      Effect.gen(function* () {
        const secret = "s3cr3t"
        const answers: ReadonlyArray<Answer<unknown, unknown, unknown>> = [
          Status.pending({ state: "RUN", detail: secret, action: { id: "approve", kind: "k", detail: secret } }),
          Status.pending({ state: "RUN", detail: { [secret]: secret } }),
          Effect.fail({ _tag: "Broken", message: secret }),
          CheckResult.resultMissing("DONE", secret),
          Status.succeeded(secret),
          Status.failed(secret),
          Status.canceled({ reason: secret, partial: secret }),
          Status.expired({ reason: secret, partial: secret })
        ]
        for (const answer of answers) {
          for (const confirm of [undefined, { success: { times: 9 }, failure: { times: 9 } }]) {
            const { job } = renderJob<unknown, unknown, unknown>(answer)
            const handle = yield* host.start(job, "a", {
              strategy: every10s,
              deadline: "35 seconds",
              confirm,
              checkErrors: { retry: Schedule.recurs(1) }
            })
            for (let at = 0; at < 5; at++) {
              assert.notInclude(ResumeToken.toJson(yield* handle.token), secret)
              yield* TestClock.adjust("10 seconds")
            }
          }
        }
        const { job } = cancelableJob(() => Effect.succeed(pending), { cancel: Effect.fail(secret) })
        const options = { onTimeout: "cancelRemote", deadline: "10 seconds" } as const
        assert.notInclude(ResumeToken.toJson(yield* tokenAfter(host, job, "12 seconds", options)), secret)
      })
    )

    it.effect.each([
      "dueAt",
      "floorAt",
      "startedAt",
      "deadlineAt",
      "strategyStartedAt",
      "writtenAt",
      "checkedAt",
      "gateAt"
    ] as const)("%s beyond all dates - is clamped, and the wait goes on", (field) =>
      Effect.gen(function* () {
        for (const at of [1e300, -1e300, Number.MAX_SAFE_INTEGER]) {
          const job = Job.make<string>("render", { check: () => Effect.succeed(pending) })
          const token = { ...(yield* tokenAfter(host, job, "5 seconds")), [field]: at }
          const resumed = yield* Effect.forkChild(Effect.exit(host.resume(job, token, { strategy: every10s })))
          yield* TestClock.adjust("30 seconds")
          yield* Fiber.interrupt(resumed)
          const poller = yield* Poller.make(plain)
          const again = yield* (yield* poller.resume(job, token, { strategy: every10s })).token
          for (const [name, value] of Object.entries(again)) {
            if (!name.endsWith("At") || typeof value !== "number") continue
            assert.isTrue(Math.abs(value) <= 3e16, `${name} is ${value}`)
          }
        }
      })
    )

    it.effect("large answers - make no token of more than 16 KiB", () =>
      Effect.gen(function* () {
        const long = "\u0007".repeat(100_000)
        const { check } = scripted<string, never, string>(
          CheckResult.withCursor(
            Status.pending({ state: long, detail: { archive: long }, action: { id: long } }),
            "c".repeat(8192)
          ),
          CheckResult.withHint(CheckResult.resultMissing(long, long), "1 second"),
          CheckResult.missing
        )
        const job = Job.make<string, never, string>("render", {
          check: () => check,
          missing: { fallback: { locate: () => long, check: () => Effect.succeed(pending) } }
        })
        const handle = yield* host.start(job, "a", { strategy: every10s, ...hour })
        for (let at = 0; at < 8; at++) {
          const json = ResumeToken.toJson(yield* handle.token)
          assert.isBelow(json.length, 16_384)
          yield* ResumeToken.fromJson(json)
          yield* TestClock.adjust("5 seconds")
        }
      })
    )
  })
})
