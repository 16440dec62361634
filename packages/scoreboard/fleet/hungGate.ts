// A job whose gate never answers, beside a healthy one.
import { full, lagOf, neighbours } from "./hung.ts"
import { ratios } from "./hungNeighbour.ts"
import type { Row } from "./row.ts"
import { ours } from "./subject.ts"

export const row: Row = {
  name: "hungGate",
  what:
    "The same as hungNeighbour, where the 2,000 waits have a gate that never answers. lagRatio is the worse of questions " +
    "that can be interrupted and of those that cannot.",
  aims: { lagRatio: { atMost: 2 } },
  parts: {
    alone: async () => ({ lagMillis: await lagOf(ours, full) }),
    gateHangs: async () => ({ lagMillis: await lagOf(ours, full, neighbours.gateHangs) }),
    gateUninterruptible: async () => ({ lagMillis: await lagOf(ours, full, neighbours.gateUninterruptible) })
  },
  combine: ratios
}
