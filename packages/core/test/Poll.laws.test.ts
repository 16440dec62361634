import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as CheckResult from "effect-poll/CheckResult"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { runFor } from "./scripted.ts"

const millis = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** What one check meets: how long it takes, what it finds, and what the server wishes. */
const Encounter = Schema.Struct({
  takes: millis(0, 3000),
  finds: Schema.Literals(["pending", "pending", "pending", "error", "hung", "done", "failed"]),
  hint: Schema.NullOr(millis(1, 20_000))
})

const Settings = Schema.Struct({
  deadline: millis(1, 60_000),
  firstWait: millis(0, 5000),
  initial: millis(1, 5000),
  checkTimeout: millis(1, 4000),
  maxConsecutive: millis(0, 3)
})

interface Seen {
  readonly start: number
  end: number | undefined
  /** The wish of the server, if its answer was heard. */
  hint: number | null
}

const checksOf = (encounters: ReadonlyArray<typeof Encounter.Type>) => {
  const checks: Array<Seen> = []
  const check = Effect.gen(function* () {
    const { finds, hint, takes } = encounters[checks.length % encounters.length]!
    const seen: Seen = {
      start: yield* Clock.currentTimeMillis,
      end: undefined,
      hint: null
    }
    checks.push(seen)
    const answer = Effect.gen(function* () {
      yield* finds === "hung" ? Effect.never : Effect.sleep(takes)
      if (finds === "error") return yield* Effect.fail("reset")
      const status =
        finds === "done" ? Status.succeeded("done") : finds === "failed" ? Status.failed("bad") : Status.pending()
      return hint === null ? status : CheckResult.withHint(status, hint)
    })
    return yield* Effect.onExit(answer, (exit) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        seen.end = now
        if (Exit.isSuccess(exit)) seen.hint = hint
      })
    )
  })
  return { check, checks }
}

describe("Poll.until, whatever the server does", () => {
  it.effect.prop(
    "R4 ends by its deadline, never overlaps checks, keeps floors, and makes no check after its end",
    [Schema.NonEmptyArray(Encounter), Settings],
    ([encounters, { deadline, firstWait, maxConsecutive, initial, checkTimeout }]) =>
      Effect.gen(function* () {
        const start = yield* Clock.currentTimeMillis
        const { check, checks } = checksOf(encounters)
        const strategy = Strategy.exponential({ initial, factor: 1.5 }).pipe(Strategy.withFirstWait(firstWait))
        const { at, exit } = yield* runFor(
          Poll.until(check, { strategy, deadline, checkTimeout, checkErrors: { maxConsecutive } }),
          "10 minutes"
        )
        assert(exit !== "running")
        assert.isAtMost(at, start + deadline)
        checks.forEach((check, i) => {
          const before = checks[i - 1]
          assert.isAtMost(check.start, at)
          assert(check.end !== undefined, "a check was left running")
          assert.isAtMost(check.end - check.start, checkTimeout)
          if (before === undefined) return
          assert.isAtLeast(check.start, before.end!, "two checks overlap")
          if (before.hint !== null) assert.isAtLeast(check.start, before.end! + before.hint, "a floor was broken")
        })
        if (checks.length > 0) assert.isAtLeast(checks[0]!.start, start + Math.min(firstWait, deadline))
        const error = Exit.findErrorOption(exit)
        if (error._tag === "Some") assert.strictEqual(error.value.attempts, checks.length)
        // A pending job is never a success.
        if (Exit.isSuccess(exit)) assert.strictEqual(exit.value, "done")
      }),
    { arbitrary: { runs: 300 } }
  )
})
