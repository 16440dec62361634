// The row of `hostile`.
import type { Row } from "../fleet/row.ts"
import { full, measure, ours } from "./hostile.ts"

export const row: Row = {
  name: "hostile",
  what:
    "one receiver on loopback (two routes of webhooks, one of signals), 10,000 honest ends, each sent three times, and 10,000 " +
    "hostile posts, shuffled; then 10,000 hostile posts alone. accepted: hostile posts that were answered by 2xx although they " +
    "must be refused, and waits that believed one. honestOnce: honest ends that were applied once and are the only end of " +
    "their wait. heapBytesPerPost: what each of the last 5,000 hostile posts leaves behind after a collection. " +
    "mixedHeapGrowthBytes: what the first part leaves behind, deliveries and signals that are remembered included. " +
    "peakArrayBufferBytes: the most memory of bodies at a time, while 300 MB each are announced.",
  aims: {
    accepted: { atMost: 0 },
    honestOnce: { atLeast: full.honest },
    heapBytesPerPost: { atMost: 100 },
    peakArrayBufferBytes: { atMost: 100_000_000 }
  },
  parts: { all: () => measure(ours, full) }
}
