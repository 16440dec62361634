import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as CircuitBreakerGate from "@effect-poll/http/CircuitBreakerGate"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import * as RateLimitGate from "@effect-poll/http/RateLimitGate"

const check = Effect.succeed(Status.pending())
const schema = StatusSchema.fromField(Schema.Struct({ state: Schema.Literals(["busy"]) }), "state", {
  busy: Status.pending()
})

/** What a RangeError says, without the name of the option. */
const complaint = (make: () => unknown): string => {
  try {
    make()
  } catch (error) {
    assert.instanceOf(error, RangeError)
    return error.message.replace(/^.*? must be /, "must be ")
  }
  return "no error"
}

// This package cannot import the internal checks of the core; a user is to read the same words all the same.
describe("validate", () => {
  const durations = [0, -1, Number.NaN, Number.POSITIVE_INFINITY, "soon" as never, Duration.zero, Duration.infinity]

  it("a duration - is refused in the words of the core", () => {
    for (const duration of durations) {
      const ours = complaint(() => RateLimitGate.make({ limit: 1, window: duration }))
      assert.strictEqual(
        ours,
        complaint(() => Strategy.spaced(duration))
      )
      assert.match(ours, /^must be a positive finite duration, got /)
    }
  })

  it('a duration or "unbounded" - is refused in the words of the core', () => {
    for (const duration of durations) {
      const ours = complaint(() => CircuitBreakerGate.make({ timeout: duration }))
      assert.strictEqual(
        ours,
        complaint(() => Poll.until(check, { deadline: duration }))
      )
      assert.match(ours, /^must be a positive finite duration or "unbounded", got /)
    }
  })

  it("a whole number - is refused in the words of the core", () => {
    for (const limit of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "3" as never]) {
      const ours = complaint(() => RateLimitGate.make({ limit, window: 1 }))
      assert.strictEqual(
        ours,
        complaint(() => Strategy.maxAttempts(Strategy.spaced(1), limit))
      )
      assert.match(ours, /^must be an integer >= 1, got /)
    }
  })

  it("an empty string - is refused in the words of the core", () => {
    for (const text of ["", undefined as never]) {
      const ours = complaint(() => HttpCheck.get(text, schema))
      assert.strictEqual(
        ours,
        complaint(() => Job.make(text, { check: () => check }))
      )
      assert.match(ours, /^must be a non-empty string, got /)
    }
  })
})
