import { globSync, readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { type Mutant, tally, unnoticed } from "../mutants.ts"

const mutant = (status: string, changes: Partial<Mutant> = {}): Mutant => ({
  status,
  mutatorName: "EqualityOperator",
  replacement: "a > b",
  location: { start: { line: 2, column: 5 }, end: { line: 2, column: 11 } },
  ...changes
})

describe("mutants", () => {
  it("tally - counts what the tests detect, without mutants that were ignored or do not run", () => {
    const statuses = ["Killed", "Killed", "Killed", "Timeout", "Survived", "NoCoverage", "Ignored", "RuntimeError"]
    assert.deepStrictEqual(tally(statuses.map((status) => mutant(status))), {
      mutants: 6,
      killed: 3,
      timeout: 1,
      survived: 1,
      noCoverage: 1,
      score: 66.66
    })
    assert.strictEqual(tally([]).score, 100)
  })

  it("tally - never rounds a score up", () => {
    const mutants = Array.from({ length: 20_001 }, (_, index) => mutant(index === 0 ? "Survived" : "Killed"))
    assert.strictEqual(tally(mutants).score, 99.99)
  })

  it("unnoticed - names the place, the code and its replacement", () => {
    const source = "const f = (a, b) =>\n    a >= b\n"
    const block = {
      replacement: "{\n}",
      location: { start: { line: 1, column: 11 }, end: { line: 2, column: 11 } }
    }
    const mutants = [mutant("Killed"), mutant("Survived"), mutant("NoCoverage", block)]
    assert.deepStrictEqual(unnoticed({ files: { "core/f.ts": { source, mutants } } }), [
      "core/f.ts:2:5 EqualityOperator: a >= b  ->  a > b",
      "core/f.ts:1:11 EqualityOperator, not covered: (a, b) =>  ->  { }"
    ])
  })

  it("stryker.json - mutates files that exist", () => {
    const root = new URL("../../", import.meta.url)
    const { mutate } = JSON.parse(readFileSync(new URL("scripts/mutants/stryker.json", root), "utf8")) as {
      readonly mutate: ReadonlyArray<string>
    }
    for (const pattern of mutate) assert.isAbove(globSync(pattern, { cwd: root }).length, 0, pattern)
  })
})
