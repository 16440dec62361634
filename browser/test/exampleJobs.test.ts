import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Page } from "playwright-core"
import { build } from "vite"
import { afterAll, beforeAll } from "vitest"
import { type App, serve } from "../../examples/jobs/server/serve.ts"
import { inBrowser, row } from "../src/Fixture.ts"

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { readonly port: number }
      server.close(() => resolve(port))
    })
  })

/** Shows each page at 390 pixels, light and dark. */
const fitsNarrow = async (page: Page): Promise<void> => {
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
  const light = "rgb(245, 243, 238)"
  await page.setViewportSize({ width: 390, height: 844 })
  for (const name of ["Jobs", "Package", "Live"]) {
    await page.getByRole("link", { name }).click()
    for (const [colorScheme, color] of [
      ["light", light],
      ["dark", "rgb(18, 19, 26)"]
    ] as const) {
      await page.emulateMedia({ colorScheme })
      assert.strictEqual(await background(), color, name)
    }
    const { scroll, view } = await page.evaluate(() => ({
      scroll: document.documentElement.scrollWidth,
      view: document.documentElement.clientWidth
    }))
    assert.isAtMost(view, 390)
    assert.strictEqual(scroll, view, name)
  }
  // The button has the last word.
  await page.getByRole("button", { name: "Colors: system" }).click()
  assert.strictEqual(await background(), light)
}

inBrowser("The example app", () => {
  const scope = Effect.runSync(Scope.make())
  const built = mkdtempSync(join(tmpdir(), "effect-poll-example-"))
  let app: App

  beforeAll(async () => {
    // Bundled, since a page loads hundreds of modules otherwise, with a React that complains.
    await build({
      root: join(import.meta.dirname, "../../examples/jobs"),
      logLevel: "silent",
      define: { "process.env.NODE_ENV": '"development"' },
      build: { outDir: built, emptyOutDir: true }
    })
    const port = await freePort()
    app = await Effect.runPromise(Scope.provide(serve({ port, built, speed: 3 }), scope))
  }, 60_000)

  afterAll(async () => {
    await Effect.runPromise(Scope.close(scope, Exit.void))
    rmSync(built, { recursive: true })
  })

  /** What a page must never say. A browser reports each scripted 429 and 502 as a resource that failed to load. */
  const complaintsOf = (page: Page): ReadonlyArray<string> => {
    // A machine that is busy with other tests may take its time.
    page.setDefaultTimeout(60_000)
    const complaints: Array<string> = []
    page.on("pageerror", (error) => complaints.push(String(error)))
    page.on("console", (message) => {
      const isScripted = message.text().startsWith("Failed to load resource") || message.text().includes("in a row")
      if ((message.type() === "error" || message.type() === "warning") && !isScripted) complaints.push(message.text())
    })
    return complaints
  }

  const requestsFor = (id: string) => Effect.runPromise(Effect.map(app.jobs.truthOf(id), ({ requests }) => requests))

  row(
    "jobs - shows all jobs and their endings, and no page scrolls sideways at 390 px",
    { timeout: 120_000 },
    async ({ browser }) => {
      const page = await browser.playwright.newPage({ reducedMotion: "reduce" })
      const complaints = complaintsOf(page)
      await page.goto(app.url)
      const job = (name: string) => page.getByRole("article", { name, exact: true })
      await job("Thumbnails").getByText("thumbnails.zip").waitFor()
      await job("Guest list").getByText("row 214 has no address").waitFor()
      await job("Nightly crawl").getByRole("button", { name: "Cancel" }).click()
      await job("Nightly crawl").getByText("Canceled", { exact: true }).waitFor()
      assert.strictEqual(await page.getByRole("article").count(), 10)
      assert.strictEqual(await page.getByRole("progressbar").count(), 10)
      assert.match(await page.getByText("Notifications:").locator("..").innerText(), /\d/)
      await fitsNarrow(page)
      assert.deepStrictEqual(complaints, [])
      await page.close()
    }
  )

  row(
    "package builder - stops its requests when another page is shown, and continues the wait later",
    { timeout: 120_000 },
    async ({ browser }) => {
      const page = await browser.playwright.newPage({ reducedMotion: "reduce" })
      const complaints = complaintsOf(page)
      await page.goto(`${app.url}/builder`)
      await page.getByRole("button", { name: "Build it" }).click()
      await page.waitForURL(/\/builder\/pkg_/)
      const id = page.url().split("/").at(-1)!
      await page.getByText("1 request", { exact: true }).waitFor()
      await page.getByRole("link", { name: "Live" }).click()
      // A check that was in flight may still arrive.
      await sleep(500)
      const before = await requestsFor(id)
      // More than an interval of five seconds.
      await sleep(6_500)
      assert.strictEqual(await requestsFor(id), before)
      await page.goBack()
      await page.getByText(`${before + 1} requests`, { exact: true }).waitFor()
      await page.getByText("Done", { exact: true }).waitFor()
      // It goes on: no check was made twice, and none is made after the end.
      const steps = await page
        .getByRole("region", { name: "Checks of Package" })
        .locator("tbody td:first-child")
        .allInnerTexts()
      const attempts = steps.filter((text) => text !== "").map(Number)
      assert.deepStrictEqual(
        attempts,
        Array.from({ length: await requestsFor(id) }, (_, index) => index + 1).toReversed()
      )
      assert.deepStrictEqual(complaints, [])
      await page.close()
    }
  )

  row(
    "live - an end is known by its event, and by a check if the event is lost",
    { timeout: 120_000 },
    async ({ browser }) => {
      const page = await browser.playwright.newPage({ reducedMotion: "reduce" })
      const complaints = complaintsOf(page)
      await page.goto(`${app.url}/live`)
      await page.getByRole("button", { name: "Start the race" }).click()
      for (const [lane, name, end] of [
        ["Polling", "Polling", "Succeeded completed"],
        ["Events", "Events", "event: Succeeded completed"],
        ["Events, the last one lost", "Events, last one lost", "Succeeded completed"]
      ] as const) {
        await page.getByRole("article", { name: lane, exact: true }).getByText("Done", { exact: true }).waitFor()
        await page.getByRole("button", { name: new RegExp(`^${name} ?\\d+$`) }).click()
        const steps = page.getByRole("region", { name: `Checks of ${name}`, exact: true })
        assert.strictEqual(await steps.locator("tbody tr:first-child td:nth-child(2)").innerText(), end)
      }
      assert.deepStrictEqual(complaints, [])
      await page.close()
    }
  )
})
