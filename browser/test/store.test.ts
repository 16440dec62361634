import { assert } from "@effect/vitest"
import { setTimeout as sleep } from "node:timers/promises"
import { inBrowser, row } from "../src/Fixture.ts"
import { beyondDeadline, changeOfRoute, freeze, leave, thousandCycles, threeViews } from "../src/Rows.ts"

const ending = () => program.shown(0).result ?? program.shown(0).error

inBrowser("PollStore in a page", () => {
  row("three views - share one request, which is aborted when they leave", async ({ open, site }) => {
    assert.deepStrictEqual(await threeViews({ open, site }, "store"), { loops: 1, aborted: 1, afterLeaving: 0 })
  })

  row("control: naive loop - makes a loop for each view, which continues after it", async ({ open, site }) => {
    const { aborted, afterLeaving, loops } = await threeViews({ open, site }, "naive")
    assert.deepStrictEqual([loops, aborted], [3, 0])
    assert.isAbove(afterLeaving, 0)
  })

  row("change of route - continues the check in flight", async ({ open, site }) => {
    const { after, before, checks } = await changeOfRoute({ open, site }, "store")
    assert.strictEqual(checks, 1)
    assert.isAtLeast(before!, 4)
    assert.isAtLeast(after!, before!)
  })

  row("control: naive loop - starts a second loop beside the first", async ({ open, site }) => {
    const { after, checks } = await changeOfRoute({ open, site }, "naive")
    assert.strictEqual(checks, 2)
    assert.strictEqual(after, 1)
  })

  row("1,000 cycles - leave no memory in use", async ({ open, site }) => {
    const { kilobytes } = await thousandCycles({ open, site }, "store")
    assert.isBelow(kilobytes, 100)
  })

  row("hidden: pause - makes no check while hidden, and one as soon as visible", async ({ open, site }) => {
    const tab = await open("store")
    const job = site.job()
    await tab.run((url) => program.show({ url, intervalMillis: 100, hidden: "pause" }), job.url)
    await job.checked(3)
    await tab.hide()
    await tab.until(() => program.shown(0).phase === "paused")
    await job.quiet()
    const seen = job.checks.length
    await sleep(3_000)
    assert.lengthOf(job.checks, seen)
    assert.deepInclude(await tab.run(() => program.shown(0)), { phase: "paused", pausedBy: "hidden", attempt: seen })
    await tab.show()
    await job.checked(seen + 2)
    await tab.until((seen) => program.shown(0).attempt! > seen, seen)
  })

  row(
    "hidden: slow - makes at most a check per interval while hidden, and one as soon as visible",
    async ({ open, site }) => {
      const tab = await open("store")
      const job = site.job()
      await tab.run((url) => program.show({ url, intervalMillis: 100, hidden: "slow" }), job.url)
      await job.checked(3)
      await tab.hide()
      // Its timers run once a second while it is hidden: it is quiet as soon as it is slow.
      await job.quiet()
      const seen = job.checks.length
      await job.checked(seen + 2)
      // By the clock of the page: requests of a busy machine arrive late.
      const gaps = job.checks.slice(seen).map(({ sentAt }, index) => sentAt - job.checks[seen + index - 1]!.sentAt)
      for (const gap of gaps) assert.isAtLeast(gap, 3_000)
      await tab.show()
      await job.checked(seen + 4)
      assert.isUndefined((await tab.run(() => program.shown(0))).error)
    }
  )

  row("hidden: run - continues, as fast as the browser allows", async ({ open, site }) => {
    const tab = await open("store")
    const job = site.job()
    await tab.run((url) => program.show({ url, intervalMillis: 100, hidden: "run" }), job.url)
    await job.checked(3)
    await tab.hide()
    const seen = job.checks.length
    await job.checked(seen + 3)
    assert.strictEqual(await tab.run(() => document.visibilityState), "hidden")
  })

  row("control: naive loop - continues while hidden", async ({ open, site }) => {
    const tab = await open("naive")
    const job = site.job()
    await tab.run((url) => program.show({ url, intervalMillis: 100 }), job.url)
    await job.checked(3)
    await tab.hide()
    await job.checked(job.checks.length + 3)
  })

  row("offline - makes no request, and continues when online", async ({ open, site }) => {
    const tab = await open("store")
    const job = site.job()
    await tab.run((url) => program.show({ url, intervalMillis: 100 }), job.url)
    await job.checked(3)
    await tab.setOffline(true)
    await tab.until(() => program.shown(0).pausedBy === "offline")
    await job.quiet()
    const seen = job.requests.length
    await sleep(500)
    assert.lengthOf(job.requests, seen)
    const { attempt } = await tab.run(() => program.shown(0))
    await tab.setOffline(false)
    await job.checked(seen + 2)
    await tab.until((attempt) => program.shown(0).attempt! > attempt, attempt!)
    job.end()
    await tab.until(() => program.shown(0).result)
  })

  row("control: naive loop - stops for good when offline", async ({ open, site }) => {
    const tab = await open("naive")
    const job = site.job()
    await tab.run((url) => program.show({ url, intervalMillis: 100 }), job.url)
    await job.checked(3)
    await tab.setOffline(true)
    await sleep(500)
    await tab.setOffline(false)
    const seen = job.requests.length
    await sleep(500)
    assert.lengthOf(job.requests, seen)
    assert.match(tab.messages.join(), /Failed to fetch/)
  })

  for (const hidden of ["pause", "slow", "run"] as const) {
    row(
      `frozen, hidden: ${hidden} - finds the result of a job that ended after the deadline had passed`,
      async ({ open, site }) => {
        const { before, job, tab } = await beyondDeadline({ open, site }, "store", { hidden }, freeze)
        assert.lengthOf(job.checks, before)
        job.hold()
        await tab.thaw()
        // A check that began while the page was hidden is not made again.
        if (hidden !== "pause") await job.held()
        await tab.show()
        await job.held()
        job.release()
        assert.strictEqual(await tab.until(ending), `${job.id}.png`)
        assert.lengthOf(job.checks, before + 1)
      }
    )
  }

  row("back/forward cache - continues from where the page was left", async ({ open, site }) => {
    const tab = await open("store")
    const job = site.job()
    await tab.run((url) => program.show({ url, intervalMillis: 100 }), job.url)
    await job.checked(3)
    const { attempt } = await tab.run(() => program.shown(0))
    await tab.goto(`${site.origin}/`)
    await job.quiet()
    const before = job.requests.length
    await sleep(1_000)
    assert.lengthOf(job.requests, before)
    assert.isTrue(await tab.back(), tab.messages.join())
    await job.checked(before + 2)
    await tab.until((attempt) => program.shown(0).attempt! > attempt, attempt!)
    job.end()
    await tab.until(() => program.shown(0).result)
  })

  row(
    "back/forward cache - finds the result of a job that ended after the deadline had passed",
    async ({ open, site }) => {
      const { before, job, tab } = await beyondDeadline({ open, site }, "store", {}, leave)
      assert.isTrue(await tab.back(), tab.messages.join())
      assert.strictEqual(await tab.until(ending), `${job.id}.png`)
      assert.lengthOf(job.checks, before + 1)
    }
  )
})
