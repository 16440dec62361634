import { assert, describe, it } from "@effect/vitest"
import * as Fault from "@effect-poll/testing/Fault"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as Duration from "effect/Duration"

describe("JobScript", () => {
  it("make - applies the documented defaults", () => {
    const script = JobScript.make()
    assert.strictEqual(Duration.toMillis(script.duration), 1000)
    assert.strictEqual(script.outcome, "succeeded")
    assert.strictEqual(script.progress, "linear")
    assert.strictEqual(script.recordTtl, undefined)
    assert.strictEqual(Duration.toMillis(script.staleFor), 300)
    assert.deepStrictEqual(script.faults, [])
    assert.isTrue(JobScript.isJobScript(script))
    assert.isFalse(JobScript.isJobScript({ duration: 1 }))
  })

  it("constructors - set the outcome", () => {
    assert.strictEqual(JobScript.succeeded("1 second").outcome, "succeeded")
    assert.strictEqual(JobScript.failed("1 second").outcome, "failed")
    assert.strictEqual(JobScript.canceled("1 second").outcome, "canceled")
    assert.strictEqual(JobScript.expired("1 second").outcome, "expired")
    assert.strictEqual(Duration.toMillis(JobScript.endless().duration), Infinity)
  })

  it.each([
    ["duration", () => JobScript.make({ duration: -1 })],
    ["duration", () => JobScript.make({ duration: NaN })],
    // @ts-expect-error not a duration
    ["duration", () => JobScript.make({ duration: "soon" })],
    // @ts-expect-error not an outcome
    ["outcome", () => JobScript.make({ outcome: "lost" })],
    // @ts-expect-error not a kind of progress
    ["progress", () => JobScript.make({ progress: "wild" })],
    ["recordTtl", () => JobScript.make({ recordTtl: Duration.seconds(-1) })],
    ["staleFor", () => JobScript.make({ staleFor: "-1 millis" })],
    ["retryAfter", () => JobScript.make({ retryAfter: "1500 millis" })],
    // @ts-expect-error not a form
    ["retryAfterAs", () => JobScript.make({ retryAfterAs: "weeks" })],
    ["nth", () => JobScript.make({ faults: [{ _tag: "Drop", nth: 0 }] })],
    ["on", () => JobScript.make({ faults: [{ _tag: "Drop", nth: 1, on: "dance" as "check" }] })]
  ])("make - throws a RangeError that names an invalid %s", (option, construct) => {
    assert.throws(construct, RangeError, option)
  })
})

describe("Fault", () => {
  it.each([
    ["Fault.drop: nth must be an integer >= 1, got 0", () => Fault.drop(0)],
    ["Fault.serverError: nth", () => Fault.serverError(1.5)],
    ["Fault.badGateway: nth", () => Fault.badGateway(-1)],
    ["Fault.badBody: nth", () => Fault.badBody(NaN)],
    ["Fault.html: nth", () => Fault.html(Infinity)],
    ["Fault.latency: nth", () => Fault.latency(0, "1 second")],
    ["Fault.latency: delay must be a non-negative duration, got -5", () => Fault.latency(1, -5)],
    [
      'Fault.tooManyRequests: retryAfter must be a whole number of seconds, got "100 millis"',
      () => Fault.tooManyRequests(1, "100 millis")
    ],
    ["Fault.tooManyRequests: retryAfter", () => Fault.tooManyRequests(1, "Infinity")],
    ["Fault.tooManyRequests: as", () => Fault.tooManyRequests(1, "1 second", { as: "weeks" as "date" })],
    ["Fault.repeat: times", () => Fault.repeat(Fault.drop(1), 0)],
    ["Fault.drop: nth must be 1, got 2", () => Fault.on(Fault.drop(2), "submit")],
    ["Fault.html: nth", () => Fault.repeat(Fault.on(Fault.html(1), "submit"), 2)]
  ])("%s - is thrown as a RangeError", (message, construct) => {
    assert.throws(construct, RangeError, message)
  })

  it("repeat - affects consecutive checks, data-first and data-last", () => {
    const checks = [3, 4, 5]
    assert.deepStrictEqual(
      Fault.repeat(Fault.drop(3), 3).map((fault) => fault.nth),
      checks
    )
    assert.deepStrictEqual(
      Fault.repeat(3)(Fault.drop(3)).map((fault) => fault.nth),
      checks
    )
  })

  it("on - affects another operation, data-first and data-last", () => {
    const expected = { _tag: "Drop", nth: 2, on: "kill", carriedOut: false } as const
    assert.deepStrictEqual(Fault.on(Fault.drop(2), "kill", { carriedOut: false }), expected)
    assert.deepStrictEqual(Fault.on("kill", { carriedOut: false })(Fault.drop(2)), expected)
  })
})
