import type { DurableRow } from "../../DurableRow.ts"

// The requests and results of stores. They are here so that the store in memory and `DurableStore` can share them.

/** A wait to store. The store sets its times. */
export interface Insert extends Pick<
  DurableRow,
  "id" | "kind" | "key" | "bucket" | "token" | "input" | "idempotencyKey" | "tags" | "deadlineMillis"
> {
  /** `"outbox"` for a job that a runner submits, otherwise `"pending"`. */
  readonly state: "outbox" | "pending"
  /** The run to wait for as JSON, where one key is used for several runs. Default: any. */
  readonly since?: string | null | undefined
  /** Milliseconds until the first check, from the time of the insert; at least 0. */
  readonly delayMillis: number
  /** The hooks: what to notify of the end; see `hook` of the store. */
  readonly hooks: ReadonlyArray<string>
}

/** The right to check the jobs of a bucket and to end them. It is lost as soon as the bucket is claimed again. */
export interface Claim {
  /** The number of the bucket, from 0. */
  readonly bucket: number
  /** The number of this claim among the claims of the bucket: each new one has a higher number. */
  readonly epoch: number
}

/** How far a runner has read the changes of open waits. Opaque: only the store that made it can read it. */
export interface Cursor {
  /** The changes that have been read, in a form of the store. */
  readonly change: string
  /** The time before which due rows have been read; wall-clock milliseconds of the database. */
  readonly dueBefore: number
}

/** The request of a scan. */
export interface ScanRequest {
  /** The claims of the runner. */
  readonly claims: ReadonlyArray<Claim>
  /** The kinds that it can check. */
  readonly kinds: ReadonlyArray<string>
  /** The cursor of the last scan. `undefined` for the first scan, which yields a cursor and no rows. */
  readonly since: Cursor | undefined
  /** Rows are read if they are due within this number of milliseconds from now. */
  readonly horizonMillis: number
}

/** The result of a scan. */
export interface Scan {
  /** The time of the database, in wall-clock milliseconds. */
  readonly now: number
  /** The cursor for the next scan. */
  readonly cursor: Cursor
  /**
   * Open rows in the buckets of the claims that were changed since the last scan (inserted, started again, nudged, saved) and
   * are due within the horizon, and those that have become due within it. A row may be yielded more than once.
   */
  readonly rows: ReadonlyArray<DurableRow>
  /** The buckets whose claims are lost. */
  readonly lost: ReadonlyArray<number>
  /** The kinds that are paused. */
  readonly paused: ReadonlyArray<string>
}

/** An ending to store. */
export interface Finish {
  /** The id of the job. */
  readonly id: string
  /** The round that has ended. If the wait was started again since, the row is not changed. */
  readonly round: number
  /** The claim of its bucket; `undefined` if the job is ended from outside (`settle`). */
  readonly claim: Claim | undefined
  /** `"Succeeded"`, or the tag of the error. */
  readonly outcome: string
  /** The ending as JSON. */
  readonly ending: string
  /** The number of checks made; `undefined` if it is not known. */
  readonly attempts: number | undefined
}

/**
 * The result of a `Finish`. `"ended"`: the ending was stored. `"late"`: the job had ended already, or its wait was started
 * again. `"fenced"`: the claim is lost, and nothing was stored.
 */
export type Finished = "ended" | "late" | "fenced"

/** The token of an open wait, stored by the process that has claimed its bucket. */
export interface Save {
  /** The id of the job. */
  readonly id: string
  /** The round. */
  readonly round: number
  /** The claim of its bucket. */
  readonly claim: Claim
  /** The `ResumeToken` of the wait as JSON, with times of the database. */
  readonly token: string
  /** When the next check is due, in wall-clock milliseconds of the database. */
  readonly dueAt: number
  /** The encoded key of a job that was just submitted, which makes the state `"pending"`. Without it, the state is kept. */
  readonly key?: string | undefined
  /** The run that was submitted as JSON, with the key. Default: the one that is stored. */
  readonly since?: string | undefined
}

/** Which waits to list: those that meet all of the conditions. */
export interface Filter {
  /** Only this kind. */
  readonly kind?: string | undefined
  /** Only this state; `"open"` is every state but `"ended"`. */
  readonly state?: DurableRow["state"] | "open" | undefined
  /** Only this outcome: `"Succeeded"`, or the tag of an error such as `"JobFailed"`. */
  readonly outcome?: string | undefined
  /** Only those with this tag. */
  readonly tag?: string | undefined
  /** Only those submitted, or last started again, at least this many milliseconds ago. */
  readonly olderThanMillis?: number | undefined
  /** Only rows after this one, the last of the page before. */
  readonly after?: { readonly createdAt: number; readonly id: string } | undefined
  /** The largest number of rows; an integer >= 1, default 100. */
  readonly limit?: number | undefined
}

/** The number of waits of a kind, by state and outcome. */
export interface KindStats {
  /** The name of the `Job`. */
  readonly kind: string
  /** The number of open waits by state. */
  readonly open: Readonly<Record<string, number>>
  /** The number of ended waits by outcome: those that are still retained. */
  readonly ended: Readonly<Record<string, number>>
  /** The age of the oldest open wait in milliseconds, from its submit or last restart; `null` if there is none. */
  readonly oldestMillis: number | null
  /** Whether the kind is paused. */
  readonly paused: boolean
}

/** A runner, as the store knows it. */
export interface RunnerRow {
  /** The id of the runner: a new one for each process. */
  readonly runner: string
  /** Milliseconds since its last sign of life. */
  readonly silentMillis: number
  /** The number of buckets whose newest claim is that of this runner. */
  readonly buckets: number
}

/**
 * A notification: `"submitted"` if jobs were stored or are to be checked soon, `"ended"` if jobs have ended, or which jobs were
 * settled. Notifications can be lost, so readers also query the store every second.
 */
export type Change = "submitted" | "ended" | Settled

/** Jobs that were ended without a claim, so that their runner does not know of it yet. */
export interface Settled {
  /** Their ids, and the rounds that have ended. */
  readonly settled: ReadonlyArray<{ readonly id: string; readonly round: number }>
}
