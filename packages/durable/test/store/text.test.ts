import { assert, describe, it } from "@effect/vitest"
import type * as theText from "../../src/internal/store/sql/text.ts"

const path: string = "../../src/internal/store/sql/text.ts"
const { fromTags, fromText, toTags, toText }: typeof theText = await import(path)

describe("texts of columns", () => {
  it("yield what they were made of", () => {
    for (const text of ["", "a", '"', '"a"', "nul \0", "\ud800 half"]) assert.strictEqual(fromText(toText(text)), text)
    assert.deepStrictEqual(fromTags(toTags(["a", '"'])), ["a", '"'])
  })

  it("that are damaged are read as they are, and fail nothing", () => {
    assert.strictEqual(fromText('"open'), '"open')
    assert.deepStrictEqual(fromTags("[open"), [])
    assert.deepStrictEqual(fromTags("5"), [])
  })
})
