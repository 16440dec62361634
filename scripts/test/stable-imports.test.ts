import { assert, describe, it } from "@effect/vitest"
import { join } from "node:path"
import { check, type Lookup, lookupIn, stabilities } from "../stable-imports.ts"

const doc = (stability: string) => `/**\n * Text.\n *\n * @stability ${stability}\n */\n`

const fixture = [
  `${doc("stable")}export const a: { <A>(x: A): A; (x: number): number } = dual(1, f)`,
  `${doc("unstable")}export const b = 1`,
  "export const c = 1",
  `const while_ = 1\nexport {\n  ${doc("stable")}  while_ as while\n}`,
  `const try_ = 1\nexport {\n  ${doc("experimental")}  try_ as try\n}`,
  `${doc("stable")}export interface D {}\n${doc("unstable")}export const D = 1`,
  `${doc("stable")}export declare namespace N {\n  /** A type. */\n  export type In = 1\n${doc("unstable")}  export type Out = 1\n}`,
  `${doc("stable")}// @ts-expect-error\nexport function g(): void {}\nexport function g(): void {}`
].join("\n")

const table = stabilities(fixture)
const lookup: Lookup = (name) => (name === "X" || name === "Effect" ? table : undefined)

const found = (source: string, file = "packages/core/src/A.ts") =>
  check(file, source, lookup).map((problem) => `${problem.line} ${problem.message}`)

describe("stable-imports", () => {
  it("stabilities - reads every kind of export", () => {
    assert.deepStrictEqual(Object.fromEntries(table), {
      a: "stable",
      b: "unstable",
      c: "untagged",
      while: "stable",
      try: "experimental",
      D: "unstable",
      N: "stable",
      "N.In": "untagged",
      "N.Out": "unstable",
      g: "stable"
    })
  })

  it("stabilities - reads effect itself", () => {
    const effect = lookupIn(join(import.meta.dirname, "../../node_modules/effect/src"))
    assert.strictEqual(effect("Effect")?.get("void"), "stable")
    assert.strictEqual(effect("Effect")?.get("withExecutionPlan"), "unstable")
    assert.strictEqual(effect("Schedule")?.get("while"), "stable")
    assert.strictEqual(effect("Option")?.get("all"), "stable")
    assert.strictEqual(effect("PartitionedSemaphore")?.get("make"), "unstable")
    assert.isUndefined(effect("Nothing"))
  })

  describe("members of effect", () => {
    it("stable ones - pass, as values and as types", () => {
      assert.deepStrictEqual(found(`import * as X from "effect/X"\nX.a(X.while)\nexport type T = X.N.In | X.N`), [])
      assert.deepStrictEqual(found(`import { a } from "effect/X"\nimport type { N } from "effect/X"\na(1 as N.In)`), [])
    })

    it("others - are named with their line", () => {
      assert.deepStrictEqual(found(`import * as X from "effect/X"\nX.b\nX.c\nX.try\nX.D\nX.nothing`), [
        "2 X.b is unstable",
        "3 X.c is untagged",
        "4 X.try is experimental",
        "5 X.D is unstable",
        "6 effect/X has no export nothing"
      ])
      assert.deepStrictEqual(found(`import * as X from "effect/X"\nexport type T = X.D | X.N.Out`), [
        "2 X.D is unstable",
        "2 X.N.Out is unstable"
      ])
      assert.deepStrictEqual(found(`import { b as z } from "effect/X"`), ["1 X.b is unstable"])
      assert.deepStrictEqual(found(`export { b } from "effect/X"`), ["1 X.b is unstable"])
    })

    it("a namespace - may not hide its members", () => {
      assert.deepStrictEqual(found(`import * as X from "effect/X"\nX["a"]\nconst { b } = X\nf({ X })`), [
        "2 X is read by a computed name",
        "3 X is used whole",
        "4 X is used whole"
      ])
      assert.deepStrictEqual(found(`export * from "effect/X"`), ["1 name what is exported from effect"])
      assert.deepStrictEqual(found(`export type T = import("effect/X").b`), [
        "1 import effect/X at the top of the module"
      ])
    })

    it("the other packages - may use what is not stable", () => {
      assert.deepStrictEqual(found(`import * as X from "effect/X"\nX.b`, "packages/http/src/A.ts"), [])
    })
  })

  describe("imports", () => {
    it("the core - imports modules of effect and itself", () => {
      assert.deepStrictEqual(found(`import "./internal/a.ts"`), [])
      for (const from of ["effect/http", "effect/http/HttpClient", "effect/testing", "node:fs", "lodash"]) {
        assert.deepStrictEqual(found(`import { x } from "${from}"`), [`1 the core does not import ${from}`])
      }
      assert.deepStrictEqual(found(`import { Effect } from "effect"`), [
        "1 import a module such as effect/Schedule instead of effect"
      ])
      assert.deepStrictEqual(found(`import * as Y from "effect/Y"`), ["1 there is no effect/Y"])
      assert.deepStrictEqual(found(`import "../../http/src/a.ts"`), ["1 ../../http/src/a.ts leaves the package"])
    })

    it("arrows - go one way", () => {
      const from = (name: string, target: string) => found(`import { x } from "${target}"`, `packages/${name}/src/A.ts`)
      assert.deepStrictEqual(from("http", "effect-poll/Status"), [])
      assert.deepStrictEqual(from("providers", "@effect-poll/http"), [])
      assert.deepStrictEqual(from("core", "@effect-poll/http"), ["1 core does not import @effect-poll/http"])
      assert.deepStrictEqual(from("core", "effect-poll/Status"), ["1 core does not import effect-poll"])
      assert.deepStrictEqual(from("http", "@effect-poll/providers/A"), [
        "1 http does not import @effect-poll/providers"
      ])
      assert.deepStrictEqual(from("testing", "effect-poll"), ["1 the job server does not import effect-poll"])
      const assertion = found(`import * as Poll from "effect-poll/Poll"`, "packages/testing/src/Assertion.ts")
      assert.deepStrictEqual(assertion, [])
      assert.deepStrictEqual(from("http", "effect-poll/internal/a"), ["1 effect-poll/internal/a is internal"])
      assert.deepStrictEqual(from("new", "effect-poll"), [
        "1 package new has no arrows yet: say them in scripts/stable-imports.ts"
      ])
    })
  })

  describe("seams", () => {
    it("time, randomness and transport - come from services", () => {
      const lines = [
        "Date.now()",
        "Math.random()",
        "setTimeout(f, 1)",
        "const later = globalThis.setInterval",
        "fetch(url)",
        "new Promise(f)",
        "run(setInterval)",
        "new Date()"
      ]
      assert.deepStrictEqual(found(lines.join("\n"), "packages/providers/src/A.ts"), [
        "1 Date.now is not allowed here",
        "2 Math.random is not allowed here",
        "3 setTimeout is not allowed here",
        "4 setInterval is not allowed here",
        "5 fetch is not allowed here",
        "6 new Promise is not allowed here",
        "7 setInterval is not allowed here",
        "8 new Date() is not allowed here"
      ])
    })

    it("names and comments - are no uses", () => {
      assert.deepStrictEqual(
        found(
          `// Date.now()\nnew Date(millis)\nclient.fetch(url)\nconst o = { setTimeout: 1, s: "fetch(x)" }\no.setTimeout`
        ),
        []
      )
    })

    it("Effect.run* - only in the hosts of the loop", () => {
      const source = `import * as Effect from "effect/Effect"\nEffect.runForkWith(c)(e)`
      const inHttp = found(source, "packages/http/src/A.ts")
      assert.deepStrictEqual(inHttp, ["2 Effect.run* is not allowed here"])
      assert.notInclude(found(source, "packages/core/src/internal/single/host.ts"), "2 Effect.run* is not allowed here")
      assert.include(found(source, "packages/core/src/Status.ts"), "2 Effect.run* is not allowed here")
    })
  })
})
