import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as CheckResult from "effect-poll/CheckResult"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { between } from "./support/arbitrary.ts"
import { hosts } from "./support/hosts.ts"
import { runFor } from "./support/runs.ts"

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

describe.each(hosts)("$name", (host) => {
  describe("laws", () => {
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
