import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { between } from "./support/arbitrary.ts"
import { done, scripted } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { ending, runFor } from "./support/runs.ts"

/** One check: how long it takes, what it finds and which delay the server requests. */
const Encounter = Schema.Struct({
  takes: between(0, 3000),
  finds: Schema.Literals(["pending", "pending", "pending", "error", "hung", "done", "failed"]),
  hint: Schema.NullOr(between(1, 20_000))
})

const Settings = Schema.Struct({
  deadline: between(1, 60_000),
  firstWait: between(0, 5000),
  initial: between(1, 5000),
  checkTimeout: between(1, 4000),
  maxConsecutive: between(0, 3)
})

interface RecordedCheck {
  readonly start: number
  end: number | undefined
  /** The requested delay, if the answer arrived. */
  hint: number | null
}

/** A check that goes through these, over and over, and records itself. */
const checksOf = (encounters: ReadonlyArray<typeof Encounter.Type>) => {
  const checks: Array<RecordedCheck> = []
  const check = Effect.gen(function* () {
    const { finds, hint, takes } = encounters[checks.length % encounters.length]!
    const recorded: RecordedCheck = { start: yield* Clock.currentTimeMillis, end: undefined, hint: null }
    checks.push(recorded)
    const answer = Effect.gen(function* () {
      yield* finds === "hung" ? Effect.never : Effect.sleep(takes)
      if (finds === "error") return yield* Effect.fail("reset")
      const status =
        finds === "done" ? Status.succeeded("done") : finds === "failed" ? Status.failed("bad") : Status.pending()
      return hint === null ? status : CheckResult.withHint(status, hint)
    })
    return yield* Effect.onExit(answer, (exit) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        recorded.end = now
        if (Exit.isSuccess(exit)) recorded.hint = hint
      })
    )
  })
  return { check, checks }
}

/** What checks find in the law of rows. All but "pending", "missing", "unknown" and "lacking" are check errors. */
const Find = Schema.Literals([
  "pending",
  "missing",
  "missing after 3",
  "unknown",
  "lacking",
  "lacking",
  "error",
  "throttled",
  "rejected"
])

const Rows = Schema.Struct({
  maxConsecutive: between(0, 3),
  maxTotal: between(0, 8),
  rejectTimes: between(1, 3),
  missingTimes: between(1, 3),
  unknownTimes: between(1, 3),
  grace: between(0, 4000)
})

type Kind = "error" | "throttled" | "rejected" | "missing" | "unknown" | "lacking" | "pending"

const kindOf = (find: typeof Find.Type): Kind => (find === "missing after 3" ? "missing" : find)

/** The answers that end a row of this kind; a check error ends none. */
const enders: Record<Exclude<Kind, "pending" | "throttled">, ReadonlyArray<Kind>> = {
  error: ["pending", "missing", "unknown", "lacking"],
  rejected: ["pending", "missing", "unknown", "lacking"],
  missing: ["pending", "unknown", "lacking"],
  unknown: ["pending", "lacking"],
  lacking: ["pending", "missing", "unknown"]
}

/** How a wait ends whose checks find this, one each second, and after how many of them: by looking back from each one. */
const expectedEnd = (finds: ReadonlyArray<typeof Find.Type>, rows: typeof Rows.Type): readonly [string, number] => {
  const kinds = finds.map(kindOf)
  for (const [at, kind] of kinds.entries()) {
    const before = kinds.slice(0, at + 1)
    const row = (of: keyof typeof enders): number => {
      const from = before.findLastIndex((one) => enders[of].includes(one)) + 1
      return before.slice(from).filter((one) => one === of).length
    }
    const isNew = !before.some((one) => one === "pending" || one === "unknown") && at * 1000 < rows.grace
    const errors = before.filter((one) => one === "error").length
    const leastTimes = finds[at] === "missing after 3" ? 3 : 1
    const end =
      kind === "error" && (errors > rows.maxTotal || row(kind) > rows.maxConsecutive)
        ? "CheckErrorsExhausted"
        : kind === "rejected" && !isNew && row(kind) >= rows.rejectTimes
          ? "CheckRejected"
          : kind === "missing" && !isNew && row(kind) >= Math.max(rows.missingTimes, leastTimes)
            ? "JobNotFound"
            : kind === "unknown" && row(kind) > rows.unknownTimes
              ? "UnknownState"
              : kind === "lacking" && row(kind) > 3
                ? "ResultMissing"
                : undefined
    if (end !== undefined) return [end, at + 1]
  }
  return ["done", finds.length + 1]
}

/** What a check finds, as its answer. */
const answers: Record<typeof Find.Type, Effect.Effect<CheckResult.CheckResult<string>, string>> = {
  pending: Effect.succeed(Status.pending()),
  missing: Effect.succeed(CheckResult.missing),
  "missing after 3": Effect.succeed(CheckResult.missingAfter(3)),
  unknown: Effect.succeed(CheckResult.unknownState("PAUSED")),
  lacking: Effect.succeed(CheckResult.resultMissing()),
  error: Effect.fail("error"),
  throttled: Effect.fail("throttled"),
  rejected: Effect.fail("rejected")
}

const errorKinds: Readonly<Record<string, CheckError.Kind>> = {
  throttled: CheckError.throttled(),
  rejected: CheckError.permanent()
}

describe.each(hosts)("$name", (host) => {
  describe("laws", () => {
    it.effect.prop(
      "rows - end the wait where looking back from each check says so",
      [Schema.Array(Find), Rows],
      ([finds, rows]) =>
        Effect.gen(function* () {
          const start = yield* Clock.currentTimeMillis
          const { check, checks } = scripted(...finds.map((find) => answers[find]), Effect.succeed(done))
          const job = Job.make("render", {
            check: () => check,
            missing: { times: rows.missingTimes, grace: rows.grace },
            unknownState: { times: rows.unknownTimes },
            checkErrors: {
              kindOf: (error) => errorKinds[error] ?? CheckError.transient(),
              schedule: Strategy.spaced("1 second"),
              maxConsecutive: rows.maxConsecutive,
              maxTotal: rows.maxTotal,
              rejectAfter: { times: rows.rejectTimes }
            }
          })
          const { at, exit } = yield* runFor(
            host.until(job, "a", { strategy: Strategy.spaced("1 second"), deadline: "1 hour" }),
            "1 hour"
          )
          const [end, count] = expectedEnd(finds, rows)
          assert.deepStrictEqual([ending(exit), checks.length, at - start], [end, count, (count - 1) * 1000])
        }),
      { arbitrary: { runs: 1000 }, timeout: 60_000 }
    )

    it.effect.prop(
      "until - ends by its deadline, never overlaps checks, obeys floors and makes no check after its end [R4]",
      [Schema.NonEmptyArray(Encounter), Settings],
      ([encounters, { deadline, firstWait, maxConsecutive, initial, checkTimeout }]) =>
        Effect.gen(function* () {
          const start = yield* Clock.currentTimeMillis
          const { check, checks } = checksOf(encounters)
          const strategy = Strategy.exponential({ initial, factor: 1.5 }).pipe(Strategy.withFirstWait(firstWait))
          const { at, exit } = yield* runFor(
            host.until(check, { strategy, deadline, checkTimeout, checkErrors: { maxConsecutive } }),
            "10 minutes"
          )
          assert(exit !== "running")
          assert.isAtMost(at, start + deadline)
          checks.forEach((check, i) => {
            const previous = checks[i - 1]
            assert.isAtMost(check.start, at)
            assert(check.end !== undefined, "a check was left running")
            assert.isAtMost(check.end - check.start, checkTimeout)
            if (previous === undefined) return
            assert.isAtLeast(check.start, previous.end!, "two checks overlap")
            if (previous.hint !== null)
              assert.isAtLeast(check.start, previous.end! + previous.hint, "a floor was broken")
          })
          if (checks.length > 0) assert.isAtLeast(checks[0]!.start, start + Math.min(firstWait, deadline))
          const error = Exit.findErrorOption(exit)
          if (error._tag === "Some") assert.strictEqual(error.value.attempts, checks.length)
          // A pending job is never a success.
          if (Exit.isSuccess(exit)) assert.strictEqual(exit.value, "done")
        }),
      { arbitrary: { runs: 300 }, timeout: 30_000 }
    )
  })
})
