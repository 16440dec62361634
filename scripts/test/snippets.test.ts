import { assert, describe, it } from "@effect/vitest"
import { assertions, docFences, fences, place, slug, snippets } from "../snippets.ts"

const markdown = (...lines: ReadonlyArray<string>) =>
  snippets("docs/guide/x.md", fences("docs/guide/x.md", lines.join("\n")))

describe("snippets", () => {
  describe("assertions", () => {
    const rewrite = (code: string) => assertions(code).code
    const message = (code: string) => assertions(code).problems.map((problem) => `${problem.line} ${problem.message}`)

    it("an expression - is compared", () => {
      assert.strictEqual(rewrite("f(1) // => 2"), "same$(f(1), (2)) // => 2")
    })

    it("a const - is kept and compared", () => {
      assert.strictEqual(
        rewrite("const x = { a: 1 }; // => { a: 1 }"),
        "const x = { a: 1 }; same$(x, ({ a: 1 })); // => { a: 1 }"
      )
    })

    it("nested statements - are compared where they stand", () => {
      assert.strictEqual(
        rewrite("g(function* () {\n  yield* a // => 1\n}) // => 2"),
        "same$(g(function* () {\n  same$(yield* a, (1)) // => 1\n}), (2)) // => 2"
      )
    })

    it("a comment on its own line - belongs to the line above", () => {
      assert.strictEqual(rewrite("f()\n// => 1"), "same$(f(), (1))\n// => 1")
    })

    it("an arrow inside a string or a plain comment - is left alone", () => {
      const code = `f("// => 1") // a comment`
      assert.strictEqual(rewrite(code), code)
    })

    it("what cannot be compared - is a problem, never skipped", () => {
      assert.deepStrictEqual(message("if (a) {\n} // => 1"), ["2 `// =>` must follow an expression or a `const`"])
      assert.deepStrictEqual(message("const { a } = b // => 1"), [
        "1 `// =>` after a declaration needs a single plain name"
      ])
      assert.deepStrictEqual(message("f() // => three checks"), ["1 `// => three checks` is not an expression"])
      assert.strictEqual(message("const = 1").length, 1)
    })
  })

  describe("markdown", () => {
    it("fences - are modules of their own, in order", () => {
      const { problems, snippets: made } = markdown(
        "# A",
        "```ts",
        "a",
        "```",
        "```sh",
        "b",
        "```",
        "```ts no-run",
        "c",
        "```"
      )
      assert.deepStrictEqual(problems, [])
      assert.deepStrictEqual(
        made.map(({ line, name, run }) => ({ line, name, run })),
        [
          { line: 2, name: "guide-x-1", run: true },
          { line: 8, name: "guide-x-2", run: false }
        ]
      )
    })

    it("continue - is appended to the module before it", () => {
      const { snippets: made } = markdown("```ts", "const a = 1", "```", "", "```ts continue", "a", "```")
      assert.strictEqual(made.length, 1)
      assert.include(made[0]!.code, "const a = 1\na\n")
    })

    it("a tsx fence - is a module of components, which is checked and not run", () => {
      const { problems, snippets: made } = markdown(
        "```ts",
        "const a = 1",
        "```",
        "```tsx",
        "export const B = () => <b>1</b>",
        "```"
      )
      assert.deepStrictEqual(problems, [])
      assert.deepStrictEqual(
        made.map(({ extension, run }) => ({ extension, run })),
        [
          { extension: "ts", run: true },
          { extension: "tsx", run: false }
        ]
      )
      assert.include(made[1]!.code, "<b>1</b>")
    })

    it("an error - is placed at its line of the guide", () => {
      const [made] = markdown(
        "# A",
        "",
        "```ts",
        "const a = 1",
        "```",
        "",
        "```ts continue",
        "a // => 2",
        "```"
      ).snippets
      const at = made!.code.split("\n").findIndex((line) => line.startsWith("same$(a")) + 1
      const error = new Error("unequal")
      error.stack = `Error: unequal\n    at /repo/docs/_snippets/guide-x-1.ts:${at}:1`
      assert.strictEqual(place(made!, error), "docs/guide/x.md:8")
      assert.strictEqual(place(made!, new Error("elsewhere")), "docs/guide/x.md:3")
    })

    it("unknown marks and languages - are problems", () => {
      assert.deepStrictEqual(
        markdown("```ts continue", "```", "```ts norun", "```", "```typescript", "```").problems.map(
          (each) => each.message
        ),
        [
          "nothing to continue: this is the first `ts` fence of the file",
          "unknown mark `norun` on a `ts` fence",
          "write `ts` instead of `typescript`"
        ]
      )
    })

    it("an indented fence - loses its indent", () => {
      assert.strictEqual(fences("x.md", "- a\n  ```ts\n  f()\n    .g()\n  ```")[0]?.code, "f()\n  .g()")
    })
  })

  describe("doc comments", () => {
    it("only fences under an Example heading - are taken", () => {
      const source = [
        "/**",
        " * Does.",
        " *",
        " * ```ts",
        " * no()",
        " * ```",
        " *",
        " * **Example** (Doing)",
        " *",
        " * ```ts",
        " * yes()",
        " *   .more()",
        " * ```",
        " *",
        " * **Gotchas**",
        " *",
        " * ```ts",
        " * neither()",
        " * ```",
        " */",
        "export const a = 1"
      ].join("\n")
      const found = docFences("packages/core/src/A.ts", source)
      assert.deepStrictEqual(found, [
        { file: "packages/core/src/A.ts", line: 10, marks: ["ts"], code: "yes()\n  .more()" }
      ])
    })
  })

  it("slug - names the source", () => {
    assert.deepStrictEqual(["README.md", "docs/guide/01-start.md", "packages/core/src/internal/a.ts"].map(slug), [
      "README",
      "guide-01-start",
      "core-internal-a"
    ])
    assert.strictEqual(slug("docs/providers/mixpeek.md"), "docs-providers-mixpeek")
  })
})
