// What the work of a row costs, as the server counts it.
import { type ChildProcess, fork } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { compiled } from "./compile.ts"
import type { Told } from "./child.ts"
import type { Postgres } from "./postgres.ts"
import type { Work } from "./work.ts"

export interface Costs {
  readonly statementsPerJob: number
  /** Inserted, updated and deleted rows. */
  readonly rowWritesPerJob: number
  readonly walBytesPerJob: number
  /** Of the process that checks. */
  readonly cpuMillisPerJob: number
  readonly postgresCpuMillisPerJob: number
  readonly checksPerJob: number
  readonly seconds: number
}

/** After how long a connection without work has reported what it has done to the tables. */
const reportMillis = 11_000

/** What was counted while the work was done. */
export interface Counted extends Omit<Extract<Told, { readonly _tag: "Ended" }>, "_tag"> {
  readonly statements: number
  readonly rowWrites: number
  readonly walBytes: number
  readonly postgresCpuMillis: number
}

/** Counts what one way to do the work costs, in a database of its own. */
export const count = async (
  postgres: Postgres,
  subject: string,
  work: Work,
  { limitMillis = 240_000, settleMillis = reportMillis, warmUps = 0 } = {}
): Promise<Counted> => {
  const database = `board_${++databases}`
  await postgres.run("postgres", `create database ${database}`)
  const child = spawn(subject, postgres.url(database), work, { warmUps })
  try {
    await told(child, "Started", limitMillis)
    await sleep(settleMillis)
    await postgres.run(database, "select pg_stat_reset()")
    const lsn = await walBytes(postgres)
    const cpu = cpuMillisOf(postgres.pid)
    await postgres.run("postgres", "select pg_stat_statements_reset()")
    child.send("go")
    const { _tag, ...ended } = await told(child, "Ended", limitMillis)
    const [statements = 0, dropped = 0] = await postgres.numbers("postgres", statementsOf(database))
    if (dropped > 0) throw new Error("pg_stat_statements has dropped statements")
    const counted = {
      statements,
      walBytes: (await walBytes(postgres)) - lsn,
      postgresCpuMillis: cpuMillisOf(postgres.pid) - cpu
    }
    // A connection that ends reports at once.
    child.kill("SIGKILL")
    await disconnected(postgres, database)
    const [rowWrites = 0] = await postgres.numbers(database, rowWritesSql)
    return { ...ended, ...counted, rowWrites }
  } finally {
    child.kill("SIGKILL")
    await disconnected(postgres, database)
    await postgres.run("postgres", `drop database ${database} with (force)`)
  }
}

/** Begins a process that does the work. */
export const spawn = (
  subject: string,
  url: string,
  work: Work,
  { execArgv = [], warmUps = 0 }: { readonly execArgv?: ReadonlyArray<string>; readonly warmUps?: number } = {}
): ChildProcess =>
  fork(
    fileURLToPath(subject.startsWith(compiled.href) ? new URL("child.mjs", compiled) : childUrl),
    [subject, url, String(warmUps), JSON.stringify(work)],
    // Its standard output is not that of the board.
    { execArgv: [...execArgv], stdio: ["ignore", 2, 2, "ipc"] }
  )

/** Waits until a process tells something. */
export const told = <Tag extends Told["_tag"]>(
  child: ChildProcess,
  tag: Tag,
  limitMillis: number
): Promise<Extract<Told, { readonly _tag: Tag }>> =>
  new Promise((resolve, reject) => {
    const fail = (why: string) => () => settle(() => reject(new Error(why)))
    const timer = setTimeout(fail(`not over after ${limitMillis / 1_000} s`), limitMillis)
    const ended = fail("its process has ended")
    const settle = (then: () => void) => {
      clearTimeout(timer)
      child.off("exit", ended)
      child.off("message", listen)
      then()
    }
    const listen = (message: Told) => {
      if (message._tag === tag) settle(() => resolve(message as Extract<Told, { readonly _tag: Tag }>))
    }
    child.on("exit", ended)
    child.on("message", listen)
  })

/** Says why figures are not those of the work; undefined if they are. */
export const problemOf = (work: Work, counted: Pick<Counted, "checks" | "done" | "millis">): string | undefined => {
  const { checks, done, millis } = counted
  if (done < work.jobs) return `${done} of ${work.jobs} jobs are done`
  if (checks < work.jobs * work.checks) return `${checks} checks instead of ${work.jobs * work.checks}`
  const least = (work.checks - 1) * work.intervalMillis
  return millis < least ? `over after ${millis.toFixed(0)} ms: it has not waited ${least} ms` : undefined
}

/** The costs of a job. A row that has not done the work has none. */
export const costsOf = (work: Work, counted: Counted): Costs => {
  const problem = problemOf(work, counted)
  if (problem !== undefined) throw new Error(problem)
  return {
    statementsPerJob: counted.statements / work.jobs,
    rowWritesPerJob: counted.rowWrites / work.jobs,
    walBytesPerJob: counted.walBytes / work.jobs,
    cpuMillisPerJob: counted.cpuMillis / work.jobs,
    postgresCpuMillisPerJob: counted.postgresCpuMillis / work.jobs,
    checksPerJob: counted.checks / work.jobs,
    seconds: counted.millis / 1_000
  }
}

/** CPU time of a process and all of its children, also of those that have ended; Linux only, elsewhere not a number. */
export const cpuMillisOf = (pid: number): number => {
  if (process.platform !== "linux") return Number.NaN
  const ended = timesOf(pid)
  const running = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => timesOf(Number(name)))
    .filter((times) => times?.parent === pid)
  const own = (times: Times | undefined) => times?.own ?? 0
  const ticks = own(ended) + (ended?.children ?? 0) + running.reduce((sum, times) => sum + own(times), 0)
  return ticks * 10
}

// ---- internal ----

const childUrl = new URL("child.ts", import.meta.url)

let databases = 0

interface Times {
  readonly parent: number
  readonly own: number
  readonly children: number
}

const timesOf = (pid: number): Times | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    // The name, in parentheses, may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    const at = (field: number) => Number(fields[field])
    return { parent: at(1), own: at(11) + at(12), children: at(13) + at(14) }
  } catch {
    // It has ended.
    return undefined
  }
}

const statementsOf = (database: string) => `
  select coalesce(sum(calls), 0), (select dealloc from pg_stat_statements_info)
  from pg_stat_statements s join pg_database d on d.oid = s.dbid where d.datname = '${database}'`

const rowWritesSql = "select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) from pg_stat_user_tables"

const walBytes = async (postgres: Postgres): Promise<number> =>
  (await postgres.numbers("postgres", "select pg_current_wal_insert_lsn() - '0/0'::pg_lsn"))[0]!

/** Waits until nobody is connected to a database. */
const disconnected = async (postgres: Postgres, database: string): Promise<void> => {
  const sql = `select count(*) from pg_stat_activity where datname = '${database}'`
  for (let tries = 0; tries < 100; tries++) {
    if ((await postgres.numbers("postgres", sql))[0] === 0) return
    await sleep(100)
  }
  throw new Error("the server still has connections of a process that was killed")
}
