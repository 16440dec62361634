import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { globSync, readFileSync } from "node:fs"
import { basename, join } from "node:path"
import { promisify } from "node:util"
import { fences } from "../scripts/snippets.ts"

/** Runs CommonJS in a Node of its own, with the packages of this folder, and returns what it prints. */
const run = async (code: string): Promise<string> => {
  const options = { cwd: import.meta.dirname }
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=commonjs", "-e", code], options)
  return stdout.trim()
}

describe("CommonJS", () => {
  const page = readFileSync(join(import.meta.dirname, "guide/14-runtimes.md"), "utf8")
  const samples = fences("docs/guide/14-runtimes.md", page).filter(({ marks }) => marks[0] === "js")

  it("guide - has a sample", () => {
    assert.isAbove(samples.length, 0)
  })

  it.each(samples)(
    "$file:$line - prints what its comment says",
    async ({ code }) => {
      const expected = /console\.log\(.*\) \/\/ (.*)/.exec(code)?.[1]
      assert.isDefined(expected)
      assert.strictEqual(await run(code), expected)
    },
    10_000
  )

  it("modules of effect-poll - can all be required", async () => {
    const sources = globSync("*.ts", { cwd: join(import.meta.dirname, "../packages/core/src") })
    const modules = sources
      .map((file) => `effect-poll/${basename(file, ".ts")}`)
      .filter((name) => !name.endsWith("/index"))
    const code = `for (const name of ${JSON.stringify(["effect-poll", ...modules])}) require(name); console.log("all")`
    assert.strictEqual(await run(code), "all")
  }, 10_000)
})
