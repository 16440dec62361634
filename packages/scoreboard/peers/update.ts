// `pnpm scoreboard peers`: installs the newest release of each peer and stores the dates of the releases, so that the
// page of verdicts needs no network to show them.
import { execFileSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** The version of a package, and the day of its release. */
export interface Release {
  readonly version: string
  /** As `2026-11-07`. */
  readonly date: string
}

/** The day on which a version was published, from the `time` field of the registry. */
export const releaseOf = (version: string, time: Readonly<Record<string, string>>): Release => {
  const at = time[version]
  if (at === undefined || Number.isNaN(Date.parse(at)))
    throw new Error(`the registry has no date for version ${version}`)
  return { version, date: new Date(at).toISOString().slice(0, "2026-11-07".length) }
}

/** Updates the peers, then writes `released.json`. */
export const update = (): Readonly<Record<string, Release>> => {
  const names = Object.keys(json("package.json").dependencies!)
  npm("install", "--save-exact", "--ignore-scripts", ...names.map((name) => `${name}@latest`))
  const versions = {
    ...json("package.json").dependencies,
    effect: json("../node_modules/effect/package.json").version!
  }
  const released: Record<string, Release> = {}
  for (const [name, version] of Object.entries(versions)) {
    const time = JSON.parse(npm("view", name, "time", "--json")) as Readonly<Record<string, string>>
    released[name] = releaseOf(version, time)
  }
  writeFileSync(new URL("released.json", import.meta.url), `${JSON.stringify(released, null, 2)}\n`)
  return released
}

// ---- internal ----

interface Manifest {
  readonly version?: string
  readonly dependencies?: Readonly<Record<string, string>>
}

const json = (path: string): Manifest => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as Manifest

const npm = (...args: ReadonlyArray<string>): string =>
  execFileSync("npm", args, {
    cwd: fileURLToPath(new URL(".", import.meta.url)),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    shell: process.platform === "win32"
  })
