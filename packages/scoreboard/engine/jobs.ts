// Many jobs at once: runs each engine of `engines.ts` in processes of its own, one after the other in each round.
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { engines } from "./engines.ts"
import { type Cpu, delays, checks, type Waiting } from "./workload.ts"

export interface Row extends Waiting {
  readonly name: string
  /** The number of jobs, at most the engine's limit. */
  readonly n: number
  /** CPU time of the process (user and system), divided by the number of checks. */
  readonly cpuMicrosPerCheck: number
  /** Medians of the ratios to the naive loop and to ours, each within the same round. */
  readonly cpuToPromiseLoop?: number | undefined
  readonly cpuToOurs?: number | undefined
  readonly rounds: number
  readonly note?: string | undefined
}

/**
 * Measures the rows. Without a number of rounds, runs as many as fit into about four minutes, at most three. Each row
 * runs alone in its process or, if `mixed`, after all other rows on Effect have run there.
 */
export const measure = async (
  names: ReadonlyArray<string>,
  n: number,
  rounds: number | undefined,
  mixed: boolean
): Promise<ReadonlyArray<Row>> => {
  const began = performance.now()
  const measured: Array<ReadonlyMap<string, number>> = []
  let alive = names
  for (let round = 1; round <= (rounds ?? 3); round++) {
    const roundBegan = performance.now()
    const figures = new Map<string, number>()
    for (const name of alive) {
      const cpu = await child<Cpu>(`round ${round}, CPU of ${name}`, name, mixed ? "mixed" : "cpu", sizeOf(name, n))
      if (cpu !== undefined) figures.set(name, cpu.cpuMicrosPerCheck)
    }
    alive = alive.filter((name) => figures.has(name))
    measured.push(figures)
    const now = performance.now()
    if (rounds === undefined && 2 * now - roundBegan - began > budgetMillis) break
  }
  const rows: Array<Row> = []
  for (const name of alive) {
    const waiting = await child<Waiting>(`memory and lag of ${name}`, name, "waiting", sizeOf(name, n))
    if (waiting === undefined) continue
    const { note } = engines[name]!
    const own = ours.find((candidate) => alive.includes(candidate))
    rows.push({
      name,
      n: sizeOf(name, n),
      cpuMicrosPerCheck: round2(median(measured.map((figures) => figures.get(name)!))),
      ...(alive.includes("promise-loop") && { cpuToPromiseLoop: ratio(measured, name, "promise-loop") }),
      ...(own !== undefined && { cpuToOurs: ratio(measured, name, own) }),
      heapBytesPerJob: Math.round(waiting.heapBytesPerJob),
      rssBytesPerJob: Math.round(waiting.rssBytesPerJob),
      lagMillis: {
        p50: round2(waiting.lagMillis.p50),
        p99: round2(waiting.lagMillis.p99),
        max: round2(waiting.lagMillis.max)
      },
      checksPerSecond: Math.round(waiting.checksPerSecond),
      idleWakeupsPerSecond: waiting.idleWakeupsPerSecond,
      idleCpuMillisPerSecond: round2(waiting.idleCpuMillisPerSecond),
      rounds: measured.length,
      ...(note !== undefined && { note })
    })
  }
  return rows
}

export const print = (n: number, rows: ReadonlyArray<Row>): void => {
  const { factor, initial } = delays
  console.log(`
${n} jobs at once, each row in processes of its own.
CPU: ${checks} checks per job, ${initial} ms apart and ${factor} times longer each time, first checks spread over ${initial} ms; medians of ${rows[0]?.rounds ?? 0} rounds.
Memory per job is measured while all jobs wait. Lag is measured on additional jobs, 1 for every 30, each checked once a second.
`)
  const cells = rows.map((row) => [
    row.name,
    String(row.n),
    row.cpuMicrosPerCheck.toFixed(2),
    row.cpuToPromiseLoop?.toFixed(2) ?? "-",
    row.cpuToOurs?.toFixed(2) ?? "-",
    String(row.heapBytesPerJob),
    String(row.rssBytesPerJob),
    row.lagMillis.p50.toFixed(2),
    row.lagMillis.p99.toFixed(2),
    String(row.idleWakeupsPerSecond)
  ])
  const head = ["row", "jobs", "us/check", "x loop", "x ours", "heap B", "RSS B", "lag p50", "p99 ms", "idle wakes/s"]
  const widths = head.map((title, at) => Math.max(title.length, ...cells.map((row) => row[at]!.length)))
  for (const row of [head, ...cells]) {
    console.log(row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join("  "))
  }
  for (const { name, note } of rows) if (note !== undefined) console.log(`${name}: ${note}`)
  for (const row of rows)
    if (row.n < n) console.log(`${row.name}: measured with ${row.n} jobs, since more would take too long`)
}

// ---- internal ----

const run = promisify(execFile)

const budgetMillis = 240_000

/** The row that "ours" means in the ratios: the first of these that was measured. */
const ours = ["poller", "poll"]

const sizeOf = (name: string, n: number): number => Math.min(n, engines[name]!.limit ?? n)

const child = async <A>(what: string, name: string, figure: string, jobs: number): Promise<A | undefined> => {
  console.error(`${what}, ${jobs} jobs`)
  const workload = fileURLToPath(new URL("workload.ts", import.meta.url))
  try {
    const { stdout } = await run(
      process.execPath,
      ["--expose-gc", "--max-old-space-size=8192", workload, name, figure, String(jobs)],
      { timeout: 120_000 }
    )
    return JSON.parse(stdout) as A
  } catch (cause) {
    const { message } = cause as Error
    console.error(`${name} is omitted: ${message}`)
    return undefined
  }
}

const ratio = (measured: ReadonlyArray<ReadonlyMap<string, number>>, name: string, to: string): number =>
  round2(median(measured.map((figures) => figures.get(name)! / figures.get(to)!)))

const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

const round2 = (value: number): number => Math.round(value * 100) / 100
