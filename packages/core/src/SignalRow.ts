/**
 * A signal as a store keeps it, and its transitions.
 *
 * **When to use**
 *
 * Use to write a store of signals: see `SignalStore`.
 *
 * **Details**
 *
 * A row is plain JSON. All times in it are wall-clock milliseconds, whole numbers. `expired`, `settled` and `touched`
 * are the rules of signals for one row. A store applies them under a lock, or expresses them as conditions of its
 * database.
 *
 * @since 0.1.0
 */

/**
 * How the holder of a token ended its signal, encoded.
 *
 * @category models
 * @since 0.1.0
 */
export type Settlement =
  | {
      readonly _tag: "Succeeded"
      /** The result in the JSON form of the Schema of the job. */
      readonly value: unknown
    }
  | {
      readonly _tag: "Failed"
      /** The failure in the JSON form of the Schema of the job. */
      readonly failure: unknown
    }
  | {
      readonly _tag: "Canceled"
      /** Why, for people; not set if no reason was given. */
      readonly reason?: string
    }

/**
 * How a signal ended, encoded: by a settlement, by time, or because a newer one for the job took its place.
 *
 * @category models
 * @since 0.1.0
 */
export type Ending =
  | Settlement
  | {
      readonly _tag: "Expired"
      /** Which limit passed first. */
      readonly reason: "maxWaitTime" | "heartbeat"
    }
  | { readonly _tag: "Replaced" }

/**
 * A stored signal.
 *
 * @category models
 * @since 0.1.0
 */
export interface SignalRow {
  /** The SHA-256 of the token, as 64 lower-case hexadecimal digits. It identifies the signal. */
  readonly hash: string
  /** The name of the `Job`. */
  readonly job: string
  /** The encoded key. */
  readonly key: string
  /** The tags by which the signal can be listed. */
  readonly tags: ReadonlyArray<string>
  /** When the signal was made. */
  readonly createdAt: number
  /** When its `maxWaitTime` passes. */
  readonly expiresAt: number
  /** How long it may be without a heartbeat, in milliseconds, or `null` if it needs none. */
  readonly heartbeatMillis: number | null
  /** When it expires if no heartbeat comes before: `expiresAt`, or the end of its heartbeat if that is earlier. */
  readonly closesAt: number
  /** When it ended, or `null` while it is open. */
  readonly endedAt: number | null
  /** How it ended, or `null` while it is open. */
  readonly ending: Ending | null
}

/**
 * Which signals `list` yields. All given conditions must hold.
 *
 * @category models
 * @since 0.1.0
 */
export interface Filter {
  /** Only signals with this tag. Default: any. */
  readonly tag?: string | undefined
  /** Only signals that are open, or only those that have ended. A signal that is due to expire has ended. Default: both. */
  readonly state?: "open" | "ended" | undefined
  /** Only signals of the job with this name. Default: any. */
  readonly job?: string | undefined
  /** How many signals are listed at most, the oldest first; an integer >= 1, default 1,000. */
  readonly limit?: number | undefined
}

/**
 * Tests whether a signal is open at a time. One that is due to expire is not.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isOpen = (row: SignalRow, at: number): boolean => row.ending === null && at < row.closesAt

/**
 * Returns a row as it is at a time: ended as `Expired` if it was open and is due to expire, otherwise unchanged.
 *
 * @category transitions
 * @since 0.1.0
 */
export const expired = (row: SignalRow, at: number): SignalRow => {
  if (row.ending !== null || at < row.closesAt) return row
  const reason = row.closesAt < row.expiresAt ? "heartbeat" : "maxWaitTime"
  return { ...row, endedAt: row.closesAt, ending: { _tag: "Expired", reason } }
}

/**
 * Returns a row with an ending, if it is open at that time; otherwise `undefined`.
 *
 * @category transitions
 * @since 0.1.0
 */
export const settled = (
  row: SignalRow,
  ending: Settlement | { readonly _tag: "Replaced" },
  at: number
): SignalRow | undefined => (isOpen(row, at) ? { ...row, endedAt: at, ending } : undefined)

/**
 * Returns a row with a heartbeat at that time, if it is open then; otherwise `undefined`.
 *
 * @category transitions
 * @since 0.1.0
 */
export const touched = (row: SignalRow, at: number): SignalRow | undefined => {
  if (!isOpen(row, at)) return undefined
  return row.heartbeatMillis === null ? row : { ...row, closesAt: Math.min(row.expiresAt, at + row.heartbeatMillis) }
}

/**
 * Tests whether a row matches a filter at a time. The `limit` is ignored.
 *
 * @category predicates
 * @since 0.1.0
 */
export const matches = (row: SignalRow, filter: Filter, at: number): boolean =>
  (filter.tag === undefined || row.tags.includes(filter.tag)) &&
  (filter.job === undefined || row.job === filter.job) &&
  (filter.state === undefined || (filter.state === "open") === isOpen(row, at))
