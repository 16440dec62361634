import { assert } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, it } from "vitest"
import { fences } from "../../scripts/snippets.ts"
import { inBrowser, row } from "../src/Fixture.ts"

const read = (path: string): string => readFileSync(join(import.meta.dirname, "..", "..", path), "utf8")

describe("the guide to pages without a framework", () => {
  it("shows the page that the tests run", () => {
    const guide = "docs/guide/17-in-the-browser.md"
    const shown = fences(guide, read(guide))
    for (const [language, file] of [
      ["html", "promise.html"],
      ["ts", "promise.ts"]
    ] as const) {
      const codes = shown.filter(({ marks }) => marks[0] === language).map(({ code }) => code.trim())
      assert.include(codes, read(`browser/pages/${file}`).trim())
    }
  })
})

inBrowser("page with promises", () => {
  const shown = () => ({
    bar: document.querySelector("progress")!.value,
    text: document.querySelector("output")!.value
  })

  row("bar - shows the progress until the result is there", async ({ open, site }) => {
    const job = site.job()
    const tab = await open("promise", { job: `/jobs/${job.id}` })
    await job.checked(1)
    await tab.until(() => document.querySelector("progress")!.value > 0)
    assert.deepStrictEqual(await tab.run(shown), { bar: 0.1, text: "" })
    job.end()
    await tab.until(() => document.querySelector("output")!.value)
    assert.deepStrictEqual(await tab.run(shown), { bar: 0.1, text: `${job.id}.png` })
    assert.lengthOf(job.requests, 2)
    assert.deepStrictEqual(tab.messages, [])
  })

  row("button - aborts the request in flight", async ({ open, site }) => {
    const job = site.job()
    job.hold()
    const tab = await open("promise", { job: `/jobs/${job.id}` })
    await job.checked(1)
    await tab.run(() => document.querySelector("button")!.click())
    await tab.until(() => document.querySelector("output")!.value)
    assert.deepStrictEqual(await tab.run(shown), { bar: 0, text: "stopped" })
    await job.settled()
    assert.deepStrictEqual(
      job.requests.map(({ outcome }) => outcome),
      ["aborted"]
    )
  })
})
