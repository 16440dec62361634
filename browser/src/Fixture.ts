import { writeSync } from "node:fs"
import { describe, test, type TestAPI } from "vitest"
import * as Browser from "./Browser.ts"
import * as Site from "./Site.ts"
import type { Tab } from "./Tab.ts"

// What all rows share: one browser and one site, since the files run in one worker. Each row has windows, cookies and
// storage of its own.

export interface Given {
  readonly browser: Browser.Browser
  readonly site: Site.Site
  /** Opens a page, by its name or its URL, in a new tab of the row's own window. It hides the tab that was shown there. */
  readonly open: (page: string, query?: Site.Query) => Promise<Tab>
  /** Opens a page in another window, where it stays visible. */
  readonly openBeside: (page: string) => Promise<Tab>
}

/** A test that is given a browser. Rows run beside each other, since they spend most of their time waiting. */
export const row: TestAPI<Given>["concurrent"] = test.extend<Given>({
  browser: [
    // oxlint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const browser = await Browser.launch()
      await use(browser)
      await browser.close()
    },
    { scope: "worker" }
  ],
  site: [
    // oxlint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const site = await Site.open()
      await use(site)
      await site.close()
    },
    { scope: "worker" }
  ],
  open: async ({ browser, site }, use) => {
    const session = await browser.session()
    await use((page, query) => session.open(URL.canParse(page) ? page : site.page(page, query)))
    await session.close()
  },
  openBeside: async ({ browser, site }, use) => {
    const session = await browser.session()
    await use((page) => session.open(site.page(page)))
    await session.close()
  }
}).concurrent

/** Declares rows. Where no browser can be started they are skipped, and a line of the output says so. */
export const inBrowser = (name: string, rows: () => void): void => {
  const { missing } = Browser
  if (missing.length > 0) {
    // Not by the console, whose lines a reporter may hide.
    writeSync(2, `\nSKIPPED: ${name}, since ${missing.join(" and ")} cannot be found (apt-get install chromium xvfb)\n`)
  }
  // oxlint-disable-next-line vitest/valid-title, vitest/valid-describe-callback
  describe.skipIf(missing.length > 0)(name, rows)
}
