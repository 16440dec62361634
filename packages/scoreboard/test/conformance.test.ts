import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { judge, pollers } from "../conformance/board.ts"
import { cases } from "../conformance/cases/all.ts"

// Each poller runs in a process of its own, under a virtual clock: no time is waited for.
const timeout = 180_000

const run = promisify(execFile)

describe("conformance", () => {
  it("has a name for each case", () => {
    assert.strictEqual(new Set(cases.map(({ name }) => name)).size, cases.length)
  })

  it(
    "has no case that every poller passes, be it as broken as can be",
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
    "is passed by ours, wherever ours has the features for a case",
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
