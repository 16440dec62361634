import { assert, describe, it } from "@effect/vitest"
import { difference, importsOf, report, strip } from "../api-report.ts"

describe("api-report", () => {
  it("strip - drops comments and blank lines, and sorts by name", async () => {
    const declarations = [
      "/** Head. */",
      `import * as Effect from "effect/Effect";`,
      "/** Second. */",
      "export declare const b: string;",
      "/** First. */",
      "export interface A {",
      "    /** A field. */",
      "    readonly one: 1;",
      "",
      "    // And another.",
      `    readonly two: "/* no comment */";`,
      "}",
      "export declare const a: /*#__PURE__*/ Effect.Effect<A>;",
      "export {};",
      "//# sourceMappingURL=A.d.ts.map"
    ]
    assert.deepStrictEqual((await strip(declarations.join("\n"))).split("\n"), [
      `import * as Effect from "effect/Effect"`,
      "",
      "export interface A {",
      "  readonly one: 1",
      `  readonly two: "/* no comment */"`,
      "}",
      "",
      "export declare const a: Effect.Effect<A>",
      "export declare const b: string"
    ])
  })

  it("strip - keeps the order of overloads", async () => {
    const overloads = ["export declare function f(x: string): void", "export declare function f(x: number): void"]
    assert.strictEqual(await strip(overloads.join("\n")), overloads.join("\n"))
  })

  it("strip - is the same however the declarations are laid out", async () => {
    const one = await strip(`export type A = { readonly a: 1; readonly b: 2 }\n`)
    const two = await strip(`export type A = {\n    readonly a: 1;\n    readonly b: 2;\n};\n`)
    assert.strictEqual(one, two)
  })

  it("importsOf - names what is taken by a relative path", () => {
    const found = importsOf(
      [
        `import { type A, B as C } from "./a.ts"`,
        `import type * as space from "./b.ts"`,
        `import * as rest from "./c.ts"`,
        `import { D } from "effect/D"`,
        `export * from "./e.ts"`,
        `export interface F extends space.G<space.H> { readonly i: import("./internal/i.ts").I }`
      ].join("\n")
    )
    assert.deepStrictEqual(found, [
      { from: "./a.ts", names: ["A", "B"] },
      { from: "./b.ts", names: ["G", "H"] },
      { from: "./c.ts", names: ["*"] },
      { from: "./e.ts", names: ["*"] },
      { from: "./internal/i.ts", names: ["I"] }
    ])
  })

  it("report - lists what is taken from internal modules, and shows those modules", async () => {
    const files: Record<string, string> = {
      A: `import type { B } from "./internal/b.ts"\nexport type A = B`,
      index: `export * as A from "./A.ts"`,
      "internal/b": `import type { C } from "./c.ts"\nexport type B = C`,
      "internal/c": "export type C = 1",
      "internal/d": "export type D = 1"
    }
    const text = await report("p", ["A", "index"], (module) => files[module]!)
    assert.include(text, "## Taken from internal modules\n\n- `A`: `B` of `internal/b`\n\n## p\n")
    assert.deepStrictEqual(
      text.split("\n").filter((line) => line.startsWith("## ")),
      ["## Taken from internal modules", "## p", "## p/A", "## internal/b", "## internal/c"]
    )
    assert.notInclude(text, "type D")
  })

  it("report - says when nothing is taken", async () => {
    assert.include(await report("p", ["A"], () => "export type A = 1"), "internal modules\n\nNothing.\n")
  })

  it("difference - shows the first line and its module", () => {
    assert.strictEqual(
      difference("# API\n\n## p/A\n\nexport type A = 1\n", "# API\n\n## p/A\n\nexport type A = 2\n"),
      "line 5, in p/A:\n  - export type A = 1\n  + export type A = 2"
    )
    assert.strictEqual(difference("", "# API\n"), "line 1, in its head:\n  - \n  + # API")
  })
})
