import { assert, describe, it } from "@effect/vitest"
import { costs, plain, withTable } from "../plots.ts"

describe("plots", () => {
  it("withTable - replaces what is between its marks, and nothing else", () => {
    const page =
      "a\n\n<!-- plots: x -->\n\n| old |\n\n<!-- end of plots -->\n\n<!-- plots: y -->\n\n<!-- end of plots -->\n"
    assert.strictEqual(
      withTable(page, "x", "| new |"),
      "a\n\n<!-- plots: x -->\n\n| new |\n\n<!-- end of plots -->\n\n<!-- plots: y -->\n\n<!-- end of plots -->\n"
    )
    assert.throws(() => withTable(page, "z", ""), /the page has no <!-- plots: z -->/)
  })

  it("plain - leaves out the width of cells", () => {
    assert.strictEqual(plain("| a    | b |\n| ---- | - |"), plain("| a | b |\n| --- | - |"))
    assert.notStrictEqual(plain("| a | 1 |"), plain("| a | 2 |"))
  })

  it("costs - has a row for each family, and a column for each comparison", () => {
    const point = (cost: number) => ({ cost, lag: 1, missed: 0, requests: 1 })
    const family = { name: "fixed", isYours: false, points: [point(6), point(3)] }
    const comparison = { model: "m", w: 2, best: 2, optimum: [], families: [family] }
    assert.strictEqual(
      costs([comparison, comparison]),
      "| strategy | m | m |\n| --- | --- | --- |\n| fixed | 1.50 | 1.50 |"
    )
  })
})
