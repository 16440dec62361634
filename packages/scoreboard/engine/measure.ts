import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { loops } from "./loops.ts"

export interface Size {
  readonly waits: number
  readonly checks: number
}

export interface Row {
  readonly name: string
  readonly cpuMicrosPerCheck: number
  /** Median of the ratios to the hand-written loop, each within the same round. */
  readonly toHandLoop: number
}

/** Measures all loops in each round, one after another, each in a process of its own. */
export const measure = async ({ checks, waits }: Size, rounds: number): Promise<ReadonlyArray<Row>> => {
  const names = Object.keys(loops)
  const measured: Array<Record<string, number>> = []
  for (let round = 0; round < rounds; round++) {
    const figures: Record<string, number> = {}
    for (const name of names) figures[name] = await cpuMicrosPerCheck(name, waits, checks)
    measured.push(figures)
  }
  return names.map((name) => ({
    name,
    cpuMicrosPerCheck: round2(median(measured.map((figures) => figures[name]!))),
    toHandLoop: round2(median(measured.map((figures) => figures[name]! / figures["hand-loop"]!)))
  }))
}

export const print = ({ checks, waits }: Size, rows: ReadonlyArray<Row>): void => {
  console.log(
    `${waits} waits of ${checks} checks each, 1 ms apart; medians over rounds, each loop in its own process\n`
  )
  console.log("loop             CPU us/check   to hand-loop")
  for (const { cpuMicrosPerCheck, name, toHandLoop } of rows) {
    console.log(`${name.padEnd(16)} ${cpuMicrosPerCheck.toFixed(2).padStart(11)} ${toHandLoop.toFixed(2).padStart(14)}`)
  }
}

// ---- internal ----

const run = promisify(execFile)

const child = fileURLToPath(new URL("child.ts", import.meta.url))

const cpuMicrosPerCheck = async (name: string, waits: number, checks: number): Promise<number> => {
  const { stdout } = await run(process.execPath, [child, name, String(waits), String(checks)])
  return Number(stdout.trim())
}

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

const round2 = (value: number): number => Math.round(value * 100) / 100
