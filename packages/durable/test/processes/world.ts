/** A database, a server of jobs and workers, and the judgement of what became of the jobs. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as PgClient from "@effect/sql-pg/PgClient"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { HttpClient } from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { DurableStore } from "@effect-poll/durable/DurableStore"
import * as DurableStoreSql from "@effect-poll/durable/DurableStoreSql"
import { type Database, until } from "./database.ts"
import { startWorker, type Worker, type WorkerOptions } from "./fleet.ts"
import { type Jobs, startJobs, valueOf } from "./jobs.ts"
import { makeWorks, type Works } from "./works.ts"

/** What became of the jobs, by the truth of their server. Each list has keys. */
export interface Verdict {
  readonly jobs: number
  /** Ended at the server, but not in the store. */
  readonly lost: ReadonlyArray<string>
  /** Ended more than once in the store. */
  readonly double: ReadonlyArray<string>
  /** Ended in another way, or earlier, than at the server. */
  readonly wrong: ReadonlyArray<string>
  /** No hook was run for the end. */
  readonly untold: ReadonlyArray<string>
}

/** The verdict that each test is about. */
export const flawless = (jobs: number): Verdict => ({ jobs, lost: [], double: [], wrong: [], untold: [] })

export interface World {
  readonly database: Database
  readonly name: string
  readonly jobs: Jobs
  readonly works: Works
  /** Runs an effect in this process, which checks nothing itself. */
  readonly here: <A, E>(effect: Effect.Effect<A, E, DurableStore | HttpClient>) => Effect.Effect<A, E>
  /** Creates jobs at the server that take from `minMillis` to `maxMillis`, and submits their keys. */
  readonly submit: (
    prefix: string,
    count: number,
    minMillis: number,
    maxMillis: number
  ) => Effect.Effect<ReadonlyArray<string>>
  readonly worker: (name: string, options?: Partial<WorkerOptions>) => Effect.Effect<Worker, never, Scope.Scope>
  /** Waits until all jobs have ended and their hooks were run, at most for the bound, and judges. */
  readonly judge: (bound?: Duration.Input) => Effect.Effect<Verdict>
  /** Rows of a query of this database. */
  readonly query: (statement: string) => Effect.Effect<ReadonlyArray<ReadonlyArray<string>>>
}

/** Each end of a row, so that a second one does not go unnoticed. */
const audit = (table: string) => `
CREATE TABLE audit (id text, round int, outcome text, at timestamptz DEFAULT clock_timestamp());
CREATE TABLE oracle (id text, outcome text);
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.outcome IS NOT NULL AND NEW IS DISTINCT FROM OLD THEN
    INSERT INTO audit (id, round, outcome) VALUES (NEW.id, NEW.round, NEW.outcome);
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER audit AFTER UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION audit();`

const table = "effect_poll_jobs"

export const makeWorld = (database: Database, name: string): Effect.Effect<World, never, Scope.Scope> =>
  Effect.gen(function* () {
    const url = yield* database.create(name)
    const jobs = yield* startJobs
    const services = yield* Layer.build(
      Layer.merge(
        DurableStoreSql.layer().pipe(
          Layer.provide(
            PgClient.layer({ url: Redacted.make(url), applicationName: "parent", connectTimeout: "2 seconds" })
          )
        ),
        NodeHttpClient.layerUndici
      )
    ).pipe(Effect.orDie)
    const query = (statement: string) => database.query(name, statement)
    yield* query(audit(table))
    const works = makeWorks({ jobsUrl: jobs.url, worker: "parent", intervalMillis: 250 })
    const here: World["here"] = Effect.provideContext(services)
    const submit: World["submit"] = (prefix, count, minMillis, maxMillis) =>
      Effect.gen(function* () {
        const ids: Array<string> = []
        for (let from = 0; from < count; from += 500) {
          const keys = Array.from({ length: Math.min(500, count - from) }, (_, i) => `${prefix}-${from + i}`)
          keys.forEach((key, i) =>
            jobs.create(key, minMillis + ((maxMillis - minMillis) * (from + i)) / count, (from + i) % 10 === 9)
          )
          for (const ref of yield* here(works.submit(keys))) ids.push(ref.id)
        }
        return ids
      }).pipe(Effect.orDie)
    const judge: World["judge"] = (bound = "2 minutes") =>
      Effect.gen(function* () {
        const open = query(`SELECT count(*) FROM ${table} WHERE outcome IS NULL`)
        const untold = () => [...jobs.all.values()].filter((job) => job.told === 0).map((job) => job.key)
        yield* until(
          "all jobs have ended",
          open,
          (rows) => rows[0]?.[0] === "0" && untold().length === 0,
          bound,
          "200 millis"
        ).pipe(Effect.ignoreCause)
        const rows = yield* query(
          `SELECT job_key, coalesce(outcome, ''), coalesce(ending, ''), coalesce(ended_at, 0) FROM ${table}`
        )
        const double = yield* query(
          `SELECT job_key FROM ${table} JOIN audit USING (id) GROUP BY id, job_key, audit.round HAVING count(*) > 1`
        )
        const stored = new Map(rows.map((row) => [row[0], row]))
        const lost: Array<string> = []
        const wrong: Array<string> = []
        for (const job of jobs.all.values()) {
          const [, outcome, ending, at] = stored.get(job.key) ?? []
          if (outcome === undefined || outcome === "") lost.push(job.key)
          else if (outcome !== (job.fails ? "JobFailed" : "Succeeded")) wrong.push(`${job.key}: ${outcome}`)
          else if (!job.fails && !ending?.includes(valueOf(job.key))) wrong.push(`${job.key}: ${ending}`)
          else if (Number(at) < job.endsAt) wrong.push(`${job.key}: early`)
        }
        return { jobs: jobs.all.size, lost, double: double.map((row) => row[0] ?? ""), wrong, untold: untold() }
      })
    return {
      database,
      name,
      jobs,
      works,
      here,
      submit,
      worker: (worker, options) => startWorker({ databaseUrl: url, jobsUrl: jobs.url, ...options, name: worker }),
      judge,
      query
    }
  })
