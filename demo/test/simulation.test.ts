import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Screen from "../screen.ts"
import * as Simulation from "../simulation.ts"

describe("simulation", () => {
  it.live(
    "run - finds what happened to every job",
    () =>
      Effect.gen(function* () {
        const lines: Array<string> = []
        const screen = yield* Screen.make({ write: (text: string) => lines.push(text) > 0 }, {})
        const report = yield* Simulation.run({ jobs: 12, speed: 60 }, screen)
        assert.deepStrictEqual(report.mismatchList, [])
        assert.strictEqual(report.jobs, 12)
        assert.strictEqual(report.outcomes.broken, 0)
        assert.isNotNull(report.lagMillis.p95)
        assert.match(lines[0]!, /^0 s: 0 of 12 jobs have ended/)
      }).pipe(Effect.scoped, Effect.provide(Logger.layer([]))),
    60_000
  )

  it.live(
    "run - compares learned strategies with the published ones on the same jobs",
    () =>
      Effect.gen(function* () {
        const lines: Array<string> = []
        const screen = yield* Screen.make({ write: (text: string) => lines.push(text) > 0 }, {})
        const report = yield* Simulation.run({ jobs: 5, speed: 60, strategy: "learned" }, screen)
        assert.deepStrictEqual(report.mismatchList, [])
        assert.strictEqual(report.jobs, 5)
        const [first, second] = report.rounds
        assert.deepInclude(first, { jobs: 5, endingsBefore: 0 })
        assert.deepInclude(second, { jobs: 5, endingsBefore: 5 })
        for (const { learned, published } of report.rounds) {
          assert.isAbove(published.requests, 0)
          assert.isAbove(learned.requests, 0)
          assert.isNotNull(learned.lagNominalMillis.mean)
        }
        assert.match(lines.join(""), /^learned strategies, round 2 of 2, \d+ s: 0 of 5 jobs have ended/m)
      }).pipe(Effect.scoped, Effect.provide(Logger.layer([]))),
    60_000
  )
})
