import { assert, describe, it } from "@effect/vitest"
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { anchors, rulesOfComments, rulesOfTitles } from "../docs.ts"

const root = join(import.meta.dirname, "../..")
const read = (file: string): string => readFileSync(join(root, file), "utf8")
const list = (...patterns: ReadonlyArray<string>): ReadonlyArray<string> =>
  globSync(patterns, { cwd: root, exclude: ["**/node_modules"] }).toSorted()

describe("docs/rules.md", () => {
  const page = read("docs/rules.md")
  const headings = [...page.matchAll(/^### (R\d+)$/gm)].map(([, rule]) => rule!)
  const last = Math.max(...headings.map((rule) => Number(rule.slice(1))))
  const tests = list("packages/*/test/**/*.test.ts", "packages/*/test/**/*.test-d.ts", "demo/test/**/*.test.ts")
  const titled = new Map(tests.map((file) => [file, rulesOfTitles(read(file))]))

  it("has each rule from R1 once, and an anchor for it", () => {
    const all = Array.from({ length: last }, (_, at) => `R${at + 1}`)
    assert.sameMembers(headings, all)
    assert.includeMembers(
      [...anchors(page)],
      all.map((rule) => rule.toLowerCase())
    )
  })

  it("lists each rule in the table of themes, under the theme that it is in", () => {
    const sections = page.split(/^## /m).slice(1)
    for (const section of sections) {
      const theme = section.slice(0, section.indexOf("\n"))
      const row = page.split("\n").find((line) => line.startsWith(`| [${theme}](`)) ?? ""
      const listed = [...row.matchAll(/\[(R\d+)\]\(#(r\d+)\)/g)]
      assert.deepStrictEqual(
        listed.map(([, rule]) => rule),
        [...section.matchAll(/^### (R\d+)$/gm)].map(([, rule]) => rule),
        theme
      )
      for (const [, rule, anchor] of listed) assert.strictEqual(anchor, rule!.toLowerCase())
    }
  })

  it("has every rule that a test names in its title", () => {
    for (const [file, rules] of titled) assert.includeMembers(headings, [...new Set(rules)], file)
  })

  it("has every rule that a comment names", () => {
    for (const file of list("packages/*/src/**/*.ts", "packages/scoreboard/**/*.ts", "packages/*/test/**/*.ts")) {
      assert.includeMembers(headings, [...new Set(rulesOfComments(read(file)))], file)
    }
  })

  it("names no rule without a test that has its number in the title", () => {
    const named = new Set([...titled.values()].flat())
    assert.deepStrictEqual(
      headings.filter((rule) => !named.has(rule)),
      []
    )
  })
})
