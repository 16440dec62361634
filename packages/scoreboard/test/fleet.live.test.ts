import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import { addMicros } from "../fleet/addCost.ts"
import * as closingCost from "../fleet/closingCost.ts"
import { leaveMillis } from "../fleet/leaveCost.ts"
import * as observerCost from "../fleet/observerCost.ts"
import { singleSeen } from "../fleet/singleLastChecks.ts"
import * as storm from "../fleet/storm.ts"
import { ours, type Subject } from "../fleet/subject.ts"
import * as tenants from "../fleet/tenants.ts"

const timeout = 60_000

describe("fleet in real time", () => {
  it("lastChecks - single waits that end before the job does see nothing", { timeout }, async () => {
    const hasty: Subject = {
      ...ours,
      until: (check, options) => {
        const millis = Duration.toMillis(Duration.fromInputUnsafe(options.deadline as Duration.Input))
        return ours.until(check, { ...options, deadline: millis / 4 })
      }
    }
    const load = { waits: 10, overMillis: 100, blockedMillis: 1, freeMillis: 5 }
    assert.strictEqual((await singleSeen(hasty, load)).seen, 0)
    const { seen } = await singleSeen(ours, load)
    assert.isAtLeast(seen, 0)
    assert.isAtMost(seen, 1)
  })

  it("storm - all waits are added and closed", { timeout }, async () => {
    for (const [name, value] of Object.entries(await storm.addAndClose(ours, 2_000))) {
      assert.isAtLeast(Number(value), 0, name)
    }
  })

  it("tenants - counts all checks of all jobs", { timeout }, async () => {
    const size = { waits: 200, checks: 3, concurrency: 50, leastMillis: 1, mostMillis: 3 }
    for (const jobs of [1, 200]) {
      assert.isAbove(await tenants.microsPerCheck(ours, { ...size, jobs, concurrencyPerJob: 5 }), 0)
    }
  })

  it("costs - are finite", { timeout }, async () => {
    const figures = [
      await observerCost.microsPerCheck(ours, 200, true),
      await observerCost.microsPerCheck(ours, 200, false),
      await leaveMillis(ours, 200),
      await addMicros(ours, 200, true),
      await addMicros(ours, 200, false)
    ]
    for (const figure of figures) assert.isTrue(figure > 0 && Number.isFinite(figure))
    assert.strictEqual((await closingCost.measure(ours, 200, true)).toldShare, 1)
    assert.strictEqual((await closingCost.measure(ours, 200, false)).toldShare, 0)
  })
})
