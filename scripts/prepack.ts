/**
 * Runs as `prepack` in the folder of a package: builds `dist` from nothing and writes the AGENTS.md of the tarball.
 * `--undo` is its `postpack`: a second AGENTS.md in the tree would be read as rules of that folder.
 */
import { execFileSync } from "node:child_process"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"

/** The part of AGENTS.md for users of the packages, its links made absolute: the tarball has no `docs`. */
export const agentsOf = (agents: string, repository: string): string => {
  const end = agents.indexOf("\n## Working on effect-poll\n")
  if (end < 0)
    throw new Error(
      "AGENTS.md has no section `## Working on effect-poll`: say in scripts/prepack.ts where the users' part ends"
    )
  return agents.slice(0, end).replace(/\]\((?![a-z]+:|#)([^)\s]+)\)/g, `](${repository}/blob/main/$1)`)
}

if (import.meta.main) {
  const root = join(import.meta.dirname, "..")
  const path = (name: string) => join(process.cwd(), name)
  if (process.argv.includes("--undo")) rmSync(path("AGENTS.md"), { force: true })
  else {
    const { homepage } = JSON.parse(readFileSync(path("package.json"), "utf8")) as { readonly homepage: string }
    // tsc keeps what it once emitted for a source that is gone, and does not notice that an output is.
    for (const name of ["dist", ".tsbuild"]) rmSync(path(name), { recursive: true, force: true })
    execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-b"], { stdio: "inherit" })
    writeFileSync(
      path("AGENTS.md"),
      agentsOf(readFileSync(join(root, "AGENTS.md"), "utf8"), homepage.replace(/\/tree\/.*/, ""))
    )
  }
}
