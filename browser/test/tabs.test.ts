import { assert } from "@effect/vitest"
import { performance } from "node:perf_hooks"
import { setTimeout as sleep } from "node:timers/promises"
import { type Given, inBrowser, row } from "../src/Fixture.ts"
import type { Job } from "../src/JobApi.ts"
import type { Watch } from "../src/Program.ts"
import type { Tab } from "../src/Tab.ts"

const intervalMillis = 1_000

const show = (tab: Tab, job: Job, watch: Partial<Watch> = {}): Promise<number> =>
  tab.run((watch) => program.show(watch), { url: job.url, intervalMillis, ...watch })

/** For machines that do much else. */
const slackMillis = 1_000

/** Opens tabs that show a job, each of which hides the one before. */
const openAll = async (
  { open }: Pick<Given, "open">,
  job: Job,
  count: number,
  watch?: Partial<Watch>,
  query?: "alone" | "push"
) => {
  const tabs: Array<Tab> = []
  for (let i = 0; i < count; i++) {
    const tab = await open("tabs", query && { [query]: "" })
    tabs.push(tab)
    await show(tab, job, watch)
  }
  return tabs
}

const attempts = (job: Job): ReadonlyArray<number> => job.checks.map(({ headers }) => Number(headers["x-attempt"]))

/** Each check has the next number. One that was in flight when another tab took over is made again, with the same. */
const goesOn = (job: Job): void => {
  const numbers = attempts(job)
  const shown = numbers.join(" ")
  assert.strictEqual(numbers[0], 1, shown)
  let repeated = 0
  for (const [i, number] of numbers.entries()) {
    if (i === 0) continue
    const step = number - numbers[i - 1]!
    assert.include([0, 1], step, shown)
    if (step === 0) repeated++
  }
  assert.isAtMost(repeated, 2, shown)
}

/** The longest time between two checks from a time on. */
const longestGap = (job: Job, from: number): number => {
  const times = [...job.checks.map(({ at }) => at), performance.now()]
  return Math.max(...times.map((at, i) => (i > 0 && at >= from ? at - times[i - 1]! : 0)))
}

const shownAttempt = (tab: Tab) => tab.run(() => program.shown(0).attempt)

const countFor = async (job: Job, millis: number): Promise<number> => {
  const before = job.checks.length
  await sleep(millis)
  return job.checks.length - before
}

inBrowser("CrossTab", () => {
  row("three tabs - make at most 1.2 times the requests of one, and show the same", async ({ open, site }) => {
    const [one, three, alone] = [site.job(), site.job(), site.job()]
    const [single] = await openAll({ open }, one, 1, { intervalMillis: 400 })
    const requests1Tab = await countFor(one, 5_000)
    await single!.close()
    const tabs = await openAll({ open }, three, 3, { intervalMillis: 400 })
    await sleep(200)
    const requests3Tabs = await countFor(three, 5_000)
    assert.isAtMost(requests3Tabs, 1.2 * requests1Tab)
    assert.isAtLeast(requests3Tabs, 0.7 * requests1Tab)
    goesOn(three)
    const last = await shownAttempt(tabs[2]!)
    for (const tab of tabs) assert.closeTo((await shownAttempt(tab))!, last!, 1)
    for (const tab of tabs) await tab.close()
    // The control: hidden tabs are throttled to a check each second, and still make more.
    await openAll({ open }, alone, 3, { intervalMillis: 400 }, "alone")
    assert.isAbove(await countFor(alone, 5_000), 1.2 * requests1Tab)
  })

  row("closed - the next tab continues within an interval, until the deadline of the first", async ({ open, site }) => {
    const job = site.job()
    const deadlineMillis = 15_000
    const [first, second] = await openAll({ open }, job, 2, { deadlineMillis })
    await first!.show()
    await job.checked(job.checks.length + 2)
    const closedAt = performance.now()
    await first!.close()
    await job.checked(job.checks.length + 2)
    assert.isAtMost(longestGap(job, closedAt), 2 * intervalMillis + slackMillis)
    await second!.until(() => program.shown(0).error)
    const took = performance.now() - job.checks[0]!.at
    assert.strictEqual(await second!.run(() => program.shown(0).error), "PollTimeout")
    assert.closeTo(took, deadlineMillis, slackMillis)
    goesOn(job)
  })

  row("hidden - the tab that is shown takes over within an interval", async ({ open, site }) => {
    const job = site.job()
    const [first, second] = await openAll({ open }, job, 2)
    await job.checked(3)
    for (const tab of [first, second, first]) {
      const shownAt = performance.now()
      await tab!.show()
      await sleep(2_500)
      assert.isAtMost(longestGap(job, shownAt), 2 * intervalMillis + slackMillis)
    }
    goesOn(job)
    assert.strictEqual(await shownAttempt(first!), job.checks.length)
  })

  row("frozen - another hidden tab takes over, and the frozen one follows when it thaws", async ({ open, site }) => {
    const job = site.job()
    const [first, second] = await openAll({ open }, job, 2, { intervalMillis: 1_500 })
    await job.checked(2)
    await second!.hide()
    await second!.freeze()
    const frozenAt = performance.now()
    await sleep(5_000)
    // Timers of hidden tabs run once a second.
    assert.isAtMost(longestGap(job, frozenAt), 3_000 + slackMillis)
    await second!.thaw()
    await second!.until((attempt) => (program.shown(0).attempt ?? 0) >= attempt, job.checks.length)
    goesOn(job)
    await first!.show()
    await sleep(3_000)
    goesOn(job)
  })

  row(
    "back/forward cache - the page is cached, another tab takes over, nothing starts over",
    async ({ open, site }) => {
      const job = site.job()
      const [first, second] = await openAll({ open }, job, 2, { intervalMillis: 1_500 })
      await job.checked(2)
      const leftAt = performance.now()
      await second!.goto(`${site.origin}/`)
      await sleep(4_000)
      assert.isAtMost(longestGap(job, leftAt), 3_000 + slackMillis)
      assert.isTrue(await second!.back())
      await second!.until((attempt) => (program.shown(0).attempt ?? 0) >= attempt, job.checks.length)
      await sleep(2_000)
      goesOn(job)
      await first!.close()
      await sleep(2_000)
      goesOn(job)
    }
  )

  row("the end - is shown by all tabs after one request", async ({ open, site }) => {
    const job = site.job()
    const tabs = await openAll({ open }, job, 3)
    await job.checked(4)
    job.end()
    for (const tab of tabs) {
      assert.strictEqual(await tab.until(() => program.shown(0).result), `${job.id}.png`)
    }
    assert.strictEqual(await countFor(job, 1_500), 0)
    const late = await openAll({ open }, job, 1)
    assert.strictEqual(await late[0]!.until(() => program.shown(0).result), `${job.id}.png`)
    goesOn(job)
  })

  row(
    "push - one stream is open for all tabs, and the next tab opens it when the first is closed",
    async ({ open, site }) => {
      const job = site.job()
      const streams = () => job.requests.filter(({ path }) => path.endsWith("/events"))
      const tabs = await openAll({ open }, job, 3, { intervalMillis: 400 }, "push")
      await tabs[2]!.until(() => program.shown(0).percent !== undefined)
      await sleep(2_000)
      assert.lengthOf(
        streams().filter(({ outcome }) => outcome === "open"),
        1
      )
      assert.isAtMost(streams().length, 3)
      // Behind the stream there is a check a minute.
      assert.strictEqual(await countFor(job, 2_000), 0)
      await tabs[2]!.close()
      await tabs[1]!.show()
      await sleep(2_000)
      assert.lengthOf(
        streams().filter(({ outcome }) => outcome === "open"),
        1
      )
      job.end()
      for (const tab of tabs.slice(0, 2)) {
        assert.strictEqual(await tab.until(() => program.shown(0).result), `${job.id}.png`)
      }
      goesOn(job)
    }
  )
})
