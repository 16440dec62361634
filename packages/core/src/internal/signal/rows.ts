import type { Filter, Row, Settlement } from "../../SignalStore.ts"

// What may happen to a stored signal, as functions of its row.

export const isOpen = (row: Row, at: number): boolean => row.ending === null && at < row.closesAt

export const expired = (row: Row, at: number): Row => {
  if (row.ending !== null || at < row.closesAt) return row
  const reason = row.closesAt < row.expiresAt ? "heartbeat" : "maxWaitTime"
  return { ...row, endedAt: row.closesAt, ending: { _tag: "Expired", reason } }
}

export const settled = (
  row: Row,
  ending: Settlement | { readonly _tag: "Replaced" },
  at: number
): Row | undefined => (isOpen(row, at) ? { ...row, endedAt: at, ending } : undefined)

export const touched = (row: Row, at: number): Row | undefined => {
  if (!isOpen(row, at)) return undefined
  return row.heartbeatMillis === null
    ? row
    : { ...row, closesAt: Math.min(row.expiresAt, at + row.heartbeatMillis) }
}

export const matches = (row: Row, filter: Filter, at: number): boolean =>
  (filter.tag === undefined || row.tags.includes(filter.tag)) &&
  (filter.job === undefined || row.job === filter.job) &&
  (filter.state === undefined || (filter.state === "open") === isOpen(row, at))

/** How many signals are listed unless a filter says so. */
export const defaultLimit = 1_000
