import * as Effect from "effect/Effect"
import type { KindStats } from "../model.ts"
import { defaultLimit } from "../memory.ts"
import type { Database, Operations } from "./database.ts"
import { columns, rowOf, type Stored } from "./stored.ts"
import { fromText, toText } from "./text.ts"

/** The operations whose statements are the same in every dialect. */
export const operations = (
  db: Database
): Operations<"find" | "ended" | "position" | "list" | "stats" | "pause" | "hooked" | "unhook" | "runners"> => {
  const { isNumber, isText, names, now, sql } = db
  const all = sql.literal(columns)
  const whole = (value: number) => sql`CAST(${String(Math.ceil(value))} AS bigint)`
  const text = (value: string) => sql`CAST(${toText(value)} AS text)`
  const rowsOf = (rows: ReadonlyArray<Stored>) => rows.map(rowOf)
  // A tag is compared as a whole: its text may also occur within another one, or between two.
  const hasTag = (tag: string) =>
    sql.onDialectOrElse({
      orElse: () =>
        sql`EXISTS (SELECT 1 FROM json_each(tags) AS each WHERE each.value = ${JSON.stringify([tag])} ->> 0)`,
      pg: () =>
        sql`EXISTS (SELECT 1 FROM json_array_elements(tags::json) AS each WHERE each::text = ${JSON.stringify(tag)})`
    })
  return {
    find: (kind, ids) =>
      Effect.map(
        sql<Stored>`SELECT ${all} FROM ${names.jobs} WHERE ${isText("id", ids)} AND kind = ${text(kind)}`,
        rowsOf
      ),
    ended: (kind, after, limit) =>
      Effect.map(
        sql<Stored>`SELECT ${all} FROM ${names.jobs}
          WHERE kind = ${text(kind)} AND state = 'ended' AND position > ${whole(after)}
          ORDER BY position LIMIT ${whole(limit)}`,
        rowsOf
      ),
    position: (kind) =>
      Effect.map(
        sql<{ readonly newest: unknown }>`SELECT coalesce(max(position), 0) AS newest FROM ${names.jobs}
          WHERE kind = ${text(kind)} AND state = 'ended'`,
        ([row]) => Number(row?.newest)
      ),
    list: ({ after, kind, limit, olderThanMillis, outcome, state, tag }) => {
      const conditions = [
        ...(kind === undefined ? [] : [sql`kind = ${text(kind)}`]),
        ...(state === undefined
          ? []
          : state === "ended"
            ? [sql.literal("state = 'ended'")]
            : [sql.literal("state <> 'ended'"), ...(state === "open" ? [] : [sql`state = ${text(state)}`])]),
        ...(outcome === undefined ? [] : [sql`outcome = ${text(outcome)}`]),
        ...(tag === undefined ? [] : [hasTag(tag)]),
        ...(olderThanMillis === undefined ? [] : [sql`created_at <= ${now} - ${whole(olderThanMillis)}`]),
        ...(after === undefined ? [] : [sql`(created_at, id) > (${whole(after.createdAt)}, ${text(after.id)})`])
      ]
      return Effect.map(
        sql<Stored>`SELECT ${all} FROM ${names.jobs} WHERE ${sql.and(conditions)}
          ORDER BY created_at, id LIMIT ${whole(limit ?? defaultLimit)}`,
        rowsOf
      )
    },
    stats: Effect.gen(function* () {
      const counts = yield* sql<{
        readonly kind: string
        readonly state: string
        readonly outcome: string | null
        readonly n: unknown
        readonly age: unknown
      }>`SELECT kind, state, outcome, count(*) AS n, ${now} - min(created_at) AS age
        FROM ${names.jobs} GROUP BY kind, state, outcome`
      const paused = yield* sql<{ readonly kind: string }>`SELECT kind FROM ${names.paused}`
      const isPaused = new Set(paused.map(({ kind }) => fromText(kind)))
      const stats = new Map<string, KindStats>(
        Array.from(isPaused, (kind) => [kind, { kind, open: {}, ended: {}, oldestMillis: null, paused: true }])
      )
      for (const count of counts) {
        const kind = fromText(count.kind)
        const one = stats.get(kind) ?? { kind, open: {}, ended: {}, oldestMillis: null, paused: false }
        const n = Number(count.n)
        stats.set(
          kind,
          count.state === "ended"
            ? { ...one, ended: { ...one.ended, [fromText(count.outcome ?? "")]: n } }
            : {
                ...one,
                open: { ...one.open, [count.state]: n },
                oldestMillis: Math.max(0, one.oldestMillis ?? 0, Number(count.age))
              }
        )
      }
      return Array.from(stats.values()).toSorted((one, other) => (one.kind < other.kind ? -1 : 1))
    }),
    pause: (kind, paused) =>
      Effect.asVoid(
        paused
          ? sql`INSERT INTO ${names.paused} (kind) VALUES (${text(kind)}) ON CONFLICT DO NOTHING`
          : sql`DELETE FROM ${names.paused} WHERE kind = ${text(kind)}`
      ),
    hooked: ({ after, buckets, kinds, limit }) =>
      Effect.map(
        sql<Stored & { readonly hook: string }>`
          SELECT hook, job.* FROM ${names.hooks} AS due
          JOIN (SELECT ${all} FROM ${names.jobs} WHERE state = 'ended') AS job ON job.id = due.id
          WHERE ${isText("kind", kinds)} AND ${
            buckets === undefined ? sql.literal("1 = 1") : isNumber("bucket", buckets)
          } AND (due.id, hook) > (${text(after?.id ?? "")}, ${text(after?.hook ?? "")})
          ORDER BY due.id, hook LIMIT ${whole(limit)}`,
        (rows) => rows.map((row) => ({ hook: fromText(row.hook), row: rowOf(row) }))
      ),
    unhook: (hooks) =>
      hooks.length === 0
        ? Effect.void
        : Effect.asVoid(
            sql.onDialectOrElse({
              orElse: () =>
                sql`DELETE FROM ${names.hooks} WHERE rowid IN (
                  SELECT due.rowid FROM json_each(${JSON.stringify(hooks.map(partsOf))}) AS batch JOIN ${names.hooks} AS due
                  ON due.id = batch.value ->> 0 AND due.hook = batch.value ->> 1 AND due.round <= batch.value ->> 2)`,
              pg: () =>
                sql`DELETE FROM ${names.hooks} AS due
                  USING json_array_elements(CAST(${JSON.stringify(hooks.map(partsOf))} AS json)) AS value
                  WHERE due.id = value ->> 0 AND due.hook = value ->> 1 AND due.round <= CAST(value ->> 2 AS integer)`
            })
          ),
    runners: (withinMillis, buckets) =>
      Effect.gen(function* () {
        const alive = yield* sql<{ readonly runner: string; readonly silent: unknown; readonly n: unknown }>`
          SELECT runner, silent, (SELECT count(*) FROM ${names.buckets} AS held
            WHERE held.runner = alive.runner AND held.bucket < ${whole(buckets)}) AS n
          FROM (SELECT runner, ${now} - beat_at AS silent FROM ${names.runners}) AS alive
          WHERE silent <= ${whole(withinMillis)} ORDER BY runner`
        const runners = alive.map(({ n, runner, silent }) => ({
          runner: fromText(runner),
          silentMillis: Math.max(0, Number(silent)),
          buckets: Number(n)
        }))
        return { runners, orphans: runners.reduce((left, runner) => left - runner.buckets, buckets) }
      })
  }
}

const partsOf = ({
  hook,
  id,
  round
}: {
  readonly id: string
  readonly hook: string
  readonly round: number
}): readonly [string, string, number] => [toText(id), toText(hook), round]
