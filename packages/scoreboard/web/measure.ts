// Measures a page: what it asks the server for, as the server saw it, and the time that it takes.
import { setTimeout as sleep } from "node:timers/promises"
import type { Browser } from "../../../browser/src/Browser.ts"
import type { Job } from "../../../browser/src/JobApi.ts"
import type { Query, Site } from "../../../browser/src/Site.ts"
import type { Tab } from "../../../browser/src/Tab.ts"
import type { Figures } from "../fleet/row.ts"
import type { Watch } from "./pages/subject.tsx"

export interface Given {
  readonly browser: Browser
  readonly site: Site
}

/** For how long requests are counted, in milliseconds. */
export interface Size {
  readonly componentsMillis: number
  readonly tabsMillis: number
  /** Whether three tabs are also counted where hidden ones do what they do by default. */
  readonly byDefault: boolean
}

export const full: Size = { componentsMillis: 5_000, tabsMillis: 10_000, byDefault: true }

/** The figures of a page, but for those of 1,000 jobs. All of them are counted beside each other. */
export const requests = async (given: Given, page: string, size: Size = full): Promise<Figures> => {
  const all = await Promise.all([
    components(given, page, size.componentsMillis),
    strictMode(given, page),
    tabs(given, page, size),
    foreign(given, page)
  ])
  return Object.assign({}, ...all) as Figures
}

export interface Cost {
  /** CPU time of the page's main thread, in milliseconds. */
  readonly millis: number
}

/**
 * The cost of many jobs in a page that was just loaded, in production mode: to mount the list, to show the first answer of
 * each job, and to render the list once more. The answers are made in the page, 50 in a task, so the cost of a request is
 * not in it.
 */
export const cost = async ({ browser, site }: Given, page: string, count: number, query: Query = {}): Promise<Cost> => {
  const context = await browser.playwright.newContext()
  try {
    const opened = await context.newPage()
    await opened.goto(site.page(page, { mode: "production", ...query }))
    await opened.waitForFunction("globalThis.board !== undefined")
    const tools = await context.newCDPSession(opened)
    await tools.send("Performance.enable", { timeDomain: "threadTicks" })
    const spent = async () => {
      const { metrics } = await tools.send("Performance.getMetrics")
      return 1_000 * metrics.find(({ name }) => name === "TaskDuration")!.value
    }
    const before = await spent()
    await opened.evaluate((count) => board.many(count), count)
    return { millis: (await spent()) - before }
  } finally {
    await context.close()
  }
}

// ---- internal ----

const withTabs = async <A>({ browser, site }: Given, use: (open: Open) => Promise<A>): Promise<A> => {
  const session = await browser.session()
  try {
    return await use(async (page, query = {}) => {
      const tab = await session.open(site.page(page, { mode: "production", ...query }))
      await tab.until(() => globalThis.board !== undefined)
      return tab
    })
  } finally {
    await session.close()
  }
}

type Open = (page: string, query?: Query) => Promise<Tab>

const show = (tab: Tab, watch: Watch, components = 1) =>
  tab.run((watch, components) => board.show(watch, components), watch, components)

const countFor = async (job: Job, millis: number): Promise<number> => {
  const before = job.checks.length
  await sleep(millis)
  return job.checks.length - before
}

/** Waits by a timer of the page: where the machine is busy, its loops are late by as much. */
const idle = (tab: Tab, millis: number) =>
  tab.run((millis) => new Promise<void>((resolve) => setTimeout(resolve, millis)), millis)

const openChecks = (job: Job) => job.checks.filter(({ outcome }) => outcome === "open").length

/** Three components show one job. Then they are removed while checks are in flight. */
const components = (given: Given, page: string, millis: number): Promise<Figures> =>
  withTabs(given, async (open) => {
    const job = given.site.job({ delayMillis: 20 })
    const tab = await open(page)
    await show(tab, { url: job.url, intervalMillis: 500 }, 3)
    await job.checked(3)
    const requests3Components = await countFor(job, millis)
    job.hold()
    await job.held()
    // Longer than the interval, so that a check of each loop is in flight.
    await sleep(700)
    const inFlight = openChecks(job)
    const seen = job.requests.length
    const abortedBefore = aborted(job)
    await tab.run(() => board.leave())
    // Longer than the time that ours keeps a check in flight for a component that comes back.
    await sleep(1_000)
    const figures = { requests3Components, inFlight, aborted: aborted(job) - abortedBefore }
    job.release()
    await job.settled()
    await idle(tab, 2_000)
    return { ...figures, afterUnmount: job.requests.length - seen }
  })

const aborted = (job: Job) => job.requests.filter(({ outcome }) => outcome === "aborted").length

/** A component in StrictMode. A loop is a check in flight that the page has not aborted. */
const strictMode = (given: Given, page: string): Promise<Figures> =>
  withTabs(given, async (open) => {
    const job = given.site.job()
    job.hold()
    const tab = await open(page, { mode: "development", strict: "" })
    await show(tab, { url: job.url, intervalMillis: 500 })
    await job.checked(1)
    await sleep(1_000)
    return { loopsStrictMode: openChecks(job) }
  })

/** One tab, then three of one window, show a job that is followed in hidden tabs too; and three by default. */
const tabs = async (given: Given, page: string, { byDefault, tabsMillis }: Size): Promise<Figures> => {
  const of = (count: number, watch: Partial<Watch>) =>
    withTabs(given, async (open) => {
      const job = given.site.job()
      const opened: Array<Tab> = []
      for (let tab = 0; tab < count; tab++) {
        opened.push(await open(page))
        await show(opened[tab]!, { url: job.url, intervalMillis: 1_000, ...watch })
        await opened[tab]!.until(() => board.shown()[0] !== "")
      }
      const requests = await countFor(job, tabsMillis)
      if (requests === 0) throw new Error(`${page}: ${count} tabs made no request`)
      return requests
    })
  const [one, three, threeByDefault] = await Promise.all([
    of(1, { isHiddenToo: true }),
    of(3, { isHiddenToo: true }),
    byDefault ? of(3, {}) : undefined
  ])
  return {
    requests1Tab: one,
    requests3Tabs: three,
    tabsRatio: three / one,
    ...(threeByDefault === undefined ? {} : { requests3TabsDefault: threeByDefault })
  }
}

/** A component shows a job of another origin until it ends, at the fifth check. */
const foreign = (given: Given, page: string): Promise<Figures> =>
  withTabs(given, async (open) => {
    const job = given.site.job({ endsAtCheck: 5 })
    const tab = await open(page)
    await show(tab, { url: job.foreignUrl, intervalMillis: 300 })
    await job.checked(5)
    const preflights = job.requests.filter(({ method }) => method === "OPTIONS").length
    // A page that does not stop has not done the same job.
    await job.settled()
    const seen = job.checks.length
    await idle(tab, 1_500)
    return { preflights, afterEnd: job.checks.length - seen }
  })
