// Measures the parts of the table, and judges them.
import { type Aim, describe, type Figures, judge, type Verdict } from "../fleet/row.ts"
import { installPeers, versionOf } from "../peers.ts"
import { compile } from "./compile.ts"
import { costsOf, count } from "./costs.ts"
import { atFullLoad, calm, withManyJobs } from "./ours.ts"
import { open, type Postgres } from "./postgres.ts"
import { ours, peers, type Row } from "./rows.ts"
import { full } from "./work.ts"

/** The parts, in the order in which they are measured. */
export const parts = ["ours", "peers", "kills", "budget"] as const

export type Part = (typeof parts)[number]

/** What measures some figures of a part. */
export interface Measure {
  readonly name: string
  readonly run: (postgres: Postgres) => Promise<Figures>
}

export interface Measured {
  readonly part: Part
  readonly name: string
  readonly figures: Figures
  readonly seconds: number
  /** What went wrong: then its figures are missing, and all of its aims are missed. */
  readonly problem?: string | undefined
}

/** What the figures of a part have to be; those of the peers are in their rows. */
export const aims: Readonly<Record<Exclude<Part, "peers">, Readonly<Record<string, Aim>>>> = {
  ours: {
    rowWritesPerJob: { atMost: 2.1 },
    statementsPerCheck: { atMost: 0.02 },
    statementsPerCheckBusy: { atMost: 0.001 },
    cpuVsMemoryPoller: { atMost: 2 },
    rssMbAt100k: { atMost: 512 },
    failoverVsHealthInterval: { atMost: 2.5 },
    // The lock expires after 10 s, and the health of runners is checked every 2 s.
    failoverOfHealthHolderSeconds: { atMost: 12 },
    restartVsBootPlusInterval: { atMost: 1.5 }
  },
  kills: {
    runs: { atLeast: 30 },
    jobs: { atLeast: 10_000 },
    lost: { atMost: 0 },
    double: { atMost: 0 },
    // Ended in another way than at the server, and ended without a hook being told.
    wrong: { atMost: 0 },
    untold: { atMost: 0 }
  },
  budget: { errorPercent: { atMost: 1 } }
}

/** Measures parts, one after the other. */
export const run = async (
  wanted: ReadonlyArray<Part>,
  tell: (what: string) => void
): Promise<ReadonlyArray<Measured>> => {
  await compile()
  const postgres = await open()
  try {
    const measured: Array<Measured> = []
    for (const part of parts) {
      if (!wanted.includes(part)) continue
      for (const measure of await measuresOf(part, tell)) {
        tell(`${part}: ${measure.name}`)
        const one = await measureOne(part, measure, postgres)
        tell(`${one.problem ?? JSON.stringify(one.figures)} (${one.seconds.toFixed(0)} s)`)
        measured.push(one)
      }
    }
    return measured
  } finally {
    postgres.stop()
  }
}

/** The figures of a measure, or why there are none. */
export const measureOne = async (part: Part, { name, run }: Measure, postgres: Postgres): Promise<Measured> => {
  const began = performance.now()
  const result = await run(postgres).then(
    (figures) => ({ figures }),
    (cause: unknown) => ({ figures: {}, problem: cause instanceof Error ? cause.message : String(cause) })
  )
  return { part, name, ...result, seconds: (performance.now() - began) / 1_000 }
}

export interface Line {
  readonly name: string
  readonly value: number | boolean | undefined
  readonly aim: Aim | undefined
  readonly verdict: Verdict
}

/** A line for each figure with an aim, also for those that are missing. */
export const linesOf = (measured: ReadonlyArray<Measured>): ReadonlyArray<Line> =>
  parts.flatMap((part) => {
    const own = measured.filter((one) => one.part === part)
    if (own.length === 0) return []
    if (part === "peers") return ratiosOf(own)
    const figures = figuresOf(own)
    const names = [...Object.keys(aims[part]), ...Object.keys(figures).filter((name) => !(name in aims[part]))]
    return names.map((name) => lineOf(`${part}.${name}`, figures[name], aims[part][name]))
  })

/** The result that `--json` prints: of the parts that were measured. */
export const summary = (measured: ReadonlyArray<Measured>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    parts.flatMap((part): ReadonlyArray<readonly [string, unknown]> => {
      const own = measured.filter((one) => one.part === part)
      if (own.length === 0) return []
      if (part !== "peers") return [[part, rounded(figuresOf(own))]]
      return [["rows", Object.fromEntries(own.map(({ figures, name }) => [name, rounded(costFigures(figures))]))]]
    })
  )

export const print = (measured: ReadonlyArray<Measured>): void => {
  const rows = measured.filter(({ figures, part }) => part === "peers" && Object.keys(figures).length > 0)
  if (rows.length > 0) {
    const { checks, intervalMillis, jobs } = full
    console.log(
      `${jobs} jobs, each of them done at its check ${checks}, ${intervalMillis / 1_000} s between two checks\n`
    )
    const columns = Object.keys(rows[0]!.figures)
    const cellsOf = ({ figures, name }: Measured) =>
      [labelOf(name)].concat(columns.map((column) => Number(figures[column]).toFixed(whole.has(column) ? 0 : 1)))
    table([["", ...columns], ...rows.map(cellsOf)])
    console.log("")
  }
  const lines = linesOf(measured)
  table([
    ["figure", "value", "aim", ""],
    ...lines.map(({ aim, name, value, verdict }) => [
      name,
      value === undefined ? "missing" : String(rounded({ value })["value"]),
      describe(aim),
      verdict === "none" ? "" : verdict
    ])
  ])
  for (const { name, problem } of measured) {
    if (problem !== undefined) console.log(`\n${name} could not be measured: ${problem}`)
  }
  const of = (wanted: Verdict) => lines.filter(({ verdict }) => verdict === wanted).length
  console.log(`\n${of("pass")} aims met, ${of("miss")} missed`)
}

// ---- internal ----

/** Four digits that count: some figures are far below 1. */
const rounded = (figures: Figures): Figures =>
  Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [
      name,
      typeof value === "number" ? Number(value.toPrecision(Math.abs(value) < 1_000 ? 4 : 8)) : value
    ])
  )

const peersFolder = new URL("peers/", import.meta.url)

const measuresOf = async (part: Part, tell: (what: string) => void): Promise<ReadonlyArray<Measure>> => {
  switch (part) {
    case "ours":
      return [
        { name: "200 checks a second", run: calm },
        { name: "5,000 checks a second", run: atFullLoad },
        { name: "100,000 jobs", run: withManyJobs },
        { name: "failover", run: async () => (await processes()).failover() },
        { name: "restart", run: async () => (await processes()).restart() }
      ]
    case "peers": {
      const problem = await installPeers(peersFolder)
      if (problem !== undefined) tell(problem)
      return [ours, ...peers].map((row) => rowMeasure(row, problem))
    }
    case "kills":
      return [{ name: "storm", run: async () => (await processes()).storm() }]
    case "budget":
      return [{ name: "budget", run: async () => (await import("./budget.ts")).budget() }]
  }
}

/** Loaded on demand: they start servers of their own. */
const processes = () => import("./kills.ts")

const rowMeasure = (row: Row, problem: string | undefined): Measure => ({
  name: row.name,
  run: async (postgres) => {
    if (row.package !== undefined && problem !== undefined) throw new Error(problem)
    const work = { ...full, jobs: row.jobs ?? full.jobs }
    return { jobs: work.jobs, ...costsOf(work, await count(postgres, row.subject, work)) }
  }
})

const lineOf = (name: string, value: number | boolean | undefined, aim: Aim | undefined): Line => ({
  name,
  value,
  aim,
  verdict: judge(value, aim)
})

const figuresOf = (measured: ReadonlyArray<Measured>): Figures =>
  Object.assign({}, ...measured.map(({ figures }) => figures)) as Figures

/** How many times as many rows as ours the peers write. */
const ratiosOf = (measured: ReadonlyArray<Measured>): ReadonlyArray<Line> => {
  const writes = (name: string) => {
    const value = measured.find((one) => one.name === name)?.figures["rowWritesPerJob"]
    return typeof value === "number" ? value : Number.NaN
  }
  return peers.map(({ name, rowWritesRatio }) => {
    const ratio = writes(name) / writes(ours.name)
    return lineOf(
      `row writes of ${name} to ours`,
      Number.isNaN(ratio) ? undefined : ratio,
      rowWritesRatio === undefined ? undefined : { atLeast: rowWritesRatio }
    )
  })
}

/** The figures that are printed without digits behind the point. */
const whole = new Set(["jobs", "walBytesPerJob"])

const costFigures = (figures: Figures): Figures =>
  Object.fromEntries(
    ["statementsPerJob", "rowWritesPerJob", "walBytesPerJob", "cpuMillisPerJob"].flatMap((name) =>
      figures[name] === undefined ? [] : [[name, figures[name]]]
    )
  )

const labelOf = (name: string): string => {
  const wanted = peers.find((row) => row.name === name)?.package
  return wanted === undefined ? name : name.replace(wanted, `${wanted} ${versionOf(wanted, peersFolder)}`)
}

const table = (lines: ReadonlyArray<ReadonlyArray<string>>): void => {
  const widths = lines[0]!.map((_, at) => Math.max(...lines.map((line) => line[at]!.length)))
  for (const line of lines) {
    const padded = line.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)))
    console.log(padded.join("  ").trimEnd())
  }
}
