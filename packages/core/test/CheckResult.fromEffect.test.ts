import { assert, describe, it } from "@effect/vitest"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Status from "effect-poll/Status"
import { hosts } from "./support/hosts.ts"
import { every1s, hour } from "./support/options.ts"
import { ending, errorOf, runFor, valueOf } from "./support/runs.ts"

class NotReady extends Data.TaggedError("NotReady")<{ readonly after?: Duration.Input }> {}
class NotFound extends Data.TaggedError("NotFound")<{ readonly name: string }> {}
class Broken extends Data.TaggedError("Broken")<{}> {}
class Busy extends Data.TaggedError("Busy")<{ readonly after?: Duration.Input }> {}
class Denied extends Data.TaggedError("Denied")<{}> {}

type SdkError = NotReady | NotFound | Broken | Busy | Denied

/** A call of an SDK that answers with these in turn, and repeats the last one. */
const calling = <A>(...answers: ReadonlyArray<A | SdkError>) => {
  let calls = 0
  const call = Effect.suspend((): Effect.Effect<A, SdkError> => {
    const answer = answers[Math.min(calls++, answers.length - 1)]!
    return answer instanceof Error ? Effect.fail(answer) : Effect.succeed(answer)
  })
  return { call, calls: () => calls }
}

const options = { ...hour, strategy: every1s } as const

describe("CheckResult.fromEffect", () => {
  describe.each(hosts)("in $name", ({ until }) => {
    it.effect("pending - is checked again, after the delay of the hint", () =>
      Effect.gen(function* () {
        const { call } = calling("done", new NotReady({ after: "5 seconds" }))
        const { call: later } = calling<string>(new NotReady({ after: "5 seconds" }), new NotReady({}), "done")
        const check = CheckResult.fromEffect(later, {
          pending: ["NotReady"],
          hint: (error) => (error._tag === "NotReady" ? error.after : undefined)
        })
        const { at, exit } = yield* runFor(until(check, options), "1 minute")
        assert.deepStrictEqual([valueOf(exit), at], ["done", 6000])
        assert.strictEqual(
          valueOf((yield* runFor(until(CheckResult.fromEffect(call), options), "1 minute")).exit),
          "done"
        )
      })
    )

    it.effect("missing - is a missing job", () =>
      Effect.gen(function* () {
        const { call } = calling<string>(new NotReady({}), new NotFound({ name: "a" }))
        const check = CheckResult.fromEffect(call, { pending: ["NotReady"], missing: ["NotFound"] })
        assert.strictEqual(ending((yield* runFor(until(check, options), "1 minute")).exit), "JobNotFound")
      })
    )

    it.effect("succeeded - is a success, with the value that the error stands for", () =>
      Effect.gen(function* () {
        const { call } = calling({ state: "DELETING" }, new NotFound({ name: "a" }))
        const deletion = CheckResult.fromEffect(call, {
          answer: ({ state }) => Status.pending({ state }),
          succeeded: ["NotFound"],
          value: ({ name }) => `${name} is gone`
        })
        const { at, exit } = yield* runFor(until(deletion, options), "1 minute")
        assert.deepStrictEqual([valueOf(exit), at], ["a is gone", 1000])
        const plain = CheckResult.fromEffect(calling(new NotFound({ name: "a" })).call, { succeeded: ["NotFound"] })
        assert.isUndefined(valueOf((yield* runFor(until(plain, options), "1 minute")).exit))
      })
    )

    it.effect("failed - is a failed job, with the error as its failure", () =>
      Effect.gen(function* () {
        const check = CheckResult.fromEffect(calling<string>(new Broken()).call, { failed: ["Broken"] })
        const error = errorOf((yield* runFor(until(check, options), "1 minute")).exit)
        assert(error._tag === "JobFailed")
        assert.instanceOf(error.failure, Broken)
      })
    )

    it.effect("permanent - ends the wait at the first error", () =>
      Effect.gen(function* () {
        const { call, calls } = calling<string>(new Denied())
        const check = CheckResult.fromEffect(call, { permanent: ["Denied"] })
        const error = errorOf((yield* runFor(until(check, options), "1 minute")).exit)
        assert(error._tag === "CheckRejected")
        assert.instanceOf(error.error, Denied)
        assert.strictEqual(calls(), 1)
      })
    )

    it.effect("throttled - counts against no budget, and obeys the hint", () =>
      Effect.gen(function* () {
        const busy = Array.from({ length: 12 }, () => new Busy({ after: "2 seconds" }))
        const check = CheckResult.fromEffect(calling<string>(...busy, "done").call, {
          throttled: ["Busy"],
          hint: (error) => (error._tag === "Busy" ? error.after : undefined)
        })
        const { at, exit } = yield* runFor(until(check, options), "1 minute")
        assert.deepStrictEqual([valueOf(exit), at], ["done", 24_000])
      })
    )

    it.effect("tag that is not listed - is a transient error, and its hint is a floor", () =>
      Effect.gen(function* () {
        const check = CheckResult.fromEffect(calling<string>(new Busy({ after: "20 seconds" }), "done").call, {
          permanent: ["Denied"],
          hint: (error) => (error._tag === "Busy" ? error.after : undefined)
        })
        const { at, exit } = yield* runFor(until(check, options), "1 minute")
        assert.deepStrictEqual([valueOf(exit), at], ["done", 20_000])
      })
    )
  })

  const answerOf = <A, F, E>(check: Effect.Effect<CheckResult.CheckResult<A, F>, E>) => Effect.runSync(check)

  it("value - is the result, or the answer itself if it is a status or a CheckResult", () => {
    assert.deepStrictEqual(answerOf(CheckResult.fromEffect(Effect.succeed(7))), Status.succeeded(7))
    assert.deepStrictEqual(answerOf(CheckResult.fromEffect(Effect.succeed(Status.canceled()))), Status.canceled())
    const hinted = CheckResult.withHint(Status.pending(), "1 second")
    assert.strictEqual(answerOf(CheckResult.fromEffect(Effect.succeed(hinted))), hinted)
    assert.strictEqual(answerOf(CheckResult.fromEffect(Effect.succeed(CheckResult.missing))), CheckResult.missing)
  })

  it("hint - is kept for pending and missing jobs, and is unreadable if it is not a duration", () => {
    const hintOf = (after: Duration.Input, tag: "pending" | "missing" = "pending") => {
      const result = answerOf(
        CheckResult.fromEffect(Effect.fail(new NotReady({ after })), {
          pending: tag === "pending" ? (["NotReady"] as const) : [],
          missing: tag === "missing" ? (["NotReady"] as const) : [],
          hint: (error) => error.after
        })
      )
      assert(result._tag === "Annotated")
      return result.hint
    }
    assert.deepStrictEqual(hintOf("5 seconds"), Duration.seconds(5))
    assert.deepStrictEqual(hintOf(250, "missing"), Duration.millis(250))
    for (const wrong of ["soon" as never, Number.NaN, -5, "-5 seconds" as const]) {
      assert.strictEqual(hintOf(wrong), "unreadable")
    }
  })

  it.effect("error that states its kind - keeps it, unless its tag is listed", () =>
    Effect.gen(function* () {
      class Stated extends Data.TaggedError("Stated")<{}> {
        readonly [CheckError.kind] = CheckError.permanent()
      }
      const kindAfter = (check: Effect.Effect<unknown, unknown>) => Effect.map(Effect.flip(check), CheckError.kindOf)
      const failing = () => Effect.fail(new Stated())
      assert.strictEqual((yield* kindAfter(CheckResult.fromEffect(failing())))._tag, "Permanent")
      const hinted = CheckResult.fromEffect(failing(), { hint: () => "1 second" })
      assert.strictEqual((yield* kindAfter(hinted))._tag, "Permanent")
      const listed = CheckResult.fromEffect(failing(), { throttled: ["Stated"], hint: () => "1 second" })
      assert.deepStrictEqual(yield* kindAfter(listed), CheckError.throttled({ retryAfter: Duration.seconds(1) }))
    })
  )

  it.effect("error - is the same object, unchanged, even if it is frozen", () =>
    Effect.gen(function* () {
      const error = Object.freeze({ _tag: "Denied" as const })
      const failed = yield* Effect.flip(CheckResult.fromEffect(Effect.fail(error), { permanent: ["Denied"] }))
      assert.strictEqual(failed, error)
      assert.deepStrictEqual(Reflect.ownKeys(failed), ["_tag"])
      assert.strictEqual(CheckError.kindOf(failed)._tag, "Permanent")
    })
  )

  it.effect("defect and interruption - pass through", () =>
    Effect.gen(function* () {
      const defect = yield* Effect.exit(CheckResult.fromEffect(Effect.die("bug")))
      assert.strictEqual(defect._tag, "Failure")
      assert.include(String(defect), "bug")
    })
  )

  it("tag that is listed twice, and list that is not an array - throw a RangeError", () => {
    const call = calling<string>("done").call
    assert.throws(
      () => CheckResult.fromEffect(call, { pending: ["NotReady"], transient: ["NotReady"] }),
      RangeError,
      "CheckResult.fromEffect: NotReady is in pending and in transient"
    )
    assert.throws(
      () => CheckResult.fromEffect(call, { missing: "NotFound" as never }),
      RangeError,
      'CheckResult.fromEffect: missing must be an array of tags, got "NotFound"'
    )
    for (const option of ["hint", "answer", "value"]) {
      assert.throws(
        () => CheckResult.fromEffect(call, { [option]: 5 }),
        RangeError,
        `CheckResult.fromEffect: ${option} must be a function, got 5`
      )
    }
  })
})

describe("CheckError.withKind", () => {
  it("withKind - replaces the kind of an error, in both forms", () => {
    const error = new Error("x")
    assert.strictEqual(CheckError.withKind(error, CheckError.permanent()), error)
    assert.strictEqual(CheckError.kindOf(error)._tag, "Permanent")
    CheckError.withKind(CheckError.throttled())(error)
    assert.strictEqual(CheckError.kindOf(error)._tag, "Throttled")
    assert.strictEqual(CheckError.kindOf(new Error("x"))._tag, "Transient")
  })

  it("withKind - leaves primitives alone", () => {
    assert.strictEqual(CheckError.withKind("denied", CheckError.permanent()), "denied")
    assert.strictEqual(CheckError.withKind(null, CheckError.permanent()), null)
    assert.strictEqual(CheckError.kindOf("denied")._tag, "Transient")
  })
})
