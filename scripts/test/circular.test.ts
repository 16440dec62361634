import { assert, describe, it } from "@effect/vitest"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { find, judge } from "../circular.ts"

/** Finds circles among the files of one package `p`. */
const inPackage = (files: Readonly<Record<string, string>>): ReturnType<typeof find> => {
  const root = mkdtempSync(join(tmpdir(), "circular-"))
  try {
    mkdirSync(join(root, "packages/p/src/internal"), { recursive: true })
    for (const [name, text] of Object.entries(files)) writeFileSync(join(root, "packages/p/src", name), text)
    return find(root, ["packages/p/src"])
  } finally {
    rmSync(root, { recursive: true })
  }
}

const circles = (files: Readonly<Record<string, string>>) => [...(inPackage(files).get("p")?.circles ?? [])]

describe("circular", () => {
  it("find - reports a circle of type-only imports once, from its least name", () => {
    const files = {
      "b.ts": `import type { A } from "./internal/c.ts"\nexport type B = A`,
      "a.ts": `import { type B } from "./b.ts"\nexport type A = B`,
      "internal/c.ts": `export type * from "../a.ts"`
    }
    assert.deepStrictEqual(circles(files), ["a.ts -> b.ts -> internal/c.ts -> a.ts"])
    assert.strictEqual(inPackage(files).get("p")?.files.size, 3)
  })

  it("find - reports circles of values and of re-exports", () => {
    assert.deepStrictEqual(circles({ "a.ts": `import "./b.ts"`, "b.ts": `export * as A from "./a.ts"` }), [
      "a.ts -> b.ts -> a.ts"
    ])
  })

  it("find - passes files that only share an import", () => {
    const files = {
      "a.ts": `import type { C } from "./c.ts"\nimport "./b.ts"\nexport type A = C`,
      "b.ts": `import type { C } from "./c.ts"\nexport type B = C`,
      "c.ts": `export type C = 1`
    }
    assert.deepStrictEqual(circles(files), [])
  })

  it("find - throws when there is no file to look at", () => {
    assert.throws(() => inPackage({}), /No files/i)
  })

  it("judge - prints the circles of each package", () => {
    const found = new Map([["p", { files: new Set(["a.ts", "b.ts"]), circles: new Set(["a.ts -> b.ts -> a.ts"]) }]])
    assert.deepStrictEqual(judge(found), ["p: 2 files are part of a circle of imports:\n  a.ts -> b.ts -> a.ts"])
    assert.deepStrictEqual(judge(new Map()), [])
  })
})
