import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Change, Finished } from "../model.ts"
import { toldOf } from "../told.ts"
import { type Database, forgetAfter, namesOf, type Operations, parts, type Written } from "./database.ts"
import { toFinishes, toHeld, toInserts, toSaves, withoutRepeats } from "./entry.ts"
import { columns, rowOf, type Stored } from "./stored.ts"
import type { Tables } from "./tables.ts"
import { fromText, toText } from "./text.ts"

// SQLite has one writer at a time: what a transaction writes first is ordered as its commit. Two counters number the changes
// of open rows, and the endings.

/** How statements are written for SQLite. */
export const database = (sql: SqlClient, tables: Tables, tell: (change: Change) => Effect.Effect<void>): Database => ({
  sql,
  tables,
  names: namesOf(sql, tables),
  now: sql.literal("CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER)"),
  isText: (column, list) =>
    sql`${sql.literal(column)} IN (SELECT value FROM json_each(${JSON.stringify(list.map(toText))}))`,
  isNumber: (column, list) => sql`${sql.literal(column)} IN (SELECT value FROM json_each(${JSON.stringify(list)}))`,
  tell
})

const inserted = [
  "id",
  "kind",
  "job_key",
  "bucket",
  "state",
  "since",
  "deadline_millis",
  "delay",
  "token",
  "input",
  "idempotency_key",
  "tags",
  "hooks"
]

/** The operations that SQLite has a form of its own for. */
export const operations = (db: Database): Operations<Written> => {
  const { isNumber, isText, names, now, sql, tell } = db
  const all = sql.literal(columns)
  // A hook of an earlier round that was not delivered becomes that of the new end.
  const newer = sql.literal("ON CONFLICT (id, hook) DO UPDATE SET round = excluded.round")

  /** Counts on, and is the first statement of a transaction: it makes the transaction the writer. */
  const next = (name: "change" | "position", by: number): Effect.Effect<number, SqlError> =>
    Effect.map(
      sql<{ readonly value: unknown }>`
        UPDATE ${names.counters} SET value = value + ${by} WHERE name = ${name} RETURNING value`,
      ([row]) => Number(row?.value)
    )

  /** The fields of each entry of a batch, as a query. */
  const batchOf = (batch: ReadonlyArray<object>, ...fields: ReadonlyArray<string>) =>
    sql`SELECT ${sql.literal(fields.map((field) => `value ->> '${field}' AS ${field}`).join(", "))}
      FROM json_each(${JSON.stringify(batch)})`
  const isHeld = sql`EXISTS (SELECT 1 FROM ${names.buckets} AS held
    WHERE held.bucket = batch.bucket AND held.epoch = batch.epoch AND held.bucket = job.bucket)`

  const insertPart = Effect.fnUntraced(function* (entries: ReturnType<typeof toInserts>) {
    const change = yield* next("change", 1)
    const isNew = yield* sql<{ readonly id: string }>`
      INSERT INTO ${names.jobs} (id, kind, job_key, bucket, state, since, round, created_at, deadline_at, deadline_millis,
        due_at, nudges, change, token, input, idempotency_key, tags, hooks)
      SELECT id, kind, job_key, bucket, state, since, 1, at, at + deadline_millis, deadline_millis, at + delay, 0,
        ${change}, token, input, idempotency_key, tags, hooks
      FROM (${batchOf(entries, ...inserted)}), (SELECT ${now} AS at)
      WHERE true ON CONFLICT (id) DO NOTHING RETURNING id`
    if (isNew.length > 0) yield* tell("submitted")
    const newIds = new Set(isNew.map(({ id }) => id))
    for (const { hooks, id } of entries) {
      if (hooks === null || newIds.has(id)) continue
      for (const hook of hooks) {
        const [added] = yield* sql<Hooked>`
          UPDATE ${names.jobs} SET hooks = json_insert(coalesce(hooks, '[]'), '$[#]', ${hook})
          WHERE id = ${id} AND ${hook} NOT IN (SELECT value FROM json_each(coalesce(hooks, '[]'))) RETURNING state, round`
        if (added?.state === "ended") yield* due(id, hook, added.round)
      }
    }
    return Array.from(newIds, fromText)
  })

  const due = (id: string, hook: string, round: unknown): Effect.Effect<void, SqlError> =>
    Effect.andThen(
      sql`INSERT INTO ${names.hooks} (id, hook, round) VALUES (${id}, ${hook}, ${round}) ${newer}`,
      tell("ended")
    )

  const finishPart = Effect.fnUntraced(function* (kind: string, entries: ReadonlyArray<object>) {
    const last = yield* next("position", entries.length)
    const fields = ["ord", "id", "round", "bucket", "epoch", "outcome", "ending", "attempts"]
    const ended = yield* sql<{ readonly id: string; readonly hooks: string | null }>`
      UPDATE ${names.jobs} AS job SET state = 'ended', outcome = batch.outcome, ending = batch.ending,
        ended_by = CASE WHEN batch.epoch IS NULL THEN 'settle' ELSE 'check' END, attempts = batch.attempts,
        ended_at = ${now}, position = ${last} - batch.ord, token = NULL
      FROM (${batchOf(entries, ...fields)}) AS batch
      WHERE job.id = batch.id AND job.kind = ${toText(kind)} AND job.state <> 'ended' AND job.round = batch.round
        AND (batch.epoch IS NULL OR ${isHeld})
      RETURNING id, hooks`
    if (ended.some(({ hooks }) => hooks !== null)) {
      yield* sql`INSERT INTO ${names.hooks} (id, hook, round)
        SELECT DISTINCT job.id, hook.value, job.round FROM ${names.jobs} AS job, json_each(job.hooks) AS hook
        WHERE job.id IN (SELECT value FROM json_each(${JSON.stringify(ended.map(({ id }) => id))}))
        ${newer}`
    }
    const fenced = yield* sql<{ readonly ord: unknown }>`
      SELECT ord FROM (${batchOf(entries, "ord", "bucket", "epoch")}) AS batch
      WHERE epoch IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ${names.buckets} AS held
        WHERE held.bucket = batch.bucket AND held.epoch = batch.epoch)`
    return {
      ended: new Set(ended.map(({ id }) => fromText(id))),
      fenced: new Set(fenced.map(({ ord }) => Number(ord)))
    }
  })

  const reopenOnce = Effect.fnUntraced(function* (kind: string, id: string, hooks: ReadonlyArray<string>) {
    const change = yield* next("change", 1)
    const [begun] = yield* sql<Stored>`
      UPDATE ${names.jobs} SET state = CASE WHEN job_key IS NULL THEN 'outbox' ELSE 'pending' END,
        round = round + 1, created_at = at, deadline_at = at + deadline_millis, due_at = at, change = ${change},
        token = NULL, outcome = NULL, ending = NULL, ended_by = NULL, attempts = NULL, ended_at = NULL,
        position = NULL, hooks = ${hooks.length === 0 ? null : JSON.stringify(hooks.map(toText))}
      FROM (SELECT ${now} AS at)
      WHERE id = ${toText(id)} AND kind = ${toText(kind)} AND state = 'ended' RETURNING ${all}`
    if (begun !== undefined) {
      yield* tell("submitted")
      return rowOf(begun)
    }
    const [row] = yield* sql<Stored>`
      SELECT ${all} FROM ${names.jobs} WHERE id = ${toText(id)} AND kind = ${toText(kind)}`
    return row && rowOf(row)
  })

  const idsOf = (rows: ReadonlyArray<{ readonly id: string }>): ReadonlyArray<string> =>
    rows.map(({ id }) => fromText(id))
  const atOnce = <A>(effect: Effect.Effect<A, SqlError>): Effect.Effect<A, SqlError> => sql.withTransaction(effect)

  return {
    insert: (rows) =>
      Effect.map(atOnce(Effect.forEach(parts(toInserts(rows)), insertPart)), (added) => {
        const ids = new Set(added.flat())
        return rows.map(({ id }) => ({ id, isNew: ids.delete(id) }))
      }),
    claim: (runner, buckets) =>
      Effect.map(
        sql<{ readonly bucket: unknown; readonly epoch: unknown }>`
          INSERT INTO ${names.buckets} (bucket, epoch, runner)
          SELECT bucket, 1, ${toText(runner)} FROM (SELECT value AS bucket FROM json_each(${JSON.stringify(buckets)})) WHERE true
          ON CONFLICT (bucket) DO UPDATE SET epoch = epoch + 1, runner = excluded.runner
          RETURNING bucket, epoch`,
        (claimed) => {
          const epochs = new Map(claimed.map(({ bucket, epoch }) => [Number(bucket), Number(epoch)]))
          return buckets.map((bucket) => ({ bucket, epoch: epochs.get(bucket) ?? 0 }))
        }
      ),
    release: (claims) =>
      Effect.asVoid(sql`
        UPDATE ${names.buckets} AS old SET epoch = old.epoch + 1, runner = NULL
        FROM (${batchOf(claims, "bucket", "epoch")}) AS claim
        WHERE old.bucket = claim.bucket AND old.epoch = claim.epoch`),
    scan: ({ claims, horizonMillis, kinds, since }) =>
      atOnce(
        Effect.gen(function* () {
          const [meta] = yield* sql<{ readonly at: unknown; readonly change: unknown; readonly paused: string }>`
            SELECT ${now} AS at, value AS change, (SELECT json_group_array(kind) FROM ${names.paused}) AS paused
            FROM ${names.counters} WHERE name = 'change'`
          const at = Number(meta?.at)
          const dueBefore = Math.max(since?.dueBefore ?? 0, Math.floor(at + horizonMillis))
          const held = yield* sql<{ readonly bucket: unknown }>`
            SELECT bucket FROM (${batchOf(claims, "bucket", "epoch")}) JOIN ${names.buckets} USING (bucket, epoch)`
          const buckets = held.map(({ bucket }) => Number(bucket))
          // Which index is to be used is said by each query, with a sign before the columns of the others: SQLite cannot
          // guess that few rows have changed.
          const isChanged = sql`state <> 'ended' AND ${isText("+kind", kinds)} AND ${isNumber("+bucket", buckets)}
            AND +due_at < ${dueBefore}`
          const isDue = sql`state <> 'ended' AND ${isText("+kind", kinds)} AND ${isNumber("bucket", buckets)}
            AND due_at < ${dueBefore}`
          const rows =
            since === undefined
              ? []
              : yield* sql<Stored>`
                  SELECT ${all} FROM ${names.jobs} WHERE ${isChanged} AND change > ${Number(since.change)}
                  UNION ALL
                  SELECT ${all} FROM ${names.jobs} WHERE ${isDue} AND due_at >= ${since.dueBefore}
                    AND +change <= ${Number(since.change)}`
          const isHeldNow = new Set(buckets)
          return {
            now: at,
            cursor: { change: String(meta?.change), dueBefore },
            rows: rows.map(rowOf),
            lost: claims.flatMap(({ bucket }) => (isHeldNow.has(bucket) ? [] : [bucket])),
            paused: (JSON.parse(meta?.paused ?? "[]") as ReadonlyArray<string>).map(fromText)
          }
        })
      ),
    load: ({ after, buckets, dueBefore, kinds, limit }) =>
      Effect.map(
        sql<Stored>`
          SELECT ${all} FROM ${names.jobs}
          WHERE ${isNumber("bucket", buckets)} AND state <> 'ended' AND ${isText("kind", kinds)}
            AND due_at < ${dueBefore} AND (due_at, id) > (${after?.dueAt ?? -1}, ${toText(after?.id ?? "")})
          ORDER BY due_at, id LIMIT ${limit}`,
        (rows) => rows.map(rowOf)
      ),
    finish: (kind, batch) =>
      batch.length === 0
        ? Effect.succeed([])
        : atOnce(
            Effect.gen(function* () {
              const finished = batch.map((): Finished => "late")
              for (const layer of withoutRepeats(batch)) {
                const { ended, fenced } = yield* finishPart(kind, toFinishes(layer.map(([, finish]) => finish)))
                layer.forEach(([index, { id }], ord) => {
                  finished[index] = ended.has(id) ? "ended" : fenced.has(ord) ? "fenced" : "late"
                })
              }
              const change = toldOf(batch, finished)
              if (change !== undefined) yield* tell(change)
              return finished
            })
          ),
    save: (batch) =>
      batch.length === 0
        ? Effect.succeed([])
        : atOnce(
            Effect.flatMap(next("change", 1), (change) =>
              Effect.map(
                sql<{ readonly id: string }>`
                  UPDATE ${names.jobs} AS job SET token = batch.token, due_at = batch.due_at, change = ${change},
                    job_key = coalesce(batch.job_key, job.job_key), since = coalesce(batch.since, job.since),
                    state = CASE WHEN batch.job_key IS NULL THEN job.state ELSE 'pending' END
                  FROM (${batchOf(toSaves(batch), "id", "round", "bucket", "epoch", "token", "due_at", "job_key", "since")}) AS batch
                  WHERE job.id = batch.id AND job.round = batch.round AND job.state <> 'ended' AND ${isHeld}
                  RETURNING id`,
                idsOf
              )
            )
          ),
    submitting: (batch) =>
      Effect.map(
        sql<{ readonly id: string }>`
          UPDATE ${names.jobs} AS job SET state = 'submitting'
          FROM (${batchOf(batch.map(toHeld), "id", "round", "bucket", "epoch")}) AS batch
          WHERE job.id = batch.id AND job.round = batch.round AND job.state = 'outbox' AND ${isHeld}
          RETURNING id`,
        idsOf
      ),
    nudge: (kind, id) =>
      atOnce(
        Effect.gen(function* () {
          const change = yield* next("change", 1)
          const nudged = yield* sql`
            UPDATE ${names.jobs} SET nudges = nudges + 1, due_at = min(due_at, ${now}), change = ${change}
            WHERE id = ${toText(id)} AND kind = ${toText(kind)} AND state <> 'ended' RETURNING id`
          if (nudged.length > 0) yield* tell("submitted")
          return nudged.length > 0
        })
      ),
    reopen: (kind, id, hooks = []) => atOnce(reopenOnce(kind, id, hooks)),
    hook: (kind, id, hook) =>
      atOnce(
        Effect.gen(function* () {
          const text = toText(hook)
          // Adds to those of an ended row as well, which then have no effect: a write comes first.
          const [known] = yield* sql<Hooked>`
            UPDATE ${names.jobs} SET hooks = CASE
                WHEN ${text} IN (SELECT value FROM json_each(coalesce(hooks, '[]'))) THEN hooks
                ELSE json_insert(coalesce(hooks, '[]'), '$[#]', ${text}) END
            WHERE id = ${toText(id)} AND kind = ${toText(kind)} RETURNING state, round`
          if (known?.state === "ended") yield* due(toText(id), text, known.round)
          return known !== undefined
        })
      ),
    prune: (kind, olderThanMillis, limit) =>
      atOnce(
        Effect.gen(function* () {
          const gone = yield* sql<{ readonly id: string }>`
            DELETE FROM ${names.jobs} WHERE id IN (
              SELECT id FROM (
                SELECT id, ended_at FROM ${names.jobs} WHERE kind = ${toText(kind)} AND state = 'ended'
                ORDER BY position LIMIT ${limit})
              WHERE ended_at <= ${now} - ${Math.ceil(olderThanMillis)})
            RETURNING id`
          yield* sql`DELETE FROM ${names.hooks}
            WHERE id IN (SELECT value FROM json_each(${JSON.stringify(gone.map(({ id }) => id))}))`
          return gone.length
        })
      ),
    beat: (runner) =>
      atOnce(
        Effect.andThen(
          sql`INSERT INTO ${names.runners} (runner, beat_at) VALUES (${toText(runner)}, ${now})
            ON CONFLICT (runner) DO UPDATE SET beat_at = excluded.beat_at`,
          Effect.asVoid(sql`DELETE FROM ${names.runners} WHERE beat_at < ${now} - ${forgetAfter}`)
        )
      )
  }
}

interface Hooked {
  readonly state: string
  readonly round: unknown
}
