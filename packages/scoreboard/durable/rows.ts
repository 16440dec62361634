// The rows of the table: ways to wait for jobs with PostgreSQL behind, and what ours has to be beside them.
import { compiled } from "./compile.ts"

export interface Row {
  readonly name: string
  /** The package in `peers/package.json`, if it needs one. */
  readonly package?: string
  /** The module of the `Subject`, with its name behind a `#`. */
  readonly subject: string
  /** How many jobs are waited for, if it cannot do as many as the others within minutes. */
  readonly jobs?: number
  /** How many times as many rows as ours it has to write at least. Undefined: it is there for information. */
  readonly rowWritesRatio?: number
}

const subject = (module: string, name: string) => new URL(`subjects/${module}.ts#${name}`, import.meta.url).href

const own = (module: string, name: string) => new URL(`${module}.mjs#${name}`, compiled).href

/** The row that the others are compared with. */
export const ours: Row = { name: "effect-poll", subject: own("ours", "keys") }

/** Ways to do the work that are not rows of the table. */
export const memory: Row = { name: "Poller", subject: own("memory", "poller") }
export const stream: Row = { name: "effect-poll, a stream of ends", subject: own("ours", "stream") }
export const cluster: Row = { name: "effect-poll in a cluster", subject: own("ours", "cluster") }
export const holder: Row = { name: "runner", subject: own("ours", "holder") }
export const submitter: Row = { name: "client", subject: own("ours", "submitter") }

const dbos = "@dbos-inc/dbos-sdk"
const pgBoss = "pg-boss"
const graphile = "graphile-worker"

/** The documented ways, then what there is beside them, then the loop in one step. */
export const peers: ReadonlyArray<Row> = [
  {
    name: "effect Activity + DurableClock",
    subject: subject("activities", "suspending"),
    jobs: 50,
    rowWritesRatio: 100
  },
  { name: dbos, package: dbos, subject: subject("dbos", "sleeping"), rowWritesRatio: 10 },
  { name: pgBoss, package: pgBoss, subject: subject("pgBoss", "enqueuing"), rowWritesRatio: 10 },
  { name: graphile, package: graphile, subject: subject("graphile", "enqueuing"), rowWritesRatio: 10 },
  { name: "effect Activity + DurableClock in memory", subject: subject("activities", "inMemory") },
  { name: "effect Activity + plain sleep", subject: subject("activities", "plainSleep") },
  { name: "effect, loop in one step", subject: subject("activities", "oneStep") },
  { name: `${dbos}, loop in one step`, package: dbos, subject: subject("dbos", "oneStep") },
  { name: `${pgBoss}, loop in one step`, package: pgBoss, subject: subject("pgBoss", "oneStep") },
  { name: `${graphile}, loop in one step`, package: graphile, subject: subject("graphile", "oneStep") }
]
