/** Three processes share one budget, and use it to the full: how far are they from it? */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { startRedis } from "../redis.ts"
import { startDatabase } from "./database.ts"

/** The settings of a worker. */
export interface BudgetWorker {
  readonly name: string
  readonly store: "redis" | "sql"
  readonly url: string
  readonly lease: number
  readonly budget: {
    readonly limit: number
    readonly window: number
    readonly burst?: number | undefined
    readonly lease?: number | undefined
  }
  readonly checks: number
  readonly runMillis: number
}

export interface BudgetRow {
  readonly name: string
  /** By how much more than the budget was used in any time, in percent of the budget of a window. */
  readonly overPercent: number
  /** By how much less than the budget was used in all, in percent of it. */
  readonly underPercent: number
  readonly used: number
  readonly allowed: number
  /** By process. */
  readonly shares: ReadonlyArray<number>
  /** Whether it counts for `errorPercent`: not if the store is effect's and promises it on average only. */
  readonly isPromised: boolean
  /** Writes of the row for each check; for SQL only. */
  readonly statementsPerCheck: number | undefined
}

export interface BudgetReport {
  /** The greatest of `overPercent` and `underPercent`; `undefined` if nothing could be measured. */
  readonly errorPercent: number | undefined
  readonly rows: ReadonlyArray<BudgetRow>
  /** What could not be started. */
  readonly missing: ReadonlyArray<string>
}

export interface BudgetOptions {
  /** How long a row takes, in milliseconds; default 20 seconds. */
  readonly runMillis?: number | undefined
  /** The processes; default 3. */
  readonly processes?: number | undefined
  /** The names of the rows; default all. */
  readonly only?: ReadonlyArray<string> | undefined
}

/** 100 checks a second, of which 50 may be made at once. */
const bucket = { limit: 1_000, window: 10_000, burst: 50 } as const
/** 200 checks in each window of two seconds. */
const windows = { limit: 200, window: 2_000 } as const

const rows = [
  { name: "redis", store: "redis", lease: 1, budget: { ...bucket, lease: 1 } },
  { name: "redis, leases of the gate", store: "redis", lease: 1, budget: bucket },
  { name: "redis, windows", store: "redis", lease: 1, budget: windows, isPromised: false },
  { name: "sql", store: "sql", lease: 1, budget: { ...bucket, lease: 1 } },
  { name: "sql, leases", store: "sql", lease: 10, budget: { ...bucket, lease: 1 } },
  { name: "sql, windows", store: "sql", lease: 1, budget: { ...windows, lease: 1 } },
  { name: "sql, windows, leases", store: "sql", lease: 10, budget: { ...windows, lease: 1 } }
] satisfies ReadonlyArray<Pick<BudgetWorker, "name" | "store" | "lease" | "budget"> & { readonly isPromised?: boolean }>

/** Measures all rows, one after the other. */
export const budget = (options: BudgetOptions = {}): Effect.Effect<BudgetReport> =>
  Effect.scoped(
    Effect.gen(function* () {
      const processes = options.processes ?? 3
      const runMillis = options.runMillis ?? 20_000
      const missing: Array<string> = []
      const redis = yield* orMissing(startRedis, missing)
      const postgres = yield* orMissing(startDatabase, missing)
      const measured: Array<BudgetRow> = []
      for (const [at, row] of rows.entries()) {
        if (options.only?.includes(row.name) === false) continue
        const url = row.store === "redis" ? redis : yield* postgres?.create(`budget${at}`) ?? Effect.undefined
        if (url === undefined) continue
        const config: BudgetWorker = { ...row, url, checks: 20, runMillis }
        const used = yield* Effect.scoped(run(config, processes))
        const all = used.flat().toSorted((a, b) => a - b)
        let statementsPerCheck: number | undefined
        if (row.store === "sql" && postgres !== undefined) {
          const [[writes] = []] = yield* postgres.query(
            `budget${at}`,
            "SELECT n_tup_ins + n_tup_upd FROM pg_stat_user_tables WHERE relname = 'effect_poll_budgets'"
          )
          statementsPerCheck = round(Number(writes) / all.length)
        }
        measured.push({
          name: row.name,
          ...errorOf(all, config.budget, runMillis),
          used: all.length,
          shares: used.map((times) => times.length),
          isPromised: row.isPromised ?? true,
          statementsPerCheck
        })
      }
      const errors = measured
        .filter(({ isPromised }) => isPromised)
        .flatMap(({ overPercent, underPercent }) => [overPercent, underPercent])
      return { errorPercent: errors.length === 0 ? undefined : Math.max(...errors), rows: measured, missing }
    })
  )

/** The error of the times of all checks, in their order. */
export const errorOf = (
  times: ReadonlyArray<number>,
  { burst, limit, window }: BudgetWorker["budget"],
  runMillis: number
): Pick<BudgetRow, "overPercent" | "underPercent" | "allowed"> => {
  const first = times[0] ?? 0
  if (burst !== undefined) {
    const pace = window / limit
    let level = 0
    let over = 0
    let last = first
    for (const at of times) {
      level = Math.max(0, level - (at - last) / pace) + 1
      over = Math.max(over, level - burst)
      last = at
    }
    const allowed = burst + runMillis / pace
    return {
      overPercent: round((over / limit) * 100),
      underPercent: round((1 - times.length / allowed) * 100),
      allowed: Math.floor(allowed)
    }
  }
  // Checks come in bursts, one for each window. Their number, and when the last one begins.
  const bursts: Array<{ readonly at: number; count: number }> = []
  let last = Number.NEGATIVE_INFINITY
  for (const at of times) {
    if (at - last > window / 4) bursts.push({ at, count: 0 })
    bursts.at(-1)!.count++
    last = at
  }
  const lasted = bursts.at(-1)!.at - first
  const due = (bursts.length - 1) * window
  const used = bursts.slice(0, -1).reduce((sum, { count }) => sum + count, 0)
  return {
    overPercent: round(Math.max(0, ...bursts.map(({ count }) => (count / limit - 1) * 100), (1 - lasted / due) * 100)),
    underPercent: round(Math.max(lasted / due - 1, 1 - used / (limit * (bursts.length - 1))) * 100),
    allowed: limit * Math.ceil(runMillis / window)
  }
}

// ---- internal ----

const round = (value: number): number => Math.round(value * 1_000) / 1_000

const orMissing = <A, R>(
  start: Effect.Effect<A, { readonly reason: string }, R>,
  missing: Array<string>
): Effect.Effect<A | undefined, never, R> =>
  Effect.catch(start, ({ reason }) => Effect.sync(() => void missing.push(reason)))

/** The times of the checks of each process. */
const run = Effect.fnUntraced(function* (config: BudgetWorker, processes: number) {
  const workers = yield* Effect.forEach(Array.from({ length: processes }), () => start(config), {
    concurrency: "unbounded"
  })
  const startAt = Date.now() + 200
  for (const worker of workers) worker.stdin.write(`${startAt}\n`)
  return yield* Effect.forEach(workers, (worker) => worker.used, { concurrency: "unbounded" })
})

const start = Effect.fnUntraced(function* (config: BudgetWorker) {
  const script = new URL("budgetWorker.ts", import.meta.url).pathname
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [script, JSON.stringify(config)], { stdio: ["pipe", "pipe", "inherit"] })
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )
  const lines: Array<string> = []
  const said = (word: string): Effect.Effect<string> =>
    Effect.callback<string>((resume) => {
      const look = () => {
        const line = lines.find((text) => text.startsWith(word))
        if (line !== undefined) resume(Effect.succeed(line.slice(word.length)))
        else if (child.exitCode !== null) resume(Effect.die(new Error(`a worker ended with ${child.exitCode}`)))
      }
      waiting.add(look)
      look()
      return Effect.sync(() => void waiting.delete(look))
    })
  const waiting = new Set<() => void>()
  const tell = () => waiting.forEach((look) => look())
  createInterface({ input: child.stdout })
    .on("line", (line) => (lines.push(line), tell()))
    .on("close", () => setTimeout(tell, 50))
  yield* Effect.timeoutOrElse(said("ready"), {
    duration: "60 seconds",
    orElse: () => Effect.die(new Error("a worker is not ready"))
  })
  return {
    stdin: child.stdin,
    used: Effect.map(said("used "), (text) => JSON.parse(text) as ReadonlyArray<number>)
  }
}) satisfies (config: BudgetWorker) => Effect.Effect<unknown, never, Scope.Scope>
