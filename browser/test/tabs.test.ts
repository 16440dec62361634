import { assert } from "@effect/vitest"
import { performance } from "node:perf_hooks"
import { setTimeout as sleep } from "node:timers/promises"
import { type Given, inBrowser, row } from "../src/Fixture.ts"
import type { Job } from "../src/JobApi.ts"
import type { Watch } from "../src/Program.ts"
import { leave } from "../src/Rows.ts"
import type { Tab } from "../src/Tab.ts"

const intervalMillis = 1_000

const show = (tab: Tab, job: Job, watch: Partial<Watch> = {}): Promise<number> =>
  tab.run((watch) => program.show(watch), { url: job.url, intervalMillis, ...watch })

/** Opens tabs that show a job, each of which hides the one before. */
const openAll = async (
  { open }: Pick<Given, "open">,
  job: Job,
  count: number,
  watch?: Partial<Watch>,
  query?: "alone" | "patient" | "push"
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

/**
 * Fails if no check begins for longer than the given number of intervals. On a busy machine all loops are late, so time is
 * measured by the checks of a plain loop in a visible page beside.
 */
const watchGaps = async (
  { openBeside, site }: Pick<Given, "openBeside" | "site">,
  job: Job,
  intervalMillis: number
) => {
  const beside = site.job()
  await show(await openBeside("naive"), beside, { intervalMillis })
  return (intervals: number, from: number): void => {
    const times = [...job.checks.map(({ at }) => at), performance.now()]
    for (const [i, at] of times.entries()) {
      if (i === 0 || at < from) continue
      const last = times[i - 1]!
      const meanwhile = beside.checks.filter((check) => check.at > last && check.at < at).length
      if (at - last > intervals * intervalMillis + 500) assert.isAtMost(meanwhile, intervals + 1, `${at - last} ms`)
    }
  }
}

/** Waits until the check with this number has been made, by whatever tab. */
const reached = async (job: Job, attempt: number): Promise<void> => {
  while (!attempts(job).includes(attempt)) await job.checked(job.checks.length + 1)
}

const shownAttempt = (tab: Tab) => tab.run(() => program.shown(0).attempt)

/** Waits until one stream of its events is open, and stays so. */
const oneStream = async (job: Job): Promise<void> => {
  const open = () => job.requests.filter(({ outcome, path }) => path.endsWith("/events") && outcome === "open").length
  await job.until(() => open() === 1, "one open stream")
  await sleep(1_000)
  assert.strictEqual(open(), 1)
}

const countFor = async (job: Job, millis: number): Promise<number> => {
  const before = job.checks.length
  await sleep(millis)
  return job.checks.length - before
}

/** Closes the tab that checks, of two. A machine that is too slow to do so before the deadline tries with a longer one. */
const closed = async ({ open, openBeside, site }: Pick<Given, "open" | "openBeside" | "site">) => {
  for (const deadlineMillis of [6_000, 24_000, 96_000]) {
    const job = site.job()
    const [first, second] = await openAll({ open }, job, 2, { deadlineMillis, intervalMillis: 500 })
    await first!.show()
    const noGap = await watchGaps({ openBeside, site }, job, 500)
    const closedAt = performance.now()
    await first!.close()
    const closedAfter = performance.now() - job.checks[0]!.at
    if (closedAfter < deadlineMillis - 3_000) {
      return { closedAfter, closedAt, deadlineMillis, job, noGap, second: second! }
    }
    await second!.close()
    job.end()
  }
  throw new Error("the machine is too slow: each deadline passed before the tab was closed")
}

inBrowser("CrossTab", () => {
  row("three tabs - make at most 1.2 times the requests of one, and show the same", async ({ open, site }) => {
    const [one, three, alone] = [site.job(), site.job(), site.job()]
    const watch = { intervalMillis: 200 }
    await openAll({ open }, one, 1, watch)
    await reached(one, 10)
    const requests1Tab = one.checks.length
    assert.strictEqual(requests1Tab, 10)
    const tabs = await openAll({ open }, three, 3, watch, "patient")
    await reached(three, 10)
    assert.isAtMost(three.checks.length, 1.2 * requests1Tab)
    goesOn(three)
    three.end()
    for (const tab of tabs) await tab.until(() => program.shown(0).result)
    const shown = await Promise.all(tabs.map(shownAttempt))
    assert.deepStrictEqual(new Set(shown), new Set([attempts(three).at(-1)]))
    // The control: each counts for itself.
    await openAll({ open }, alone, 3, watch, "alone")
    await reached(alone, 10)
    assert.isAbove(alone.checks.length, 1.2 * requests1Tab)
  })

  row(
    "closed - the next tab continues within an interval, until the deadline of the first",
    async ({ open, openBeside, site }) => {
      const { closedAfter, closedAt, deadlineMillis, job, noGap, second } = await closed({ open, openBeside, site })
      await job.checked(job.checks.length + 2)
      noGap(2, closedAt)
      assert.strictEqual(await second.until(() => program.shown(0).error), "PollTimeout")
      // A wait that began anew would end when its own deadline passes.
      const took = performance.now() - job.checks[0]!.at
      assert.isAtLeast(took, 0.75 * deadlineMillis)
      assert.isBelow(took, deadlineMillis + Math.max(1_000, closedAfter))
      goesOn(job)
    }
  )

  row("hidden - the tab that is shown takes over within an interval", async ({ open, openBeside, site }) => {
    const job = site.job()
    const [first, second] = await openAll({ open }, job, 2)
    const noGap = await watchGaps({ openBeside, site }, job, intervalMillis)
    await job.checked(2)
    for (const tab of [first, second, first]) {
      const shownAt = performance.now()
      await tab!.show()
      await job.checked(job.checks.length + 2)
      noGap(2, shownAt)
    }
    goesOn(job)
    job.end()
    await first!.until(() => program.shown(0).result)
    assert.strictEqual(await shownAttempt(first!), attempts(job).at(-1))
  })

  row(
    "frozen - another hidden tab takes over, and the frozen one follows when it thaws",
    async ({ open, openBeside, site }) => {
      const job = site.job()
      const [first, second] = await openAll({ open }, job, 2, { intervalMillis: 1_500 })
      await job.checked(2)
      const noGap = await watchGaps({ openBeside, site }, job, 1_500)
      await second!.hide()
      await second!.freeze()
      const frozenAt = performance.now()
      await job.checked(job.checks.length + 2)
      // Timers of hidden tabs run once a second.
      noGap(3, frozenAt)
      await second!.thaw()
      await second!.until((attempt) => (program.shown(0).attempt ?? 0) >= attempt, job.checks.length)
      goesOn(job)
      await first!.show()
      await job.checked(job.checks.length + 2)
      goesOn(job)
    }
  )

  row(
    "back/forward cache - the page is cached, another tab takes over, nothing starts over",
    async ({ open, openBeside, site }) => {
      const job = site.job()
      const [first, second] = await openAll({ open }, job, 2, { intervalMillis: 1_500 })
      await job.checked(2)
      const noGap = await watchGaps({ openBeside, site }, job, 1_500)
      const leftAt = performance.now()
      await leave(second!)
      await job.checked(job.checks.length + 2)
      noGap(2, leftAt)
      assert.isTrue(await second!.back(), second!.messages.join())
      await second!.until((attempt) => (program.shown(0).attempt ?? 0) >= attempt, job.checks.length)
      await job.checked(job.checks.length + 2)
      goesOn(job)
      await first!.close()
      await job.checked(job.checks.length + 2)
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
    assert.strictEqual(await countFor(job, 1_000), 0)
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
      for (const tab of tabs) await tab.until(() => program.shown(0).percent !== undefined)
      await oneStream(job)
      assert.isAtMost(streams().length, 3)
      // Behind the stream there is a check a minute.
      assert.strictEqual(await countFor(job, 2_000), 0)
      const before = streams().length
      await tabs[2]!.close()
      await tabs[1]!.show()
      await job.until(() => streams().length > before, "another stream")
      await oneStream(job)
      job.end()
      for (const tab of tabs.slice(0, 2)) {
        assert.strictEqual(await tab.until(() => program.shown(0).result), `${job.id}.png`)
      }
      goesOn(job)
    }
  )
})
