// What a check costs over HTTP: each loop in turn, in every round, against a server in a process of its own.
import { fork } from "node:child_process"
import { get } from "node:http"
import { fileURLToPath } from "node:url"
import { bodies, type Workload } from "./bodies.ts"
import { type Row as Loop, rows as loops } from "./rows.ts"

export interface Row {
  readonly cpuMicrosPerCheck: number
  readonly requestsPerSecond: number
  /** The connections that the server saw opened in all rounds, with the one that warms up. */
  readonly connections: number
  /** Medians of the ratios to the bare client and to the Effect by hand, each within the same round. */
  readonly cpuToBare: number
  readonly cpuToHand: number
}

export interface Options {
  readonly rounds: number
  /** The number of checks of a row in a round; a quarter of it for the largest body. */
  readonly checks: number
  /** How many checks are under way at a time. */
  readonly lanes: number
}

/** By name: `HttpCheck over undici, 1KB`. */
export const measure = async ({ checks, lanes, rounds }: Options): Promise<Readonly<Record<string, Row>>> => {
  const server = fork(fileURLToPath(new URL("server.ts", import.meta.url)), {
    stdio: ["ignore", "ignore", "inherit", "ipc"]
  })
  const { close, rows } = loops()
  try {
    const port = await new Promise<number>((resolve, reject) => {
      server.once("message", (port) => resolve(port as number))
      server.once("exit", () => reject(new Error("the server ended")))
    })
    const origin = `http://127.0.0.1:${port}`
    const connections = () =>
      new Promise<number>((resolve, reject) => {
        // On a connection of its own, which is not counted.
        get(`${origin}/connections`, { agent: false }, (response) => {
          response.setEncoding("utf8").once("data", (text: string) => resolve(Number(text)))
        }).once("error", reject)
      })
    const figures = new Map<string, Array<Pick<Row, "cpuMicrosPerCheck" | "requestsPerSecond">>>()
    const opened = new Map<string, number>()
    // Round 0 warms up.
    for (let round = 0; round <= rounds; round++) {
      for (const workload of Object.keys(bodies) as Array<Workload>) {
        const count = Math.ceil(checks / (workload === "100KB" ? 4 : 1))
        for (const row of rotated(rows, round)) {
          const name = nameOf(row.kind, row.client, workload)
          const before = await connections()
          const measured = await run(row, `${origin}/${workload}`, count, lanes)
          opened.set(name, (opened.get(name) ?? 0) + (await connections()) - before)
          if (round > 0) figures.set(name, [...(figures.get(name) ?? []), measured])
        }
      }
    }
    const cpus = (name: string) => figures.get(name)!.map(({ cpuMicrosPerCheck }) => cpuMicrosPerCheck)
    const ratio = (name: string, to: string) => {
      const others = cpus(to)
      return round2(median(cpus(name).map((cpu, index) => cpu / others[index]!)))
    }
    const result: Record<string, Row> = {}
    for (const workload of Object.keys(bodies) as Array<Workload>) {
      for (const { client, kind } of rows) {
        const name = nameOf(kind, client, workload)
        const all = figures.get(name)!
        result[name] = {
          cpuMicrosPerCheck: round2(median(cpus(name))),
          requestsPerSecond: Math.round(median(all.map(({ requestsPerSecond }) => requestsPerSecond))),
          connections: opened.get(name)!,
          cpuToBare: ratio(name, nameOf("bare", client, workload)),
          cpuToHand: ratio(name, nameOf("by hand", client, workload))
        }
      }
    }
    return result
  } finally {
    server.disconnect()
    await close()
  }
}

export const print = ({ checks, lanes, rounds }: Options, rows: Readonly<Record<string, Row>>): void => {
  console.log(`${checks} checks per row and round, ${lanes} at a time; medians of ${rounds} rounds in one process\n`)
  console.log(`${"row".padEnd(32)} CPU us/check  to bare  to hand  requests/s  connections`)
  for (const [name, row] of Object.entries(rows)) {
    const cells = [
      row.cpuMicrosPerCheck.toFixed(1).padStart(12),
      row.cpuToBare.toFixed(2).padStart(8),
      row.cpuToHand.toFixed(2).padStart(8),
      String(row.requestsPerSecond).padStart(11),
      String(row.connections).padStart(12)
    ]
    console.log(`${name.padEnd(32)} ${cells.join(" ")}`)
  }
}

// ---- internal ----

const nameOf = (kind: Loop["kind"], client: Loop["client"], workload: Workload): string =>
  `${kind === "bare" ? "bare" : `${kind} over`} ${client}, ${workload}`

const run = async (row: Loop, url: string, checks: number, lanes: number) => {
  const perLane = Math.ceil(checks / lanes)
  const began = performance.now()
  const before = process.cpuUsage()
  await Promise.all(Array.from({ length: lanes }, () => row.loop(url, perLane)))
  const { system, user } = process.cpuUsage(before)
  const made = perLane * lanes
  return {
    cpuMicrosPerCheck: (user + system) / made,
    requestsPerSecond: (made / (performance.now() - began)) * 1_000
  }
}

/** So that no row has always the same one before it. */
const rotated = <A>(all: ReadonlyArray<A>, by: number): ReadonlyArray<A> =>
  all.map((_, index) => all[(index + by) % all.length]!)

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

const round2 = (value: number): number => Math.round(value * 100) / 100
