import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Change, Finished } from "../model.ts"
import { toldOf } from "../told.ts"
import { type Database, forgetAfter, type Fragment, namesOf, type Operations, parts, type Written } from "./database.ts"
import { toFinishes, toHeld, toInserts, toSaves, withoutRepeats } from "./entry.ts"
import { columns, rowOf, type Stored } from "./stored.ts"
import type { Tables } from "./tables.ts"
import { fromText, toText } from "./text.ts"

// Parameters are passed as text and cast by the statement, so that it does not matter how a client encodes numbers.
// A row carries the id of the transaction that changed it last. A scan reads the rows whose transaction the snapshot of the
// scan before could not see: whatever has been committed since, however long that transaction was open.

/** How statements are written for PostgreSQL. `origin` marks the notifications of this process. */
export const database = (
  sql: SqlClient,
  tables: Tables,
  origin: string,
  tell: (change: Change) => Effect.Effect<void>
): Database & { readonly origin: string } => ({
  sql,
  tables,
  names: namesOf(sql, tables),
  now: sql.literal("floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"),
  // An array that is made once lets the planner use an index.
  isText: (column, list) =>
    sql`${sql.literal(column)} = ANY (ARRAY(SELECT json_array_elements_text(${JSON.stringify(list.map(toText))}::json)))`,
  isNumber: (column, list) =>
    sql`${sql.literal(column)} = ANY (ARRAY(SELECT json_array_elements_text(${JSON.stringify(list)}::json)::int))`,
  tell,
  origin
})

/** The operations that PostgreSQL has a form of its own for. */
export const operations = (db: ReturnType<typeof database>): Operations<Written> => {
  const { isText, names, now, origin, sql, tables, tell } = db
  const all = sql.literal(columns)
  const change = sql.literal("pg_current_xact_id()::text::bigint")
  const position = sql.literal(`'${tables.positions}'`)
  // A hook of an earlier round that was not delivered becomes that of the new end.
  const newer = sql.literal(
    "ON CONFLICT (id, hook) DO UPDATE SET round = EXCLUDED.round WHERE due.round < EXCLUDED.round"
  )
  const json = (value: unknown): Fragment => sql`${JSON.stringify(value)}::json`

  /** Notifies other processes if a query has rows, as a number. It runs only where it is read. */
  const notify = (what: "submitted" | "ended", query: Fragment): Fragment =>
    sql`(SELECT count(pg_notify(${tables.channel}, ${`${origin}:${what}`})) FROM (${query} LIMIT 1) AS noted)`

  /** The claims of a batch that hold. Until the commit nobody else can claim these buckets. */
  const held = sql`held AS MATERIALIZED (
    SELECT bucket, epoch FROM ${names.buckets}
    WHERE bucket = ANY (ARRAY(SELECT bucket FROM batch WHERE bucket IS NOT NULL)) ORDER BY bucket FOR SHARE)`

  let submittedToldAt = 0

  const insertPart = Effect.fnUntraced(function* (entries: ReturnType<typeof toInserts>) {
    // Commits that notify wait for each other, so single submits must not all do.
    const at = yield* Clock.currentTimeMillis
    const isTold = at < submittedToldAt || at >= submittedToldAt + tellEvery
    const changed = yield* sql<{
      readonly id: string
      readonly is_new: boolean
      readonly is_due: boolean
      readonly noted: unknown
    }>`
      WITH batch AS MATERIALIZED (
        SELECT * FROM json_to_recordset(${JSON.stringify(entries)}::json) AS batch (
          id text, kind text, job_key text, bucket int, state text, since text, deadline_millis bigint, delay bigint, token text,
          input text, idempotency_key text, tags text, hooks jsonb)),
      clock AS MATERIALIZED (SELECT ${now} AS at),
      changed AS (
        INSERT INTO ${names.jobs} AS job (id, kind, job_key, bucket, state, since, round, created_at, deadline_at,
          deadline_millis, due_at, nudges, change, token, input, idempotency_key, tags, hooks)
        SELECT id, kind, job_key, bucket, state, since, 1, at, at + deadline_millis, deadline_millis, at + delay, 0, ${change},
          token, input, idempotency_key, tags, hooks FROM batch, clock
        ON CONFLICT (id) DO UPDATE SET hooks = coalesce(job.hooks, '[]') || EXCLUDED.hooks
          WHERE EXCLUDED.hooks IS NOT NULL AND NOT coalesce(job.hooks, '[]') @> EXCLUDED.hooks
        RETURNING id, xmax = 0 AS is_new, state, round),
      due AS (
        INSERT INTO ${names.hooks} AS due (id, hook, round)
        SELECT DISTINCT id, hook, changed.round FROM changed JOIN batch USING (id) LEFT JOIN ${names.jobs} AS old USING (id),
          jsonb_array_elements_text(batch.hooks) AS hook
        WHERE changed.state = 'ended' AND NOT coalesce(old.hooks, '[]') @> jsonb_build_array(hook)
        ${newer} RETURNING id)
      SELECT id, is_new, state = 'ended' AS is_due,
        ${isTold ? notify("submitted", sql`SELECT 1 FROM changed WHERE is_new`) : sql.literal("0")}
          + ${notify("ended", sql`SELECT 1 FROM due`)} AS noted
      FROM changed`
    if (changed.some((row) => row.is_new)) {
      yield* tell("submitted")
      if (isTold) yield* sql.afterCommit(Effect.sync(() => (submittedToldAt = at)))
    }
    if (changed.some((row) => row.is_due)) yield* tell("ended")
    return changed.flatMap((row) => (row.is_new ? [fromText(row.id)] : []))
  })

  const find = (kind: string, id: string): Effect.Effect<Stored | undefined, SqlError> =>
    Effect.map(
      sql<Stored>`SELECT ${all} FROM ${names.jobs} WHERE id = ${toText(id)} AND kind = ${toText(kind)}`,
      ([row]) => row
    )

  /** The payload that notifies other processes of ends: the ids of settled jobs, if they fit. */
  const told = sql`coalesce((SELECT 'settled:' || list FROM (
      SELECT json_agg(json_build_array(ended.id, ended.round))::text AS list
      FROM ended JOIN batch ON batch.id = ended.id WHERE batch.epoch IS NULL) AS settled
    WHERE octet_length(list) <= ${String(mostTold)}::int), 'ended')`

  const finishPart = Effect.fnUntraced(function* (kind: string, entries: ReadonlyArray<object>) {
    const finished = yield* sql<{ readonly result: Finished; readonly noted: unknown }>`
      WITH batch AS MATERIALIZED (
        SELECT * FROM json_to_recordset(${JSON.stringify(entries)}::json) AS batch (
          ord int, id text, round int, bucket int, epoch bigint, outcome text, ending text, attempts int)),
      ${held},
      turn AS MATERIALIZED (
        SELECT pg_advisory_xact_lock(hashtextextended(${`${tables.channel}:${toText(kind)}`}, count(*) * 0))
        FROM held),
      ended AS (
        UPDATE ${names.jobs} AS job SET state = 'ended', outcome = batch.outcome, ending = batch.ending,
          ended_by = CASE WHEN batch.epoch IS NULL THEN 'settle' ELSE 'check' END, attempts = batch.attempts,
          ended_at = ${now}, position = nextval(${position}), token = NULL
        FROM turn, batch LEFT JOIN held USING (bucket, epoch)
        WHERE job.id = batch.id AND job.kind = ${toText(kind)} AND job.state <> 'ended' AND job.round = batch.round
          AND (batch.epoch IS NULL OR (held.epoch IS NOT NULL AND job.bucket = batch.bucket))
        RETURNING job.id, job.hooks, job.round),
      due AS (
        INSERT INTO ${names.hooks} AS due (id, hook, round)
        SELECT DISTINCT id, hook, round FROM ended, jsonb_array_elements_text(hooks) AS hook ${newer})
      SELECT CASE WHEN ended.id IS NOT NULL THEN 'ended'
          WHEN batch.epoch IS NOT NULL AND held.epoch IS NULL THEN 'fenced' ELSE 'late' END AS result,
        (SELECT count(pg_notify(${tables.channel}, ${`${origin}:`} || ${told})) FROM (SELECT 1 FROM ended LIMIT 1) AS noted)
          AS noted
      FROM batch LEFT JOIN ended ON ended.id = batch.id
        LEFT JOIN held ON held.bucket = batch.bucket AND held.epoch = batch.epoch
      ORDER BY batch.ord`
    return finished.map(({ result }) => result)
  })

  const heldBatch = sql.literal("AS batch (id text, round int, bucket int, epoch bigint")
  const idsOf = (rows: ReadonlyArray<{ readonly id: string }>): ReadonlyArray<string> =>
    rows.map(({ id }) => fromText(id))

  return {
    insert: Effect.fnUntraced(function* (rows) {
      const chunks = parts(toInserts(rows))
      const inserted = Effect.forEach(chunks, insertPart)
      const ids = new Set((yield* chunks.length > 1 ? sql.withTransaction(inserted) : inserted).flat())
      return rows.map(({ id }) => ({ id, isNew: ids.delete(id) }))
    }),
    claim: (runner, buckets) =>
      Effect.map(
        sql<{ readonly bucket: unknown; readonly epoch: unknown }>`
          INSERT INTO ${names.buckets} AS old (bucket, epoch, runner)
          SELECT number::int, 1, ${toText(runner)} FROM json_array_elements_text(${json(buckets)}) AS batch (number) ORDER BY number::int
          ON CONFLICT (bucket) DO UPDATE SET epoch = old.epoch + 1, runner = EXCLUDED.runner
          RETURNING bucket, epoch`,
        (claimed) => {
          const epochs = new Map(claimed.map(({ bucket, epoch }) => [Number(bucket), Number(epoch)]))
          return buckets.map((bucket) => ({ bucket, epoch: epochs.get(bucket) ?? 0 }))
        }
      ),
    release: (claims) =>
      Effect.asVoid(sql`
        UPDATE ${names.buckets} AS old SET epoch = old.epoch + 1, runner = NULL
        FROM json_to_recordset(${json(claims)}) AS claim (bucket int, epoch bigint)
        WHERE old.bucket = claim.bucket AND old.epoch = claim.epoch`),
    scan: Effect.fnUntraced(function* ({ claims, horizonMillis, kinds, since }) {
      const isOpen = sql`state <> 'ended' AND ${isText("kind", kinds)} AND due_at < (SELECT due_before FROM meta)
        AND bucket = ANY (ARRAY(SELECT bucket FROM held))`
      const seen = since?.change ?? null
      const found = yield* sql<Stored & { readonly meta: string | null }>`
        WITH claim AS MATERIALIZED (
          SELECT * FROM json_to_recordset(${json(claims)}) AS claim (bucket int, epoch bigint)),
        held AS MATERIALIZED (SELECT bucket FROM claim JOIN ${names.buckets} USING (bucket, epoch)),
        clock AS MATERIALIZED (SELECT ${now} AS at),
        meta AS MATERIALIZED (
          SELECT at, pg_current_snapshot()::text AS change,
            greatest(${String(since?.dueBefore ?? 0)}::bigint, at + ${String(Math.floor(horizonMillis))}::bigint) AS due_before,
            (SELECT json_agg(bucket) FROM claim WHERE bucket NOT IN (SELECT bucket FROM held)) AS lost,
            (SELECT json_agg(kind) FROM ${names.paused}) AS paused
          FROM clock)
        SELECT row_to_json(meta)::text AS meta, ${all} FROM meta LEFT JOIN ${names.jobs} ON false
        UNION ALL
        SELECT NULL, ${all} FROM ${names.jobs} WHERE ${isOpen}
          AND change >= ${since === undefined ? null : xminOf(since.change)}::bigint
          AND change < pg_snapshot_xmax(pg_current_snapshot())::text::bigint
          AND NOT pg_visible_in_snapshot(change::text::xid8, ${seen}::pg_snapshot)
        UNION ALL
        SELECT NULL, ${all} FROM ${names.jobs} WHERE ${isOpen}
          AND due_at >= ${since === undefined ? null : String(since.dueBefore)}::bigint`
      const rows = new Map<string, Stored>()
      let meta: Meta | undefined
      for (const row of found) {
        if (row.meta === null) rows.set(row.id, row)
        else meta = JSON.parse(row.meta)
      }
      if (meta === undefined) return yield* Effect.die(new Error("the scan has no result"))
      return {
        now: meta.at,
        cursor: { change: meta.change, dueBefore: meta.due_before },
        rows: Array.from(rows.values(), rowOf),
        lost: meta.lost ?? [],
        paused: (meta.paused ?? []).map(fromText)
      }
    }),
    load: ({ after, buckets, dueBefore, kinds, limit }) =>
      Effect.map(
        sql<Stored>`
          SELECT job.* FROM json_array_elements_text(${json(buckets)}) AS wanted (number) CROSS JOIN LATERAL (
            SELECT ${all} FROM ${names.jobs}
            WHERE bucket = wanted.number::int AND state <> 'ended' AND ${isText("kind", kinds)}
              AND due_at < ${String(Math.ceil(dueBefore))}::bigint
              AND (due_at, id) > (${String(after?.dueAt ?? -1)}::bigint, ${toText(after?.id ?? "")})
            ORDER BY due_at, id LIMIT ${String(limit)}::bigint) AS job
          ORDER BY due_at, id LIMIT ${String(limit)}::bigint`,
        (rows) => rows.map(rowOf)
      ),
    finish: Effect.fnUntraced(function* (kind, batch) {
      const finished = batch.map((): Finished => "late")
      for (const layer of withoutRepeats(batch)) {
        const results = yield* finishPart(kind, toFinishes(layer.map(([, finish]) => finish)))
        layer.forEach(([index], at) => (finished[index] = results[at] ?? "late"))
      }
      const change = toldOf(batch, finished)
      if (change !== undefined) yield* tell(change)
      return finished
    }),
    save: (batch) =>
      batch.length === 0
        ? Effect.succeed([])
        : Effect.map(
            sql<{ readonly id: string }>`
              WITH batch AS MATERIALIZED (
                SELECT * FROM json_to_recordset(${json(toSaves(batch))}) ${heldBatch}, token text, due_at bigint,
                  job_key text, since text)),
              ${held}
              UPDATE ${names.jobs} AS job SET token = batch.token, due_at = batch.due_at, change = ${change},
                job_key = coalesce(batch.job_key, job.job_key), since = coalesce(batch.since, job.since),
                state = CASE WHEN batch.job_key IS NULL THEN job.state ELSE 'pending' END
              FROM batch JOIN held USING (bucket, epoch)
              WHERE job.id = batch.id AND job.round = batch.round AND job.bucket = batch.bucket AND job.state <> 'ended'
              RETURNING job.id`,
            idsOf
          ),
    submitting: (batch) =>
      batch.length === 0
        ? Effect.succeed([])
        : Effect.map(
            sql<{ readonly id: string }>`
              WITH batch AS MATERIALIZED (SELECT * FROM json_to_recordset(${json(batch.map(toHeld))}) ${heldBatch})),
              ${held}
              UPDATE ${names.jobs} AS job SET state = 'submitting', change = ${change}
              FROM batch JOIN held USING (bucket, epoch)
              WHERE job.id = batch.id AND job.round = batch.round AND job.bucket = batch.bucket AND job.state = 'outbox'
              RETURNING job.id`,
            idsOf
          ),
    nudge: Effect.fnUntraced(function* (kind, id) {
      const nudged = yield* sql`
        WITH nudged AS (
          UPDATE ${names.jobs} SET nudges = nudges + 1, due_at = least(due_at, ${now}), change = ${change}
          WHERE id = ${toText(id)} AND kind = ${toText(kind)} AND state <> 'ended' RETURNING id)
        SELECT id, ${notify("submitted", sql`SELECT 1 FROM nudged`)} AS noted FROM nudged`
      if (nudged.length > 0) yield* tell("submitted")
      return nudged.length > 0
    }),
    reopen: Effect.fnUntraced(function* (kind, id, hooks = []) {
      const begin = sql<Stored>`
        WITH clock AS MATERIALIZED (SELECT ${now} AS at),
        begun AS (
          UPDATE ${names.jobs} SET state = CASE WHEN job_key IS NULL THEN 'outbox' ELSE 'pending' END,
            round = round + 1, created_at = at, deadline_at = at + deadline_millis, due_at = at, change = ${change},
            token = NULL, outcome = NULL, ending = NULL, ended_by = NULL, attempts = NULL, ended_at = NULL,
            position = NULL, hooks = ${hooks.length === 0 ? null : JSON.stringify(hooks.map(toText))}::jsonb
          FROM clock WHERE id = ${toText(id)} AND kind = ${toText(kind)} AND state = 'ended' RETURNING ${all})
        SELECT ${all}, ${notify("submitted", sql`SELECT 1 FROM begun`)} AS noted FROM begun`
      while (true) {
        const [begun] = yield* begin
        if (begun !== undefined) {
          yield* tell("submitted")
          return rowOf(begun)
        }
        const row = yield* find(kind, id)
        // One that has ended in between is begun again.
        if (row === undefined || row.state !== "ended") return row && rowOf(row)
      }
    }),
    hook: Effect.fnUntraced(function* (kind, id, hook) {
      const text = toText(hook)
      const [known] = yield* sql<{ readonly is_due: boolean }>`
        WITH known AS MATERIALIZED (
          SELECT id, state, round FROM ${names.jobs} WHERE id = ${toText(id)} AND kind = ${toText(kind)} FOR UPDATE),
        added AS (
          UPDATE ${names.jobs} AS job SET hooks = coalesce(job.hooks, '[]') || jsonb_build_array(${text}::text)
          FROM known WHERE job.id = known.id AND known.state <> 'ended'
            AND NOT coalesce(job.hooks, '[]') @> jsonb_build_array(${text}::text)),
        due AS (
          INSERT INTO ${names.hooks} AS due (id, hook, round)
          SELECT id, ${text}::text, round FROM known WHERE state = 'ended' ${newer} RETURNING id)
        SELECT state = 'ended' AS is_due, ${notify("ended", sql`SELECT 1 FROM due`)} AS noted FROM known`
      if (known?.is_due === true) yield* tell("ended")
      return known !== undefined
    }),
    prune: (kind, olderThanMillis, limit) =>
      Effect.map(
        sql<{ readonly n: unknown }>`
          WITH ended AS MATERIALIZED (
            SELECT id, ended_at FROM ${names.jobs} WHERE kind = ${toText(kind)} AND state = 'ended'
            ORDER BY position LIMIT ${String(limit)}::bigint FOR UPDATE SKIP LOCKED),
          gone AS (
            DELETE FROM ${names.jobs} AS job USING ended
            WHERE job.id = ended.id AND ended.ended_at <= ${now} - ${String(Math.ceil(olderThanMillis))}::bigint
            RETURNING job.id),
          unhooked AS (DELETE FROM ${names.hooks} AS hook USING gone WHERE hook.id = gone.id)
          SELECT count(*) AS n FROM gone`,
        ([row]) => Number(row?.n)
      ),
    beat: (runner) =>
      Effect.asVoid(sql`
        WITH silent AS (DELETE FROM ${names.runners} WHERE beat_at < ${now} - ${String(forgetAfter)}::bigint)
        INSERT INTO ${names.runners} (runner, beat_at) VALUES (${toText(runner)}, ${now})
        ON CONFLICT (runner) DO UPDATE SET beat_at = EXCLUDED.beat_at`)
  }
}

/** How many milliseconds there are at least between two notifications of submits. */
const tellEvery = 100

/** How many bytes of ids a notification has at most. One of 8,000 bytes or more is an error. */
const mostTold = 7_500

interface Meta {
  readonly at: number
  readonly change: string
  readonly due_before: number
  readonly lost: ReadonlyArray<number> | null
  readonly paused: ReadonlyArray<string> | null
}

/** The oldest transaction that a snapshot, "xmin:xmax:others", could not see. */
const xminOf = (snapshot: string): string => snapshot.slice(0, snapshot.indexOf(":"))
