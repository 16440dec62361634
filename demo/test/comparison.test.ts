import { assert, describe, it } from "@effect/vitest"
import * as Comparison from "../comparison.ts"
import { job } from "./evidence.ts"

const facts = (lagMillis: number, requests: number) => {
  const { truth, wait } = job({ lagMillis })
  return { waits: [{ ...wait, requests: { sent: requests, open: 0, aborted: 0 } }], truths: [truth] }
}

describe("comparison", () => {
  const round = Comparison.make({ endingsBefore: 7, published: facts(40, 9), learned: facts(20, 3), speed: 30 })

  it("make - has the requests and the nominal lag of both", () => {
    const published = { requests: 9, lagNominalMillis: { mean: 1200, p50: 1200, p95: 1200 } }
    const learned = { requests: 3, lagNominalMillis: { mean: 600, p50: 600, p95: 600 } }
    assert.deepInclude(round, { jobs: 1, endingsBefore: 7, published, learned })
    assert.deepStrictEqual(round.providers.JobStatus, { jobs: 1, published, learned })
    assert.deepStrictEqual(round.providers.Mixpeek.learned, {
      requests: 0,
      lagNominalMillis: { mean: null, p50: null, p95: null }
    })
  })

  it("make - leaves out what a signal tells", () => {
    const { truth, wait } = job({ lagMillis: 40 })
    const signal = { lane: "told", afterSeconds: 1, status: "completed", result: undefined } as const
    const review = { ...wait, plan: { ...wait.plan, work: { type: "signal", maxWaitSeconds: 60, signal } } } as const
    const side = { waits: [review], truths: [truth] }
    assert.strictEqual(Comparison.make({ endingsBefore: 0, published: side, learned: side, speed: 1 }).jobs, 0)
  })

  it("render - fits 80 columns, with a row per provider and one for all", () => {
    const lines = Comparison.render([round, round])
    for (const line of lines) assert.isAtMost(line.length, 80)
    assert.strictEqual(lines.filter((line) => line.startsWith("JobStatus")).length, 2)
    assert.include(lines, "all                    9         3     1.2 s    600 ms     1.2 s    600 ms")
    assert.include(lines, "round 2: 1 job, 7 endings known")
  })
})
