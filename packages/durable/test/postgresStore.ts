import * as PgClient from "@effect/sql-pg/PgClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Scope } from "effect/Scope"
import { SqlClient } from "effect/sql/SqlClient"
import { DurableStore, type Service } from "@effect-poll/durable/DurableStore"
import * as DurableStoreSql from "@effect-poll/durable/DurableStoreSql"
import * as postgres from "./postgres.ts"

/** A store and its client. */
export interface Opened {
  readonly store: Service
  readonly sql: SqlClient
}

/** Opens stores in a database that is created with the first of them. */
export const openerOf = (database: string) => {
  const created = Effect.runSync(Effect.cached(Effect.suspend(() => postgres.create(database))))
  let count = 0
  /** A store with a client of its own, as in a process of its own. */
  const open = (options: DurableStoreSql.Options): Effect.Effect<Opened, unknown, Scope> =>
    Effect.andThen(
      created,
      Effect.map(
        Layer.build(
          Layer.fresh(
            Layer.provideMerge(DurableStoreSql.layer(options), PgClient.layer({ url: postgres.url(database) }))
          )
        ),
        (context) => ({ store: Context.get(context, DurableStore), sql: Context.get(context, SqlClient) })
      )
    )
  return { open, prefix: () => `t${count++}_`, created }
}
