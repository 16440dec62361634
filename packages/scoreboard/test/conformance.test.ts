import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { judge, pollers } from "../conformance/board.ts"
import { cases } from "../conformance/cases/all.ts"
import { released, versionOf } from "../peers.ts"
import { releaseOf } from "../peers/update.ts"

// Each poller runs in a process of its own under a virtual clock: nothing waits in real time.
const timeout = 400_000

const run = promisify(execFile)

describe("conformance", () => {
  it("case names are unique, and short enough for the first column of a table", () => {
    assert.strictEqual(new Set(cases.map(({ name }) => name)).size, cases.length)
    assert.deepStrictEqual(
      cases.map(({ name }) => name).filter(({ length }) => length > 75),
      []
    )
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

  it("docs/conformance.md shows the pinned version of every peer, with the date of its release", () => {
    const page = readFileSync(new URL("../../../docs/conformance.md", import.meta.url), "utf8")
    const manifest = readFileSync(new URL("../peers/package.json", import.meta.url), "utf8")
    const { dependencies } = JSON.parse(manifest) as { readonly dependencies: Record<string, string> }
    for (const name of Object.keys(dependencies)) {
      const { date, version } = released[name] ?? { date: "no date", version: "no version" }
      assert.strictEqual(version, versionOf(name), name)
      assert.include(page, `${version} (${date})`, name)
    }
  })

  it("releaseOf - takes the day from the registry, and fails without one", () => {
    const time = { "3.4.2": "2026-11-07T17:05:06+00:00", "3.4.3": "soon" }
    assert.deepStrictEqual(releaseOf("3.4.2", time), { version: "3.4.2", date: "2026-11-07" })
    assert.throws(() => releaseOf("3.4.3", time), /no date for version 3.4.3/)
    assert.throws(() => releaseOf("3.4.4", time), /no date for version 3.4.4/)
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
