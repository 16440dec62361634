import { assert } from "@effect/vitest"
import { setTimeout as sleep } from "node:timers/promises"
import { inBrowser, row } from "../src/Fixture.ts"
import { beyondDeadline, deadlineMillis } from "../src/Rows.ts"

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
    const tab = await open("poll")
    const job = site.job()
    await tab.run((watch) => program.show(watch), { url: job.url, intervalMillis: 50, deadlineMillis })
    await job.checked(3)
    await tab.hide()
    await tab.freeze()
    const before = await beyondDeadline(job)
    assert.lengthOf(job.checks, before)
    await tab.thaw()
    await tab.until(() => program.shown(0).result ?? program.shown(0).error)
    assert.deepInclude(await tab.run(() => program.shown(0)), { result: `${job.id}.png` })
    assert.lengthOf(job.checks, before + 1)
  })

  row("control: naive loop - reports a timeout for that job", async ({ open, site }) => {
    const tab = await open("naive")
    const job = site.job()
    await tab.run((watch) => program.show(watch), { url: job.url, intervalMillis: 50, deadlineMillis })
    await job.checked(3)
    await tab.hide()
    await tab.freeze()
    await beyondDeadline(job)
    await tab.thaw()
    assert.strictEqual(await tab.until(() => program.shown(0).error), "PollTimeout")
  })

  row(
    "back/forward cache - finds the result of a job that ended after the deadline had passed",
    async ({ open, site }) => {
      const tab = await open("poll")
      const job = site.job()
      await tab.run((watch) => program.show(watch), { url: job.url, intervalMillis: 50, deadlineMillis })
      await job.checked(3)
      await tab.goto(`${site.origin}/`)
      const before = await beyondDeadline(job)
      assert.lengthOf(job.checks, before)
      assert.isTrue(await tab.back())
      await tab.until(() => program.shown(0).result ?? program.shown(0).error)
      assert.deepInclude(await tab.run(() => program.shown(0)), { result: `${job.id}.png` })
      assert.lengthOf(job.checks, before + 1)
    }
  )
})
