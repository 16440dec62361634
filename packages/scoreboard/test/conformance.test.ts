import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { judge, pollers } from "../conformance/board.ts"
import { cases } from "../conformance/cases/all.ts"

// Each poller runs in a process of its own under a virtual clock: nothing waits in real time.
const timeout = 180_000

const run = promisify(execFile)

describe("conformance", () => {
  it("case names are unique", () => {
    assert.strictEqual(new Set(cases.map(({ name }) => name)).size, cases.length)
  })

  it("docs/conformance.md lists every case with its source", () => {
    const page = readFileSync(new URL("../../../docs/conformance.md", import.meta.url), "utf8")
    const [, table = ""] = page.split("## Where the cases come from")
    const rows = [...table.matchAll(/^\| (.+?) +\| (.+?) +\|$/gm)].slice(2).map(([, name, source]) => [name, source])
    assert.deepStrictEqual(
      rows,
      cases.map(({ name, source }) => [name, source])
    )
  })

  it(
    "every case fails for at least one broken poller",
    async () => {
      const path = fileURLToPath(new URL("broken.ts", import.meta.url))
      const { stdout } = await run(process.execPath, [path], { maxBuffer: 2 ** 24 })
      const failedBy = JSON.parse(stdout) as Record<string, ReadonlyArray<string>>
      assert.strictEqual(Object.keys(failedBy).length, cases.length)
      assert.deepStrictEqual(
        Object.keys(failedBy).filter((name) => failedBy[name]!.length === 0),
        []
      )
    },
    timeout
  )

  it(
    "ours passes every case that applies to it",
    async () => {
      const names = pollers.map(({ name }) => name).filter((name) => name.startsWith("effect-poll "))
      for (const { name, outcomes } of await judge(names, { runs: 1, only: "" })) {
        const failed = Object.entries(outcomes).filter(([, { verdict }]) => verdict === "fail")
        assert.deepStrictEqual(failed, [], name)
        assert.isAbove(Object.values(outcomes).filter(({ verdict }) => verdict === "pass").length, 70, name)
      }
    },
    timeout
  )
})
