import { assert, describe, it } from "@effect/vitest"
import * as Report from "../report.ts"
import * as Tally from "../tally.ts"
import { job } from "./evidence.ts"

describe("report", () => {
  it("percentile - uses the nearest rank", () => {
    const values = Array.from({ length: 20 }, (_, index) => 20 - index)
    assert.strictEqual(Report.percentile(values, 0.5), 10)
    assert.strictEqual(Report.percentile(values, 0.95), 19)
    assert.strictEqual(Report.percentile([7], 0.5), 7)
    assert.strictEqual(Report.percentile([3, 9], 0.95), 9)
    assert.strictEqual(Report.percentile([], 0.5), null)
  })

  const report = (mismatches: Parameters<typeof Report.make>[0]["mismatches"] = []) => {
    const tally = Tally.make()
    tally.JobStatus.ended.succeeded = 1
    tally.JobStatus.requests.sent = 123_456
    const { wait, truth } = job({ lagMillis: 40 })
    return Report.make({ waits: [wait], truths: [truth], tally, mismatches, speed: 30, elapsedMillis: 21_000 })
  }

  it("make - computes the lag in real and in nominal time, or null without an end", () => {
    const { lagMillis, lagNominalMillis, providers } = report()
    assert.deepStrictEqual(lagMillis, { p50: 40, p95: 40 })
    assert.deepStrictEqual(lagNominalMillis, { p50: 1200, p95: 1200 })
    assert.deepStrictEqual(providers.Mixpeek.lagMillis, { p50: null, p95: null })
  })

  it("make - counts the reviews of each lane", () => {
    const { truth, wait } = job({ lagMillis: 40 })
    const signal = { lane: "told", afterSeconds: 1, status: "completed", result: undefined } as const
    const review = { ...wait, plan: { ...wait.plan, work: { type: "signal", maxWaitSeconds: 60, signal } } } as const
    const facts = { truths: [truth], tally: Tally.make(), mismatches: [], speed: 30, elapsedMillis: 21_000 }
    const { lanes } = Report.make({ ...facts, waits: [wait, review] })
    assert.deepStrictEqual(lanes.told, { reviews: 1, requests: 3, lagNominalMillis: { p50: 1200, p95: 1200 } })
    const none = { reviews: 0, requests: 0, lagNominalMillis: { p50: null, p95: null } }
    assert.deepStrictEqual([lanes.asked, lanes.both], [none, none])
  })

  it("render - fits 80 columns with aligned rows", () => {
    const lines = Report.render(report())
    for (const line of lines) assert.isAtMost(line.length, 80)
    const rows = lines.filter((line) => /^(succeeded|jobs|requests|lag p|failed checks)/.test(line))
    assert.strictEqual(new Set(rows.map((row) => row.length)).size, 1)
    assert.strictEqual(rows.length, 6)
    assert.strictEqual(lines.at(-1), "mismatches with the records of the server: 0")
  })

  it("render - lists each mismatch", () => {
    const mismatch = {
      provider: "JobStatus",
      subject: "JobStatus-1 job_1",
      aspect: "result",
      observed: 1,
      truth: undefined
    } as const
    const lines = Report.render(report([mismatch]))
    assert.deepStrictEqual(lines.slice(-4), [
      "mismatches with the records of the server: 1",
      "  JobStatus-1 job_1: result",
      "    observed: 1",
      "    truth:    nothing"
    ])
  })
})
