// Runs the cases against each poller in a process of its own, and prints the verdicts.
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { released, versionOf } from "../peers.ts"
import { entries } from "./adapters/all.ts"
import type { Judged } from "./judge.ts"

/** The names of all pollers, and whether they need the peers' packages. */
export const pollers: ReadonlyArray<{ readonly name: string; readonly peer: boolean }> = entries.flatMap(
  ({ names, peer }) => names.map((name) => ({ name, peer }))
)

export interface Tally {
  readonly pass: number
  readonly fail: number
  readonly notApplicable: number
}

/** Judges pollers, two at a time. If `runs` is more than one, all runs must come to the same verdicts. */
export const judge = async (
  names: ReadonlyArray<string>,
  options: { readonly runs: number; readonly only: string; readonly tell?: (name: string) => void }
): Promise<ReadonlyArray<Judged>> => {
  const judged = new Map<string, Judged>()
  const left = [...names]
  const work = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      options.tell?.(name)
      const first = await child(name, options.only)
      for (let run = 2; run <= options.runs; run++) {
        const again = await child(name, options.only)
        if (JSON.stringify(again) !== JSON.stringify(first))
          throw new Error(`${name}: run ${run} came to different verdicts`)
      }
      judged.set(name, first)
    }
  }
  await Promise.all([work(), work()])
  return names.map((name) => judged.get(name)!)
}

export const tally = ({ outcomes }: Judged): Tally => {
  const verdicts = Object.values(outcomes).map(({ verdict }) => verdict)
  const count = (verdict: string) => verdicts.filter((one) => one === verdict).length
  return { pass: count("pass"), fail: count("fail"), notApplicable: count("not applicable") }
}

/** The packages of a poller with their versions. */
export const versions = ({ packages }: Judged): string => packages.map((name) => `${name} ${version(name)}`).join(", ")

/** The packages of a poller with their versions, and the release dates of those that are released. */
export const releases = ({ name, packages }: Judged): string =>
  packages
    .map((one) => {
      const { date, version: known } = released[one] ?? {}
      const when = known === version(one) ? ` (${date})` : ""
      return `${name === one ? "" : `${one} `}${version(one)}${when}`
    })
    .join(", ")

export const print = (judged: ReadonlyArray<Judged>): void => {
  for (const one of judged) {
    const failed = Object.entries(one.outcomes).filter(([, { verdict }]) => verdict === "fail")
    if (failed.length > 0) console.log(`\n${one.name} (${versions(one)})`)
    for (const [name, { seen }] of failed) console.log(`  ${name}: ${seen}`)
  }
  console.log(`\n${"poller".padEnd(22)} pass  fail  not applicable`)
  for (const one of judged) {
    const { fail, notApplicable, pass } = tally(one)
    console.log(
      `${one.name.padEnd(22)} ${String(pass).padStart(4)} ${String(fail).padStart(5)} ${String(notApplicable).padStart(15)}`
    )
  }
}

// ---- internal ----

const run = promisify(execFile)

const child = async (name: string, only: string): Promise<Judged> => {
  const path = fileURLToPath(new URL("child.ts", import.meta.url))
  const { stdout } = await run(process.execPath, [path, name, only], { timeout: 300_000, maxBuffer: 2 ** 26 })
  return JSON.parse(stdout) as Judged
}

const version = (name: string): string => {
  const own: Readonly<Record<string, string>> = {
    "effect-poll": "../../core/package.json",
    effect: "../node_modules/effect/package.json"
  }
  const path = own[name]
  if (path === undefined) return versionOf(name)
  return (JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as { readonly version: string }).version
}
