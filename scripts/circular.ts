/** Finds circles of imports within the sources of each package, type-only imports counted: oxlint's `import/no-cycle`. */
import { spawnSync } from "node:child_process"
import { globSync } from "node:fs"
import { join } from "node:path"

interface Diagnostic {
  readonly code: string
  readonly filename: string
  readonly note?: string
}

/** Packages by name, each with the files that are part of a circle and with the circles. */
export type Found = ReadonlyMap<string, { readonly files: ReadonlySet<string>; readonly circles: ReadonlySet<string> }>

const root = join(import.meta.dirname, "..")

/** Runs the rule over source folders `<prefix>/<package>/src`; paths are relative to `cwd`. */
export const find = (cwd: string, folders: ReadonlyArray<string>): Found => {
  const oxlint = join(root, "node_modules/oxlint/bin/oxlint")
  const config = join(import.meta.dirname, "circular.json")
  // The exit code does not tell a circle from a failure to run: only output that is no JSON is one.
  const { stderr, stdout } = spawnSync(process.execPath, [oxlint, "-c", config, "--format", "json", ...folders], {
    cwd,
    encoding: "utf8",
    maxBuffer: 2 ** 28
  })
  if (!stdout.startsWith("{")) throw new Error(`oxlint failed: ${stdout}${stderr}`)
  const report = JSON.parse(stdout) as { readonly diagnostics: ReadonlyArray<Diagnostic> }
  const found = new Map<string, { readonly files: Set<string>; readonly circles: Set<string> }>()
  for (const { code, filename, note } of report.diagnostics) {
    if (code !== "import(no-cycle)") throw new Error(`oxlint: unexpected ${code} in ${filename}`)
    const name = filename.split("/src/")[0]!.split("/").at(-1)!
    const { circles, files } = found.get(name) ?? { files: new Set(), circles: new Set() }
    found.set(name, { files, circles })
    files.add(filename)
    circles.add(circleOf(note ?? filename))
  }
  return found
}

/** `a.ts -> b.ts -> a.ts`, from the path of least name: the same circle is reported once for each of its imports. */
const circleOf = (note: string): string => {
  const path = [...note.matchAll(/\((\S+)\)/g)].map((match) => match[1]!.split("/src/").at(-1)!)
  const first = path.indexOf(path.toSorted()[0]!)
  const turned = [...path.slice(first), ...path.slice(0, first)]
  return [...turned, turned[0]].join(" -> ")
}

// Files that form one knot have a circle for each way through it; the short ones show where to cut.
const shown = 12

/** One problem for each package with circles. */
export const judge = (found: Found): ReadonlyArray<string> =>
  [...found].map(([name, { circles, files }]) => {
    const all = [...circles].toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1))
    const more = all.length > shown ? [`and ${all.length - shown} longer ones`] : []
    return [`${name}: ${files.size} files are part of a circle of imports:`, ...all.slice(0, shown), ...more].join(
      "\n  "
    )
  })

if (import.meta.main) {
  const folders = globSync("packages/*/src", { cwd: root })
  const problems = judge(find(root, folders))
  for (const problem of problems) console.error(problem)
  console.log(`${folders.length} packages, ${problems.length} with circles of imports`)
  if (problems.length > 0) process.exitCode = 1
}
