import { assert } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, it } from "vitest"

const root = join(import.meta.dirname, "..", "..")

/** A folder with an apt that notes what it is asked for, and with little else. */
const bare = mkdtempSync(join(tmpdir(), "effect-poll-bare-"))
writeFileSync(join(bare, "apt-get"), '#!/bin/bash\necho "$*" >>"${0%/*}/log"\nexit "${APT_EXIT:-0}"\n')
chmodSync(join(bare, "apt-get"), 0o755)
writeFileSync(join(bare, "id"), "#!/bin/bash\necho 0\n")
chmodSync(join(bare, "id"), 0o755)
for (const name of ["env", "timeout", "bash"]) {
  symlinkSync(execFileSync("bash", ["--norc", "-c", `type -P ${name}`], { encoding: "utf8" }).trim(), join(bare, name))
}
afterAll(() => rmSync(bare, { recursive: true }))

/** The part of the script that installs packages. Yields its exit code, and what apt was asked for. */
const install = (env: Readonly<Record<string, string>>) => {
  rmSync(join(bare, "log"), { force: true })
  writeFileSync(join(bare, "log"), "")
  const script = readFileSync(join(root, ".ci/run"), "utf8")
  const functions = script.slice(script.indexOf("as_root()"), script.indexOf("# Beside the checks"))
  const command = `set -euo pipefail\n${functions}\nset +e\n(set -e; install_packages) >/dev/null\necho $?`
  const exit = execFileSync("/bin/bash", ["--norc", "-c", command], {
    encoding: "utf8",
    env: { PATH: bare, ...env }
  }).trim()
  return { exit, calls: readFileSync(join(bare, "log"), "utf8").trim().split("\n") }
}

const without = { EFFECT_POLL_TEST_CHROMIUM: "/nonexistent" }

describe("a bare machine", () => {
  it("installs what is absent, by one call", () => {
    const { calls, exit } = install(without)
    assert.strictEqual(exit, "0")
    assert.lengthOf(calls, 2)
    assert.match(calls[0]!, /update$/)
    assert.match(calls[1]!, /install .*chromium xvfb .*redis-server$/)
  })

  it("reports that apt failed", () => {
    assert.strictEqual(install({ ...without, APT_EXIT: "100" }).exit, "100")
  })

  it("skips the rows without a browser, and says what is missing", () => {
    const code = 'console.log((await import("./browser/src/Browser.ts")).missing.join())'
    const missing = execFileSync(process.execPath, ["--input-type=module", "-e", code], {
      cwd: root,
      encoding: "utf8",
      env: { PATH: bare, ...without }
    })
    assert.strictEqual(missing.trim(), "/nonexistent,xvfb")
  })
})
