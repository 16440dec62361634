import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { namesOf, renames } from "../renames.ts"

const root = join(import.meta.dirname, "../..")
const read = (file: string): string => readFileSync(join(root, file), "utf8")

const report = `# API of p

## p/Poll

\`\`\`ts
import type { Limits } from "./Limits.ts"
import * as hidden from "./internal/hidden.ts"

export type { Limits as Bounds } from "./Limits.ts"
export interface Options extends hidden.Common {
  readonly stall?: { readonly onStall?: "fail" | "report" | undefined }
  readonly limits: Limits
}
declare class Failed_base {}
export declare const until: (options: Options) => void
\`\`\`

## p/Limits

\`\`\`ts
export interface Limits {
  readonly max: number
}
\`\`\`

## internal/hidden

\`\`\`ts
export interface Common {
  readonly deadline: number
}
\`\`\`
`

describe("renames", () => {
  describe("renames", () => {
    it("reads the tables of two columns by heading", () => {
      const page = '# T\n\n## `p`\n\n| old | new |\n| --- | --- |\n| `A.b: "c"` | `D` |\n| `E` | (gone: use `F`) |\n'
      assert.deepStrictEqual(Object.fromEntries(renames(page)), {
        p: [
          { old: 'A.b: "c"', new: "D", line: 7 },
          { old: "E", new: "(gone: use `F`)", line: 8 }
        ]
      })
    })
  })

  describe("namesOf", () => {
    it.each([
      ["Poll", true],
      ["Poll.until", true],
      ["Poll.Options.stall.onStall", true],
      ['Poll.Options.stall.onStall: "fail"', true],
      ["Poll.Options.limits.max", true],
      ["Poll.Options.deadline", true],
      ["Poll.Bounds.max", true],
      ["Limits.Limits.max", true],
      ["Poll.Failed_base", false],
      ["hidden", false],
      ["hidden.Common", false],
      ["Poll.Options.stall.then", false],
      ['Poll.Options.stall.onStall: "skip"', false],
      ["Poll.run", false]
    ])("%s - %s", (path, exported) => {
      assert.strictEqual(namesOf(report).has(path), exported)
    })
  })

  describe("docs/renames.md", () => {
    const sections = renames(read("docs/renames.md"))
    const packages = [...sections.keys()].filter((name) => /^@?effect-poll/.test(name))

    it("has a table for each package, for calls, strings and files", () => {
      assert.sameMembers(
        [...sections.keys()],
        [
          "effect-poll",
          "@effect-poll/http",
          "@effect-poll/providers",
          "@effect-poll/testing",
          "Calls",
          "Strings",
          "Files"
        ]
      )
    })

    it.each(packages)("%s - each new name is exported, and no old one", (name) => {
      const names = namesOf(read(`etc/${name.replace("@", "").replace("/", "-")}.api.md`))
      const rows = sections.get(name)!
      const missing = rows.filter((row) => !row.new.startsWith("(gone: ") && !names.has(row.new))
      assert.deepStrictEqual(missing, [], "not exported")
      assert.deepStrictEqual(
        rows.filter((row) => names.has(row.old)),
        [],
        "still exported"
      )
    })

    it("names each old name once", () => {
      for (const rows of sections.values()) {
        const old = rows.map((row) => row.old)
        assert.deepStrictEqual(old, [...new Set(old)])
      }
    })

    it("lists files that exist, and old ones that do not", () => {
      const rows = sections.get("Files")!
      assert.deepStrictEqual(
        rows.filter((row) => !existsSync(join(root, row.new))),
        []
      )
      assert.deepStrictEqual(
        rows.filter((row) => existsSync(join(root, row.old))),
        []
      )
    })
  })
})
