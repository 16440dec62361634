import { setTimeout as sleep } from "node:timers/promises"
import { performance } from "node:perf_hooks"
import type { Given } from "./Fixture.ts"
import type { Job } from "./JobApi.ts"
import type { Watch } from "./Program.ts"
import type { Query } from "./Site.ts"
import type { Tab } from "./Tab.ts"

// What is measured of a page that shows jobs, whatever it is made with. Each takes the name of a page with a `Program`.

type Opened = Pick<Given, "open" | "site">

export interface Views {
  /** How many requests are in flight for three views of one job. */
  readonly loops: number
  /** How many of those are aborted when all views have gone. */
  readonly aborted: number
  /** How many requests begin after that. */
  readonly afterLeaving: number
}

/** Waits by the timers of a page, which are late on a busy machine, and until what it has sent has arrived. */
const passed = async (tab: Tab, millis: number): Promise<void> => {
  await tab.run((millis) => new Promise<void>((resolve) => setTimeout(resolve, millis)), millis)
  await sleep(300)
}

/** Three views of one job are shown, and leave while its checks are in flight. */
export const threeViews = async ({ open, site }: Opened, page: string, query?: Query): Promise<Views> => {
  const tab = await open(page, query)
  const job = site.job()
  job.hold()
  const views = await tab.run((watch) => [program.show(watch), program.show(watch), program.show(watch)], {
    url: job.url,
    intervalMillis: 20
  })
  await job.checked(1)
  // Time for the loops that should not be there.
  await passed(tab, 300)
  const loops = job.checks.length
  await tab.run((views) => views.forEach((view) => program.leave(view)), views)
  // Longer than a store lingers.
  await passed(tab, 1_000)
  const aborted = job.requests.filter(({ outcome }) => outcome === "aborted").length
  job.release()
  await passed(tab, 1_000)
  return { loops, aborted, afterLeaving: job.checks.length - loops }
}

export interface Late {
  readonly tab: Tab
  readonly job: Job
  /** How many checks had been made when the page stopped. */
  readonly before: number
}

/**
 * Shows a job in a page that stops, frozen or cached, ends the job, and waits until the deadline has passed. A machine that
 * is too slow to stop the page before the deadline tries again with a longer one.
 */
export const beyondDeadline = async (
  { open, site }: Opened,
  page: string,
  watch: Partial<Watch>,
  stop: (tab: Tab) => Promise<void>
): Promise<Late> => {
  for (const deadlineMillis of [4_000, 16_000, 64_000]) {
    const tab = await open(page)
    const job = site.job()
    const shown = { url: job.url, intervalMillis: 100, deadlineMillis, ...watch }
    await tab.run((shown) => program.show(shown), shown)
    await job.checked(1)
    await stop(tab)
    await job.quiet()
    const before = job.checks.length
    const left = job.checks[0]!.at + deadlineMillis - performance.now()
    if (left > 0 && before < deadlineMillis / shown.intervalMillis) {
      job.end()
      // So late that the page cannot just have been slow.
      await sleep(left + 2_000)
      return { tab, job, before }
    }
    await tab.close()
  }
  throw new Error("the machine is too slow: each deadline passed before the page had stopped")
}

/** Hides a page and freezes it. */
export const freeze = async (tab: Tab): Promise<void> => {
  await tab.hide()
  await tab.freeze()
}

/** Leaves a page for an empty one of its origin. */
export const leave = (tab: Tab): Promise<void> => tab.goto(new URL("/", tab.url).href)

export interface Return {
  /** The attempts that the view showed before it left, and after it had come back. */
  readonly before: number | undefined
  readonly after: number | undefined
  /** How many checks began from the time it left until the first one after its return. */
  readonly checks: number
}

/** A view leaves while a check is in flight, and another one for the same job is shown 100 milliseconds later. */
export const changeOfRoute = async ({ open, site }: Opened, page: string): Promise<Return> => {
  const tab = await open(page)
  const job = site.job()
  await tab.run((watch) => program.show(watch), { url: job.url, intervalMillis: 50 })
  await job.checked(3)
  job.hold()
  await job.held()
  const seen = job.checks.length - 1
  const before = (await tab.run(() => program.shown(0))).attempt
  await tab.run(
    async (watch) => {
      program.leave(0)
      await new Promise((resolve) => setTimeout(resolve, 100))
      program.show(watch)
      // So that a view that begins anew still shows its first check.
    },
    { url: job.url, intervalMillis: 60_000 }
  )
  await passed(tab, 300)
  const checks = job.checks.length - seen
  job.release()
  await tab.until(() => program.shown(1).attempt)
  const after = (await tab.run(() => program.shown(1))).attempt
  return { before, after, checks }
}

export interface Cycles {
  /** The growth of the live heap over 1,000 views that were shown and left, in kilobytes: the least of up to three times. */
  readonly kilobytes: number
}

/** Shows a job and leaves it again, 1,000 times, after 500 times to warm up. */
export const thousandCycles = async ({ open, site }: Opened, page: string): Promise<Cycles> => {
  const tab = await open(page, { mode: "production" })
  const job = site.job()
  const cycle = async (watch: { url: string; intervalMillis: number }, times: number) => {
    const { port1, port2 } = new MessageChannel()
    for (let time = 0; time < times; time++) {
      const view = program.show(watch)
      // A turn of the page, without the four milliseconds that nested timers take.
      await new Promise((resolve) => {
        port1.addEventListener("message", resolve, { once: true })
        port1.start()
        port2.postMessage(0)
      })
      program.forget(view)
    }
    port1.close()
    // Longer than a store lingers.
    await new Promise((resolve) => setTimeout(resolve, 800))
  }
  const watch = { url: job.url, intervalMillis: 60_000 }
  await tab.run(cycle, watch, 500)
  let kilobytes = Infinity
  let before = await tab.usedHeap()
  // What leaks grows each time. Chromium compiles functions, and forgets what it compiled, when it likes.
  for (let time = 0; time < 3 && kilobytes > 0; time++) {
    await tab.run(cycle, watch, 1_000)
    const after = await tab.usedHeap()
    kilobytes = Math.min(kilobytes, Math.round((after - before) / 1_024))
    before = after
  }
  return { kilobytes }
}
