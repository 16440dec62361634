import type * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Service } from "../../../DurableStore.ts"
import type { Change } from "../model.ts"
import type { Tables } from "./tables.ts"

/** A part of a statement. */
export type Fragment = ReturnType<SqlClient["literal"]>

/** How the statements of a dialect are written. */
export interface Database {
  readonly sql: SqlClient
  /** The names of the tables, as parts of statements. */
  readonly names: Readonly<Record<"jobs" | "hooks" | "buckets" | "runners" | "paused" | "counters", Fragment>>
  readonly tables: Tables
  /** The time of the database in milliseconds. */
  readonly now: Fragment
  /** Whether a column has one of these texts. */
  readonly isText: (column: "id" | "kind" | "+kind", list: ReadonlyArray<string>) => Fragment
  /** Whether a column has one of these numbers. */
  readonly isNumber: (column: "bucket" | "+bucket", list: ReadonlyArray<number>) => Fragment
  /** Tells this process of a change, after the commit. */
  readonly tell: (change: Change) => Effect.Effect<void>
}

/** The operations of a store, before their errors are named. */
export type Operations<Name extends keyof Service> = {
  readonly [Key in Name]: Service[Key] extends (...args: infer Args) => Effect.Effect<infer A, unknown>
    ? (...args: Args) => Effect.Effect<A, SqlError>
    : Service[Key] extends Effect.Effect<infer A, unknown>
      ? Effect.Effect<A, SqlError>
      : never
}

/** The operations that each dialect has a form of its own for. */
export type Written =
  | "insert"
  | "claim"
  | "release"
  | "scan"
  | "load"
  | "finish"
  | "save"
  | "submitting"
  | "nudge"
  | "reopen"
  | "hook"
  | "prune"
  | "beat"

/** The names of tables as parts of statements. */
export const namesOf = (sql: SqlClient, tables: Tables): Database["names"] => ({
  jobs: sql.literal(tables.jobs),
  hooks: sql.literal(tables.hooks),
  buckets: sql.literal(tables.buckets),
  runners: sql.literal(tables.runners),
  paused: sql.literal(tables.paused),
  counters: sql.literal(tables.counters)
})

/** After how many milliseconds a silent runner is forgotten. */
export const forgetAfter = 24 * 60 * 60 * 1_000

/** How many rows are inserted by one statement at most. */
export const most = 1_000

/** The parts of a list that one statement takes. */
export const parts = <A>(list: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(list.length / most) }, (_, index) => list.slice(index * most, (index + 1) * most))
