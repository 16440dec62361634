import { assert } from "@effect/vitest"
import { setTimeout as sleep } from "node:timers/promises"
import { inBrowser, row } from "../src/Fixture.ts"
import { beyondDeadline, freeze, leave } from "../src/Rows.ts"

const ending = () => program.shown(0).result ?? program.shown(0).error

inBrowser("Poll in a page", () => {
  row("signal - aborts the request in flight, and no further check is made", async ({ open, site }) => {
    const tab = await open("poll")
    const job = site.job()
    job.hold()
    await tab.run((url) => program.show({ url, intervalMillis: 20 }), job.url)
    await job.checked(1)
    await tab.run(() => program.leave(0))
    await tab.until(() => program.shown(0).error)
    assert.strictEqual((await tab.run(() => program.shown(0))).error, "AbortError")
    await job.settled()
    await sleep(200)
    assert.deepStrictEqual(
      job.requests.map(({ outcome }) => outcome),
      ["aborted"]
    )
  })

  row("frozen page - finds the result of a job that ended after the deadline had passed", async ({ open, site }) => {
    const { before, job, tab } = await beyondDeadline({ open, site }, "poll", {}, freeze)
    assert.lengthOf(job.checks, before)
    await tab.thaw()
    assert.strictEqual(await tab.until(ending), `${job.id}.png`)
    assert.lengthOf(job.checks, before + 1)
  })

  row("control: naive loop - reports a timeout for that job", async ({ open, site }) => {
    const { tab } = await beyondDeadline({ open, site }, "naive", {}, freeze)
    await tab.thaw()
    assert.strictEqual(await tab.until(ending), "PollTimeout")
  })

  row(
    "back/forward cache - finds the result of a job that ended after the deadline had passed",
    async ({ open, site }) => {
      const { before, job, tab } = await beyondDeadline({ open, site }, "poll", {}, leave)
      assert.lengthOf(job.checks, before)
      assert.isTrue(await tab.back(), tab.messages.join())
      assert.strictEqual(await tab.until(ending), `${job.id}.png`)
      assert.lengthOf(job.checks, before + 1)
    }
  )
})
