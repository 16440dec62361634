import { assert } from "@effect/vitest"
import * as Seed from "@effect-poll/web/Seed"
import * as PageHttp from "@effect-poll/web/PageHttp"
import * as Effect from "effect/Effect"
import * as Poll from "effect-poll/Poll"
import { setTimeout as sleep } from "node:timers/promises"
import { createElement } from "react"
import { renderToString } from "react-dom/server"
import { ByUrl } from "../src/ByUrl.ts"
import { type Given, inBrowser, row } from "../src/Fixture.ts"
import type { Job } from "../src/JobApi.ts"
import { changeOfRoute, thousandCycles, threeViews } from "../src/Rows.ts"
import type { Tab } from "../src/Tab.ts"
import { Rendered, rendered } from "../src/Views.tsx"

const shown = () => document.querySelector("#root")!.textContent

/** Without what React says about its tools. */
const complaintsOf = ({ messages }: Tab) => messages.filter((message) => !message.startsWith("info:"))

/** Renders a page on the server, and opens it. */
const openRendered = async ({ open, site }: Pick<Given, "open" | "site">, job: Job, seed?: Seed.Encoded) => {
  const data = { url: job.url, seed }
  const html = renderToString(createElement(Rendered, { ...data, client: PageHttp.layer }))
  const before = job.requests.length
  // Time for a loop that should not be there.
  await sleep(200)
  assert.lengthOf(job.requests, before)
  return { html, tab: (body = html) => open(site.render("hydrated", data, body)) }
}

inBrowser("React in a page", () => {
  for (const mode of ["development", "compiled"] as const) {
    row(
      `${mode}: three components in StrictMode - share one loop, which is aborted when they leave`,
      async ({ open, site }) => {
        assert.deepStrictEqual(await threeViews({ open, site }, "react", { mode }), {
          loops: 1,
          aborted: 1,
          afterLeaving: 0
        })
      }
    )
  }

  row("control: effect with a timer - makes two loops for each component, and goes on", async ({ open, site }) => {
    const { aborted, afterLeaving, loops } = await threeViews({ open, site }, "naiveReact")
    assert.deepStrictEqual([loops, aborted], [6, 0])
    assert.isAbove(afterLeaving, 0)
  })

  row("compiled - the React Compiler has compiled the page", async ({ site }) => {
    const text = async (mode: "compiled" | "production") => (await fetch(`${site.origin}/react.js?mode=${mode}`)).text()
    const marks = async (mode: "compiled" | "production") => (await text(mode)).split("useMemoCache").length
    assert.isAbove(await marks("compiled"), await marks("production"))
  })

  row("change of route - goes on with the check in flight", async ({ open, site }) => {
    const { after, before, checks } = await changeOfRoute({ open, site }, "react")
    assert.strictEqual(checks, 1)
    assert.isAtLeast(before!, 4)
    assert.isAtLeast(after!, before!)
  })

  row("control: effect with a timer - begins anew after a change of route", async ({ open, site }) => {
    const { after, checks } = await changeOfRoute({ open, site }, "naiveReact")
    assert.isAbove(checks, 1)
    assert.strictEqual(after, 1)
  })

  row("thousand cycles - leave no memory in use", async ({ open, site }) => {
    const { kilobytes } = await thousandCycles({ open, site }, "react")
    assert.isBelow(kilobytes, 100)
  })

  row("hidden: pause - makes no check while hidden, and one as soon as visible", async ({ open, site }) => {
    const tab = await open("react")
    const job = site.job()
    await tab.run((url) => program.show({ url, intervalMillis: 100, hidden: "pause" }), job.url)
    await job.checked(3)
    await tab.hide()
    await tab.until(() => program.shown(0).phase === "paused")
    await job.quiet()
    const seen = job.checks.length
    await sleep(1_500)
    assert.lengthOf(job.checks, seen)
    await tab.show()
    await job.checked(seen + 2)
    job.end()
    assert.strictEqual(await tab.until(() => program.shown(0).result), `${job.id}.png`)
    assert.deepStrictEqual(complaintsOf(tab), [])
  })

  row("another origin - each check is one request, and none asks for permission", async ({ open, site }) => {
    const tab = await open("react")
    const job = site.job({ endsAtCheck: 5 })
    await tab.run((url) => program.show({ url, intervalMillis: 20 }), job.foreignUrl)
    await tab.until(() => program.shown(0).result)
    assert.deepStrictEqual(
      job.requests.map(({ isForeign, method }) => [method, isForeign]),
      Array.from({ length: 5 }, () => ["GET", true])
    )
    assert.strictEqual((await tab.run(() => program.shown(0))).attempt, 5)
  })

  row("control: effect's client - asks for permission before each check", async ({ open, site }) => {
    const tab = await open("react", { fetch: "" })
    const job = site.job({ endsAtCheck: 3 })
    await tab.run((url) => program.show({ url, intervalMillis: 20 }), job.foreignUrl)
    await tab.until(() => program.shown(0).result)
    assert.isAtLeast(job.requests.filter(({ method }) => method === "OPTIONS").length, 3)
  })

  row("server - renders without a request, and the page takes over without a mismatch", async ({ open, site }) => {
    const job = site.job()
    const { html, tab } = await openRendered({ open, site }, job)
    assert.strictEqual(html, "<button>idle 0</button>")
    assert.lengthOf(job.requests, 0)
    const page = await tab()
    await page.until(() => document.querySelector("button")!.textContent === "waiting 1")
    assert.lengthOf(job.requests, 1)
    assert.deepStrictEqual(complaintsOf(page), [])
  })

  row("seed - is shown by both, without a request, and the page continues from it", async ({ open, site }) => {
    const job = site.job()
    const seed = await Poll.advance(ByUrl, job.url, rendered).pipe(
      Effect.flatMap((found) => Seed.fromAdvanced(ByUrl, found)),
      Effect.provide(PageHttp.layer),
      Effect.runPromise
    )
    const { html, tab } = await openRendered({ open, site }, job, seed)
    assert.strictEqual(html, "<button>waiting 1</button>")
    const page = await tab()
    await job.quiet()
    assert.lengthOf(job.requests, 1)
    assert.strictEqual(await page.run(shown), "waiting 1")
    await page.run(() => document.querySelector("button")!.click())
    await page.until(() => document.querySelector("button")!.textContent === "waiting 2")
    job.end()
    await page.run(() => document.querySelector("button")!.click())
    await page.until((result) => document.querySelector("button")!.textContent === result, `${job.id}.png`)
    assert.lengthOf(job.requests, 3)
    assert.deepStrictEqual(complaintsOf(page), [])
  })

  row("control: another text of the server - is a mismatch", async ({ open, site }) => {
    const { tab } = await openRendered({ open, site }, site.job())
    const page = await tab("<button>waiting 7</button>")
    await page.until(() => document.querySelector("button")!.textContent === "waiting 1")
    assert.match(page.messages.join(), /mismatch/)
  })
})
