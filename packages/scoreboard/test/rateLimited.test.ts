import { assert, describe, it } from "@effect/vitest"
import { simulate, simulations } from "../fleet/rateLimited.ts"

describe("rateLimited", () => {
  it.each(Object.entries(simulations))(
    "%s - no job is lost, at most 1 % are refused, in at most 1.1 times the shortest time [R50]",
    async (_name, simulation) => {
      const { lost, refusedShare, timeVsIdeal } = await simulate(simulation)
      assert.strictEqual(lost, 0)
      assert.isAtMost(refusedShare, 0.01)
      assert.isAtMost(timeVsIdeal, 1.1)
    },
    120_000
  )
})
