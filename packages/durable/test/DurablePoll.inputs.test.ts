import { assert, describe, it } from "@effect/vitest"
import * as DurablePoll from "@effect-poll/durable/DurablePoll"
import { DurableStore } from "@effect-poll/durable/DurableStore"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import type { Ownership } from "@effect-poll/durable/Ownership"
import { hour, inMemory, runnerOn, shared } from "./support/jobs.ts"

interface Input {
  readonly text: string
  readonly due: Date
  readonly idempotencyKey?: string | undefined
}

const InputSchema = Schema.Struct({
  text: Schema.String,
  due: Schema.Date,
  idempotencyKey: Schema.optional(Schema.String)
})

/** A server that takes inputs; `answer` says what a submit does. */
const makeServer = (answer?: (input: Input) => Effect.Effect<Job.Receipt<string, string, number>, string>) => {
  const submitted: Array<Input> = []
  const job = Job.make("render", {
    check: (key: string) => Effect.succeed(Status.succeeded(`${key}.png`) as Status.Status<string, number>),
    submit: (input: Input) =>
      Effect.suspend(() => {
        submitted.push(input)
        return answer?.(input) ?? Effect.succeed({ key: `job-${input.text}` })
      })
  }).pipe(Job.withCodecs({ success: Schema.String, failure: Schema.Finite }))
  return { job, submitted }
}

const input = {
  schema: InputSchema,
  withIdempotencyKey: (some: Input, idempotencyKey: string): Input => ({ ...some, idempotencyKey })
}

const due = new Date("2030-01-31T00:00:00Z")

const byText = { idempotencyKey: ({ text }: Input) => text }

describe("DurablePoll.submitInputs", () => {
  it.effect("submitInputs - a runner submits the input once, with its idempotency key, and checks the job", () => {
    const { job, submitted } = makeServer()
    const poll = DurablePoll.make(job, { ...hour, input })
    return Effect.gen(function* () {
      const [ref, again] = yield* poll.submitInputs(
        [
          { text: "a", due },
          { text: "a", due }
        ],
        { ...byText, tags: ["t"] }
      )
      assert.deepStrictEqual(again, ref)
      assert.deepStrictEqual(yield* poll.ref("a"), ref)
      const before = yield* poll.find(ref!)
      assert.deepStrictEqual(
        [before.state, before.key, before.idempotencyKey, before.tags],
        ["outbox", undefined, "a", ["t"]]
      )
      const fiber = yield* Effect.forkChild(poll.await(ref!))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "job-a.png")
      assert.deepStrictEqual(submitted, [{ text: "a", due, idempotencyKey: "a" }])
      yield* poll.submitInputs([{ text: "a", due }], byText)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(submitted.length, 1)
      assert.strictEqual((yield* poll.find(ref!)).key, "job-a")
    }).pipe(Effect.provide(inMemory(poll)))
  })

  it.effect("a deadline - that passed before a runner came ends the job, which is not submitted", () => {
    const { job, submitted } = makeServer()
    const poll = DurablePoll.make(job, { ...hour, input })
    return Effect.gen(function* () {
      const store = Layer.succeedContext(yield* Effect.context<DurableStore | Ownership>())
      const [late] = yield* poll.submitInputs([{ text: "late", due }], byText)
      yield* TestClock.adjust("30 minutes")
      const [early] = yield* poll.submitInputs([{ text: "early", due }], byText)
      yield* TestClock.adjust("31 minutes")
      yield* Effect.gen(function* () {
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(
          submitted.map(({ text }) => text),
          ["early"]
        )
        assert.strictEqual((yield* Effect.flip(poll.await(late!)))._tag, "PollTimeout")
        assert.strictEqual(yield* poll.await(early!), "job-early.png")
        yield* poll.retry(late!)
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(yield* poll.await(late!), "job-late.png")
      }).pipe(Effect.provide(runnerOn(store, poll)))
    }).pipe(Effect.provide(DurablePoll.layerMemory))
  })

  it.effect("a receipt - ends the job without a check if it has an end, and its hint delays the first check", () => {
    const { job } = makeServer(({ text }) =>
      Effect.succeed(
        text === "done"
          ? { key: "k-done", ended: Status.succeeded("at once") }
          : text === "broken"
            ? { key: "k-broken", ended: Status.failed(7) }
            : { key: "k", hint: "1 minute" as never }
      )
    )
    const poll = DurablePoll.make(job, { ...hour, input })
    return Effect.gen(function* () {
      const refs = yield* poll.submitInputs(
        ["done", "broken", "later"].map((text) => ({ text, due })),
        byText
      )
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* poll.await(refs[0]!), "at once")
      const error = yield* Effect.flip(poll.await(refs[1]!))
      assert.isTrue(error._tag === "JobFailed" && error.failure === 7 && error.key === "k-broken")
      const later = yield* poll.find(refs[2]!)
      assert.strictEqual(later.state, "pending")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* poll.await(refs[2]!), "k.png")
    }).pipe(Effect.provide(inMemory(poll)))
  })

  it.effect("a submit that fails - ends the job, and retry submits it again with the same idempotency key", () => {
    let isDown = true
    const { job, submitted } = makeServer(({ text }) =>
      isDown ? Effect.fail("503") : Effect.succeed({ key: `job-${text}` })
    )
    const poll = DurablePoll.make(job, { ...hour, input })
    return Effect.gen(function* () {
      const [ref] = yield* poll.submitInputs([{ text: "a", due }], byText)
      yield* TestClock.adjust("10 seconds")
      const error = yield* Effect.flip(poll.await(ref!))
      assert.deepStrictEqual({ ...error }, {
        _tag: "DurableSubmitFailed",
        kind: "render",
        id: ref!.id,
        idempotencyKey: "a",
        reason: "failed",
        detail: "503"
      } as never)
      assert.strictEqual(submitted.length, 1)
      isDown = false
      yield* poll.retry(ref!)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* poll.await(ref!), "job-a.png")
      assert.deepStrictEqual(
        submitted.map(({ idempotencyKey }) => idempotencyKey),
        ["a", "a"]
      )
    }).pipe(Effect.provide(inMemory(poll)))
  })

  it.effect("a submit that takes too long or throws, and an input that does not match its Schema - end the job", () => {
    const { job } = makeServer(({ text }) => (text === "slow" ? Effect.never : Effect.die(new Error("bug"))))
    const poll = DurablePoll.make(job, { ...hour, input: { ...input, submitTimeout: "30 seconds" } })
    return Effect.gen(function* () {
      const refs = yield* poll.submitInputs(
        ["slow", "bug"].map((text) => ({ text, due })),
        byText
      )
      const store = yield* DurableStore
      const [row] = yield* store.find("render", [refs[0]!.id])
      yield* store.insert([
        { ...row!, id: "odd", state: "outbox", input: '{"text":5}', delayMillis: 0, hooks: [], idempotencyKey: "odd" }
      ])
      yield* TestClock.adjust("1 minute")
      const details = yield* Effect.forEach([...refs, { kind: "render", id: "odd" }], (ref) =>
        Effect.map(Effect.flip(poll.await(ref)), (error) => (error._tag === "DurableSubmitFailed" ? error.detail : ""))
      )
      assert.include(details[0], "did not end within 30s")
      assert.strictEqual(details[1], "bug")
      assert.include(details[2], "does not match its Schema")
    }).pipe(Effect.provide(inMemory(poll)))
  })

  for (const onUnknown of ["submitAgain", "fail"] as const) {
    it.effect(`onUnknown: ${onUnknown} - decides what happens if a process died during a submit`, () => {
      const { job, submitted } = makeServer()
      const poll = DurablePoll.make(job, { ...hour, input: { ...input, onUnknown } })
      return Effect.gen(function* () {
        const [ref] = yield* poll.submitInputs([{ text: "a", due }], byText)
        const store = yield* DurableStore
        const [row] = yield* store.find("render", [ref!.id])
        // Another process claimed the bucket, began to submit, and died.
        const claims = yield* store.claim("other", [row!.bucket])
        assert.deepStrictEqual(yield* store.submitting([{ id: ref!.id, round: 1, claim: claims[0]! }]), [ref!.id])
        yield* TestClock.adjust("1 second")
        yield* Effect.gen(function* () {
          yield* TestClock.adjust("10 seconds")
          if (onUnknown === "submitAgain") {
            assert.strictEqual(yield* poll.await(ref!), "job-a.png")
            assert.strictEqual(submitted.length, 1)
          } else {
            const error = yield* Effect.flip(poll.await(ref!))
            assert.isTrue(error._tag === "DurableSubmitFailed" && error.reason === "unknown")
            assert.strictEqual(submitted.length, 0)
          }
        }).pipe(Effect.provide(runnerOn(yield* shared, poll)))
      }).pipe(Effect.provide(DurablePoll.layerMemory))
    })
  }

  it.effect("cancel and settle - end a job that is not submitted yet, and it never is", () => {
    const { job, submitted } = makeServer()
    const poll = DurablePoll.make(job, { ...hour, input })
    return Effect.gen(function* () {
      const refs = yield* poll.submitInputs(
        ["a", "b"].map((text) => ({ text, due })),
        byText
      )
      yield* poll.cancel(refs[0]!)
      yield* poll.settle(refs[1]!, Status.succeeded("known"))
      yield* Effect.gen(function* () {
        yield* TestClock.adjust("10 seconds")
        const error = yield* Effect.flip(poll.await(refs[0]!))
        assert.isTrue(error._tag === "JobCanceled" && error.reason === "it was canceled before it was submitted")
        assert.strictEqual(yield* poll.await(refs[1]!), "known")
        assert.deepStrictEqual(submitted, [])
      }).pipe(Effect.provide(runnerOn(yield* shared, poll)))
    }).pipe(Effect.provide(DurablePoll.layerMemory))
  })

  it("submitInputs - throws for an input that does not match its Schema, and without the option", () => {
    const { job } = makeServer()
    const poll = DurablePoll.make(job, { ...hour, input })
    const bad = [{ text: 5, due }] as never
    assert.throws(() => poll.submitInputs(bad, byText), RangeError, "an input cannot be encoded")
    assert.throws(() => DurablePoll.make(job, hour).submitInputs([], byText), RangeError, "no option input")
    const empty = { idempotencyKey: () => "" }
    assert.throws(() => poll.submitInputs([{ text: "a", due }], empty), RangeError, "idempotencyKey")
  })
})
