import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { makeLeads } from "./support/leads.ts"
import { counted, makePage, settled } from "./support/pages.ts"

const options = { deadline: "1 hour" } as const

/** Three pages that share, with an entry each. */
const three = <A, F, E>(job: Job.Watchable<string, A, F, E>) =>
  Effect.gen(function* () {
    const leads = makeLeads()
    const pages = yield* Effect.all([0, 1, 2].map(() => makePage({ lead: leads.lead, hidden: "pause" })))
    const entries = pages.map(({ store }) => store.entry(job, "a", options))
    return { ...leads, pages, entries }
  })

describe("PollStore with a lead", () => {
  it.effect("lead - one page checks for three, and all show the same", () =>
    Effect.gen(function* () {
      const { job, server } = counted({ takes: 100 })
      const { entries, seats } = yield* three(job)
      entries.forEach((entry) => entry.subscribe(() => {}))
      assert.strictEqual(seats[0]!.id, '["counted","a"]')
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(server.checks, 5)
      const shown = entries.map((entry) => entry.getSnapshot())
      assert.deepStrictEqual(shown[1], shown[0])
      assert.deepStrictEqual(shown[2], shown[0])
      server.end = "done"
      yield* TestClock.adjust("10 seconds")
      yield* settled
      assert.strictEqual(server.checks, 6)
      for (const entry of entries)
        assert.deepStrictEqual(entry.getSnapshot().outcome, { _tag: "Success", value: "done" })
    })
  )

  it.effect("lead - the next page continues: nothing restarts", () =>
    Effect.gen(function* () {
      const { job, server } = counted({ strategy: Strategy.linear({ increment: "10 seconds" }) })
      const { elect, entries, pages } = yield* three(job)
      const leave = entries.map((entry) => entry.subscribe(() => {}))
      yield* TestClock.adjust("10 seconds")
      elect(1)
      yield* TestClock.adjust("20 seconds")
      leave[1]!()
      yield* TestClock.adjust("30 seconds")
      yield* Effect.promise(() => pages[0]!.store.close())
      yield* TestClock.adjust("40 seconds")
      assert.deepStrictEqual(server.at, [0, 10_000, 30_000, 60_000, 100_000])
      assert.strictEqual(entries[2]!.getSnapshot().attempt, 5)
      assert.strictEqual(entries[2]!.getSnapshot().startedAt, 0)
    })
  )

  it.effect("lead - a page that stops aborts its check, which the next one makes again", () =>
    Effect.gen(function* () {
      const { job, server } = counted({ takes: 1_000 })
      const { elect, entries, sent } = yield* three(job)
      entries.forEach((entry) => entry.subscribe(() => {}))
      yield* TestClock.adjust(500)
      assert.deepInclude(sent.at(-1), { isChecking: true, expectAt: 60_000 })
      elect(2)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(server.aborted, 1)
      assert.strictEqual(server.checks, 2)
      assert.strictEqual(entries[0]!.getSnapshot().attempt, 1)
      assert.deepInclude(sent.at(-1), { isChecking: false, expectAt: 3_500 })
    })
  )

  it.effect("lead - requests to a page that follows are carried out by the one that checks", () =>
    Effect.gen(function* () {
      const { job, server } = counted()
      const { elect, entries } = yield* three(job)
      const [first, second] = [entries[0]!, entries[1]!]
      entries.forEach((entry) => entry.subscribe(() => {}))
      yield* TestClock.adjust("1 second")
      second.checkNow()
      yield* settled
      assert.strictEqual(server.checks, 2)
      second.pause()
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(server.checks, 2)
      assert.strictEqual(first.getSnapshot().pausedBy, "user")
      assert.strictEqual(second.getSnapshot().pausedBy, "user")
      elect(2)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(server.checks, 2)
      second.unpause()
      yield* settled
      assert.strictEqual(server.checks, 3)
      second.restart()
      yield* settled
      assert.strictEqual(first.getSnapshot().attempt, 1)
      yield* Effect.promise(() => second.cancel())
      yield* TestClock.adjust(10)
      yield* settled
      assert.deepStrictEqual(first.getSnapshot().outcome, { _tag: "Success", value: "canceled" })
    })
  )

  it.effect("lead - a page without a view takes no part", () =>
    Effect.gen(function* () {
      const { job } = counted()
      const { entries, seats } = yield* three(job)
      const leave = entries.map((entry) => entry.subscribe(() => {}))
      yield* settled
      assert.strictEqual(seats.length, 3)
      leave[1]!()
      leave[2]!()
      assert.strictEqual(seats.length, 3)
      yield* TestClock.adjust(400)
      assert.strictEqual(seats.length, 1)
    })
  )

  it.effect("lead - results are shared by the Schemas of the job", () =>
    Effect.gen(function* () {
      const at = new Date(5_000)
      let checks = 0
      const job = Job.make("dated", {
        check: (_: string) => Effect.sync(() => (checks++, Status.succeeded(at)))
      }).pipe(Job.withCodecs({ success: Schema.Date }))
      const { entries } = yield* three(job)
      entries.forEach((entry) => entry.subscribe(() => {}))
      yield* settled
      yield* settled
      for (const entry of entries) assert.deepStrictEqual(entry.getSnapshot().outcome, { _tag: "Success", value: at })
      assert.strictEqual(checks, 1)
    })
  )

  it.effect("lead - each page finds a result itself that has no Schema and is not plain", () =>
    Effect.gen(function* () {
      const at = new Date(5_000)
      let checks = 0
      const job = Job.make("dated", { check: (_: string) => Effect.sync(() => (checks++, Status.succeeded(at))) })
      const { entries } = yield* three(job)
      entries.forEach((entry) => entry.subscribe(() => {}))
      yield* TestClock.adjust("1 second")
      yield* settled
      for (const entry of entries) assert.deepStrictEqual(entry.getSnapshot().outcome, { _tag: "Success", value: at })
      assert.isAtMost(checks, 3)
    })
  )
})
