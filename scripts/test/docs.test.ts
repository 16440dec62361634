import { assert, describe, it } from "@effect/vitest"
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import * as docs from "../docs.ts"

const root = join(import.meta.dirname, "../..")
const read = (file: string): string => readFileSync(join(root, file), "utf8")
const list = (...patterns: ReadonlyArray<string>): ReadonlyArray<string> =>
  globSync(patterns, { cwd: root, exclude: ["**/node_modules", "docs/_snippets"] }).toSorted()

const page = `# One word

See [here](#one-word), [there](a.md#two), [out](https://e.com/x) and [code](../b.ts).

\`\`\`md
# Not a heading
[not a link](nowhere.md)
\`\`\`

## One word

| name | what \\| why |
| ---- | ------------ |
| \`a\`  | first        |
| \`b\`  | \`x \\| y\`     |

| name | other |
| ---- | ----- |
| \`c\`  | third |
`

describe("docs", () => {
  describe("pages", () => {
    it("anchors - are those of the headings, numbered where they repeat, without fences", () => {
      assert.deepStrictEqual([...docs.anchors(page)], ["one-word", "one-word-1"])
      assert.deepStrictEqual([...docs.anchors("## `a.b`: what, and why?\n")], ["ab-what-and-why"])
    })

    it("links - are the relative ones, with their lines", () => {
      assert.deepStrictEqual(docs.links(page), [
        { line: 3, file: "", anchor: "one-word" },
        { line: 3, file: "a.md", anchor: "two" },
        { line: 3, file: "../b.ts", anchor: "" }
      ])
    })

    it("table - has the rows under its head, and not those of other tables", () => {
      assert.deepStrictEqual(docs.table(page, "name", "what | why"), [
        { name: "`a`", "what | why": "first" },
        { name: "`b`", "what | why": "`x | y`" }
      ])
    })
  })

  describe("modules", () => {
    const source = `
      export interface O<in E> { readonly a: number; readonly b?: { readonly c: 1 } | undefined }
      export type U<A> = X<A> | Y
      export type W = "x" | "y"
      export class K extends Base {}
      class Hidden {}
      // rule R3, and not R2
      describe.each(hosts)("$name [R4]", () => { it.effect(\`\${kind} - works [R5]\`, () => {}) })
      const rows = [{ name: "row [R6]", other: "R7" }]
    `

    it("membersOf, unionOf, classesOf - name what is declared", () => {
      assert.deepStrictEqual(docs.membersOf(source, "O"), ["a", "b"])
      assert.deepStrictEqual(docs.unionOf(source, "U"), ["X", "Y"])
      assert.deepStrictEqual(docs.unionOf(source, "W"), ["x", "y"])
      assert.deepStrictEqual(docs.classesOf(source), ["K"])
      assert.throws(() => docs.membersOf(source, "P"), /P is not declared/)
    })

    it("rulesOfTitles - reads the titles of tests and of rows, and no other text", () => {
      assert.deepStrictEqual(docs.rulesOfTitles(source), ["R4", "R5", "R6"])
    })

    it("rulesOfComments - reads what is called a rule", () => {
      assert.deepStrictEqual(docs.rulesOfComments(source), ["R3"])
    })
  })

  describe("links of the documents", () => {
    const pages = list("*.md", "docs/**/*.md", "packages/*/*.md", "packages/*/src/**/*.md", "demo/**/*.md")

    it.each(pages.filter((file) => file !== "CHANGELOG.md"))("%s - leads to files and headings that exist", (file) => {
      const broken = docs.links(read(file)).flatMap(({ anchor, file: target, line }) => {
        const path = target === "" ? file : join(dirname(file), target)
        if (!existsSync(join(root, path))) return [`${file}:${line} ${path} does not exist`]
        const hasAnchor = anchor === "" || !path.endsWith(".md") || docs.anchors(read(path)).has(anchor)
        return hasAnchor ? [] : [`${file}:${line} ${path} has no heading for #${anchor}`]
      })
      assert.deepStrictEqual(broken, [])
    })
  })
})
