import { globSync, readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { equivalents } from "../mutants/equivalent.ts"
import { equivalentIn, misnamed, type Mutant, tally, unnoticed } from "../mutants.ts"

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

  it("equivalents - are counted apart, and named only while they survive", () => {
    const source = "const f = (a, b) =>\n    a >= b\n"
    const report = (status: string) => ({ files: { "core/f.ts": { source, mutants: [mutant(status)] } } })
    const named = [{ file: "/f.ts", reason: "they are never equal", mutants: ["a >= b -> a > b"] }]
    assert.deepStrictEqual(unnoticed(report("Survived"), named), [])
    assert.deepStrictEqual([equivalentIn(report("Survived"), named), equivalentIn(report("Killed"), named)], [1, 0])
    assert.strictEqual(equivalentIn(report("Survived"), [{ ...named[0]!, file: "/g.ts" }]), 0)
    assert.deepStrictEqual(misnamed(report("Survived"), named), [])
    assert.deepStrictEqual(misnamed(report("Killed"), named), ["core/f.ts: a >= b -> a > b"])
  })

  it("equivalent.json - has a reason for each, and names files that exist", () => {
    const files = globSync("packages/core/src/internal/**/*.ts", { cwd: new URL("../../", import.meta.url) })
    for (const { file, mutants, reason } of equivalents) {
      assert.isTrue(
        files.some((name) => name.endsWith(file)),
        file
      )
      assert.isAbove(reason.length, 10)
      for (const change of mutants) assert.include(change, " -> ")
    }
  })

  it("stryker.json - mutates files that exist", () => {
    const root = new URL("../../", import.meta.url)
    const { mutate } = JSON.parse(readFileSync(new URL("scripts/mutants/stryker.json", root), "utf8")) as {
      readonly mutate: ReadonlyArray<string>
    }
    for (const pattern of mutate) assert.isAbove(globSync(pattern, { cwd: root }).length, 0, pattern)
  })
})
