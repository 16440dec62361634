import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Ending from "effect-poll/Ending"
import * as Job from "effect-poll/Job"
import * as PollError from "effect-poll/PollError"
import * as Status from "effect-poll/Status"

class Refused extends Schema.TaggedError<Refused>()("Refused", { status: Schema.Int }) {
  override get message() {
    return `HTTP ${this.status}`
  }
}

const Due = Job.make("due", {
  check: (_id: string) => Effect.succeed(Status.pending() as Status.Status<Date, ReadonlyMap<string, number>>)
}).pipe(Job.withCodecs({ success: Schema.Date, failure: Schema.ReadonlyMap(Schema.String, Schema.Finite) }))

const Plain: Ending.Source<unknown, unknown> = { name: "plain" }

const details: PollError.Details = {
  job: "due",
  key: "a",
  attempts: 7,
  elapsed: Duration.seconds(42),
  lastStatus: Status.pending({ state: "RUNNING", progress: 0.5, detail: { step: 3 } }),
  lastCheckError: undefined,
  unknownStates: { ODD: 2 },
  hints: { clamped: 1, unreadable: 0 },
  history: [{ result: "Pending RUNNING 50%", checks: 7, firstMillis: 0, lastMillis: 42_000 }]
}

const failure = new Map([["disk", 1]])

const errors: ReadonlyArray<PollError.PollError<ReadonlyMap<string, number>, unknown>> = [
  new PollError.JobFailed({ ...details, lastStatus: Status.failed(failure, { state: "BROKEN" }), failure }),
  new PollError.JobCanceled({ ...details, reason: "by hand", partial: { rows: 3 } }),
  new PollError.JobCanceled({ ...details, reason: undefined, partial: undefined }),
  new PollError.JobExpired({ ...details, reason: "too old", partial: undefined }),
  new PollError.JobNotFound(details),
  new PollError.JobStalled({ ...details, unchangedFor: Duration.minutes(5) }),
  new PollError.ActionRequired({ ...details, action: { id: "pay", kind: "payment", detail: { amount: 5 } } }),
  new PollError.PollTimeout({
    ...details,
    reason: "state",
    state: "RUNNING",
    limit: Duration.minutes(1),
    unconfirmed: Status.succeeded(new Date(5)),
    confirmation: {
      sightings: 1,
      times: 1,
      heldFor: Duration.seconds(3),
      for: Duration.seconds(10),
      elsewhere: false
    },
    cancel: { outcome: "refused", error: "no" },
    floorAt: 1_000
  }),
  new PollError.UnknownState({ ...details, state: "ODD" }),
  new PollError.ResultMissing({ ...details, state: "DONE", issue: "no url" }),
  new PollError.CheckRejected({ ...details, error: { code: 401 }, lastCheckError: { code: 401 } }),
  new PollError.CheckErrorsExhausted({
    ...details,
    error: { code: 503 },
    lastCheckError: { code: 503 },
    budget: "maxTotal",
    errorCount: 9,
    outage: Duration.seconds(9)
  })
]

const json = (u: unknown): unknown => JSON.parse(JSON.stringify(u))

const roundTrip = <A, F, E>(job: Ending.Source<A, F>, ending: Ending.Ending<A, F, E>) =>
  Result.getOrThrow(Ending.decode(job, json(Result.getOrThrow(Ending.encode(job, ending as never)))))

describe("Ending", () => {
  it("encode - keeps a result in the JSON form of its Schema", () => {
    const ending = { _tag: "Success", value: new Date(1_000) } as const
    assert.deepStrictEqual(json(Result.getOrThrow(Ending.encode(Due, ending))), {
      version: 1,
      _tag: "Success",
      value: "1970-01-01T00:00:01.000Z"
    })
    assert.deepStrictEqual(roundTrip(Due, ending), ending)
  })

  it("encode - keeps a result that is undefined", () => {
    const job = Job.withCodecs(Job.make("none", { check: () => Effect.succeed(Status.succeeded()) }), {
      success: Schema.Void
    })
    assert.deepStrictEqual(roundTrip(job, { _tag: "Success", value: undefined }), { _tag: "Success", value: undefined })
  })

  for (const error of errors) {
    it(`encode - keeps every field of ${error._tag}, and its message`, () => {
      const back = roundTrip(Due, { _tag: "Failure", error })
      assert.strictEqual(back._tag, "Failure")
      if (back._tag !== "Failure") return
      assert.instanceOf(back.error, error.constructor as never)
      assert.strictEqual(back.error.message, error.message)
      assert.deepStrictEqual({ ...back.error }, { ...error })
    })
  }

  it("encode - keeps the text of an error of a check that is not plain data", () => {
    const refused = new Refused({ status: 401 })
    const error = new PollError.CheckRejected({ ...details, error: refused, lastCheckError: refused })
    const back = roundTrip(Due, { _tag: "Failure", error })
    assert.strictEqual(
      back._tag === "Failure" && back.error._tag === "CheckRejected" && back.error.error,
      "Refused: HTTP 401"
    )
    assert.strictEqual(back._tag === "Failure" && back.error.lastCheckError, "Refused: HTTP 401")
    assert.strictEqual(back._tag === "Failure" && back.error.message, error.message)
  })

  it("encode - refuses such an error if it is to", () => {
    const error = new PollError.CheckRejected({ ...details, error: new Refused({ status: 401 }) })
    const refused = Ending.encode(Due, { _tag: "Failure", error }, { checkErrors: "refuse" })
    assert.isTrue(Result.isFailure(refused))
    const late = new PollError.JobNotFound({ ...details, lastCheckError: new Refused({ status: 401 }) })
    const encoded = Result.getOrThrow(Ending.encode(Due, { _tag: "Failure", error: late }, { checkErrors: "refuse" }))
    assert.strictEqual(encoded._tag === "Failure" && encoded.error["lastCheckError"], undefined)
  })

  it("encode - leaves out what has no Schema and is not plain data", () => {
    const error = new PollError.JobCanceled({
      ...details,
      lastStatus: Status.pending({ state: "RUNNING", detail: () => 1 }),
      reason: "by hand",
      partial: new Map()
    })
    const back = roundTrip(Due, { _tag: "Failure", error })
    assert.isTrue(back._tag === "Failure" && back.error._tag === "JobCanceled" && back.error.partial === undefined)
    assert.isTrue(
      back._tag === "Failure" &&
        back.error.lastStatus?._tag === "Pending" &&
        back.error.lastStatus.state === "RUNNING" &&
        back.error.lastStatus.detail === undefined
    )
  })

  it("encode - keeps a defect as text", () => {
    assert.deepStrictEqual(roundTrip(Due, { _tag: "Defect", defect: new TypeError("x is null") }), {
      _tag: "Defect",
      defect: "x is null"
    })
  })

  it("encode - fails for a value that the Schema does not accept, and does not show it", () => {
    const found = Ending.encode(Due, { _tag: "Success", value: "secret" as never })
    assert.isTrue(Result.isFailure(found))
    if (Result.isFailure(found)) {
      assert.strictEqual(found.failure._tag, "EndingError")
      assert.strictEqual(found.failure.operation, "encode")
      assert.notInclude(found.failure.message, "secret")
    }
  })

  it("encode - without Schemas fails for what is not plain data", () => {
    const cyclic: Record<string, unknown> = {}
    cyclic["self"] = cyclic
    for (const value of [new Date(0), 1n, Number.NaN, [undefined], () => 1, cyclic]) {
      assert.isTrue(Result.isFailure(Ending.encode(Plain, { _tag: "Success", value })), typeof value)
    }
    assert.deepStrictEqual(roundTrip(Plain, { _tag: "Success", value: { a: [1, null, "x"] } }), {
      _tag: "Success",
      value: { a: [1, null, "x"] }
    })
  })

  it("decode - fails for anything that is no ending", () => {
    const bad: ReadonlyArray<unknown> = [
      undefined,
      null,
      "text",
      {},
      { version: 2, _tag: "Success", value: "1970-01-01T00:00:01.000Z" },
      { version: 1 },
      { version: 1, _tag: "Other" },
      { version: 1, _tag: "Success", value: "no date at all" },
      { version: 1, _tag: "Success" },
      { version: 1, _tag: "Failure" },
      { version: 1, _tag: "Failure", error: { _tag: "toString" } },
      { version: 1, _tag: "Failure", error: { _tag: "JobFailed", failure: 5 } },
      { version: 1, _tag: "Failure", error: { _tag: "JobNotFound", lastStatus: { _tag: "Odd" } } }
    ]
    for (const encoded of bad) {
      const found = Ending.decode(Due, encoded)
      assert.isTrue(Result.isFailure(found), JSON.stringify(encoded))
      if (Result.isFailure(found)) assert.strictEqual(found.failure.operation, "decode")
    }
  })

  it("decode - of an error with nothing but its tag has an error that can be read", () => {
    const found = Result.getOrThrow(Ending.decode(Due, { version: 1, _tag: "Failure", error: { _tag: "PollTimeout" } }))
    assert.isTrue(found._tag === "Failure" && typeof found.error.message === "string")
  })

  it("status - is kept, with its result and failure by their Schemas", () => {
    for (const status of [
      Status.pending({ state: "RUNNING", progress: 0.5, detail: [1], action: { id: "pay" } }),
      Status.succeeded(new Date(5), { state: "DONE" }),
      Status.failed(failure, { state: "BROKEN" }),
      Status.canceled({ reason: "by hand" }),
      Status.expired({ state: "OLD", reason: "too old", partial: [1] })
    ]) {
      const encoded = json(Result.getOrThrow(Ending.encodeStatus(Due, status as never)))
      const back = Result.getOrThrow(Ending.decodeStatus(Due, encoded))
      assert.strictEqual(Status.describe(back), Status.describe(status))
      assert.deepStrictEqual(json(back), json(status))
    }
    assert.isTrue(Result.isFailure(Ending.decodeStatus(Due, { _tag: "Odd" })))
    assert.isTrue(Result.isFailure(Ending.decodeStatus(Due, undefined)))
  })

  it("fromExit - yields a result, an error, a defect, and nothing for an interruption", () => {
    const error = new PollError.JobNotFound(details)
    const defect = new Error("bug")
    assert.deepStrictEqual(Ending.fromExit(Exit.succeed(5)), { _tag: "Success", value: 5 })
    assert.deepStrictEqual(Ending.fromExit(Exit.fail(error)), { _tag: "Failure", error })
    assert.deepStrictEqual(Ending.fromExit(Exit.die(defect)), { _tag: "Defect", defect })
    assert.strictEqual(Ending.fromExit(Exit.interrupt(1)), undefined)
    assert.deepStrictEqual(Ending.fromExit(Exit.failCause(Cause.combine(Cause.interrupt(1), Cause.fail(error)))), {
      _tag: "Failure",
      error
    })
  })

  it.effect("toEffect - ends as the wait did", () =>
    Effect.gen(function* () {
      const error = new PollError.JobNotFound(details)
      assert.strictEqual(yield* Ending.toEffect({ _tag: "Success", value: 5 }), 5)
      assert.strictEqual(yield* Effect.flip(Ending.toEffect({ _tag: "Failure", error })), error)
      const exit = yield* Effect.exit(Ending.toEffect({ _tag: "Defect", defect: "bug" }))
      assert.deepStrictEqual(exit, Exit.die("bug"))
    })
  )
})
