import { assert, describe, it } from "@effect/vitest"
import { sizeOf, tableOf, withTable } from "../size.ts"

const kib = 1024

describe("size", () => {
  it("sizeOf - bundles an entry with effect, and returns the share of effect", async () => {
    const { effect, gzipped, minified } = await sizeOf("strategy")
    assert.isAbove(minified, gzipped)
    assert.isAbove(gzipped, kib)
    assert.isAbove(effect, 0.5)
    assert.isBelow(effect, 1)
  })

  it("tableOf - rounds to whole KiB and aligns the cells", () => {
    const table = tableOf([["`Strategy`", { minified: 39.4 * kib, gzipped: 13.5 * kib, effect: 0.834 }]])
    assert.strictEqual(
      table,
      `| you import | minified | gzipped | of that, effect |
| ---------- | -------- | ------- | --------------- |
| \`Strategy\` | 39 KiB   | 14 KiB  | 83 %            |`
    )
  })

  it("withTable - replaces the table after the heading, and no other one", () => {
    const page = "| other |\n| --- |\n\n## Bundle sizes\n\nText.\n\n| old |\n| --- |\n| 1 |\n\n| kept |\n| --- |\n"
    assert.strictEqual(
      withTable(page, "| new |\n| --- |"),
      "| other |\n| --- |\n\n## Bundle sizes\n\nText.\n\n| new |\n| --- |\n\n| kept |\n| --- |\n"
    )
    assert.throws(() => withTable("# Bundle sizes\n", "| new |"), /no table of bundle sizes/)
  })
})
