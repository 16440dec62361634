import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type * as CheckResult from "effect-poll/CheckResult"
import * as Poll from "effect-poll/Poll"
import * as PollJournal from "effect-poll/PollJournal"
import * as Status from "effect-poll/Status"
import * as Told from "effect-poll/Told"
import { pending, renderJob } from "./support/checks.ts"
import { every2s } from "./support/options.ts"
import { runFor } from "./support/runs.ts"

const options = { strategy: every2s, deadline: "1 minute" } as const

describe("PollJournal", () => {
  it.effect("observer - writes starts, changes and ends as records of its Schema, without results", () =>
    Effect.gen(function* () {
      const entries: Array<PollJournal.Entry> = []
      const journal = PollJournal.observer((entry) => Effect.sync(() => entries.push(entry)))
      const running = Status.pending({ state: "RUN", progress: 0.5 })
      const { job } = renderJob<string, string, never>(running, pending, pending, Status.failed("secret"))
      yield* runFor(Poll.until(job, "a", { ...options, observers: [journal] }), "1 minute")
      const place = { job: "render", key: "a" }
      assert.deepStrictEqual(entries.slice(0, 4), [
        { _tag: "Started", ...place, at: 0, deadlineAt: 60_000 },
        { _tag: "Changed", ...place, at: 0, attempt: 1, status: "Pending", state: "RUN", progress: 0.5 },
        { _tag: "Changed", ...place, at: 2000, attempt: 2, status: "Pending" },
        { _tag: "Changed", ...place, at: 6000, attempt: 4, status: "Failed" }
      ])
      const last = entries[4]!
      assert(last._tag === "Ended")
      assert.deepStrictEqual([last.ending, last.attempts, last.elapsedMillis], ["JobFailed", 4, 6000])
      assert.notInclude(JSON.stringify(entries), "secret")
      assert.deepStrictEqual(yield* Schema.decodeEffect(Schema.Array(PollJournal.Entry))(entries), entries)
    })
  )

  it.effect("observer - writes what a wait is told by kinds and codes [R63]", () =>
    Effect.gen(function* () {
      const entries: Array<PollJournal.Entry> = []
      const journal = PollJournal.observer((entry) => Effect.sync(() => entries.push(entry)))
      const { job } = renderJob<string, never, never>(pending, Status.succeeded("secret"))
      const push = Stream.concat(
        Stream.make(Told.report<string>(Status.pending({ state: "RUN" }))),
        Stream.fail("secret")
      )
      yield* runFor(Poll.until(job, "a", { deadline: "1 minute", observers: [journal], push }), "1 minute")
      const place = { job: "render", key: "a" }
      assert.deepStrictEqual(entries.slice(1, 4), [
        { _tag: "Told", ...place, at: 0, attempt: 0, by: "push", kind: "Report", counts: true },
        { _tag: "Changed", ...place, at: 0, attempt: 0, status: "Pending", state: "RUN", by: "push" },
        { _tag: "SourceBroke", ...place, at: 0, by: "push", error: "string", retryInMillis: 1_000 }
      ])
      assert.deepStrictEqual(
        entries.slice(4).map(({ _tag }) => _tag),
        ["Changed", "Told", "Changed", "SourceBroke", "Changed", "SignalMissed", "Ended"]
      )
      assert.deepStrictEqual(yield* Schema.decodeEffect(Schema.Array(PollJournal.Entry))(entries), entries)
    })
  )

  it.effect("observer - writes sightings and actions as tags and codes (R29, R38)", () =>
    Effect.gen(function* () {
      const entries: Array<PollJournal.Entry> = []
      const journal = PollJournal.observer((entry) => Effect.sync(() => entries.push(entry)))
      const asks = Status.pending({ action: { id: "secret", kind: "pay\n", detail: "secret" } })
      const end = Status.failed("secret", { state: "FAILED" })
      const { job } = renderJob<string, string, never>(asks, end)
      const wait = { ...options, observers: [journal], confirm: { failure: { times: 3 } } }
      yield* runFor(Poll.until(job, "a", wait), "1 minute")
      const place = { job: "render", key: "a" }
      const held = { _tag: "Confirming", ...place, status: "Failed", state: "FAILED" } as const
      assert.deepStrictEqual(
        entries.filter(({ _tag }) => _tag === "Confirming" || _tag === "ActionRequired"),
        [
          { _tag: "ActionRequired", ...place, at: 0, attempt: 1, kind: "pay\\u000a" },
          { ...held, at: 2000, attempt: 2, sightings: 1, heldForMillis: 0 },
          { ...held, at: 4000, attempt: 3, sightings: 2, heldForMillis: 2000 }
        ]
      )
      assert.notInclude(JSON.stringify(entries), "secret")
      assert.deepStrictEqual(yield* Schema.decodeEffect(Schema.Array(PollJournal.Entry))(entries), entries)
    })
  )

  it.effect("observer - records an interruption as the end", () =>
    Effect.gen(function* () {
      const entries: Array<PollJournal.Entry> = []
      const journal = PollJournal.observer((entry) => Effect.sync(() => entries.push(entry)))
      const fiber = yield* Effect.forkChild(Poll.until(Effect.succeed(pending), { ...options, observers: [journal] }))
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.interrupt(fiber)
      const last = entries.at(-1)!
      assert(last._tag === "Ended")
      assert.strictEqual(last.ending, "Interrupted")
    })
  )

  it.effect("observer - writes tags and codes of an end, never what a server or an error says", () =>
    Effect.gen(function* () {
      const entries: Array<PollJournal.Entry> = []
      const journal = PollJournal.observer((entry) => Effect.sync(() => entries.push(entry)))
      const forged = Status.pending({ state: `RUN\n${"x".repeat(1000)}` })
      const checks: ReadonlyArray<Effect.Effect<CheckResult.CheckResult<string, unknown>, unknown>> = [
        Effect.succeed(Status.failed({ reason: "secret" }, { state: "FAILED" })),
        Effect.succeed(Status.canceled({ reason: "secret", partial: "secret" })),
        Effect.fail<unknown>(new Error("secret")),
        Effect.succeed(forged)
      ]
      for (const check of checks) {
        const wait = Poll.until(check, { ...options, observers: [journal], checkErrors: { maxConsecutive: 1 } })
        yield* runFor(wait, "2 minutes")
      }
      assert.notInclude(JSON.stringify(entries), "secret")
      const state = `RUN\\u000a${"x".repeat(195)}…`
      assert.deepStrictEqual(
        entries.flatMap((entry) => {
          if (entry._tag !== "Ended") return []
          const { at: _, attempts: _2, elapsedMillis: _3, job: _4, key: _5, _tag: _6, ...codes } = entry
          return [codes]
        }),
        [
          { ending: "JobFailed", state: "FAILED" },
          { ending: "JobCanceled" },
          { ending: "CheckErrorsExhausted", limit: "maxConsecutive", checkError: "Error" },
          { ending: "PollTimeout", limit: "deadline", state }
        ]
      )
    })
  )
})
