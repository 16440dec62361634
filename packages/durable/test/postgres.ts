import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { inject } from "vitest"
import "./postgres.setup.ts"

const server = inject("durablePostgres")

/** Whether tests that need PostgreSQL have to be skipped. */
export const isMissing = "missing" in server

if ("missing" in server) {
  process.stderr.write(`SKIPPED: tests that need PostgreSQL, which cannot be started: ${server.missing}\n`)
}

/** The port of the server that the run has started. */
export const port = "missing" in server ? 0 : server.port

/** The address of a database of the server that the run has started. */
export const url = (database: string): Redacted.Redacted => {
  if ("missing" in server) throw new Error(`PostgreSQL cannot be started: ${server.missing}`)
  return Redacted.make(`postgres://postgres@127.0.0.1:${server.port}/${database}`)
}

/** Creates an empty database. */
export const create = (database: string): Effect.Effect<void, SqlError> =>
  Effect.flatMap(SqlClient, (sql) => sql.unsafe(`CREATE DATABASE ${database}`)).pipe(
    Effect.asVoid,
    Effect.provide(PgClient.layer({ url: url("postgres"), maxConnections: 1 })),
    Effect.scoped
  )

/** A client of an empty database, which is created with the layer. */
export const layerOf = (
  database: string,
  config: Omit<PgClient.PgPoolConfig, "url"> = {}
): Layer.Layer<PgClient.PgClient | SqlClient, SqlError> =>
  Layer.unwrap(Effect.as(create(database), PgClient.layer({ ...config, url: url(database) })))
