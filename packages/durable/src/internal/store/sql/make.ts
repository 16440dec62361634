import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { DurableStoreError } from "../../../DurableError.ts"
import type { Service } from "../../../DurableStore.ts"
import type { Change } from "../model.ts"
import { changesWith, listening } from "./changes.ts"
import type { Database, Operations, Written } from "./database.ts"
import * as postgres from "./postgres.ts"
import * as shared from "./shared.ts"
import * as sqlite from "./sqlite.ts"
import type { Tables } from "./tables.ts"

/** A store in tables of a database. A defect for a dialect that is not supported. */
export const make = (
  sql: SqlClient,
  tables: Tables,
  timeoutMillis: number,
  listens: boolean
): Effect.Effect<Service, never, Scope.Scope> =>
  Effect.gen(function* () {
    const unsupported = (): never => {
      throw new Error("DurableStoreSql supports PostgreSQL and SQLite")
    }
    const pubsub = yield* PubSub.sliding<Change>(1_024)
    const origin = `${yield* Random.nextInt}.${yield* Random.nextInt}`
    const tell = (change: Change): Effect.Effect<void> => sql.afterCommit(Effect.asVoid(PubSub.publish(pubsub, change)))
    const [operations, others] = yield* Effect.sync(() =>
      sql.onDialect({
        pg: () => both(postgres.database(sql, tables, origin, tell), postgres.operations),
        sqlite: () => both(sqlite.database(sql, tables, tell), sqlite.operations),
        mysql: unsupported,
        mssql: unsupported,
        clickhouse: unsupported
      })
    )
    const changes = yield* changesWith(pubsub, listens ? listening(sql) : undefined, tables.channel, origin)
    const again = <A>(effect: Effect.Effect<A, SqlError>): Effect.Effect<A, SqlError> =>
      Effect.flatMap(Effect.serviceOption(sql.transactionService), (transaction) =>
        Option.isSome(transaction) ? effect : Effect.retry(effect, { while: isConflict, times: mostTries })
      )
    const named = <A>(operation: string, effect: Effect.Effect<A, SqlError>): Effect.Effect<A, DurableStoreError> =>
      again(effect).pipe(
        Effect.timeout(timeoutMillis),
        Effect.mapError((cause) => new DurableStoreError({ operation, cause }))
      )
    return {
      insert: (rows) => (rows.length === 0 ? Effect.succeed([]) : named("insert", operations.insert(rows))),
      claim: (runner, buckets) => named("claim", operations.claim(runner, buckets)),
      release: (claims) => named("release", operations.release(claims)),
      scan: (request) => named("scan", operations.scan(request)),
      load: (request) => named("load", operations.load(request)),
      finish: (kind, batch) => named("finish", operations.finish(kind, batch)),
      save: (batch) => named("save", operations.save(batch)),
      submitting: (batch) => named("submitting", operations.submitting(batch)),
      nudge: (kind, id) => named("nudge", operations.nudge(kind, id)),
      reopen: (kind, id, hooks) => named("reopen", operations.reopen(kind, id, hooks)),
      find: (kind, ids) => (ids.length === 0 ? Effect.succeed([]) : named("find", others.find(kind, ids))),
      ended: (kind, after, limit) => named("ended", others.ended(kind, after, limit)),
      position: (kind) => named("position", others.position(kind)),
      list: (filter) => named("list", others.list(filter)),
      stats: named("stats", others.stats),
      pause: (kind, paused) => named("pause", others.pause(kind, paused)),
      hook: (kind, id, hook) => named("hook", operations.hook(kind, id, hook)),
      hooked: (request) => named("hooked", others.hooked(request)),
      unhook: (hooks) => named("unhook", others.unhook(hooks)),
      beat: (runner) => named("beat", operations.beat(runner)),
      runners: (withinMillis, buckets) => named("runners", others.runners(withinMillis, buckets)),
      prune: (kind, olderThanMillis, limit) => named("prune", operations.prune(kind, olderThanMillis, limit)),
      changes
    }
  })

/** How often an operation is repeated that the database has undone. */
const mostTries = 10

/** Whether the database has undone a statement since it met another one. A transaction would have to be repeated whole. */
const isConflict = ({ reason }: SqlError): boolean =>
  reason._tag === "DeadlockError" || reason._tag === "SerializationError"

const both = <Db extends Database>(
  db: Db,
  operations: (db: Db) => Operations<Written>
): readonly [Operations<Written>, ReturnType<typeof shared.operations>] => [operations(db), shared.operations(db)]
