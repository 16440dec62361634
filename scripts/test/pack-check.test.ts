import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { closure, fileProblems, type Manifest, optionalPeers, packagesOf, programsOf } from "../pack-check.ts"

const fence = (marks: string, code: string) => `\`\`\`${marks}\n${code}\n\`\`\`\n`

describe("pack-check", () => {
  describe("programsOf", () => {
    it("returns the `ts` fences that run, in order", () => {
      const readme = [
        fence("sh", "npm install"),
        fence("ts no-run", "const a = 1"),
        fence("ts", "const b = 2 // => 2"),
        fence("ts", "const c = 3")
      ].join("\ntext\n")
      const programs = programsOf(readme)
      assert.deepStrictEqual(
        programs.map(({ plain }) => plain),
        ["const b = 2 // => 2", "const c = 3"]
      )
      assert.include(programs[0]!.asserting.code, "same$(b, (2))")
      assert.notInclude(programs[0]!.asserting.code, "const c")
    })

    it("throws when there is none", () => {
      assert.throws(() => programsOf(fence("ts no-run", "const a = 1")), /no `ts` program/)
    })

    it("the first program of README.md needs only effect and effect-poll", () => {
      const [first] = programsOf(readFileSync(join(import.meta.dirname, "../../README.md"), "utf8"))
      assert.deepStrictEqual(packagesOf(first!.plain), ["effect", "effect-poll"])
    })
  })

  it("packagesOf - names packages once, without subpaths, relative paths and Node's modules", () => {
    const program = [
      `import * as A from "effect/A"`,
      `import type { B } from "effect"`,
      `export * from "@effect-poll/http/C"`,
      `import "./d.ts"`,
      `import { e } from "node:fs"`,
      `type F = import("f/g").F`,
      `await import("h")`,
      `const text = 'import "none"'`
    ]
    assert.deepStrictEqual(packagesOf(program.join("\n")), ["@effect-poll/http", "effect", "f", "h"])
  })

  it("closure - adds what our packages need of each other", () => {
    const manifest = (name: string, ...needs: ReadonlyArray<string>): [string, Manifest] => [
      name,
      { name, version: "1.0.0", dependencies: Object.fromEntries(needs.map((each) => [each, "^1.0.0"])) }
    ]
    const ours = new Map([manifest("a", "b", "effect"), manifest("b", "c"), manifest("c"), manifest("d")])
    assert.deepStrictEqual([...closure(["a", "effect"], ours)], ["a", "b", "c"])
  })

  it("optionalPeers - names those that are marked optional", () => {
    const peerDependenciesMeta = { a: { optional: true }, b: { optional: false }, c: {} }
    assert.deepStrictEqual(optionalPeers({ name: "p", version: "1.0.0", peerDependenciesMeta }), ["a"])
  })

  describe("fileProblems", () => {
    const map = JSON.stringify({ sources: ["../src/A.ts"], sourceRoot: "" })
    const whole: Readonly<Record<string, string>> = {
      "package.json": JSON.stringify({ name: "p", dependencies: { a: "1" }, peerDependencies: { effect: "1" } }),
      "README.md": "",
      LICENSE: "",
      "AGENTS.md": "",
      "src/A.ts": "",
      "dist/A.js": `import "effect/Effect"\nimport "a"`,
      "dist/A.js.map": map,
      "dist/A.d.ts": `import "p/B"`,
      "dist/A.d.ts.map": map
    }
    const problems = (change: Readonly<Record<string, string | undefined>>) => {
      const files = new Map(Object.entries({ ...whole, ...change }).filter(([, text]) => text !== undefined))
      return fileProblems(new Set(files.keys()), (file) => files.get(file)!)
    }

    it("passes a whole package", () => {
      assert.deepStrictEqual(problems({}), [])
    })

    it("reports a text or a build that is missing", () => {
      assert.deepStrictEqual(problems({ LICENSE: undefined, "AGENTS.md": undefined }), [
        "LICENSE is missing",
        "AGENTS.md is missing"
      ])
      assert.deepStrictEqual(problems({ "dist/A.d.ts": undefined }), ["dist/A.d.ts is missing"])
    })

    it("reports a map without its source, and a build of a source that is gone", () => {
      assert.deepStrictEqual(problems({ "src/A.ts": undefined }), [
        "dist/A.js.map maps to src/A.ts, which is missing",
        "dist/A.d.ts.map maps to src/A.ts, which is missing"
      ])
    })

    it("reports what does not belong into a package", () => {
      assert.deepStrictEqual(problems({ "dist/.tsbuildinfo": "", "test/A.test.ts": "" }), [
        "dist/.tsbuildinfo does not belong into the package",
        "test/A.test.ts does not belong into the package"
      ])
    })

    it("reports an import that the manifest does not declare, in code and in declarations", () => {
      assert.deepStrictEqual(problems({ "dist/A.js": `import "b"`, "dist/A.d.ts": `export type A = import("c").C` }), [
        "dist/A.js imports b, which the manifest does not declare",
        "dist/A.d.ts imports c, which the manifest does not declare"
      ])
    })
  })
})
