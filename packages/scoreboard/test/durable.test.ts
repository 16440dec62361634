import { assert, describe, it } from "@effect/vitest"
import { afterAll } from "vitest"
import { aims, linesOf, type Measured, type Part, parts, summary } from "../durable/board.ts"
import { costsOf, count, type Counted, problemOf } from "../durable/costs.ts"
import { open, type Postgres } from "../durable/postgres.ts"
import { ours, peers } from "../durable/rows.ts"

const measured = (part: Part, name: string, figures: Measured["figures"]): Measured => ({
  part,
  name,
  figures,
  seconds: 1
})

const verdictOf = (all: ReadonlyArray<Measured>, line: string) =>
  linesOf(all).find(({ name }) => name === line)?.verdict

const work = { jobs: 10, checks: 3, intervalMillis: 100 }

describe("durable", () => {
  it("has the keys of the last line, for the parts that were measured", () => {
    const costs = { statementsPerJob: 1.23456, rowWritesPerJob: 2, walBytesPerJob: 3, cpuMillisPerJob: 4, seconds: 5 }
    assert.deepStrictEqual(
      summary([measured("peers", "pg-boss", costs), measured("budget", "redis", { errorPercent: 0 })]),
      {
        rows: { "pg-boss": { statementsPerJob: 1.235, rowWritesPerJob: 2, walBytesPerJob: 3, cpuMillisPerJob: 4 } },
        budget: { errorPercent: 0 }
      }
    )
    assert.deepStrictEqual([...parts], ["ours", "peers", "kills", "budget"])
  })

  it("a figure that is missing or too large misses its aim", () => {
    const good = [measured("ours", "a", { rowWritesPerJob: 2 })]
    assert.strictEqual(verdictOf(good, "ours.rowWritesPerJob"), "pass")
    assert.strictEqual(verdictOf(good, "ours.statementsPerCheck"), "miss")
    assert.strictEqual(verdictOf([measured("ours", "a", { rowWritesPerJob: 2.2 })], "ours.rowWritesPerJob"), "miss")
    assert.strictEqual(verdictOf([measured("kills", "a", { lost: 1, double: 0 })], "kills.lost"), "miss")
    for (const part of ["ours", "kills", "budget"] as const) {
      const missed = linesOf([measured(part, "a", {})]).filter(({ verdict }) => verdict === "miss")
      assert.strictEqual(missed.length, Object.keys(aims[part]).length)
    }
  })

  it("peers - are judged by how many times as many rows as ours they write", () => {
    const rows = (writes: number) =>
      [measured("peers", ours.name, { rowWritesPerJob: 2 })].concat(
        peers.map(({ name }) => measured("peers", name, { rowWritesPerJob: writes }))
      )
    const missed = (all: ReadonlyArray<Measured>) => linesOf(all).filter(({ verdict }) => verdict === "miss").length
    assert.strictEqual(missed(rows(200)), 0)
    assert.strictEqual(missed(rows(199)), 1)
    assert.strictEqual(missed(rows(19)), 4)
    // Without ours, or without a peer, there is no ratio.
    assert.strictEqual(missed(rows(200).slice(1)), 4)
    assert.strictEqual(missed(rows(200).slice(0, 1)), 4)
  })

  it("a row that has not done the work has no figures", () => {
    const done = { done: 10, checks: 30, millis: 250 }
    assert.isUndefined(problemOf(work, done))
    assert.include(problemOf(work, { ...done, done: 9 }), "9 of 10 jobs")
    assert.include(problemOf(work, { ...done, checks: 29 }), "29 checks instead of 30")
    assert.include(problemOf(work, { ...done, millis: 150 }), "has not waited 200 ms")
    assert.throws(() => costsOf(work, { ...done, done: 0 } as Counted), "0 of 10 jobs")
  })
})

const postgres = await open().catch((cause: unknown) => {
  console.warn(`durable with PostgreSQL is skipped: ${String(cause)}`)
  return undefined
})

describe.skipIf(postgres === undefined)("durable with PostgreSQL", () => {
  afterAll(() => postgres?.stop())

  const countOf = (name: string) =>
    count(postgres as Postgres, new URL(`durableSubjects.ts#${name}`, import.meta.url).href, work, { settleMillis: 0 })

  it("counts every row and every statement, and a row for each check misses the aim", { timeout: 60_000 }, async () => {
    const costs = costsOf(work, await countOf("journaling"))
    assert.strictEqual(costs.rowWritesPerJob, 5)
    assert.strictEqual(costs.statementsPerJob, 5)
    assert.strictEqual(costs.checksPerJob, 3)
    assert.isAbove(costs.walBytesPerJob, 0)
    assert.isAbove(costs.cpuMillisPerJob, 0)
    assert.strictEqual(verdictOf([measured("ours", "a", { ...costs })], "ours.rowWritesPerJob"), "miss")
  })

  it("sees that a way to do the work has not done it", { timeout: 60_000 }, async () => {
    const counted = await countOf("forgetting")
    assert.throws(() => costsOf(work, counted), "0 of 10 jobs are done")
  })
})
