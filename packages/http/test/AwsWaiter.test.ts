import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { existsSync, readFileSync } from "node:fs"
import { build } from "esbuild"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as AwsWaiter from "@effect-poll/http/AwsWaiter"
import { HttpCheckError } from "@effect-poll/http/HttpCheckError"

const optional = { failure: "optional" } as const

/** A waiter of the older form with these acceptors. */
const older = (...acceptors: ReadonlyArray<unknown>) =>
  AwsWaiter.load({ waiter: "Thing", delay: 5, maxAttempts: 3, acceptors }, optional)

/** A waiter of the Smithy form with these acceptors. */
const smithy = (...acceptors: ReadonlyArray<unknown>) => AwsWaiter.load({ acceptors }, optional)

const path = (argument: string, expected: unknown, state = "success", matcher = "path") => ({
  state,
  matcher,
  argument,
  expected
})

const ok = (value: unknown) => Result.succeed(value)
const broken = (error: unknown) => Result.fail(error)

/** An error as an AWS client (v3) throws it. */
const awsError = (name: string, httpStatusCode = 400, more: object = {}) =>
  Object.assign(new Error("SECRET"), { name, $metadata: { httpStatusCode }, ...more })

const verdict = (
  waiter: AwsWaiter.Waiter,
  outcome: Result.Result<unknown, unknown>,
  options?: AwsWaiter.JudgeOptions
) => AwsWaiter.judge(waiter, outcome, options)?.state ?? "none"

const rangeError = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof RangeError) return error.message
    throw error
  }
  return "nothing thrown"
}

describe("AwsWaiter", () => {
  describe("load", () => {
    it("bounds the length of a path, and what it makes of its input", () => {
      const nested = (times: number) => `join('', [${"@, ".repeat(times)}@])`
      const joins = (times: number) => Array.from({ length: times }, () => "join('', [@, @])").join(" | ")
      const doubled = (times: number) => Array.from({ length: times }, () => "[@, @][]").join(" | ")
      for (const [bad, why] of [
        [joins(26), "copies"],
        [doubled(26), "copies"],
        [Array.from({ length: 13 }, () => "{a: @, b: @}").join(" | "), "copies"],
        [Array.from({ length: 13 }, () => "merge(@, @)").join(" | "), "copies"],
        ["things[*]." + joins(13), "copies"],
        [`${nested(80)} | ${nested(80)}`, "copies"],
        ["a".repeat(1_025), "1024 characters, got 1025"]
      ] as const) {
        const message = rangeError(() => older(path(bad, "x")))
        assert.include(message, `AwsWaiter.load: a path of "Thing" must be JMESPath, got "`)
        assert.include(message, why)
        assert.isBelow(message.length, 300)
      }
      for (const good of [joins(8), doubled(8), "a".repeat(1_024), nested(80)]) older(path(good, "x"))
    })

    it("a value nested a hundred thousand deep matches nothing, and is no defect", () => {
      let deep: unknown = "x"
      for (let at = 0; at < 100_000; at++) deep = { a: deep }
      for (const matcher of ["path", "pathAll", "pathAny"]) {
        for (const argument of ["a", "to_string(@)", "a.a.a", "[@][]", "*.*"]) {
          for (const expected of ["x", { a: "x" }, [{ a: "x" }]]) {
            assert.strictEqual(verdict(older(path(argument, expected, "success", matcher)), ok(deep)), "none")
          }
        }
      }
    })

    it("refuses a path that is no JMESPath, and quotes it", () => {
      for (const [bad, why] of [
        ["State[", "Syntax error"],
        ["", "Syntax error"],
        ["a b", "Syntax error"],
        ["length(nofn(State)) > `0`", "unknown function"],
        ["things[?length(a, b) == `1`]", "arity"],
        ["pad_left(State, `1000000000`)", "unknown function"],
        ["$.State", "specification"],
        ["let $a = State in $a", "specification"]
      ] as const) {
        const message = rangeError(() => older(path(bad, "x")))
        assert.include(message, `AwsWaiter.load: a path of "Thing" must be JMESPath, got ${JSON.stringify(bad)}: `)
        assert.include(message.toLowerCase(), why.toLowerCase())
      }
      const message = { state: "failure", matcher: { errorType: "A" }, message: "][" }
      const success = { state: "success", matcher: { success: true } }
      assert.include(
        rangeError(() => smithy(message, success)),
        `got "]["`
      )
    })

    it("takes a definition without a failure acceptor only if told so", () => {
      const json = { waiter: "Thing", delay: 5, maxAttempts: 3, acceptors: [path("State", "done")] }
      assert.strictEqual(
        rangeError(() => AwsWaiter.load(json)),
        'AwsWaiter.load: failure must be "optional" for "Thing", which has no acceptor with the state failure, got "required"'
      )
      assert.include(
        rangeError(() => AwsWaiter.load(json, { name: "Other" })),
        'for "Other"'
      )
      assert.strictEqual(AwsWaiter.load(json, optional).failure, "none")
      const both = { ...json, acceptors: [...json.acceptors, path("State", "bad", "failure")] }
      assert.strictEqual(AwsWaiter.load(both).failure, "declared")
      assert.strictEqual(AwsWaiter.load(both, optional).failure, "declared")
    })

    it("refuses what is not a definition, in words", () => {
      const acceptors = [path("State", "done")]
      const said = (json: unknown) => rangeError(() => AwsWaiter.load(json, optional))
      for (const [json, word] of [
        [null, "AwsWaiter.load: not the definition of a waiter: "],
        ["InstanceRunning", "Expected object"],
        [{ delay: 0, maxAttempts: 3, acceptors }, '["delay"]'],
        [{ delay: Number.NaN, maxAttempts: 3, acceptors }, '["delay"]'],
        [{ delay: 5, maxAttempts: 1.5, acceptors }, '["maxAttempts"]'],
        [{ delay: 5, acceptors }, '["maxAttempts"]'],
        [{ delay: 5, maxAttempts: 3, acceptors: [] }, "at least one acceptor with the state success"],
        [{ delay: 5, maxAttempts: 3, acceptors: [path("a", 1, "retry")] }, "with the state success"],
        [{ delay: 5, maxAttempts: 3, acceptors: [path("a", 1, "done")] }, '["acceptors"][0]'],
        [{ delay: 5, maxAttempts: 3, acceptors: [path("a", 1, "success", "paths")] }, '["acceptors"][0]'],
        [
          { delay: 5, maxAttempts: 3, acceptors: [{ state: "success", matcher: "status", expected: "200" }] },
          '"expected"'
        ],
        [{ acceptors: [{ state: "success", matcher: {} }] }, '["matcher"]'],
        [{ minDelay: 9, maxDelay: 3, acceptors: [{ state: "success", matcher: { success: true } }] }, "minDelay"],
        [{ minDelay: 121, acceptors: [{ state: "success", matcher: { success: true } }] }, "minDelay"],
        [
          {
            acceptors: [
              { state: "success", matcher: { output: { path: "a", comparator: "booleanEquals", expected: "yes" } } }
            ]
          },
          '"expected"'
        ]
      ] as const) {
        assert.include(said(json), word)
        assert.notInclude(said(json), "\n")
      }
    })

    it.effect("Definition - decodes with a typed error, and make compiles", () =>
      Effect.gen(function* () {
        const decode = Schema.decodeUnknownEffect(AwsWaiter.Definition)
        const failed = yield* Effect.flip(decode({ delay: 5 }))
        assert.strictEqual(failed._tag, "SchemaError")
        const definition = yield* decode({
          delay: 5,
          maxAttempts: 3,
          acceptors: [path("State", "done"), { state: "failure", matcher: "error", expected: true }]
        })
        assert.deepStrictEqual(definition, {
          name: undefined,
          fixed: { delayMillis: 5000, maxAttempts: 3 },
          minDelayMillis: 2000,
          maxDelayMillis: 120_000,
          failure: "declared",
          acceptors: [
            {
              state: "success",
              message: undefined,
              matcher: { _tag: "Path", on: "output", path: "State", comparison: "equals", expected: "done" }
            },
            { state: "failure", message: undefined, matcher: { _tag: "Error", expected: true } }
          ]
        })
        const waiter = AwsWaiter.make(definition, { name: "Thing" })
        assert.isTrue(AwsWaiter.isWaiter(waiter))
        assert.isFalse(AwsWaiter.isWaiter(definition))
        assert.strictEqual(waiter.name, "Thing")
        const bad = { ...definition, acceptors: [{ ...definition.acceptors[0]!, message: "[" }] }
        assert.include(
          rangeError(() => AwsWaiter.make(bad)),
          'AwsWaiter.make: a path of a waiter must be JMESPath, got "["'
        )
      })
    )
  })

  describe("judge", () => {
    const list = (expected: unknown, matcher: string) => older(path("a[].s", expected, "success", matcher))
    const rows: ReadonlyArray<readonly [name: string, AwsWaiter.Waiter, Result.Result<unknown, unknown>, string]> = [
      ["path - the same text", older(path("s", "on")), ok({ s: "on" }), "success"],
      ["path - another text", older(path("s", "on")), ok({ s: "On" }), "none"],
      ["path - the text of a boolean is none", older(path("s", true)), ok({ s: "true" }), "none"],
      ["path - a boolean is no text", older(path("s", "true")), ok({ s: true }), "none"],
      ["path - the same boolean", older(path("s", true)), ok({ s: true }), "success"],
      ["path - a number is no text", older(path("s", "1")), ok({ s: 1 }), "none"],
      ["path - the same number", older(path("s", 1)), ok({ s: 1 }), "success"],
      ["path - one is not true", older(path("s", true)), ok({ s: 1 }), "none"],
      ["path - lists and objects are compared deep", older(path("s", [{ a: 1 }])), ok({ s: [{ a: 1 }] }), "success"],
      ["path - a deep difference", older(path("s", [{ a: 1 }])), ok({ s: [{ a: "1" }] }), "none"],
      ["path - a list is not its member", older(path("s", "on")), ok({ s: ["on"] }), "none"],
      ["path - a missing field", older(path("a.b.c", "on")), ok({ a: {} }), "none"],
      ["path - a field that is undefined", older(path("a.b", "on")), ok({ a: undefined }), "none"],
      ["path - null, if that is expected", older(path("a.b", null)), ok({ a: {} }), "success"],
      ["path - no value at all", older(path("a", "on")), ok(undefined), "none"],
      ["path - a field that every object inherits", older(path("toString", "on")), ok({}), "none"],
      ["path - an expression that does not apply", older(path("length(a) > `0`", true)), ok({}), "none"],
      ["path - an error is never looked into", older(path("s", "on")), broken({ s: "on" }), "none"],
      ["pathAll - all", list("on", "pathAll"), ok({ a: [{ s: "on" }, { s: "on" }] }), "success"],
      ["pathAll - not all", list("on", "pathAll"), ok({ a: [{ s: "on" }, { s: "off" }] }), "none"],
      ["pathAll - an empty list", list("on", "pathAll"), ok({ a: [] }), "none"],
      [
        "pathAll - members without the field are left out",
        list("on", "pathAll"),
        ok({ a: [{}, { s: "on" }] }),
        "success"
      ],
      ["pathAll - no list", list("on", "pathAll"), ok({}), "none"],
      ["pathAll - a text is no list", older(path("s", "on", "success", "pathAll")), ok({ s: "on" }), "none"],
      ["pathAll - a number among texts", list("1", "pathAll"), ok({ a: [{ s: "1" }, { s: 1 }] }), "none"],
      ["pathAny - one of them", list("on", "pathAny"), ok({ a: [{ s: "off" }, { s: "on" }] }), "success"],
      ["pathAny - none of them", list("on", "pathAny"), ok({ a: [{ s: "off" }] }), "none"],
      ["pathAny - an empty list", list("on", "pathAny"), ok({ a: [] }), "none"],
      ["pathAny - no list", older(path("s", "on", "success", "pathAny")), ok({ s: "on" }), "none"],
      [
        "error - its name",
        older({ state: "success", matcher: "error", expected: "Gone" }),
        broken({ name: "Gone" }),
        "success"
      ],
      [
        "error - another",
        older({ state: "success", matcher: "error", expected: "Gone" }),
        broken({ name: "Denied" }),
        "none"
      ],
      [
        "error - a value",
        older({ state: "success", matcher: "error", expected: "Gone" }),
        ok({ name: "Gone" }),
        "none"
      ],
      ["error - any", older({ state: "success", matcher: "error", expected: true }), broken("x"), "success"],
      ["error - any, and a value", older({ state: "success", matcher: "error", expected: true }), ok("x"), "none"],
      ["error - none", older({ state: "success", matcher: "error", expected: false }), ok(undefined), "success"],
      [
        "error - none, and an error",
        older({ state: "success", matcher: "error", expected: false }),
        broken("x"),
        "none"
      ],
      [
        "status - of a value",
        older({ state: "success", matcher: "status", expected: 200 }),
        ok({ $metadata: { httpStatusCode: 200 } }),
        "success"
      ],
      [
        "status - of an error",
        older({ state: "success", matcher: "status", expected: 404 }),
        broken(awsError("A", 404)),
        "success"
      ],
      [
        "status - another",
        older({ state: "success", matcher: "status", expected: 200 }),
        broken(awsError("A", 404)),
        "none"
      ],
      ["status - unknown", older({ state: "success", matcher: "status", expected: 200 }), ok({ status: 200 }), "none"],
      [
        "the first that matches wins",
        older(path("s", "on", "retry"), path("s", "on", "failure"), path("s", "on")),
        ok({ s: "on" }),
        "retry"
      ],
      ["stringEquals", smithy(output("s", "stringEquals", "on")), ok({ s: "on" }), "success"],
      ["stringEquals - the text of a boolean", smithy(output("s", "stringEquals", "true")), ok({ s: true }), "none"],
      ["booleanEquals", smithy(output("s", "booleanEquals", "true")), ok({ s: true }), "success"],
      ["booleanEquals - false", smithy(output("s", "booleanEquals", "false")), ok({ s: false }), "success"],
      ["booleanEquals - a text", smithy(output("s", "booleanEquals", "true")), ok({ s: "true" }), "none"],
      ["booleanEquals - the other", smithy(output("s", "booleanEquals", "true")), ok({ s: false }), "none"],
      ["allStringEquals", smithy(output("s", "allStringEquals", "on")), ok({ s: ["on", "on"] }), "success"],
      ["allStringEquals - empty", smithy(output("s", "allStringEquals", "on")), ok({ s: [] }), "none"],
      ["allStringEquals - not all", smithy(output("s", "allStringEquals", "on")), ok({ s: ["on", "off"] }), "none"],
      ["anyStringEquals", smithy(output("s", "anyStringEquals", "on")), ok({ s: ["off", "on"] }), "success"],
      ["anyStringEquals - empty", smithy(output("s", "anyStringEquals", "on")), ok({ s: [] }), "none"],
      ["success: true", smithy({ state: "success", matcher: { success: true } }), ok({}), "success"],
      ["success: true, and an error", smithy({ state: "success", matcher: { success: true } }), broken("x"), "none"],
      ["success: false", smithy({ state: "success", matcher: { success: false } }), broken("x"), "success"],
      ["errorType", smithy(errorType("NotFound")), broken({ name: "NotFound" }), "success"],
      [
        "errorType - an absolute shape ID",
        smithy(errorType("com.example#NotFound")),
        broken({ name: "NotFound" }),
        "success"
      ]
    ]
    for (const [name, waiter, outcome, expected] of rows) {
      it(name, () => assert.strictEqual(verdict(waiter, outcome), expected))
    }

    it("inputOutput - sees input and output", () => {
      const waiter = smithy({
        state: "success",
        matcher: {
          inputOutput: {
            path: "length(output.up) == length(input.asked)",
            comparator: "booleanEquals",
            expected: "true"
          }
        }
      })
      assert.strictEqual(verdict(waiter, ok({ up: [1, 2] }), { input: { asked: ["a", "b"] } }), "success")
      assert.strictEqual(verdict(waiter, ok({ up: [1] }), { input: { asked: ["a", "b"] } }), "none")
      assert.strictEqual(verdict(waiter, ok({ up: [1] })), "none")
    })

    it("a reader of one's own finds code and status", () => {
      const waiter = older(
        { state: "success", matcher: "error", expected: "E42" },
        { state: "failure", matcher: "status", expected: 418 }
      )
      const options: AwsWaiter.JudgeOptions = {
        codes: (error) => [`E${String(error)}`],
        status: (outcome) => (Result.isSuccess(outcome) ? Number(outcome.success) : undefined)
      }
      assert.strictEqual(verdict(waiter, broken(42), options), "success")
      assert.strictEqual(verdict(waiter, ok(418), options), "failure")
      assert.strictEqual(verdict(waiter, ok(200), options), "none")
    })
  })

  describe("errorCodes and httpStatus", () => {
    const http = (status: number) =>
      new HttpCheckError({
        method: "GET",
        url: "http://h",
        reason: { _tag: "Status", status, body: { kind: "json", type: undefined }, retryAfter: undefined }
      })

    it("finds every code an error may be known by", () => {
      for (const [error, codes] of [
        [
          awsError("DBInstanceNotFoundFault", 404, { Code: "DBInstanceNotFound" }),
          ["DBInstanceNotFoundFault", "DBInstanceNotFound"]
        ],
        [{ __type: "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException" }, ["ResourceNotFoundException"]],
        [{ __type: "ResourceNotFoundException:http://internal.amazon.com/coral/" }, ["ResourceNotFoundException"]],
        [{ Error: { Code: "NoSuchBucket" } }, ["NoSuchBucket"]],
        [{ code: "NoSuchEntity" }, ["NoSuchEntity"]],
        [{ code: 404, name: "" }, []],
        [
          new Cause.UnknownError(awsError("InvalidInstanceID.NotFound")),
          ["UnknownError", "InvalidInstanceID.NotFound"]
        ],
        ["NotFound", []],
        [null, []]
      ] as const) {
        assert.deepStrictEqual(AwsWaiter.errorCodes(error), codes)
      }
    })

    it("finds the status of values, errors and their causes", () => {
      assert.strictEqual(AwsWaiter.httpStatus(ok({ $metadata: { httpStatusCode: 200 } })), 200)
      assert.strictEqual(AwsWaiter.httpStatus(ok({ statusCode: 200, status: 200 })), undefined)
      assert.strictEqual(AwsWaiter.httpStatus(broken(awsError("A", 403))), 403)
      assert.strictEqual(AwsWaiter.httpStatus(broken(new Cause.UnknownError(awsError("A", 404)))), 404)
      assert.strictEqual(AwsWaiter.httpStatus(broken(http(503))), 503)
      assert.strictEqual(AwsWaiter.httpStatus(broken({ reason: { response: { status: 429 } } })), 429)
      assert.strictEqual(AwsWaiter.httpStatus(broken(new Error("x"))), undefined)
    })

    it("a cause that leads back to itself ends", () => {
      const error: { name: string; cause?: unknown } = { name: "Loop" }
      error.cause = error
      assert.deepStrictEqual(AwsWaiter.errorCodes(error), ["Loop"])
      assert.strictEqual(AwsWaiter.httpStatus(broken(error)), undefined)
    })

    it("kindOf - throttled by code or 429, transient by timeout or 5xx, permanent by other 4xx", () => {
      for (const [error, kind] of [
        [awsError("ThrottlingException", 400), "Throttled"],
        [awsError("RequestLimitExceeded", 503), "Throttled"],
        [awsError("com.amazonaws.sqs#ThrottledException:http://x", 400), "Throttled"],
        [awsError("Odd", 400, { $retryable: { throttling: true } }), "Throttled"],
        [awsError("Odd", 429), "Throttled"],
        // A code is a value: a message that holds one says nothing.
        [Object.assign(awsError("ValidationException"), { message: "ThrottlingException" }), "Permanent"],
        [awsError("RequestTimeout", 400), "Transient"],
        [awsError("AccessDeniedException", 400), "Permanent"],
        [awsError("UnauthorizedOperation", 403), "Permanent"],
        [awsError("InternalFailure", 500), "Transient"],
        [awsError("Odd", 400, { $retryable: { throttling: false } }), "Transient"],
        [Object.assign(new Error("x"), { code: "ECONNRESET" }), "Transient"],
        [new Cause.UnknownError(awsError("AccessDenied", 403)), "Permanent"],
        [http(401), "Permanent"],
        [http(503), "Transient"]
      ] as const) {
        assert.strictEqual(AwsWaiter.kindOf(error)._tag, kind, String(error))
      }
      assert.strictEqual(AwsWaiter.kindOf("x", { status: () => 400 })._tag, "Permanent")
      assert.strictEqual(AwsWaiter.kindOf(awsError("A"), { codes: () => ["SlowDown"] })._tag, "Throttled")
    })
  })

  describe("check", () => {
    const running = AwsWaiter.load({
      waiter: "InstanceRunning",
      delay: 15,
      maxAttempts: 40,
      acceptors: [
        path("I[].State", "running", "success", "pathAll"),
        path("I[].State", "terminated", "failure", "pathAny"),
        { state: "retry", matcher: "error", expected: "NotFound" }
      ]
    })
    const states = (...names: ReadonlyArray<string>) => ({ I: names.map((State) => ({ State })), secret: "SECRET" })
    const said = <A, E>(call: Effect.Effect<A, E>, waiter = running) =>
      Effect.map(AwsWaiter.check(waiter, call), (check) => {
        const found = CheckResult.unannotated(check)
        return Status.isStatus(found) ? Status.describe(found) : found._tag
      })

    it.effect("says what it sees", () =>
      Effect.gen(function* () {
        assert.strictEqual(
          yield* said(Effect.succeed(states("pending", "pending", "running"))),
          "Pending pending, running"
        )
        assert.strictEqual(yield* said(Effect.succeed({})), "Pending")
        assert.strictEqual(yield* said(Effect.fail({ name: "NotFound" })), "Pending NotFound")
        assert.strictEqual(yield* said(Effect.succeed(states("x".repeat(99)))), `Pending ${"x".repeat(80)}`)
        const byStatus = older(
          { state: "retry", matcher: "status", expected: 404 },
          { state: "success", matcher: "status", expected: 200 }
        )
        assert.strictEqual(yield* said(Effect.fail(awsError("NotFound", 404)), byStatus), "Pending 404")
        const retried = older(path("s", "BUSY", "retry"), path("s", "on"))
        assert.strictEqual(yield* said(Effect.succeed({ s: "BUSY" }), retried), "Pending BUSY")
      })
    )

    it.effect("leaves an unmatched error, a defect and an interruption alone", () =>
      Effect.gen(function* () {
        const error = awsError("UnauthorizedOperation", 403)
        assert.strictEqual(yield* Effect.flip(AwsWaiter.check(running, Effect.fail(error))), error)
        const died = yield* Effect.exit(AwsWaiter.check(running, Effect.die("bug")))
        assert.isTrue(Exit.hasDies(died))
        const stopped = yield* Effect.exit(AwsWaiter.check(running, Effect.interrupt))
        assert.isTrue(Exit.hasInterrupts(stopped))
      })
    )

    it.effect("fails with the acceptor and the outcome, and shows no more than the acceptor", () =>
      Effect.gen(function* () {
        const outcome = states("pending", "terminated")
        const failed = yield* Effect.flip(
          Poll.until(AwsWaiter.check(running, Effect.succeed(outcome)), { deadline: "1 hour" })
        )
        assert.strictEqual(failed._tag, "JobFailed")
        if (failed._tag !== "JobFailed") return
        assert.strictEqual(failed.failure.waiter, "InstanceRunning")
        assert.deepStrictEqual(failed.failure.outcome, Result.succeed(outcome))
        assert.strictEqual(AwsWaiter.describe(failed.failure.acceptor), 'any of I[].State is "terminated"')
        assert.include(failed.message, 'failed: any of I[].State is "terminated" (')
        assert.notInclude(failed.message, "SECRET")
      })
    )

    it.effect("a failure that is an error, and the message of an acceptor", () =>
      Effect.gen(function* () {
        const waiter = smithy(
          { state: "success", matcher: { success: true } },
          { state: "failure", matcher: { errorType: "Denied" }, message: "why" }
        )
        const failed = yield* AwsWaiter.check(waiter, Effect.fail({ name: "Denied", why: "no" }))
        assert.strictEqual(failed._tag === "Failed" && String(failed.failure), "the error is Denied")
        const worded = smithy(
          { ...output("s", "stringEquals", "bad"), state: "failure", message: "reasons[].text" },
          { state: "success", matcher: { success: true } }
        )
        const found = yield* AwsWaiter.check(
          worded,
          Effect.succeed({ s: "bad", reasons: [{ text: "a" }, { text: "b" }] })
        )
        assert.strictEqual(found._tag === "Failed" && found.failure.message, "a, b")
        assert.strictEqual(found._tag === "Failed" && String(found.failure), 's is "bad": a, b')
      })
    )

    it.effect("succeeds with the value, or with nothing where the success is an error", () =>
      Effect.gen(function* () {
        const gone = older({ state: "success", matcher: "error", expected: "NotFound" })
        const wait = (waiter: AwsWaiter.Waiter, call: Effect.Effect<object, unknown>) =>
          Poll.until(AwsWaiter.check(waiter, call), { deadline: "1 hour" })
        const value = states("running")
        assert.strictEqual(yield* wait(running, Effect.succeed(value)), value)
        assert.strictEqual(yield* wait(gone, Effect.fail({ name: "NotFound" })), undefined)
      })
    )
  })

  describe("job", () => {
    const table = {
      delay: 20,
      maxAttempts: 25,
      acceptors: [path("Status", "ACTIVE"), { state: "retry", matcher: "error", expected: "ResourceNotFoundException" }]
    }

    /** Answers in turn, the last one for ever, and notes when it was asked and for what. */
    const client = (...answers: ReadonlyArray<Effect.Effect<{ readonly Status: string }, Error>>) => {
      const asked: Array<string> = []
      const call = (key: string) =>
        Effect.gen(function* () {
          const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
          asked.push(`${key} ${now / 1000}`)
          return yield* answers[Math.min(asked.length, answers.length) - 1]!
        })
      return { asked, call }
    }

    it.effect("checks as its definition says, and no error but an unmatched one counts as one", () =>
      Effect.gen(function* () {
        const { asked, call } = client(
          Effect.fail(awsError("ResourceNotFoundException")),
          Effect.succeed({ Status: "CREATING" }),
          Effect.fail(awsError("ThrottlingException")),
          Effect.succeed({ Status: "ACTIVE" })
        )
        const Table = AwsWaiter.job("table", { waiter: AwsWaiter.load(table, optional), call })
        const fiber = yield* Effect.forkChild(Poll.until(Table, "users", { deadline: "1 hour" }))
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(yield* Fiber.join(fiber), { Status: "ACTIVE" })
        assert.deepStrictEqual(asked, ["users 0", "users 20", "users 40", "users 41"])
      })
    )

    it.effect("a denied call ends the wait at once", () =>
      Effect.gen(function* () {
        const error = awsError("AccessDeniedException", 400)
        const { asked, call } = client(Effect.fail(error))
        const Table = AwsWaiter.job("table", { waiter: AwsWaiter.load(table, optional), call })
        const failed = yield* Effect.flip(Poll.until(Table, "users", { deadline: "1 hour" }))
        assert.strictEqual(failed._tag === "CheckRejected" && failed.error, error)
        assert.strictEqual(asked.length, 1)
      })
    )

    it.effect("ends with its strategy, and says what was seen last", () =>
      Effect.gen(function* () {
        const { asked, call } = client(Effect.succeed({ Status: "CREATING" }))
        const Table = AwsWaiter.job("table", { waiter: AwsWaiter.load(table, optional), call })
        const fiber = yield* Effect.forkChild(Effect.flip(Poll.until(Table, "users", { deadline: "1 hour" })))
        yield* TestClock.adjust("1 hour")
        const failed = yield* Fiber.join(fiber)
        assert.strictEqual(failed._tag === "PollTimeout" && failed.reason, "strategy")
        assert.include(failed.message, "last status Pending CREATING")
        assert.strictEqual(asked.length, 25)
        assert.strictEqual(asked.at(-1), "users 480")
      })
    )

    it.effect("a policy without a kindOf keeps that of the module", () =>
      Effect.gen(function* () {
        for (const [code, expected] of [
          ["AccessDeniedException", "CheckRejected"],
          ["InternalFailure", "CheckErrorsExhausted"]
        ] as const) {
          const { call } = client(Effect.fail(awsError(code, code === "InternalFailure" ? 500 : 400)))
          const options = { waiter: AwsWaiter.load(table, optional), call, checkErrors: { maxConsecutive: 1 } }
          for (const wait of [
            Poll.until(AwsWaiter.job("table", options), "users", { deadline: "1 hour" }),
            AwsWaiter.run("users", { ...options, deadline: "1 hour" })
          ]) {
            const fiber = yield* Effect.forkChild(Effect.flip(wait))
            yield* TestClock.adjust("1 hour")
            assert.strictEqual((yield* Fiber.join(fiber))._tag, expected)
          }
        }
      })
    )

    it.effect("throttling is tolerated until the deadline, and counts as no error", () =>
      Effect.gen(function* () {
        const throttled = Effect.fail(awsError("ThrottlingException"))
        const { asked, call } = client(
          ...Array.from({ length: 20 }, () => throttled),
          Effect.succeed({ Status: "ACTIVE" })
        )
        const wait = AwsWaiter.run("users", { waiter: AwsWaiter.load(table, optional), call, deadline: "1 day" })
        const fiber = yield* Effect.forkChild(wait)
        yield* TestClock.adjust("1 day")
        assert.deepStrictEqual(yield* Fiber.join(fiber), { Status: "ACTIVE" })
        assert.strictEqual(asked.length, 21)
      })
    )

    it.effect("run - waits by the schedule of the definition, under its name", () =>
      Effect.gen(function* () {
        const { asked, call } = client(Effect.succeed({ Status: "CREATING" }))
        const waiter = AwsWaiter.load({ ...table, waiter: "TableExists" }, optional)
        const ran = (options: Partial<AwsWaiter.RunOptions<unknown, unknown, never>>) =>
          Effect.gen(function* () {
            const fiber = yield* Effect.forkChild(
              Effect.flip(AwsWaiter.run("users", { waiter, call, deadline: "1 hour", ...options }))
            )
            yield* TestClock.adjust("1 hour")
            return yield* Fiber.join(fiber)
          })
        const failed = yield* ran({})
        assert.strictEqual(failed._tag === "PollTimeout" && failed.reason, "strategy")
        assert.include(failed.message, 'TableExists "users"')
        assert.strictEqual(asked.length, 25)
        assert.include((yield* ran({ name: "mine" })).message, 'mine "users"')
        assert.include((yield* ran({ waiter: AwsWaiter.load(table, optional) })).message, 'aws-waiter "users"')
        const spaced = yield* ran({ strategy: Strategy.spaced("10 minutes") })
        assert.strictEqual(spaced._tag === "PollTimeout" && spaced.reason, "deadline")
        assert.throws(() => AwsWaiter.run("users", { waiter, call, deadline: -1 }), RangeError, "deadline")
      })
    )

    it.effect("input, strategy and checkErrors are options", () =>
      Effect.gen(function* () {
        const waiter = AwsWaiter.load(
          {
            acceptors: [
              {
                state: "success",
                matcher: {
                  inputOutput: { path: "input.id == output.Status", comparator: "booleanEquals", expected: "true" }
                }
              }
            ]
          },
          optional
        )
        const { asked, call } = client(
          Effect.fail(awsError("AccessDeniedException", 400)),
          Effect.succeed({ Status: "b" }),
          Effect.succeed({ Status: "a" })
        )
        const Thing = AwsWaiter.job("thing", {
          waiter,
          call,
          input: (id) => ({ id }),
          strategy: Strategy.spaced("3 seconds"),
          checkErrors: { schedule: Strategy.spaced("1 second"), kindOf: () => CheckError.transient() }
        })
        const fiber = yield* Effect.forkChild(Poll.until(Thing, "a", { deadline: "1 hour" }))
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(yield* Fiber.join(fiber), { Status: "a" })
        assert.deepStrictEqual(asked, ["a 0", "a 1", "a 4"])
      })
    )
  })

  describe("strategies", () => {
    it("fixed - delay and maxAttempts", () => {
      assert.deepStrictEqual(Strategy.delaysMillis(AwsWaiter.fixed(older(path("s", "on"))), 9), [5000, 5000])
      assert.strictEqual(
        rangeError(() => AwsWaiter.fixed(smithy(errorType("A")))),
        "AwsWaiter.fixed: waiter must have a delay and maxAttempts, got a waiter of the Smithy form"
      )
    })

    it("exponential - the figures of the waiter, of the specification, or those given", () => {
      const most = (waiter: AwsWaiter.Waiter, options?: Parameters<typeof AwsWaiter.exponential>[1]) =>
        Strategy.delaysMillis(AwsWaiter.exponential(waiter, options), 8, { random: () => 1 }).map((each) => each / 1000)
      const least = (waiter: AwsWaiter.Waiter) =>
        Strategy.delaysMillis(AwsWaiter.exponential(waiter), 8, { random: () => 0 }).map((each) => each / 1000)
      const own = AwsWaiter.load(
        { minDelay: 5, maxDelay: 30, acceptors: [{ state: "success", matcher: { success: true } }] },
        optional
      )
      assert.deepStrictEqual(most(older(path("s", "on"))), [2, 4, 8, 16, 32, 64, 120, 120])
      assert.deepStrictEqual(most(own), [5, 10, 20, 30, 30, 30, 30, 30])
      assert.deepStrictEqual(least(own), [5, 5, 5, 5, 5, 5, 5, 5])
      assert.deepStrictEqual(most(own, { minDelay: "10 seconds" }), [10, 20, 30, 30, 30, 30, 30, 30])
      assert.deepStrictEqual(most(own, { maxDelay: "6 seconds" }), [5, 6, 6, 6, 6, 6, 6, 6])
      assert.include(
        rangeError(() => AwsWaiter.exponential(own, { minDelay: "1 minute" })),
        "cap must be at least initial"
      )
    })

    it("exponential - a check that would come shortly before the deadline waits for it", () => {
      const waiter = smithy(output("s", "stringEquals", "on"))
      const delay = (remaining: number) =>
        Strategy.explain(AwsWaiter.exponential(waiter), { remainingMillis: remaining, random: () => 0 }).delayMillis
      assert.deepStrictEqual([4001, 4000, 3000, 1000].map(delay), [2000, 4000, 3000, 1000])
    })

    it.effect("exponential - the worked example of the specification", () =>
      Effect.gen(function* () {
        const delays = [2, 3, 6, 6, 22, 62, 43, 24, 71, 42, 9, 6]
        // What must be drawn so that the delay lies where the specification drew it, between 2 s and the backoff.
        const draws = delays.map((delay, i) => (delay - 2) / Math.max(1, Math.min(120, 2 ** (i + 1)) - 2))
        let drawn = 0
        const checks: Array<number> = []
        const call = Effect.clockWith((clock) =>
          Effect.map(clock.currentTimeMillis, (now) => {
            checks.push(now / 1000)
            return { s: "off" }
          })
        )
        const waiter = smithy(output("s", "stringEquals", "on"))
        const wait = Poll.until(AwsWaiter.check(waiter, call), {
          strategy: AwsWaiter.exponential(waiter),
          deadline: "300 seconds"
        })
        const fiber = yield* Effect.forkChild(
          Effect.flip(
            Effect.provideService(wait, Random.Random, {
              nextDoubleUnsafe: () => draws[drawn++] ?? 0.5,
              nextIntUnsafe: () => 0
            })
          )
        )
        yield* TestClock.adjust("1 hour")
        assert.strictEqual((yield* Fiber.join(fiber))._tag, "PollTimeout")
        assert.deepStrictEqual(checks, [0, 2, 5, 11, 17, 39, 101, 144, 168, 239, 281, 290, 296, 300])
      })
    )
  })

  it("describe - says each kind of acceptor", () => {
    const said = (waiter: AwsWaiter.Waiter) => waiter.acceptors.map(AwsWaiter.describe)
    assert.deepStrictEqual(
      said(
        older(
          path("a.b", true),
          path("a[].b", "on", "retry", "pathAll"),
          path("a[].b", "off", "failure", "pathAny"),
          { state: "retry", matcher: "error", expected: "A" },
          { state: "retry", matcher: "error", expected: true },
          { state: "retry", matcher: "error", expected: false },
          { state: "retry", matcher: "status", expected: 404 }
        )
      ),
      [
        "a.b is true",
        'all of a[].b is "on"',
        'any of a[].b is "off"',
        "the error is A",
        "there is an error",
        "there is no error",
        "the status is 404"
      ]
    )
  })

  describe("the JMESPath library", () => {
    const inputs = (contents: string) =>
      build({
        stdin: { contents, resolveDir: import.meta.dirname },
        bundle: true,
        minify: true,
        format: "esm",
        target: "es2023",
        write: false,
        metafile: true,
        logLevel: "error"
      }).then(({ metafile }) =>
        Object.values(metafile.outputs)
          .flatMap((each) => Object.entries(each.inputs))
          .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
          .map(([file]) => file)
      )
    const has = (files: ReadonlyArray<string>, part: string) => files.some((each) => each.includes(part))

    it("is bundled with AwsWaiter, and with nothing else", async () => {
      for (const [contents, expected] of [
        ['import * as M from "@effect-poll/http/HttpCheck"; globalThis.it = M.get', false],
        ['import { HttpCheck } from "@effect-poll/http"; globalThis.it = HttpCheck.get', false],
        ['import * as M from "@effect-poll/http/AwsWaiter"; globalThis.it = M.load', true]
      ] as const) {
        const files = await inputs(contents)
        assert.strictEqual(has(files, "jmespath"), expected, contents)
        assert.strictEqual(has(files, expected ? "AwsWaiter.ts" : "HttpCheck.ts"), true, contents)
      }
      // Three bundles take seconds where other work shares the processor.
    }, 60_000)
  })
})

const data = new URL("../../../../shared/data/aws-waiters.json", import.meta.url)
const there = existsSync(data)
if (!there) console.warn("AwsWaiter: shared/data/aws-waiters.json is not beside the repository, its tests are skipped")

interface Published {
  readonly service: string
  readonly waiter: string
  readonly delay: number
  readonly maxAttempts: number
  readonly acceptors: ReadonlyArray<{ readonly state: string }>
}

describe.skipIf(!there)("AwsWaiter and the waiters of AWS", () => {
  const all: ReadonlyArray<Published> = there ? JSON.parse(readFileSync(data, "utf8")) : []
  const named = (name: string) => {
    const found = all.find((each) => `${each.service} ${each.waiter}` === name)
    assert.isDefined(found, name)
    return AwsWaiter.load(found, optional)
  }

  it("all of them load: 244 waiters, 777 acceptors, 81 without a failure acceptor", () => {
    const waiters = all.map((each) => AwsWaiter.load(each, optional))
    assert.strictEqual(waiters.length, 244)
    assert.strictEqual(waiters.flatMap((each) => each.acceptors).length, 777)
    assert.strictEqual(waiters.filter((each) => each.failure === "none").length, 81)
    for (const [at, waiter] of waiters.entries()) {
      const published = all[at]!
      assert.strictEqual(waiter.name, published.waiter)
      assert.deepStrictEqual(waiter.fixed, { delayMillis: published.delay * 1000, maxAttempts: published.maxAttempts })
      assert.deepStrictEqual(
        waiter.acceptors.map((each) => each.state),
        published.acceptors.map((each) => each.state)
      )
    }
  })

  it("each acceptor alone matches what it asks for, and not another value", () => {
    let synthetic = 0
    for (const waiter of all.map((each) => AwsWaiter.load(each, optional))) {
      for (const acceptor of waiter.acceptors) {
        const alone = AwsWaiter.make({ ...waiter, acceptors: [acceptor] }, optional)
        const { matcher } = acceptor
        const cases = [matcher.expected, "odd"].map((wanted) => {
          switch (matcher._tag) {
            case "Error":
              return broken(awsError(String(wanted)))
            case "Status":
              return ok({ $metadata: { httpStatusCode: wanted === "odd" ? 299 : wanted } })
            case "Path":
              return /[(?]/.test(matcher.path) ? undefined : ok(valueAt(matcher.path, wanted))
          }
        })
        const [right, wrong] = cases
        // The paths with functions and filters are in the table below.
        if (right === undefined || wrong === undefined) continue
        synthetic++
        assert.strictEqual(verdict(alone, right), acceptor.state, `${waiter.name} ${AwsWaiter.describe(acceptor)}`)
        assert.strictEqual(verdict(alone, wrong), "none", `${waiter.name} ${AwsWaiter.describe(acceptor)}`)
      }
    }
    assert.strictEqual(synthetic, 764)
  })

  const instances = (...names: ReadonlyArray<string>) => ({
    Reservations: names.map((Name) => ({ Instances: [{ State: { Name } }] }))
  })
  const stacks = (...names: ReadonlyArray<string>) => ({ Stacks: names.map((StackStatus) => ({ StackStatus })) })
  const databases = (...names: ReadonlyArray<string>) => ({
    DBInstances: names.map((DBInstanceStatus) => ({ DBInstanceStatus }))
  })
  const service = (deployments: number, runningCount: number, desiredCount: number, status = "ACTIVE") => ({
    status,
    deployments: Array.from({ length: deployments }, () => ({ status: "PRIMARY" })),
    runningCount,
    desiredCount
  })
  const with200 = (value: object = {}) => ({ ...value, $metadata: { httpStatusCode: 200 } })

  const rows: ReadonlyArray<readonly [waiter: string, says: string, Result.Result<unknown, unknown>, string]> = [
    ["ec2 InstanceRunning", "all run", ok(instances("running", "running")), "success"],
    ["ec2 InstanceRunning", "one is pending", ok(instances("running", "pending")), "none"],
    ["ec2 InstanceRunning", "one is terminated", ok(instances("running", "terminated")), "failure"],
    ["ec2 InstanceRunning", "one is stopping", ok(instances("stopping", "pending")), "failure"],
    ["ec2 InstanceRunning", "no reservations", ok({ Reservations: [] }), "none"],
    ["ec2 InstanceRunning", "not there yet", broken(awsError("InvalidInstanceID.NotFound")), "retry"],
    ["ec2 InstanceRunning", "not allowed", broken(awsError("UnauthorizedOperation", 403)), "none"],
    ["ec2 ImageExists", "one image", ok({ Images: [{}] }), "success"],
    ["ec2 ImageExists", "no image", ok({ Images: [] }), "none"],
    ["ec2 ImageExists", "no list", ok({}), "none"],
    ["ec2 PasswordDataAvailable", "empty", ok({ PasswordData: "" }), "none"],
    ["ec2 PasswordDataAvailable", "there", ok({ PasswordData: "x" }), "success"],
    ["ecs ServicesStable", "one deployment, all run", ok({ failures: [], services: [service(1, 2, 2)] }), "success"],
    ["ecs ServicesStable", "one is starting", ok({ services: [service(1, 2, 2), service(1, 1, 2)] }), "none"],
    ["ecs ServicesStable", "two deployments", ok({ services: [service(2, 2, 2)] }), "none"],
    ["ecs ServicesStable", "one drains", ok({ services: [service(1, 2, 2, "DRAINING")] }), "failure"],
    ["ecs ServicesStable", "one is missing", ok({ failures: [{ reason: "MISSING" }], services: [] }), "failure"],
    ["ecs ServicesStable", "no service is stable, says the definition", ok({ services: [] }), "success"],
    ["s3 BucketExists", "200", ok(with200()), "success"],
    ["s3 BucketExists", "403 is a bucket too", broken(awsError("Forbidden", 403)), "success"],
    ["s3 BucketExists", "404", broken(awsError("NotFound", 404)), "retry"],
    ["s3 BucketExists", "500", broken(awsError("InternalError", 500)), "none"],
    ["s3 BucketNotExists", "404", broken(awsError("NotFound", 404)), "success"],
    ["s3 BucketNotExists", "200", ok(with200()), "none"],
    ["dynamodb TableExists", "not there yet", broken(awsError("ResourceNotFoundException")), "retry"],
    ["dynamodb TableExists", "in creation", ok({ Table: { TableStatus: "CREATING" } }), "none"],
    ["dynamodb TableExists", "active", ok({ Table: { TableStatus: "ACTIVE" } }), "success"],
    ["dynamodb TableExists", "throttled", broken(awsError("ThrottlingException")), "none"],
    [
      "dynamodb TableNotExists",
      "gone, by the type of the wire",
      broken({ __type: "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException" }),
      "success"
    ],
    ["dynamodb TableNotExists", "still there", ok({ Table: { TableStatus: "DELETING" } }), "none"],
    ["cloudformation StackCreateComplete", "complete", ok(stacks("CREATE_COMPLETE")), "success"],
    ["cloudformation StackCreateComplete", "one of two", ok(stacks("CREATE_COMPLETE", "CREATE_IN_PROGRESS")), "none"],
    ["cloudformation StackCreateComplete", "rolled back", ok(stacks("ROLLBACK_COMPLETE")), "failure"],
    ["cloudformation StackCreateComplete", "no stacks", ok(stacks()), "none"],
    ["cloudformation StackCreateComplete", "not there", broken(awsError("ValidationError")), "failure"],
    ["cloudformation StackExists", "not there", broken(awsError("ValidationError")), "retry"],
    ["rds DBInstanceAvailable", "available", ok(databases("available")), "success"],
    ["rds DBInstanceAvailable", "backing up", ok(databases("backing-up")), "none"],
    ["rds DBInstanceAvailable", "failed", ok(databases("available", "failed")), "failure"],
    ["rds DBInstanceDeleted", "an empty list", ok(databases()), "success"],
    ["rds DBInstanceDeleted", "deleting", ok(databases("deleting")), "none"],
    ["rds DBInstanceDeleted", "rebooting", ok(databases("rebooting")), "failure"],
    [
      "rds DBInstanceDeleted",
      "gone, by the class and the code of the client",
      broken(awsError("DBInstanceNotFoundFault", 404, { Code: "DBInstanceNotFound" })),
      "success"
    ],
    ["eks ClusterActive", "active", ok({ cluster: { status: "ACTIVE" } }), "success"],
    ["eks ClusterActive", "creating", ok({ cluster: { status: "CREATING" } }), "none"],
    ["eks ClusterActive", "failed", ok({ cluster: { status: "FAILED" } }), "failure"],
    ["lambda FunctionActive", "pending", ok({ State: "Pending" }), "retry"],
    ["lambda FunctionActive", "failed", ok({ State: "Failed" }), "failure"],
    ["lambda FunctionExists", "there", ok(with200({ Configuration: {} })), "success"],
    ["iam RoleExists", "not yet", broken(awsError("NoSuchEntityException", 404, { Code: "NoSuchEntity" })), "retry"],
    ["acm CertificateValidated", "one waits", ok(validations("SUCCESS", "PENDING_VALIDATION")), "retry"],
    ["acm CertificateValidated", "all are", ok(validations("SUCCESS", "SUCCESS")), "success"],
    [
      "ses IdentityExists",
      "a map of them",
      ok({ VerificationAttributes: { a: { VerificationStatus: "Success" } } }),
      "success"
    ],
    ["medialive ChannelRunning", "a 500 is tried again", broken(awsError("InternalServerError", 500)), "retry"],
    ["cloudwatch AlarmExists", "an alarm", ok({ MetricAlarms: [{}] }), "success"],
    ["ec2 KeyPairExists", "none", ok({ KeyPairs: [] }), "none"]
  ]
  for (const [name, says, outcome, expected] of rows) {
    it(`${name} - ${says}: ${expected}`, () => assert.strictEqual(verdict(named(name), outcome), expected))
  }
})

// ---- internal ----

function output(path: string, comparator: string, expected: string) {
  return { state: "success", matcher: { output: { path, comparator, expected } } }
}

function errorType(name: string) {
  return { state: "success", matcher: { errorType: name } }
}

function validations(...names: ReadonlyArray<string>) {
  return { Certificate: { DomainValidationOptions: names.map((ValidationStatus) => ({ ValidationStatus })) } }
}

/** A value in which a plain path (`a.b[].c`, `a.*.b`) finds this. */
function valueAt(path: string, leaf: unknown): unknown {
  return path
    .split(/\.|(?=\[)/)
    .toReversed()
    .reduce<unknown>((inner, step) => (step === "[]" ? [inner] : { [step === "*" ? "any" : step]: inner }), leaf)
}
