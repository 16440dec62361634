import { assert, describe, it } from "@effect/vitest"
import { fileURLToPath } from "node:url"
import * as Browser from "../../../browser/src/Browser.ts"
import { inBrowser } from "../../../browser/src/Fixture.ts"
import { costsOf, missed, names, site, summary, verdict } from "../web/board.ts"
import { requests } from "../web/measure.ts"
import { aims, ours } from "../web/rows.ts"

describe("web", () => {
  it("has the rows and figures of the last line", () => {
    assert.deepStrictEqual([...names], ["naive", "swr", "tanstack", "effect-poll"])
    assert.deepStrictEqual(summary([{ name: "swr", figures: { aborted: 0 } }]), { rows: [{ name: "swr", aborted: 0 }] })
  })

  it("aims - are those of ours, and a figure that is missing misses them", () => {
    assert.strictEqual(verdict("naive", "afterUnmount", { afterUnmount: 6 }), "none")
    assert.strictEqual(verdict(ours, "afterUnmount", { afterUnmount: 6 }), "miss")
    assert.strictEqual(verdict(ours, "afterUnmount", {}), "miss")
    assert.strictEqual(missed([{ name: ours, figures: {} }]), Object.keys(aims).length)
    assert.strictEqual(missed([{ name: "naive", figures: {} }]), 0)
  })

  it("costs - are the median of the ratios within a round", () => {
    const round = (tanstack: number, mine: number) => ({
      tanstack: { list: tanstack, each: 0 },
      "effect-poll": { list: mine, each: 0 }
    })
    const costs = costsOf([round(100, 40), round(10, 6), round(100, 50)])
    assert.strictEqual(costs["effect-poll"]!["usePolls1000"], 0.5)
    assert.strictEqual(costs["tanstack"]!["usePolls1000"], 1)
    assert.strictEqual(verdict(ours, "usePolls1000", costs["effect-poll"]!), "pass")
    assert.strictEqual(verdict(ours, "usePolls1000", costsOf([round(100, 51)])["effect-poll"]!), "miss")
    // Without the baseline there is no ratio.
    assert.strictEqual(verdict(ours, "usePolls1000", costsOf([{ [ours]: { list: 1, each: 1 } }])[ours]!), "miss")
  })
})

inBrowser("web in a browser", () => {
  it("a page with each fault misses each aim", { timeout: 120_000 }, async () => {
    const browser = await Browser.launch()
    const served = await site(fileURLToPath(new URL("webPages", import.meta.url)))
    try {
      const size = { componentsMillis: 500, tabsMillis: 3_000, byDefault: false }
      const figures = await requests({ browser, site: served }, "bad", size)
      const shown = JSON.stringify(figures)
      for (const figure of ["afterUnmount", "loopsStrictMode", "tabsRatio", "preflights", "afterEnd"]) {
        assert.strictEqual(verdict(ours, figure, figures), "miss", `${figure} of ${shown}`)
      }
      assert.strictEqual(figures["aborted"], 0)
    } finally {
      await browser.close()
      await served.close()
    }
  })
})
