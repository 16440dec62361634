// The row of `hostile`.
import type { Row } from "../fleet/row.ts"
import { full, measure, ours } from "./hostile.ts"

export const row: Row = {
  name: "hostile",
  what:
    "one receiver on loopback (two routes of webhooks, one of signals), 10,000 honest ends, each sent three times, and 10,000 " +
    "hostile posts, shuffled; then 10,000 hostile posts alone. accepted: hostile posts that were answered by 2xx although they " +
    "must be refused, and waits that believed one. honestOnce: honest ends that were applied once and are the only end of " +
    "their wait. heapGrowthBytes: after a collection, by the hostile posts alone. mixedHeapGrowthBytes: the same by both, with " +
    "what a receiver has to remember. peakArrayBufferBytes: the most memory of bodies at a time.",
  aims: {
    accepted: { atMost: 0 },
    honestOnce: { atLeast: full.honest },
    heapGrowthBytes: { atMost: 1_000_000 },
    peakArrayBufferBytes: { atMost: 100_000_000 }
  },
  parts: { all: () => measure(ours, full) }
}
