import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { SqlClient } from "effect/sql/SqlClient"
import type { DurableRow } from "@effect-poll/durable/DurableRow"
import type { Claim, Cursor, Finish, Insert, Save, Service } from "@effect-poll/durable/DurableStore"

/** A store that is empty. */
export interface Subject {
  readonly store: Service
  /** A store of another client of the same rows; the same one where there can be one client only. */
  readonly other: Service
  /** The client of `store`, if it has one. */
  readonly sql: SqlClient | undefined
}

/** Makes a store that is empty. */
export type Make = Effect.Effect<Subject, unknown, Scope.Scope>

/** Runs a law on a store that is empty. */
export const on =
  (make: Make) =>
  <A, E>(law: (subject: Subject) => Effect.Effect<A, E, Scope.Scope>): Effect.Effect<A, unknown, Scope.Scope> =>
    Effect.flatMap(make, law)

export const minute = 60_000

/** A job to be stored. */
export const job = (id: string, over: Partial<Insert> = {}): Insert => ({
  id,
  kind: "render",
  key: `key of ${id}`,
  bucket: 0,
  token: null,
  input: null,
  idempotencyKey: null,
  tags: [],
  deadlineMillis: 10 * minute,
  state: "pending",
  delayMillis: 0,
  hooks: [],
  ...over
})

/** Several jobs to be stored. */
export const jobs = (ids: ReadonlyArray<string>, over: Partial<Insert> = {}): ReadonlyArray<Insert> =>
  ids.map((id) => job(id, over))

/** Ids in their order. */
export const numbered = (count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, index) => `job-${String(index).padStart(5, "0")}`)

/** An ending. */
export const end = (id: string, over: Partial<Finish> = {}): Finish => ({
  id,
  round: 1,
  claim: undefined,
  outcome: "Succeeded",
  ending: `{"of":"${id}"}`,
  attempts: 3,
  ...over
})

/** A change by the owner of a bucket. */
export const saved = (id: string, claim: Claim, over: Partial<Save> = {}): Save => ({
  id,
  round: 1,
  claim,
  token: `{"token":"${id}"}`,
  dueAt: 1,
  ...over
})

/** The claim of one bucket. */
export const claimOf = (store: Service, bucket: number, runner = "runner") =>
  Effect.map(store.claim(runner, [bucket]), ([claim]) => claim!)

/** What a runner with these claims learns. */
export const scan = (
  store: Service,
  claims: ReadonlyArray<Claim>,
  since: Cursor | undefined,
  over: { readonly kinds?: ReadonlyArray<string>; readonly horizonMillis?: number } = {}
) => store.scan({ claims, kinds: ["render"], since, horizonMillis: 5 * minute, ...over })

/** The one row with an id. */
export const get = (store: Service, id: string, kind = "render"): Effect.Effect<DurableRow, unknown> =>
  Effect.flatMap(store.find(kind, [id]), ([row]) => Effect.fromNullishOr(row))

export const idsOf = (rows: ReadonlyArray<{ readonly id: string }>): ReadonlyArray<string> =>
  rows.map(({ id }) => id).toSorted()
