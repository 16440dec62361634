import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Seed from "@effect-poll/web/Seed"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { makePage, settled } from "./support/pages.ts"

const options = { deadline: "10 minutes" } as const

/** A job that answers what it is told to, and counts. */
const scripted = <A, F>(answer: () => CheckResult.CheckResult<A, F>) => {
  const server = { checks: 0 }
  const job = Job.make("scripted", {
    strategy: Strategy.spaced("10 seconds"),
    check: (_: string) => Effect.sync(() => (server.checks++, answer()))
  })
  return { job, server }
}

/** A seed as it arrives in the page. */
const sent = <A, F, E>(job: Job.Watchable<string, A, F, E>, advanced: Poll.Advanced<A, F, E>) =>
  Effect.map(Seed.fromAdvanced(job, advanced), (seed): unknown => JSON.parse(JSON.stringify(seed)))

describe("Seed", () => {
  it.effect("seed - is the first snapshot, and no check is made before the next one is due", () =>
    Effect.gen(function* () {
      const { job, server } = scripted(() => Status.pending({ state: "RUNNING", progress: 0.4, detail: { step: 2 } }))
      const json = yield* sent(job, yield* Poll.advance(job, "a", options))
      const { store } = yield* makePage()
      const entry = store.entry(job, "a", { ...options, seed: Seed.read(job, json) })
      const first = entry.getServerSnapshot()
      assert.strictEqual(entry.getSnapshot(), first)
      assert.strictEqual(first.phase, "waiting")
      assert.deepStrictEqual(first.status, Status.pending({ state: "RUNNING", progress: 0.4, detail: { step: 2 } }))
      assert.strictEqual(first.attempt, 1)
      assert.strictEqual(first.nextAt, 10_000)
      let renders = 0
      entry.subscribe(() => void renders++)
      yield* settled
      assert.strictEqual(entry.getSnapshot(), first)
      assert.strictEqual(renders, 0)
      yield* TestClock.adjust(9_999)
      assert.strictEqual(server.checks, 1)
      yield* TestClock.adjust(1)
      assert.strictEqual(server.checks, 2)
      assert.strictEqual(entry.getSnapshot().attempt, 2)
    })
  )

  it.effect("seed - keeps the deadline and the floor of the server", () =>
    Effect.gen(function* () {
      const { job, server } = scripted(() => CheckResult.withHint(Status.pending(), "1 minute"))
      const json = yield* sent(job, yield* Poll.advance(job, "a", { deadline: "90 seconds" }))
      yield* TestClock.adjust("30 seconds")
      const { store } = yield* makePage()
      const entry = store.entry(job, "a", { ...options, seed: Seed.read(job, json) })
      entry.subscribe(() => {})
      entry.checkNow()
      yield* TestClock.adjust("29 seconds")
      assert.strictEqual(server.checks, 1)
      assert.strictEqual(entry.getSnapshot().waitReason, "serverHint")
      yield* TestClock.adjust("31 seconds")
      yield* settled
      assert.strictEqual(entry.getSnapshot().outcome?._tag, "Failure")
    })
  )

  it.effect("seed - of an ended wait shows its outcome without a check", () =>
    Effect.gen(function* () {
      const { job, server } = scripted(() => Status.succeeded({ url: "cat.png" }))
      const json = yield* sent(job, yield* Poll.advance(job, "a", options))
      const { store } = yield* makePage()
      const entry = store.entry(job, "a", { ...options, seed: Seed.read(job, json) })
      entry.subscribe(() => {})
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(entry.getSnapshot().phase, "ended")
      assert.deepStrictEqual(entry.getSnapshot().outcome, { _tag: "Success", value: { url: "cat.png" } })
      assert.strictEqual(server.checks, 1)
      entry.restart()
      yield* settled
      assert.strictEqual(server.checks, 2)
    })
  )

  it.effect("seed - encodes results and failures by the Schemas of the job", () =>
    Effect.gen(function* () {
      const at = new Date(1_000)
      for (const status of [Status.succeeded(at), Status.failed(at)]) {
        const { job: plain } = scripted((): Status.Status<Date, Date> => status)
        const job = Job.withCodecs(plain, { success: Schema.Date, failure: Schema.Date })
        const seed = Seed.read(job, yield* sent(job, yield* Poll.advance(job, "a", options)))
        const { outcome } = seed.snapshot
        if (status._tag === "Succeeded") assert.deepStrictEqual(outcome, { _tag: "Success", value: at })
        else {
          assert.isTrue(outcome?._tag === "Failure" && outcome.error._tag === "JobFailed")
          if (outcome?._tag !== "Failure" || outcome.error._tag !== "JobFailed") return
          assert.deepStrictEqual(outcome.error.failure, at)
          assert.include(outcome.error.message, "scripted")
        }
      }
    })
  )

  it.effect("seed - that is empty begins a new wait in the page", () =>
    Effect.gen(function* () {
      const { job } = scripted((): Status.Status<Date> => Status.succeeded(new Date(0)))
      const { job: other, server } = scripted(() => Status.pending())
      const dated = yield* sent(job, yield* Poll.advance(job, "a", options))
      const found = yield* Seed.fromAdvanced(other, yield* Poll.advance(other, "a", options))
      server.checks = 0
      const { store } = yield* makePage()
      for (const json of [
        dated,
        undefined,
        null,
        "text",
        {},
        { version: 2 },
        { ...found, version: 2 },
        { ...found, job: "another" },
        { ...found, token: undefined },
        { ...found, snapshot: { version: 1, status: { _tag: "Odd" } } },
        { ...found, token: { ...found.token, version: 9 } },
        { ...found, token: { ...found.token, key: "b" } }
      ]) {
        const before = server.checks
        const entry = store.entry(other, "a", { ...options, seed: Seed.read(other, json) })
        const unsubscribe = entry.subscribe(() => {})
        yield* settled
        assert.strictEqual(server.checks, before + 1, JSON.stringify(json))
        assert.strictEqual(entry.getSnapshot().attempt, 1)
        unsubscribe()
        yield* TestClock.adjust("10 minutes")
      }
    })
  )

  it.effect("read - yields the same seed for the same object", () =>
    Effect.gen(function* () {
      const { job } = scripted(() => Status.pending())
      const json = yield* sent(job, yield* Poll.advance(job, "a", options))
      assert.strictEqual(Seed.read(job, json), Seed.read(job, json))
    })
  )

  it.effect("entry - refuses a seed that was not read", () =>
    Effect.gen(function* () {
      const { job } = scripted(() => Status.pending())
      const json = yield* sent(job, yield* Poll.advance(job, "a", options))
      const { store } = yield* makePage()
      assert.throws(() => store.entry(job, "a", { ...options, seed: json as Seed.Seed }), RangeError, "Seed.read")
    })
  )
})
