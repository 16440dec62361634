// Measures the rows, each part in a process of its own, one after the other.
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { describe, type Figures, judge, type Row, rounded, type Verdict } from "./row.ts"
import { rows } from "./rows.ts"

export interface Measured {
  readonly row: Row
  readonly figures: Figures
  readonly seconds: number
  /** What went wrong: then its figures are missing, and all of its aims are missed. */
  readonly problem?: string | undefined
}

export const names: ReadonlyArray<string> = Object.keys(rows)

/** A table of rows, and the program that measures a part of one. */
export interface Table {
  readonly rows: Readonly<Record<string, Row>>
  readonly child: URL
}

const fleet: Table = { rows, child: new URL("child.ts", import.meta.url) }

export const run = async (
  wanted: ReadonlyArray<string>,
  tell: (what: string) => void,
  table: Table = fleet
): Promise<ReadonlyArray<Measured>> => {
  const measured: Array<Measured> = []
  for (const name of wanted) {
    const row = table.rows[name]!
    const began = performance.now()
    const result = await measureRow(row, (part) => {
      tell(`${name}: ${part}`)
      return child(table.child, name, part)
    })
    measured.push({ ...result, row, seconds: (performance.now() - began) / 1_000 })
  }
  return measured
}

/** Measures the parts of a row, and combines them. */
export const measureRow = async (
  row: Row,
  measurePart: (part: string) => Promise<Figures>
): Promise<Pick<Measured, "figures" | "problem">> => {
  try {
    const parts: Record<string, Figures> = {}
    for (const part of Object.keys(row.parts)) parts[part] = await measurePart(part)
    const combined = row.combine?.(parts) ?? Object.assign({}, ...Object.values(parts))
    return { figures: rounded(combined as Figures) }
  } catch (cause) {
    return { figures: {}, problem: cause instanceof Error ? cause.message : String(cause) }
  }
}

export interface Line {
  readonly row: string
  readonly figure: string
  readonly value: string
  readonly aim: string
  readonly verdict: Verdict
}

/** A line for each figure, those with an aim first. */
export const linesOf = ({ figures, row }: Pick<Measured, "figures" | "row">): ReadonlyArray<Line> => {
  const judged = Object.keys(row.aims)
  const others = Object.keys(figures).filter((figure) => !judged.includes(figure))
  return [...judged, ...others].map((figure) => ({
    row: row.name,
    figure,
    value: figures[figure] === undefined ? "missing" : String(figures[figure]),
    aim: describe(row.aims[figure]),
    verdict: judge(figures[figure], row.aims[figure])
  }))
}

export const print = (measured: ReadonlyArray<Measured>): void => {
  for (const { problem, row, seconds } of measured) {
    console.log(`\n${row.name} (${seconds.toFixed(0)} s): ${row.what}`)
    if (problem !== undefined) console.log(`  could not be measured: ${problem}`)
  }
  const lines = measured.flatMap(linesOf)
  const cells = lines.map(({ aim, figure, row, value, verdict }) => [
    row,
    figure,
    value,
    aim,
    verdict === "none" ? "" : verdict
  ])
  const head = ["row", "figure", "value", "aim", ""]
  const widths = head.map((title, at) => Math.max(title.length, ...cells.map((row) => row[at]!.length)))
  console.log("")
  for (const row of [head, ...cells]) {
    const padded = row.map((cell, at) => (at === 2 || at === 3 ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!)))
    console.log(padded.join("  ").trimEnd())
  }
  const missed = lines.filter(({ verdict }) => verdict === "miss").length
  const passed = lines.filter(({ verdict }) => verdict === "pass").length
  console.log(`\n${passed} aims met, ${missed} missed`)
}

/** The line that `--json` prints: the figures by row, those of costs under `costs`. */
export const summary = (
  measured: ReadonlyArray<Pick<Measured, "figures" | "row">>
): Readonly<Record<string, unknown>> => {
  const of = (isCost: boolean) =>
    Object.fromEntries(
      measured.filter(({ row }) => (row.isCost ?? false) === isCost).map(({ figures, row }) => [row.name, figures])
    )
  return { ...of(false), costs: of(true) }
}

// ---- internal ----

const execute = promisify(execFile)

/** How long a part may take at most. */
const timeout = 600_000

const child = async (path: URL, row: string, part: string): Promise<Figures> => {
  const options = ["--max-old-space-size=8192", fileURLToPath(path), row, part]
  try {
    const { stdout } = await execute(process.execPath, options, { timeout })
    return parse(stdout)
  } catch (cause) {
    const { killed, message } = cause as Error & { readonly killed?: boolean }
    const reason = killed === true ? `not over after ${timeout / 1_000} s` : message
    throw new Error(`${part}: ${reason.slice(-2_000)}`, { cause })
  }
}

/** JSON has no NaN and no Infinity: a figure that is null is not a number. */
const parse = (text: string): Figures =>
  Object.fromEntries(
    Object.entries(JSON.parse(text) as Record<string, number | boolean | null>).map(([name, value]) => [
      name,
      value ?? Number.NaN
    ])
  )
