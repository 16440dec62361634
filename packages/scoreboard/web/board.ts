// Measures pages in Chromium, with requests counted at the server.
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"
import * as Browser from "../../../browser/src/Browser.ts"
import * as Site from "../../../browser/src/Site.ts"
import { describe, type Figures, judge, rounded, type Verdict } from "../fleet/row.ts"
import { cost, full, type Given, requests, type Size } from "./measure.ts"
import { aims, baseline, ours, type Row, rows } from "./rows.ts"

export const names: ReadonlyArray<string> = rows.map(({ name }) => name)

export const isPeer = (name: string): boolean => rows.some((row) => row.name === name && row.isPeer)

/** The folder with the peers' packages. */
export const peers = new URL("peers/", import.meta.url)

export interface Measured {
  readonly name: string
  readonly figures: Figures
  /** What went wrong: then its figures are missing, and all of its aims are missed. */
  readonly problem?: string | undefined
}

/** Serves pages of a folder, all of them with one React. */
export const site = (folder: string): Promise<Site.Site> => Site.open(folder, alias)

export const run = async (
  wanted: ReadonlyArray<string>,
  rounds: number,
  tell: (what: string) => void,
  size: Size = full
): Promise<ReadonlyArray<Measured>> => {
  if (Browser.missing.length > 0) throw new Error(`${Browser.missing.join(" and ")} cannot be found`)
  const browser = await Browser.launch()
  const served = await site(fileURLToPath(new URL("pages", import.meta.url)))
  try {
    const given = { browser, site: served }
    const measured: Array<Measured> = []
    for (const row of rows) {
      if (!wanted.includes(row.name)) continue
      tell(`${row.name}: requests`)
      const one = await measureRequests(given, row, size)
      tell(JSON.stringify(one))
      measured.push(one)
    }
    tell("1,000 jobs")
    const costs = await measureCosts(
      given,
      measured.filter(({ problem }) => problem === undefined).map(({ name }) => name),
      rounds
    )
    return measured.map(({ figures, name, problem }) => ({
      name,
      problem,
      figures: rounded(Object.assign({}, figures, costs[name]))
    }))
  } finally {
    await browser.close()
    await served.close()
  }
}

/** The verdict about a figure: only ours has aims. */
export const verdict = (name: string, figure: string, figures: Figures): Verdict =>
  judge(figures[figure], name === ours ? aims[figure] : undefined)

/** How many aims of ours are missed. */
export const missed = (measured: ReadonlyArray<Measured>): number =>
  measured
    .filter(({ name }) => name === ours)
    .flatMap(({ figures }) => Object.keys(aims).filter((figure) => verdict(ours, figure, figures) === "miss")).length

export const print = (measured: ReadonlyArray<Measured>): void => {
  for (const { name, problem } of measured) {
    if (problem !== undefined) console.log(`${name} could not be measured: ${problem}`)
  }
  const figures = [...new Set(measured.flatMap((one) => Object.keys(one.figures)))]
  const mine = measured.find(({ name }) => name === ours)
  const verdictOf = (figure: string) => (mine === undefined ? "none" : verdict(ours, figure, mine.figures))
  const lineOf = (figure: string): ReadonlyArray<string> => {
    const cells = measured.map((one) => String(one.figures[figure] ?? "-"))
    const found = verdictOf(figure)
    return [figure, ...cells, describe(aims[figure]), found === "none" ? "" : found]
  }
  const lines: ReadonlyArray<ReadonlyArray<string>> = [
    ["", ...measured.map(({ name }) => name), "aim", ""],
    ...figures.map(lineOf)
  ]
  const widths = lines[0]!.map((_, at) => Math.max(...lines.map((line) => (line[at] ?? "").length)))
  for (const line of lines) {
    console.log(
      line
        .map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)))
        .join("  ")
        .trimEnd()
    )
  }
  console.log(`\n${missed(measured)} aims missed`)
}

/** The line that `--json` prints. */
export const summary = (
  measured: ReadonlyArray<Measured>
): { readonly rows: ReadonlyArray<Readonly<Record<string, string | number | boolean>>> } => ({
  rows: measured.map(({ figures, name }) => ({ name, ...figures }))
})

/** The costs of many jobs by row: in milliseconds, and as a ratio to the hook for lists of the baseline. */
export const costsOf = (
  rounds: ReadonlyArray<Readonly<Record<string, { readonly list: number; readonly each: number }>>>
): Readonly<Record<string, Figures>> => {
  const of = (name: string, millis: (round: (typeof rounds)[number]) => number | undefined) =>
    [name, median(rounds.map((round) => millis(round) ?? Number.NaN))] as const
  return Object.fromEntries(
    Object.keys(rounds[0] ?? {}).map((name) => [
      name,
      Object.fromEntries([
        of("usePolls1000", (round) => round[name]!.list / (round[baseline]?.list ?? Number.NaN)),
        of("usePolls1000Millis", (round) => round[name]!.list),
        of("components1000Millis", (round) => round[name]!.each)
      ])
    ])
  )
}

// ---- internal ----

const folderOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

const alias = {
  react: folderOf("../node_modules/react"),
  "react-dom": folderOf("../node_modules/react-dom"),
  swr: folderOf("peers/node_modules/swr"),
  "@tanstack/react-query": folderOf("peers/node_modules/@tanstack/react-query")
}

const measureRequests = async (given: Given, row: Row, size: Size): Promise<Measured> => {
  try {
    return {
      name: row.name,
      figures: { ...(await requests(given, row.name, size)), kib: await kibOf(row.imports) }
    }
  } catch (cause) {
    return { name: row.name, figures: {}, problem: cause instanceof Error ? cause.message : String(cause) }
  }
}

/** Rounds, each of which measures all rows: what else the machine does is the same for them. */
const measureCosts = async (given: Given, wanted: ReadonlyArray<string>, rounds: number) => {
  const measured: Array<Record<string, { readonly list: number; readonly each: number }>> = []
  for (let round = 0; round < rounds; round++) {
    const one: Record<string, { readonly list: number; readonly each: number }> = {}
    for (const name of wanted) {
      const list = (await cost(given, name, 1_000)).millis
      one[name] = { list, each: (await cost(given, name, 1_000, { each: "" })).millis }
    }
    measured.push(one)
  }
  return costsOf(measured)
}

const median = (numbers: ReadonlyArray<number>): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

/** The size of what a user imports, minified and gzipped, without React. */
const kibOf = async (contents: string | undefined): Promise<number> => {
  if (contents === undefined) return 0
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: folderOf(".") },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2023",
    define: { "process.env.NODE_ENV": '"production"' },
    external: ["react", "react-dom"],
    alias: { swr: alias.swr, "@tanstack/react-query": alias["@tanstack/react-query"] },
    logLevel: "silent"
  })
  return Math.round((gzipSync(outputFiles[0]!.contents, { level: 9 }).length / 1_024) * 10) / 10
}
