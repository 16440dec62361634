import { assert, describe, it } from "@effect/vitest"
import { join } from "node:path"
import { printProblem } from "../scripts/ast.ts"
import { collect, directory, place, write } from "../scripts/snippets.ts"

const { problems, snippets } = collect()
write(snippets)

describe("snippets", () => {
  it("every fence is well formed", () => {
    assert.deepStrictEqual(problems.map(printProblem), [])
  })

  for (const snippet of snippets.filter((each) => each.run)) {
    it(`${snippet.file}:${snippet.line}`, async () => {
      try {
        await import(/* @vite-ignore */ join(directory, `${snippet.name}.ts`))
      } catch (error) {
        throw new Error(`${place(snippet, error)} ${error instanceof Error ? error.message : String(error)}`, {
          cause: error
        })
      }
    }, 10_000)
  }
})
