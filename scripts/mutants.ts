// `pnpm mutants`: changes the machine in small ways, one at a time, and lists the changes that no test notices.
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { changeOf, type Equivalents, equivalents, isEquivalent, type Location } from "./mutants/equivalent.ts"

/** One changed place, in the report of Stryker. */
export interface Mutant {
  readonly status: string
  readonly mutatorName: string
  readonly replacement?: string | undefined
  readonly location: Location
}

/** The report of Stryker, as far as it is read here. */
export interface Report {
  readonly files: Readonly<Record<string, { readonly source: string; readonly mutants: ReadonlyArray<Mutant> }>>
}

/** How many mutants there are, and what became of them. */
export interface Tally {
  readonly mutants: number
  readonly killed: number
  readonly timeout: number
  readonly survived: number
  readonly noCoverage: number
  /** The share that the tests notice, in percent: killed or timed out. */
  readonly score: number
}

/** Counts mutants. Those that were ignored, or that do not run at all, are not counted. */
export const tally = (mutants: ReadonlyArray<Mutant>): Tally => {
  const count = (status: string) => mutants.filter((mutant) => mutant.status === status).length
  const [killed, timeout] = [count("Killed"), count("Timeout")]
  const [survived, noCoverage] = [count("Survived"), count("NoCoverage")]
  const all = killed + timeout + survived + noCoverage
  const score = all === 0 ? 100 : Math.floor(((killed + timeout) / all) * 10_000) / 100
  return { mutants: all, killed, timeout, survived, noCoverage, score }
}

/** A line for each mutant that no test notices, and that is not named as equivalent: the place, the code, and what replaced it. */
export const unnoticed = ({ files }: Report, named: ReadonlyArray<Equivalents> = equivalents): ReadonlyArray<string> =>
  Object.entries(files).flatMap(([name, { mutants, source }]) =>
    mutants
      .filter((mutant) => isUnnoticed(mutant) && !isNamed(name, source, mutant, named))
      .map(({ location, mutatorName, replacement = "", status }) => {
        const how = status === "NoCoverage" ? ", not covered" : ""
        const change = changeOf(source, location, replacement).replace(" -> ", "  ->  ")
        return `${name}:${location.start.line}:${location.start.column} ${mutatorName}${how}: ${change}`
      })
  )

/** How many of the mutants that no test notices are named as equivalent. */
export const equivalentIn = ({ files }: Report, named: ReadonlyArray<Equivalents> = equivalents): number =>
  Object.entries(files).reduce(
    (count, [name, { mutants, source }]) =>
      count + mutants.filter((mutant) => isUnnoticed(mutant) && isNamed(name, source, mutant, named)).length,
    0
  )

/** What is named as equivalent, but is no mutant of these files any more, or is noticed by a test. */
export const misnamed = ({ files }: Report, named: ReadonlyArray<Equivalents> = equivalents): ReadonlyArray<string> =>
  Object.entries(files).flatMap(([name, { mutants, source }]) => {
    const survivors = new Set(
      mutants.filter(isUnnoticed).map(({ location, replacement = "" }) => changeOf(source, location, replacement))
    )
    return named
      .filter(({ file }) => name.endsWith(file))
      .flatMap((some) => some.mutants.filter((change) => !survivors.has(change)).map((change) => `${name}: ${change}`))
  })

// ---- internal ----

const isUnnoticed = ({ status }: Mutant): boolean => status === "Survived" || status === "NoCoverage"

const isNamed = (
  name: string,
  source: string,
  { location, replacement = "" }: Mutant,
  named: ReadonlyArray<Equivalents>
): boolean => isEquivalent(name, changeOf(source, location, replacement), named)

const usage = `usage: pnpm mutants [options]
  --files a,b      only these files (globs from the root); default: the machine, nextCheck, strategyPlan, policy
  --quick          only the tests in packages/core/test/internal, which drive the machine without a host
  --tests a,b      only these test files (globs from packages/core); every mutant is tested again
  --concurrency N  test runners at a time (2)
  --force          test every mutant again, instead of those whose code or tests changed since the last run
  --static         also test mutants of code that runs only while modules load; slow: tests are loaded anew for each`

const root = fileURLToPath(new URL("../", import.meta.url))

const main = (): void => {
  const { values } = parseArgs({
    options: {
      files: { type: "string" },
      tests: { type: "string" },
      concurrency: { type: "string", default: "2" },
      force: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
      static: { type: "boolean", default: false },
      help: { type: "boolean", default: false }
    }
  })
  if (values.help) return console.log(usage)
  const folder = join(root, ".mutants")
  const reportFile = join(folder, "report.json")
  rmSync(reportFile, { force: true })
  const { status } = spawnSync(
    process.execPath,
    [
      join(root, "node_modules/@stryker-mutator/core/bin/stryker.js"),
      "run",
      "scripts/mutants/stryker.json",
      "--concurrency",
      values.concurrency,
      ...(values.files === undefined ? [] : ["--mutate", values.files]),
      ...(values.force ? ["--force"] : []),
      ...(values.static ? ["--testRunner", "vitest"] : ["--ignoreStatic"]),
      // The result of a run with only some tests must not be reused.
      ...(values.tests === undefined ? [] : ["--force", "--incrementalFile", join(folder, "some-tests.json")]),
      ...(values.quick ? ["--incrementalFile", join(folder, "quick.json")] : [])
    ],
    {
      cwd: root,
      stdio: "inherit",
      env: {
        ...process.env,
        MUTANT_TESTS: values.tests ?? "",
        MUTANT_QUICK: String(values.quick),
        MUTANT_STATIC: String(values.static)
      }
    }
  )
  if (status !== 0 || !existsSync(reportFile)) {
    console.error("mutants: Stryker failed")
    process.exit(1)
  }
  const report = JSON.parse(readFileSync(reportFile, "utf8")) as Report
  print(report)
}

const print = (report: Report): void => {
  const rows = Object.entries(report.files).map(([name, file]) => ({
    name,
    counts: tally(file.mutants),
    equivalent: equivalentIn({ files: { [name]: file } })
  }))
  const width = Math.max(...rows.map(({ name }) => name.length))
  console.log(`\n${"".padEnd(width)} mutants  killed  timeout  survived  not covered  equivalent   score`)
  for (const { counts, equivalent, name } of rows) {
    const { killed, mutants, noCoverage, score, survived, timeout } = counts
    const cells = [pad(mutants, 7), pad(killed, 7), pad(timeout, 8), pad(survived, 9)]
    cells.push(pad(noCoverage, 12), pad(equivalent, 11))
    console.log(`${name.padEnd(width)} ${cells.join(" ")} ${pad(score.toFixed(2), 7)}`)
  }
  const lines = unnoticed(report)
  if (lines.length > 0) console.log(`\nNot noticed by any test:\n${lines.join("\n")}`)
  const named = equivalentIn(report)
  if (named > 0) console.log(`\n${named} mutants are named as equivalent in scripts/mutants/equivalent.json.`)
  const wrong = misnamed(report)
  if (wrong.length > 0) console.log(`\nNamed there, but noticed or gone:\n${wrong.join("\n")}`)
  const all = Object.values(report.files).flatMap(({ mutants }) => mutants)
  const ignored = all.filter(({ status }) => status === "Ignored").length
  if (ignored > 0) console.log(`\n${ignored} mutants of code that runs while modules load were left out (--static).`)
  console.log(`\n${JSON.stringify(tally(all))}`)
}

const pad = (value: number | string, width: number): string => String(value).padStart(width)

if (import.meta.main) main()
