import { assert, describe, it } from "@effect/vitest"
import { check } from "../overload-docs.ts"

const found = (source: string) => check("a.ts", source).map(({ line, message }) => `${line} ${message}`)

describe("overload-docs", () => {
  it("a constant - needs a doc comment at each of its signatures", () => {
    const source = [
      "/** Adds. */",
      "export const add: {",
      "  (a: number): F",
      "  (a: number, b: number): number",
      "} = f"
    ]
    assert.deepStrictEqual(found(source.join("\n")), [
      "3 overload 1 of add has no doc comment",
      "4 overload 2 of add has no doc comment"
    ])
    source[2] = "  /** Adds `a` later. */\n  (a: number): F"
    assert.deepStrictEqual(found(source.join("\n")), ["5 overload 2 of add has no doc comment"])
    source[3] = "  /**\n   * Adds two numbers.\n   */\n  // a directive\n  (a: number, b: number): number"
    assert.deepStrictEqual(found(source.join("\n")), [])
  })

  it("a comment - counts only if it is a doc comment with a text", () => {
    const second = "/** Adds two. */\n(a: 1, b: 1): 2"
    for (const first of [
      "// Adds.",
      "/* Adds. */",
      "/** */",
      "/** @since 0.1.0 */",
      "x: 1 /** Adds. */",
      "/** Adds. */\nx: 1"
    ]) {
      const source = `export const add: {\n${first}\n(a: 1): F\n${second} } = f`
      assert.match(found(source).join(), /^[34] overload 1 of add has no doc comment$/, first)
    }
  })

  it("a single signature - needs none, since a hover falls back to the constant", () => {
    assert.deepStrictEqual(found("export const add: { (a: 1): 2 } = f\nexport interface F { (a: 1): 2 }"), [])
  })

  it("functions, methods and interfaces - are checked too", () => {
    const lines = [
      "export function f(a: 1): 2",
      "export function f(a: 3): 4",
      "export function f(a: number): number { return a }",
      "export interface Service {",
      "  readonly run: { (a: 1): 2; (a: 3): 4 }",
      "  stop(a: 1): 2",
      "  stop(a: 3): 4",
      "}",
      "export class Handle {",
      "  stop(a: 1): 2",
      "  stop(a: 3): 4",
      "  stop(a: number): number { return a }",
      "}"
    ]
    assert.deepStrictEqual(found(lines.join("\n")).toSorted(), [
      "1 overload 1 of f has no doc comment",
      "10 overload 1 of Handle.stop has no doc comment",
      "11 overload 2 of Handle.stop has no doc comment",
      "2 overload 2 of f has no doc comment",
      "5 overload 1 of Service has no doc comment",
      "5 overload 2 of Service has no doc comment",
      "6 overload 1 of Service.stop has no doc comment",
      "7 overload 2 of Service.stop has no doc comment"
    ])
  })

  it("what is not exported - needs none, unless it is exported by name", () => {
    const source = "const add: { (a: 1): 2; (a: 3): 4 } = f"
    assert.deepStrictEqual(found(source), [])
    assert.lengthOf(found(`${source}\nexport { add as plus }`), 2)
  })
})
